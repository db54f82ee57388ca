/*
 * epoch.c - retiring, advancing, freeing. epoch.h has the mechanism.
 *
 * Why e+2 is enough: what is stamped e was unlinked before the number became
 * e+1, so only sections that entered at e or before can know it. The number
 * becomes e+1 when none from before e is left, and e+2 when none from e is.
 *
 * Invariant: an item on a list was retired at or before the list's stamp (a
 *   late free is a correct free, so a list whose slot comes round again just
 *   takes the younger stamp).
 * Locks: each CPU's lists under its own lock, rank EPOCH. Frees run with none.
 */
#include <base/vm_i.h>

#define EPOCH_LISTS 4u
/* Map, amap, chunk, anon: what frees retire nests four deep; and slack. */
#define EPOCH_DRAIN_TURNS 16

static void epoch_queue(struct tome_vm *, struct tome_epoch_cpu *,
    struct tome_retired *);
static bool epoch_advance(struct tome_vm *);
static bool epoch_quiet(struct tome_vm *, uint64_t now);
static void epoch_free_ripe(struct tome_vm *, struct tome_epoch_cpu *);
static struct tome_retired *epoch_take_ripe(struct tome_vm *,
    struct tome_epoch_cpu *);

void
tome_epoch_retire(struct tome_vm *vm, struct tome_retired *item,
    void (*free)(struct tome_vm *, struct tome_retired *))
{
	/* A reader may still look at what lies under the record (a table's base): it is
	 * told otherwise by what it reads there, but must not read halves. */
	tome_wr_relaxed(&item->free, free);
	tome_host_preempt_off();
	epoch_queue(vm, &tome_this_cpu(vm)->epoch, item);
	tome_host_preempt_on();
}

/*
 * The unlinking must be visible before the number is read: a full barrier,
 * which taking the lock is not everywhere.
 */
static void
epoch_queue(struct tome_vm *vm, struct tome_epoch_cpu *e,
    struct tome_retired *item)
{
	uintptr_t irq = tome_spin_lock(vm, &e->lock, TOME_RANK_EPOCH);
	uint64_t now;
	unsigned slot;

	tome_fence_sc();
	now = tome_rd(&vm->epoch.now);
	slot = now % EPOCH_LISTS;
	tome_wr_relaxed(&item->next, e->list[slot]);
	e->list[slot] = item;
	e->stamp[slot] = now;
	tome_wr_relaxed(&e->pending, e->pending + 1);
	tome_spin_unlock(vm, &e->lock, TOME_RANK_EPOCH, irq);
}

void
tome_epoch_poll(struct tome_vm *vm)
{
	struct tome_epoch_cpu *here;

	tome_rank_none(vm, TOME_RANK_ENTRY);
	tome_host_preempt_off();
	here = &tome_this_cpu(vm)->epoch;
	if (here->depth == 0) {
		epoch_advance(vm);
		epoch_free_ripe(vm, here);
	}
	tome_host_preempt_on();
}

static bool
epoch_advance(struct tome_vm *vm)
{
	uint64_t now = tome_rd_sc(&vm->epoch.now);

	return epoch_quiet(vm, now) &&
	    tome_cas_sc(&vm->epoch.now, &now, now + 1);
}

/* No CPU is in a section from before `now`. */
static bool
epoch_quiet(struct tome_vm *vm, uint64_t now)
{
	uint64_t seen;
	unsigned i;

	for (i = 0; i < vm->ncpus; i++) {
		seen = tome_rd_sc(&vm->cpu[i].epoch.seen);
		if (seen != 0 && seen < now)
			return false;
	}
	return true;
}

static void
epoch_free_ripe(struct tome_vm *vm, struct tome_epoch_cpu *e)
{
	struct tome_retired *item = epoch_take_ripe(vm, e), *next;

	for (; item != NULL; item = next) {
		next = item->next;
		item->free(vm, item);
	}
}

static struct tome_retired *
epoch_take_ripe(struct tome_vm *vm, struct tome_epoch_cpu *e)
{
	struct tome_retired *ripe = NULL, **tail = &ripe;
	uintptr_t irq = tome_spin_lock(vm, &e->lock, TOME_RANK_EPOCH);
	uint64_t now = tome_rd(&vm->epoch.now);
	uint32_t n = 0;
	unsigned i;

	for (i = 0; i < EPOCH_LISTS; i++) {
		if (e->stamp[i] + 2 > now)
			continue;
		for (*tail = e->list[i]; *tail != NULL; tail = &(*tail)->next)
			n++;
		e->list[i] = NULL;
	}
	tome_wr_relaxed(&e->pending, e->pending - n);
	tome_spin_unlock(vm, &e->lock, TOME_RANK_EPOCH, irq);
	return ripe;
}

/*
 * Each turn advances the number or is the last. Two ripen what is there; what
 * frees retire takes two more each time, and other CPUs may go on retiring, so
 * there is a bound.
 */
bool
tome_epoch_drain(struct tome_vm *vm)
{
	struct tome_epoch_cpu *here;
	unsigned i, turns = EPOCH_DRAIN_TURNS;

	tome_rank_none(vm, TOME_RANK_ENTRY);
	tome_host_preempt_off();
	here = &tome_this_cpu(vm)->epoch;
	while (here->depth == 0 && turns-- > 0 &&
	    tome_epoch_pending(vm) > 0 && epoch_advance(vm))
		for (i = 0; i < vm->ncpus; i++)
			epoch_free_ripe(vm, &vm->cpu[i].epoch);
	tome_host_preempt_on();
	return tome_epoch_pending(vm) == 0;
}

void
tome_epoch_wait(struct tome_vm *vm)
{
	uint64_t until = tome_rd_sc(&vm->epoch.now) + 2;

	tome_rank_none(vm, TOME_RANK_ENTRY);
	while (tome_rd_sc(&vm->epoch.now) < until) {
		tome_host_preempt_off();
		TOME_CHECK(vm, tome_this_cpu(vm)->epoch.depth == 0);
		epoch_advance(vm);
		tome_host_preempt_on();
		tome_host_relax();
	}
}

uint64_t
tome_epoch_pending(struct tome_vm *vm)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < vm->ncpus; i++)
		sum += tome_rd_relaxed(&vm->cpu[i].epoch.pending);
	return sum;
}
