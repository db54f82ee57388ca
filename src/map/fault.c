/*
 * fault.c - resolve a fault: a loop over named steps around one attempt.
 *
 * The protocol is docs/locking.md's; the models check it. In short: look the entry
 * up and copy it under its number; lock the chunk and see that number and directory
 * still say the same; lock the anon; prepare page and copy in private; lock the
 * leaf table and look once more; only then change anything: the slot, the
 * translation, and last the count of what was replaced.
 *
 * Locks, in order: chunk, anon, object's chunk and anon, leaf table. No map lock.
 * What is missing is named (struct tome_attempt), everything unlocked, and the
 * need met (need.c).
 */
#include <base/memory.h>
#include <map/fault.h>

static enum tome_err fault_try(struct tome_attempt *) TOME_NODISCARD;
static enum tome_err fault_own_amap(struct tome_attempt *) TOME_NODISCARD;
static enum tome_err fault_private(struct tome_attempt *) TOME_NODISCARD;
static enum tome_err fault_in_chunk(struct tome_attempt *,
    struct tome_dirent *, bool fill) TOME_NODISCARD;
static struct tome_chunk *fault_unshare(struct tome_attempt *,
    struct tome_dirent);
static enum tome_err fault_present(struct tome_attempt *,
    struct tome_chunk *, struct tome_anon *) TOME_NODISCARD;
static enum tome_err fault_promote(struct tome_attempt *,
    struct tome_chunk *, struct tome_anon *from) TOME_NODISCARD;
static enum tome_err fault_absent(struct tome_attempt *,
    struct tome_chunk *, bool fill) TOME_NODISCARD;
static enum tome_err fault_zero(struct tome_attempt *, struct tome_chunk *,
    bool fill) TOME_NODISCARD;
static enum tome_err fault_device(struct tome_attempt *, struct tome_chunk *,
    bool fill) TOME_NODISCARD;
static enum tome_err fault_held(struct tome_attempt *,
    enum tome_err) TOME_NODISCARD;
static enum tome_err fault_below(struct tome_attempt *, struct tome_chunk *,
    bool fill) TOME_NODISCARD;
static enum tome_err fault_copy_below(struct tome_attempt *,
    struct tome_chunk *, tome_pfn_t from) TOME_NODISCARD;
static enum tome_err fault_shared(struct tome_attempt *) TOME_NODISCARD;
static enum tome_err fault_shared_page(struct tome_attempt *) TOME_NODISCARD;
static enum tome_err fault_fresh(struct tome_attempt *, struct tome_chunk *,
    struct tome_anon *) TOME_NODISCARD;
static enum tome_err fault_commit(struct tome_attempt *) TOME_NODISCARD;
static bool fault_still(const struct tome_attempt *,
    const struct tome_leaf *);
static enum tome_err fault_install(struct tome_attempt *,
    struct tome_leaf *) TOME_NODISCARD;
static void fault_around(struct tome_attempt *, struct tome_leaf *);

static inline void
count_on(struct tome_cpu *cpu, enum tome_counter which)
{
	int64_t *n = &cpu->count[which];

	tome_wr_relaxed(n, tome_rd_relaxed(n) + 1);
}

static inline void
count_here(struct tome_attempt *f, enum tome_counter which)
{
	count_on(tome_this_cpu(f->vm), which);
}

static inline bool
writes(const struct tome_attempt *f)
{
	return f->access & TOME_PROT_WRITE;
}

/* Where the hardware does not tell, the fault must: this page is modified. */
static inline unsigned
pmap_flags(const struct tome_attempt *f, tome_prot_t prot)
{
	return (f->flags & TOME_ENTRY_WIRED ? TOME_PMAP_WIRED : 0) |
	    (writes(f) && (prot & TOME_PROT_WRITE) ? TOME_PMAP_MODIFIED : 0);
}

/* What a page is entered with that must not be written yet: readable, as every
 * mapping with a right is (lookup_rights). */
static inline tome_prot_t
read_only(const struct tome_attempt *f)
{
	return f->prot == TOME_PROT_WRITE ? TOME_PROT_READ :
	    f->prot & ~TOME_PROT_WRITE;
}

