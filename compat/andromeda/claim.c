/*
 * claim.c - who uses a unit of physical memory: counts, by unit.
 *
 * Frames are the core's: a unit of RAM is taken from its free ones with the first
 * count and goes back with the last. Memory that is no RAM is only counted.
 *
 * Lock: its own, over the chains.
 */
#include <string.h>

#include "range.h"

#define CHAINS 256u
#define UNIT_ORDER 2u
#define UNIT_FRAMES ((tome_pfn_t)1 << UNIT_ORDER)

_Static_assert(UNIT_FRAMES * PAGE_SIZE == PAGE_ALLOC_FACTOR, "unit");

struct unit {
	struct unit *next;
	tome_pfn_t first;
	unsigned count;
	bool ram;
};

static struct {
	struct tome_mutex lock;
	struct unit *chain[CHAINS];
} claims;

static tome_pfn_t
first_frame(addr_t phys)
{
	return tome_pa_pfn(phys) & ~(UNIT_FRAMES - 1);
}

static struct unit **
chain_of(tome_pfn_t first)
{
	return &claims.chain[(first >> UNIT_ORDER) % CHAINS];
}

static struct unit **
find(tome_pfn_t first)
{
	struct unit **at = chain_of(first);

	while (*at != NULL && (*at)->first != first)
		at = &(*at)->next;
	return at;
}

static void
give_back(struct unit *u)
{
	for (tome_pfn_t i = 0; u->ram && i < UNIT_FRAMES; i++)
		tome_frame_free(andromeda_vm.vm, u->first + i);
	tome_kfree(andromeda_vm.vm, u);
}

/* Nobody counts it yet. */
static int
take_unit(tome_pfn_t first)
{
	struct unit *u = tome_kzalloc(andromeda_vm.vm, sizeof *u);
	enum tome_err err;

	if (u == NULL)
		return -NOMEM;
	err = tome_frames_claim(andromeda_vm.vm, TOME_PAGE_DEVICE, first,
	    UNIT_FRAMES);
	if (err != TOME_OK && err != TOME_ENOENT) {
		tome_kfree(andromeda_vm.vm, u);
		return -OUT_OF_RESOURCES;
	}
	u->first = first;
	u->count = 1;
	u->ram = err == TOME_OK;
	u->next = *chain_of(first);
	*chain_of(first) = u;
	return SUCCESS;
}

int
page_claim(addr_t phys)
{
	struct unit *u;
	int left = SUCCESS;

	tome_lock(andromeda_vm.vm, &claims.lock);
	u = *find(first_frame(phys));
	if (u != NULL)
		u->count++;
	else
		left = take_unit(first_frame(phys));
	tome_unlock(andromeda_vm.vm, &claims.lock);
	return left;
}

addr_t
page_alloc(void)
{
	struct unit *u = tome_kzalloc(andromeda_vm.vm, sizeof *u);

	if (u == NULL)
		return 0;
	if (tome_frames_alloc(andromeda_vm.vm, TOME_PAGE_DEVICE, UNIT_ORDER,
	    UNIT_FRAMES, 0, TOME_FRAME_ZERO, &u->first) != TOME_OK) {
		tome_kfree(andromeda_vm.vm, u);
		return 0;
	}
	u->count = 1;
	u->ram = true;
	tome_lock(andromeda_vm.vm, &claims.lock);
	u->next = *chain_of(u->first);
	*chain_of(u->first) = u;
	tome_unlock(andromeda_vm.vm, &claims.lock);
	return (addr_t)tome_pfn_pa(u->first);
}

addr_t
page_realloc(addr_t phys)
{
	struct unit *u;

	tome_lock(andromeda_vm.vm, &claims.lock);
	u = *find(first_frame(phys));
	if (u != NULL)
		u->count++;
	tome_unlock(andromeda_vm.vm, &claims.lock);
	return u != NULL ? phys : 0;
}

int
page_free(addr_t phys)
{
	struct unit **at, *u;
	bool last;

	tome_lock(andromeda_vm.vm, &claims.lock);
	at = find(first_frame(phys));
	u = *at;
	last = u != NULL && --u->count == 0;
	if (last)
		*at = u->next;
	tome_unlock(andromeda_vm.vm, &claims.lock);
	if (last)
		give_back(u);
	return u != NULL ? SUCCESS : -INVALID_ARG;
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

int
andromeda_claim(addr_t phys, size_t size)
{
	int left;

	for (addr_t at = phys & ~(addr_t)(PAGE_ALLOC_FACTOR - 1);
	    at < phys + size; at += PAGE_ALLOC_FACTOR) {
		left = page_claim(at);
		if (left != SUCCESS) {
			if (at > phys)
				andromeda_unclaim(phys, at - phys);
			return left;
		}
	}
	return SUCCESS;
}

void
andromeda_unclaim(addr_t phys, size_t size)
{
	for (addr_t at = phys & ~(addr_t)(PAGE_ALLOC_FACTOR - 1);
	    at < phys + size; at += PAGE_ALLOC_FACTOR)
		(void)page_free(at);
}

void
andromeda_claims_drop(void)
{
	struct unit *u;

	for (unsigned i = 0; i < CHAINS; i++)
		while ((u = claims.chain[i]) != NULL) {
			claims.chain[i] = u->next;
			give_back(u);
		}
}
