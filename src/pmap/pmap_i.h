/*
 * pmap_i.h - struct tome_pmap and the state of layer 2; private to it.
 *
 * Words used below. A *unit* is what one upper-level slot group points to: the
 * tables of one frame, or the frames of one table; it has one descriptor and
 * one lock. A *group* is the run of upper entries that point to one unit; its
 * first entry decides whether the unit is there. A *leaf* is a unit of level 0.
 *
 * Descriptor of a unit (struct tome_page, identity TABLE), with its readers:
 *   state  lock and stray bits           index  entries in use: level 0 under the
 *   owner  the pmap                             lock, above it atomic
 *   pv     base address | level          next   list of a gather
 *   prev   of a leaf: where the side array is, on ports that need one (side.h)
 */
#ifndef TOME_PMAP_PMAP_I_H
#define TOME_PMAP_PMAP_I_H

#include <tome/port.h>
#include <pmap/leaf.h>
#include <insn.h>

/* ---- objects of one size, carved from frames (pool.c) ---- */

struct pool_frame;

struct tome_pool {
	struct tome_spin lock;		/* rank PVPOOL */
	/* Under the lock. */
	struct pool_frame *partial;	/* frames with a free object */
	uint64_t frames, used;
	/* Constant. */
	uint32_t size, per_frame;
};

void tome_pool_init(struct tome_pool *, size_t size);
/* Not zeroed. NULL: no memory. Takes no lock above rank PVPOOL. */
void *tome_pool_alloc(struct tome_vm *, struct tome_pool *) TOME_NODISCARD;
void tome_pool_free(struct tome_vm *, struct tome_pool *, void *);

/* ---- per CPU ---- */

/* A round's order to a CPU: the sender's own, still while `waiting` is set. */
struct tome_round {
	struct tome_pmap *pmap;
	tome_va_t start, end;
	uint64_t flushes;		/* pmap->flushes once this round is done */
	_Atomic uint64_t waiting;	/* CPUs that have not answered */
};

/* Six records fill a cache line with what keeps the chunks together. */
#define TOME_PV_RECORDS 6u

struct tome_pv_chunk {
	uint64_t rec[TOME_PV_RECORDS];
	struct tome_pv_chunk *next;
	uint32_t used;			/* of the head; all others are full */
	uint32_t moves;			/* of the head: records replaced */
} __attribute__((aligned(64)));

struct tome_pmap_cpu {
	_Atomic uint64_t asked __attribute__((aligned(64)));	/* senders */
	/* By this CPU alone, interrupts off; current and asid also under the
	 * ASID lock. */
	struct tome_pmap *current __attribute__((aligned(64)));
	unsigned asid;
	bool stale;			/* a new generation began: flush all */
	/* By this CPU alone, preemption off. */
	unsigned nchunks;
	struct tome_pv_chunk *chunks;
	struct tome_round mine;
	/*
	 * The leaf last found. Good in a section of the same epoch only: nothing
	 * detached since can have been freed (base/epoch.h).
	 */
	struct tome_leaf hint;
	uint64_t hint_epoch;
	/* Last pmap->flushes this CPU has done under each number. */
	uint64_t seen[TOME_PORT_ASIDS_MAX];
};

/* ---- a pmap ---- */

struct tome_pmap {
	/* Constant. */
	struct tome_vm *vm;
	tome_pte_t *root;
	tome_pfn_t root_frame;
	unsigned top;			/* level of the root */
	unsigned flags;			/* TOME_LEAF_USER or _KERNEL */
	tome_va_t min, max;		/* its addresses, [min, max) */
	struct tome_retired retired;	/* once destroyed */
	/* Under the list lock. */
	struct tome_pmap *next, *prev;
	void *tag;			/* the embedder's */
	/* Under the ASID lock; a broadcast reads the number without. */
	uint64_t asid_gen;
	unsigned asid;
	/* By switches and rounds. */
	_Atomic uint64_t running __attribute__((aligned(64)));
	_Atomic uint64_t flushes;
} __attribute__((aligned(64)));

#define TOME_ASID_WORDS ((TOME_PORT_ASIDS_MAX + 63) / 64)

