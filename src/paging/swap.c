/*
 * swap.c - swap areas come and go.
 *
 * Locks: layer 6's, over the lists of areas.
 */
#include <base/memory.h>
#include <paging/paging_i.h>

static struct tome_swap_area *area_create(struct tome_vm *, uint64_t slots);
static enum tome_err area_enlist(struct tome_paging *,
    struct tome_swap_area *) TOME_NODISCARD;
static void area_free(struct tome_paging *, struct tome_swap_area *);
static bool area_list(struct tome_paging *, struct tome_swap_area *);
static void area_unlist(struct tome_paging *, struct tome_swap_area *);
static struct tome_swap_area *area_close(struct tome_paging *, unsigned id);
static void area_stays(struct tome_paging *, struct tome_swap_area *,
    bool used);

enum tome_err
tome_swap_add(struct tome_vm *vm, const struct tome_swap_device *device,
    void *ctx, uint64_t pages, uint64_t skip, int priority, unsigned *id)
{
	struct tome_swap_area *a;
	enum tome_err err;

	if (device->max_pages == 0 || device->max_pages > TOME_SWAP_MAX ||
	    pages <= skip)
		return TOME_EINVAL;
	if (pages > TOME_SLOT_MASK)
		return TOME_EFBIG;
	if (tome_choice_remember(vm->paging) != TOME_OK)
		return TOME_ENOMEM;
	a = area_create(vm, pages);
	if (a == NULL)
		return TOME_ENOMEM;
	a->device = *device;
	a->ctx = ctx;
	a->priority = priority;
	a->hint = skip;
	for (uint64_t i = 0; i < skip; i++)
		a->taken[i / TOME_SLOT_WORD] |= 1ul << i % TOME_SLOT_WORD;
	a->n.retired = skip;
	a->n.allocated = skip;
	err = area_enlist(vm->paging, a);
	if (err == TOME_OK)
		*id = a->id;
	else
		area_free(vm->paging, a);
	return err;
}

/* With desks, and what the compressed tier needs of it, if that is there; or coming just now, when
 * it may do without. */
static enum tome_err
area_enlist(struct tome_paging *p, struct tome_swap_area *a)
{
	enum tome_err err = tome_desks_furnish(p, a);

	if (err == TOME_OK && tome_rd(&p->tier) != NULL)
		err = tome_behind_furnish(p, a);
	if (err == TOME_OK && !area_list(p, a))
		err = TOME_ENOSPC;
	if (err == TOME_OK && tome_rd(&p->tier) != NULL)
		(void)!tome_behind_furnish_all(p);
	return err;
}

static void
area_free(struct tome_paging *p, struct tome_swap_area *a)
{
	tome_behind_end(p, a);
	tome_desks_end(p, a);
	tome_kfree(p->vm, a->taken);
	tome_kfree(p->vm, a);
}

static struct tome_swap_area *
area_create(struct tome_vm *vm, uint64_t slots)
{
	struct tome_swap_area *a = tome_kzalloc(vm, sizeof *a);

	if (a == NULL)
		return NULL;
	a->slots = slots;
	for (unsigned i = 0; i < TOME_SWAP_IOS; i++) {
		a->io[i].next = a->free_io;
		a->free_io = &a->io[i];
	}
	a->taken = tome_kzalloc(vm, (size_t)(slots / TOME_SLOT_WORD + 1) *
	    sizeof a->taken[0]);
	if (a->taken != NULL)
		return a;
	tome_kfree(vm, a);
	return NULL;
}

static bool
area_list(struct tome_paging *p, struct tome_swap_area *a)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_area **at = &p->areas;
	unsigned id = 0;

	while (id < TOME_SWAP_AREAS && p->area[id] != NULL)
		id++;
	if (id < TOME_SWAP_AREAS) {
		a->id = id;
		while (*at != NULL && (*at)->priority >= a->priority)
			at = &(*at)->next;
		a->next = *at;
		tome_wr(at, a);
		tome_wr(&p->area[id], a);
		tome_wr_relaxed(&p->room, p->room + a->slots - a->n.retired);
		tome_wr_relaxed(&p->slots, p->slots + a->slots);
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return id < TOME_SWAP_AREAS;
}

static void
area_unlist(struct tome_paging *p, struct tome_swap_area *a)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_area **at = &p->areas;

	while (*at != a)
		at = &(*at)->next;
	tome_wr(at, a->next);
	tome_wr(&p->area[a->id], (struct tome_swap_area *)NULL);
	tome_wr_relaxed(&p->slots, p->slots - a->slots);
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
}

/* It gives out nothing from now on. NULL: there is none, or somebody else is at it. */
static struct tome_swap_area *
area_close(struct tome_paging *p, unsigned id)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_area *a = id < TOME_SWAP_AREAS ? p->area[id] : NULL;

	if (a != NULL && a->leaving)
		a = NULL;
	if (a != NULL && !a->closing)
		tome_wr_relaxed(&p->room, p->room - tome_area_free(a));
	if (a != NULL) {
		a->leaving = true;
		tome_wr(&a->closing, true);
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return a;
}

/* It could not go. `used`: it is as before; else it still gives out nothing. */
static void
area_stays(struct tome_paging *p, struct tome_swap_area *a, bool used)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	a->leaving = false;
	if (used) {
		tome_wr(&a->closing, false);
		tome_wr_relaxed(&p->room, p->room + tome_area_free(a));
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
}

enum tome_err
tome_swap_remove(struct tome_vm *vm, unsigned id)
{
	struct tome_paging *p = vm->paging;
	struct tome_swap_area *a = area_close(p, id);
	enum tome_err err;

	if (a == NULL)
		return TOME_ENOENT;
	err = tome_swap_home(p, a);
	if (err != TOME_OK) {
		area_stays(p, a, err == TOME_ENOMEM);
		return err;
	}
	area_unlist(p, a);
	tome_swap_calm(p, a);
	/* Who looked for it by a slot's number is in an epoch. */
	tome_epoch_wait(vm);
	area_free(p, a);
	return TOME_OK;
}

bool
tome_swap_stats(struct tome_vm *vm, unsigned id, struct tome_swap_stats *out)
{
	struct tome_paging *p = vm->paging;
	struct tome_swap_area *a;
	uintptr_t irq;

	if (p == NULL || id >= TOME_SWAP_AREAS)
		return false;
	irq = tome_spin_lock(vm, &p->lock, TOME_RANK_QUEUE);
	a = p->area[id];
	if (a != NULL) {
		*out = a->n;
		out->slots = a->slots;
		out->priority = a->priority;
	}
	tome_spin_unlock(vm, &p->lock, TOME_RANK_QUEUE, irq);
	return a != NULL;
}
