/*
 * pv.c - where a page is mapped: one word in its descriptor, more in chunks.
 *
 * The word tome_page.pv is 0 (nowhere), odd (one record, shifted), or the address
 * of the head chunk. 0 <-> one record is a compare-and-swap that takes no lock:
 * the common case. While the word names a chunk, only the holder of the page's PV
 * lock bit changes it or the chunks.
 *
 * Invariant: every chunk but the head is full, the head is not empty, and one
 *   record alone is never in a chunk.              [checked: tome_pmaps_check()]
 * Locks: PV, leaf side. Chunks come from the CPU's own stock, filled beforehand
 *   (tome_leaf_reserve), so that an insertion cannot fail.
 */
#include <pmap/pmap_i.h>

/* A CPU keeps up to so many chunks: one frame's worth. */
#define PV_STOCK 63u

static struct tome_pv_chunk *chunk_take(struct tome_vm *);
static void chunk_give(struct tome_vm *, struct tome_pv_chunk *);
static uint64_t *chunks_find(struct tome_pv_chunk *head, uint64_t rec);
static void word_to_chunk(struct tome_vm *, struct tome_page *, uint64_t word,
    uint64_t rec);
static void head_push(struct tome_vm *, struct tome_page *,
    struct tome_pv_chunk *head, uint64_t rec);
static void head_pop(struct tome_vm *, struct tome_page *,
    struct tome_pv_chunk *head);

static inline uintptr_t
pv_lock(struct tome_vm *vm, struct tome_page *pg)
{
	return tome_bit_lock_irq(vm, &pg->state, TOME_PAGE_PV_LOCK,
	    TOME_RANK_PV);
}

static inline void
pv_unlock(struct tome_vm *vm, struct tome_page *pg, uintptr_t irq)
{
	tome_bit_unlock_irq(vm, &pg->state, TOME_PAGE_PV_LOCK, TOME_RANK_PV,
	    irq);
}

static inline bool
word_is_chunk(uint64_t word)
{
	return word != 0 && !(word & 1);
}

static inline struct tome_pv_chunk *
word_chunk(uint64_t word)
{
	return (struct tome_pv_chunk *)(uintptr_t)word;
}

static inline uint64_t
chunk_word(const struct tome_pv_chunk *c)
{
	return (uint64_t)(uintptr_t)c;
}

/* ---- inserting and removing ---- */

tome_noinline void
tome_pv_insert_slow(struct tome_vm *vm, struct tome_page *pg, uint64_t rec)
{
	uintptr_t irq = pv_lock(vm, pg);
	uint64_t word = tome_rd(&pg->pv);

	/* Without a chunk, others may still change the word. */
	while (word == 0 &&
	    !tome_cas_sc(&pg->pv, &word, tome_pv_inline(rec)))
		;
	if (word_is_chunk(word))
		head_push(vm, pg, word_chunk(word), rec);
	else if (word != 0)
		word_to_chunk(vm, pg, word, rec);
	pv_unlock(vm, pg, irq);
}

/* The second record: both move to a chunk, unless the first goes meanwhile. */
static void
word_to_chunk(struct tome_vm *vm, struct tome_page *pg, uint64_t word,
    uint64_t rec)
{
	struct tome_pv_chunk *c = chunk_take(vm);

	c->next = NULL;
	c->moves = 0;
	do {
		if (word == 0 &&
		    tome_cas_sc(&pg->pv, &word, tome_pv_inline(rec))) {
			chunk_give(vm, c);
			return;
		}
		c->rec[0] = word >> 1;
		c->rec[1] = rec;
		c->used = 2;
	} while (word == 0 || !tome_cas_sc(&pg->pv, &word, chunk_word(c)));
}

static void
head_push(struct tome_vm *vm, struct tome_page *pg,
    struct tome_pv_chunk *head, uint64_t rec)
{
	struct tome_pv_chunk *c = head;

	if (head->used == TOME_PV_RECORDS) {
		c = chunk_take(vm);
		c->next = head;
		c->used = 0;
		c->moves = head->moves;
		tome_wr(&pg->pv, chunk_word(c));
	}
	c->rec[c->used++] = rec;
}

tome_noinline void
tome_pv_remove_slow(struct tome_vm *vm, struct tome_page *pg, uint64_t rec)
{
	uintptr_t irq = pv_lock(vm, pg);
	uint64_t word = tome_pv_inline(rec), *at;
	struct tome_pv_chunk *head;

	/* It may have become the only one since. */
	if (!tome_cas_sc(&pg->pv, &word, 0)) {
		TOME_CHECK(vm, word_is_chunk(word));
		head = word_chunk(word);
		at = chunks_find(head, rec);
		TOME_CHECK(vm, at != NULL);
		*at = head->rec[head->used - 1];
		head_pop(vm, pg, head);
	}
	pv_unlock(vm, pg, irq);
}

/* The head's last record is gone, or lies elsewhere now. */
static void
head_pop(struct tome_vm *vm, struct tome_page *pg, struct tome_pv_chunk *head)
{
	struct tome_pv_chunk *next = head->next;

	head->used--;
	if (next == NULL && head->used == 1) {
		tome_wr(&pg->pv, tome_pv_inline(head->rec[0]));
		chunk_give(vm, head);
	} else if (head->used == 0) {
		next->moves = head->moves;
		tome_wr(&pg->pv, chunk_word(next));
		chunk_give(vm, head);
	}
}

