/*
 * far.c - packed chunks whose slot numbers are on disk (far.h).
 *
 * Invariants: a pack is counted by each directory word and slip that names it, and
 *   once more (TOME_CHUNK_OPENED), so that nobody takes it for one amap's alone; so
 *   is a slip. `held` are the chunks whose numbers only the page has: those that are
 *   named, and those that ended since. A page is written once: what it says of a
 *   chunk that was read back is not looked at.
 * Locks: a pack's and a slip's are chunks' locks. held, slots and count are atomic: they
 *   change under the lock of whoever names the pack.
 * Owns: the swap slot of the page, and those that it names for `held`. They are given
 *   up when nobody names the pack any more; the page must then be read, which layer 6
 *   does (`far_ended`).
 */
#include <base/memory.h>
#include <object/far.h>

static struct tome_chunk *blank_put(struct tome_amap *, struct tome_dirent *);
static bool pack_takes(const struct tome_chunk *);
static void pack_orphaned(struct tome_vm *, struct tome_chunk *);
static void pack_retired(struct tome_vm *, struct tome_retired *);

uint32_t
tome_slots_pages(const uint32_t *slots)
{
	uint32_t pages = 0;

	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
		pages |= (uint32_t)(slots[i] != 0) << i;
	return pages;
}

/* ---- in the directory ---- */

enum tome_err
tome_far_lack(struct tome_amap *am, struct tome_dirent *d,
    struct tome_fill *fill)
{
	struct tome_chunk *slip = NULL;
	enum tome_err err = TOME_OK;

	if (tome_dirent_lock(am, d)) {
		slip = tome_far_slip(am, d);
		err = slip == NULL ? TOME_ENOMEM : TOME_RETRY;
	}
	if (slip != NULL) {
		tome_add(&slip->count, 1);
		tome_chunk_unlock(am, slip);
		fill->lack = TOME_LACK_WAIT;
		fill->bucket = TOME_FILL_FAR;
		fill->far = slip;
	}
	*d = (struct tome_dirent){ NULL, NULL };
	return err;
}

struct tome_chunk *
tome_far_slip(struct tome_amap *am, struct tome_dirent *d)
{
	struct tome_chunk *pack = d->chunk, *slip;
	uint32_t word = tome_rd_relaxed(&pack->word);

	if (!(word & TOME_CHUNK_PACK))
		return pack;
	slip = blank_put(am, d);
	if (slip != NULL) {
		tome_wr_relaxed(&slip->count, 2);
		tome_or(&slip->word, TOME_CHUNK_FAR | TOME_CHUNK_OPENED |
		    (word & TOME_ANON_LEDGER));
		slip->far.pack = pack;
		slip->far.index = (uint32_t)(slip->key - pack->key);
	}
	tome_chunk_unlock(am, pack);
	return slip;
}

/* In place of a far one, which is locked: without content, born locked. NULL: no
 * memory. */
static struct tome_chunk *
blank_put(struct tome_amap *am, struct tome_dirent *d)
{
	struct tome_chunk *was = d->chunk;
	struct tome_chunk *by = tome_cache_get(am->vm->objects->packed);

	if (by == NULL)
		return NULL;
	tome_wr_relaxed(&by->count, 1);
	tome_wr_relaxed(&by->word, 0);
	tome_bit_born_locked(am->vm, &by->word, TOME_CHUNK_LOCK,
	    tome_chunk_rank(am));
	by->key = was->key;
	if (tome_rd_relaxed(&was->word) & TOME_CHUNK_PACK)
		by->key += (uint64_t)(d->where - was->far.first);
	memset(by->slot, 0, sizeof by->slot);
	tome_count(am->vm, TOME_N_CHUNKS, 1);
	tome_dir_replace(am, d, by);
	d->chunk = by;
	return by;
}

/* Of what goes whole nobody needs to know what it was. */
enum tome_err
tome_far_clone(struct tome_amap *am, struct tome_dirent *d, unsigned lo,
    unsigned hi, struct tome_chunk **old)
{
	struct tome_chunk *was = d->chunk;

	if (hi - lo < TOME_CHUNK_ANONS)
		return TOME_RETRY;
	if (blank_put(am, d) == NULL)
		return TOME_ENOMEM;
	*old = was;
	return TOME_OK;
}

void
tome_far_leave(struct tome_vm *vm, struct tome_chunk *far)
{
	if (tome_rd_relaxed(&far->word) & TOME_CHUNK_PACK)
		pack_orphaned(vm, far);
	else
		tome_pack_drop(vm, far->far.pack);
}

