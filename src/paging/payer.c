/*
 * payer.c - which pages a space makes or brings in, and that its ledger is charged
 * for them (ledger.c counts).
 *
 * A fault of a space that has a ledger is asked about before it does anything: a page
 * that it is about to make, its own or its object's, is a lack (TOME_NEED_LEDGER); room is
 * found first, and the anon charged when it is there. A file's page is charged when it
 * is put into its file to be read: the transfer knows who pays. read() and write(), which
 * fault on nothing, say for whom they are.
 *
 * Locks: none of its own; chunk, then anon.
 */
#include <map/fault.h>
#include <object/vnode.h>
#include <paging/paging_i.h>

/* ---- faults ---- */

/* Is there a page in this slot, which (`alone`) nobody else shares? One that is packed is
 * there. Inside an epoch. */
static bool
slot_has(struct tome_amap *am, uint64_t slot, bool alone)
{
	struct tome_dirent d = { NULL, NULL };
	struct tome_anon *an;

	if (am != NULL)
		d = tome_amap_lookup(am, slot);
	if (d.chunk == NULL)
		return d.where != NULL;
	an = tome_rd(&d.chunk->anon[slot & TOME_CHUNK_MASK]);
	return an != NULL && !(alone && tome_anon_shared(d.chunk, an));
}

/* The object in which a fault finds or makes this page of ob, which may inherit it, and
 * the page's number there. */
static const struct tome_object *
page_home(const struct tome_object *ob, bool write, tome_pgoff_t *pg)
{
	if (ob->amap == NULL || write || !tome_object_inherits(ob, *pg) ||
	    slot_has(ob->amap, *pg, false))
		return ob;
	*pg += ob->parent_page;
	return ob->parent;
}

/* Files' pages are asked for when they are read. */
static bool
object_lacks(const struct tome_object *ob, tome_pgoff_t pg, bool write)
{
	if (ob == NULL)
		return false;
	ob = page_home(ob, write, &pg);
	return ob->amap != NULL && pg < tome_object_npages(ob) &&
	    !slot_has(ob->amap, pg, write);
}

/* What a look at the entry makes: TOME_PAYS_*. */
static unsigned
pages_made(const struct tome_attempt *f)
{
	bool writes = f->access & TOME_PROT_WRITE;
	unsigned made = 0;

	if (f->flags & TOME_ENTRY_SHARED)
		return object_lacks(f->object, f->page, writes) ?
		    TOME_PAYS_BELOW : 0;
	if ((writes || f->limit != 0 ||
	    (f->flags & TOME_ENTRY_ZERO_SHARED_READ)) &&
	    ((f->flags & TOME_ENTRY_NEEDS_COPY) ||
	    !slot_has(f->amap, f->slot, true)))
		made |= TOME_PAYS_OWN;
	if (!slot_has(f->amap, f->slot, false) &&
	    tome_attempt_below(f) != TOME_BELOW_ZERO &&
	    object_lacks(f->object, f->page, false))
		made |= TOME_PAYS_BELOW;
	return made;
}

bool
tome_ledger_asks(struct tome_attempt *f)
{
	unsigned made = pages_made(f), asked = f->tries > 0 ? f->ledger : 0;

	f->ledger = (made | asked) & (TOME_PAYS_OWN | TOME_PAYS_BELOW);
	return (made & ~asked) != 0;
}

static void
slot_charge(struct tome_ledger *l, struct tome_amap *am, uint64_t slot)
{
	struct tome_dirent d = { NULL, NULL };
	struct tome_anon *an;

	if (am != NULL)
		d = tome_amap_lookup(am, slot);
	if (d.chunk == NULL || !tome_dirent_lock(am, &d))
		return;
	an = d.chunk->anon[slot & TOME_CHUNK_MASK];
	if (an != NULL) {
		tome_anon_lock(am, an);
		tome_ledger_charge_anon(l, an);
		tome_anon_unlock(am, an);
	}
	tome_chunk_unlock(am, d.chunk);
}

