/*
 * vm/vm.h - virtual memory as Keyronex has it: pages, anons, amaps, objects, maps.
 *
 * Structures show what the core holds. Objects are true at any time; pages, anons,
 * amaps, and the tree of a map's entries, are brought up to date by the call that
 * returns them. Errors are negative errno numbers. docs/compat/keyronex.md has, by number,
 * what everything here promises.
 */
#ifndef KEYRONEX_VM_VM_H
#define KEYRONEX_VM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../link.h"

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

	/* The facade's. */
	unsigned char own;	/* vm_pagealloc() gave it out */
	unsigned char pinned;	/* changequeue() wired it */
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

	/* The facade's. */
	uint64_t id;
	unsigned views;		/* amap slots that show it */
	struct vm_anon *left, *right;
	struct vm_amap *amap;	/* where it was last asked for */
	size_t index;
} vm_anon_t;

#define kAMapChunkNPages 32

typedef struct vm_amap_chunk {
	vm_anon_t *anon[kAMapChunkNPages];
} vm_amap_chunk_t;

/* The anons of an object: a sparse array in two levels. */
typedef struct vm_amap {
	vm_amap_chunk_t **chunks;
	size_t curnchunk;	/* slots in chunks */

	struct vm_object *obj;
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

	/* The facade's. */
	void *core;
	vm_amap_t amap;		/* anon.amap */
	struct vm_object *twin;	/* its copy, while a map is forked */
	const struct vm_pagerops *pager;
	struct vm_object *next;	/* that has no name */
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

	/* The facade's. */
	void *core;
	bool stale;		/* changed since `entries` were shown */
} vm_map_t;

/* ---- functions: pages ---- */

extern vm_pagequeue_t vm_pgfreeq COMPAT_LINK(keyronex, vm_pgfreeq),
    vm_pgkmemq COMPAT_LINK(keyronex, vm_pgkmemq),
    vm_pgwiredq COMPAT_LINK(keyronex, vm_pgwiredq),
    vm_pgdevbufq COMPAT_LINK(keyronex, vm_pgdevbufq),
    vm_pgactiveq COMPAT_LINK(keyronex, vm_pgactiveq),
    vm_pginactiveq COMPAT_LINK(keyronex, vm_pginactiveq),
    vm_pgpmapq COMPAT_LINK(keyronex, vm_pgpmapq);
/* Usable pages. */
extern size_t vm_npages COMPAT_LINK(keyronex, vm_npages);

vm_page_t *vm_pagealloc(bool sleep, vm_pagequeue_t *)
    COMPAT_LINK(keyronex, vm_pagealloc);
vm_fault_ret_t vm_pagetryalloc(vm_page_t **out, vm_pagequeue_t *)
    COMPAT_LINK(keyronex, vm_pagetryalloc);
void vm_page_free(vm_page_t *) COMPAT_LINK(keyronex, vm_page_free);
vm_page_t *vm_page_from_paddr(paddr_t)
    COMPAT_LINK(keyronex, vm_page_from_paddr);
void vm_page_changequeue(vm_page_t *, vm_pagequeue_t *from,
    vm_pagequeue_t *to) COMPAT_LINK(keyronex, vm_page_changequeue);
/* Count the queues anew and log a line with them. */
void vm_pagedump(void) COMPAT_LINK(keyronex, vm_pagedump);

/* ---- page lists ---- */

typedef struct vm_mdl {
	voff_t offset;
	size_t nBytes, nPages;
	vm_object_t *obj;	/* whose pages they are, */
	bool own;		/* which is the list's own */
	struct vm_page *pages[];
} vm_mdl_t;

int vm_mdl_new_with_capacity(vm_mdl_t **, size_t bytes)
    COMPAT_LINK(keyronex, vm_mdl_new_with_capacity);
/* Pages [start, start + bytes) of an object, which stay while they are listed. */
int vm_mdl_new_with_range(vm_mdl_t **, vm_object_t *, voff_t start,
    size_t bytes) COMPAT_LINK(keyronex, vm_mdl_new_with_range);
int vm_mdl_expand(vm_mdl_t **, size_t bytes)
    COMPAT_LINK(keyronex, vm_mdl_expand);
void vm_mdl_free(vm_mdl_t *) COMPAT_LINK(keyronex, vm_mdl_free);
size_t vm_mdl_capacity(vm_mdl_t *) COMPAT_LINK(keyronex, vm_mdl_capacity);
void vm_mdl_copy(vm_mdl_t *, void *, size_t n, voff_t off)
    COMPAT_LINK(keyronex, vm_mdl_copy);
void vm_mdl_zero(vm_mdl_t *) COMPAT_LINK(keyronex, vm_mdl_zero);

/* ---- anons, amaps, objects ---- */

vm_anon_t *amap_anon_at(vm_amap_t *, size_t page)
    COMPAT_LINK(keyronex, amap_anon_at);
vm_amap_t *amap_copy(vm_amap_t *) COMPAT_LINK(keyronex, amap_copy);
void amap_release(vm_amap_t *) COMPAT_LINK(keyronex, amap_release);
void anon_release(vm_anon_t *) COMPAT_LINK(keyronex, anon_release);

