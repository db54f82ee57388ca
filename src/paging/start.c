/*
 * start.c - layer 6 of an instance: its state, figures and end; swap areas come and go.
 *
 * Locks: layer 6's, over the lists of areas.
 */
#include <base/memory.h>
#include <map/map_i.h>
#include <paging/paging_i.h>

static void paging_pressure(struct tome_vm *, enum tome_zone_kind, bool failed);
static const char *paging_check(struct tome_vm *);
static size_t paging_fini(struct tome_vm *);

enum tome_err
tome_paging_start(struct tome_vm *vm)
{
	struct tome_paging *p = tome_kzalloc(vm, sizeof *p);

	if (p == NULL)
		return TOME_ENOMEM;
	p->vm = vm;
	vm->paging = p;
	tome_paging_policy(vm, TOME_POLICY_GENERATIONS);
	p->layer.name = "paging";
	p->layer.check = paging_check;
	p->layer.fini = paging_fini;
	vm->objects->anon_pager = &tome_swap_pager;
	vm->objects->reclaim = tome_paging_found;
	vm->objects->spares = tome_choice_spares;
	vm->objects->cools = tome_choice_cool;
	vm->objects->back = tome_choice_back;
	vm->maps->advise = tome_paging_advise;
	vm->maps->ledger_asks = tome_ledger_asks;
	vm->maps->ledger_room = tome_ledger_room;
	vm->maps->ledger_fill = tome_ledger_fill;
	vm->maps->ledger_charge = tome_ledger_charge;
	tome_layer_install(vm, &p->layer);
	tome_set_pressure(vm, paging_pressure);
	return TOME_OK;
}

static void
paging_pressure(struct tome_vm *vm, enum tome_zone_kind kind, bool failed)
{
	struct tome_paging *p = vm->paging;

	(void)kind;
	if (failed)
		tome_add(&p->refused, 1);
	tome_add(&p->kick, 1);
	if (vm->host->wake != NULL)
		vm->host->wake(vm->ctx, &p->kick, 1);
}

static size_t
paging_fini(struct tome_vm *vm)
{
	struct tome_paging *p = vm->paging;
	size_t leaked = 0;
	uint64_t used = 0, lost;

	tome_set_pressure(vm, NULL);
	(void)tome_desk_bury(p, true);
	lost = tome_desk_forget(p);
	tome_kfree(vm, p->pack);
	for (unsigned i = 0; i < TOME_SWAP_AREAS; i++) {
		struct tome_swap_area *a = p->area[i];

		if (a == NULL)
			continue;
		tome_swap_calm(p, a);
		tome_behind_end(p, a);
		used += a->n.used;
		tome_desks_end(p, a);
		tome_kfree(vm, a->taken);
		tome_kfree(vm, a);
	}
	leaked += used > lost;
	if (p->tier != NULL)
		tome_tier_stop(p->tier);
	leaked += tome_ledgers_end(p);
	tome_choice_end(p);
	vm->paging = NULL;
	tome_kfree(vm, p);
	return leaked;
}

/* What the tier holds is under slots that are taken. */
static const char *
tier_check(struct tome_paging *p, uint64_t used)
{
	struct tome_compress_stats s;

	if (p->tier == NULL)
		return NULL;
	tome_tier_stats(p->tier, &s);
	return s.pages > used ? "11: free swap slots are held compressed" :
	    tome_tier_check(p->tier);
}

/* The ledger closes: what was given out is used, or ended in a way that is counted. */
static const char *
paging_check(struct tome_vm *vm)
{
	struct tome_paging *p = vm->paging;
	uint64_t used = 0;

	for (const struct tome_swap_area *a = p->areas; a != NULL;
	    a = a->next) {
		if (tome_slots_taken(a) != a->n.used + a->n.retired)
			return "11: swap slots taken are not as many as counted";
		if (a->n.allocated != a->n.used + a->n.retired +
		    a->n.superseded + a->n.dropped + a->n.unwritten +
		    a->n.home)
			return "11: the ledger of swap slots does not close";
		used += a->n.used;
	}
	return tier_check(p, used);
}

void
tome_paging_stats(struct tome_vm *vm, struct tome_paging_stats *out)
{
	struct tome_paging *p = vm->paging;

	memset(out, 0, sizeof *out);
	if (p == NULL)
		return;
	out->looked = tome_rd_relaxed(&p->looked);
	out->used = tome_rd_relaxed(&p->used);
	out->dropped = tome_rd_relaxed(&p->dropped);
	out->swapped_out = tome_rd_relaxed(&p->swapped_out);
	out->swapped_in = tome_rd_relaxed(&p->swapped_in);
	out->written_file = tome_rd_relaxed(&p->written_file);
	out->direct = tome_rd_relaxed(&p->direct);
	out->daemon = tome_rd_relaxed(&p->daemon);
	out->shrunk = tome_rd_relaxed(&p->shrunk);
	out->refused = tome_rd_relaxed(&p->refused);
	out->oom_kills = tome_rd_relaxed(&p->oom_kills);
	out->packs_written = tome_rd_relaxed(&p->packs_written);
	out->packs_read = tome_rd_relaxed(&p->packs_read);
	out->slots_lost = tome_rd_relaxed(&p->slots_lost);
}
