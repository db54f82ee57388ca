/*
 * mmu.h - between the machine and a format's software MMU and insn.h.
 *
 * A format supplies one `const struct hosted_mmu hosted_mmu` (mmu_<cpu>.c),
 * written from the architecture's manual, not from the port, and an insn.h whose
 * functions end in the calls below. One binary holds one format.
 */
#ifndef HOSTED_MMU_H
#define HOSTED_MMU_H

#include "hosted.h"

struct hosted_cpu;

/* Rights of a translation. */
#define HOSTED_R 1u
#define HOSTED_W 2u
#define HOSTED_X 4u
#define HOSTED_U 8u
#define HOSTED_LEVELS 6

/* An access. HOSTED_R, _W or _X, and who. */
#define HOSTED_KERNEL 0x10u
#define HOSTED_KERNEL_USER 0x20u	/* kernel, user access let through */

/* What a walk found, and what a TLB keeps. */
struct hosted_leaf {
	tome_va_t va;		/* of its first byte */
	tome_pa_t pa;
	uint8_t shift;		/* log2 of its size */
	uint8_t rights;
	uint8_t type;		/* memory type, by the CPU's own number */
	bool global;
	bool dirty;		/* a write needs no more bookkeeping */
	bool accessed;		/* false: the A bit is still owed */
	uint32_t asid;
	tome_pa_t pte;		/* where the leaf entry lies */
	uint64_t raw;		/* what it held */
	/* Of a run of entries that are one here: log2 of how many; 0: no run. */
	uint8_t run;
	/* Where each entry on the way lies, top first, leaf last. */
	tome_pa_t path[HOSTED_LEVELS];
	uint8_t npath;
};

/* An upper entry, as a walk cache keeps it. */
struct hosted_upper {
	tome_va_t va;		/* first address it covers */
	uint8_t shift;		/* log2 of what it covers */
	uint8_t rights;		/* of this and all above it */
	uint32_t asid;
	bool global;		/* of no ASID (a kernel root of its own) */
	tome_pa_t table;	/* the table it names */
	tome_pa_t entry;	/* where it lies */
};

enum hosted_walk {
	HOSTED_FOUND,
	HOSTED_ABSENT,		/* no translation: fault */
	HOSTED_BAD,		/* cannot be walked; a violation was noted */
	HOSTED_IMPOSSIBLE,	/* no such address (not canonical) */
};

/* How to walk. A set. */
#define HOSTED_WALK_FRESH 1u	/* memory only, no side effect, no caches */
#define HOSTED_WALK_ACCESS 2u	/* set A (unless late) */
#define HOSTED_WALK_WRITE 4u	/* and M, if the rights allow */

/* What a kind of CPU can do, by its manual; to judge whether a port uses it. */
struct hosted_abilities {
	unsigned asids;			/* numbers; 0: none */
	unsigned reach;			/* bits of a physical address */
	bool marks_accessed, marks_modified;	/* by itself */
	unsigned run;			/* log2 of pages in a run that is one; 0: none */
	bool apart;			/* no user's code runs as the kernel's */
	bool globals_stay;		/* cached over a change of roots */
	unsigned address_bits;		/* of what it translates to; 0: not said */
	unsigned leaf_level;		/* the highest where boot code may have leaves */
	uint8_t type[TOME_MEMTYPES];	/* as hosted_leaf has them */
};

#define HOSTED_MMU_BBM 1u	/* a valid PTE changes through invalid + flush */
#define HOSTED_MMU_WEAK 2u	/* PTE stores are visible from make_visible on */
#define HOSTED_MMU_ICACHE 4u	/* instructions come from a cache of their own */
#define HOSTED_MMU_FAULT_FLUSHES 8u	/* a fault drops what is cached for it */
#define HOSTED_MMU_WRITE_WALKS 16u	/* first write to a clean entry walks */