vm_object_t *vm_aobj_new(size_t) COMPAT_LINK(keyronex, vm_aobj_new);
vm_object_t *vm_object_copy(vm_object_t *)
    COMPAT_LINK(keyronex, vm_object_copy);
void vm_object_retain(vm_object_t *) COMPAT_LINK(keyronex, vm_object_retain);
void vm_object_release(vm_object_t *)
    COMPAT_LINK(keyronex, vm_object_release);
/* Brings a vnode object's tree of resident pages up to date; its root. */
vm_page_t *vm_object_pages(vm_object_t *)
    COMPAT_LINK(keyronex, vm_object_pages);

/* What a file system does for a vnode's object; 0 is success. */
typedef struct vm_pagerops {
	int (*getpages)(vnode_t *, vm_mdl_t *, voff_t);
	int (*putpages)(vnode_t *, vm_mdl_t *, voff_t);	/* NULL: read only */
} vm_pagerops_t;
vm_object_t *vm_vobj_new(vnode_t *, const vm_pagerops_t *, size_t)
    COMPAT_LINK(keyronex, vm_vobj_new);
int vm_object_flush(vm_object_t *) COMPAT_LINK(keyronex, vm_object_flush);

/* ---- maps ---- */

extern vm_map_t kmap COMPAT_LINK(keyronex, kmap);

vm_map_t *vm_map_new(void) COMPAT_LINK(keyronex, vm_map_new);
vm_map_t *vm_map_fork(vm_map_t *) COMPAT_LINK(keyronex, vm_map_fork);
void vm_map_release(vm_map_t *) COMPAT_LINK(keyronex, vm_map_release);
/* By the context switch: preemption and interrupts off. */
void vm_activate(vm_map_t *) COMPAT_LINK(keyronex, vm_activate);
int vm_allocate(vm_map_t *, vm_object_t **out, vaddr_t *, size_t)
    COMPAT_LINK(keyronex, vm_allocate);
int vm_deallocate(vm_map_t *, vaddr_t, size_t)
    COMPAT_LINK(keyronex, vm_deallocate);
int vm_map_object(vm_map_t *, vm_object_t *, vaddr_t *, size_t, voff_t,
    bool copy) COMPAT_LINK(keyronex, vm_map_object);
/* Set the greatest protection of what is mapped in a range. */
int vm_map_protect(vm_map_t *, vaddr_t, size_t, vm_prot_t)
    COMPAT_LINK(keyronex, vm_map_protect);
/* Brings the map's tree of entries up to date; the one that holds the address. */
vm_map_entry_t *vm_map_lookup(vm_map_t *, vaddr_t)
    COMPAT_LINK(keyronex, vm_map_lookup);
vm_fault_ret_t vm_fault(md_intr_frame_t *, vm_map_t *, vaddr_t,
    vm_fault_flags_t) COMPAT_LINK(keyronex, vm_fault);

/* ---- the kernel's memory ---- */

enum vm_kalloc_flags {
	kVMKNoSleep = 0,
	kVMKSleep = 1
};
vaddr_t vm_kalloc(size_t npages, enum vm_kalloc_flags)
    COMPAT_LINK(keyronex, vm_kalloc);
void vm_kfree(vaddr_t, size_t npages) COMPAT_LINK(keyronex, vm_kfree);

/* ---- pmap ---- */

int pmap_enter_kern(pmap_t *, paddr_t, vaddr_t, vm_prot_t)
    COMPAT_LINK(keyronex, pmap_enter_kern);
vm_page_t *pmap_unenter_kern(vm_map_t *, vaddr_t)
    COMPAT_LINK(keyronex, pmap_unenter_kern);
void pmap_reenter_all_readonly(vm_page_t *)
    COMPAT_LINK(keyronex, pmap_reenter_all_readonly);
void pmap_unenter_all(vm_page_t *) COMPAT_LINK(keyronex, pmap_unenter_all);
bool pmap_page_accessed(vm_page_t *, bool reset)
    COMPAT_LINK(keyronex, pmap_page_accessed);

/* ---- paging ---- */

typedef enum vm_pager_ret {
	kVMPagerOK,
	kVMPagerExhausted
} vm_pager_ret_t;

int vm_swapon(const char *name) COMPAT_LINK(keyronex, vm_swapon);
vm_pager_ret_t vm_swp_pageout(vm_page_t *)
    COMPAT_LINK(keyronex, vm_swp_pageout);
void vm_swapstat(void) COMPAT_LINK(keyronex, vm_swapstat);
/* The body of the page daemon's thread. */
void vm_pdaemon(void *) COMPAT_LINK(keyronex, vm_pdaemon);
bool vm_enoughfree(void) COMPAT_LINK(keyronex, vm_enoughfree);
void vm_pd_signal(void) COMPAT_LINK(keyronex, vm_pd_signal);
void vm_pd_wait(void) COMPAT_LINK(keyronex, vm_pd_wait);

#endif