enum tome_err
tome_fault(struct tome_map *map, tome_va_t va, tome_prot_t access)
{
	struct tome_attempt f;
	enum tome_err err;

	tome_attempt_begin(&f, map, va, access);
	err = fault_try(&f);
	return tome_likely(err != TOME_RETRY) ? err :
	    tome_attempt_go_on(&f, fault_try);
}

enum tome_err
tome_fault_run(struct tome_attempt *f)
{
	return tome_attempt_run(f, fault_try);
}

static enum tome_err
fault_try(struct tome_attempt *f)
{
	struct tome_cpu *cpu;
	uint64_t epoch;
	enum tome_err err;

	tome_host_preempt_off();
	cpu = tome_this_cpu(f->vm);
	tome_keep(cpu);
	epoch = tome_epoch_open(f->vm, &cpu->epoch);
	count_on(cpu, TOME_N_FAULTS);
	err = tome_attempt_lookup(f, epoch);
	if (tome_likely(err == TOME_OK))
		err = f->flags & TOME_ENTRY_SHARED ? fault_shared(f) :
		    fault_private(f);
	tome_epoch_close(&cpu->epoch);
	tome_host_preempt_on();
	return err;
}

/* ---- private entries ---- */

static enum tome_err
fault_private(struct tome_attempt *f)
{
	bool fill = writes(f) || (f->flags & TOME_ENTRY_ZERO_SHARED_READ) ||
	    (f->object != NULL && tome_attempt_below(f) == TOME_BELOW_PART);
	struct tome_dirent d = { NULL, NULL };
	enum tome_err err;

	if (fill) {
		if (tome_unlikely(f->amap == NULL ||
		    (f->flags & TOME_ENTRY_NEEDS_COPY)))
			return fault_own_amap(f);
		d = tome_amap_get(f->amap, f->slot);
		if (tome_unlikely(d.where == NULL))
			return tome_attempt_needs(f, TOME_NEED_MEMORY);
	} else if (f->amap != NULL) {
		d = tome_amap_lookup(f->amap, f->slot);
	}
	if (d.chunk == NULL)
		return d.where == NULL ? fault_absent(f, NULL, false) :
		    tome_attempt_open(f);
	tome_chunk_lock_in(f->amap, d.chunk);
	if (tome_unlikely(!tome_dirent_still(&d) || !tome_attempt_holds(f)))
		err = tome_attempt_needs(f, TOME_NEED_AGAIN);
	else
		err = fault_in_chunk(f, &d, fill);
	tome_chunk_unlock_in(f->amap, d.chunk);
	return err;
}

/*
 * Before the first page of its own: an amap where there is none, or one that
 * shares the chunks of the amap it shares. The number is the entry's lock.
 */
static enum tome_err
fault_own_amap(struct tome_attempt *f)
{
	enum tome_err err;

	if (!tome_entry_try_begin(f->entry, f->seq))
		return tome_attempt_needs(f, TOME_NEED_MAP);
	err = tome_entry_resolve_copy(f->entry);
	if (err == TOME_OK && f->entry->amap == NULL) {
		struct tome_amap *am;

		err = tome_amap_create(f->vm, false, &am);
		if (err == TOME_OK)
			tome_wr(&f->entry->amap, am);
	}
	tome_entry_end(f->entry);
	return tome_attempt_needs(f, err == TOME_OK ? TOME_NEED_AGAIN :
	    TOME_NEED_MEMORY);
}

/* The chunk is locked, and still the one. */
static enum tome_err
fault_in_chunk(struct tome_attempt *f, struct tome_dirent *d, bool fill)
{
	struct tome_chunk *own;
	struct tome_anon *an;

	if (fill && tome_unlikely(tome_rd(&d->chunk->count) > 1)) {
		own = fault_unshare(f, *d);
		if (own == NULL)
			return tome_attempt_needs(f, TOME_NEED_MEMORY);
		d->chunk = own;
	}
	an = d->chunk->anon[f->slot & TOME_CHUNK_MASK];
	return an != NULL ? fault_present(f, d->chunk, an) :
	    fault_absent(f, d->chunk, fill);
}

/* A clone, locked, in the place of a shared chunk; NULL: no memory, and the chunk is
 * locked still. */
