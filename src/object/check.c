/*
 * check.c - invariant 1 recounted in place, with the machine at rest.
 *
 * The counts themselves are the scratch space: each name takes one away, then
 * every count must be zero, then each name puts one back. What has been visited in
 * this pass is marked by a bit of its own.
 */
#include <object/dir.h>

#define AMAP_MARK 0x80000000u		/* in amap->refs */

static const char *recount_chunk(struct tome_amap *, struct tome_chunk *,
    enum tome_recount);
static const char *recount_anons(struct tome_amap *, struct tome_chunk *,
    enum tome_recount);
static const char *recount_owner(struct tome_vm *, uint32_t slot,
    uint32_t word, bool resident, enum tome_recount);
static const char *recount_anon(struct tome_amap *, struct tome_anon *,
    enum tome_recount);

tome_cold const char *
tome_recount_amap(struct tome_amap *am, enum tome_recount what)
{
	bool marked = am->refs & AMAP_MARK;
	struct tome_dirent d;
	const char *why = NULL;
	uint64_t slot = 0;

	if (what == TOME_RECOUNT_VERIFY) {
		if ((am->refs & ~AMAP_MARK) != 0)
			return "1: an amap's count is not its names'";
	} else {
		am->refs += what == TOME_RECOUNT_SUB ? -1u : 1u;
		if (marked == (what == TOME_RECOUNT_SUB))
			return NULL;	/* not the first name */
		am->refs ^= AMAP_MARK;
	}
	while (why == NULL && tome_amap_next(am, &slot, UINT64_MAX, &d))
		why = recount_chunk(am, d.chunk, what);
	return why;
}

static tome_cold const char *
recount_chunk(struct tome_amap *am, struct tome_chunk *ch,
    enum tome_recount what)
{
	struct tome_chunk *next;
	bool marked, opened;
	const char *why = NULL;

	do {
		next = NULL;
		marked = ch->word & TOME_CHUNK_MARK;
		opened = ch->word & TOME_CHUNK_OPENED;
		if (what == TOME_RECOUNT_VERIFY) {
			if (ch->count != opened)
				return "1: a chunk's count is not its amaps'";
			if (ch->word & TOME_CHUNK_LOCK)
				return "1: a chunk is locked at rest";
		} else {
			ch->count += what == TOME_RECOUNT_SUB ? -1u : 1u;
			if (marked == (what == TOME_RECOUNT_SUB))
				return NULL;
			ch->word ^= TOME_CHUNK_MARK;
		}
		if (tome_chunk_packed(ch))
			why = am->vm->objects->anon_pager->packed(am->vm, ch,
			    what, &next);
		else
			why = recount_anons(am, ch, what);
		ch = next;
	} while (ch != NULL && why == NULL);
	return why;
}

static tome_cold const char *
recount_anons(struct tome_amap *am, struct tome_chunk *ch,
    enum tome_recount what)
{
	const char *why = NULL;

	for (unsigned i = 0; i < TOME_CHUNK_ANONS && why == NULL; i++)
		if (ch->anon[i] != NULL)
			why = recount_anon(am, ch->anon[i], what);
	return why;
}

/* The owner of a swap slot, and what a ledger pays for, is seen once in each pass. */
static tome_cold const char *
recount_owner(struct tome_vm *vm, uint32_t slot, uint32_t word, bool resident,
    enum tome_recount what)
{
	if ((slot == 0 && !(word & TOME_ANON_LEDGER)) ||
	    what == TOME_RECOUNT_VERIFY)
		return NULL;
	return vm->objects->anon_pager->recount(vm, slot, word, resident, what);
}

static tome_cold const char *
recount_anon(struct tome_amap *am, struct tome_anon *an,
    enum tome_recount what)
{
	struct tome_vm *vm = am->vm;

	if (what != TOME_RECOUNT_VERIFY) {
		an->count += what == TOME_RECOUNT_SUB ? -1u : 1u;
		return an->count == (what == TOME_RECOUNT_ADD) ?
		    recount_owner(vm, an->slot, an->word,
		    an->pfn != TOME_PFN_NONE, what) : NULL;
	}
	if (an->count != 0)
		return "1: an anon's count is not its slots'";
	if (an->word & TOME_ANON_LOCK)
		return "1: an anon is locked at rest";
	if (an->pfn == TOME_PFN_NONE)
		return an->slot == 0 ? "1: an anon without content" : NULL;
	if (tome_page_identity(tome_page(vm, an->pfn)) != TOME_PAGE_ANON ||
	    tome_page(vm, an->pfn)->owner != an)
		return "3: an anon's page is not its own";
	return NULL;
}

tome_cold const char *
tome_recount_objects(struct tome_vm *vm, enum tome_recount what)
{
	const struct tome_anon_pager *pager = vm->objects->anon_pager;
	const char *why = NULL;

	for (struct tome_object *ob = vm->objects->list;
	    ob != NULL && why == NULL; ob = ob->next)
		if (ob->amap != NULL)
			why = tome_recount_amap(ob->amap, what);
	if (why == NULL && what == TOME_RECOUNT_VERIFY && pager != NULL)
		why = pager->recount(vm, 0, 0, false, what);
	return why;
}
