/*
 * content.c - read() and write() of files whose content is a vnode object: straight
 * between the cached page and user memory, so that mappings see the same.
 *
 * Locks: none of its own; callers keep writers of one file apart.
 */
#include <fs/vfs.h>
#include <group.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <sched.h>
#include <tome/ledger.h>

struct content {
	struct mutex lock;		/* over ahead */
	struct tome_readahead ahead;
	struct tome_opener *opener;
};

int
content_open(struct tome_object *ob, struct file *f)
{
	struct content *c = tome_kzalloc(the_vm, sizeof *c);

	if (c == NULL)
		return -ENOMEM;
	if (tome_opener_create(ob, &c->opener) != TOME_OK) {
		tome_kfree(the_vm, c);
		return -ENOMEM;
	}
	f->data = c;
	return 0;
}

void
content_close(struct file *f)
{
	struct content *c = f->data;

	if (c == NULL)
		return;			/* it could not be opened */
	tome_opener_unref(c->opener);
	tome_kfree(the_vm, c);
}

struct tome_opener *
content_opener(const struct file *f)
{
	const struct content *c = f->data;

	return c->opener;
}

/* What fails is noted, and told once to each who has the file open; what does not end
 * is told to each who waited for it. */
int
content_sync_range(struct tome_object *ob, struct file *f, uint64_t first,
    uint64_t n, unsigned what)
{
	struct content *c = f->data;
	enum tome_err err = TOME_OK, told;

	if (what & SYNC_BEFORE)
		err = tome_object_sync_wait(ob, first, n);
	if (err == TOME_OK && (what & (SYNC_WRITE | SYNC_AFTER)) ==
	    (SYNC_WRITE | SYNC_AFTER))
		err = tome_opener_sync(c->opener, ob, first, n);
	else if (err == TOME_OK && (what & SYNC_WRITE))
		err = tome_object_sync(ob, first, n, false);
	else if (err == TOME_OK && (what & SYNC_AFTER))
		err = tome_object_sync_wait(ob, first, n);
	if (!(what & (SYNC_BEFORE | SYNC_AFTER)))
		return 0;
	told = tome_opener_error(c->opener, ob);
	return -(int)(told != TOME_OK ? told : err);
}

int
content_sync(struct tome_object *ob, struct file *f)
{
	return content_sync_range(ob, f, 0, 0, SYNC_WRITE | SYNC_AFTER);
}

/* Another who reads through this file now knows as well what comes next. */
static void
read_ahead(struct tome_object *ob, struct content *c, uint64_t at, size_t n,
    struct tome_map *payer)
{
	tome_pgoff_t first = at >> TOME_PAGE_SHIFT;
	tome_pgoff_t pages = ((at + n - 1) >> TOME_PAGE_SHIFT) - first + 1;

	if (!mutex_trylock(&c->lock))
		return;
	if (payer == NULL)
		tome_object_readahead(ob, &c->ahead, first, pages);
	else
		tome_ledger_readahead(payer, ob, &c->ahead, first, pages);
	mutex_unlock(&c->lock);
}

/* Within one page. */
static int
move_page(struct tome_object *ob, uint64_t at, struct ubuf u, uint64_t off,
    size_t n, bool write, struct tome_map *payer)
{
	tome_pgoff_t pg = at >> TOME_PAGE_SHIFT;
	tome_pfn_t pfn;
	enum tome_err err = payer == NULL ?
	    tome_object_get(ob, pg, write, &pfn) :
	    tome_ledger_get(payer, ob, pg, write, &pfn);
	int result;

	if (err != TOME_OK)
		return -(int)err;
	at &= TOME_PAGE_MASK;
	result = write ? ubuf_get_frame(u, off, pfn, at, n) :
	    ubuf_put_frame(u, off, pfn, at, n);
	tome_object_put(ob, pfn, write);
	return result;
}

/* [*pos, *pos + n) is within the file, or was. */
static int64_t
move(struct tome_object *ob, struct ubuf u, size_t n, uint64_t *pos,
    bool write, struct tome_map *payer)
{
	uint64_t at = *pos;
	size_t done = 0, part;
	int err = 0;

	while (done < n) {
		part = TOME_PAGE_SIZE - ((at + done) & TOME_PAGE_MASK);
		if (part > n - done)
			part = n - done;
		do
			err = move_page(ob, at + done, u, done, part, write, payer);
		while (oom_again(err));
		if (err != 0)
			break;
		done += part;
	}
	*pos = at + done;
	/* A truncation that comes between ends it. */
	return done > 0 || err == -ENXIO ? (int64_t)done : err;
}

int64_t
content_read(struct tome_object *ob, struct file *f, struct ubuf to, size_t n,
    uint64_t *pos)
{
	uint64_t size = tome_object_size(ob);
	struct tome_map *payer = group_payer();

	if (*pos >= size || n == 0)
		return 0;
	if (n > size - *pos)
		n = size - *pos;
	read_ahead(ob, f->data, *pos, n, payer);
	return move(ob, to, n, pos, false, payer);
}

int64_t
content_write(struct tome_object *ob, struct ubuf from, size_t n,
    uint64_t *pos)
{
	return move(ob, from, n, pos, true, group_payer());
}

/* ---- advice ---- */

static void
set_mode(struct content *c, enum tome_readahead_mode mode)
{
	mutex_lock(&c->lock);
	c->ahead.mode = mode;
	mutex_unlock(&c->lock);
}

static void
will_need(struct tome_object *ob, uint64_t first, uint64_t n)
{
	struct tome_readahead exactly = { .mode = TOME_READAHEAD_RANDOM };
	struct tome_map *payer = group_payer();

	if (payer == NULL)
		tome_object_willneed(ob, first, n);
	else
		tome_ledger_readahead(payer, ob, &exactly, first, n);
}

void
content_advise(struct tome_object *ob, struct file *f, uint64_t first,
    uint64_t n, enum content_advice advice)
{
	switch (advice) {
	case ADVISE_NORMAL:
		set_mode(f->data, TOME_READAHEAD_NORMAL);
		break;
	case ADVISE_RANDOM:
		set_mode(f->data, TOME_READAHEAD_RANDOM);
		break;
	case ADVISE_SEQUENTIAL:
		set_mode(f->data, TOME_READAHEAD_SEQUENTIAL);
		break;
	case ADVISE_WILLNEED:
		if (n > 0)
			will_need(ob, first, n);
		break;
	case ADVISE_DONTNEED:
		if (n > 0) {
			(void)!tome_object_sync(ob, first, n, false);
			(void)tome_object_discard_clean(ob, first, n);
		}
		break;
	case ADVISE_NOREUSE:
		break;
	}
}

/* ---- all of it ---- */

static uint64_t
unwritten(void)
{
	struct tome_stats s;

	tome_vm_stats(the_vm, &s);
	return s.files_dirty + s.files_writing;
}

/* As long as there is less of it each time: what cannot be written stays. */
void
content_sync_all(void)
{
	uint64_t left = UINT64_MAX, now;

	while ((now = unwritten()) > 0 && now < left) {
		left = now;
		(void)tome_writeback(the_vm, UINT64_MAX, TOME_FOREVER);
		tome_io_run(the_vm);
		for (unsigned ms = 0; unwritten() == left && ms < 1000; ms++) {
			(void)thread_sleep_until(clock_ns() + 1000000, false);
			tome_io_run(the_vm);
		}
	}
}
