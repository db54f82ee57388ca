/*
 * kernel/memory.h - Kora's memory: address spaces, pages, the MMU, the kernel's own.
 *
 * What every call promises is in docs/compat/kora.md, by number.
 */
#ifndef KORA_KERNEL_MEMORY_H
#define KORA_KERNEL_MEMORY_H

#include <kernel/mmu.h>
#include <kernel/vma.h>

typedef struct { _Atomic unsigned word; } splock_t;

struct mspace_backing;

typedef struct mspace mspace_t;
struct mspace {
	long users;		/* usage counter */
	bbtree_t tree;		/* VMAs sorted by address */
	page_t directory;	/* names the page directory */
	size_t lower_bound, upper_bound;
	size_t v_size;		/* pages of all areas, */
	size_t p_size;		/* of private ones, */
	size_t s_size;		/* of shared ones */
	size_t phys_pg_count;	/* pages that are present */
	splock_t lock;

	struct mspace_backing *pages;
};

void *mspace_map(mspace_t *, size_t address, size_t length, inode_t *,
    off_t offset, off_t limit, int flags) KORA(mspace_map);
int mspace_protect(mspace_t *, size_t address, size_t length, int flags)
    KORA(mspace_protect);
int mspace_unmap(mspace_t *, size_t address, size_t length)
    KORA(mspace_unmap);
int mspace_scavenge(mspace_t *) KORA(mspace_scavenge);
/* Of the space that this CPU runs. */
void mspace_display(void) KORA(mspace_display);
mspace_t *mspace_create(void) KORA(mspace_create);
void mspace_sweep(mspace_t *) KORA(mspace_sweep);
vma_t *mspace_search_vma(mspace_t *, size_t address) KORA(mspace_search_vma);
mspace_t *mspace_open(mspace_t *) KORA(mspace_open);
void mspace_close(mspace_t *) KORA(mspace_close);

/* Why a page fault came. */
enum { PGFLT_MISSING, PGFLT_WRITE, PGFLT_ERROR };
int page_fault(mspace_t *, size_t va, int reason) KORA(page_fault);
int page_resolve(mspace_t *, size_t va, size_t len) KORA(page_resolve);
void page_sweep(size_t va, size_t len, bool clean) KORA(page_sweep);

/* RAM, before page_initialize(). */
void page_range(long long base, long long length) KORA(page_range);
void page_initialize(void) KORA(page_initialize);
/* 0: none. Zones: 0 any, 1 below 16 MiB. */
page_t page_new(void) KORA(page_new);
page_t page_get(int zone, int count) KORA(page_get);
void page_release(page_t) KORA(page_release);

/* The page at va becomes present; its address, 0: it cannot. pa: that page. */
page_t mmu_resolve(size_t va, page_t pa, int access, bool clean)
    KORA(mmu_resolve);
/* The page at va, 0: none. drop: it is taken off. */
page_t mmu_read(size_t va, bool drop, bool clean) KORA(mmu_read);
page_t mmu_directory(void) KORA(mmu_directory);
/* Run this space on this CPU; NULL: none. */
void mmu_context(mspace_t *) KORA(mmu_context);

void *kmap(size_t len, inode_t *, off_t offset, int flags) KORA(kmap);
void kunmap(void *, size_t len) KORA(kunmap);
/* Zeroed. NULL: no memory. */
void *kalloc(size_t) KORA(kalloc);
void kfree(void *) KORA(kfree);

#endif