/* A page of a pack has a number of its own as long as that is its only name. */
uint32_t
tome_far_pages(const struct tome_dirent *d, uint64_t *id)
{
	struct tome_chunk *pack = d->chunk;
	uint32_t index = pack->far.index;

	if (tome_rd_relaxed(&pack->word) & TOME_CHUNK_PACK)
		index = (uint32_t)(d->where - pack->far.first);
	else
		pack = pack->far.pack;
	*id = ((uint64_t)pack->far.at * TOME_PACK_CHUNKS + index) *
	    TOME_CHUNK_ANONS;
	return tome_pack_pages(pack)[index];
}

tome_cold const char *
tome_far_recount(struct tome_vm *vm, struct tome_chunk *far,
    enum tome_recount what, struct tome_chunk **next)
{
	const struct tome_anon_pager *pager = vm->objects->anon_pager;
	uint32_t n = far->far.slots;

	if (!(far->word & TOME_CHUNK_PACK)) {
		*next = far->far.pack;
		return NULL;
	}
	if (what == TOME_RECOUNT_VERIFY)
		return NULL;
	vm->objects->far_seen += what == TOME_RECOUNT_SUB ? n : -(uint64_t)n;
	for (uint32_t i = 0; i < n; i++)
		(void)pager->recount(vm, 0, far->word, false, what);
	return pager->recount(vm, far->far.at, 0, false, what);
}

/* ---- slips ---- */

/* For who has come by a chunk without its amap, and holds no lock: any rank will do. */
static struct tome_amap
nobodys(struct tome_vm *vm)
{
	return (struct tome_amap){ .vm = vm };
}

struct tome_chunk *
tome_slip_pack(struct tome_vm *vm, struct tome_chunk *slip)
{
	struct tome_amap am = nobodys(vm);
	struct tome_chunk *pack = NULL;

	tome_chunk_lock(&am, slip);
	if (tome_chunk_far(slip)) {
		pack = slip->far.pack;
		tome_add(&pack->count, 1);
	}
	tome_chunk_unlock(&am, slip);
	return pack;
}

struct tome_chunk *
tome_slip_read(struct tome_vm *vm, struct tome_chunk *slip,
    const uint32_t *page)
{
	struct tome_amap am = nobodys(vm);
	struct tome_chunk *pack = NULL;
	uint32_t index;

	tome_chunk_lock(&am, slip);
	if (tome_chunk_far(slip)) {
		pack = slip->far.pack;
		index = slip->far.index;
		memcpy(slip->slot, page + index * TOME_CHUNK_ANONS,
		    sizeof slip->slot);
		tome_and(&pack->far.held, ~((uint32_t)1 << index));
		tome_add(&pack->far.slots,
		    -tome_pack_bits(tome_pack_pages(pack)[index]));
		tome_and(&slip->word,
		    ~(uint32_t)(TOME_CHUNK_FAR | TOME_CHUNK_OPENED));
		tome_add(&slip->count, (uint32_t)-1);
	}
	tome_chunk_unlock(&am, slip);
	return pack;
}

void
tome_slip_put(struct tome_vm *vm, struct tome_chunk *slip)
{
	struct tome_amap am = nobodys(vm);

	tome_chunk_unref(&am, slip);
}

/* ---- packs ---- */

/* It is locked. */
static bool
pack_takes(const struct tome_chunk *ch)
{
	return tome_chunk_packed(ch) && tome_rd(&ch->count) == 1 &&
	    !(tome_rd_relaxed(&ch->word) &
	    (TOME_CHUNK_OPENED | TOME_CHUNK_FAR));
}

bool
tome_pack_copy(struct tome_amap *am, struct tome_dirent *d, uint32_t *slots,
    bool first, uint32_t *ledger)
{
	uint32_t pays;
	bool takes;

	if (!tome_dirent_lock(am, d))
		return false;
	pays = tome_rd_relaxed(&d->chunk->word) & TOME_ANON_LEDGER;
	takes = pack_takes(d->chunk) && (first || pays == *ledger);
	if (takes) {
		memcpy(slots, d->chunk->slot, sizeof d->chunk->slot);
		*ledger = pays;
	}
	tome_chunk_unlock(am, d->chunk);
	return takes;
}

