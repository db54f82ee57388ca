/*
 * flush.c - gathers, and the rounds that carry them to the CPUs.
 *
 * A round, for a user pmap (models/flush.pml):
 *  1. the entries have changed, and walks see it: a CPU that switches to the pmap
 *     after 3 flushes at once, and must not walk what was there;
 *  2. raise pmap->flushes, seq_cst; 3. read pmap->running, seq_cst;
 *  4. flush here if this CPU runs it; order the others that do, and wait.
 * Where the MMU takes flushes to all CPUs, it does 4 without an order: by the
 * number that the pmap has now, read after 1 (F13). A number that it gets later
 * never tagged what the entries were.
 * A switch announces itself in `running` before it reads `flushes`: so a CPU not
 * seen at 3 finds at its switch that it has fallen behind, and flushes then.
 * Kernel addresses are everybody's: the round goes to all CPUs online.
 *
 * Orders: each CPU has one record of its own (it waits with preemption off, so
 * one is enough), and a word of senders; a sender sets its bit in the target's
 * word and interrupts only if the word was 0. Everybody who waits answers, so
 * any number of rounds at once come to an end.
 * Locks: none is taken. Flush-side locks may be held; leaf-side ones not.
 */
#include <pmap/pmap_i.h>

static void round_send(struct tome_vm *, struct tome_round *, uint64_t mask);
static void round_wait(struct tome_vm *, struct tome_round *);
static bool round_broadcast(struct tome_vm *, const struct tome_round *);
static void round_do(struct tome_vm *, const struct tome_round *);
static void flush_here(struct tome_vm *, const struct tome_round *);

void
tome_gather_begin(struct tome_gather *g, struct tome_pmap *p)
{
	*g = (struct tome_gather){.pmap = p};
}

void
tome_gather_finish(struct tome_gather *g)
{
	struct tome_vm *vm = g->pmap->vm;
	tome_pfn_t unit = g->detached_pfn, next;

	if (g->start != g->end && !TOME_FLUSH_WALKS && g->tables)
		tome_round_tables(g->pmap, g->start);
	else if (g->start != g->end)
		tome_round(g->pmap, g->start, g->end);
	for (; unit != TOME_PFN_NONE; unit = next) {
		next = tome_page(vm, unit)->next;
		tome_unit_retire(vm, unit);
	}
	tome_gather_begin(g, g->pmap);
}

void
tome_round(struct tome_pmap *p, tome_va_t start, tome_va_t end)
{
	struct tome_vm *vm = p->vm;
	struct tome_round *r;
	uint64_t mask, self;

	tome_rank_none(vm, TOME_RANK_ASID);
	tome_host_preempt_off();
	r = &tome_pmap_cpu(vm)->mine;
	self = (uint64_t)1 << tome_host_cpu();
	if (TOME_PORT_VISIBLE == 2)
		tome_mmu_visible(&vm->pmaps->mmu, NULL, 0);
	r->pmap = p;
	r->start = start;
	r->end = end;
	r->flushes = __atomic_add_fetch(tome_plain(&p->flushes), 1,
	    __ATOMIC_SEQ_CST);
	mask = tome_rd_sc(tome_pmap_is_user(p) ? &p->running :
	    &vm->pmaps->online);
	if ((mask & ~self) == 0 || !round_broadcast(vm, r)) {
		if (mask & ~self)
			round_send(vm, r, mask & ~self);
		if (mask & self)
			flush_here(vm, r);
		if (mask & ~self)
			round_wait(vm, r);
	}
	tome_host_preempt_on();
}

uint64_t
tome_pmap_rounds(struct tome_pmap *p)
{
	return tome_rd_sc(&p->flushes);
}

/*
 * False: the MMU does not. Else every CPU that may use the number has flushed:
 * one that ran it before and not now too. They are not told that they have caught
 * up, and flush once more when they next switch to it.
 */
