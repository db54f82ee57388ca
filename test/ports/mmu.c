/*
 * mmu.c - the test machine's MMU, for any format that <format.h> describes.
 */
#include <stdlib.h>
#include <string.h>

#include <insn.h>

#include "mmu.h"

unsigned test_cpu;
int test_preempt_off;
void (*test_relax)(void);
struct test_mmu_cpu test_mmu[TEST_CPUS];
struct test_flushes test_flushes;
unsigned char *test_ram, *test_seen_ram;
unsigned test_icache_syncs;
unsigned test_features;

#define RAM_BYTES ((size_t)TEST_RAM_FRAMES << TOME_PAGE_SHIFT)

static unsigned char *
ram_alloc(void)
{
	unsigned char *p = aligned_alloc(1u << 16, RAM_BYTES);

	if (p == NULL)
		abort();
	return memset(p, 0xa5, RAM_BYTES);
}

#ifdef TEST_UNSEEN
static unsigned char *
unseen_alloc(void)
{
	unsigned char *p = ram_alloc();
	const tome_pte_t unseen = TEST_UNSEEN;

	for (size_t at = 0; at < RAM_BYTES; at += sizeof unseen)
		memcpy(p + at, &unseen, sizeof unseen);
	return p;
}
#endif

void
test_machine_start(void)
{
	memset(test_mmu, 0, sizeof(test_mmu));
	memset(&test_flushes, 0, sizeof(test_flushes));
	test_cpu = 0;
	test_preempt_off = 0;
	test_relax = NULL;
	test_icache_syncs = 0;
	test_ram = ram_alloc();
	test_seen_ram = test_ram;
#ifdef TEST_UNSEEN
	test_seen_ram = unseen_alloc();
#endif
}

void
test_machine_end(void)
{
	if (test_seen_ram != test_ram)
		free(test_seen_ram);
	free(test_ram);
}

/* ---- the TLB ---- */

static struct test_tlb_entry *
tlb_find(tome_va_t page)
{
	struct test_mmu_cpu *cpu = &test_mmu[test_cpu];
	unsigned i;

	for (i = 0; i < TEST_TLB; i++) {
		struct test_tlb_entry *e = &cpu->tlb[i];

		if (e->used && e->va == page &&
		    (e->global || e->asid == cpu->asid))
			return e;
	}
	return NULL;
}

static struct test_tlb_entry *
tlb_new(void)
{
	struct test_mmu_cpu *cpu = &test_mmu[test_cpu];
	unsigned i;

	for (i = 0; i < TEST_TLB; i++)
		if (!cpu->tlb[i].used)
			return &cpu->tlb[i];
	abort();
}

void
test_tlb_drop_page(tome_va_t va, bool every_asid)
{
	struct test_mmu_cpu *cpu = &test_mmu[test_cpu];
	unsigned i;

	for (i = 0; i < TEST_TLB; i++) {
		struct test_tlb_entry *e = &cpu->tlb[i];

		if (e->va == (va & ~(tome_va_t)TOME_PAGE_MASK) &&
		    (every_asid || e->global || e->asid == cpu->asid))
			e->used = false;
	}
}

void
test_tlb_drop_asid(unsigned asid)
{
	struct test_mmu_cpu *cpu = &test_mmu[test_cpu];
	unsigned i;

	for (i = 0; i < TEST_TLB; i++)
		if (!cpu->tlb[i].global && cpu->tlb[i].asid == asid)
			cpu->tlb[i].used = false;
}

void
test_tlb_drop_all(void)
{
	memset(test_mmu[test_cpu].tlb, 0, sizeof(test_mmu[0].tlb));
}

void
test_broadcast_page(tome_va_t va, unsigned asid, bool every)
{
	test_flushes.broadcast++;
	for (unsigned c = 0; c < TEST_CPUS; c++)
		for (unsigned i = 0; i < TEST_TLB; i++) {
			struct test_tlb_entry *e = &test_mmu[c].tlb[i];

			if (e->va == (va & ~(tome_va_t)TOME_PAGE_MASK) &&
			    (every || (!e->global && e->asid == asid)))
				e->used = false;
		}
}