/* A translation moved to another slot; both leaves are locked. */
void
tome_pv_replace(struct tome_vm *vm, struct tome_page *pg, uint64_t from,
    uint64_t to)
{
	uint64_t word = tome_pv_inline(from), *at;
	uintptr_t irq = pv_lock(vm, pg);

	if (!tome_cas_sc(&pg->pv, &word, tome_pv_inline(to))) {
		TOME_CHECK(vm, word_is_chunk(word));
		at = chunks_find(word_chunk(word), from);
		TOME_CHECK(vm, at != NULL);
		*at = to;
		word_chunk(word)->moves++;
	}
	pv_unlock(vm, pg, irq);
}

static uint64_t *
chunks_find(struct tome_pv_chunk *c, uint64_t rec)
{
	unsigned i;

	for (; c != NULL; c = c->next)
		for (i = 0; i < c->used; i++)
			if (c->rec[i] == rec)
				return &c->rec[i];
	return NULL;
}

/* ---- reading ---- */

/* Keep the n smallest that were offered, in order. */
static unsigned
keep_smallest(uint64_t *out, unsigned have, unsigned n, uint64_t rec)
{
	unsigned i;

	if (have == n && rec > out[n - 1])
		return n;
	for (i = have < n ? have : n - 1; i > 0 && out[i - 1] > rec; i--)
		out[i] = out[i - 1];
	out[i] = rec;
	return have < n ? have + 1 : n;
}

unsigned
tome_pv_collect(struct tome_vm *vm, struct tome_page *pg, uint64_t after,
    uint64_t *out, unsigned n, struct tome_pv_stamp *stamp)
{
	uintptr_t irq = pv_lock(vm, pg);
	uint64_t word = tome_rd(&pg->pv);
	const struct tome_pv_chunk *c;
	uint32_t moves = word_is_chunk(word) ? word_chunk(word)->moves : 0;
	unsigned have = 0, i;

	stamp->changed = after != 0 && word != 0 &&
	    (word != stamp->word || moves != stamp->moves);
	if (after == 0)
		*stamp = (struct tome_pv_stamp){ .word = word, .moves = moves };
	if (!word_is_chunk(word)) {
		if (word >> 1 > after)
			out[have++] = word >> 1;
	} else {
		for (c = word_chunk(word); c != NULL; c = c->next)
			for (i = 0; i < c->used; i++)
				if (c->rec[i] > after)
					have = keep_smallest(out, have, n,
					    c->rec[i]);
	}
	pv_unlock(vm, pg, irq);
	return have;
}

unsigned
tome_pv_count(struct tome_vm *vm, struct tome_page *pg)
{
	uintptr_t irq = pv_lock(vm, pg);
	uint64_t word = tome_rd(&pg->pv);
	const struct tome_pv_chunk *c;
	unsigned n = word != 0;

	if (word_is_chunk(word))
		for (n = 0, c = word_chunk(word); c != NULL; c = c->next)
			n += c->used;
	pv_unlock(vm, pg, irq);
	return n;
}

/* How many records are this one. */
unsigned
tome_pv_matches(struct tome_vm *vm, struct tome_page *pg, uint64_t rec)
{
	uintptr_t irq = pv_lock(vm, pg);
	uint64_t word = tome_rd(&pg->pv);
	const struct tome_pv_chunk *c;
	unsigned n = word == tome_pv_inline(rec), i;

	if (word_is_chunk(word))
		for (c = word_chunk(word); c != NULL; c = c->next)
			for (i = 0; i < c->used; i++)
				n += c->rec[i] == rec;
	pv_unlock(vm, pg, irq);
	return n;
}

/* The invariant at the top. */
bool
tome_pv_is_sound(struct tome_vm *vm, struct tome_page *pg)
{
	uintptr_t irq = pv_lock(vm, pg);
	uint64_t word = tome_rd(&pg->pv);
	const struct tome_pv_chunk *c, *head;
	bool sound = true;

	if (word_is_chunk(word)) {
		head = word_chunk(word);
		sound = head->used >= (head->next == NULL ? 2 : 1) &&
		    head->used <= TOME_PV_RECORDS;
		for (c = head->next; c != NULL; c = c->next)
			sound = sound && c->used == TOME_PV_RECORDS;
	}
	pv_unlock(vm, pg, irq);
	return sound;
}

/* ---- the CPU's stock of chunks; preemption off ---- */

static struct tome_pv_chunk *
chunk_take(struct tome_vm *vm)
{
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(vm);
	struct tome_pv_chunk *c = cpu->chunks;

	TOME_CHECK(vm, c != NULL);
	cpu->chunks = c->next;
	cpu->nchunks--;
	return c;
}

static void
chunk_give(struct tome_vm *vm, struct tome_pv_chunk *c)
{
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(vm);

	if (cpu->nchunks >= PV_STOCK) {
		tome_pool_free(vm, &vm->pmaps->chunks, c);
		return;
	}
	c->next = cpu->chunks;
	cpu->chunks = c;
	cpu->nchunks++;
}

enum tome_err
tome_pv_reserve_slow(struct tome_vm *vm, unsigned n)
{
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(vm);
	struct tome_pv_chunk *c;

	TOME_ASSERT(vm, n <= PV_STOCK);
	while (cpu->nchunks < n) {
		c = tome_pool_alloc(vm, &vm->pmaps->chunks);
		if (c == NULL)
			return TOME_ENOMEM;
		chunk_give(vm, c);
	}
	return TOME_OK;
}

/* Every CPU's stock back to the pool; the CPUs are outside the VM. */
void
tome_pv_drain(struct tome_vm *vm)
{
	struct tome_pmap_cpu *cpu;
	struct tome_pv_chunk *c;
	unsigned i;

	for (i = 0; i < vm->ncpus; i++) {
		cpu = &vm->pmaps->cpu[i];
		while ((c = cpu->chunks) != NULL) {
			cpu->chunks = c->next;
			tome_pool_free(vm, &vm->pmaps->chunks, c);
		}
		cpu->nchunks = 0;
	}
}
