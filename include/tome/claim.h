/*
 * tome/claim.h - layer 4: physical memory by the unit, counted: who maps the same
 * memory as others, each with a right to it of his own, claims it here.
 *
 * The first claim of a unit of RAM takes it from the free frames (its identity is DEVICE
 * from then on); when the last is dropped they are free again. What is no RAM is counted
 * only. Who does not claim does not link it.
 *
 * Calls may sleep; no lock of Tome's may be held.
 */
#ifndef TOME_CLAIM_H
#define TOME_CLAIM_H

#include <tome/kmem.h>

struct tome_claims;

/* Units of 2^order frames, none of them claimed. ENOMEM. */
enum tome_err tome_claims_create(struct tome_vm *, unsigned order,
    struct tome_claims **out) TOME_NODISCARD;
/* What is still claimed goes back. NULL: nothing. */
void tome_claims_destroy(struct tome_claims *);

/* Claim a free unit, zeroed. ENOMEM. */
enum tome_err tome_claims_alloc(struct tome_claims *,
    tome_pa_t *out) TOME_NODISCARD;
/*
 * Claim every unit that [pa, pa + len) touches. EBUSY: one is neither free nor claimed
 * nor outside RAM. ENOMEM. None of them is claimed then.
 */
enum tome_err tome_claims_take(struct tome_claims *, tome_pa_t pa,
    tome_pa_t len) TOME_NODISCARD;
/* The same, of a unit that is claimed. ENOENT: it is not. */
enum tome_err tome_claims_again(struct tome_claims *,
    tome_pa_t) TOME_NODISCARD;
/* One claim of each goes. ENOENT: one of them had none; the others have one less. */
enum tome_err tome_claims_drop(struct tome_claims *, tome_pa_t pa,
    tome_pa_t len) TOME_NODISCARD;

#endif
