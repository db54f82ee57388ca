/*
 * test_allocators.c - a slab and a slob allocator that stand on a segment, as the
 * document has them: they know only vm_segment_alloc() and vm_segment_free().
 */
#include "rig_a.h"

#define TEST(numbers, f) CONTRACT_TEST(numbers, f, a_up, a_down)

/* ---- slab: objects of one size in slabs of one granule ---- */

struct slab {
	struct slab *next;
	void *free;
	unsigned used;
};

struct slab_cache {
	struct vm_segment *heap;
	struct slab *slabs;
	size_t size;
};

static struct slab *
slab_of(const struct slab_cache *c, void *object)
{
	uintptr_t base = (uintptr_t)c->heap->virt_base;

	return P(base + (((uintptr_t)object - base) & ~(G - 1)));
}

static struct slab *
slab_new(struct slab_cache *c)
{
	struct slab *s = vm_segment_alloc(c->heap, G);

	if (s == NULL)
		return NULL;
	*s = (struct slab){ .next = c->slabs };
	for (size_t at = sizeof *s; at + c->size <= G; at += c->size) {
		*(void **)((char *)s + at) = s->free;
		s->free = (char *)s + at;
	}
	c->slabs = s;
	return s;
}

static void *
slab_alloc(struct slab_cache *c)
{
	struct slab *s = c->slabs;
	void *object;

	while (s != NULL && s->free == NULL)
		s = s->next;
	if (s == NULL)
		s = slab_new(c);
	if (s == NULL)
		return NULL;
	object = s->free;
	s->free = *(void **)object;
	s->used++;
	return object;
}

static void
slab_free(struct slab_cache *c, void *object)
{
	struct slab *s = slab_of(c, object), **at = &c->slabs;

	*(void **)object = s->free;
	s->free = object;
	if (--s->used > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	assert_int_equal(vm_segment_free(c->heap, s), SUCCESS);
}

#define OBJECTS 2000

static void
test_slab(void **state)
{
	static uint64_t *object[OBJECTS];
	struct slab_cache c = { .heap = vm_find_segment(".heap"), .size = 96 };

	(void)state;
	a_pointers();
	for (unsigned i = 0; i < OBJECTS; i++) {
		object[i] = slab_alloc(&c);
		assert_non_null(object[i]);
		for (unsigned j = 0; j < 12; j++)
			object[i][j] = i;
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		for (unsigned j = 0; j < 12; j++)
			assert_int_equal(object[i][j], i);
	rig_check();
	assert_int_equal(a_count(c.heap, c.heap->allocated), 12);
	for (unsigned i = 0; i < OBJECTS; i++)
		slab_free(&c, object[i * 7 % OBJECTS]);
	assert_int_equal(a_count(c.heap, c.heap->allocated), 0);
	assert_int_equal(a_count(c.heap, c.heap->free), 1);
}

/* ---- slob: a first-fit list of blocks of any size ---- */

struct block {
	size_t size;			/* with this header */
	struct block *next;		/* free ones, by address */
};

struct slob {
	struct vm_segment *heap;
	struct block *free;
};

static void
slob_put(struct slob *s, struct block *b)
{
	struct block **at = &s->free, *before = NULL;

	while (*at != NULL && *at < b) {
		before = *at;
		at = &(*at)->next;
	}
	b->next = *at;
	*at = b;
	if (b->next != NULL && (char *)b + b->size == (char *)b->next) {
		b->size += b->next->size;
		b->next = b->next->next;
	}
	if (before != NULL && (char *)before + before->size == (char *)b) {
		before->size += b->size;
		before->next = b->next;
	}
}

static bool
slob_more(struct slob *s, size_t size)
{
	struct block *b = vm_segment_alloc(s->heap, size);

	if (b == NULL)
		return false;
	b->size = (size + G - 1) & ~(G - 1);
	slob_put(s, b);
	return true;
}

static void *
slob_alloc(struct slob *s, size_t size)
{
	size_t need = (size + sizeof(struct block) + 15) & ~(size_t)15;

	do {
		struct block **at = &s->free, *b;

		while ((b = *at) != NULL && b->size < need)
			at = &b->next;
		if (b == NULL)
			continue;
		if (b->size - need >= 2 * sizeof *b) {
			b->size -= need;
			b = (struct block *)((char *)b + b->size);
			b->size = need;
		} else {
			*at = b->next;
		}
		return b + 1;
	} while (slob_more(s, need));
	return NULL;
}

static void
test_slob(void **state)
{
	struct slob s = { .heap = vm_find_segment(".heap") };
	unsigned char *p[64] = { NULL };
	size_t size[64];
	uint32_t seed = 7;

	(void)state;
	a_pointers();
	for (unsigned i = 0; i < 4000; i++) {
		unsigned k = (seed = seed * 1664525 + 1013904223) >> 26;

		if (p[k] != NULL) {
			for (size_t j = 0; j < size[k]; j += 61)
				assert_int_equal(p[k][j], k);
			slob_put(&s, (struct block *)p[k] - 1);
			p[k] = NULL;
			continue;
		}
		size[k] = (seed & 0xffff) + 1;
		p[k] = slob_alloc(&s, size[k]);
		assert_non_null(p[k]);
		memset(p[k], (int)k, size[k]);
	}
	rig_check();
	a_count(s.heap, NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("A32", test_slab),
		TEST("A32", test_slob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
