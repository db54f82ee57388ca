/*
 * p9fs.c - directories of the host's, over 9P.
 *
 * An inode stands for a file of the server's (its qid), by a fid; names in the tree
 * are a cache of what was looked up. What the server has is believed to stay as it
 * is where we only read; where we write, a name is asked for again before it is used.
 * Content is a vnode object, made when the file is first opened; its size is the
 * file's from then on, and the server's follows as pages are written.
 *
 * Invariant: an inode's node is in the table of its share while the inode lives.
 * Locks: inode->lock over a node's object; nodes_lock over the tables. tree_lock is
 *   held while names are looked up, and the server answers meanwhile.
 */
#include <block.h>
#include <fs/p9.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <tome/pager.h>

#define SHARES 4u
#define BUCKETS 1024u
#define NAMES_MIN 1024u
#define PAGE_SHARE 16u			/* one name for so many frames */

struct share {
	struct filesystem fs;		/* first: an inode's fs is its share */
	struct p9 *p9;
	bool writable;
	_Atomic uint64_t nodes;
	uint64_t nodes_max;
	struct node *table[BUCKETS];	/* under nodes_lock */
};

struct node {
	struct inode *inode;
	struct share *share;
	uint32_t fid;
	uint32_t open_fid;		/* of the object, while there is one */
	uint64_t path;			/* the qid's */
	uint64_t blocks;
	struct node *next;
};

/* What an object's pager knows: it may outlive the inode. */
struct content {
	struct p9 *p9;
	uint32_t fid;			/* open */
	bool writable;
};

static struct mutex nodes_lock;
static unsigned nshares;

static int p9fs_lookup(struct dentry *, const char *, struct dentry **);
static bool p9fs_valid(struct dentry *);
static int p9fs_readlink(struct dentry *, char *, size_t, struct dentry **);
static int p9fs_open(struct inode *, struct file *);
static void p9fs_destroy(struct inode *);
static int p9fs_resize(struct inode *, uint64_t);
static int p9fs_make(struct dentry *, const char *, uint32_t, uint64_t,
    const char *, struct inode **);
