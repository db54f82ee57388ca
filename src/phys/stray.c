/*
 * stray.c - frames that wait for an epoch before they are free.
 *
 * Invariant: `retired` is with the epoch exactly while `waiting` is not empty.
 * Locks: the chains'.
 */
#include <phys/stray.h>

static void strays_ripe(struct tome_vm *, struct tome_retired *);

void
tome_stray(struct tome_vm *vm, struct tome_strays *s, tome_pfn_t pfn)
{
	struct tome_page *page = tome_page(vm, pfn);
	uintptr_t irq = tome_spin_lock(vm, &s->lock, TOME_RANK_QUEUE);
	bool retire = s->waiting == TOME_PFN_NONE;
	tome_pfn_t *head = retire ? &s->waiting : &s->next;

	page->index = *head;
	*head = pfn;
	tome_spin_unlock(vm, &s->lock, TOME_RANK_QUEUE, irq);
	if (retire)
		tome_epoch_retire(vm, &s->retired, strays_ripe);
}

static void
strays_ripe(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_strays *s = tome_container(r, struct tome_strays, retired);
	uintptr_t irq = tome_spin_lock(vm, &s->lock, TOME_RANK_QUEUE);
	tome_pfn_t pfn = s->waiting, next;
	bool more = s->next != TOME_PFN_NONE;

	s->waiting = s->next;
	s->next = TOME_PFN_NONE;
	tome_spin_unlock(vm, &s->lock, TOME_RANK_QUEUE, irq);
	if (more)
		tome_epoch_retire(vm, r, strays_ripe);
	for (; pfn != TOME_PFN_NONE; pfn = next) {
		struct tome_page *page = tome_page(vm, pfn);

		next = page->index;
		tome_and(&page->state, ~TOME_PAGE_STRAY);
		tome_wr(&page->owner, NULL);
		tome_frame_free(vm, pfn);
	}
}
