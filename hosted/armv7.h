/*
 * armv7.h - the instructions that the ARMv7 port's tlb.c uses, carried out by
 * mmu_armv7.c on the CPU that the calling thread is.
 */
#ifndef HOSTED_ARMV7_H
#define HOSTED_ARMV7_H

#include <stddef.h>
#include <stdint.h>

#include <regs.h>

void tome_insn_isb(void);
void tome_insn_dsb(void);
uint32_t tome_insn_read_reg(enum tome_arm_reg);
void tome_insn_write_reg(enum tome_arm_reg, uint32_t);
void tome_insn_tlbi(enum tome_arm_tlbi, uint32_t arg);
void tome_insn_clean(const void *, size_t len);
void tome_insn_drop_code(const void *, size_t len);

#endif
