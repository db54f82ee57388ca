/*
 * pressure.c - how scarce memory is, told to who wants to know; caches of others that
 * shrink.
 *
 * Levels: LOW, a zone is below its low mark; MEDIUM, somebody could not wait for the
 * daemon; CRITICAL, somebody found nothing to free. Each look begins anew, so a level
 * ends with the first look at which its cause was absent.
 *
 * Locks: `balance.lock`, a sleeping lock, over both lists; held while they are called,
 * so that nobody is called once he has been removed.
 */
#include <paging/paging_i.h>

static void
balance_lock(struct tome_vm *vm)
{
	tome_mutex_lock(vm, &vm->paging->balance.lock, TOME_RANK_MAP);
}

static void
balance_unlock(struct tome_vm *vm)
{
	tome_mutex_unlock(vm, &vm->paging->balance.lock, TOME_RANK_MAP);
}

/* ---- levels ---- */

bool
tome_memory_scarce(struct tome_vm *vm)
{
	struct tome_zone_stats z;

	for (int kind = 0; kind < TOME_ZONES; kind++)
		if (tome_zone_stats(vm, (enum tome_zone_kind)kind, &z) &&
		    z.free < z.low)
			return true;
	return false;
}

static enum tome_pressure
level_now(struct tome_paging *p)
{
	uint64_t direct = tome_rd(&p->direct), failed = tome_rd(&p->failed);
	enum tome_pressure level = TOME_PRESSURE_NONE;

	if (failed != p->balance.failed)
		level = TOME_PRESSURE_CRITICAL;
	else if (direct != p->balance.direct)
		level = TOME_PRESSURE_MEDIUM;
	else if (tome_memory_scarce(p->vm))
		level = TOME_PRESSURE_LOW;
	p->balance.direct = direct;
	p->balance.failed = failed;
	return level;
}

void
tome_pressure_look(struct tome_paging *p)
{
	enum tome_pressure level;

	balance_lock(p->vm);
	level = level_now(p);
	if (level != p->balance.level) {
		tome_wr(&p->balance.level, level);
		for (struct tome_pressure_watch *w = p->balance.watches;
		    w != NULL; w = w->next)
			w->changed(w->arg, level);
	}
	balance_unlock(p->vm);
}

enum tome_pressure
tome_pressure_level(struct tome_vm *vm)
{
	return vm->paging == NULL ? TOME_PRESSURE_NONE :
	    (enum tome_pressure)tome_rd(&vm->paging->balance.level);
}

void
tome_pressure_watch(struct tome_vm *vm, struct tome_pressure_watch *w)
{
	balance_lock(vm);
	w->next = vm->paging->balance.watches;
	vm->paging->balance.watches = w;
	balance_unlock(vm);
}

void
tome_pressure_unwatch(struct tome_vm *vm, struct tome_pressure_watch *w)
{
	struct tome_pressure_watch **at = &vm->paging->balance.watches;

	balance_lock(vm);
	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at != NULL)
		*at = w->next;
	balance_unlock(vm);
}

/* ---- shrinkers ---- */

void
tome_shrinker_add(struct tome_vm *vm, struct tome_shrinker *s)
{
	balance_lock(vm);
	s->next = vm->paging->balance.shrinkers;
	vm->paging->balance.shrinkers = s;
	balance_unlock(vm);
}

void
tome_shrinker_remove(struct tome_vm *vm, struct tome_shrinker *s)
{
	struct tome_shrinker **at = &vm->paging->balance.shrinkers;

	balance_lock(vm);
	while (*at != NULL && *at != s)
		at = &(*at)->next;
	if (*at != NULL)
		*at = s->next;
	balance_unlock(vm);
}

uint64_t
tome_shrink(struct tome_paging *p, uint64_t n)
{
	uint64_t freed = 0;

	if (tome_rd(&p->balance.shrinkers) == NULL)
		return 0;
	balance_lock(p->vm);
	for (struct tome_shrinker *s = p->balance.shrinkers;
	    s != NULL && freed < n; s = s->next)
		freed += s->shrink(s->arg, n - freed);
	balance_unlock(p->vm);
	tome_add(&p->shrunk, freed);
	return freed;
}