struct tome_pmaps {
	struct tome_mmu mmu;		/* constant once probed */
	struct tome_pmap kernel;
	struct tome_pool pmaps, chunks, sides;
	unsigned order;			/* of the frames this lies in */
	tome_pfn_t frame;
	tome_pa_t boot_root;		/* what ran before, or 0 */
	bool user_made;			/* the kernel's root is copied: closed */
	_Atomic uint64_t online;	/* CPUs that have started */
	struct tome_spin list_lock;	/* rank ARENA */
	struct tome_pmap *list;		/* user pmaps */
	struct tome_spin asid_lock;	/* rank ASID */
	/* Under it. */
	uint64_t asid_gen;		/* from 1 */
	unsigned asid_next;
	uint64_t asid_kept[TOME_ASID_WORDS];	/* by a rollover */
	struct tome_pmap_cpu cpu[];
};

static inline bool
tome_pmap_is_user(const struct tome_pmap *p)
{
	return p->flags & TOME_LEAF_USER;
}

static inline const struct tome_mmu *
tome_pmap_mmu(const struct tome_pmap *p)
{
	return &p->vm->pmaps->mmu;
}

/* Preemption off. */
static inline struct tome_pmap_cpu *
tome_pmap_cpu(struct tome_vm *vm)
{
	return &vm->pmaps->cpu[tome_host_cpu()];
}

/* What the MMU is given; 0: with two roots, no user space. */
static inline tome_pa_t
tome_pmap_root(const struct tome_pmap *p)
{
	if (TOME_PORT_ROOTS > 1 && !tome_pmap_is_user(p))
		return 0;
	return tome_pfn_pa(p->root_frame);
}

/* ---- geometry ---- */

/* log2 of the entries of a group that points to units of this level. */
#define TOME_GROUP_BITS(level) (TOME_PT_UNIT_BITS(level) - TOME_PT_BITS(level))
#define TOME_UNIT_SHIFT(level) (TOME_PT_SHIFT(level) + TOME_PT_UNIT_BITS(level))
#define TOME_PV_BITS TOME_PT_UNIT_BITS(0)
/* Does flushing a unit's first page leave no walk through the unit cached? Where an
 * entry points to a part of it alone, that is the first part's walks. */
#define TOME_FLUSH_WALKS \
	(TOME_PORT_FLUSH_WALKS && TOME_GROUP_BITS(0) == 0 && \
	    TOME_GROUP_BITS(1) == 0)
#define TOME_LEAF_ENTRIES ((size_t)1 << TOME_PT_UNIT_BITS(0))

/* Bytes that one unit of this level covers; not for a root. */
static inline tome_va_t
tome_unit_span(unsigned level)
{
	return (tome_va_t)1 << TOME_UNIT_SHIFT(level);
}

/* log2 of a unit's frames. */
static inline unsigned
tome_unit_order(unsigned level)
{
	unsigned bits = TOME_PT_UNIT_BITS(level) + TOME_PTE_SHIFT;

	return bits > TOME_PAGE_SHIFT ? bits - TOME_PAGE_SHIFT : 0;
}

/* log2 of the root's frames. */
static inline unsigned
tome_root_order(unsigned levels)
{
	unsigned bits = TOME_PT_ROOT_BITS(levels) + TOME_PTE_SHIFT;

	return bits > TOME_PAGE_SHIFT ? bits - TOME_PAGE_SHIFT : 0;
}

/* Entries in a unit of this level of this pmap. */
static inline size_t
tome_unit_entries(const struct tome_pmap *p, unsigned level)
{
	return (size_t)1 << (level == p->top ? TOME_PT_ROOT_BITS(p->top + 1) :
	    TOME_PT_UNIT_BITS(level));
}

/* Of va's entry in its unit. */
static inline size_t
tome_unit_index(const struct tome_pmap *p, unsigned level, tome_va_t va)
{
	return (size_t)(va >> TOME_PT_SHIFT(level)) &
	    (tome_unit_entries(p, level) - 1);
}

/* Of the first entry of va's group in a unit of level > 0. */
static inline size_t
tome_group_index(const struct tome_pmap *p, unsigned level, tome_va_t va)
{
	return tome_unit_index(p, level, va) &
	    ~(((size_t)1 << TOME_GROUP_BITS(level - 1)) - 1);
}

static inline size_t
tome_leaf_index(tome_va_t va)
{
	return (size_t)(va >> TOME_PAGE_SHIFT) & (TOME_LEAF_ENTRIES - 1);
}

static inline void *
tome_table_va(struct tome_vm *vm, tome_pa_t pa)
{
	return tome_host_frame_va(vm->direct_bias, pa);
}

/* ---- walk.c ---- */

/* What tome_leaf_find() would find, or the empty place that stopped it. */
struct tome_walk {
	struct tome_pmap *pmap;
	unsigned level;			/* of the unit reached */
	tome_pte_t *table;		/* its entries */
	tome_pfn_t frame;
};