static int p9fs_link(struct dentry *, const char *, struct inode *);
static int p9fs_remove(struct dentry *);
static int p9fs_rename(struct dentry *, struct dentry *, const char *);
static int p9fs_set(struct inode *, unsigned, const struct inode_attr *);
static void p9fs_stat(struct inode *, struct stat *);
static int p9fs_statfs(struct inode *, struct statfs *);
static int64_t p9fs_read(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t p9fs_write(struct file *, struct ubuf, size_t, uint64_t *);
static int p9fs_sync(struct file *);
static int p9fs_object(struct file *, struct tome_object **);
static void p9fs_release(struct file *);
static void p9fs_transfer(struct file *, struct tome_io *);
static int directory_read(struct file *, struct dir_sink *, uint64_t *);
static void directory_release(struct file *);

static const struct file_ops p9fs_file = {
	.read = p9fs_read, .write = p9fs_write, .sync = p9fs_sync,
	.object = p9fs_object, .release = p9fs_release,
	.transfer = p9fs_transfer, .seekable = true,
};
static const struct file_ops p9fs_directory = {
	.readdir = directory_read, .release = directory_release,
	.seekable = true,
};
static const struct inode_ops read_only_ops = {
	.file = &p9fs_file, .lookup = p9fs_lookup, .readlink = p9fs_readlink,
	.open = p9fs_open, .destroy = p9fs_destroy, .cached = true,
	.stat = p9fs_stat, .statfs = p9fs_statfs,
};
static const struct inode_ops writable_ops = {
	.file = &p9fs_file, .lookup = p9fs_lookup, .readlink = p9fs_readlink,
	.open = p9fs_open, .destroy = p9fs_destroy, .cached = true,
	.valid = p9fs_valid, .resize = p9fs_resize, .make = p9fs_make,
	.link = p9fs_link, .remove = p9fs_remove, .rename = p9fs_rename,
	.set = p9fs_set, .stat = p9fs_stat, .statfs = p9fs_statfs,
};

/* ---- nodes ---- */

static struct node *
node_of(const struct inode *i)
{
	return i->data;
}

static struct node **
bucket(struct share *s, uint64_t path)
{
	return &s->table[(path ^ path >> 10 ^ path >> 32) % BUCKETS];
}

/* Its inode, counted, unless it is on its way out. nodes_lock is held. */
static struct inode *
find(struct share *s, uint64_t path)
{
	struct node *n;
	uint32_t refs;

	for (n = *bucket(s, path); n != NULL; n = n->next) {
		refs = n->inode->refs;
		while (n->path == path && refs != 0)
			if (atomic_compare_exchange_weak(&n->inode->refs,
			    &refs, refs + 1))
				return n->inode;
	}
	return NULL;
}

static void
take_attributes(struct inode *i, const struct p9_attr *a)
{
	i->mode = a->mode;
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = (uint32_t)a->nlink;
	i->atime = a->atime;
	i->mtime = a->mtime;
	i->ctime = a->ctime;
	node_of(i)->blocks = a->blocks;
	/* Of what is open we know better. */
	if (!inode_is(i, S_IFREG) || i->object == NULL)
		i->size = a->size;
}

static int
take_target(struct node *n)
{
	char *text = tome_kmalloc(the_vm, PATH_MAX);
	int err = -ENOMEM;
	size_t len;

	if (text == NULL)
		return err;
	err = p9_readlink(n->share->p9, n->fid, text, PATH_MAX);
	if (err == 0) {
		len = strlen(text) + 1;
		n->inode->target = tome_kmalloc(the_vm, len);
		if (n->inode->target != NULL)
			memcpy(n->inode->target, text, len);
		else
			err = -ENOMEM;
	}
	tome_kfree(the_vm, text);
	return err;
}

/* The fid is taken over, whatever happens. */
static int
node_new(struct share *s, uint32_t fid, struct inode **out)
{
	struct node *n = tome_kzalloc(the_vm, sizeof *n);
	struct p9_attr a = { .mode = 0 };
	struct inode *i = NULL;
	int err = p9_getattr(s->p9, fid, &a);

	if (err == 0 && n != NULL)
		i = inode_new(&s->fs, s->writable ? &writable_ops :
		    &read_only_ops, a.mode);
	if (i == NULL) {
		p9_clunk(s->p9, fid);
		tome_kfree(the_vm, n);
		return err != 0 ? err : -ENOMEM;
	}
	*n = (struct node){ .inode = i, .share = s, .fid = fid,
		.path = a.qid.path };
	i->data = n;
	i->ino = a.qid.path;
	i->rdev = a.rdev;
	take_attributes(i, &a);
	atomic_fetch_add(&s->nodes, 1);
	mutex_lock(&nodes_lock);
	n->next = *bucket(s, n->path);
	*bucket(s, n->path) = n;
	mutex_unlock(&nodes_lock);
	err = inode_is(i, S_IFLNK) ? take_target(n) : 0;
	if (err != 0)
		inode_unref(i);
	else
		*out = i;
	return err;
}

static void
p9fs_destroy(struct inode *i)
{
	struct node *n = node_of(i), **at;

	mutex_lock(&nodes_lock);
	at = bucket(n->share, n->path);
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	mutex_unlock(&nodes_lock);
	if (inode_is(i, S_IFREG) && i->object != NULL)
		tome_object_unref(i->object);	/* mappings may outlive it */
	else if (inode_is(i, S_IFLNK))
		tome_kfree(the_vm, i->target);
	p9_clunk(n->share->p9, n->fid);
	atomic_fetch_sub(&n->share->nodes, 1);
	tome_kfree(the_vm, n);
}

/* ---- names; tree_lock is held ---- */

/* The inode of a name, counted. */
static int
inode_of_name(struct dentry *dir, const char *name, struct inode **out)
{
	struct node *d = node_of(dir->inode);
	struct share *s = d->share;
	uint32_t fid = p9_fid(s->p9);
	struct p9_qid qid;
	int err = p9_walk(s->p9, d->fid, fid, name, &qid);

	if (err != 0)
		return err;
	mutex_lock(&nodes_lock);
	*out = find(s, qid.path);
	mutex_unlock(&nodes_lock);
	if (*out == NULL)
		return node_new(s, fid, out);
	p9_clunk(s->p9, fid);
	return 0;
}

static int
p9fs_lookup(struct dentry *dir, const char *name, struct dentry **out)
{
	struct share *s = node_of(dir->inode)->share;
	struct inode *i;
	int err;

	if (s->nodes >= s->nodes_max)
		dentry_shrink((unsigned)(s->nodes_max / 8));
	err = inode_of_name(dir, name, &i);
	if (err != 0)
		return err;
	*out = dentry_new(dir, name, i);
	if (*out == NULL)
		return -ENOMEM;
	dentry_link(*out);
	return 0;
}

/* Does the name still lead to the same file? What it is like is asked as well. */
static bool
p9fs_valid(struct dentry *d)
{
	struct node *n = node_of(d->inode), *dir = node_of(d->parent->inode);
	struct p9 *p9 = n->share->p9;
	uint32_t fid = p9_fid(p9);
	struct p9_qid qid;
	struct p9_attr a;

	if (p9_walk(p9, dir->fid, fid, d->name, &qid) != 0)
		return false;
	if (qid.path == n->path && p9_getattr(p9, fid, &a) == 0)
		take_attributes(d->inode, &a);
	p9_clunk(p9, fid);
	return qid.path == n->path;
}

static int
p9fs_readlink(struct dentry *d, char *buf, size_t size, struct dentry **jump)
{
	(void)jump;
	strlcpy(buf, d->inode->target, size);
	return 0;
}

static int
p9fs_make(struct dentry *dir, const char *name, uint32_t mode, uint64_t rdev,
    const char *target, struct inode **out)
{
	struct node *d = node_of(dir->inode);
	struct p9 *p9 = d->share->p9;
	int err = -EPERM;

	(void)rdev;
	if ((mode & S_IFMT) == S_IFDIR)
		err = p9_mkdir(p9, d->fid, name, mode);
	else if ((mode & S_IFMT) == S_IFLNK)
		err = p9_symlink(p9, d->fid, name, target);
	else if ((mode & S_IFMT) == S_IFREG || (mode & S_IFMT) == 0)
		err = p9_create(p9, d->fid, name, mode);
	if (err != 0)
		return err;
	do
		err = inode_of_name(dir, name, out);
	while (oom_insist(err));
	return err;
}

static int
p9fs_link(struct dentry *dir, const char *name, struct inode *i)
{
	struct node *d = node_of(dir->inode);

	return p9_link(d->share->p9, d->fid, node_of(i)->fid, name);
}

static int
p9fs_remove(struct dentry *d)
{
	struct node *dir = node_of(d->parent->inode);

	return p9_unlink(dir->share->p9, dir->fid, d->name,
	    inode_is(d->inode, S_IFDIR));
}

static int
p9fs_rename(struct dentry *from, struct dentry *dir, const char *name)
{
	struct node *was = node_of(from->parent->inode);

	return p9_rename(was->share->p9, was->fid, from->name,
	    node_of(dir->inode)->fid, name);
}

/* ---- attributes ---- */

static int
p9fs_set(struct inode *i, unsigned what, const struct inode_attr *to)
{
	const struct p9_attr a = { .mode = to->mode, .uid = to->uid,
		.gid = to->gid, .atime = to->atime, .mtime = to->mtime };
	unsigned which = (what & ATTR_MODE ? P9_SET_MODE : 0) |
	    (what & ATTR_UID ? P9_SET_UID : 0) |
	    (what & ATTR_GID ? P9_SET_GID : 0) |
	    (what & ATTR_ATIME ? P9_SET_ATIME : 0) |
	    (what & ATTR_MTIME ? P9_SET_MTIME : 0);

	return p9_setattr(node_of(i)->share->p9, node_of(i)->fid, which, &a);
}

/* Does its name lead to it still? A server may know a file that is open by its name
 * alone, as QEMU's does: without one it cannot be resized, another's must not be. */
static int
has_name(struct inode *i, bool *named)
{
	struct node *n = node_of(i);
	struct p9_attr a;
	int err = p9_getattr(n->share->p9, n->fid, &a);

	*named = err == 0 && a.qid.path == n->path;
	return err == -ENOENT ? 0 : err;
}

static int
set_size(struct inode *i, uint64_t size)
{
	const struct p9_attr a = { .size = size };

	return p9_setattr(node_of(i)->share->p9, node_of(i)->fid, P9_SET_SIZE,
	    &a);
}

static int
resize_object(struct inode *i, uint64_t size)
{
	enum tome_err err = TOME_OK;

	if (i->object != NULL)
		err = tome_object_resize(i->object, size);
	if (err == TOME_OK)
		i->size = size;
	return -(int)err;
}

static int
grow(struct inode *i, uint64_t size, bool named)
{
	int err = named ? set_size(i, size) : 0;

	if (err != 0)
		return err;
	err = resize_object(i, size);
	if (err != 0 && named)
		(void)set_size(i, i->size);
	return err;
}

/* What lies behind the new end of a file without a name stays in the store: as zeroes. */
static int
wipe(struct inode *i, uint64_t from)
{
	static const char zeroes[512];
	enum tome_err err = TOME_OK;
	size_t n, done;

	for (uint64_t at = from; err == TOME_OK && at < i->size; at += n) {
		n = i->size - at < sizeof zeroes ? (size_t)(i->size - at) :
		    sizeof zeroes;
		err = tome_object_write(i->object, at, zeroes, n, &done);
	}
	if (err == TOME_OK)
		err = tome_object_sync(i->object, from >> TOME_PAGE_SHIFT, 0,
		    true);
	return -(int)err;
}

/* The object first: nothing is written beyond the new end afterwards. */
static int
shrink(struct inode *i, uint64_t size, bool named)
{
	int err = named ? 0 : wipe(i, size);

	if (err == 0)
		err = resize_object(i, size);
	return err == 0 && named ? set_size(i, size) : err;
}

static int
p9fs_resize(struct inode *i, uint64_t size)
{
	bool named;
	int err;

	if (!inode_is(i, S_IFREG))
		return -EINVAL;
	if (i->swapping)
		return -ETXTBSY;
	err = has_name(i, &named);
	if (err != 0)
		return err;
	if (!named && i->object == NULL)
		return -ENOENT;
	return size >= i->size ? grow(i, size, named) : shrink(i, size, named);
}

static void
p9fs_stat(struct inode *i, struct stat *st)
{
	struct node *n = node_of(i);
	struct p9_attr a;

	if (n->share->writable && p9_getattr(n->share->p9, n->fid, &a) == 0) {
		st->nlink = a.nlink;
		n->blocks = a.blocks;
	}
	st->blocks = (int64_t)n->blocks;
}

static int
p9fs_statfs(struct inode *i, struct statfs *out)
{
	struct p9_statfs s;
	int err = p9_statfs(node_of(i)->share->p9, node_of(i)->fid, &s);

	if (err != 0)
		return err;
	out->bsize = out->frsize = s.bsize;
	out->blocks = s.blocks;
	out->bfree = s.bfree;
	out->bavail = s.bavail;
	out->files = s.files;
	out->ffree = s.ffree;
	out->namelen = s.namelen;
	out->flags = node_of(i)->share->writable ? 0 : 1;	/* ST_RDONLY */
	return 0;
}

/* ---- content ---- */

static void
pager_transfer(void *ctx, struct tome_io *io)
{
	struct content *c = ctx;

	p9_transfer(c->p9, c->fid, io);
}

static void
pager_gone(void *ctx)
{
	struct content *c = ctx;

	p9_clunk(c->p9, c->fid);
	tome_kfree(the_vm, c);
}

static int
content_fid(struct node *n, struct content *c)
{
	int err = p9_walk(c->p9, n->fid, c->fid, NULL, NULL);

	if (err != 0)
		return err;
	c->writable = n->share->writable;
	err = p9_open(c->p9, c->fid, c->writable ? O_RDWR : O_RDONLY);
	if (err == -EACCES && c->writable) {
		c->writable = false;
		err = p9_open(c->p9, c->fid, O_RDONLY);
	}
	if (err != 0)
		p9_clunk(c->p9, c->fid);
	return err;
}

/* inode->lock is held. */
static int
content_new(struct inode *i)
{
	struct tome_pager pager = { .max_pages = P9_PAGES,
		.patience = io_patience(), .read = pager_transfer,
		.gone = pager_gone };
	struct node *n = node_of(i);
	struct content *c = tome_kzalloc(the_vm, sizeof *c);
	int err;

	if (c == NULL)
		return -ENOMEM;
	c->p9 = n->share->p9;
	n->open_fid = c->fid = p9_fid(c->p9);
	err = content_fid(n, c);
	if (err != 0) {
		tome_kfree(the_vm, c);
		return err;
	}
	if (c->writable)
		pager.write = pager_transfer;
	err = -(int)tome_object_create_vnode(the_vm, &pager, c, i->size,
	    &i->object);
	if (err != 0) {
		i->object = NULL;
		pager_gone(c);
	}
	return err;
}

static int
file_start_content(struct inode *i, struct file *f)
{
	int err = 0;

	mutex_lock(&i->lock);
	if (i->object == NULL)
		err = content_new(i);
	mutex_unlock(&i->lock);
	return err != 0 ? err : content_open(i->object, f);
}

static int
p9fs_open(struct inode *i, struct file *f)
{
	if (f->writable && !node_of(i)->share->writable)
		return -EROFS;
	switch (i->mode & S_IFMT) {
	case S_IFDIR:
		f->ops = &p9fs_directory;
		f->word = 0;
		return 0;
	case S_IFREG:
		return file_start_content(i, f);
	default:
		return -ENXIO;
	}
}

static int64_t
p9fs_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	return content_read(f->inode->object, f, to, n, pos);
}

