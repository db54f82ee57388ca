/*
 * kernel/vma.h - Kora: virtual memory areas.
 */
#ifndef KORA_KERNEL_VMA_H
#define KORA_KERNEL_VMA_H

#include <kernel/mmu.h>

typedef struct inode inode_t;
typedef long off_t;

typedef struct bbnode bbnode_t;
typedef struct bbtree bbtree_t;

/* A binary tree by value. */
struct bbnode {
	bbnode_t *left_, *right_;
	size_t value_;
};

struct bbtree {
	bbnode_t *root_;
	int count_;
};

enum {
	/* Rights. */
	VMA_EXEC = 1,
	VMA_WRITE = 2,
	VMA_READ = 4,
	VMA_SHARED = 8,
	/* What they may become. */
	VMA_CAN_EXEC = 0x10,
	VMA_CAN_WRITE = 0x20,
	VMA_CAN_READ = 0x40,
	VMA_COPY_ON_WRITE = 0x80,

	VMA_HEAP = 0x100,
	VMA_STACK = 0x200,
	VMA_FILE = 0x300,
	VMA_PHYS = 0x400,
	VMA_ANON = 0x500,
	VMA_TYPE = 0xf00,

	VMA_LOCKED = 0x1000,
	VMA_DEAD = 0x8000,

	/* To mspace_map() only: at this place, nowhere else; and present at once. */
	VMA_MAP_FIXED = 0x10000,
	VMA_RESOLVE = 0x20000,

	VMA_RIGHTS = 7,

	VMA_RD = VMA_READ | VMA_CAN_READ,
	VMA_WR = VMA_WRITE | VMA_CAN_WRITE,
	VMA_RO = VMA_RD,
	VMA_WO = VMA_WR,
	VMA_RW = VMA_RD | VMA_WR,
	VMA_RX = VMA_RD | VMA_EXEC | VMA_CAN_EXEC,
	VMA_RE = VMA_RX,

	VMA_FG_CODE = VMA_RX | VMA_FILE,
	VMA_FG_DATA = VMA_RD | VMA_CAN_WRITE | VMA_COPY_ON_WRITE | VMA_FILE,
	VMA_FG_STACK = VMA_RW | VMA_STACK,
	VMA_FG_HEAP = VMA_RW | VMA_HEAP,
	VMA_FG_ANON = VMA_RW | VMA_ANON,
	VMA_FG_PHYS = VMA_RW | VMA_PHYS,
	VMA_FG_RW_FILE = VMA_RW | VMA_SHARED | VMA_FILE,
	VMA_FG_RO_FILE = VMA_RD | VMA_FILE,
};

typedef struct vma vma_t;
struct vma {
	bbnode_t node;		/* by base address */
	size_t length;
	inode_t *ino;		/* the file, if it is linked to one */
	off_t offset;		/* in the file, or a physical address */
	off_t limit;		/* not 0: so many bytes are the file's, what follows
				 * is blank; -1: all of it */
	int flags;

	/* The memory manager's own. */
	vma_t *dead_;
};

/* What there is, as of the moment it is asked for. */
struct kora_mmu {
	page_t upper_physical_page;	/* number of the last page, and one */
	page_t pages_amount, free_pages;
	size_t page_size;
	size_t uspace_lower_bound, uspace_upper_bound;
	size_t kspace_lower_bound, kspace_upper_bound;
	size_t max_vma_size;
	struct mspace *kspace;
};
struct kora_mmu *mmu_globals(void) KORA(mmu_globals);
#define kMMU (*mmu_globals())

#endif