/* Down to `level`, as far as there are tables. */
static inline struct tome_walk
tome_walk_down(struct tome_pmap *p, tome_va_t va, unsigned level)
{
	struct tome_walk w = {p, p->top, p->root, p->root_frame};
	tome_pa_t pa = 0;
	tome_pte_t pte;

	while (w.level > level) {
		pte = tome_insn_pte_load(
		    &w.table[tome_group_index(p, w.level, va)]);
		if (tome_unlikely(!tome_pte_is_table(w.level, pte)))
			break;
		pa = tome_pte_table_pa(pte);
		w.table = tome_table_va(p->vm, pa);
		w.level--;
	}
	if (w.level != p->top)
		w.frame = tome_pa_pfn(pa);
	return w;
}

/* The same, called; for all but the hot paths. */
struct tome_walk tome_walk_to(struct tome_pmap *, tome_va_t, unsigned level);
/*
 * Make the tables down to `level`. ENOMEM; EINVAL: something that is not ours,
 * or a large leaf, is in the way. May flush.
 */
enum tome_err tome_walk_make(struct tome_pmap *, tome_va_t,
    unsigned level) TOME_NODISCARD;
/* The first leaf that covers part of [*va, end); *va is moved there. */
bool tome_walk_next(struct tome_pmap *, tome_va_t *va, tome_va_t end,
    struct tome_leaf *out);
/* The same for units of any level below the root. */
bool tome_walk_units(struct tome_pmap *, tome_va_t *va, tome_va_t end,
    unsigned level, struct tome_walk *out);
/* Past va's unit of this level; false: that was the last before end. */
bool tome_walk_step(tome_va_t *va, tome_va_t end, unsigned level);
void tome_leaf_fill(struct tome_pmap *, tome_va_t, tome_pfn_t, tome_pte_t *,
    struct tome_leaf *out);

/* All entries of the group at `first`, in a unit of this level. */
void tome_group_link(struct tome_pmap *, unsigned level, tome_pte_t *first,
    tome_pfn_t unit);
void tome_group_clear(struct tome_pmap *, unsigned level, tome_pte_t *first);
/* Clear the group that points to va's unit of this level. */
void tome_unit_unlink(struct tome_pmap *, tome_va_t, unsigned level);

/* Take an empty, locked leaf out of its pmap and into the gather: it is stray
 * from now on. Then, once unlocked, the upper tables this left empty. */
void tome_leaf_detach(struct tome_leaf *, struct tome_gather *);
void tome_upper_collect(struct tome_pmap *, struct tome_gather *, tome_va_t);
void tome_upper_sweep(struct tome_pmap *, struct tome_gather *);

enum tome_err tome_table_frames(struct tome_vm *, unsigned order,
    tome_pfn_t *out) TOME_NODISCARD;
/* A unit: born locked, empty. ENOMEM. */
enum tome_err tome_unit_alloc(struct tome_pmap *, unsigned level, tome_va_t,
    tome_pfn_t *out) TOME_NODISCARD;
/* One that no CPU and no reader has ever seen; unlocks it. */
void tome_unit_free_unseen(struct tome_vm *, tome_pfn_t);
/* Stray and flushed everywhere; freed after the epoch. */
void tome_unit_retire(struct tome_vm *, tome_pfn_t);
void tome_root_retire(struct tome_pmap *);

static inline unsigned
tome_unit_level(const struct tome_page *unit)
{
	return (unsigned)(tome_rd_relaxed(&unit->pv) & TOME_PAGE_MASK);
}

static inline tome_va_t
tome_unit_base(const struct tome_page *unit)
{
	return (tome_va_t)tome_rd_relaxed(&unit->pv) & ~TOME_PAGE_MASK;
}

/* ---- gather ---- */

static inline void
tome_gather_range(struct tome_gather *g, tome_va_t start, tome_va_t end)
{
	if (g->start == g->end) {
		g->start = start;
		g->end = end;
		return;
	}
	if (start < g->start)
		g->start = start;
	if (end > g->end)
		g->end = end;
}

/* ---- pv.c: records of a page; `rec` is (frame << TOME_PV_BITS | index) ---- */

static inline uint64_t
tome_pv_record(tome_pfn_t frame, size_t index)
{
	return (uint64_t)frame << TOME_PV_BITS | index;
}

static inline tome_pfn_t
tome_pv_frame(uint64_t rec)
{
	return (tome_pfn_t)(rec >> TOME_PV_BITS);
}

