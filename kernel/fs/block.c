/*
 * block.c - disks as files: /dev/vda and so on. Their content is a vnode object, so
 * that reading, writing and mapping share one cache.
 *
 * Locks: block_lock, over the making of objects, which are never dropped. The table of
 * disks is filled before there are processes.
 */
#include <block.h>
#include <fs/vfs.h>
#include <machine.h>
#include <mm.h>
#include <tome/pager.h>

#define DISKS 16u

static struct block *disks[DISKS];
static unsigned ndisks;

static struct mutex block_lock;
static struct tome_object *objects[DISKS];

void
block_add(struct block *b)
{
	if (ndisks < DISKS)
		disks[ndisks++] = b;
}

struct block *
block_get(unsigned n)
{
	return n < ndisks ? disks[n] : NULL;
}

void
block_transfer(void *block, struct tome_io *io)
{
	struct block *b = block;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < io->n; i++)
		bytes += io->vec[i].len;
	if (io->n > BLOCK_PAGES || io->at + bytes > b->bytes) {
		tome_io_done(io, TOME_EIO);
	} else {
		mm_transfer(io, bytes);
		b->transfer(b, io);
	}
}

static uint64_t
patience_s(void)
{
	uint64_t seconds = 0;
	char text[6];

	if (!boot_option("patience", text, sizeof text) || text[0] == '\0')
		return PATIENCE_S;
	for (const char *p = text; *p >= '0' && *p <= '9'; p++)
		seconds = seconds * 10 + (uint64_t)(*p - '0');
	return seconds;
}

uint64_t
io_patience(void)
{
	static _Atomic uint64_t known = UINT64_MAX;

	if (known == UINT64_MAX)
		known = patience_s() * 1000000000u;
	return known;
}

static unsigned
disk_number(const struct inode *i)
{
	return (unsigned)(i->rdev & 0xff);
}

struct block *
block_of(const struct inode *i)
{
	if (!inode_is(i, S_IFBLK) || i->rdev >> 8 != BLOCK_MAJOR ||
	    disk_number(i) >= DISKS)
		return NULL;
	return block_get(disk_number(i));
}

struct tome_object *
block_object(const struct inode *i)
{
	const struct tome_pager pager = { .max_pages = BLOCK_PAGES,
		.patience = io_patience(), .read = block_transfer,
		.write = block_transfer };
	struct block *b = block_of(i);
	struct tome_object **object = &objects[disk_number(i)];

	mutex_lock(&block_lock);
	if (*object == NULL && tome_object_create_vnode(the_vm, &pager, b,
	    b->bytes, object) != TOME_OK)
		*object = NULL;
	if (*object != NULL)
		tome_object_ref(*object);
	mutex_unlock(&block_lock);
	return *object;
}

static struct tome_object *
object_of(const struct file *f)
{
	return objects[disk_number(f->inode)];
}

static int64_t
block_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	return content_read(object_of(f), f, to, n, pos);
}

static int64_t
block_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	uint64_t size = tome_object_size(object_of(f));

	if (*pos >= size)
		return n > 0 ? -ENOSPC : 0;
	return content_write(object_of(f), from, n > size - *pos ?
	    size - *pos : n, pos);
}

static int
block_sync(struct file *f)
{
	return content_sync(object_of(f), f);
}

static int
block_map(struct file *f, struct tome_object **out)
{
	*out = object_of(f);
	tome_object_ref(*out);
	return 0;
}

static void
block_release(struct file *f)
{
	if (f->writable)
		(void)!tome_object_sync(object_of(f), 0, 0, false);
	content_close(f);
}

static const struct file_ops block_ops = {
	.read = block_read, .write = block_write, .sync = block_sync,
	.object = block_map, .release = block_release, .seekable = true,
};

int
block_open(struct inode *i, struct file *f)
{
	struct tome_object *ob = block_object(i);

	if (ob == NULL)
		return -ENOMEM;
	i->size = tome_object_size(ob);
	f->ops = &block_ops;
	/* The table's reference keeps it. */
	tome_object_unref(ob);
	return content_open(ob, f);
}
