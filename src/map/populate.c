/*
 * populate.c - make the pages of a range present, one fault each.
 */
#include <map/map_i.h>

/*
 * Fault every page of [start, end) with `access`; the map is not locked. Returns
 * the first fault's error; pages before it are present.
 */
enum tome_err
tome_map_populate(struct tome_map *map, tome_va_t start, tome_va_t end,
    tome_prot_t access)
{
	enum tome_err err = TOME_OK;

	for (tome_va_t va = start; va < end && err == TOME_OK;
	    va += TOME_PAGE_SIZE)
		err = tome_fault(map, va, access);
	return err;
}

/*
 * The access that makes a page of this entry present for good: a private writable
 * page is made the entry's own, so that a later write does not take another.
 */
tome_prot_t
tome_entry_fill_access(const struct tome_entry *en)
{
	if (en->prot & TOME_PROT_WRITE &&
	    !(tome_entry_flags(en) & TOME_ENTRY_SHARED))
		return TOME_PROT_WRITE;
	return TOME_PROT_READ;
}