static int
make_room(struct inode *i, uint64_t end)
{
	enum tome_err err;

	if (end > INT64_MAX)
		return -EFBIG;
	if (end <= i->size)
		return 0;
	err = tome_object_resize(i->object, end);
	if (err == TOME_OK)
		i->size = end;
	return -(int)err;
}

static int64_t
p9fs_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	struct inode *i = f->inode;
	int64_t done;

	if (n == 0)
		return 0;
	mutex_lock(&i->lock);
	if (f->flags & O_APPEND)
		*pos = i->size;
	done = i->swapping ? -ETXTBSY : make_room(i, *pos + n);
	if (done == 0)
		done = content_write(i->object, from, n, pos);
	i->mtime = i->ctime = wall_ns();
	mutex_unlock(&i->lock);
	return done;
}

static int
p9fs_sync(struct file *f)
{
	struct node *n = node_of(f->inode);
	int err = content_sync(f->inode->object, f);

	return err != 0 || !n->share->writable ? err :
	    p9_fsync(n->share->p9, n->open_fid);
}

static int
p9fs_object(struct file *f, struct tome_object **out)
{
	tome_object_ref(f->inode->object);
	*out = f->inode->object;
	return 0;
}

static void
p9fs_transfer(struct file *f, struct tome_io *io)
{
	struct node *n = node_of(f->inode);

	p9_transfer(n->share->p9, n->open_fid, io);
}

