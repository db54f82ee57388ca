/*
 * tome/vm.h - an instance: creation, start of its layers, teardown.
 *
 * Everything hangs off struct tome_vm; nothing is global. Several instances can
 * live in one image; each is torn down to nothing.
 */
#ifndef TOME_VM_H
#define TOME_VM_H

#include <tome/host.h>

enum tome_range_kind {
	TOME_RANGE_USABLE,	/* RAM Tome may hand out */
	TOME_RANGE_RESERVED,	/* RAM it must leave alone (kernel image, initrd) */
};

struct tome_range {
	tome_pa_t base, len;	/* bytes, any alignment */
	enum tome_range_kind kind;
};

/* Zones, from the lowest address limit up. A kind a machine lacks is empty. */
enum tome_zone_kind {
	TOME_ZONE_DMA,		/* below 16 MiB */
	TOME_ZONE_DMA32,	/* below 4 GiB */
	TOME_ZONE_NORMAL,	/* in the direct map */
	TOME_ZONE_HIGH,		/* beyond it */
	TOME_ZONES,
};

struct tome_boot {
	const struct tome_host *host;	/* outlives the instance */
	void *ctx;			/* first argument of every hook */
	unsigned ncpus;			/* 1 .. TOME_MAX_CPUS */
	/*
	 * Physical memory: usable ranges, and reserved ones that may overlap
	 * them and win. Not needed after the call.
	 */
	const struct tome_range *ranges;
	size_t nranges;
	/* The direct map covers frames below direct_end; bias for
	 * tome_host_frame_va(). */
	uintptr_t direct_bias;
	tome_pa_t direct_end;
	/* Bias for tome_host_kva(). */
	uintptr_t kva_bias;
	/*
	 * The span of kernel addresses that Tome may allocate from (heap, device
	 * mappings, stacks), page aligned; part of the kernel half. Empty in
	 * tiers that do not use layer 3.
	 */
	tome_va_t kernel_start, kernel_end;
	/*
	 * The kernel's root table as the boot code left it, whose entries outside
	 * kernel_start..kernel_end Tome keeps, or 0 for a fresh one.
	 */
	tome_pa_t kernel_root;
};

/*
 * Create an instance with layers 0-2: frames and page tables. Carves all it
 * needs from `ranges`. On failure nothing is left behind and *out is untouched.
 * EINVAL: no usable range, a bad version or CPU count. ENOMEM: too little RAM.
 * One thread, before any other call.
 */
enum tome_err tome_vm_create(const struct tome_boot *boot,
    struct tome_vm **out) TOME_NODISCARD;

/*
 * Start layer 3 (kernel memory), then 4 and 5 (objects and maps). Each needs
 * the one before. ENOMEM: nothing was started.
 */
enum tome_err tome_kmem_start(struct tome_vm *) TOME_NODISCARD;
enum tome_err tome_map_start(struct tome_vm *) TOME_NODISCARD;

/*
 * Tear down: every map, object, allocation and page the embedder made must be
 * gone. Returns the number of leaked items, logging each kind; 0 is clean.
 * The memory itself is the embedder's again, whatever was returned.
 */
size_t tome_vm_destroy(struct tome_vm *);

/*
 * Called by the host on each CPU in answer to the ipi hook, in interrupt
 * context.
 */
void tome_vm_interrupt(struct tome_vm *);

/*
 * Run every deferred free whose grace period has passed, forcing one where no
 * CPU is inside the VM. Drains the per-CPU caches when `drain`. May be called
 * from an idle thread; takes no lock that a fault takes.
 */
void tome_vm_quiesce(struct tome_vm *, bool drain);

/*
 * Recount invariants 1-4, 6, 7, 9 and 11 (docs/architecture.md). Other CPUs
 * must be outside the VM. Returns NULL, or a sentence that names the first
 * violation (static storage of the instance).
 */
const char *tome_vm_check(struct tome_vm *);

/* Counters, summed over CPUs; exact when the other CPUs are outside the VM. */
struct tome_stats {
	uint64_t faults, faults_zero, faults_cow, faults_reuse, faults_file;
	uint64_t faults_retry, faults_spurious;
	uint64_t flush_page, flush_asid, flush_all, ipis, rounds;
	/* Live descriptors. */
	uint64_t maps, entries, nodes, amaps, chunks, anons, objects, pmaps;
	uint64_t deferred;		/* waiting for an epoch to end */
	uint64_t committed;		/* pages promised (<tome/map.h>) */
	uint64_t files_dirty, files_writing;	/* pages (<tome/pager.h>) */
	/* Frames by use. Sum equals total. */
	uint64_t frames_total, frames_free, frames_reserved, frames_kernel;
	uint64_t frames_table, frames_anon, frames_cache, frames_other;
	uint64_t frames_bootstrap;	/* taken by tome_vm_create() */
};
void tome_vm_stats(struct tome_vm *, struct tome_stats *out);

#endif
