/*
 * syscalls.h - the system calls of RISC-V by number: the common ones.
 */
#include <syscalls_generic.h>
SYSCALL_ENTRY(259, riscv_flush_icache)
