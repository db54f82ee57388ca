/*
 * hosted.h - a machine made of a process: what tests see of it.
 *
 * Physical memory is a memfd, CPUs are threads (or one thread that becomes one
 * CPU after the other), IPIs are flags served at polls, and an MMU in software
 * walks the tables that the port wrote (DESIGN.md section 12, README beside
 * this file). It judges: what it finds wrong is a violation, kept until
 * hosted_take_violation(); a machine destroyed with one untaken aborts.
 */
#ifndef HOSTED_HOSTED_H
#define HOSTED_HOSTED_H

#include <tome/phys.h>
#include <tome/vm.h>

struct hosted_machine;

/* ---- modes: what the TLBs do. A set; 0 is an ordinary small TLB ---- */

#define HOSTED_NEVER_EVICT 0x01u	/* keeps what it has until flushed */
#define HOSTED_RANDOM_EVICT 0x02u	/* forgets at any moment */
#define HOSTED_SPECULATE 0x04u		/* caches any reachable valid PTE */
#define HOSTED_WALK_CACHE 0x08u		/* upper entries stay until flushed */
#define HOSTED_DELAY_ACKS 0x10u		/* IPIs are served late */
#define HOSTED_LATE_ACCESSED 0x20u	/* A is set some time after the access */
#define HOSTED_MODES 0x3fu
/*
 * Every hit is compared with a fresh walk: for tests in which no operation is
 * in progress while a user access runs (one thread plays all CPUs).
 */
#define HOSTED_STRICT 0x40u

#define HOSTED_RANGES 8

/* The x86-64 CPU is the best it can be, but for: */
#define HOSTED_X86_LA57 0x01u		/* started by its boot code in 5 levels */
#define HOSTED_X86_NO_PCID 0x02u
#define HOSTED_X86_NO_INVPCID 0x04u
#define HOSTED_X86_NO_NX 0x08u
#define HOSTED_X86_NO_PGE 0x10u
#define HOSTED_X86_NO_SMAP 0x20u
#define HOSTED_X86_NO_1G 0x40u
#define HOSTED_X86_NO_PAT 0x80u
/* And this it has only if told: flushes that reach every CPU (AMD's INVLPGB). */
#define HOSTED_X86_INVLPGB 0x100u
/* Not so the code that started it: it left CR4.PGE and bits of CR3 set. */
#define HOSTED_X86_USED 0x200u
/* It left the other of a 32-bit CPU's kinds of paging on: PAE, or not. */
#define HOSTED_X86_OTHERWISE 0x400u

/* The RISC-V CPU is Sv48 and has everything, but for: */
#define HOSTED_RISCV_SV39 0x01u
#define HOSTED_RISCV_SV57 0x02u
#define HOSTED_RISCV_SVADE 0x04u	/* software sets A and D */
#define HOSTED_RISCV_NO_ASID 0x08u
#define HOSTED_RISCV_ASID5 0x10u	/* 5 bits of them */
#define HOSTED_RISCV_NO_SVPBMT 0x20u
#define HOSTED_RISCV_NO_RFENCE 0x40u	/* flushes take interrupts */
#define HOSTED_RISCV_NO_SVNAPOT 0x80u

/* The AArch64 CPU has everything, but for: */
#define HOSTED_A64_NO_HD 0x01u		/* dirty state by hardware */
#define HOSTED_A64_NO_HA 0x02u		/* AF, too */
#define HOSTED_A64_ASID8 0x04u
#define HOSTED_A64_NO_RANGE 0x08u
#define HOSTED_A64_NARROW 0x10u		/* addresses of 52 bits, where asked for */
#define HOSTED_A64_NO_PAN 0x20u

/* The ARMv7-A CPU has the multiprocessing extensions, but for: */
#define HOSTED_ARM_NO_BROADCAST 0x01u	/* flushes stay on this CPU */
#define HOSTED_ARM_NO_COHERENT_WALKS 0x02u /* walks read memory, not caches */

