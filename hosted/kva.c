/*
 * kva.c - the host window: kernel pointers that work while translated.
 *
 * A kernel address va of the allocatable span is the pointer bias + va into a
 * reserved, inaccessible range of the process. The first touch of a page traps
 * (SIGSEGV); the handler walks the tables as a CPU's load would and maps the
 * frame there. A store to any entry on that walk makes the page inaccessible
 * again. So a pointer is good exactly while its translation is, and a stale one
 * ends in a panic that names the address.
 *
 * Lock: kva_lock, over slots, the hash and the host mapping. Nothing under it
 * touches the window.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hosted_i.h"

#define BUCKETS 4096
#define MACHINES 64

/* A page of the window that is mapped. */
struct slot {
	struct hosted_leaf leaf;
	uint32_t next;			/* in its bucket, by leaf entry; 0 ends */
	bool mapped;
};

struct hosted_kva {
	unsigned char *base;
	size_t len;
	struct slot *slot;		/* 1 .. npages; 0 is nobody */
	uint32_t bucket[BUCKETS];
	/* Per frame: an upper (or large) entry in it was on a walk. */
	uint8_t *upper;
	_Atomic uint32_t nmapped;
};

static void on_segv(int, siginfo_t *, void *);
static bool fill(struct hosted_machine *, tome_va_t, bool write);
static void drop(struct hosted_machine *, uint32_t i);

/* Where they lie: the handler looks at no machine but the one that it is in, for others
 * may end just now. Length 0: nowhere. */
static struct window {
	struct hosted_machine *_Atomic machine;
	_Atomic uintptr_t base, len;
} windows[MACHINES];
static struct sigaction before;
static _Thread_local hosted_fault_fn *kernel_fault;
static _Thread_local void *kernel_fault_arg;
static struct hosted_spin trap_lock;

