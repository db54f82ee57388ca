/*
 * asid.c - which pmap a CPU runs, and under which number its TLB tags it.
 *
 * Numbers are handed out in order; when they run out a new generation begins:
 * every CPU's present number is carried over (one's own too: its MMU still uses
 * it), every CPU flushes all at its next switch, and all others take a new number
 * when they next run (models/README.md, F12). Number 0 is the kernel's own root.
 *
 * Order of a switch (F11): announce in next->running, seq_cst; read the flush
 * generation; move the MMU; leave the old pmap's mask.
 * Locks: the ASID lock, leaf side, over the choice of the number and the move, so
 * that a rollover elsewhere sees both or neither. Without numbers, none.
 */
#include <pmap/pmap_i.h>

static void switch_tagged(struct tome_pmaps *, struct tome_pmap_cpu *,
    struct tome_pmap *next);
static unsigned asid_of(struct tome_pmaps *, struct tome_pmap *);
static void asid_rollover(struct tome_pmaps *, struct tome_vm *);
static bool asid_is_kept(const struct tome_pmaps *, unsigned);

void
tome_asid_init(struct tome_vm *vm)
{
	struct tome_pmaps *s = vm->pmaps;

	/* Numbers must outnumber CPUs, or a rollover frees none. */
	if (s->mmu.asids > TOME_PORT_ASIDS_MAX)
		s->mmu.asids = TOME_PORT_ASIDS_MAX;
	if (s->mmu.asids < 2 * vm->ncpus + 1)
		s->mmu.asids = 0;
	s->asid_gen = 1;
	s->asid_next = 1;
}

struct tome_pmap *
tome_pmap_current(struct tome_vm *vm)
{
	struct tome_pmap *p;

	tome_host_preempt_off();
	p = tome_pmap_cpu(vm)->current;
	tome_host_preempt_on();
	return p;
}

void
tome_pmap_switch(struct tome_pmap *next)
{
	struct tome_vm *vm = next->vm;
	struct tome_pmaps *s = vm->pmaps;
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(vm);
	uint64_t self = (uint64_t)1 << tome_host_cpu();
	struct tome_pmap *old = cpu->current;

	if (old == next)
		return;
	if (tome_pmap_is_user(next))
		__atomic_fetch_or(tome_plain(&next->running), self,
		    __ATOMIC_SEQ_CST);
	if (s->mmu.asids != 0) {
		switch_tagged(s, cpu, next);
	} else {
		tome_mmu_switch(&s->mmu, tome_pmap_root(next), 0, true);
		cpu->current = next;
	}
	if (tome_pmap_is_user(old))
		tome_and(&old->running, ~self);
}

static void
switch_tagged(struct tome_pmaps *s, struct tome_pmap_cpu *cpu,
    struct tome_pmap *next)
{
	struct tome_vm *vm = next->vm;
	uintptr_t irq = tome_spin_lock(vm, &s->asid_lock, TOME_RANK_ASID);
	unsigned asid = asid_of(s, next);
	uint64_t flushes;
	bool behind;

	if (cpu->stale) {
		tome_mmu_flush_all(&s->mmu);
		tome_count(vm, TOME_N_FLUSH_ALL, 1);
		cpu->stale = false;
	}
	flushes = tome_rd_sc(&next->flushes);
	behind = tome_pmap_is_user(next) && cpu->seen[asid] != flushes;
	tome_mmu_switch(&s->mmu, tome_pmap_root(next), asid, behind);
	if (behind) {
		tome_count(vm, TOME_N_FLUSH_ASID, 1);
		cpu->seen[asid] = flushes;
	}
	cpu->current = next;
	cpu->asid = asid;
	tome_spin_unlock(vm, &s->asid_lock, TOME_RANK_ASID, irq);
}

/* Its number in this generation; a new one if it has none yet. */
static unsigned
asid_of(struct tome_pmaps *s, struct tome_pmap *p)
{
	if (!tome_pmap_is_user(p))
		return 0;
	if (p->asid_gen == s->asid_gen)
		return p->asid;
	while (s->asid_next < s->mmu.asids && asid_is_kept(s, s->asid_next))
		s->asid_next++;
	if (s->asid_next == s->mmu.asids) {
		asid_rollover(s, p->vm);
		if (p->asid_gen == s->asid_gen)
			return p->asid;
		while (asid_is_kept(s, s->asid_next))
			s->asid_next++;
	}
	tome_wr_sc(&p->asid, s->asid_next++);
	p->asid_gen = s->asid_gen;
	return p->asid;
}

static void
asid_rollover(struct tome_pmaps *s, struct tome_vm *vm)
{
	struct tome_pmap_cpu *cpu;
	unsigned i;

	s->asid_gen++;
	s->asid_next = 1;
	for (i = 0; i < TOME_ASID_WORDS; i++)
		s->asid_kept[i] = 0;
	for (i = 0; i < vm->ncpus; i++) {
		cpu = &s->cpu[i];
		cpu->stale = true;
		if (cpu->current == NULL || !tome_pmap_is_user(cpu->current))
			continue;
		s->asid_kept[cpu->asid / 64] |= (uint64_t)1 << cpu->asid % 64;
		cpu->current->asid_gen = s->asid_gen;
	}
}

static bool
asid_is_kept(const struct tome_pmaps *s, unsigned asid)
{
	return s->asid_kept[asid / 64] >> asid % 64 & 1;
}
