/*
 * syscall.h - the form of a system call: its six arguments as they came. The
 * result is a value or a negative errno. <syscalls.h> lists each CPU's numbers.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

#define SYSCALL(name)                                                          \
	int64_t sys_##name(const uint64_t *a __attribute__((unused)))

#define SYSCALL_ENTRY(number, name) SYSCALL(name);
#include <syscalls.h>
#undef SYSCALL_ENTRY

/* peek.c: of a call that is not there; whether this was it. */
#define PEEK_CALL 1000u
bool peek(uint64_t number, uint64_t at);

/* Shared bodies behind more than one call. */
int64_t sleep_until(uint64_t deadline, uint64_t remain_user);

#endif
