/*
 * side.h - accessed, modified and wired of one leaf entry, wherever the port
 * keeps them: in the entry, or in a byte per entry beside the leaf.
 *
 * Ports without software bits, or whose hardware sets no accessed and modified
 * bits, use the side array (TOME_SIDE). There the byte also holds the rights
 * that were granted; the entry holds those the hardware may use now: none before
 * the first access, no WRITE before the first write.
 *
 * Under the leaf's lock. tome_page.prev of a leaf names the array: (frame << 3 |
 * place in it). Flag bits lie above the rights.
 */
#ifndef TOME_PMAP_SIDE_H
#define TOME_PMAP_SIDE_H

#include <pmap/pmap_i.h>

#define TOME_SIDE (!TOME_PORT_HW_AM || TOME_PORT_SW_BITS == 0)
#define TOME_SIDE_PROT TOME_PROT_ALL
#define TOME_SIDE_SHIFT 3	/* the flags below TOME_SIDE_PROT << 3 */
#define TOME_SLOT_FLAGS \
	(TOME_LEAF_ACCESSED | TOME_LEAF_MODIFIED | TOME_LEAF_WIRED)

enum tome_err tome_side_alloc(struct tome_vm *,
    struct tome_page *leaf) TOME_NODISCARD;
void tome_side_free(struct tome_vm *, struct tome_page *leaf);
uint8_t *tome_side_array(struct tome_vm *, const struct tome_page *leaf);

/* TOME_LEAF_ flags that hold of a translation; `pte` is what it was. */
static inline unsigned
tome_slot_flags(const struct tome_leaf *l, size_t i, tome_pte_t pte)
{
	if (TOME_SIDE)
		return tome_side_array(l->vm, l->table)[i] >>
		    TOME_SIDE_SHIFT & TOME_SLOT_FLAGS;
	return tome_pte_flags(pte);
}

/* What was granted, withheld or not. */
static inline tome_prot_t
tome_slot_granted(const struct tome_leaf *l, size_t i, tome_pte_t pte)
{
	if (TOME_SIDE)
		return tome_side_array(l->vm, l->table)[i] &
		    TOME_SIDE_PROT;
	return tome_pte_prot(tome_pmap_mmu(l->pmap), pte);
}

static inline void
tome_slot_note(const struct tome_leaf *l, size_t i, tome_prot_t granted,
    unsigned flags)
{
	if (TOME_SIDE)
		tome_side_array(l->vm, l->table)[i] = (uint8_t)(granted |
		    (flags & TOME_SLOT_FLAGS) << TOME_SIDE_SHIFT);
}

/* The rights hardware may use, given what was granted. */
static inline tome_prot_t
tome_slot_usable(tome_prot_t granted, unsigned flags)
{
	if (TOME_PORT_HW_AM)
		return granted;
	if (!(flags & TOME_LEAF_ACCESSED))
		return TOME_PROT_NONE;
	return flags & TOME_LEAF_MODIFIED ? granted :
	    granted & ~TOME_PROT_WRITE;
}

#endif