static tome_noinline struct tome_chunk *
fault_unshare(struct tome_attempt *f, struct tome_dirent d)
{
	struct tome_chunk *old;

	if (tome_dirent_clone(f->amap, &d, 0, 0, &old) != TOME_OK)
		return NULL;
	tome_chunk_drop_locked(f->amap, old);
	return d.chunk;
}

static enum tome_err
fault_present(struct tome_attempt *f, struct tome_chunk *ch,
    struct tome_anon *an)
{
	bool shared;
	enum tome_err err;

	tome_anon_lock_in(f->amap, an);
	if (tome_unlikely(!tome_anon_resident(an))) {
		err = tome_attempt_lacks(f, ch);
		tome_anon_unlock_in(f->amap, an);
		return err;
	}
	shared = tome_anon_shared(ch, an) || (f->flags & TOME_ENTRY_NEEDS_COPY);
	if (shared && writes(f)) {
		err = fault_promote(f, ch, an);
	} else {
		f->commit = (struct tome_commit){ .chunk = ch,
			.pfn = an->pfn,
			.prot = shared ? read_only(f) : f->prot };
		err = fault_commit(f);
	}
	/* A promotion that succeeded dropped it, with its lock. */
	if (err != TOME_OK || !shared || !writes(f))
		tome_anon_unlock_in(f->amap, an);
	return err;
}

/* Copy a shared anon; the shared one is dropped last, when no CPU can write to the
 * copy while another still reads the original (models F1, F2). */
static enum tome_err
fault_promote(struct tome_attempt *f, struct tome_chunk *ch,
    struct tome_anon *from)
{
	struct tome_anon *copy = tome_anon_create(f->amap, false);
	enum tome_err err;

	if (copy == NULL)
		return tome_attempt_needs(f, TOME_NEED_MEMORY);
	tome_frame_copy(f->vm, copy->pfn, from->pfn);
	err = fault_fresh(f, ch, copy);
	if (err == TOME_OK) {
		tome_host_preempt_off();	/* it unlocks by itself */
		tome_anon_unref_locked(f->amap, from);
		count_here(f, TOME_N_FAULTS_COW);
	}
	return err;
}

/* No anon: what lies below shows, or a write covers it. */
static enum tome_err
fault_absent(struct tome_attempt *f, struct tome_chunk *ch, bool fill)
{
	if (tome_likely(f->object == NULL))
		return fault_zero(f, ch, fill);
	switch (tome_attempt_below(f)) {
	case TOME_BELOW_END:
		return TOME_ENXIO;
	case TOME_BELOW_ZERO:
		return fault_zero(f, ch, fill);
	case TOME_BELOW_PAGE:
	case TOME_BELOW_PART:
		break;
	}
	return f->object->kind == TOME_OBJECT_DEVICE ?
	    fault_device(f, ch, fill) : fault_below(f, ch, fill);
}

static enum tome_err
fault_zero(struct tome_attempt *f, struct tome_chunk *ch, bool fill)
{
	struct tome_anon *an;

	if (!fill) {
		f->commit = (struct tome_commit){ .chunk = ch,
			.pfn = tome_zero_frame(f->vm),
			.prot = read_only(f) };
		return fault_commit(f);
	}
	an = tome_anon_create(f->amap, true);
	if (an == NULL)
		return tome_attempt_needs(f, TOME_NEED_MEMORY);
	count_here(f, TOME_N_FAULTS_ZERO);
	return fault_fresh(f, ch, an);
}

static tome_noinline enum tome_err
fault_device(struct tome_attempt *f, struct tome_chunk *ch, bool fill)
{
	f->commit = (struct tome_commit){ .chunk = ch, .prot = read_only(f),
		.pfn = f->object->first + (tome_pfn_t)f->page,
		.type = f->object->type };
	return fill ? fault_copy_below(f, ch, f->commit.pfn) :
	    fault_commit(f);
}

/* A page of the object could not be held: what is needed, or the error. */
static enum tome_err
fault_held(struct tome_attempt *f, enum tome_err err)
{
	if (err == TOME_RETRY) {
		f->fill.alone = f->advice == TOME_ADV_RANDOM;
		return tome_attempt_needs(f, TOME_NEED_FILL);
	}
	return err == TOME_ENOMEM ? tome_attempt_needs(f, TOME_NEED_MEMORY) :
	    err;
}

