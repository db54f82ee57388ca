/*
 * rig_k.h - Kora on the rig: files, errno, vectors.
 */
#ifndef TEST_COMPAT_RIG_K_H
#define TEST_COMPAT_RIG_K_H

#include <errno.h>

#include <kora/glue.h>
#include <kernel/memory.h>
#include <rig.h>

#define PG ((size_t)PAGE_SIZE)
#define LO ((size_t)0x00400000)
#define HI ((size_t)0xc0000000)
#define AT ((size_t)0x10000000)

struct inode {
	struct tome_object *content;
};

extern _Thread_local int k_errno;
extern char k_log[64][160];
extern unsigned k_lines;
extern const struct compat_kora_hooks k_hooks;

/* An instance with a space that CPU 0 (and 1) runs. */
extern mspace_t *k_ms;
int k_up(void **state);
int k_down(void **state);
/* This test uses kernel pointers: their faults go to the kernel's vector. */
void k_pointers(void);

/* A file of n pages, the i-th filled with 'a' + i. */
inode_t *k_file(size_t n);
int k_file_byte(inode_t *, size_t at);
void k_file_end(inode_t *);

/* mspace_map() with the checks: errno, counters. */
size_t k_map(size_t at, size_t len, inode_t *, off_t offset, off_t limit,
    int flags);
/* It fails with this errno, and nothing has changed. */
void k_refused(int error, size_t at, size_t len, inode_t *, off_t offset,
    off_t limit, int flags);
/* Counters are what a recount of the areas gives. */
void k_count(mspace_t *);

#endif