struct hosted_mmu {
	const char *name;
	unsigned flags;
	tome_va_t kernel_start, kernel_end;	/* default span for the machine */
	const unsigned *variants;	/* of CPUs: hosted_config.cpu */
	unsigned nvariants;
	const unsigned *unfit;		/* those that a port must refuse */
	unsigned nunfit;
	/* Of a raw entry: does the CPU translate through it? Do two valid ones
	 * name the same place, with the same size and type? */
	bool (*valid)(uint64_t raw);
	bool (*same)(uint64_t, uint64_t);
	/* Of an entry of a run: the same for the place n further on; NULL: no runs. */
	uint64_t (*in_run)(uint64_t raw, int n);
	unsigned entry_bytes;	/* of one, where there are runs */
	/* Registers at reset. */
	void (*reset)(struct hosted_cpu *);
	/*
	 * Translate; the CPU's tlb_lock is held. Uses hosted_upper_find/add when
	 * not fresh. False positives are impossible: what it finds it read.
	 */
	enum hosted_walk (*walk)(struct hosted_cpu *, tome_va_t, unsigned how,
	    struct hosted_leaf *);
	/* May this access use that translation, in the CPU's present state? */
	bool (*permits)(struct hosted_cpu *, const struct hosted_leaf *,
	    unsigned access);
	/* The ASID that va is looked up with now. */
	uint32_t (*asid)(struct hosted_cpu *, tome_va_t);
	/* Set the A bit that is owed, if the entry still names the same. */
	void (*settle)(struct hosted_cpu *, const struct hosted_leaf *);
	/* What the tables say now where the cached upper entry u was read; false:
	 * no table is there. */
	bool (*upper)(struct hosted_cpu *, const struct hosted_upper *u,
	    struct hosted_upper *now);
	/* An address some valid entry translates, by the dice; false: gave up. */
	bool (*pick)(struct hosted_cpu *, tome_va_t *);
	void (*abilities)(struct hosted_cpu *, struct hosted_abilities *);
	/* Are there translations of every ASID? NULL: always. */
	bool (*has_globals)(struct hosted_cpu *);
};
extern const struct hosted_mmu hosted_mmu;

/* ---- for MMUs: memory ---- */

/* Is this frame free? Then no walk may come through it (invariant 5). */
bool hosted_is_free(struct hosted_cpu *, tome_pa_t);
/* An entry as this CPU's walker sees it now. False: no RAM there. */
bool hosted_fetch64(struct hosted_cpu *, tome_pa_t, uint64_t *);
bool hosted_fetch32(struct hosted_cpu *, tome_pa_t, uint32_t *);
/* The CPU's own atomic update of an entry: false if it is not `seen`. */
bool hosted_update64(struct hosted_cpu *, tome_pa_t, uint64_t seen,
    uint64_t now);
bool hosted_update32(struct hosted_cpu *, tome_pa_t, uint32_t seen,
    uint32_t now);
/* The machine's verdict on something only the MMU can see. */
void hosted_mmu_violation(struct hosted_cpu *, enum hosted_kind,
    const char *text, tome_va_t, uint64_t raw);
bool hosted_cpu_mode(struct hosted_cpu *, unsigned mode);
uint32_t hosted_roll(struct hosted_cpu *, uint32_t n);	/* below n */
_Atomic uint64_t *hosted_reg(struct hosted_cpu *, unsigned i);
unsigned hosted_cpu_kind(struct hosted_cpu *);	/* hosted_config.cpu */
/* Under the TLB's lock: change a register so that fills see it whole. */
void hosted_reg_set(struct hosted_cpu *, unsigned i, uint64_t);

/* ---- for MMUs: the walk cache (only in that mode) ---- */

/* The deepest cached upper entry for va whose shift is at least min_shift. */
bool hosted_upper_find(struct hosted_cpu *, tome_va_t, uint32_t asid,
    unsigned min_shift, struct hosted_upper *);
void hosted_upper_add(struct hosted_cpu *, const struct hosted_upper *);

/* ---- for insn.h ---- */

/* Kernel access to user memory: bytes not copied; false: faulted for good. Faults go
 * to what the thread gave hosted_on_fault(). `lift`: what guards user memory (SMAP)
 * is lifted meanwhile. */
