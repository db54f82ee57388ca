/*
 * regs.h - RISC-V's satp, status bits and the calls to its firmware: the numbers
 * that tlb.c, the instructions of insn.h and any machine that imitates them share.
 */
#ifndef TOME_RISCV_REGS_H
#define TOME_RISCV_REGS_H

#define TOME_SATP_PPN (((uint64_t)1 << 44) - 1)
#define TOME_SATP_ASID_SHIFT 44
#define TOME_SATP_ASID ((uint64_t)0xffff << TOME_SATP_ASID_SHIFT)
#define TOME_SATP_MODE_SHIFT 60
#define TOME_SATP_SV39 8u
#define TOME_SATP_SV48 9u
#define TOME_SATP_SV57 10u

#define TOME_SSTATUS_SUM ((uint64_t)1 << 18)

/* SBI: extensions and their functions. */
#define TOME_SBI_BASE 0x10u
#define TOME_SBI_BASE_PROBE 3u
#define TOME_SBI_RFENCE 0x52464e43u
#define TOME_SBI_FENCE_I 0u
#define TOME_SBI_SFENCE_VMA 1u
#define TOME_SBI_SFENCE_VMA_ASID 2u
#define TOME_SBI_EVERY_HART (~(uint64_t)0)	/* as hart mask base */

/* What only the devicetree knows: tome_riscv_isa, set before tome_vm_create(). */
#define TOME_RISCV_SVPBMT 1u
#define TOME_RISCV_SVNAPOT 2u

#endif
