/*
 * queue.c - lists of pages, oldest first, threaded through their descriptors.
 *
 * Invariant: a page on a queue names it in TOME_PAGE_QUEUE; on none, 0.
 * Locks: the queue's own, rank QUEUE. Two may look for the same page: whoever
 *   comes second finds it gone.
 */
#include <phys/page.h>

#define QUEUE_SHIFT 11

_Static_assert(TOME_PAGE_QUEUE == 7u << QUEUE_SHIFT, "the shift follows it");

static void queue_unlink(struct tome_vm *, struct tome_queue *, tome_pfn_t);

static inline bool
queue_has(const struct tome_queue *q, const struct tome_page *pg)
{
	return (tome_rd_relaxed(&pg->state) & TOME_PAGE_QUEUE) ==
	    q->id << QUEUE_SHIFT;
}

void
tome_queue_init(struct tome_queue *q, unsigned id)
{
	*q = (struct tome_queue){ .id = id };
}

void
tome_queue_push(struct tome_vm *vm, struct tome_queue *q, tome_pfn_t pfn)
{
	uintptr_t irq = tome_spin_lock(vm, &q->lock, TOME_RANK_QUEUE);
	struct tome_page *pg = tome_page(vm, pfn);
	uint32_t was = tome_or(&pg->state, q->id << QUEUE_SHIFT);

	TOME_CHECK(vm, (was & TOME_PAGE_QUEUE) == 0);
	pg->next = TOME_PFN_NONE;
	tome_wr_relaxed(&pg->prev, q->tail);
	if (q->tail != TOME_PFN_NONE)
		tome_page(vm, q->tail)->next = pfn;
	else
		q->head = pfn;
	q->tail = pfn;
	q->count++;
	tome_spin_unlock(vm, &q->lock, TOME_RANK_QUEUE, irq);
}

void
tome_queue_remove(struct tome_vm *vm, struct tome_queue *q, tome_pfn_t pfn)
{
	uintptr_t irq = tome_spin_lock(vm, &q->lock, TOME_RANK_QUEUE);

	if (queue_has(q, tome_page(vm, pfn)))
		queue_unlink(vm, q, pfn);
	tome_spin_unlock(vm, &q->lock, TOME_RANK_QUEUE, irq);
}

tome_pfn_t
tome_queue_pop(struct tome_vm *vm, struct tome_queue *q)
{
	uintptr_t irq = tome_spin_lock(vm, &q->lock, TOME_RANK_QUEUE);
	tome_pfn_t pfn = q->head;

	if (pfn != TOME_PFN_NONE)
		queue_unlink(vm, q, pfn);
	tome_spin_unlock(vm, &q->lock, TOME_RANK_QUEUE, irq);
	return pfn;
}

static void
queue_unlink(struct tome_vm *vm, struct tome_queue *q, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(vm, pfn);

	if (pg->next != TOME_PFN_NONE)
		tome_wr_relaxed(&tome_page(vm, pg->next)->prev, pg->prev);
	else
		q->tail = pg->prev;
	if (pg->prev != TOME_PFN_NONE)
		tome_page(vm, pg->prev)->next = pg->next;
	else
		q->head = pg->next;
	pg->next = TOME_PFN_NONE;
	tome_wr_relaxed(&pg->prev, TOME_PFN_NONE);
	q->count--;
	tome_and(&pg->state, ~TOME_PAGE_QUEUE);
}
