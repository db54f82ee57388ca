/*
 * riscv64.h - the instructions that the RISC-V port's tlb.c uses, carried out by
 * mmu_riscv64.c on the CPU that the calling thread is.
 */
#ifndef HOSTED_RISCV64_H
#define HOSTED_RISCV64_H

#include <stdint.h>

uint64_t tome_insn_read_satp(void);
void tome_insn_write_satp(uint64_t);
void tome_insn_sfence_all(void);
void tome_insn_sfence_asid(uint64_t asid);
void tome_insn_sfence_va(uint64_t va);
void tome_insn_sfence_va_asid(uint64_t va, uint64_t asid);
void tome_insn_fence(void);
void tome_insn_fence_i(const void *frame);
uint64_t tome_insn_sbi(uint64_t extension, uint64_t function, uint64_t arg0,
    uint64_t arg1, uint64_t arg2, uint64_t arg3, uint64_t arg4);
unsigned tome_insn_isa(void);

#endif
