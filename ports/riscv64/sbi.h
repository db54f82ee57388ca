/*
 * sbi.h - a call of the firmware (RISC-V SBI 1.0, section 3), for the embedder too.
 */
#ifndef TOME_RISCV_SBI_H
#define TOME_RISCV_SBI_H

#include <stdint.h>

/* access.c. What the call returns besides its error; 0 if there was one. */
uint64_t tome_insn_sbi(uint64_t extension, uint64_t function, uint64_t arg0,
    uint64_t arg1, uint64_t arg2, uint64_t arg3, uint64_t arg4);

#endif