void
test_broadcast_asid(unsigned asid)
{
	test_flushes.broadcast++;
	for (unsigned c = 0; c < TEST_CPUS; c++)
		for (unsigned i = 0; i < TEST_TLB; i++)
			if (!test_mmu[c].tlb[i].global &&
			    test_mmu[c].tlb[i].asid == asid)
				test_mmu[c].tlb[i].used = false;
}

void
test_broadcast_all(void)
{
	test_flushes.broadcast++;
	for (unsigned c = 0; c < TEST_CPUS; c++)
		memset(test_mmu[c].tlb, 0, sizeof(test_mmu[c].tlb));
}

/* ---- the walk ---- */

static tome_pte_t *
entry_at(tome_pa_t table, size_t index)
{
	return (tome_pte_t *)(void *)(test_seen_ram + table) + index;
}

/* The leaf entry for va, and its level; NULL: none. */
static tome_pte_t *
walk(const struct tome_mmu *m, tome_va_t va, unsigned *level)
{
	struct test_mmu_cpu *cpu = &test_mmu[test_cpu];
	bool kernel = va >= m->kernel_min;
	tome_pa_t table = TOME_PORT_ROOTS > 1 && kernel ? cpu->kernel_root :
	    cpu->root;
	unsigned bits = TOME_PT_ROOT_BITS(m->levels), l;
	tome_pte_t *e;

	if (table == 0)
		return NULL;
	for (l = m->levels - 1;; l--, bits = TOME_PT_BITS(l)) {
		e = entry_at(table, (size_t)(va >> TOME_PT_SHIFT(l)) &
		    (((size_t)1 << bits) - 1));
		*level = l;
		if (!tome_pte_is_table(l, *e))
			return *e == 0 ? NULL : e;
		table = tome_pte_table_pa(*e);
	}
}

/* Hardware that keeps the bits sets them in the entry itself. */
static void
set_bits(tome_pte_t *e, tome_prot_t access)
{
	if (!TOME_PORT_HW_AM)
		return;
	*e |= TOME_LEAF_ACCESSED;
	if (access & TOME_PROT_WRITE)
		*e |= TOME_LEAF_MODIFIED;
}

static struct test_tlb_entry *
tlb_fill(const struct tome_mmu *m, tome_va_t va, tome_prot_t access)
{
	unsigned level;
	tome_pte_t *e = walk(m, va, &level);
	struct test_tlb_entry *t;
	tome_va_t inside;

	if (e == NULL || (access & ~tome_pte_prot(m, *e)))
		return NULL;
	set_bits(e, access);
	inside = va & (((tome_va_t)1 << TOME_PT_SHIFT(level)) - 1) &
	    ~(tome_va_t)TOME_PAGE_MASK;
	t = tlb_new();
	*t = (struct test_tlb_entry){
		.used = true, .asid = test_mmu[test_cpu].asid,
		.va = va & ~(tome_va_t)TOME_PAGE_MASK,
		.pa = tome_pte_pa(level, *e) + inside,
		.prot = tome_pte_prot(m, *e), .user = test_pte_is_user(*e),
		.global = test_pte_is_global(*e),
		.modified = access & TOME_PROT_WRITE,
	};
	return t;
}

static bool
access_as(const struct tome_mmu *m, tome_va_t va, tome_prot_t access,
    bool user, tome_pa_t *out)
{
	tome_va_t page = va & ~(tome_va_t)TOME_PAGE_MASK;
	struct test_tlb_entry *t = tlb_find(page);

	/* A first write walks again to set the bit; so does a refused access. */
	if (t != NULL && ((access & ~t->prot) ||
	    ((access & TOME_PROT_WRITE) && !t->modified))) {
		t->used = false;
		t = NULL;
	}
	if (t == NULL)
		t = tlb_fill(m, va, access);
	if (t == NULL || t->user != user)
		return false;
	*out = t->pa + (va & TOME_PAGE_MASK);
	return true;
}

bool
test_access(const struct tome_mmu *m, tome_va_t va, tome_prot_t access,
    tome_pa_t *out)
{
	return access_as(m, va, access, true, out);
}

bool
test_kernel_access(const struct tome_mmu *m, tome_va_t va, tome_prot_t access,
    tome_pa_t *out)
{
	return access_as(m, va, access, false, out);
}
