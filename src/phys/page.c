/*
 * page.c - what a frame is: identities, wiring.
 *
 * Invariant 3: one identity at a time; the table below is that of docs/pages.md
 *   and is asked at every change.
 * Locks: none; whoever changes an identity owns the frame. The wire count is
 *   atomic, in the upper half of the state word.
 */
#include <phys/phys_i.h>

_Static_assert(sizeof(void *) != 8 || sizeof(struct tome_page) == 32,
    "a descriptor is a half cache line");

#define TO(id) (uint16_t)(1u << TOME_PAGE_##id)

const uint16_t tome_page_legal[TOME_IDENTITIES] = {
	[TOME_PAGE_ABSENT] = TO(FREE) | TO(RESERVED) | TO(KERNEL),
	[TOME_PAGE_FREE] = TO(KERNEL) | TO(TABLE) | TO(ANON) | TO(CACHE) |
	    TO(DEVICE),
	[TOME_PAGE_KERNEL] = TO(FREE),
	[TOME_PAGE_TABLE] = TO(FREE),
	[TOME_PAGE_ANON] = TO(FREE),
	[TOME_PAGE_CACHE] = TO(FREE),
	[TOME_PAGE_DEVICE] = TO(FREE),
};

/* Lock bits, flags and wire count stay. */
void
tome_page_become(struct tome_vm *vm, struct tome_page *pg,
    enum tome_identity from, enum tome_identity to)
{
	uint32_t was;

	TOME_CHECK(vm, tome_page_legal[from] >> to & 1);
	was = __atomic_fetch_xor((uint32_t *)&pg->state,
	    (uint32_t)from ^ tome_page_born(to), __ATOMIC_ACQ_REL);
	TOME_CHECK(vm, (was & TOME_PAGE_IDENTITY) == (uint32_t)from);
}

enum tome_identity
tome_frame_identity(struct tome_vm *vm, tome_pfn_t pfn)
{
	const struct tome_page *pg = tome_page_try(vm, pfn);

	return pg == NULL ? TOME_PAGE_ABSENT : tome_page_identity(pg);
}

tome_pfn_t
tome_zero_frame(struct tome_vm *vm)
{
	return vm->phys->zero;
}

enum tome_err
tome_frame_wire(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(vm, pfn);
	uint32_t was = tome_rd_relaxed(&pg->state);

	do {
		TOME_ASSERT(vm, (was & TOME_PAGE_IDENTITY) != TOME_PAGE_FREE);
		if (was >= UINT32_MAX - (TOME_PAGE_WIRE_ONE - 1))
			return TOME_EAGAIN;
	} while (!__atomic_compare_exchange_n((uint32_t *)&pg->state, &was,
	    was + TOME_PAGE_WIRE_ONE, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_RELAXED));
	return TOME_OK;
}

void
tome_frame_unwire(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(vm, pfn);
	uint32_t left = __atomic_sub_fetch((uint32_t *)&pg->state,
	    TOME_PAGE_WIRE_ONE, __ATOMIC_RELEASE);

	/* From 0 it wraps to the most there can be, which is never what is left. */
	TOME_CHECK(vm, left / TOME_PAGE_WIRE_ONE !=
	    UINT32_MAX / TOME_PAGE_WIRE_ONE);
}
