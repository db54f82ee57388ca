/*
 * init.c - layer 2 of an instance: its state, its CPUs, its end.
 */
#include <base/memory.h>
#include <base/text.h>
#include <pmap/slot.h>

static enum tome_err state_alloc(struct tome_vm *);
static size_t count_leak(struct tome_vm *, uint64_t, const char *what);

tome_cold enum tome_err
tome_pmaps_init(struct tome_vm *vm, const struct tome_boot *boot)
{
	enum tome_err err = state_alloc(vm);
	struct tome_pmaps *s;

	if (err != TOME_OK)
		return err;
	s = vm->pmaps;
	if (!tome_mmu_probe(&s->mmu))
		return TOME_EINVAL;
	/* It is nobody's when it is mapped, so that nobody else would. */
	if (TOME_PORT_ICACHE)
		tome_mmu_sync_icache(&s->mmu, tome_table_va(vm,
		    tome_pfn_pa(tome_zero_frame(vm))));
	tome_pool_init(&s->pmaps, sizeof(struct tome_pmap));
	tome_pool_init(&s->chunks, sizeof(struct tome_pv_chunk));
	tome_pool_init(&s->sides, TOME_LEAF_ENTRIES);
	tome_asid_init(vm);
	err = tome_kernel_pmap_init(vm, boot);
	if (err == TOME_OK)
		tome_pmap_cpu_start(vm);
	return err;
}

/* Zeroed: every word of it starts at 0. */
static tome_cold enum tome_err
state_alloc(struct tome_vm *vm)
{
	size_t size = sizeof(struct tome_pmaps) +
	    vm->ncpus * sizeof(struct tome_pmap_cpu);
	enum tome_err err;
	unsigned order = 0;
	tome_pfn_t frame;

	while ((TOME_PAGE_SIZE << order) < size)
		order++;
	err = tome_frames_alloc(vm, TOME_PAGE_KERNEL, order, 0, 0,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &frame);
	if (err != TOME_OK)
		return err;
	vm->pmaps = tome_table_va(vm, tome_pfn_pa(frame));
	vm->pmaps->order = order;
	vm->pmaps->frame = frame;
	return TOME_OK;
}

tome_cold void
tome_pmap_cpu_start(struct tome_vm *vm)
{
	struct tome_pmaps *s = vm->pmaps;

	tome_pmap_cpu(vm)->current = &s->kernel;
	tome_mmu_start(&s->mmu, tome_pfn_pa(s->kernel.root_frame));
	tome_or(&s->online, (uint64_t)1 << tome_host_cpu());
}

tome_cold size_t
tome_pmaps_fini(struct tome_vm *vm)
{
	struct tome_pmaps *s = vm->pmaps;
	size_t leaked;

	tome_epoch_drain(vm);
	tome_pv_drain(vm);
	leaked = count_leak(vm, s->pmaps.used, " pmaps");
	leaked += count_leak(vm, s->chunks.used, " chunks of pv records");
	if (s->boot_root != 0)
		tome_mmu_switch(&s->mmu, s->boot_root, 0, true);
	tome_kernel_pmap_fini(vm);
	tome_epoch_drain(vm);
	vm->pmaps = NULL;
	tome_frames_free(vm, s->frame, s->order);
	return leaked;
}

static tome_cold size_t
count_leak(struct tome_vm *vm, uint64_t n, const char *what)
{
	if (n != 0)
		tome_log_count(vm, "leaked ", n, what);
	return (size_t)n;
}