/* Who closes what he wrote has it begin to reach the host. */
static void
p9fs_release(struct file *f)
{
	if (f->writable)
		(void)!tome_object_sync(f->inode->object, 0, 0, false);
	content_close(f);
}

/* ---- directories ---- */

struct reading {
	struct dir_sink *sink;
	uint64_t *pos;
};

static bool
take_entry(void *arg, const struct p9_entry *e)
{
	struct reading *r = arg;

	if (!dir_emit(r->sink, e->name, e->qid.path,
	    (uint32_t)e->type << 12, e->next))
		return false;
	*r->pos = e->next;
	return true;
}

/* The fid that reads it is opened by the first call: 0 is none. */
static int
directory_fid(struct file *f, uint32_t *out)
{
	struct node *n = node_of(f->inode);
	struct p9 *p9 = n->share->p9;
	uint32_t fid = (uint32_t)f->word;
	int err = 0;

	if (fid == 0) {
		fid = p9_fid(p9);
		err = p9_walk(p9, n->fid, fid, NULL, NULL);
		if (err == 0 && (err = p9_open(p9, fid, O_RDONLY)) != 0)
			p9_clunk(p9, fid);
		if (err == 0)
			f->word = fid;
	}
	*out = fid;
	return err;
}

static int
directory_read(struct file *f, struct dir_sink *s, uint64_t *pos)
{
	struct reading r = { s, pos };
	uint32_t fid;
	int n = directory_fid(f, &fid);

	while (n == 0 && !s->full) {
		n = p9_readdir(node_of(f->inode)->share->p9, fid, *pos,
		    take_entry, &r);
		if (n == 0)
			break;
		n = n < 0 ? n : 0;
	}
	return s->used > 0 ? 0 : n;
}

