/*
 * swap.c - swap areas on disks, and on files whose store can be had past the cache.
 *
 * As Linux: the first page is a header, whose last ten bytes say so (mkswap(8)); its
 * version must be 1, and it says how many pages there are.
 *
 * With compress=, what goes to swap is first kept in memory, packed: in up to so many
 * percent of it (docs/compression.md).
 * Locks: swap_lock, over the table.
 */
#include <block.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <overcommit.h>
#include <process.h>
#include <swap.h>
#include <syscall.h>
#include <tome/paging.h>

#define AREAS 8u
#define SIGNATURE "SWAPSPACE2"
#define HEADER_AT 1024u
#define FLAG_PREFER 0x8000u
#define FLAG_PRIORITY 0x7fffu
#define FLAGS_KNOWN 0x7ffffu
#define COMPRESS_PERCENT 20u

struct header {
	uint32_t version, last_page, nr_badpages;
};

static struct mutex swap_lock;
static struct area {
	/* One of the two; neither: not in use. */
	struct block *block;
	struct file *file;		/* counted, its inode is swapping */
	struct swap_info info;
	unsigned id;
} areas[AREAS];
static int next_priority = -2;		/* as Linux counts those not asked for */

/* What mkswap left; 0: nothing good. */
static uint64_t
header_pages(struct tome_object *ob)
{
	char text[sizeof SIGNATURE - 1];
	struct header h;
	size_t done;

	if (tome_object_read(ob, TOME_PAGE_SIZE - sizeof text, text,
	    sizeof text, &done) != TOME_OK || done != sizeof text ||
	    memcmp(text, SIGNATURE, sizeof text) != 0)
		return 0;
	if (tome_object_read(ob, HEADER_AT, &h, sizeof h, &done) != TOME_OK ||
	    h.version != 1 || h.nr_badpages != 0)
		return 0;
	return (uint64_t)h.last_page + 1;
}

/* The content of what is swapped to is written, and leaves the cache. Counted. */
static int
area_object(const struct inode *i, struct file *f, struct tome_object **out)
{
	if (f != NULL)
		return f->ops->transfer == NULL ? -EINVAL :
		    f->ops->object(f, out);
	*out = block_object(i);
	return *out == NULL ? -ENOMEM : 0;
}

static int
area_pages(const struct inode *i, struct file *f, uint64_t *pages)
{
	struct tome_object *ob;
	int err = area_object(i, f, &ob);

	if (err != 0)
		return err;
	*pages = header_pages(ob);
	err = -(int)tome_object_sync(ob, 0, 0, true);
	if (err != 0)
		*pages = 0;
	(void)tome_object_discard_clean(ob, 0, 0);
	if (*pages > tome_object_size(ob) >> TOME_PAGE_SHIFT)
		*pages = 0;
	tome_object_unref(ob);
	return *pages > 1 ? 0 : -EINVAL;
}

static bool
is_used(const struct area *a)
{
	return a->block != NULL || a->file != NULL;
}

/* The lock is held. NULL inode: one that is not in use. */
static struct area *
area_of(const struct inode *i)
{
	for (unsigned n = 0; n < AREAS; n++) {
		struct area *a = &areas[n];

		if (i == NULL ? !is_used(a) : a->file != NULL ?
		    a->file->inode == i : is_used(a) &&
		    a->block == block_of(i))
			return a;
	}
	return NULL;
}

static void
area_start(void *area, struct tome_io *io)
{
	struct area *a = area;

	if (a->file != NULL)
		a->file->ops->transfer(a->file, io);
	else
		block_transfer(a->block, io);
}

/* compress= of the command line; what is no percentage counts as not said. */
static unsigned
compress_percent(void)
{
	char text[4];
	unsigned n = 0;

	if (!boot_option("compress", text, sizeof text) || text[0] == '\0')
		return COMPRESS_PERCENT;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return COMPRESS_PERCENT;
		n = n * 10 + (unsigned)(*p - '0');
	}
	return n <= 100 ? n : COMPRESS_PERCENT;
}

static void
compress(void)
{
	struct tome_stats s;

	tome_vm_stats(the_vm, &s);
	if (tome_swap_compress(the_vm, (tome_pfn_t)(s.frames_total *
	    compress_percent() / 100)) != TOME_OK)
		kprintf("no memory to compress into\n");
}