/* The object's page, read-only, or a copy of it. */
static tome_noinline enum tome_err
fault_below(struct tome_attempt *f, struct tome_chunk *ch, bool fill)
{
	struct tome_held h = { .fill = &f->fill };
	enum tome_err err = tome_object_hold(f->object, f->page,
	    TOME_HOLD_READ, &h);

	if (err != TOME_OK)
		return fault_held(f, err);
	f->commit = (struct tome_commit){ .chunk = ch, .prot = read_only(f),
		.pfn = tome_held_pfn(&h), .around = &h };
	count_here(f, TOME_N_FAULTS_FILE);
	err = fill ? fault_copy_below(f, ch, f->commit.pfn) : fault_commit(f);
	tome_held_release(&h);
	return err;
}

static enum tome_err
fault_copy_below(struct tome_attempt *f, struct tome_chunk *ch,
    tome_pfn_t from)
{
	struct tome_anon *copy = tome_anon_create(f->amap, false);
	uint8_t *page;
	size_t keep;

	if (copy == NULL)
		return tome_attempt_needs(f, TOME_NEED_MEMORY);
	tome_frame_copy(f->vm, copy->pfn, from);
	if (tome_attempt_below(f) == TOME_BELOW_PART) {
		keep = (size_t)(f->limit - (f->va - f->start));
		page = tome_frame_window(f->vm, copy->pfn);
		memset(page + keep, 0, (size_t)TOME_PAGE_SIZE - keep);
		tome_frame_window_end(f->vm, copy->pfn, page);
	}
	count_here(f, TOME_N_FAULTS_COW);
	return fault_fresh(f, ch, copy);
}

/* Put a new, locked anon in its slot and enter its page; unlocks it, or, when the
 * attempt failed, gives it back. */
static enum tome_err
fault_fresh(struct tome_attempt *f, struct tome_chunk *ch,
    struct tome_anon *an)
{
	enum tome_err err;

	f->commit = (struct tome_commit){ .chunk = ch, .fresh = an,
		.pfn = an->pfn, .prot = f->prot };
	err = fault_commit(f);
	if (err == TOME_OK)
		tome_anon_unlock(f->amap, an);
	else
		tome_anon_discard(f->amap, an);
	return err;
}

/* ---- shared entries ---- */

static tome_noinline enum tome_err
fault_shared(struct tome_attempt *f)
{
	struct tome_object *ob = f->object;

	if (ob->kind != TOME_OBJECT_DEVICE)
		return fault_shared_page(f);
	if (f->page >= ob->npages)
		return TOME_ENXIO;
	f->commit = (struct tome_commit){ .prot = f->prot,
		.pfn = ob->first + (tome_pfn_t)f->page, .type = ob->type };
	return fault_commit(f);
}

static tome_noinline enum tome_err
fault_shared_page(struct tome_attempt *f)
{
	struct tome_held h = { .fill = &f->fill };
	enum tome_err err = tome_object_hold(f->object, f->page,
	    writes(f) ? TOME_HOLD_WRITE : TOME_HOLD_READ, &h);

	if (err != TOME_OK)
		return fault_held(f, err);
	f->commit = (struct tome_commit){ .pfn = tome_held_pfn(&h),
		.prot = h.read_only ? read_only(f) : f->prot,
		.around = writes(f) ? NULL : &h };
	count_here(f, TOME_N_FAULTS_FILE);
	err = fault_commit(f);
	tome_held_release(&h);
	return err;
}

/* ---- the last step ---- */

static enum tome_err
fault_commit(struct tome_attempt *f)
{
	struct tome_leaf *leaf = tome_leaf_make(f->map->pmap, f->va);
	enum tome_err err;

	if (leaf == NULL)
		return tome_attempt_needs(f, TOME_NEED_MEMORY);
	tome_leaf_lock_in(leaf);
	if (tome_unlikely(!fault_still(f, leaf)))
		err = tome_attempt_needs(f, TOME_NEED_AGAIN);
	else
		err = fault_install(f, leaf);
	tome_leaf_unlock_in(leaf);
	return err;
}