struct tome_chunk *
tome_pack_create(struct tome_vm *vm)
{
	return tome_kzalloc(vm, TOME_PACK_SIZE +
	    TOME_PACK_CHUNKS * sizeof(uint32_t));
}

void
tome_pack_discard(struct tome_vm *vm, struct tome_chunk *pack)
{
	tome_kfree(vm, pack);
}

void
tome_pack_begin(struct tome_vm *vm, struct tome_chunk *pack, uint64_t key,
    uint32_t ledger, uint32_t at, uint32_t sum)
{
	tome_wr_relaxed(&pack->count, 2);
	tome_wr_relaxed(&pack->word, TOME_CHUNK_FAR | TOME_CHUNK_PACK |
	    TOME_CHUNK_OPENED | ledger);
	pack->key = key | TOME_CHUNK_PACKED;
	pack->far.at = at;
	pack->far.sum = sum;
	tome_count(vm, TOME_N_CHUNKS, 1);
}

bool
tome_pack_put(struct tome_amap *am, struct tome_dirent *d,
    struct tome_chunk *pack, const uint32_t *slots)
{
	struct tome_chunk *ch = d->chunk;
	uint32_t ledger = tome_rd_relaxed(&pack->word) & TOME_ANON_LEDGER;
	uint32_t pages = tome_slots_pages(slots);
	unsigned index;
	bool same;

	if (!tome_dirent_lock(am, d))
		return false;
	same = pack_takes(ch) && !tome_rd_relaxed(&am->stays) &&
	    (tome_rd_relaxed(&ch->word) & TOME_ANON_LEDGER) == ledger &&
	    memcmp(ch->slot, slots, sizeof ch->slot) == 0;
	if (same) {
		index = (unsigned)(ch->key - pack->key);
		if (tome_rd_relaxed(&pack->far.held) == 0)
			pack->far.first = d->where - index;
		tome_or(&pack->far.held, (uint32_t)1 << index);
		tome_pack_pages(pack)[index] = pages;
		tome_add(&pack->far.slots, tome_pack_bits(pages));
		tome_add(&pack->count, 1);
		tome_dir_replace(am, d, pack);
	}
	tome_chunk_unlock(am, ch);
	if (same)
		tome_chunk_retire(am, ch);
	return same;
}

/* Nobody names it. What it holds is nobody's, and nobody pays for it. */
static void
pack_orphaned(struct tome_vm *vm, struct tome_chunk *pack)
{
	uint32_t n = tome_rd(&pack->far.slots), word = tome_rd(&pack->word);

	tome_add(&vm->objects->far_orphans, (uint64_t)n + 1);
	for (; (word & TOME_ANON_LEDGER) && n > 0; n--)
		vm->objects->anon_pager->uncharge(vm, word, false);
}

static void
pack_retired(struct tome_vm *vm, struct tome_retired *r)
{
	tome_pack_ended(vm, tome_container(r, struct tome_chunk, retired));
}

void
tome_pack_drop(struct tome_vm *vm, struct tome_chunk *pack)
{
	if (tome_drop(&pack->count) != 1)
		return;
	pack_orphaned(vm, pack);
	tome_count(vm, TOME_N_CHUNKS, -1);
	tome_epoch_retire(vm, &pack->retired, pack_retired);
}

void
tome_pack_ended(struct tome_vm *vm, struct tome_chunk *pack)
{
	struct tome_objects *all = vm->objects;
	uintptr_t head = tome_rd_relaxed(&all->far_ended);

	if (tome_rd(&pack->far.held) == 0) {
		all->anon_pager->release(vm, pack->far.at);
		tome_add(&all->far_orphans, (uint64_t)-1);
		tome_kfree(vm, pack);
		return;
	}
	do {
		pack->retired.next = (struct tome_retired *)head;
	} while (!tome_cas_sc(&all->far_ended, &head, (uintptr_t)pack));
}

void
tome_pack_release(struct tome_vm *vm, struct tome_chunk *pack,
    const uint32_t *page)
{
	const struct tome_anon_pager *pager = vm->objects->anon_pager;
	uint32_t held = tome_rd(&pack->far.held);

	for (unsigned i = 0; i < TOME_PACK_SLOTS; i++)
		if ((held >> i / TOME_CHUNK_ANONS & 1) && page[i] != 0)
			pager->release(vm, page[i]);
	tome_add(&vm->objects->far_orphans,
	    -(uint64_t)tome_rd(&pack->far.slots));
	tome_wr(&pack->far.held, 0);
}
