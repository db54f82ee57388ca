/*
 * x86_64.h - the instructions that the x86-64 port's tlb.c uses, carried out by
 * mmu_x86_64.c on the CPU that the calling thread is.
 */
#ifndef HOSTED_X86_64_H
#define HOSTED_X86_64_H

#include <stdint.h>

void hosted_x86_invlpg(uint64_t va);
void hosted_x86_invpcid(unsigned type, uint64_t pcid, uint64_t va);
void hosted_x86_invlpgb(uint64_t rax, uint32_t ecx, uint32_t edx);
void hosted_x86_tlbsync(void);
uint64_t hosted_x86_read_cr3(void);
void hosted_x86_write_cr3(uint64_t);
uint64_t hosted_x86_read_cr4(void);
void hosted_x86_write_cr4(uint64_t);
void hosted_x86_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4]);
uint64_t hosted_x86_rdmsr(uint32_t msr);
void hosted_x86_wrmsr(uint32_t msr, uint64_t);

#endif
