/*
 * tree.c - changing the tree of names: create, link, unlink, rename, mount.
 *
 * Each change looks its names up, then takes tree_lock and looks again at what
 * could have changed: the directory is still linked, the name is still absent
 * or still the same. A name that appeared or went in between is a lost race,
 * and the call answers as if it had come later.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

static struct list mounts = {&mounts, &mounts};

/* The directory lives, takes new names, and the caller may write it. */
static int
may_change(struct dentry *dir)
{
	if (dir->inode->ops->create == NULL && dir->inode->ops->make == NULL)
		return -EROFS;
	if (dir->parent != NULL && !dir->linked)
		return -ENOENT;
	return inode_access(dir->inode, &current_process()->cred, 3);
}

static void
touch(struct dentry *dir)
{
	dir->inode->mtime = dir->inode->ctime = wall_ns();
}

/* Sticky directories: only an owner removes. */
static int
may_remove(struct dentry *d)
{
	const struct cred *c = &current_process()->cred;
	struct inode *dir = d->parent->inode;
	int err = may_change(d->parent);

	if (err != 0)
		return err;
	if ((dir->mode & S_ISVTX) && c->fsuid != 0 &&
	    c->fsuid != dir->uid && c->fsuid != d->inode->uid)
		return -EPERM;
	return d->mounted != NULL ? -EBUSY : 0;
}

/* `old`: the inode has a name already, and this is one more. */
static int
link_new(struct dentry *d, struct inode *old)
{
	const struct inode_ops *ops = d->parent->inode->ops;
	int err;

	mutex_lock(&tree_lock);
	err = may_change(d->parent);
	if (err == 0 && dentry_child(d->parent, d->name) != NULL)
		err = -EEXIST;
	if (err == 0 && old != NULL && ops->link != NULL)
		err = ops->link(d->parent, d->name, old);
	if (err == 0) {
		dentry_link(d);
		if (inode_is(d->inode, S_IFDIR)) {
			d->inode->nlink = 2;
			d->parent->inode->nlink++;
		}
		touch(d->parent);
		inotify_tell_name(d->parent, d->name, d->inode, IN_CREATE, 0);
	}
	mutex_unlock(&tree_lock);
	return err;
}

/* By a store, which has the name before the tree has. */
static int
make_locked(struct walk *w, uint32_t mode, uint64_t rdev, const char *target,
    struct dentry **out)
{
	const struct inode_ops *ops = w->dir->inode->ops;
	struct dentry *d = dentry_new(w->dir, w->last, NULL);
	int err = d == NULL ? -ENOMEM : may_change(w->dir);

	if (err == 0 && dentry_child(w->dir, w->last) != NULL)
		err = -EEXIST;
	if (err == 0)
		err = ops->make(w->dir, w->last, mode, rdev, target, &d->inode);
	if (err != 0) {
		dentry_unref(d);
		return err;
	}
	dentry_link(d);
	touch(w->dir);
	inotify_tell_name(w->dir, w->last, d->inode, IN_CREATE, 0);
	*out = d;
	return 0;
}

static int
make_stored(struct walk *w, uint32_t mode, uint64_t rdev, const char *target,
    struct dentry **out)
{
	struct dentry *d;
	int err;

	mutex_lock(&tree_lock);
	err = make_locked(w, mode, rdev, target, &d);
	mutex_unlock(&tree_lock);
	if (err == 0 && out != NULL)
		*out = d;
	else if (err == 0)
		dentry_unref(d);
	return err;
}

/* For file systems that fill themselves: no rights are asked. */
int
vfs_add(struct dentry *dir, const char *name, struct inode *i,
    struct dentry **out)
{
	struct dentry *d = dentry_new(dir, name, i);

	if (d == NULL)
		return -ENOMEM;
	mutex_lock(&tree_lock);
	dentry_link(d);
	if (inode_is(i, S_IFDIR)) {
		i->nlink = 2;
		dir->inode->nlink++;
	}
	mutex_unlock(&tree_lock);
	if (out != NULL)
		*out = d;	/* the directory's reference keeps it */
	dentry_unref(d);
	return 0;
}

/* A name for a new inode; takes over its reference. */
static int
enter_inode(struct walk *w, struct inode *i, struct dentry **out)
{
	const struct cred *c = &current_process()->cred;
	struct dentry *d;
	int err;

	i->uid = c->fsuid;
	i->gid = (w->dir->inode->mode & S_ISGID) ? w->dir->inode->gid :
	    c->fsgid;
	d = dentry_new(w->dir, w->last, i);
	if (d == NULL)
		return -ENOMEM;
	err = link_new(d, NULL);
	if (err == 0 && out != NULL)
		*out = d;
	else
		dentry_unref(d);
	return err;
}

