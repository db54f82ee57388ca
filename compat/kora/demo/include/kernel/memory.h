/*
 * kernel/memory.h - the declarations of Kora's document: the space, the area, and the
 * calls on them, with the flags it describes.
 */
#include <stddef.h>

#define PAGE_SIZE 4096

typedef struct mspace mspace_t;
typedef struct vma vma_t;
typedef struct inode inode_t;
typedef long off_t;

enum {
	VMA_EXEC = 1, VMA_WRITE = 2, VMA_READ = 4, VMA_SHARED = 8,
	VMA_CAN_EXEC = 0x10, VMA_CAN_WRITE = 0x20, VMA_CAN_READ = 0x40,
	VMA_COPY_ON_WRITE = 0x80,
	VMA_HEAP = 0x100, VMA_STACK = 0x200, VMA_FILE = 0x300,
	VMA_PHYS = 0x400, VMA_ANON = 0x500,
	VMA_MAP_FIXED = 0x10000,

	VMA_RO = VMA_READ | VMA_CAN_READ,
	VMA_RW = VMA_RO | VMA_WRITE | VMA_CAN_WRITE,
	VMA_FG_CODE = VMA_RO | VMA_EXEC | VMA_CAN_EXEC | VMA_FILE,
	VMA_FG_DATA = VMA_RO | VMA_CAN_WRITE | VMA_COPY_ON_WRITE | VMA_FILE,
	VMA_FG_STACK = VMA_RW | VMA_STACK,
	VMA_FG_HEAP = VMA_RW | VMA_HEAP,
	VMA_FG_ANON = VMA_RW | VMA_ANON,
	VMA_FG_RW_FILE = VMA_RW | VMA_SHARED | VMA_FILE,
	VMA_FG_RO_FILE = VMA_RO | VMA_FILE,
};

/* Map a memory area inside the provided address space. */
void *mspace_map(mspace_t *mspace, size_t address, size_t length,
    inode_t *ino, off_t offset, off_t limit, int flags);
/* Change the protection flags of a memory area. */
int mspace_protect(mspace_t *mspace, size_t address, size_t length, int flags);
/* Change the flags of a memory area. */
int mspace_unmap(mspace_t *mspace, size_t address, size_t length);
/* Remove disabled memory area */
int mspace_scavenge(mspace_t *mspace);
/* Print the information of memory space -- used for /proc/{x}/mmap  */
void mspace_display();
/* Create a memory space for a user application */
mspace_t *mspace_create();
/* Release all VMA marked as DEAD. */
void mspace_sweep(mspace_t *mspace);
/* Search a VMA structure at a specific address */
vma_t *mspace_search_vma(mspace_t *mspace, size_t address);
