/*
 * vmcopy.c - process_vm_readv and process_vm_writev.
 *
 * Two lists of ranges are walked in step, through a page of kernel memory. As
 * Linux: what was moved before the first failure is the result, if anything
 * was.
 */
#include <posix/posix_i.h>

/* struct iovec of the caller's word size. */
struct iovec {
	tome_va_t base, len;
};

/* Most bytes of one call: Linux's MAX_RW_COUNT. */
#define MOST ((uint64_t)0x7fffffff & ~(uint64_t)TOME_PAGE_MASK)

/* One list, and how far it has been used. */
struct list {
	struct iovec *v;		/* NULL: not read yet */
	tome_va_t user;			/* where it is read from */
	uint64_t n, at;
	tome_va_t off;
};

struct copy {
	struct tome_posix *p;
	struct tome_map *other;
	bool write;			/* to the other */
	struct list local, remote;
	uint64_t left;			/* bytes of the local list */
	uint8_t *page;
};

static long vm_copy(struct copy *, long why, uint64_t flags);
static enum tome_err load(struct copy *, struct list *);
static enum tome_err check_local(struct copy *);
static bool is_empty(const struct list *);
static long run(struct copy *);
static enum tome_err step(struct copy *, size_t n, size_t *done);

tome_cold long
tome_posix_vm_readv(struct tome_posix *p, struct tome_map *other, long why,
    tome_va_t local, uint64_t nlocal, tome_va_t remote, uint64_t nremote,
    uint64_t flags)
{
	struct copy c = { .p = p, .other = other,
		.local = { .user = local, .n = nlocal },
		.remote = { .user = remote, .n = nremote } };

	return vm_copy(&c, why, flags);
}

tome_cold long
tome_posix_vm_writev(struct tome_posix *p, struct tome_map *other, long why,
    tome_va_t local, uint64_t nlocal, tome_va_t remote, uint64_t nremote,
    uint64_t flags)
{
	struct copy c = { .p = p, .other = other, .write = true,
		.local = { .user = local, .n = nlocal },
		.remote = { .user = remote, .n = nremote } };

	return vm_copy(&c, why, flags);
}

/* The checks in Linux's order; the other process only counts when there is
 * something to move. */
static tome_cold long
checked(struct copy *c, long why)
{
	enum tome_err err = load(c, &c->local);

	if (err == TOME_OK)
		err = check_local(c);
	if (err != TOME_OK || c->left == 0)
		return tome_posix_result(err);
	err = load(c, &c->remote);
	if (err != TOME_OK || is_empty(&c->remote))
		return tome_posix_result(err);
	if (c->other == NULL)
		return why;
	c->page = tome_kmalloc(c->p->vm, TOME_PAGE_SIZE);
	return c->page != NULL ? run(c) : tome_posix_result(TOME_ENOMEM);
}

static tome_cold long
vm_copy(struct copy *c, long why, uint64_t flags)
{
	long result;

	if (flags != 0)
		return tome_posix_result(TOME_EINVAL);
	result = checked(c, why);
	tome_kfree(c->p->vm, c->local.v);
	tome_kfree(c->p->vm, c->remote.v);
	tome_kfree(c->p->vm, c->page);
	return result;
}

/* ---- the lists ---- */

static tome_cold enum tome_err
load(struct copy *c, struct list *l)
{
	size_t bytes = (size_t)l->n * sizeof(struct iovec);

	if (l->n > UIO_MAXIOV)
		return TOME_EINVAL;
	if (l->n == 0)
		return TOME_OK;
	l->v = tome_kmalloc(c->p->vm, bytes);
	if (l->v == NULL)
		return TOME_ENOMEM;
	if (tome_copyin(c->p->map, l->v, l->user, bytes) != TOME_OK)
		return TOME_EFAULT;
	for (uint64_t i = 0; i < l->n; i++)
		if (l->v[i].len > (tome_va_t)-1 >> 1)
			return TOME_EINVAL;
	return TOME_OK;
}

static tome_cold bool
is_empty(const struct list *l)
{
	uint64_t i = 0;

	while (i < l->n && l->v[i].len == 0)
		i++;
	return i == l->n;
}

/* Every local range is an address range, and all of them together are cut to
 * what one call moves. */
static tome_cold enum tome_err
check_local(struct copy *c)
{
	for (uint64_t i = 0; i < c->local.n; i++) {
		struct iovec *v = &c->local.v[i];

		if (!tome_posix_in_space(c->p, v->base, v->len))
			return TOME_EFAULT;
		if (v->len > MOST - c->left)
			v->len = (tome_va_t)(MOST - c->left);
		c->left += v->len;
	}
	return TOME_OK;
}

/* ---- moving ---- */

/* Skip what is used up; bytes left in the current range, 0 at the end. */
static tome_cold tome_va_t
current_len(struct list *l)
{
	while (l->at < l->n && l->off == l->v[l->at].len) {
		l->at++;
		l->off = 0;
	}
	return l->at < l->n ? l->v[l->at].len - l->off : 0;
}

static tome_cold tome_va_t
current_va(const struct list *l)
{
	return l->v[l->at].base + l->off;
}

/* As much as both ranges, and the page the remote one is in, allow. */
static tome_cold size_t
next_size(struct copy *c)
{
	tome_va_t local = current_len(&c->local);
	tome_va_t n = current_len(&c->remote), page;

	if (local < n)
		n = local;
	if (n == 0)
		return 0;
	page = TOME_PAGE_SIZE - (current_va(&c->remote) & TOME_PAGE_MASK);
	return (size_t)(n < page ? n : page);
}

static tome_noinline long
run(struct copy *c)
{
	enum tome_err err = TOME_OK;
	uint64_t moved = 0;
	size_t n, done;

	while (err == TOME_OK && (n = next_size(c)) > 0) {
		err = step(c, n, &done);
		c->local.off += done;
		c->remote.off += done;
		moved += done;
	}
	return moved > 0 ? (long)moved : tome_posix_result(err);
}

static tome_cold enum tome_err
step(struct copy *c, size_t n, size_t *done)
{
	tome_va_t local = current_va(&c->local);
	tome_va_t remote = current_va(&c->remote);
	struct tome_map *own = c->p->map;
	size_t got = 0;
	enum tome_err err, out;

	*done = 0;
	if (c->write)
		err = tome_map_read(own, local, c->page, n, false, &got);
	else
		err = tome_map_read(c->other, remote, c->page, n, false, &got);
	if (got == 0)
		return err != TOME_OK ? TOME_EFAULT : TOME_OK;
	if (c->write)
		out = tome_map_write(c->other, remote, c->page, got, false,
		    done);
	else
		out = tome_map_write(own, local, c->page, got, false, done);
	return err != TOME_OK || out != TOME_OK ? TOME_EFAULT : TOME_OK;
}
