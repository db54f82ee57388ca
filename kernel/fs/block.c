/*
 * block.c - disks as files: /dev/vda and so on. Their content is a vnode object, so
 * that reading, writing and mapping share one cache.
 *
 * Locks: block_lock, over the making of objects, which are never dropped.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <tome/pager.h>
#include <virtio/virtio.h>

#define DISKS 16u

static struct mutex block_lock;
static struct tome_object *objects[DISKS];

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
	static const struct tome_pager pager = { .max_pages = BLOCK_PAGES,
		.read = block_transfer, .write = block_transfer };
	struct block *b = block_of(i);
	struct tome_object **object = &objects[disk_number(i)];

	mutex_lock(&block_lock);
	if (*object == NULL && tome_object_create_vnode(the_vm, &pager, b,
	    block_bytes(b), object) != TOME_OK)
		*object = NULL;
	if (*object != NULL)
		tome_object_ref(*object);
	mutex_unlock(&block_lock);
	return *object;
}

/* Within one page. */
static int
move_page(struct tome_object *ob, uint64_t at, struct ubuf u, uint64_t off,
    size_t n, bool write)
{
	tome_pfn_t pfn;
	enum tome_err err = tome_object_get(ob, at >> TOME_PAGE_SHIFT, write,
	    &pfn);
	char *page;
	int result;

	if (err != TOME_OK)
		return -(int)err;
	page = (char *)tome_frame_va(the_vm, pfn) + (at & TOME_PAGE_MASK);
	result = write ? ubuf_get(u, off, page, n) : ubuf_put(u, off, page, n);
	tome_object_put(ob, pfn, write);
	return result;
}

static int64_t
move(struct file *f, struct ubuf u, size_t n, uint64_t *pos, bool write)
{
	struct tome_object *ob = f->data;
	uint64_t at = *pos, size = tome_object_size(ob);
	size_t done = 0, part;
	int err = 0;

	if (at >= size)
		return write && n > 0 ? -ENOSPC : 0;
	if (n > size - at)
		n = size - at;
	while (done < n && err == 0) {
		part = TOME_PAGE_SIZE - ((at + done) & TOME_PAGE_MASK);
		if (part > n - done)
			part = n - done;
		err = move_page(ob, at + done, u, done, part, write);
		if (err == 0)
			done += part;
	}
	*pos = at + done;
	return done > 0 ? (int64_t)done : err;
}

static int64_t
block_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	return move(f, to, n, pos, false);
}

static int64_t
block_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	return move(f, from, n, pos, true);
}

static int
block_sync(struct file *f)
{
	return -(int)tome_object_sync(f->data, 0, 0, true);
}

static int
block_map(struct file *f, struct tome_object **out)
{
	*out = f->data;
	tome_object_ref(*out);
	return 0;
}

static void
block_release(struct file *f)
{
	(void)!tome_object_sync(f->data, 0, 0, false);
	tome_object_unref(f->data);
}

static const struct file_ops block_ops = {
	.read = block_read, .write = block_write, .sync = block_sync,
	.object = block_map, .release = block_release, .seekable = true,
};

int
block_open(struct inode *i, struct file *f)
{
	f->data = block_object(i);
	if (f->data == NULL)
		return -ENOMEM;
	i->size = tome_object_size(f->data);
	f->ops = &block_ops;
	return 0;
}
