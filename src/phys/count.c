/*
 * count.c - frames by use: figures, the recount that must equal them, and what
 * is left at the end.
 *
 * Invariant 11 for this layer: the frames in buddy lists and on stacks, and each
 *   identity's sum over CPUs, are what the descriptors say. [tome_phys_check()]
 * Locks: none; the other CPUs are outside the VM, or the figures are near.
 */
#include <base/text.h>
#include <phys/phys.h>
#include <phys/phys_i.h>

static const char *check_zones(struct tome_vm *, tome_pfn_t *listed);
static const char *check_stacks(struct tome_vm *, tome_pfn_t *cached);
static const char *check_stack(struct tome_vm *, const struct tome_stack *,
    unsigned zone);
static void recount(struct tome_vm *, uint64_t found[TOME_IDENTITIES]);
static const char *check_uses(struct tome_vm *, tome_pfn_t free);

static tome_cold uint64_t
frames_used(struct tome_vm *vm, enum tome_identity id)
{
	int64_t sum = 0;
	unsigned i;

	for (i = 0; i < vm->ncpus; i++)
		sum += tome_rd_relaxed(&vm->phys->cpu[i]->use[id]);
	return (uint64_t)sum;
}

tome_cold void
tome_phys_booted(struct tome_vm *vm)
{
	vm->phys->bootstrap = vm->phys->usable - tome_frames_free_count(vm);
}

tome_cold void
tome_phys_stats(struct tome_vm *vm, struct tome_stats *out)
{
	out->frames_total = vm->phys->total;
	out->frames_free = tome_frames_free_count(vm);
	out->frames_reserved = frames_used(vm, TOME_PAGE_RESERVED);
	out->frames_kernel = frames_used(vm, TOME_PAGE_KERNEL);
	out->frames_table = frames_used(vm, TOME_PAGE_TABLE);
	out->frames_anon = frames_used(vm, TOME_PAGE_ANON);
	out->frames_cache = frames_used(vm, TOME_PAGE_CACHE);
	out->frames_other = frames_used(vm, TOME_PAGE_DEVICE) +
	    frames_used(vm, TOME_PAGE_LOANED);
	out->frames_bootstrap = vm->phys->bootstrap;
}

tome_cold size_t
tome_phys_fini(struct tome_vm *vm)
{
	static const char *const kinds[TOME_IDENTITIES] = {
		[TOME_PAGE_KERNEL] = " kernel frames",
		[TOME_PAGE_TABLE] = " page-table frames",
		[TOME_PAGE_ANON] = " anonymous frames",
		[TOME_PAGE_CACHE] = " cache frames",
		[TOME_PAGE_DEVICE] = " device frames",
		[TOME_PAGE_LOANED] = " loaned frames",
	};
	uint64_t n, sum = 0;
	unsigned id;

	tome_frame_free(vm, vm->phys->zero);
	tome_frames_drain(vm, true);
	for (id = 0; id < TOME_IDENTITIES; id++) {
		n = kinds[id] == NULL ? 0 :
		    frames_used(vm, (enum tome_identity)id);
		if (id == TOME_PAGE_KERNEL)
			n -= vm->phys->carved;
		if (n > 0)
			tome_log_count(vm, "leaked ", n, kinds[id]);
		sum += n;
	}
	return (size_t)sum;
}

/* ---- the recount ---- */

tome_cold const char *
tome_phys_check(struct tome_vm *vm)
{
	tome_pfn_t listed = 0, cached = 0;
	const char *why = check_zones(vm, &listed);

	if (why == NULL)
		why = check_stacks(vm, &cached);
	if (why == NULL)
		why = check_uses(vm, listed + cached);
	return why;
}

static tome_cold const char *
check_zones(struct tome_vm *vm, tome_pfn_t *listed)
{
	const char *why = NULL;
	unsigned k;

	for (k = 0; k < TOME_ZONES && why == NULL; k++) {
		why = tome_buddy_check(vm, &vm->phys->zone[k]);
		*listed += vm->phys->zone[k].free;
	}
	return why;
}

static tome_cold const char *
check_stacks(struct tome_vm *vm, tome_pfn_t *cached)
{
	const struct tome_stack *s;
	const char *why;
	unsigned i, k;

	for (i = 0; i < vm->ncpus; i++) {
		for (k = 0; k < TOME_ZONES; k++) {
			s = &vm->phys->cpu[i]->stack[k];
			why = check_stack(vm, s, k);
			if (why != NULL)
				return why;
			*cached += s->count;
		}
	}
	return NULL;
}

static tome_cold const char *
check_stack(struct tome_vm *vm, const struct tome_stack *s, unsigned zone)
{
	uint32_t i, state;

	for (i = 0; i < s->count; i++) {
		state = tome_rd_relaxed(&tome_page(vm, s->frame[i])->state);
		if (state != TOME_PAGE_FREE)
			return tome_why(vm, "state of a cached free frame",
			    s->frame[i], state, TOME_PAGE_FREE);
		if (tome_zone_of(vm, s->frame[i])->kind != zone)
			return tome_why(vm, "zone of a cached free frame",
			    s->frame[i], zone,
			    tome_zone_of(vm, s->frame[i])->kind);
	}
	return NULL;
}

/* Free frames that are neither listed nor cached show up as a difference. */
static tome_cold const char *
check_uses(struct tome_vm *vm, tome_pfn_t free)
{
	uint64_t found[TOME_IDENTITIES] = { 0 };
	unsigned id;

	recount(vm, found);
	if (found[TOME_PAGE_FREE] != free)
		return tome_why(vm, "free frames", TOME_PAGE_FREE, free,
		    found[TOME_PAGE_FREE]);
	for (id = TOME_PAGE_RESERVED; id < TOME_IDENTITIES; id++)
		if (frames_used(vm, (enum tome_identity)id) != found[id])
			return tome_why(vm, "frames of an identity", id,
			    frames_used(vm, (enum tome_identity)id),
			    found[id]);
	return NULL;
}

static tome_cold void
recount(struct tome_vm *vm, uint64_t found[TOME_IDENTITIES])
{
	const struct tome_page *pg;
	tome_pfn_t pfn;

	for (pfn = 0; pfn < vm->npfn; pfn++) {
		pg = tome_page_try(vm, pfn);
		if (pg != NULL)
			found[tome_page_identity(pg)]++;
		else
			pfn |= ((tome_pfn_t)1 << TOME_SECTION_SHIFT) - 1;
	}
}
