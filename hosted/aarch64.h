/*
 * aarch64.h - the instructions that the AArch64 port's tlb.c uses, carried out by
 * mmu_aarch64.c on the CPU that the calling thread is.
 */
#ifndef HOSTED_AARCH64_H
#define HOSTED_AARCH64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <regs.h>

void tome_insn_isb(void);
void tome_insn_dsb_ish(void);
void tome_insn_dsb_ishst(void);
uint64_t tome_insn_read_reg(enum tome_a64_reg);
void tome_insn_write_reg(enum tome_a64_reg, uint64_t);
void tome_insn_tlbi(enum tome_a64_tlbi, uint64_t arg);
void tome_insn_clean_code(const void *, size_t len);
void tome_insn_drop_code(const void *, size_t len);
/* An access as the kernel; `pan`: which writes PSTATE.PAN around it. */
bool hosted_a64_lifts(bool pan);

#endif
