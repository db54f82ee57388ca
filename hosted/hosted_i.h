/*
 * hosted_i.h - the machine's insides, shared by the files of this directory and
 * by each format's software MMU.
 *
 * Locks, all spins that yield: a CPU's tlb_lock (its TLB and walk cache; held
 * over a walk, so that a fill is wholly before or after a flush), the machine's
 * kva_lock (host window), note_lock (violations). None nests in another but
 * note_lock in any.
 */
#ifndef HOSTED_HOSTED_I_H
#define HOSTED_HOSTED_I_H

#include <pthread.h>
#include <setjmp.h>

#include <tome_host_inline.h>

#include "hosted.h"
#include "mmu.h"

#define HOSTED_REGS 16
#define HOSTED_RECENT 16
#define HOSTED_WINDOWS 2

struct hosted_spin {
	_Atomic uint32_t word;
};
void hosted_lock(struct hosted_spin *);
void hosted_unlock(struct hosted_spin *);

/* Who runs as a CPU. */
enum hosted_owner {
	HOSTED_IDLE,		/* nobody: whoever sends an IPI serves it */
	HOSTED_RUNNING,		/* a thread */
	HOSTED_BORROWED,	/* a sender, for the time of one IPI */
};

struct hosted_counters {
	_Atomic uint64_t flush_page, flush_asid, flush_all, ipis, served;
	_Atomic uint64_t fills, hits, walks, speculated, kva_fills;
};

struct hosted_cpu {
	struct hosted_core core;	/* first */
	struct hosted_machine *m;
	_Atomic uint32_t owner;		/* enum hosted_owner */
	_Atomic uint32_t delay;		/* polls until the IPI is served */
	uint64_t rng;			/* of whoever runs as it */
	/* What the format's insn.h and MMU keep; read by other CPUs when they
	 * fill this TLB speculatively. */
	_Atomic uint64_t reg[HOSTED_REGS];
	struct hosted_spin tlb_lock;
	struct hosted_tlb tlb;
	tome_pa_t synced;		/* the last frame whose code it took anew */
	struct {
		void *va;
		tome_pa_t pa;
		bool open;
	} window[HOSTED_WINDOWS];
};

struct hosted_job {
	struct hosted_job *next;
	pthread_t thread;
	struct hosted_machine *m;
	unsigned cpu;
	void (*fn)(void *arg);
	void *arg;
};

/* A PTE store not yet visible to every walker (weak formats). */
struct hosted_pending {
	tome_pa_t pa;
	uint64_t old;
	struct hosted_cpu *by;
	bool clean;		/* out of the data cache */
	bool arrived;		/* but for the CPU's own walks */
};
#define HOSTED_PENDING 1024

struct hosted_kva;
struct hosted_sched;

struct hosted_machine {
	struct tome_host host;
	struct hosted_config config;
	unsigned ncpus;
	_Atomic uint32_t modes;
	unsigned mmu_flags;		/* HOSTED_MMU_* */
	tome_va_t kernel_start, kernel_end;

	/* Memory: [lo, hi), the memfd's offset 0 being lo. `ram` is the
	 * machine's own view of all; `direct` what the instance sees. */
	tome_pa_t lo, hi, direct_end;
	int fd;
	unsigned char *ram, *direct;
	struct hosted_kva *kva;
	struct hosted_spin kva_lock;
	/* Per CPU, and frame from lo: its copy in the instruction cache, or NULL. */
	void **icache;
	struct hosted_spin pending_lock;
	struct hosted_pending pending[HOSTED_PENDING];
	_Atomic uint32_t npending;

	struct tome_vm *vm;
	hosted_interrupt_fn *interrupt;
	hosted_identity_fn *identity;

	_Atomic uint64_t clock;		/* virtual */
	_Atomic uint64_t dice;		/* the random hook */
	_Atomic uint64_t allocs, fail_at;
	bool fail_forever;
	char fail_kind[24];

	pthread_mutex_t sleep;		/* wait and wake */
	pthread_cond_t woken;
	struct hosted_job *jobs;
	struct hosted_sched *sched;	/* NULL: threads run freely */