/* Again for each machine: test frameworks set the signal anew for each test. */
void
hosted_kva_trap(void)
{
	struct sigaction act = { .sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction now;

	hosted_lock(&trap_lock);
	sigaction(SIGSEGV, NULL, &now);
	if (now.sa_sigaction != on_segv) {
		before = now;
		sigaction(SIGSEGV, &act, NULL);
	}
	hosted_unlock(&trap_lock);
}

static size_t
slots_len(const struct hosted_kva *k)
{
	return ((k->len >> TOME_PAGE_SHIFT) + 1) * sizeof(struct slot);
}

bool
hosted_kva_init(struct hosted_machine *m)
{
	struct hosted_kva *k = calloc(1, sizeof *k);
	unsigned i;

	m->kva = k;
	if (k == NULL)
		return false;
	k->len = (size_t)(m->kernel_end - m->kernel_start);
	k->upper = calloc((m->hi - m->lo) >> TOME_PAGE_SHIFT, 1);
	k->slot = mmap(NULL, slots_len(k), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (k->slot == MAP_FAILED)
		k->slot = NULL;
	if (k->upper == NULL || k->slot == NULL)
		return false;
	if (k->len == 0)
		return true;
	k->base = mmap(NULL, k->len, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (k->base == MAP_FAILED) {
		k->base = NULL;
		return false;
	}
	hosted_kva_trap();
	for (i = 0; i < MACHINES; i++) {
		struct hosted_machine *none = NULL;

		if (!atomic_compare_exchange_strong(&windows[i].machine, &none,
		    m))
			continue;
		atomic_store(&windows[i].base, (uintptr_t)k->base);
		atomic_store(&windows[i].len, k->len);
		return true;
	}
	return false;
}

void
hosted_kva_fini(struct hosted_machine *m)
{
	struct hosted_kva *k = m->kva;
	unsigned i;

	if (k == NULL)
		return;
	for (i = 0; i < MACHINES; i++)
		if (atomic_load(&windows[i].machine) == m) {
			atomic_store(&windows[i].len, 0);
			atomic_store(&windows[i].machine, NULL);
		}
	if (k->base != NULL)
		munmap(k->base, k->len);
	if (k->slot != NULL)
		munmap(k->slot, slots_len(k));
	free(k->upper);
	free(k);
	m->kva = NULL;
}

uintptr_t
hosted_kva_bias(struct hosted_machine *m)
{
	return (uintptr_t)m->kva->base - (uintptr_t)m->kernel_start;
}

/* ---- the trap ---- */

static struct hosted_machine *
machine_of(uintptr_t addr)
{
	unsigned i;

	for (i = 0; i < MACHINES; i++)
		if (addr - atomic_load(&windows[i].base) <
		    atomic_load(&windows[i].len))
			return atomic_load(&windows[i].machine);
	return NULL;
}

/* Whether the trap was a store: bit 1 of x86's error code, or assume so. */
static bool
was_write(const void *context)
{
#if defined(__x86_64__)
	const ucontext_t *uc = context;

	return (uc->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#else
	(void)context;
	return true;
#endif
}

void
hosted_on_kernel_fault(hosted_fault_fn *fault, void *arg)
{
	hosted_kva_trap();
	kernel_fault = fault;
	kernel_fault_arg = arg;
}

static void
on_segv(int sig, siginfo_t *info, void *context)
{
	uintptr_t addr = (uintptr_t)info->si_addr;
	struct hosted_machine *m = machine_of(addr);
	char why[96];
	tome_va_t va;

	if (m == NULL) {
		/* Not ours: as if we were not here. */
		sigaction(sig, &before, NULL);
		return;
	}
	va = m->kernel_start +
	    (tome_va_t)(addr - (uintptr_t)m->kva->base);
	if (fill(m, va, was_write(context)) ||
	    (kernel_fault != NULL && kernel_fault(kernel_fault_arg, va,
	    was_write(context) ? TOME_PROT_WRITE : TOME_PROT_READ) == TOME_OK &&
	    fill(m, va, was_write(context))))
		return;
	snprintf(why, sizeof why, "stale kernel pointer: %#" PRIx64
	    " has no such translation", (uint64_t)va);
	hosted_panic(m, why);
}

/* ---- slots ---- */

static uint32_t *
bucket_of(struct hosted_kva *k, tome_pa_t pte)
{
	return &k->bucket[(pte >> 3) % BUCKETS];
}

static uint32_t
slot_index(struct hosted_machine *m, tome_va_t va)
{
	return (uint32_t)((va - m->kernel_start) >> TOME_PAGE_SHIFT) + 1;
}

static void
remember(struct hosted_machine *m, uint32_t i, const struct hosted_leaf *leaf)
{
	struct hosted_kva *k = m->kva;
	unsigned n = leaf->shift - leaf->run == TOME_PAGE_SHIFT ? leaf->npath - 1u :
	    leaf->npath;
	unsigned p;

	k->slot[i].leaf = *leaf;
	k->slot[i].mapped = true;
	k->slot[i].next = *bucket_of(k, leaf->pte);
	*bucket_of(k, leaf->pte) = i;
	for (p = 0; p < n; p++)
		k->upper[(leaf->path[p] - m->lo) >> TOME_PAGE_SHIFT] = 1;
	atomic_fetch_add(&k->nmapped, 1);
	HOSTED_COUNT(m, kva_fills);
}

/* Walk as the running CPU does (any CPU: kernel translations are common). */
static bool
fill(struct hosted_machine *m, tome_va_t va, bool write)
{
	struct hosted_cpu *c = hosted_cpu();
	uint32_t i = slot_index(m, va);
	struct hosted_leaf leaf;
	bool ok = false;
	void *at = m->kva->base + (tome_page_floor(va) - m->kernel_start);
	tome_pa_t pa;

	if (c == NULL || c->m != m)
		c = &m->cpu[0];
	hosted_lock(&m->kva_lock);
	if (hosted_mmu.walk(c, va, HOSTED_WALK_FRESH, &leaf) == HOSTED_FOUND &&
	    !(write && !(leaf.rights & HOSTED_W))) {
		pa = leaf.pa + (tome_page_floor(va) - leaf.va);
		ok = hosted_ram(m, pa) != NULL &&
		    mmap(at, TOME_PAGE_SIZE, PROT_READ |
			(leaf.rights & HOSTED_W ? PROT_WRITE : 0),
			MAP_SHARED | MAP_FIXED, m->fd,
			(off_t)(pa - m->lo)) != MAP_FAILED;
		if (ok && !m->kva->slot[i].mapped)
			remember(m, i, &leaf);
	}
	hosted_unlock(&m->kva_lock);
	return ok;
}

static void
drop(struct hosted_machine *m, uint32_t i)
{
	struct hosted_kva *k = m->kva;
	uint32_t *link = bucket_of(k, k->slot[i].leaf.pte);

	while (*link != i)
		link = &k->slot[*link].next;
	*link = k->slot[i].next;
	k->slot[i].mapped = false;
	atomic_fetch_sub(&k->nmapped, 1);
	mmap(k->base + ((size_t)(i - 1) << TOME_PAGE_SHIFT), TOME_PAGE_SIZE,
	    PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
	    -1, 0);
}

static void
drop_leaf(struct hosted_machine *m, tome_pa_t pte)
{
	struct hosted_kva *k = m->kva;
	uint32_t i = *bucket_of(k, pte);

	while (i != 0) {
		uint32_t next = k->slot[i].next;

		if (k->slot[i].leaf.pte == pte)
			drop(m, i);
		i = next;
	}
}

static bool
walked_through(const struct hosted_leaf *leaf, tome_pa_t pte)
{
	unsigned p;

	for (p = 0; p < leaf->npath; p++)
		if (leaf->path[p] == pte)
			return true;
	return false;
}

/* Rare: an upper kernel entry changes. */
static void
drop_upper(struct hosted_machine *m, tome_pa_t pte)
{
	struct hosted_kva *k = m->kva;
	uint32_t n = (uint32_t)(k->len >> TOME_PAGE_SHIFT);
	uint32_t i;

	for (i = 1; i <= n; i++)
		if (k->slot[i].mapped && walked_through(&k->slot[i].leaf, pte))
			drop(m, i);
}

void
hosted_kva_pte(struct hosted_machine *m, tome_pa_t pte)
{
	struct hosted_kva *k = m->kva;

	if (pte < m->lo || pte >= m->hi || atomic_load(&k->nmapped) == 0)
		return;
	hosted_lock(&m->kva_lock);
	drop_leaf(m, pte);
	if (k->upper[(pte - m->lo) >> TOME_PAGE_SHIFT])
		drop_upper(m, pte);
	hosted_unlock(&m->kva_lock);
}