static void
object_charge(struct tome_ledger *l, const struct tome_object *ob,
    tome_pgoff_t pg, bool write)
{
	ob = page_home(ob, write, &pg);
	slot_charge(l, ob->amap, pg);
}

void
tome_ledger_charge(const struct tome_attempt *f)
{
	struct tome_ledger *l = tome_rd(&f->map->ledger);

	if (l == NULL)
		return;
	if ((f->ledger & TOME_PAYS_BELOW) && f->object != NULL)
		object_charge(l, f->object, f->page,
		    (f->flags & TOME_ENTRY_SHARED) &&
		    (f->access & TOME_PROT_WRITE));
	if (f->ledger & TOME_PAYS_OWN)
		slot_charge(l, f->amap, f->slot);
}

/* ---- files ---- */

/* Room for a page that is to be read, and who pays. */
static enum tome_err
fill_paid(struct tome_map *map, struct tome_fill *fill)
{
	enum tome_err err;

	if (fill->lack != TOME_LACK_READ)
		return TOME_OK;
	err = tome_ledger_room(map);
	if (err == TOME_OK)
		fill->payer = tome_ledger_payer(map, &fill->alone);
	return err;
}

enum tome_err
tome_ledger_fill(struct tome_map *map, struct tome_fill *fill)
{
	enum tome_err err = fill_paid(map, fill);

	if (err != TOME_OK)
		tome_object_drop(fill->object);
	return err;
}

static bool
object_lacks_now(struct tome_object *ob, tome_pgoff_t pg, bool write)
{
	bool lacks;

	tome_epoch_enter(ob->vm);
	lacks = object_lacks(ob, pg, write);
	tome_epoch_leave(ob->vm);
	return lacks;
}

/* A page that was made for this is charged. */
static void
got(struct tome_map *map, struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_ledger *l;

	tome_epoch_enter(ob->vm);
	l = tome_rd(&map->ledger);
	if (l != NULL)
		object_charge(l, ob, pg, true);
	tome_epoch_leave(ob->vm);
}

/* What is lacking is met, and paid for, as long as it can be. */
static enum tome_err
get_paid(struct tome_map *map, struct tome_object *ob, tome_pgoff_t pg,
    enum tome_hold how, tome_pfn_t *out)
{
	struct tome_fill fill = { .pagein = NULL };
	enum tome_err err;

	for (;;) {
		err = tome_object_try_get(ob, pg, how, &fill, out);
		if (err == TOME_RETRY) {
			err = tome_ledger_fill(map, &fill);
			if (err != TOME_OK)
				break;
			err = tome_fill_meet(ob->vm, &fill);
		} else if (err == TOME_OK) {
			break;
		}
		if (err != TOME_OK && !(err == TOME_ENOMEM &&
		    tome_memory_found(ob->vm)))
			break;
	}
	tome_fill_end(ob->vm, &fill);
	return err;
}

enum tome_err
tome_ledger_get(struct tome_map *map, struct tome_object *ob, tome_pgoff_t pg,
    bool create, tome_pfn_t *out)
{
	enum tome_hold how = create ? TOME_HOLD_WRITE : TOME_HOLD_LOOK;
	enum tome_err err = TOME_OK;
	bool makes;

	if (tome_rd(&map->ledger) == NULL || ob->kind == TOME_OBJECT_DEVICE)
		return tome_object_get(ob, pg, create, out);
	makes = create && object_lacks_now(ob, pg, true);
	if (makes)
		err = tome_ledger_room(map);
	if (err == TOME_OK)
		err = get_paid(map, ob, pg, how, out);
	if (err == TOME_OK && makes)
		got(map, ob, pg);
	return err;
}

void
tome_ledger_readahead(struct tome_map *map, struct tome_object *ob,
    struct tome_readahead *ra, tome_pgoff_t first, tome_pgoff_t n)
{
	bool none = false;
	unsigned payer = tome_ledger_payer(map, &none);

	if (!none)
		tome_vnode_readahead(ob, ra, first, n, payer);
}
