/*
 * syscalls.h - the system calls of AArch64 by number: the common ones, and one that
 * later CPUs were not given.
 */
SYSCALL_ENTRY(38, renameat)
#include <syscalls_generic.h>
