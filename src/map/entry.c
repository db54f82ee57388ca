/*
 * entry.c - entries by themselves: memory, numbers, counts, and when two are one.
 *
 * Invariant 11: the map's totals are the sums over its entries.
 * Locks: the map's, but for memory and names.
 */
#include <base/memory.h>
#include <map/edit.h>

/* What two entries may differ in and still be one region. */
#define OWN_FLAGS \
	(TOME_ENTRY_NEEDS_COPY | TOME_ENTRY_TOUCHED | TOME_ENTRY_DYING)

static bool amap_joinable(const struct tome_entry *a,
    const struct tome_entry *b);
static bool slots_empty(struct tome_amap *, uint64_t first, uint64_t n);

struct tome_entry *
tome_entry_alloc(struct tome_map *map)
{
	struct tome_entry *en = tome_cache_get(map->vm->maps->entries);

	if (en == NULL)
		return NULL;
	memset(en, 0, sizeof *en);
	en->seq = 1;
	en->map = map;
	tome_count(map->vm, TOME_N_ENTRIES, 1);
	return en;
}

void
tome_entry_free(struct tome_vm *vm, struct tome_entry *en)
{
	tome_count(vm, TOME_N_ENTRIES, -1);
	tome_cache_put(vm->maps->entries, en);
}

/* A fault's resolution of needs-copy has it odd for a moment, awake. */
void
tome_entry_begin(struct tome_entry *en)
{
	uint32_t seen;

	for (;;) {
		seen = tome_rd_relaxed(&en->seq) & ~1u;
		if (tome_entry_try_begin(en, seen))
			return;
		tome_host_relax();
	}
}

void
tome_entry_copy(struct tome_entry *to, const struct tome_entry *from)
{
	to->prot = from->prot;
	to->max_prot = from->max_prot;
	to->inherit = from->inherit;
	to->advice = from->advice;
	to->start = from->start;
	to->end = from->end;
	to->slot = tome_rd(&from->slot);
	to->offset = from->offset;
	to->limit = from->limit;
	to->flags = tome_entry_flags(from) & ~OWN_FLAGS;
	to->tag = from->tag;
	to->object = from->object;
	if (to->object != NULL)
		tome_object_ref(to->object);
	to->name = tome_name_ref(from->name);
}

void
tome_entry_drop(struct tome_vm *vm, struct tome_entry *en)
{
	if (en->amap != NULL)
		tome_amap_unref(en->amap);
	if (en->object != NULL)
		tome_object_drop(en->object);
	tome_name_unref(vm, en->name);
}

/* ---- totals ---- */

static void
count(struct tome_map *map, const struct tome_entry *en, uint64_t pages)
{
	uint32_t flags = tome_entry_flags(en);

	map->vpages += pages;
	if (tome_entry_is_data(flags, en->prot))
		map->data_pages += pages;
	if (flags & TOME_ENTRY_GROWSDOWN)
		map->stack_pages += pages;
	else if ((en->prot & (TOME_PROT_EXEC | TOME_PROT_WRITE)) ==
	    TOME_PROT_EXEC)
		map->exec_pages += pages;
	if (flags & TOME_ENTRY_WIRED)
		map->locked_pages += pages;
	if (flags & TOME_ENTRY_CHARGED) {
		map->charged_pages += pages;
		tome_count(map->vm, TOME_N_COMMITTED, (int64_t)pages);
	}
}

void
tome_entry_count(struct tome_map *map, const struct tome_entry *en)
{
	count(map, en, tome_entry_pages(en));
	if (map->vpages > map->peak_virtual)
		map->peak_virtual = map->vpages;
}

void
tome_entry_uncount(struct tome_map *map, const struct tome_entry *en)
{
	count(map, en, -tome_entry_pages(en));
}

/* ---- when two are one ---- */

static bool
same_name(const struct tome_name *a, const struct tome_name *b)
{
	if (a == b || a == NULL || b == NULL)
		return a == b;
	return a->opener == b->opener &&
	    memcmp(a->text, b->text, sizeof a->text) == 0;
}

bool
tome_entry_alike(const struct tome_entry *a, const struct tome_entry *b)
{
	if (a->end != b->start || a->prot != b->prot ||
	    a->max_prot != b->max_prot || a->inherit != b->inherit ||
	    a->advice != b->advice || a->tag != b->tag ||
	    a->object != b->object)
		return false;
	if (((tome_entry_flags(a) ^ tome_entry_flags(b)) & ~OWN_FLAGS) != 0 ||
	    (tome_entry_flags(a) & TOME_ENTRY_KEEP) != 0)
		return false;
	if (a->object != NULL && (a->limit != 0 || b->limit != 0 ||
	    a->offset + tome_entry_pages(a) != b->offset))
		return false;
	return same_name(a->name, b->name);
}

bool
tome_entry_joinable(const struct tome_entry *a, const struct tome_entry *b)
{
	return tome_entry_alike(a, b) && amap_joinable(a, b);
}

/* Faults may give an entry its first amap meanwhile: load it once. */
static bool
amap_joinable(const struct tome_entry *a, const struct tome_entry *b)
{
	struct tome_amap *am = tome_entry_amap(a);
	struct tome_amap *bm = tome_entry_amap(b);

	if (am == bm)
		return am == NULL ||
		    (a->slot + tome_entry_pages(a) == b->slot &&
		    ((tome_entry_flags(a) ^ tome_entry_flags(b)) &
		    TOME_ENTRY_NEEDS_COPY) == 0);
	if (bm == NULL)
		return tome_entry_extendable(a, false, tome_entry_pages(b));
	if (am == NULL)
		return tome_entry_extendable(b, true, tome_entry_pages(a));
	return false;
}

/*
 * With another name on the amap (a piece cut off, a copy made by fork), that one
 * may own the slots beyond, or come to see what is put there: only a sole owner
 * spreads. What wiping left behind in a shared chunk must not come back either.
 */
bool
tome_entry_extendable(const struct tome_entry *en, bool below, uint64_t n)
{
	struct tome_amap *am = tome_entry_amap(en);

	if (am == NULL)
		return true;
	if (tome_rd(&am->refs) > 1)
		return false;
	if (!below)
		return slots_empty(am, en->slot + tome_entry_pages(en), n);
	return en->slot >= n && slots_empty(am, en->slot - n, n);
}

static bool
chunk_empty(const struct tome_chunk *ch, uint64_t first, uint64_t last)
{
	uint64_t base = tome_chunk_base(ch);
	bool packed = tome_chunk_packed(ch);

	if (packed && tome_chunk_far(ch))
		return false;		/* who knows */
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
		if (base + i >= first && base + i <= last &&
		    (packed ? ch->slot[i] != 0 :
		    tome_rd_relaxed(&ch->anon[i]) != NULL))
			return false;
	return true;
}

/* Nobody fills these slots: no entry covers them, and the map is locked. A fault that
 * resolves needs-copy may empty them (tome_amap_tighten). */
static bool
slots_empty(struct tome_amap *am, uint64_t first, uint64_t n)
{
	uint64_t slot = first, last = first + n - 1;
	struct tome_dirent d;
	bool empty = true;

	tome_epoch_enter(am->vm);
	while (empty && tome_amap_next(am, &slot, last, &d))
		empty = chunk_empty(d.chunk, first, last);
	tome_epoch_leave(am->vm);
	return empty;
}
