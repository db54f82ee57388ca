/*
 * walk.c - from a path to a dentry.
 *
 * A walk keeps what is left of the path in a buffer of its own; a symbolic
 * link's text is put in front of the rest, so nothing recurses.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

#define LINKS_MAX 40

struct state {
	struct dentry *root;
	struct dentry *at;		/* counted */
	char *rest;			/* what is left, in buf */
	char *buf;			/* PATH_MAX bytes */
	unsigned links;
};

/* Replace s->at, taking over the reference. */
static void
move(struct state *s, struct dentry *to)
{
	dentry_unref(s->at);
	s->at = to;
}

static void
move_ref(struct state *s, struct dentry *to)
{
	dentry_ref(to);
	move(s, to);
}

/* Down onto what is mounted on top. */
static void
descend(struct state *s)
{
	while (s->at->mounted != NULL)
		move_ref(s, s->at->mounted);
}

static void
ascend(struct state *s)
{
	if (s->at == s->root)
		return;
	while (s->at->parent == NULL && s->at->covers != NULL)
		move_ref(s, s->at->covers);
	if (s->at->parent != NULL && s->at != s->root)
		move_ref(s, s->at->parent);
	descend(s);
}

/* Cut the next name off. Its length; 0: nothing is left. */
static int
next_name(struct state *s, char name[NAME_MAX + 1])
{
	char *p = s->rest;
	size_t n = 0;

	while (*p == '/')
		p++;
	while (p[n] != '\0' && p[n] != '/')
		n++;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, p, n);
	name[n] = '\0';
	s->rest = p + n;
	return (int)n;
}

static bool
at_end(const struct state *s)
{
	const char *p = s->rest;

	while (*p == '/')
		p++;
	return *p == '\0';
}

/* Counted; NULL in *out: absent. */
static int
find_child(struct dentry *dir, const char *name, struct dentry **out)
{
	struct dentry *d = dentry_child(dir, name);
	int err;

	*out = NULL;
	if (d != NULL && dir->inode->ops->valid != NULL &&
	    d->mounted == NULL && !dir->inode->ops->valid(d)) {
		vfs_prune(d);
		dentry_unlink(d);
		d = NULL;
	}
	if (d != NULL) {
		dentry_ref(d);
		*out = d;
		return 0;
	}
	if (dir->inode->ops->lookup == NULL)
		return 0;
	err = dir->inode->ops->lookup(dir, name, out);
	return err == -ENOENT ? 0 : err;
}

/* Go on along a symbolic link found in s->at; consumes `link`. */
static int
follow(struct state *s, struct dentry *link)
{
	struct dentry *jump = NULL;
	char *text = tome_kmalloc(the_vm, PATH_MAX);
	size_t n, left = strlen(s->rest);
	int err = -ENOMEM;

	if (text != NULL)
		err = link->inode->ops->readlink(link, text, PATH_MAX, &jump);
	if (err == 0 && ++s->links > LINKS_MAX)
		err = -ELOOP;
	if (err == 0 && jump == NULL) {
		n = strlen(text);
		if (n == 0)
			err = -ENOENT;
		else if (n + left >= PATH_MAX)
			err = -ENAMETOOLONG;
		else {
			memmove(s->buf + n, s->rest, left + 1);
			s->rest = memcpy(s->buf, text, n);
			if (text[0] == '/') {
				move_ref(s, s->root);
				descend(s);
			}
		}
	} else if (err == 0) {
		move(s, jump);
		jump = NULL;
	}
	dentry_unref(jump);
	tome_kfree(the_vm, text);
	dentry_unref(link);
	return err;
}

/* One name down. `last`: it ends the path, and the result goes to w. */
static int
step(struct state *s, const char *name, unsigned flags, bool last,
    struct walk *w)
{
	struct dentry *d;
	int err;

	if (!inode_is(s->at->inode, S_IFDIR))
		return -ENOTDIR;
	err = inode_access(s->at->inode, &current_process()->cred, 1);
	if (err != 0)
		return err;
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		ascend(s);
		return 0;
	}
	err = find_child(s->at, name, &d);
	if (err != 0)
		return err;
	if (d == NULL && !(last && (flags & WALK_PARENT)))
		return -ENOENT;
	if (d != NULL && inode_is(d->inode, S_IFLNK) &&
	    (!last || (flags & WALK_FOLLOW) || w->slash))
		return follow(s, d);
	if (last) {
		dentry_ref(s->at);
		w->dir = s->at;
		strlcpy(w->last, name, sizeof w->last);
	}
	move(s, d);
	if (d != NULL)
		descend(s);
	return 0;
}

static int
walk_locked(struct state *s, unsigned flags, struct walk *w)
{
	char name[NAME_MAX + 1];
	int n, err = 0;

	while (err == 0 && (n = next_name(s, name)) != 0) {
		bool last = n > 0 && at_end(s);

		if (n < 0)
			return n;
		w->slash = last && *s->rest == '/';
		err = step(s, name, flags, last, w);
	}
	return err;
}

static struct dentry *
start_of(struct fs *fs, struct dentry *base, const char *path)
{
	if (path[0] == '/')
		return fs->root;
	return base != NULL ? base : fs->cwd;
}

int
walk_path(struct dentry *base, const char *path, unsigned flags,
    struct walk *w)
{
	struct fs *fs = current_task()->fs;
	struct state s = {.links = 0};
	size_t n = strlen(path);
	int err;

	*w = (struct walk){.dir = NULL};
	if (n == 0 && !(flags & WALK_EMPTY))
		return -ENOENT;
	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	s.buf = s.rest = tome_kmalloc(the_vm, PATH_MAX);
	if (s.buf == NULL)
		return -ENOMEM;
	memcpy(s.buf, path, n + 1);
	mutex_lock(&tree_lock);
	s.root = fs->root;
	s.at = start_of(fs, base, path);
	dentry_ref(s.at);
	if (n > 0)
		descend(&s);
	err = walk_locked(&s, flags, w);
	mutex_unlock(&tree_lock);
	tome_kfree(the_vm, s.buf);
	w->dentry = s.at;
	w->dots = w->dir == NULL;
	if (err == 0 && w->slash && w->dentry != NULL &&
	    !inode_is(w->dentry->inode, S_IFDIR))
		err = -ENOTDIR;
	if (err != 0)
		walk_end(w);
	return err;
}

void
walk_end(struct walk *w)
{
	dentry_unref(w->dir);
	dentry_unref(w->dentry);
	w->dir = w->dentry = NULL;
}

int
path_lookup(struct dentry *base, const char *path, unsigned flags,
    struct dentry **out)
{
	struct walk w;
	int err = walk_path(base, path, flags, &w);

	if (err != 0)
		return err;
	*out = w.dentry;
	w.dentry = NULL;
	walk_end(&w);
	return 0;
}