static bool
round_broadcast(struct tome_vm *vm, const struct tome_round *r)
{
	const struct tome_mmu *m = &vm->pmaps->mmu;
	tome_va_t n = (r->end - r->start) >> TOME_PAGE_SHIFT;
	bool user = tome_pmap_is_user(r->pmap);
	unsigned asid;

	if (!TOME_PORT_BROADCAST(m))
		return false;
	asid = user ? tome_rd_sc(&r->pmap->asid) : 0;
	if (n <= TOME_PORT_FLUSH_PAGES) {
		tome_mmu_broadcast_pages(m, asid, r->start, r->end);
		tome_count(vm, TOME_N_FLUSH_PAGE, (int64_t)n);
	} else if (user) {
		tome_mmu_broadcast_asid(m, asid);
		tome_count(vm, TOME_N_FLUSH_ASID, 1);
	} else {
		tome_mmu_broadcast_all(m);
		tome_count(vm, TOME_N_FLUSH_ALL, 1);
	}
	tome_count(vm, TOME_N_ROUNDS, 1);
	return true;
}

/* The orders go out first, so that all flush at the same time. */
static void
round_send(struct tome_vm *vm, struct tome_round *r, uint64_t mask)
{
	uint64_t self = (uint64_t)1 << tome_host_cpu();
	struct tome_pmap_cpu *to;
	unsigned i;

	tome_wr(&r->waiting, mask);
	for (i = 0; i < vm->ncpus; i++) {
		if (!(mask >> i & 1))
			continue;
		to = &vm->pmaps->cpu[i];
		if (__atomic_fetch_or(tome_plain(&to->asked), self,
			__ATOMIC_SEQ_CST) != 0)
			continue;
		vm->host->ipi(vm->ctx, i);
		tome_count(vm, TOME_N_IPIS, 1);
	}
	tome_count(vm, TOME_N_ROUNDS, 1);
}

/* Others may wait for this CPU meanwhile. */
static void
round_wait(struct tome_vm *vm, struct tome_round *r)
{
	uintptr_t irq;

	while (tome_rd(&r->waiting) != 0) {
		if (tome_rd_relaxed(&tome_pmap_cpu(vm)->asked) != 0) {
			irq = tome_host_irq_save();
			tome_round_serve(vm);
			tome_host_irq_restore(irq);
		}
		tome_host_relax();
	}
}

void
tome_pmaps_interrupt(struct tome_vm *vm)
{
	tome_round_serve(vm);
}

void
tome_round_serve(struct tome_vm *vm)
{
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(vm);
	uint64_t self = (uint64_t)1 << tome_host_cpu();
	uint64_t asked = tome_swap_sc(&cpu->asked, 0);
	struct tome_round *r;
	unsigned i;

	for (i = 0; asked != 0; i++, asked >>= 1) {
		if (!(asked & 1))
			continue;
		r = &vm->pmaps->cpu[i].mine;
		round_do(vm, r);
		tome_and(&r->waiting, ~self);
	}
}

/* A CPU that has left the pmap since catches up when it comes back. */
static void
round_do(struct tome_vm *vm, const struct tome_round *r)
{
	if (!tome_pmap_is_user(r->pmap) ||
	    tome_pmap_cpu(vm)->current == r->pmap)
		flush_here(vm, r);
}

static void
flush_here(struct tome_vm *vm, const struct tome_round *r)
{
	const struct tome_mmu *m = &vm->pmaps->mmu;
	tome_va_t n = (r->end - r->start) >> TOME_PAGE_SHIFT;
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(vm);
	uintptr_t irq = tome_host_irq_save();

	if (n <= TOME_PORT_FLUSH_PAGES) {
		tome_mmu_flush_pages(m, r->start, r->end);
		tome_count(vm, TOME_N_FLUSH_PAGE, (int64_t)n);
	} else if (tome_pmap_is_user(r->pmap)) {
		tome_mmu_flush_asid(m);
		tome_count(vm, TOME_N_FLUSH_ASID, 1);
	} else {
		tome_mmu_flush_all(m);
		tome_count(vm, TOME_N_FLUSH_ALL, 1);
	}
	/* Up to date, unless an earlier round has yet to come here. */
	if (tome_pmap_is_user(r->pmap) &&
	    cpu->seen[cpu->asid] == r->flushes - 1)
		cpu->seen[cpu->asid] = r->flushes;
	tome_host_irq_restore(irq);
}