	struct hosted_spin note_lock;
	_Atomic uint64_t nviolations;
	enum hosted_kind first_kind;
	char first_text[256];

	/* Addresses used of late: where speculation is likely to hurt. */
	_Atomic uint64_t recent[HOSTED_RECENT];
	_Atomic uint32_t nrecent;
	struct hosted_counters n;
	struct hosted_cpu cpu[];
};

/* The CPU this thread runs as; NULL if none. */
static inline struct hosted_cpu *
hosted_cpu(void)
{
	return (struct hosted_cpu *)(void *)hosted_self;
}

static inline bool
hosted_mode(struct hosted_machine *m, unsigned mode)
{
	return (atomic_load_explicit(&m->modes, memory_order_relaxed) & mode) !=
	    0;
}

#define HOSTED_COUNT(m, which)                                              \
	atomic_fetch_add_explicit(&(m)->n.which, 1, memory_order_relaxed)

uint64_t hosted_mix(uint64_t);
/* A roll of this thread's CPU's dice (c's, if it is no CPU): below n. */
uint32_t hosted_roll(struct hosted_cpu *, uint32_t n);

/* ---- memory.c ---- */
bool hosted_memory_init(struct hosted_machine *);
void hosted_memory_fini(struct hosted_machine *);
/* NULL: no RAM there. */
void *hosted_ram(struct hosted_machine *, tome_pa_t);
/* Where a pointer into the direct map or a window points; false: neither. */
bool hosted_pointer_pa(struct hosted_machine *, const void *, tome_pa_t *);
void *hosted_window_enter(void *ctx, tome_pa_t);
void hosted_window_leave(void *ctx, void *);
/* Where c's copy of a frame's code is kept. */
void **hosted_icache(struct hosted_cpu *c, tome_pa_t frame);
/* A store that walkers need not see before make_visible (weak formats). */
void hosted_pte_pending(struct hosted_machine *, tome_pa_t, uint64_t old);
/* By the CPU's own barriers (order.c): from here on other walkers, then its own, see
 * what it stored. */
bool hosted_stores_wait(struct hosted_cpu *);	/* are there such? */
void hosted_stores_arrive(struct hosted_cpu *, bool coherent);
void hosted_stores_seen(struct hosted_cpu *);
/* ---- kva.c ---- */
bool hosted_kva_init(struct hosted_machine *);
void hosted_kva_fini(struct hosted_machine *);
/* SIGSEGV comes to this machine first. */
void hosted_kva_trap(void);
uintptr_t hosted_kva_bias(struct hosted_machine *);
/* The PTE at pa is about to change, or has: forget what was mapped by it. */
void hosted_kva_pte(struct hosted_machine *, tome_pa_t);
/* ---- cpu.c ---- */
void hosted_ipi(void *ctx, unsigned cpu);
void hosted_wait(void *ctx, _Atomic uint32_t *, uint32_t seen, uint64_t until);
void hosted_wake(void *ctx, _Atomic uint32_t *, uint32_t n);
/* Serve waiting IPIs: this CPU's, if open, and idle CPUs'. */
void hosted_serve(struct hosted_cpu *);
void hosted_take_cpu(struct hosted_cpu *);
void hosted_leave_cpu(struct hosted_cpu *);
/* ---- tlb.c ---- */
/* At entry changes and accesses: what the modes let CPUs do at any time. */
void hosted_mischief(struct hosted_cpu *);
/* ---- machine.c ---- */
void hosted_violation(struct hosted_machine *, enum hosted_kind,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
void hosted_panic(void *ctx, const char *why) __attribute__((noreturn));
uint64_t hosted_clock(void *ctx);
/* ---- sched.c ---- */
void hosted_sched_point(struct hosted_cpu *);
/* Let the next thread run; the caller has the turn. */
void hosted_sched_relax(struct hosted_machine *);
void hosted_sched_wait(struct hosted_cpu *, _Atomic uint32_t *, uint32_t seen,
    uint64_t until);
void hosted_sched_wake(struct hosted_machine *, _Atomic uint32_t *,
    uint32_t n);
/* A panic in a scheduled thread ends the run; returns only if there is none. */
void hosted_sched_panic(struct hosted_cpu *, const char *why);

#endif
