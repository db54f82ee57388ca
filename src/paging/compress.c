/*
 * compress.c - the compressed tier as page-out and page-in see it: there, or not.
 *
 * Invariants: what the tier holds is under slots that are taken. A
 * slot is dropped before it is free, so that nobody finds there what another left.
 * Locks: layer 6's, when the tier is made known; the tier's own.
 */
#include <base/memory.h>
#include <paging/paging_i.h>

/* Who comes second has made one for nothing. */
static enum tome_err
tier_once(struct tome_paging *p)
{
	struct tome_tier *t;
	enum tome_err err;
	uintptr_t irq;
	bool first;

	if (tome_rd(&p->tier) != NULL)
		return TOME_OK;
	err = tome_tier_start(p->vm, 0, &t);
	if (err != TOME_OK)
		return err;
	irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	first = p->tier == NULL;
	if (first)
		tome_wr(&p->tier, t);
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	if (!first)
		tome_tier_stop(t);
	return TOME_OK;
}

enum tome_err
tome_swap_compress(struct tome_vm *vm, tome_pfn_t frames)
{
	struct tome_paging *p = vm->paging;
	enum tome_err err;

	if (frames == 0 && tome_rd(&p->tier) == NULL)
		return TOME_OK;
	err = tier_once(p);
	if (err == TOME_OK)
		err = tome_behind_furnish_all(p);
	if (err != TOME_OK)
		return err;
	tome_tier_limit(p->tier, frames);
	tome_wr_relaxed(&p->keeps, frames > 0);
	return TOME_OK;
}

bool
tome_compress_keep(struct tome_paging *p, uint32_t slot, tome_pfn_t pfn)
{
	return tome_rd_relaxed(&p->keeps) &&
	    tome_tier_store(tome_rd(&p->tier), slot, pfn);
}

bool
tome_compress_has(struct tome_paging *p, uint32_t slot)
{
	struct tome_tier *t = tome_rd(&p->tier);

	return t != NULL && tome_tier_has(t, slot);
}

enum tome_err
tome_compress_load(struct tome_paging *p, uint32_t slot, tome_pfn_t pfn)
{
	struct tome_tier *t = tome_rd(&p->tier);

	return t == NULL ? TOME_ENOENT : tome_tier_load(t, slot, pfn);
}

void
tome_compress_drop(struct tome_paging *p, uint32_t slot)
{
	struct tome_tier *t = tome_rd(&p->tier);

	if (t != NULL)
		tome_tier_drop(t, slot);
}

void
tome_compress_stats(struct tome_vm *vm, struct tome_compress_stats *out)
{
	struct tome_tier *t = vm->paging == NULL ? NULL :
	    tome_rd(&vm->paging->tier);

	memset(out, 0, sizeof *out);
	if (t != NULL)
		tome_tier_stats(t, out);
}
