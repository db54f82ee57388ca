/*
 * cpio.c - unpack an initramfs (the "newc" form) into the root.
 *
 * A record is a header of 110 ASCII bytes, the name, the data; name and data
 * are each padded to 4 bytes. Names of one inode are hard links; the data comes
 * with the last. Several archives may follow each other.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

#define HEADER 110u

enum field {
	F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_DEVMAJOR,
	F_DEVMINOR, F_RDEVMAJOR, F_RDEVMINOR, F_NAMESIZE, F_CHECK, FIELDS,
};

struct record {
	uint32_t field[FIELDS];
	const char *name;
	const void *data;
};

/* A name of an inode that has others. */
struct linked {
	uint32_t ino, major, minor;
	struct dentry *dentry;
	struct linked *next;
};

struct unpack {
	const char *at;
	size_t left;
	struct linked *links;
};

static bool
hex(const char *s, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 8; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

static bool
advance(struct unpack *u, size_t n)
{
	n = (n + 3) & ~(size_t)3;
	if (n > u->left)
		n = u->left;
	u->at += n;
	u->left -= n;
	return u->left > 0;
}

/* False: no further record, or none that can be read. */
static bool
next_record(struct unpack *u, struct record *r)
{
	while (u->left > 0 && *u->at == '\0') {
		u->at++;
		u->left--;
	}
	if (u->left < HEADER || (memcmp(u->at, "070701", 6) != 0 &&
	    memcmp(u->at, "070702", 6) != 0))
		return false;
	for (int i = 0; i < FIELDS; i++)
		if (!hex(u->at + 6 + 8 * i, &r->field[i]))
			return false;
	r->name = u->at + HEADER;
	if (r->field[F_NAMESIZE] == 0 ||
	    r->field[F_NAMESIZE] > u->left - HEADER ||
	    r->name[r->field[F_NAMESIZE] - 1] != '\0')
		return false;
	(void)advance(u, HEADER + r->field[F_NAMESIZE]);
	r->data = u->at;
	if (r->field[F_SIZE] > u->left)
		return false;
	(void)advance(u, r->field[F_SIZE]);
	return true;
}

static struct linked *
find_link(struct unpack *u, const struct record *r)
{
	struct linked *l;

	for (l = u->links; l != NULL; l = l->next)
		if (l->ino == r->field[F_INO] &&
		    l->major == r->field[F_DEVMAJOR] &&
		    l->minor == r->field[F_DEVMINOR])
			return l;
	return NULL;
}

static void
remember_link(struct unpack *u, const struct record *r, struct dentry *d)
{
	struct linked *l = tome_kmalloc(the_vm, sizeof *l);

	if (l == NULL)
		return;
	dentry_ref(d);
	*l = (struct linked){r->field[F_INO], r->field[F_DEVMAJOR],
		r->field[F_DEVMINOR], d, u->links};
	u->links = l;
}

static int
fill(struct dentry *d, const struct record *r)
{
	struct file *f;
	uint64_t pos = 0;
	int64_t done;
	int err = file_open_dentry(d, O_WRONLY, &f);

	if (err != 0)
		return err;
	done = file_write(f, ubuf_kernel(r->data), r->field[F_SIZE], &pos);
	file_unref(f);
	return done == (int64_t)r->field[F_SIZE] ? 0 : -ENOSPC;
}

static int
regular(struct unpack *u, const struct record *r, struct walk *w)
{
	struct linked *l = r->field[F_NLINK] > 1 ? find_link(u, r) : NULL;
	struct dentry *d;
	int err = 0;

	if (l != NULL) {
		err = vfs_link(l->dentry, NULL, r->name);
		return err == 0 && r->field[F_SIZE] > 0 ?
		    fill(l->dentry, r) : err;
	}
	err = vfs_create(w, r->field[F_MODE], 0, &d);
	if (err != 0)
		return err;
	if (r->field[F_NLINK] > 1)
		remember_link(u, r, d);
	if (r->field[F_SIZE] > 0)
		err = fill(d, r);
	dentry_unref(d);
	return err;
}

static int
symlink_record(const struct record *r)
{
	char *target = tome_kmalloc(the_vm, PATH_MAX);
	size_t n = r->field[F_SIZE] < PATH_MAX - 1 ? r->field[F_SIZE] :
	    PATH_MAX - 1;
	int err;

	if (target == NULL)
		return -ENOMEM;
	memcpy(target, r->data, n);
	target[n] = '\0';
	err = vfs_symlink(target, NULL, r->name);
	tome_kfree(the_vm, target);
	return err;
}

static int
extract(struct unpack *u, const struct record *r)
{
	uint32_t mode = r->field[F_MODE];
	struct dentry *d;
	struct walk w;
	int err;

	if ((mode & S_IFMT) == S_IFLNK)
		return symlink_record(r);
	err = walk_path(NULL, r->name, WALK_PARENT, &w);
	if (err != 0)
		return err;
	if (w.dentry != NULL && inode_is(w.dentry->inode, S_IFDIR)) {
		walk_end(&w);	/* there already: the root, a mount */
		return 0;
	}
	if ((mode & S_IFMT) == S_IFREG)
		err = regular(u, r, &w);
	else
		err = vfs_create(&w, mode, r->field[F_RDEVMAJOR] << 8 |
		    r->field[F_RDEVMINOR], NULL);
	walk_end(&w);
	if (err == 0 && path_lookup(NULL, r->name, 0, &d) == 0) {
		d->inode->mode = mode;
		d->inode->uid = r->field[F_UID];
		d->inode->gid = r->field[F_GID];
		d->inode->mtime = r->field[F_MTIME] * (uint64_t)1000000000u;
		dentry_unref(d);
	}
	return err;
}

void
cpio_unpack(const void *archive, size_t n)
{
	struct unpack u = {.at = archive, .left = n};
	struct linked *l;
	struct record r;
	int err;

	while (next_record(&u, &r)) {
		if (strcmp(r.name, "TRAILER!!!") == 0)
			continue;
		err = extract(&u, &r);
		if (err != 0)
			kprintf("initramfs: %s: error %d\n", r.name, -err);
	}
	if (u.left > 0)
		kprintf("initramfs: %zu bytes are not a cpio archive\n",
		    u.left);
	while ((l = u.links) != NULL) {
		u.links = l->next;
		dentry_unref(l->dentry);
		tome_kfree(the_vm, l);
	}
}