struct hosted_config {
	unsigned ncpus;			/* 0: 1 */
	uint64_t ram;			/* bytes in one range; 0: 8192 pages */
	/* Or precise ranges (ram is then ignored). */
	struct tome_range ranges[HOSTED_RANGES];
	size_t nranges;
	tome_pa_t direct_end;		/* 0: all of it */
	tome_va_t kernel_start, kernel_end;	/* 0, 0: the format's own */
	unsigned modes;
	uint64_t seed;			/* 0: 1 */
	unsigned cpu;			/* HOSTED_<format>_*: what the CPUs (do not) have */
	/* HOSTED_MMU_* (mmu.h) beside the format's own: a stricter machine than
	 * it needs. */
	unsigned mmu_flags;
	bool virtual_clock;		/* stands still but for waits */
	bool quiet;			/* drop the instance's log lines */
};

/*
 * A machine; its RAM base is its own. The calling thread becomes its CPU 0 if
 * it is no CPU yet. NULL: the host is out of memory.
 */
struct hosted_machine *hosted_create(const struct hosted_config *);
/* Every thread but the caller's must have left it. */
void hosted_destroy(struct hosted_machine *);

/* What tome_vm_create() wants; points into the machine. */
void hosted_boot(struct hosted_machine *, struct tome_boot *out);
/* In every TLB, translations as the boot code's tables had them. */
void hosted_leave_stale(struct hosted_machine *);
/* The table handed out: a test may replace hooks before tome_vm_create(). */
struct tome_host *hosted_host(struct hosted_machine *);

/*
 * Tell the machine its instance: who serves IPIs, and what frames are. Either
 * function may be NULL (the machine's own tests). NULL vm: none any more.
 */
typedef void hosted_interrupt_fn(struct tome_vm *);
typedef enum tome_identity hosted_identity_fn(struct tome_vm *, tome_pfn_t);
void hosted_attach(struct hosted_machine *, struct tome_vm *,
    hosted_interrupt_fn *, hosted_identity_fn *);
void hosted_set_modes(struct hosted_machine *, unsigned modes);
/* For hosted_config.cpu: the n-th of the CPUs that there are with this format; any n
 * is one. 0 is the best. */
unsigned hosted_cpu_variant(uint64_t n);
/* A random number from the machine's seed. */
uint64_t hosted_random(struct hosted_machine *);

/* ---- CPUs ---- */

/* This thread becomes CPU `cpu` of m, leaving what it was. NULL: none. */
void hosted_become(struct hosted_machine *, unsigned cpu);
struct hosted_machine *hosted_current(void);
/* Start fn on CPU cpu in a thread of its own; join waits for all of them,
 * the caller's CPU idling (and so serving IPIs) meanwhile. */
void hosted_start(struct hosted_machine *, unsigned cpu,
    void (*fn)(void *arg), void *arg);
void hosted_join(struct hosted_machine *);
/* Around anything that blocks outside the machine: the CPU idles. */
void hosted_idle_begin(void);
void hosted_idle_end(void);
/* An interrupt may come here. Loops of test threads call it. */
void hosted_poll(void);
/* Every IPI that still waits is served, idle CPUs' too. */
void hosted_settle(struct hosted_machine *);
void hosted_clock_advance(struct hosted_machine *, uint64_t ns);

/* ---- access, as this CPU's program would ---- */

/* A page fault: OK is "try again"; anything else is what the access returns. */
typedef enum tome_err hosted_fault_fn(void *arg, tome_va_t va,
    tome_prot_t access);

/*
 * User accesses through this CPU's TLB and tables; any alignment. NULL fault:
 * a refused access is EFAULT. EFAULT: not a possible address. What precedes the
 * refused byte is done.
 */
enum tome_err hosted_read(tome_va_t, void *buf, size_t n, hosted_fault_fn *,
    void *arg);
enum tome_err hosted_write(tome_va_t, const void *buf, size_t n,
    hosted_fault_fn *, void *arg);
/* Fetch as instructions: what this CPU would execute. */
enum tome_err hosted_exec(tome_va_t, void *buf, size_t n, hosted_fault_fn *,
    void *arg);
/* The same in kernel mode, without a handler; `user`: with user access let
 * through (SMAP's AC set). */
enum tome_err hosted_kexec(tome_va_t, void *buf, size_t n);
enum tome_err hosted_kread(tome_va_t, void *buf, size_t n, bool user);
enum tome_err hosted_kwrite(tome_va_t, const void *buf, size_t n, bool user);

