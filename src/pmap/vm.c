/*
 * vm.c - an instance from its creation to its end: layers 0 to 2 in order, and
 * whatever layers above have hooked in, newest first.
 *
 * Locks: none. Creation and teardown are single-threaded; the rest as its
 * parts allow.
 */
#include <base/text.h>
#include <phys/phys.h>
#include <pmap/pmap_i.h>

enum tome_err
tome_vm_create(const struct tome_boot *boot, struct tome_vm **out)
{
	struct tome_vm *vm;
	enum tome_err err = tome_phys_init(boot, &vm);

	if (err == TOME_OK)
		err = tome_pmaps_init(vm, boot);
	if (err != TOME_OK)
		return err;
	tome_phys_booted(vm);
	*out = vm;
	return TOME_OK;
}

size_t
tome_vm_destroy(struct tome_vm *vm)
{
	struct tome_layer *layer, *next;
	uint64_t waiting;
	size_t leaked = 0;

	tome_vm_quiesce(vm, true);
	for (layer = vm->layers; layer != NULL; layer = next) {
		next = layer->next;
		if (layer->fini != NULL)
			leaked += layer->fini(vm);
		tome_epoch_drain(vm);
	}
	leaked += tome_pmaps_fini(vm);
	if (!tome_epoch_drain(vm)) {
		waiting = tome_epoch_pending(vm);
		tome_log_count(vm, "leaked ", waiting, " deferred frees");
		leaked += waiting;
	}
	return leaked + tome_phys_fini(vm);
}

void
tome_vm_interrupt(struct tome_vm *vm)
{
	tome_rank_interrupt(vm, true);
	tome_pmaps_interrupt(vm);
	tome_rank_interrupt(vm, false);
}

const char *
tome_vm_check(struct tome_vm *vm)
{
	const struct tome_layer *layer;
	const char *why = tome_phys_check(vm);

	if (why == NULL)
		why = tome_pmaps_check(vm);
	for (layer = vm->layers; layer != NULL && why == NULL;
	    layer = layer->next)
		if (layer->check != NULL)
			why = layer->check(vm);
	return why;
}

/* ---- counters ---- */

#define AT(field) offsetof(struct tome_stats, field)

/* Where each per-CPU counter goes. */
static const uint16_t stats_at[TOME_COUNTERS] = {
	[TOME_N_FAULTS] = AT(faults),
	[TOME_N_FAULTS_ZERO] = AT(faults_zero),
	[TOME_N_FAULTS_COW] = AT(faults_cow),
	[TOME_N_FAULTS_REUSE] = AT(faults_reuse),
	[TOME_N_FAULTS_FILE] = AT(faults_file),
	[TOME_N_FAULTS_RETRY] = AT(faults_retry),
	[TOME_N_FAULTS_SPURIOUS] = AT(faults_spurious),
	[TOME_N_FLUSH_PAGE] = AT(flush_page),
	[TOME_N_FLUSH_ASID] = AT(flush_asid),
	[TOME_N_FLUSH_ALL] = AT(flush_all),
	[TOME_N_IPIS] = AT(ipis),
	[TOME_N_ROUNDS] = AT(rounds),
	[TOME_N_MAPS] = AT(maps),
	[TOME_N_ENTRIES] = AT(entries),
	[TOME_N_NODES] = AT(nodes),
	[TOME_N_AMAPS] = AT(amaps),
	[TOME_N_CHUNKS] = AT(chunks),
	[TOME_N_ANONS] = AT(anons),
	[TOME_N_OBJECTS] = AT(objects),
	[TOME_N_PMAPS] = AT(pmaps),
	[TOME_N_COMMITTED] = AT(committed),
};

static uint64_t
count_sum(struct tome_vm *vm, unsigned which)
{
	int64_t sum = 0;
	unsigned i;

	for (i = 0; i < vm->ncpus; i++)
		sum += tome_rd_relaxed(&vm->cpu[i].count[which]);
	return (uint64_t)sum;
}

void
tome_vm_stats(struct tome_vm *vm, struct tome_stats *out)
{
	const struct tome_layer *layer;
	unsigned i;

	*out = (struct tome_stats){ .deferred = tome_epoch_pending(vm) };
	for (i = 0; i < TOME_COUNTERS; i++)
		*(uint64_t *)(void *)((char *)out + stats_at[i]) =
		    count_sum(vm, i);
	tome_phys_stats(vm, out);
	for (layer = vm->layers; layer != NULL; layer = layer->next)
		if (layer->stats != NULL)
			layer->stats(vm, out);
}