int
vfs_create(struct walk *w, uint32_t mode, uint64_t rdev, struct dentry **out)
{
	struct inode *i;
	int err;

	if (w->dots || w->dentry != NULL)
		return -EEXIST;
	if (w->slash && (mode & S_IFMT) != S_IFDIR)
		return -ENOENT;
	err = may_change(w->dir);
	if (err != 0)
		return err;
	mode &= ~current_task()->fs->umask;
	if (w->dir->inode->ops->make != NULL)
		return make_stored(w, mode, rdev, NULL, out);
	err = w->dir->inode->ops->create(w->dir->inode, mode, rdev, &i);
	return err != 0 ? err : enter_inode(w, i, out);
}

int
vfs_mknod(struct dentry *base, const char *path, uint32_t mode, uint64_t rdev)
{
	struct walk w;
	int err = walk_path(base, path, WALK_PARENT, &w);

	if (err == 0) {
		err = vfs_create(&w, mode, rdev, NULL);
		walk_end(&w);
	}
	return err;
}

static int
symlink_at(struct walk *w, const char *target)
{
	size_t n = strlen(target) + 1;
	struct inode *i;
	int err;

	if (w->dots || w->dentry != NULL)
		return -EEXIST;
	if (w->dir->inode->ops->make != NULL)
		return make_stored(w, S_IFLNK | 0777, 0, target, NULL);
	err = may_change(w->dir);
	if (err == 0)
		err = w->dir->inode->ops->create(w->dir->inode, S_IFLNK | 0777,
		    0, &i);
	if (err != 0)
		return err;
	i->target = tome_kmalloc(the_vm, n);
	if (i->target == NULL) {
		inode_unref(i);
		return -ENOMEM;
	}
	memcpy(i->target, target, n);
	i->size = n - 1;
	return enter_inode(w, i, NULL);
}

int
vfs_symlink(const char *target, struct dentry *base, const char *path)
{
	struct walk w;
	int err;

	if (target[0] == '\0')
		return -ENOENT;
	err = walk_path(base, path, WALK_PARENT, &w);
	if (err == 0) {
		err = symlink_at(&w, target);
		walk_end(&w);
	}
	return err;
}

static int
link_at(struct dentry *from, struct walk *w)
{
	struct dentry *d;
	int err;

	if (w->dots || w->dentry != NULL)
		return -EEXIST;
	if (inode_is(from->inode, S_IFDIR))
		return -EPERM;
	if (from->inode->fs != w->dir->inode->fs)
		return -EXDEV;
	inode_ref(from->inode);
	d = dentry_new(w->dir, w->last, from->inode);
	if (d == NULL)
		return -ENOMEM;
	err = link_new(d, from->inode);
	if (err == 0) {
		from->inode->nlink++;
		from->inode->ctime = wall_ns();
	}
	dentry_unref(d);
	return err;
}

int
vfs_link(struct dentry *from, struct dentry *base, const char *path)
{
	struct walk w;
	int err = walk_path(base, path, WALK_PARENT, &w);

	if (err == 0) {
		err = link_at(from, &w);
		walk_end(&w);
	}
	return err;
}

/* Take the name away. tree_lock held; the caller holds a reference. */
static void
remove_name(struct dentry *d)
{
	struct inode *i = d->inode;

	i->nlink -= inode_is(i, S_IFDIR) ? 2 : 1;
	if (inode_is(i, S_IFDIR))
		d->parent->inode->nlink--;
	i->ctime = wall_ns();
	touch(d->parent);
	if (!inode_is(i, S_IFDIR))
		inotify_tell_inode(i, IN_ATTRIB);
	if (i->nlink == 0)
		inotify_tell_inode(i, IN_DELETE_SELF);
	inotify_tell_name(d->parent, d->name, i, IN_DELETE, 0);
	dentry_unlink(d);
}

static int
unlink_check(struct dentry *d, bool directory)
{
	int err;

	if (!d->linked)
		return d->parent == NULL ? -EBUSY : -ENOENT;
	err = may_remove(d);
	if (err != 0)
		return err;
	if (directory != inode_is(d->inode, S_IFDIR))
		return directory ? -ENOTDIR : -EISDIR;
	if (d->parent->inode->ops->remove != NULL)
		return 0;		/* the store knows what is in it */
	return directory && !list_empty(&d->children) ? -ENOTEMPTY : 0;
}

