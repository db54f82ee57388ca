/*
 * snapshot.c - find the entry of an address and copy what a fault needs of it,
 * without storing anything that others read.
 *
 * The per-CPU hint remembers the last entry found. It is good in a section of the
 * same epoch only: nothing unlinked since can have been freed (base/epoch.h). Its
 * number and bounds are checked like any other's.
 */
#include <map/fault.h>

static inline bool snapshot(struct tome_attempt *, struct tome_entry *);
static enum tome_err lookup_tree(struct tome_attempt *, uint64_t epoch)
    TOME_NODISCARD;
static enum tome_err lookup_rights(struct tome_attempt *) TOME_NODISCARD;

enum tome_err
tome_attempt_lookup(struct tome_attempt *f, uint64_t epoch)
{
	const struct tome_hint *h = &f->vm->maps->hint[tome_host_cpu()];
	enum tome_err err;

	if (h->map_id == f->map->id && h->epoch == epoch &&
	    snapshot(f, h->entry))
		return lookup_rights(f);
	err = lookup_tree(f, epoch);
	return err == TOME_OK ? lookup_rights(f) : err;
}

static tome_noinline enum tome_err
lookup_tree(struct tome_attempt *f, uint64_t epoch)
{
	struct tome_entry *en;
	struct tome_hint *h;

	switch (tome_tree_lookup(&f->map->tree, f->va, &en)) {
	case TOME_LOOKUP_BUSY:
		return tome_attempt_needs(f, TOME_NEED_MAP);
	case TOME_LOOKUP_HOLE:
		return tome_attempt_needs(f, TOME_NEED_LOOK);
	case TOME_LOOKUP_HIT:
		break;
	}
	if (!snapshot(f, en)) {
		/* Odd, or changed under us; a hole is believed under the lock. */
		if (tome_rd_sc(&en->seq) & 1)
			return tome_attempt_needs(f, TOME_NEED_MAP);
		return tome_attempt_needs(f, TOME_NEED_LOOK);
	}
	h = &f->vm->maps->hint[tome_host_cpu()];
	h->map_id = f->map->id;
	h->epoch = epoch;
	h->entry = en;
	return TOME_OK;
}

/* Bounds are part of it (models F6). */
static inline bool
snapshot(struct tome_attempt *f, struct tome_entry *en)
{
	uint32_t seq = tome_rd_sc(&en->seq);
	tome_va_t start, end;
	uint64_t slot;
	tome_pgoff_t offset, page;

	if (tome_unlikely(seq & 1))
		return false;
	start = tome_rd_seq(&en->start);
	end = tome_rd_seq(&en->end);
	f->prot = tome_rd_seq(&en->prot);
	f->advice = tome_rd_seq(&en->advice);
	f->flags = tome_rd_seq(&en->flags);
	tome_host_point();
	f->amap = tome_rd_seq(&en->amap);
	slot = tome_rd_seq(&en->slot);
	f->object = tome_rd_seq(&en->object);
	offset = tome_rd_seq(&en->offset);
	f->limit = tome_rd_seq(&en->limit);
	tome_fence_seq();
	if (tome_unlikely(tome_rd_sc(&en->seq) != seq) ||
	    tome_unlikely(f->va < start || f->va >= end))
		return false;
	page = (f->va - start) >> TOME_PAGE_SHIFT;
	f->start = start;
	f->end = end;
	f->slot = slot + page;
	f->page = offset + page;
	f->entry = en;
	f->seq = seq;
	return true;
}

/* A mapping with any right can be read: so it is on Linux, and on CPUs that do not
 * tell. */
static inline enum tome_err
rights(const struct tome_attempt *f)
{
	tome_prot_t need = f->access & (TOME_PROT_WRITE | TOME_PROT_EXEC);

	if (f->force)
		return TOME_OK;
	if ((need & ~(tome_prot_t)f->prot) != 0 || f->prot == TOME_PROT_NONE)
		return TOME_EACCES;
	return TOME_OK;
}

static tome_noinline enum tome_err
lookup_odd(struct tome_attempt *f)
{
	enum tome_err err = f->flags & TOME_ENTRY_GUARD ? TOME_EACCES :
	    rights(f);

	if (err == TOME_OK && f->vm->maps->ledger_asks(f))
		err = tome_attempt_needs(f, TOME_NEED_LEDGER);
	return err;
}

static enum tome_err
lookup_rights(struct tome_attempt *f)
{
	if (tome_unlikely(f->flags & (TOME_ENTRY_GUARD | TOME_ENTRY_LEDGER)))
		return lookup_odd(f);
	return rights(f);
}

/*
 * A private entry with an object sees its page where there is one; beyond the
 * entry's limit it sees zero, and in the limit's own page a part of each.
 */
enum tome_below
tome_attempt_below(const struct tome_attempt *f)
{
	uint64_t at = f->va - f->start;

	if (f->object == NULL || (f->limit != 0 && at >= f->limit))
		return TOME_BELOW_ZERO;
	if (f->page >= tome_object_npages(f->object))
		return TOME_BELOW_END;
	if (f->limit != 0 && f->limit - at < TOME_PAGE_SIZE)
		return TOME_BELOW_PART;
	return TOME_BELOW_PAGE;
}
