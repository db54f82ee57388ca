/*
 * unix.c - the names of AF_UNIX: paths, which lead by an inode to a socket, and
 * abstract ones, which are just bytes.
 */
#include <net/net.h>

#define PATH_AT sizeof(uint16_t)

static struct list names = {&names, &names};	/* under net_lock */
static uint32_t last_autobind;			/* under net_lock */

static size_t
path_length(const struct address *a)
{
	return a->len - PATH_AT;
}

static bool
is_abstract(const struct address *a)
{
	return a->un.path[0] == '\0';
}

static void
path_of(const struct address *a, char path[sizeof a->un.path + 1])
{
	size_t n = path_length(a);

	memcpy(path, a->un.path, n);
	path[n] = '\0';
}

static int
check(const struct address *a)
{
	if (a->len < sizeof(uint16_t) || a->len > sizeof a->un)
		return -EINVAL;
	return a->family == AF_UNIX ? 0 : -EINVAL;
}

static bool
same(const struct address *a, const struct address *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/*
 * Paths are known by their inode, abstract names by their bytes, for each type
 * of sockets apart.
 */
static struct socket *
unix_find(struct socket *s, const struct address *a, struct inode *inode)
{
	struct socket *o;

	list_each(o, &names, named)
		if (inode != NULL ? o->inode == inode :
		    o->inode == NULL && o->type == s->type &&
		    same(&o->local, a))
			return o;
	return NULL;
}

static void
enter(struct socket *s, const struct address *a, struct inode *inode)
{
	s->local = *a;
	s->inode = inode;
	s->has_name = true;
	list_add_tail(&names, &s->named);
}

static int
bind_abstract(struct socket *s, const struct address *a)
{
	int err = 0;

	mutex_lock(&net_lock);
	if (s->has_name)
		err = -EINVAL;
	else if (unix_find(s, a, NULL) != NULL)
		err = -EADDRINUSE;
	else
		enter(s, a, NULL);
	mutex_unlock(&net_lock);
	return err;
}

/* Five hexadecimal digits that nobody has. */
static int
unix_autobind(struct socket *s)
{
	struct address a = {.len = PATH_AT + 6, .family = AF_UNIX};
	char digits[8];

	do {
		snprintf(digits, sizeof digits, "%05x",
		    ++last_autobind & 0xfffff);
		memcpy(a.un.path + 1, digits, 5);
	} while (unix_find(s, &a, NULL) != NULL);
	enter(s, &a, NULL);
	return 0;
}

static int
bind_path(struct socket *s, const struct address *a)
{
	struct address full = *a;
	struct dentry *d;
	struct walk w;
	char path[sizeof a->un.path + 1];
	int err;

	path_of(a, path);
	err = walk_path(NULL, path, WALK_PARENT, &w);
	if (err != 0)
		return err;
	err = vfs_create(&w, S_IFSOCK | 0777, 0, &d);
	walk_end(&w);
	if (err != 0)
		return err == -EEXIST ? -EADDRINUSE : err;
	/* The name is told with its NUL. */
	full.len = (uint32_t)(PATH_AT + strlen(path) + 1);
	inode_ref(d->inode);
	mutex_lock(&net_lock);
	enter(s, &full, d->inode);
	mutex_unlock(&net_lock);
	dentry_unref(d);
	return 0;
}

static int
unix_bind(struct socket *s, const struct address *a)
{
	int err = check(a);

	if (err != 0)
		return err;
	if (s->has_name)
		return -EINVAL;
	if (path_length(a) > 0)
		return is_abstract(a) ? bind_abstract(s, a) : bind_path(s, a);
	mutex_lock(&net_lock);
	err = unix_autobind(s);
	mutex_unlock(&net_lock);
	return err;
}

static int
unix_resolve(struct socket *s, struct address *a, struct inode **inode)
{
	char path[sizeof a->un.path + 1];
	struct dentry *d;
	int err = check(a);

	(void)s;
	if (err != 0 || path_length(a) == 0)
		return -EINVAL;
	if (is_abstract(a))
		return 0;
	path_of(a, path);
	err = path_lookup(NULL, path, WALK_FOLLOW, &d);
	if (err != 0)
		return err;
	err = inode_access(d->inode, &current_process()->cred, 2);
	if (err == 0 && !inode_is(d->inode, S_IFSOCK))
		err = -ECONNREFUSED;
	if (err == 0) {
		*inode = d->inode;
		inode_ref(*inode);
	}
	dentry_unref(d);
	return err;
}

static void
unix_unnamed(struct socket *s, struct address *a)
{
	(void)s;
	*a = (struct address){.len = sizeof(uint16_t), .family = AF_UNIX};
}

static void
unix_show(const struct socket *s, struct address *a)
{
	(void)s, (void)a;
}

const struct family family_unix = {
	.domain = AF_UNIX, .bind = unix_bind, .find = unix_find,
	.resolve = unix_resolve, .autobind = unix_autobind,
	.unnamed = unix_unnamed, .show = unix_show,
};