int
vfs_unlink(struct dentry *base, const char *path, bool directory)
{
	struct walk w;
	int err = walk_path(base, path, 0, &w);

	if (err != 0)
		return err;
	if (w.dots)
		err = !directory ? -EISDIR : w.dentry->parent == NULL ? -EBUSY :
		    -EINVAL;
	else {
		mutex_lock(&tree_lock);
		err = unlink_check(w.dentry, directory);
		if (err == 0 && w.dentry->parent->inode->ops->remove != NULL)
			err = w.dentry->parent->inode->ops->remove(w.dentry);
		if (err == 0) {
			vfs_prune(w.dentry);
			remove_name(w.dentry);
		}
		mutex_unlock(&tree_lock);
	}
	walk_end(&w);
	return err;
}

static bool
is_ancestor(struct dentry *above, struct dentry *d)
{
	for (; d != NULL; d = d->parent)
		if (d == above)
			return true;
	return false;
}

/* Whether `to` may take the place of, or be replaced by, `from`. */
static int
rename_check(struct dentry *from, struct walk *to, unsigned flags)
{
	bool dir = inode_is(from->inode, S_IFDIR);
	struct dentry *old = to->dentry;
	int err;

	if (!from->linked || (old != NULL && !old->linked))
		return -ENOENT;
	if (from->inode->fs != to->dir->inode->fs)
		return -EXDEV;
	if ((err = may_remove(from)) != 0 || (err = may_change(to->dir)) != 0)
		return err;
	if (is_ancestor(from, to->dir))
		return -EINVAL;
	if (old == NULL)
		return dentry_child(to->dir, to->last) != NULL ? -EEXIST :
		    flags & RENAME_EXCHANGE ? -ENOENT : 0;
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	if ((err = may_remove(old)) != 0)
		return err;
	if (is_ancestor(old, from->parent))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (flags & RENAME_EXCHANGE)
		return 0;
	if (inode_is(old->inode, S_IFDIR) != dir)
		return dir ? -ENOTDIR : -EISDIR;
	if (to->dir->inode->ops->rename != NULL)
		return 0;
	return dir && !list_empty(&old->children) ? -ENOTEMPTY : 0;
}

/* Move d under another parent and name (its own memory, exchanged). */
static void
move_dentry(struct dentry *d, struct dentry *dir, char **name)
{
	struct dentry *was = d->parent;
	bool isdir = inode_is(d->inode, S_IFDIR);
	char *old = d->name;
	uint32_t cookie = inotify_cookie();

	dentry_ref(d);
	inotify_tell_name(was, old, d->inode, IN_MOVED_FROM, cookie);
	inotify_tell_name(dir, *name, d->inode, IN_MOVED_TO, cookie);
	inotify_tell_inode(d->inode, IN_MOVE_SELF);
	dentry_unlink(d);
	dentry_ref(dir);
	d->parent = dir;
	d->name = *name;
	*name = old;
	dentry_link(d);
	was->inode->nlink -= isdir;
	dir->inode->nlink += isdir;
	touch(was);
	touch(dir);
	d->inode->ctime = wall_ns();
	dentry_unref(was);
	dentry_unref(d);
}

static void
exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *adir = a->parent, *bdir = b->parent;
	char *name = a->name, *spare;

	/* b's name is a's spare; a's own name is b's. */
	dentry_ref(adir);
	dentry_ref(b);
	dentry_unlink(b);
	spare = b->name;
	move_dentry(a, bdir, &spare);
	b->name = name;
	dentry_ref(adir);
	b->parent = adir;
	dentry_link(b);
	if (inode_is(b->inode, S_IFDIR)) {
		bdir->inode->nlink--;
		adir->inode->nlink++;
	}
	dentry_unref(bdir);
	dentry_unref(b);
	dentry_unref(adir);
}

static int
rename_locked(struct dentry *from, struct walk *to, char **name,
    unsigned flags)
{
	int err;

	/* Two names of one file: nothing to do, as POSIX has it. */
	if (to->dentry != NULL && to->dentry->inode == from->inode)
		return 0;
	err = rename_check(from, to, flags);
	if (err != 0)
		return err;
	if (to->dir->inode->ops->rename != NULL)
		err = flags & RENAME_EXCHANGE ? -EINVAL :
		    to->dir->inode->ops->rename(from, to->dir, to->last);
	if (err != 0)
		return err;
	if (flags & RENAME_EXCHANGE) {
		exchange(from, to->dentry);
		return 0;
	}
	if (to->dentry != NULL) {
		vfs_prune(to->dentry);
		remove_name(to->dentry);
	}
	move_dentry(from, to->dir, name);
	return 0;
}

