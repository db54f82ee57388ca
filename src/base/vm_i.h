/*
 * vm_i.h - struct tome_vm: what every layer hangs off.
 *
 * Each layer's own state is a structure of that layer, reached by one pointer;
 * a layer never looks behind another's.
 */
#ifndef TOME_BASE_VM_I_H
#define TOME_BASE_VM_I_H

#include <tome/vm.h>
#include <base/epoch.h>

struct tome_phys;
struct tome_pmaps;
struct tome_kmem;
struct tome_objects;
struct tome_maps;
struct tome_paging;
struct tome_page;

/* What a CPU counts for itself; summed by tome_vm_stats(). */
enum tome_counter {
	TOME_N_FAULTS, TOME_N_FAULTS_ZERO, TOME_N_FAULTS_COW,
	TOME_N_FAULTS_REUSE, TOME_N_FAULTS_FILE, TOME_N_FAULTS_RETRY,
	TOME_N_FAULTS_SPURIOUS,
	TOME_N_FLUSH_PAGE, TOME_N_FLUSH_ASID, TOME_N_FLUSH_ALL, TOME_N_IPIS,
	TOME_N_ROUNDS,
	TOME_N_MAPS, TOME_N_ENTRIES, TOME_N_NODES, TOME_N_AMAPS, TOME_N_CHUNKS,
	TOME_N_ANONS, TOME_N_OBJECTS, TOME_N_PMAPS,
	TOME_N_COMMITTED,	/* pages promised (map/commit.c) */
	TOME_COUNTERS,
};

struct tome_cpu {
	struct tome_epoch_cpu epoch;
	/* Signed deltas: an object may be made here and freed there. Changed by
	 * this CPU with preemption off; relaxed. */
	int64_t count[TOME_COUNTERS] __attribute__((aligned(64)));
#ifdef TOME_DEBUG
	struct {
		const void *lock;
		uint8_t rank;
	} held[24];
	unsigned nheld;
	unsigned interrupts;	/* depth of handlers that said so */
#else
	/* A power of two in all: finding a CPU's is a shift. */
	unsigned char unused[512 - sizeof(struct tome_epoch_cpu) -
	    TOME_COUNTERS * sizeof(int64_t)];
#endif
} __attribute__((aligned(64)));

/*
 * What a layer above the page tables hooks into the instance when it starts.
 * Walked newest first. Any function may be NULL.
 */
struct tome_layer {
	struct tome_layer *next;
	const char *name;
	/* NULL, or a sentence (tome_vm_check). */
	const char *(*check)(struct tome_vm *);
	/* Adds its own figures (tome_vm_stats). */
	void (*stats)(struct tome_vm *, struct tome_stats *);
	void (*quiesce)(struct tome_vm *, bool drain);
	/* Gives everything back; returns what had leaked, logging each kind. */
	size_t (*fini)(struct tome_vm *);
};

/* Transfers (base/io.h). */
#define TOME_IO_BUCKETS 64u
struct tome_ios {
	_Atomic uintptr_t done;		/* completed, newest first */
	_Atomic uint32_t bucket[TOME_IO_BUCKETS];
};

struct tome_vm {
	const struct tome_host *host;
	void *ctx;
	unsigned ncpus;
	uintptr_t direct_bias;
	tome_pa_t direct_end;
	uintptr_t kva_bias;
	tome_va_t kernel_start, kernel_end;

	/* Descriptors, a section's worth each, NULL where there is no RAM. None
	 * for frames from npfn up; the last section's array ends there. */
	struct tome_page **section;
	tome_pfn_t nsections;
	tome_pfn_t npfn;

	struct tome_phys *phys;		/* layer 1 */
	struct tome_pmaps *pmaps;	/* layer 2 */
	struct tome_kmem *kmem;		/* layer 3, NULL until started */
	struct tome_objects *objects;	/* layer 4 */
	struct tome_maps *maps;		/* layer 5 */
	struct tome_paging *paging;	/* layer 6, NULL until started */

	struct tome_layer *layers;	/* newest first */
	char why[160];			/* tome_vm_check()'s sentence */
	struct tome_ios io;
	struct tome_epoch epoch;
	struct tome_cpu cpu[];		/* ncpus */
};

static inline struct tome_cpu *
tome_this_cpu(struct tome_vm *vm)
{
	return &vm->cpu[tome_host_cpu()];
}

static inline void
tome_layer_install(struct tome_vm *vm, struct tome_layer *layer)
{
	layer->next = vm->layers;
	vm->layers = layer;
}

static inline void
tome_count(struct tome_vm *vm, enum tome_counter which, int64_t by)
{
	int64_t *n;

	tome_host_preempt_off();
	n = &tome_this_cpu(vm)->count[which];
	tome_wr_relaxed(n, tome_rd_relaxed(n) + by);
	tome_host_preempt_on();
}

/* A section by who has the CPU's at hand: preemption is off from before to after. */
static inline uint64_t
tome_epoch_open(struct tome_vm *vm, struct tome_epoch_cpu *e)
{
	if (e->depth++ == 0) {
		uint64_t now;

		/*
		 * A reader must be seen before it looks: full barrier. And the
		 * number must still be current once it is seen, or a pointer
		 * remembered from an earlier section would pass for good.
		 */
		do {
			now = tome_rd(&vm->epoch.now);
			__atomic_exchange_n((uint64_t *)&e->seen, now,
			    __ATOMIC_SEQ_CST);
		} while (tome_unlikely(now != tome_rd_sc(&vm->epoch.now)));
	}
	return tome_rd_relaxed(&e->seen);
}

static inline void
tome_epoch_close(struct tome_epoch_cpu *e)
{
	if (--e->depth == 0)
		tome_wr(&e->seen, 0);
}

static inline uint64_t
tome_epoch_enter(struct tome_vm *vm)
{
	tome_host_preempt_off();
	return tome_epoch_open(vm, &tome_this_cpu(vm)->epoch);
}

static inline void
tome_epoch_leave(struct tome_vm *vm)
{
	tome_epoch_close(&tome_this_cpu(vm)->epoch);
	tome_host_preempt_on();
}

#endif