size_t hosted_copy_in(void *dst, tome_va_t src, size_t n, bool lift);
size_t hosted_copy_out(tome_va_t dst, const void *src, size_t n, bool lift);
bool hosted_user_load32(tome_va_t, uint32_t *out, bool lift);
bool hosted_user_cas32(tome_va_t, uint32_t *seen, uint32_t v, bool lift);

/* What the CPU raises where it has no answer: #GP, #UD. Does not return. */
_Noreturn void hosted_machine_check(struct hosted_cpu *, const char *why);

/* The CPU this thread is; aborts if it is none. */
struct hosted_cpu *hosted_this(void);

/* What to flush of this CPU's TLB and walk cache. */
struct hosted_flush {
	bool any_asid, any_va;	/* else asid, va */
	bool globals;		/* global entries too */
	bool any_walk;		/* all walk-cache entries of the ASID */
	bool leaves;		/* none of them, whatever the address */
	uint32_t asid;
	tome_va_t va;
	tome_va_t len;		/* with va; 0: the one page */
};
void hosted_flush(struct hosted_cpu *, const struct hosted_flush *);
/* What waits for barriers (order.c): a flush, of all CPUs; DSB; ISB. */
void hosted_order(struct hosted_cpu *, const struct hosted_flush *, bool all);
void hosted_dsb(struct hosted_cpu *, bool coherent);
void hosted_isb(struct hosted_cpu *);
/* And code, frame by frame: out of the data cache; dropped by every instruction
 * cache, which finds what was cleaned by then. */
void hosted_code_clean(const void *, size_t len);
void hosted_code_drop(const void *, size_t len);
/* A broadcast flush: every CPU's (formats whose flushes broadcast). */
void hosted_flush_all_cpus(struct hosted_cpu *, const struct hosted_flush *);

/*
 * Around every change of a PTE: before it, and after it with what was there
 * and what is.
 */
void hosted_pte_before(const volatile void *pte);
void hosted_pte_after(const volatile void *pte, uint64_t old, uint64_t now);
void hosted_make_visible(const volatile void *from, size_t len);
/* The data cache is cleaned of them; a barrier does the rest. */
void hosted_clean(const volatile void *from, size_t len);
void hosted_sync_icache(tome_pa_t frame);
/* One CPU's copy. */
void hosted_sync_icache_of(struct hosted_cpu *, tome_pa_t frame);
/* This CPU's alone; and on every CPU what this one has of its last. */
void hosted_sync_icache_here(const void *);
void hosted_sync_icache_others(void);
/* The same, by a pointer to it. */
void hosted_sync_icache_at(const void *);

/* ---- the TLB itself (tlb.c) ---- */

struct hosted_tlbe {
	struct hosted_leaf leaf;
	struct hosted_tlbe *next;
};
#define HOSTED_TLB_BUCKETS 256
struct hosted_tlb {
	struct hosted_tlbe *bucket[HOSTED_TLB_BUCKETS];	/* smallest pages */
	struct hosted_tlbe *large;
	struct hosted_tlbe *spare;
	unsigned nentries;
	struct hosted_upper *upper;
	unsigned nupper, upper_room;
};
void hosted_tlb_fini(struct hosted_cpu *);
/* What the boot code's tables have left in it: nothing that holds any more. */
void hosted_tlb_leave(struct hosted_cpu *);
struct hosted_tlbe *hosted_tlb_find(struct hosted_cpu *, tome_va_t,
    uint32_t asid);
struct hosted_tlbe *hosted_tlb_add(struct hosted_cpu *,
    const struct hosted_leaf *);
void hosted_tlb_drop(struct hosted_cpu *, tome_va_t, uint32_t asid);
/* Each entry, under the lock, while fn is true. */
void hosted_tlb_each(struct hosted_cpu *, bool (*fn)(void *arg,
    struct hosted_cpu *, struct hosted_tlbe *), void *arg);

#endif