/*
 * Under the leaf's lock: has nothing changed since? Where there was no chunk there
 * was no lock in common with a fault that has made one since (models F9).
 */
static bool
fault_still(const struct tome_attempt *f, const struct tome_leaf *leaf)
{
	if (!tome_attempt_holds(f) || tome_leaf_stray(leaf))
		return false;
	return f->commit.chunk != NULL || f->amap == NULL ||
	    tome_amap_lookup(f->amap, f->slot).where == NULL;
}

static enum tome_err
fault_install(struct tome_attempt *f, struct tome_leaf *leaf)
{
	const struct tome_commit *c = &f->commit;
	struct tome_slot_view now = tome_leaf_read(leaf, f->va);
	unsigned flags = pmap_flags(f, c->prot), prot = c->prot;
	bool same = now.valid && now.pfn == c->pfn;

	if (!same && tome_unlikely(tome_leaf_reserve(leaf, 1) != TOME_OK))
		return tome_attempt_needs(f, TOME_NEED_MEMORY);
	if (c->fresh != NULL)
		c->chunk->anon[f->slot & TOME_CHUNK_MASK] = c->fresh;
	if (now.valid && !same) {
		tome_leaf_replace(leaf, f->va, c->pfn, c->prot, c->type, flags);
	} else if (same && (c->prot & ~now.prot) == 0 &&
	    (now.wired || !(flags & TOME_PMAP_WIRED))) {
		count_here(f, TOME_N_FAULTS_SPURIOUS);
		tome_leaf_flush_local(leaf, f->va);
	} else {
		/* What it could do already it can do still: nobody flushes. */
		if (same) {
			count_here(f, TOME_N_FAULTS_REUSE);
			prot |= now.prot;
		}
		tome_leaf_enter(leaf, f->va, c->pfn, prot, c->type, flags);
		if (c->around != NULL && !(f->flags & TOME_ENTRY_WIRED) &&
		    f->advice != TOME_ADV_RANDOM)
			fault_around(f, leaf);
	}
	return TOME_OK;
}

/* Pages of an aligned window that a read fault of an object maps at once. */
#define AROUND_PAGES 16

/*
 * Map what is present of the neighbours: within the window, the entry (and its
 * limit), the leaf, what the held page's chunk or node covers, and the private chunk
 * that is locked, or known to be absent, for the faulting page. Neighbours are only
 * tried.
 */
static void
fault_around(struct tome_attempt *f, struct tome_leaf *leaf)
{
	const struct tome_commit *c = &f->commit;
	struct tome_held *h = c->around;
	int at = (int)(f->va >> TOME_PAGE_SHIFT) & (AROUND_PAGES - 1);
	tome_va_t end = f->limit == 0 || f->limit > f->end - f->start ? f->end :
	    f->start + tome_page_floor((tome_va_t)f->limit);
	tome_pfn_t pfn;

	if (h->read_only && (!h->file || h->above != NULL))
		return;
	for (int i = -at; i < AROUND_PAGES - at; i++) {
		tome_va_t va = f->va + ((tome_va_t)i << TOME_PAGE_SHIFT);
		unsigned own = (unsigned)(f->slot & TOME_CHUNK_MASK) +
		    (unsigned)i;

		if (i == 0 || va < f->start || va >= end ||
		    va < leaf->base || va >= leaf->end ||
		    (c->chunk != NULL && (own >= TOME_CHUNK_ANONS ||
		    c->chunk->anon[own] != NULL)) ||
		    (f->amap != NULL && own >= TOME_CHUNK_ANONS) ||
		    tome_leaf_read(leaf, va).valid)
			continue;
		if (tome_leaf_reserve(leaf, 1) != TOME_OK)
			return;
		pfn = tome_held_beside(h, f->object, f->page, i);
		if (pfn == TOME_PFN_NONE)
			continue;
		tome_leaf_enter(leaf, va, pfn, c->prot, c->type,
		    TOME_PMAP_AHEAD);
		tome_held_beside_end(h, f->object, f->page, i, pfn);
	}
}
