/*
 * i386.h - the instructions that the i386 port's tlb.c uses, carried out by
 * mmu_i386.c on the CPU that the calling thread is.
 */
#ifndef HOSTED_I386_H
#define HOSTED_I386_H

#include <stdint.h>

void tome_insn_invlpg(uint32_t va);
uint32_t tome_insn_read_cr3(void);
void tome_insn_write_cr3(uint32_t);
uint32_t tome_insn_read_cr4(void);
void tome_insn_write_cr4(uint32_t);
void tome_insn_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4]);
uint64_t tome_insn_rdmsr(uint32_t msr);
void tome_insn_wrmsr(uint32_t msr, uint64_t);

#endif