static inline size_t
tome_pv_index(uint64_t rec)
{
	return (size_t)(rec & (TOME_LEAF_ENTRIES - 1));
}

/* A word of 0: unmapped; odd: one record; else the head chunk. */
static inline uint64_t
tome_pv_inline(uint64_t rec)
{
	return rec << 1 | 1;
}

void tome_pv_insert_slow(struct tome_vm *, struct tome_page *, uint64_t rec);
void tome_pv_remove_slow(struct tome_vm *, struct tome_page *, uint64_t rec);
void tome_pv_replace(struct tome_vm *, struct tome_page *, uint64_t from,
    uint64_t to);
enum tome_err tome_pv_reserve_slow(struct tome_vm *, unsigned n) TOME_NODISCARD;
void tome_pv_drain(struct tome_vm *);

/*
 * Up to n records greater than `after`, ascending; how many. With 0 *stamp is set;
 * without, it has `changed` if a record that was there then may have been given another
 * number since.
 */
struct tome_pv_stamp {
	uint64_t word;
	uint32_t moves;
	bool changed;
};
unsigned tome_pv_collect(struct tome_vm *, struct tome_page *, uint64_t after,
    uint64_t *out, unsigned n, struct tome_pv_stamp *stamp);
unsigned tome_pv_count(struct tome_vm *, struct tome_page *);
unsigned tome_pv_matches(struct tome_vm *, struct tome_page *, uint64_t rec);
bool tome_pv_is_sound(struct tome_vm *, struct tome_page *);

/* Preemption off: tables are edited under their lock. A chunk was reserved. */
static inline void
tome_pv_insert(struct tome_vm *vm, struct tome_page *pg, uint64_t rec)
{
	uint64_t none = 0;

	if (tome_unlikely(!tome_cas_sc(&pg->pv, &none, tome_pv_inline(rec))))
		tome_pv_insert_slow(vm, pg, rec);
}

static inline void
tome_pv_remove(struct tome_vm *vm, struct tome_page *pg, uint64_t rec)
{
	uint64_t seen = tome_pv_inline(rec);

	if (tome_unlikely(!tome_cas_sc(&pg->pv, &seen, 0)))
		tome_pv_remove_slow(vm, pg, rec);
}

/* ---- flush.c ---- */

/* Answer every order to this CPU. Interrupts off. */
void tome_round_serve(struct tome_vm *);
/* Translations of [start, end) went; a round to whoever runs the pmap. */
void tome_round(struct tome_pmap *, tome_va_t start, tome_va_t end);

/*
 * Upper entries for va's page went, and with them whatever else was gathered. Where a
 * flush of pages leaves walk caches alone, that is more than pages.
 */
static inline void
tome_round_tables(struct tome_pmap *p, tome_va_t va)
{
	tome_round(p, va, va + TOME_PAGE_SIZE * (TOME_FLUSH_WALKS ? 1 :
	    TOME_PORT_FLUSH_PAGES + 1));
}

/* ---- asid.c ---- */

void tome_asid_init(struct tome_vm *);

/* ---- pmap.c, kernel.c ---- */

enum tome_err tome_root_alloc(struct tome_vm *,
    struct tome_pmap *) TOME_NODISCARD;
enum tome_err tome_kernel_pmap_init(struct tome_vm *,
    const struct tome_boot *) TOME_NODISCARD;
void tome_kernel_pmap_fini(struct tome_vm *);
/* One root: its kernel half. */
void tome_kernel_root_copy(struct tome_pmap *);
/* Large leaves of the kernel's pmap, each wholly inside [start, end): narrowed, or, with
 * NULL, removed. */
void tome_large_change(struct tome_gather *, tome_va_t start, tome_va_t end,
    const struct tome_narrow *);

/* ---- what phys's vm.c calls: layer 2 as a whole ---- */

/* On the creating CPU, after layer 1. EINVAL: the CPU cannot run this port, or
 * boot's kernel root is in the way; ENOMEM. */
enum tome_err tome_pmaps_init(struct tome_vm *,
    const struct tome_boot *) TOME_NODISCARD;
/* Returns what had leaked, logging each kind. */
size_t tome_pmaps_fini(struct tome_vm *);
/* tome_vm_interrupt(): interrupts off. */
void tome_pmaps_interrupt(struct tome_vm *);
/* Invariants 4, 9 and the counts in tables; NULL, or a sentence. */
const char *tome_pmaps_check(struct tome_vm *);

#endif
