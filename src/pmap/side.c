/*
 * side.c - the side arrays of leaves (side.h): one byte per entry.
 *
 * Owns: a leaf's array from tome_unit_alloc() to the end of its epoch.
 */
#include <base/memory.h>
#include <pmap/pool.h>
#include <pmap/side.h>

/* The array's frame number and place must fit tome_page.prev. */
#define SIDE_PLACE_BITS 3

enum tome_err
tome_side_alloc(struct tome_vm *vm, struct tome_page *leaf)
{
	struct tome_pool *pool = &vm->pmaps->sides;
	uint8_t *a = tome_pool_alloc(vm, pool);

	if (a == NULL)
		return TOME_ENOMEM;
	memset(a, 0, TOME_LEAF_ENTRIES);
	tome_wr_relaxed(&leaf->prev, tome_pool_frame(a) << SIDE_PLACE_BITS |
	    tome_pool_place(pool, a));
	TOME_CHECK(vm, tome_side_array(vm, leaf) == a);
	return TOME_OK;
}

void
tome_side_free(struct tome_vm *vm, struct tome_page *leaf)
{
	tome_pool_free(vm, &vm->pmaps->sides, tome_side_array(vm, leaf));
	tome_wr_relaxed(&leaf->prev, 0);
}

uint8_t *
tome_side_array(struct tome_vm *vm, const struct tome_page *leaf)
{
	unsigned place = leaf->prev & ((1u << SIDE_PLACE_BITS) - 1);

	return tome_pool_at(&vm->pmaps->sides,
	    tome_table_va(vm, tome_pfn_pa(leaf->prev >> SIDE_PLACE_BITS)),
	    place);
}