/* Who resolves this thread's faults in the kernel's own accesses to user
 * memory (copyin and its kin); NULL: they fail. */
void hosted_on_fault(hosted_fault_fn *, void *arg);
/* Who resolves this thread's faults at kernel pointers; NULL: one without
 * translation is a panic. The access must be made with no lock held. */
void hosted_on_kernel_fault(hosted_fault_fn *, void *arg);

/* ---- judging ---- */

enum hosted_kind {
	HOSTED_STALE,		/* a TLB grants what the tables no longer do */
	HOSTED_FREED,		/* a translation was used that names a freed frame */
	HOSTED_TABLE,		/* a walk went wrong: reserved bits, no RAM, freed */
	HOSTED_BBM,		/* a live PTE was replaced without invalid + flush */
	HOSTED_TYPES,		/* one frame, two memory types */
	HOSTED_ICACHE,		/* executed without sync_icache */
	HOSTED_KPTR,		/* a kernel pointer without translation was used */
	HOSTED_MODIFIED,	/* M was cleared and the TLB still holds it as set */
	HOSTED_STUCK,		/* faults make no progress */
	HOSTED_KINDS,
};

/*
 * Compare every entry that a CPU could use now with the tables, and its frame
 * with its identity. Call where no operation is in progress. False: violation.
 */
bool hosted_judge(struct hosted_machine *);
/* Entries, of TLBs and walk caches of all CPUs, that name this frame. */
unsigned hosted_cached(struct hosted_machine *, tome_pfn_t);
/* The oldest violation's kind (may be NULL) and text, and forgets them all.
 * False: none. */
bool hosted_take_violation(struct hosted_machine *, enum hosted_kind *kind,
    char *text, size_t size);
uint64_t hosted_violations(struct hosted_machine *);

/* What was flushed, filled and sent; for tests that count. */
struct hosted_counts {
	uint64_t flush_page, flush_asid, flush_all, ipis, served, fills, hits;
	uint64_t walks, speculated, kva_fills;
};
void hosted_counts(struct hosted_machine *, struct hosted_counts *out);

/*
 * Run fn; true if it (or a kernel pointer in it) panicked, with the text. The
 * instance is then good for nothing but hosted_destroy().
 */
bool hosted_catch(void (*fn)(void *arg), void *arg, char *text, size_t size);

/* ---- failing allocations (the may_alloc hook) ---- */

/* Fail the nth allocation from now of this kind (NULL: any); 1 is the next.
 * forever: and all later ones. n 0: none. */
void hosted_fail_alloc(struct hosted_machine *, const char *kind, uint64_t n,
    bool forever);
/* Allocations asked for since the last hosted_fail_alloc(), of its kind. */
uint64_t hosted_allocs(struct hosted_machine *);

/* ---- the deterministic scheduler ---- */

#define HOSTED_MAX_THREADS 4

/* Thread i runs body[i] as CPU i; setup and judge run as CPU 0, alone. */
struct hosted_program {
	const char *name;
	unsigned nthreads;
	struct hosted_config config;	/* ncpus is raised to nthreads */
	void *(*setup)(struct hosted_machine *);
	void (*body[HOSTED_MAX_THREADS])(void *state);
	/* NULL, or what is wrong. Not called after a panic. */
	const char *(*judge)(void *state);
	/* Frees the state; failed: after a panic, deadlock or livelock, when the
	 * instance must not be touched. */
	void (*teardown)(void *state, bool failed);
};

struct hosted_explored {
	uint64_t runs;
	unsigned points;		/* most points in a run */
	bool complete;			/* all schedules, not a sample */
	bool failed;
	uint64_t schedule;		/* the first that failed */
	char why[256];
};

/*
 * Every schedule of the program with at most `preemptions` (0 to 2), or, when
 * they are more than max_runs (0: no bound), an even sample. Stops at the first
 * failure. True: none failed.
 */
bool hosted_explore(const struct hosted_program *, unsigned preemptions,
    uint64_t max_runs, struct hosted_explored *out);
/* One schedule again; false and why[] if it fails. */
bool hosted_replay(const struct hosted_program *, uint64_t schedule,
    struct hosted_explored *out);

#endif
