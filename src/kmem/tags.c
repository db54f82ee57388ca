/*
 * tags.c - the segments of an arena: lists by address and size, the hash.
 *
 * Invariant: a span's segments tile it, and no two free ones touch.
 *   [checked: tome_tags_check()]
 * Locks: the arena's, held by the caller.
 */
#include <kmem/tags.h>

unsigned
tome_log2(uint64_t n)
{
	unsigned at = 0;

	for (unsigned step = 32; step > 0; step >>= 1) {
		if (n >> step != 0) {
			n >>= step;
			at += step;
		}
	}
	return at;
}

/* ---- the reserve ---- */

struct tome_tag *
tome_tag_take(struct tome_arena *a)
{
	struct tome_tag *t = a->reserve;

	TOME_CHECK(a->vm, t != NULL);
	a->reserve = t->after;
	a->nreserve--;
	return t;
}

void
tome_tag_give(struct tome_arena *a, struct tome_tag *t)
{
	t->after = a->reserve;
	a->reserve = t;
	a->nreserve++;
}

/* ---- by address ---- */

/* Insert between prev and what follows it (prev NULL: first). */
static void
insert_after(struct tome_arena *a, struct tome_tag *prev, struct tome_tag *t)
{
	t->prev = prev;
	t->next = prev == NULL ? a->first : prev->next;
	if (t->next != NULL)
		t->next->prev = t;
	else
		a->last = t;
	if (prev != NULL)
		prev->next = t;
	else
		a->first = t;
}

static void
unlink_tag(struct tome_arena *a, struct tome_tag *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		a->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		a->last = t->prev;
}

/* ---- by size ---- */

unsigned
tome_tags_list(const struct tome_arena *a, tome_span_t size)
{
	return tome_log2(size >> a->shift);
}

static void
free_insert(struct tome_arena *a, struct tome_tag *t)
{
	unsigned i = tome_tags_list(a, t->size);

	t->kind = TOME_TAG_FREE;
	t->before = NULL;
	t->after = a->free[i];
	if (t->after != NULL)
		t->after->before = t;
	a->free[i] = t;
	a->nonempty |= (uint64_t)1 << i;
	a->nfree++;
}

static void
free_remove(struct tome_arena *a, struct tome_tag *t)
{
	unsigned i = tome_tags_list(a, t->size);

	if (t->after != NULL)
		t->after->before = t->before;
	if (t->before != NULL)
		t->before->after = t->after;
	else
		a->free[i] = t->after;
	if (a->free[i] == NULL)
		a->nonempty &= ~((uint64_t)1 << i);
	a->nfree--;
}

/* ---- by base ---- */

/* Fibonacci hashing: the top bits of a product by 2^64 / phi. */
static struct tome_tag **
chain(struct tome_arena *a, tome_span_t base)
{
	uint64_t h = (base >> a->shift) * 0x9e3779b97f4a7c15u;

	return &a->hash[h >> (64 - a->hash_bits)];
}

static void
hash_insert(struct tome_arena *a, struct tome_tag *t)
{
	struct tome_tag **c = chain(a, t->base);

	t->after = *c;
	*c = t;
}

static void
hash_remove(struct tome_arena *a, struct tome_tag *t)
{
	struct tome_tag **c = chain(a, t->base);

	while (*c != t)
		c = &(*c)->after;
	*c = t->after;
}

struct tome_tag *
tome_tags_find(struct tome_arena *a, tome_span_t base)
{
	struct tome_tag *t = *chain(a, base);

	while (t != NULL && t->base != base)
		t = t->after;
	return t;
}

struct tome_tag **
tome_tags_rehash(struct tome_arena *a, struct tome_tag **table, unsigned bits)
{
	struct tome_tag **old = a->hash;

	a->hash = table;
	tome_wr_relaxed(&a->hash_bits, bits);
	for (struct tome_tag *t = a->first; t != NULL; t = t->next)
		if (t->kind == TOME_TAG_ALLOCATED)
			hash_insert(a, t);
	return old;
}

/* ---- segments ---- */

