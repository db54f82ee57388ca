/*
 * claim.c - frames by Andromeda's names: units of 16 KiB that the core counts
 * (<tome/claim.h>).
 */
#include "range.h"

#define UNIT_ORDER 2u

_Static_assert(PAGE_SIZE << UNIT_ORDER == PAGE_ALLOC_FACTOR, "unit");

enum tome_err
andromeda_claims_start(void)
{
	return tome_claims_create(andromeda_vm.vm, UNIT_ORDER,
	    &andromeda_vm.claims);
}

addr_t
page_alloc(void)
{
	tome_pa_t at;

	return tome_claims_alloc(andromeda_vm.claims, &at) == TOME_OK ?
	    (addr_t)at : 0;
}

int
page_claim(addr_t phys)
{
	return andromeda_result(tome_claims_take(andromeda_vm.claims, phys, 1),
	    -OUT_OF_RESOURCES);
}

addr_t
page_realloc(addr_t phys)
{
	return tome_claims_again(andromeda_vm.claims, phys) == TOME_OK ?
	    phys : 0;
}

int
page_free(addr_t phys)
{
	return andromeda_result(tome_claims_drop(andromeda_vm.claims, phys, 1),
	    -INVALID_ARG);
}

int
page_mark(addr_t phys)
{
	return page_claim(phys);
}

int
page_unmark(addr_t phys)
{
	return page_free(phys);
}
