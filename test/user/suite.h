/*
 * suite.h - what a case of the user-space suite may use.
 *
 * A case is a function without arguments that runs in a process of its own and
 * returns when all was as it should be. REQUIRE ends it otherwise. Verdicts
 * are printed as `ok NAME` or `FAIL NAME: why`; they are the same on Linux 6.1
 * and on the reference kernel, which is the point.
 */
#ifndef TEST_USER_SUITE_H
#define TEST_USER_SUITE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PAGE
#define PAGE 4096ul
#endif
/*
 * Where no address of a user's is; one of the kernel's; more bytes than there are
 * addresses; more than there is memory, of which two such mappings have addresses.
 */
#if __SIZEOF_LONG__ == 4
#define USER_END 0xc0000000ul
#define IN_KERNEL 0xf0000000ul
#define TOO_LONG 0xf0000000ul
#define BIG (768ul << 20)
#else
#ifdef __aarch64__
#ifdef WIDTH			/* what lies above 48 bits is had for asking */
#define FIXED_END (1ul << WIDTH)
#endif
#define USER_END (1ul << 48)
#else
#define USER_END (1ul << 47)
#endif
#define IN_KERNEL 0xffff888000000000ul
#define TOO_LONG (1ul << 60)
#ifdef __riscv
#define BIG (1ul << 36)
#else
#define BIG (1ul << 40)
#endif
#endif
#ifndef FIXED_END
#define FIXED_END USER_END
#endif
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED_ANON (MAP_SHARED | MAP_ANONYMOUS)

/* Of newer headers than some C library's. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

/* What a function needs to return, first byte first. */
#if defined(__riscv)
#define RETURN_CODE { 0x82, 0x80 }
#elif defined(__aarch64__)
#define RETURN_CODE { 0xc0, 0x03, 0x5f, 0xd6 }
#elif defined(__arm__)
#define RETURN_CODE { 0x1e, 0xff, 0x2f, 0xe1 }
#else
#define RETURN_CODE { 0xc3 }
#endif

struct suite_case {
	const char *name;
	void (*run)(void);
};

#define CASE(f) { #f, f }

/* The groups; each ends with an empty case. */
extern const struct suite_case cases_mmap[], cases_protect[], cases_move[],
    cases_commit[],
    cases_advise[], cases_file[], cases_lock[], cases_brk[], cases_fork[],
    cases_signal[], cases_errors[], cases_process[], cases_thread[],
    cases_socket[], cases_wait[], cases_room[];

_Noreturn void suite_fail(const char *file, int line, const char *what);

#define REQUIRE(condition)                                                    \
	do {                                                                  \
		if (!(condition))                                             \
			suite_fail(__FILE__, __LINE__, #condition);           \
	} while (0)

/* A call fails with exactly this errno. */
#define REQUIRE_ERRNO(call, number)                                           \
	do {                                                                  \
		errno = 0;                                                    \
		if ((long)(call) != -1 || errno != (number))                  \
			suite_fail(__FILE__, __LINE__, #call " = " #number);  \
	} while (0)

/* How a touch of memory ended. */
struct trap {
	int sig;	/* 0: it did not trap */
	int code;
	void *addr;
	unsigned char byte;
};

struct trap suite_read(const void *);
struct trap suite_write(void *, unsigned char);
struct trap suite_execute(const void *);

/* It traps with this signal and code, at the very address. */
static inline bool
traps(struct trap t, int sig, int code, const void *addr)
{
	return t.sig == sig && t.code == code && t.addr == addr;
}

/* n pages of fresh private memory, which must succeed. */
char *suite_map(size_t npages, int prot);
/* The same with unmapped pages on both sides. */
char *suite_map_alone(size_t npages, int prot);
/* All of the n bytes at p are `byte`. */
bool suite_filled(const char *p, unsigned char byte, size_t n);
/* A file in memory of n pages, page i filled with 'a' + i. */
int suite_file(size_t npages);
/* Status of a child that runs fn, as waitpid tells it. */
int suite_child(void (*fn)(void *), void *arg);
/* Lines of /proc/self/maps that overlap [p, p + len). */
int suite_areas(const void *p, size_t len);
/* Pages of [p, p + len) that are present. */
int suite_resident(void *p, size_t len);

#endif