static int
rename_walked(struct walk *from, struct walk *to, unsigned flags)
{
	size_t n = strlen(to->last) + 1;
	char *name;
	int err;

	if (from->dots || to->dots)
		return -EBUSY;
	if (to->slash && !inode_is(from->dentry->inode, S_IFDIR))
		return -ENOTDIR;
	name = tome_kmalloc(the_vm, n);
	if (name == NULL)
		return -ENOMEM;
	memcpy(name, to->last, n);
	mutex_lock(&tree_lock);
	err = rename_locked(from->dentry, to, &name, flags);
	mutex_unlock(&tree_lock);
	tome_kfree(the_vm, name);
	return err;
}

int
vfs_rename(struct dentry *from_base, const char *from, struct dentry *to_base,
    const char *to, unsigned flags)
{
	struct walk f, t;
	int err;

	if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = walk_path(from_base, from, 0, &f);
	if (err != 0)
		return err;
	err = walk_path(to_base, to, WALK_PARENT, &t);
	if (err == 0) {
		err = rename_walked(&f, &t, flags);
		walk_end(&t);
	}
	walk_end(&f);
	return err;
}

/* ---- mounts ---- */

/* Takes over the root's reference; the covered name gets one. */
int
vfs_mount(struct dentry *where, struct dentry *root)
{
	if (root == NULL)
		return -ENOMEM;
	mutex_lock(&tree_lock);
	while (where != NULL && where->mounted != NULL)
		where = where->mounted;
	if (where != NULL) {
		dentry_ref(where);
		where->mounted = root;
		root->covers = where;
	}
	list_add_tail(&mounts, &root->mount);
	mutex_unlock(&tree_lock);
	return 0;
}

/* Children before parents. */
void
vfs_prune(struct dentry *root)
{
	struct dentry *d = root, *up;

	for (;;) {
		while (!list_empty(&d->children))
			d = container_of(d->children.next, struct dentry,
			    sibling);
		if (d == root)
			return;
		up = d->parent;
		dentry_unlink(d);
		d = up;
	}
}

/* Somebody has it besides its link, or what links it to a tree, and the names below. */
static bool
is_held(const struct dentry *d, uint32_t links)
{
	const struct list *l;

	for (l = d->children.next; l != &d->children; l = l->next)
		links++;
	return d->refs > links;
}

/* The one after d in the tree below root: its first child, or a sibling on the way up. */
static struct dentry *
next_below(struct dentry *root, struct dentry *d)
{
	if (!list_empty(&d->children))
		return container_of(d->children.next, struct dentry, sibling);
	while (d != root && d->sibling.next == &d->parent->children)
		d = d->parent;
	return d == root ? NULL :
	    container_of(d->sibling.next, struct dentry, sibling);
}

/* The caller's and the mount's own reference on the root are two. */
static bool
tree_busy(struct dentry *root)
{
	struct dentry *m;

	for (m = root; m != NULL; m = next_below(root, m))
		if (is_held(m, m == root ? 2 : 1))
			return true;
	list_each(m, &mounts, mount)
		if (m->covers != NULL && is_ancestor(root, m->covers))
			return true;
	return false;
}

int
vfs_unmount(struct dentry *root)
{
	struct dentry *covered = NULL;
	int err = -EINVAL;

	mutex_lock(&tree_lock);
	if (root->covers != NULL && root->parent == NULL)
		err = tree_busy(root) ? -EBUSY : 0;
	if (err == 0) {
		covered = root->covers;
		covered->mounted = NULL;
		root->covers = NULL;
		list_remove(&root->mount);
		vfs_prune(root);
	}
	mutex_unlock(&tree_lock);
	if (err == 0) {
		dentry_unref(covered);
		dentry_unref(root);
	}
	return err;
}

void
vfs_mounts(bool (*fn)(void *, struct dentry *root), void *arg)
{
	struct dentry *m;

	mutex_lock(&tree_lock);
	list_each(m, &mounts, mount)
		if (!fn(arg, m))
			break;
	mutex_unlock(&tree_lock);
}