bool
tome_tags_add_span(struct tome_arena *a, tome_span_t base, tome_span_t size,
    bool imported)
{
	tome_span_t last = base + (size - 1);
	struct tome_tag **at = &a->spans, *span, *seg, *prev;

	while (*at != NULL && tome_tag_last(*at) < base)
		at = &(*at)->after;
	if (*at != NULL && (*at)->base <= last)
		return false;
	prev = *at != NULL ? (*at)->prev : a->last;
	span = tome_tag_take(a);
	*span = (struct tome_tag){ .base = base, .size = size, .after = *at,
		.kind = TOME_TAG_SPAN, .imported = imported };
	*at = span;
	insert_after(a, prev, span);
	seg = tome_tag_take(a);
	*seg = (struct tome_tag){ .base = base, .size = size };
	insert_after(a, span, seg);
	free_insert(a, seg);
	a->nspans++;
	a->total += size;
	return true;
}

tome_cold void
tome_tags_remove_span(struct tome_arena *a, struct tome_tag *span)
{
	struct tome_tag **at = &a->spans, *seg = span->next;

	while (*at != span)
		at = &(*at)->after;
	*at = span->after;
	free_remove(a, seg);
	unlink_tag(a, seg);
	unlink_tag(a, span);
	a->nspans--;
	a->total -= span->size;
	tome_tag_give(a, seg);
	tome_tag_give(a, span);
}

/* Split a segment on no list: it keeps [base, at), a new one has the rest. */
static struct tome_tag *
split(struct tome_arena *a, struct tome_tag *t, tome_span_t at)
{
	struct tome_tag *upper = tome_tag_take(a);

	*upper = (struct tome_tag){ .base = at,
		.size = t->size - (at - t->base) };
	t->size = at - t->base;
	insert_after(a, t, upper);
	return upper;
}

void
tome_tags_carve(struct tome_arena *a, struct tome_tag *t, tome_span_t at,
    tome_span_t size)
{
	free_remove(a, t);
	if (at != t->base) {
		struct tome_tag *lower = t;

		t = split(a, lower, at);
		free_insert(a, lower);
	}
	if (t->size != size)
		free_insert(a, split(a, t, at + size));
	t->kind = TOME_TAG_ALLOCATED;
	t->cached = false;
	t->note = 0;
	hash_insert(a, t);
	tome_wr_relaxed(&a->nallocated, a->nallocated + 1);
	a->used += size;
}

static void
absorb(struct tome_arena *a, struct tome_tag *t, struct tome_tag *upper)
{
	t->size += upper->size;
	unlink_tag(a, upper);
	tome_tag_give(a, upper);
}

struct tome_tag *
tome_tags_release(struct tome_arena *a, struct tome_tag *t)
{
	struct tome_tag *prev = t->prev, *next = t->next;

	hash_remove(a, t);
	tome_wr_relaxed(&a->nallocated, a->nallocated - 1);
	a->used -= t->size;
	if (next != NULL && next->kind == TOME_TAG_FREE) {
		free_remove(a, next);
		absorb(a, t, next);
	}
	if (prev->kind == TOME_TAG_FREE) {
		free_remove(a, prev);
		absorb(a, prev, t);
		t = prev;
	}
	free_insert(a, t);
	return t;
}

/* ---- check ---- */

/* What a walk has seen of the span it is in, and of them all. */
struct walk {
	tome_span_t next, left, used, total;
	uint32_t nfree, nallocated;
	bool after_free;
};

static const char *
check_segment(struct walk *w, const struct tome_tag *t)
{
	bool is_free = t->kind == TOME_TAG_FREE;

	if (t->base != w->next || t->size == 0 || t->size > w->left)
		return "an arena's segments do not tile their span";
	if (is_free && w->after_free)
		return "two free segments of an arena touch";
	w->next += t->size;
	w->left -= t->size;
	w->after_free = is_free;
	w->nfree += is_free;
	w->nallocated += !is_free;
	w->used += is_free ? 0 : t->size;
	return NULL;
}

static const char *
check_span(struct walk *w, const struct tome_tag *t)
{
	if (w->left != 0)
		return "an arena's segments do not fill their span";
	w->next = t->base;
	w->left = t->size;
	w->total += t->size;
	w->after_free = false;
	return NULL;
}

tome_cold const char *
tome_tags_check(struct tome_arena *a)
{
	struct walk w = { 0 };
	const char *why = NULL;

	for (struct tome_tag *t = a->first; t != NULL && why == NULL;
	    t = t->next)
		why = t->kind == TOME_TAG_SPAN ? check_span(&w, t) :
		    check_segment(&w, t);
	if (why == NULL && (w.left != 0 || w.total != a->total ||
	    w.used != a->used || w.nfree != a->nfree ||
	    w.nallocated != a->nallocated))
		why = "an arena's counts disagree with its segments";
	return why;
}
