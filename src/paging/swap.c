/*
 * swap.c - swap areas come and go.
 *
 * Locks: layer 6's, over the lists of areas.
 */
#include <base/memory.h>
#include <paging/paging_i.h>

static struct tome_swap_area *area_create(struct tome_vm *, uint64_t slots);
static bool area_list(struct tome_paging *, struct tome_swap_area *);
static void area_unlist(struct tome_paging *, struct tome_swap_area *);
static bool area_close(struct tome_paging *, unsigned id, bool closing,
    struct tome_swap_area **);

enum tome_err
tome_swap_add(struct tome_vm *vm, const struct tome_swap_device *device,
    void *ctx, uint64_t pages, uint64_t skip, int priority, unsigned *id)
{
	struct tome_swap_area *a;

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
	if (!area_list(vm->paging, a)) {
		tome_kfree(vm, a->taken);
		tome_kfree(vm, a);
		return TOME_ENOSPC;
	}
	*id = a->id;
	return TOME_OK;
}

static struct tome_swap_area *
area_create(struct tome_vm *vm, uint64_t slots)
{
	struct tome_swap_area *a = tome_kzalloc(vm, sizeof *a);

	if (a == NULL)
		return NULL;
	a->slots = slots;
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

/* False: there is none, or somebody else is at it. */
static bool
area_close(struct tome_paging *p, unsigned id, bool closing,
    struct tome_swap_area **out)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_area *a = id < TOME_SWAP_AREAS ? p->area[id] : NULL;
	bool done = a != NULL && a->closing != closing;

	if (done) {
		uint64_t room = a->slots - a->n.used - a->n.retired;

		tome_wr(&a->closing, closing);
		tome_wr_relaxed(&p->room, closing ? p->room - room :
		    p->room + room);
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	*out = a;
	return done;
}

enum tome_err
tome_swap_remove(struct tome_vm *vm, unsigned id)
{
	struct tome_paging *p = vm->paging;
	struct tome_swap_area *a;
	enum tome_err err;

	if (!area_close(p, id, true, &a))
		return TOME_ENOENT;
	err = tome_swap_home(p, a);
	if (err == TOME_ENOMEM)
		(void)area_close(p, id, false, &a);
	if (err != TOME_OK)
		return err;
	area_unlist(p, a);
	/* Who looked for it by a slot's number is in an epoch. */
	tome_epoch_wait(vm);
	tome_kfree(vm, a->taken);
	tome_kfree(vm, a);
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
