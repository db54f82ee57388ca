/*
 * queue.c - split virtqueues (virtio 1.0, 2.4), over whichever transport.
 *
 * A queue's rings are ours to write but for `used`; indexes run freely modulo 2^16.
 * Locks: each queue's, held by interrupts too.
 */
#include <lib.h>
#include <machine.h>
#include <tome/kmem.h>
#include <virtio/virtio.h>

struct vq_desc {
	uint64_t pa;
	uint32_t len;
	uint16_t flags, next;
};
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
struct vq_avail {
	uint16_t flags, index, ring[VQ_SIZE_MAX];
};
struct vq_used {
	uint16_t flags, index;
	struct {
		uint32_t id, len;
	} ring[VQ_SIZE_MAX];
};

/* Three frames, one after the other: descriptors, what we offer, what was used. */
bool
vq_alloc(struct virtqueue *q, struct virtio *v, uint16_t index, uint32_t size,
    tome_pa_t pa[3])
{
	tome_pfn_t pfn;

	if (size == 0 || tome_frames_alloc(the_vm, TOME_PAGE_KERNEL, 2, 0, 0,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &pfn) != TOME_OK)
		return false;
	q->device = v;
	q->index = index;
	q->size = (uint16_t)(size < VQ_SIZE_MAX ? size : VQ_SIZE_MAX);
	q->desc = tome_frame_va(the_vm, pfn);
	q->avail = tome_frame_va(the_vm, pfn + 1);
	q->used = tome_frame_va(the_vm, pfn + 2);
	for (uint16_t i = 0; i < q->size; i++)
		q->desc[i].next = (uint16_t)(i + 1);
	q->nfree = q->size;
	for (unsigned i = 0; i < 3; i++)
		pa[i] = tome_pfn_pa(pfn + i);
	return true;
}

/* ---- use ---- */

bool
vq_offer(struct virtqueue *q, const struct vq_segment *s, unsigned n,
    void *cookie)
{
	uint16_t head = q->free, at = head;

	if (n > q->nfree)
		return false;
	for (unsigned i = 0; i < n; i++) {
		volatile struct vq_desc *d = &q->desc[at];

		d->pa = s[i].pa;
		d->len = s[i].len;
		d->flags = (uint16_t)((i + 1 < n ? DESC_NEXT : 0) |
		    (s[i].to_us ? DESC_WRITE : 0));
		at = d->next;
	}
	q->free = at;
	q->nfree = (uint16_t)(q->nfree - n);
	q->cookie[head] = cookie;
	q->avail->ring[q->avail->index % q->size] = head;
	atomic_thread_fence(memory_order_release);
	q->avail->index = (uint16_t)(q->avail->index + 1);
	return true;
}

void
vq_kick(struct virtqueue *q)
{
	atomic_thread_fence(memory_order_seq_cst);
	virtio_notify(q);
}

void *
vq_take(struct virtqueue *q, uint32_t *len)
{
	uint16_t head, at, n = 1;

	if (q->used->index == q->last)
		return NULL;
	atomic_thread_fence(memory_order_acquire);
	head = (uint16_t)q->used->ring[q->last % q->size].id;
	*len = q->used->ring[q->last % q->size].len;
	q->last++;
	for (at = head; q->desc[at].flags & DESC_NEXT; at = q->desc[at].next)
		n++;
	q->desc[at].next = q->free;
	q->free = head;
	q->nfree = (uint16_t)(q->nfree + n);
	return q->cookie[head];
}