/* A file is counted by its area from then on. */
static int
area_add(const struct inode *i, struct file *f, const char *path,
    uint64_t pages, int priority)
{
	const struct tome_swap_device device = {
		.max_pages = BLOCK_PAGES, .patience = io_patience(),
		.start = area_start,
	};
	struct area *a = area_of(NULL);
	enum tome_err err;

	if (area_of(i) != NULL)
		return -EBUSY;
	if (a == NULL)
		return -EPERM;
	a->info = (struct swap_info){ .pages = pages - 1,
		.file = f != NULL,
		.priority = priority >= 0 ? priority : next_priority };
	a->file = f;
	a->block = f != NULL ? NULL : block_of(i);
	err = tome_swap_add(the_vm, &device, a, pages, 1, a->info.priority,
	    &a->id);
	if (err != TOME_OK) {
		a->file = NULL;
		a->block = NULL;
		return -(int)err;
	}
	if (f != NULL) {
		file_ref(f);
		f->inode->swapping = true;
	}
	if (priority < 0)
		next_priority--;
	strlcpy(a->info.path, path, sizeof a->info.path);
	compress();
	return 0;
}

static int
swap_on(const char *path, unsigned flags)
{
	int priority = flags & FLAG_PREFER ? (int)(flags & FLAG_PRIORITY) : -1;
	struct file *f = NULL;
	struct dentry *d;
	uint64_t pages;
	int err;

	if (flags & ~FLAGS_KNOWN)
		return -EINVAL;
	err = path_lookup(NULL, path, WALK_FOLLOW, &d);
	if (err != 0)
		return err;
	if (inode_is(d->inode, S_IFREG))
		err = file_open_dentry(d, O_RDWR, &f);
	else if (block_of(d->inode) == NULL)
		err = -EINVAL;
	if (err == 0)
		err = area_pages(d->inode, f, &pages);
	if (err == 0) {
		mutex_lock(&swap_lock);
		err = area_add(d->inode, f, path, pages, priority);
		mutex_unlock(&swap_lock);
		overcommit_renew();
	}
	if (f != NULL)
		file_unref(f);
	dentry_unref(d);
	return err;
}

static int
swap_off(const char *path)
{
	struct file *f = NULL;
	struct dentry *d;
	struct area *a;
	int err = path_lookup(NULL, path, WALK_FOLLOW, &d);

	if (err != 0)
		return err;
	err = -EINVAL;
	mutex_lock(&swap_lock);
	a = area_of(d->inode);
	if (a != NULL)
		err = -(int)tome_swap_remove(the_vm, a->id);
	if (a != NULL && err == 0) {
		f = a->file;
		a->file = NULL;
		a->block = NULL;
	}
	mutex_unlock(&swap_lock);
	if (f != NULL) {
		f->inode->swapping = false;
		file_unref(f);
	}
	overcommit_renew();
	dentry_unref(d);
	return err;
}

SYSCALL(swapon)
{
	char *path;
	int err = current_process()->cred.euid != 0 ? -EPERM :
	    path_in(a[0], &path);

	if (err != 0)
		return err;
	err = swap_on(path, (unsigned)a[1]);
	path_free(path);
	return err;
}

SYSCALL(swapoff)
{
	char *path;
	int err = current_process()->cred.euid != 0 ? -EPERM :
	    path_in(a[0], &path);

	if (err != 0)
		return err;
	err = swap_off(path);
	path_free(path);
	return err;
}

void
swap_start(void)
{
	char path[64];
	int err;

	if (!boot_option("swap", path, sizeof path))
		return;
	err = swap_on(path, 0);
	if (err != 0)
		kprintf("no swap on %s: error %d\n", path, -err);
}

bool
swap_look(unsigned n, struct swap_info *out)
{
	struct tome_swap_stats s;
	bool found = false;

	mutex_lock(&swap_lock);
	for (unsigned i = 0; i < AREAS && !found; i++)
		if (is_used(&areas[i]) && n-- == 0 &&
		    tome_swap_stats(the_vm, areas[i].id, &s)) {
			*out = areas[i].info;
			out->used = s.used;
			found = true;
		}
	mutex_unlock(&swap_lock);
	return found;
}

void
swap_ledger(struct tome_swap_stats *sum)
{
	struct tome_swap_stats s;

	memset(sum, 0, sizeof *sum);
	mutex_lock(&swap_lock);
	for (unsigned i = 0; i < AREAS; i++) {
		if (!is_used(&areas[i]) ||
		    !tome_swap_stats(the_vm, areas[i].id, &s))
			continue;
		sum->slots += s.slots;
		sum->used += s.used;
		sum->retired += s.retired;
		sum->allocated += s.allocated;
		sum->superseded += s.superseded;
		sum->dropped += s.dropped;
		sum->unwritten += s.unwritten;
		sum->home += s.home;
		sum->written += s.written;
		sum->read += s.read;
		sum->read_errors += s.read_errors;
		sum->write_errors += s.write_errors;
	}
	mutex_unlock(&swap_lock);
}

void
swap_totals(uint64_t *pages, uint64_t *used)
{
	struct swap_info s;

	*pages = *used = 0;
	for (unsigned n = 0; swap_look(n, &s); n++) {
		*pages += s.pages;
		*used += s.used;
	}
}
