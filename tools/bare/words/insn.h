/*
 * insn.h - a CPU's instructions as plain functions, for builds that are never
 * run: CPUs whose port is still to come are compiled for with the format of
 * test/ports/madeup, which knows nothing wider than 32 bits.
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome/types.h>

struct tome_mmu;

tome_pte_t tome_insn_pte_load(const tome_pte_t *);
void tome_insn_pte_store(tome_pte_t *, tome_pte_t);
tome_pte_t tome_insn_pte_xchg(tome_pte_t *, tome_pte_t);
bool tome_insn_pte_cas(tome_pte_t *, tome_pte_t *seen, tome_pte_t);
size_t tome_insn_copy_in(const struct tome_mmu *, void *dst, tome_va_t src,
    size_t len);
size_t tome_insn_copy_out(const struct tome_mmu *, tome_va_t dst,
    const void *src, size_t len);
bool tome_insn_user_load32(const struct tome_mmu *, tome_va_t, uint32_t *out);
bool tome_insn_user_cas32(const struct tome_mmu *, tome_va_t, uint32_t *seen,
    uint32_t v);

#endif
