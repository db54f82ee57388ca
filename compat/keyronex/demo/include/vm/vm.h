/*
 * vm/vm.h - what the document declares, and nothing else: its structures, and the
 * functions that its examples take.
 */
#ifndef KEYRONEX_VM_VM_H
#define KEYRONEX_VM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PGSIZE 4096
#define VADDR_MAX ((vaddr_t)UINT64_MAX)
#define PGROUNDUP(x) (((x) + PGSIZE - 1) & ~(uintptr_t)(PGSIZE - 1))
#define PGROUNDDOWN(x) ((x) & ~(uintptr_t)(PGSIZE - 1))

typedef uintptr_t vaddr_t, paddr_t;
typedef int64_t voff_t;
/* Where the swap pager finds what is not resident. */
typedef uintptr_t drumslot_t;
/* Shown where the document has a lock; the core's own locks do the work. */
typedef struct kmutex {
	uintptr_t word;
} kmutex_t;
typedef struct md_intr_frame md_intr_frame_t;
typedef struct vnode vnode_t;
typedef struct pmap pmap_t;

typedef enum vm_prot {
	kVMRead = 0x1,
	kVMWrite = 0x2,
	kVMExecute = 0x4,
	kVMAll = 0x7
} vm_prot_t;

/* As the i386 MMU tells them. */
typedef enum vm_fault_flags {
	kVMFaultPresent = 1,
	kVMFaultWrite = 2,
	kVMFaultUser = 4,
	kVMFaultExecute = 16
} vm_fault_flags_t;

typedef enum vm_fault_ret {
	kVMFaultRetOK = 0,
	kVMFaultRetFailure = -1,
	kVMFaultRetPageShortage = -2
} vm_fault_ret_t;

/* ---- pages ---- */

enum vm_page_queue {
	kVMPageFree = 0,
	kVMPageKMem = 1,
	kVMPageWired = 2,
	kVMPageDevBuf = 3,
	kVMPageActive = 4,	/* pageable, and used of late */
	kVMPageInactive = 5,
	kVMPagePMap = 6
};

/* A page's place in one address space. */
typedef struct pv_entry {
	struct pv_entry *next;
	struct vm_map *map;
	vaddr_t vaddr;
} pv_entry_t;

/* A physical page of usable memory. All of them are the resident page table. */
typedef struct vm_page {
	struct {
		struct vm_page *next, *prev;
	} pagequeue;
	enum vm_page_queue queue : 4;
	bool dirty : 1;		/* written since it was paged in */
	bool accessed : 1;	/* used since it went on its queue */
	bool busy : 1;		/* paged in or out, or in a page list */
	bool is_anon : 1;	/* pageable: an anon's page, not a vnode object's */
	union {
		struct vm_anon *anon;
		struct vm_object *obj;
	};
	struct {		/* in a vnode object: its tree of pages */
		struct vm_page *left, *right;
		bool red;
	} objlink;
	voff_t offset;		/* in that object, in bytes */
	pv_entry_t *pv_map;
	paddr_t paddr;
} vm_page_t;

typedef struct vm_pagequeue {
	struct {
		struct vm_page *first, *last;
	} queue;
	size_t npages;
} vm_pagequeue_t;

/* ---- anonymous memory ---- */

/* A virtual page of anonymous memory, resident or not. */
typedef struct vm_anon {
	kmutex_t lock;
	int refcnt : 24;	/* amaps that name it; above 1: copied on write */
	unsigned resident : 1;
	union {
		struct vm_page *physpage;	/* resident */
		drumslot_t drumslot;		/* not */
	};
} vm_anon_t;

#define kAMapChunkNPages 32

typedef struct vm_amap_chunk {
	vm_anon_t *anon[kAMapChunkNPages];
} vm_amap_chunk_t;

/* The anons of an object: a sparse array in two levels. */
typedef struct vm_amap {
	vm_amap_chunk_t **chunks;
	size_t curnchunk;	/* slots in chunks */
} vm_amap_t;

/* ---- objects and maps ---- */

typedef struct vm_object {
	unsigned refcnt;
	kmutex_t lock;
	enum {
		kVMObjAnon,
		kVMObjFile
	} type;
	size_t size;		/* bytes; 0: no bound (anonymous) */
	union {
		struct {
			vm_amap_t *amap;
			size_t maxsize;			/* 0: none */
			struct vm_object *parent;	/* a vnode's */
		} anon;
		struct {
			vnode_t *vnode;
			vm_page_t *pages;		/* resident: a tree */
		} file;
	};
} vm_object_t;

typedef struct vm_map_entry {
	struct {
		struct vm_map_entry *left, *right;
	} link;
	vaddr_t start, end;
	size_t size;
	voff_t offset;		/* of start, in the object */
	vm_prot_t max_prot;
	vm_object_t *obj;
} vm_map_entry_t;

typedef struct vm_map {
	vm_map_entry_t *entries;	/* a splay tree */
	kmutex_t lock;
	pmap_t *pmap;
} vm_map_t;

vm_anon_t *amap_anon_at(vm_amap_t *, size_t page);
vm_object_t *vm_object_copy(vm_object_t *);
vm_page_t *vm_object_pages(vm_object_t *);
vm_page_t *vm_page_from_paddr(paddr_t);
extern vm_map_t kmap;
vm_map_t *vm_map_new(void);
vm_map_t *vm_map_fork(vm_map_t *);
void vm_map_release(vm_map_t *);
vm_map_entry_t *vm_map_lookup(vm_map_t *, vaddr_t);
int vm_allocate(vm_map_t *, vm_object_t **out, vaddr_t *, size_t);
int vm_deallocate(vm_map_t *, vaddr_t, size_t);
int vm_map_object(vm_map_t *, vm_object_t *, vaddr_t *, size_t, voff_t,
    bool copy);

#endif