static void
directory_release(struct file *f)
{
	if (f->word != 0)
		p9_clunk(node_of(f->inode)->share->p9, (uint32_t)f->word);
}

/* ---- mounting ---- */

static struct share *
share_new(struct p9 *p9, bool writable)
{
	struct share *s = tome_kzalloc(the_vm, sizeof *s);
	struct tome_stats stats;

	if (s == NULL)
		return NULL;
	tome_vm_stats(the_vm, &stats);
	s->fs = (struct filesystem){ .name = "9p", .magic = 0x01021997,
		.dev = 32 + nshares, .options = writable ? "rw" : "ro" };
	s->p9 = p9;
	s->writable = writable;
	s->nodes_max = stats.frames_total / PAGE_SHARE;
	if (s->nodes_max < NAMES_MIN)
		s->nodes_max = NAMES_MIN;
	return s;
}

/* The node of its root. */
static int
attach(struct share *s, struct inode **out)
{
	uint32_t fid = p9_fid(s->p9);
	struct p9_qid qid;

	return p9_attach(s->p9, fid, &qid) != 0 ? -ENOENT :
	    node_new(s, fid, out);
}

int
p9fs_root(const char *tag, bool writable, struct dentry **out)
{
	struct p9 *p9 = p9_find(tag);
	struct dentry *root;
	struct share *s;
	int err = -ENOMEM;

	if (p9 == NULL || nshares == SHARES)
		return -ENOENT;
	s = share_new(p9, writable);
	root = dentry_new(NULL, "", NULL);
	if (s != NULL && root != NULL)
		err = attach(s, &root->inode);
	if (err == 0) {
		nshares++;
		*out = root;
		return 0;
	}
	if (err != -ENOMEM)
		kprintf("9p: %s cannot be mounted\n", tag);
	dentry_unref(root);
	tome_kfree(the_vm, s);
	return err;
}
