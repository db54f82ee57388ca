/*
 * dentry.c - names: the one tree, its hash, paths.
 *
 * Invariant: a linked dentry is in the hash and in its parent's list, and holds
 *   one reference for that; a child holds one on its parent. So a dentry whose
 *   last reference goes is linked nowhere, and needs no lock to die.
 */
#include <caches.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>

#define BUCKETS 1024u

struct mutex tree_lock;
struct dentry *root_dentry;
static struct tome_cache *dentries;
static struct dentry *hash[BUCKETS];

void
dentry_start(void)
{
	dentries = cache_new("dentry", sizeof(struct dentry));
}

static struct dentry **
bucket(const struct dentry *dir, const char *name)
{
	uint32_t h = 2166136261u ^ (uint32_t)((uintptr_t)dir >> 5);

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return &hash[(h ^ h >> 15) % BUCKETS];
}

static char *
name_copy(const char *name)
{
	size_t n = strlen(name) + 1;
	char *copy = tome_kmalloc(the_vm, n);

	if (copy != NULL)
		memcpy(copy, name, n);
	return copy;
}

struct dentry *
dentry_new(struct dentry *parent, const char *name, struct inode *inode)
{
	struct dentry *d = tome_cache_alloc(dentries);
	char *copy = name_copy(name);

	if (d == NULL || copy == NULL) {
		if (d != NULL)
			tome_cache_free(dentries, d);
		tome_kfree(the_vm, copy);
		inode_unref(inode);
		return NULL;
	}
	*d = (struct dentry){.refs = 1, .inode = inode, .parent = parent,
		.name = copy};
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->mount);
	if (parent != NULL)
		dentry_ref(parent);
	return d;
}

void
dentry_ref(struct dentry *d)
{
	atomic_fetch_add(&d->refs, 1);
}

/* Upwards: the death of one may be that of its parent. */
void
dentry_unref(struct dentry *d)
{
	struct dentry *parent;

	while (d != NULL && atomic_fetch_sub(&d->refs, 1) == 1) {
		parent = d->parent;
		inode_unref(d->inode);
		tome_kfree(the_vm, d->name);
		tome_cache_free(dentries, d);
		d = parent;
	}
}

struct dentry *
dentry_child(struct dentry *dir, const char *name)
{
	struct dentry *d;

	for (d = *bucket(dir, name); d != NULL; d = d->hash_next)
		if (d->parent == dir && strcmp(d->name, name) == 0) {
			d->used = true;
			return d;
		}
	return NULL;
}

/* Nobody holds it, nothing hangs on it, and it can be looked up again. */
static bool
forgettable(const struct dentry *d)
{
	return d->parent->inode->ops->cached && d->refs == 1 &&
	    list_empty(&d->children) && d->mounted == NULL;
}

/* A hand that goes round the buckets, twice at most. */
void
dentry_shrink(unsigned n)
{
	static unsigned hand;
	struct dentry *d, *next;

	for (unsigned turns = 0; n > 0 && turns < 2 * BUCKETS; turns++) {
		for (d = hash[hand % BUCKETS]; d != NULL && n > 0; d = next) {
			next = d->hash_next;
			if (!forgettable(d))
				continue;
			if (d->used) {
				d->used = false;
				continue;
			}
			dentry_unlink(d);
			n--;
		}
		hand++;
	}
}

void
dentry_link(struct dentry *d)
{
	struct dentry **b = bucket(d->parent, d->name);

	dentry_ref(d);
	d->linked = true;
	d->unlinked = false;
	d->hash_next = *b;
	*b = d;
	d->cookie = ++d->parent->last_cookie;
	list_add_tail(&d->parent->children, &d->sibling);
}

void
dentry_unlink(struct dentry *d)
{
	struct dentry **p = bucket(d->parent, d->name);

	while (*p != d)
		p = &(*p)->hash_next;
	*p = d->hash_next;
	list_remove(&d->sibling);
	d->linked = false;
	d->unlinked = true;
	dentry_unref(d);
}

/* Put s in front of what at points to. NULL: no room above buf. */
static char *
prepend(char *buf, char *at, const char *s)
{
	size_t n = strlen(s);

	if (at == NULL || (size_t)(at - buf) < n)
		return NULL;
	return memcpy(at - n, s, n);
}

static char *
path_up(struct dentry *d, struct dentry *root, char *buf, char *at)
{
	bool any = false;

	while (d != root) {
		if (d->parent == NULL) {
			if (d->covers == NULL)
				break;
			d = d->covers;
			continue;
		}
		at = prepend(buf, at, d->name);
		at = prepend(buf, at, "/");
		any = true;
		d = d->parent;
	}
	return any ? at : prepend(buf, at, "/");
}

char *
dentry_path_locked(struct dentry *d, struct dentry *root, char *buf,
    size_t size)
{
	char *at = buf + size - 1;

	*at = '\0';
	if (d->unlinked)
		at = prepend(buf, at, " (deleted)");
	return path_up(d, root, buf, at);
}

char *
dentry_path(struct dentry *d, struct dentry *root, char *buf, size_t size)
{
	char *path;

	mutex_lock(&tree_lock);
	path = dentry_path_locked(d, root, buf, size);
	mutex_unlock(&tree_lock);
	return path;
}
