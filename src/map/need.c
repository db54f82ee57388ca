/*
 * need.c - the loop of an attempt, and how what it lacked is got, with nothing
 * locked.
 */
#include <map/fault.h>

/* After so many lost races the attempt runs under the map's lock, where no
 * structural change can lose it another. */
#define PATIENCE 8

/* How often memory is looked for before the answer is no. */
#define MEMORY_TRIES 3

static enum tome_err attempt_meet(struct tome_attempt *) TOME_NODISCARD;
static enum tome_err need_memory(struct tome_attempt *) TOME_NODISCARD;
static void attempt_charge(struct tome_attempt *);

enum tome_err
tome_attempt_run(struct tome_attempt *f,
    enum tome_err (*attempt)(struct tome_attempt *))
{
	enum tome_err err = attempt(f);

	return err != TOME_RETRY ? err : tome_attempt_go_on(f, attempt);
}

enum tome_err
tome_attempt_go_on(struct tome_attempt *f,
    enum tome_err (*attempt)(struct tome_attempt *))
{
	enum tome_err err;

	if (f->need == TOME_NEED_PAGE)
		return TOME_RETRY;
	f->locked = false;
	f->starved = 0;
	if (f->need != TOME_NEED_LEDGER)
		f->ledger = 0;
	do {
		err = attempt_meet(f);
		if (err == TOME_OK)
			err = attempt(f);
	} while (err == TOME_RETRY && f->need != TOME_NEED_PAGE);
	if (f->ledger != 0 && err == TOME_OK)
		attempt_charge(f);
	f->ledger = 0;
	tome_fill_end(f->vm, &f->fill);
	if (f->locked)
		tome_mutex_unlock(f->vm, &f->map->lock, TOME_RANK_MAP);
	return err;
}

enum tome_err
tome_attempt_open(struct tome_attempt *f)
{
	struct tome_dirent d;
	enum tome_err err = tome_amap_open(f->amap, f->slot, &f->fill, &d);

	return tome_attempt_needs(f, err == TOME_OK ? TOME_NEED_AGAIN :
	    err == TOME_RETRY ? TOME_NEED_FILL : TOME_NEED_MEMORY);
}

static enum tome_err
attempt_meet(struct tome_attempt *f)
{
	enum tome_err err;

	tome_count(f->vm, TOME_N_FAULTS_RETRY, 1);
	if (f->tries < UINT8_MAX)
		f->tries++;
	if (f->locked && f->need != TOME_NEED_AGAIN &&
	    f->need != TOME_NEED_MAP) {
		tome_mutex_unlock(f->vm, &f->map->lock, TOME_RANK_MAP);
		f->locked = false;
	}
	switch ((enum tome_need)f->need) {
	case TOME_NEED_LOOK:
		return tome_map_grow(f->map, f->va);
	case TOME_NEED_MEMORY:
		return need_memory(f);
	case TOME_NEED_LEDGER:
		return f->vm->maps->ledger_room(f->map);
	case TOME_NEED_FILL:
		err = TOME_OK;
		if (tome_unlikely(f->flags & TOME_ENTRY_LEDGER))
			err = f->vm->maps->ledger_fill(f->map, &f->fill);
		if (err != TOME_OK)
			return err;
		err = tome_fill_meet(f->vm, &f->fill);
		return err == TOME_ENOMEM ? need_memory(f) : err;
	case TOME_NEED_PAGE:
	case TOME_NEED_MAP:
	case TOME_NEED_AGAIN:
		break;
	}
	if (f->locked) {
		tome_host_relax();	/* another fault resolves needs-copy */
	} else if (f->tries > PATIENCE) {
		tome_mutex_lock(f->vm, &f->map->lock, TOME_RANK_MAP);
		f->locked = true;
	} else if (f->need == TOME_NEED_MAP) {
		tome_mutex_lock(f->vm, &f->map->lock, TOME_RANK_MAP);
		tome_mutex_unlock(f->vm, &f->map->lock, TOME_RANK_MAP);
	}
	return TOME_OK;
}

/* What waits for an epoch, then what pages leave, then what the caches keep. As long as
 * some leave there will be one for us. What is to end anyway makes nobody else's leave. */
static enum tome_err
need_memory(struct tome_attempt *f)
{
	tome_vm_quiesce(f->vm, false);
	if (tome_rd_relaxed(&f->map->doomed))
		return TOME_ENOMEM;
	if (f->starved > 0 && tome_memory_found(f->vm))
		return TOME_OK;
	if (++f->starved > MEMORY_TRIES)
		return TOME_ENOMEM;
	if (f->starved > 1)
		(void)tome_kmem_reap(f->vm);
	return TOME_OK;
}

/* The page that there was room for, if it is there still: what the attempt knew of the
 * entry is no longer good. */
static void
attempt_charge(struct tome_attempt *f)
{
	uint64_t epoch = tome_epoch_enter(f->vm);

	if (tome_attempt_lookup(f, epoch) == TOME_OK)
		f->vm->maps->ledger_charge(f);
	tome_epoch_leave(f->vm);
}
