/*
 * test_vm2.c - the ARMv7 facade by the lines of contract: the pool, tables, numbers
 * and spaces. Built twice: on x86-64's page tables and on ARMv7's own.
 */
#include <stdio.h>
#include <time.h>

#include "rig_v.h"

#define AT ((size_t)0x10000)
#define MIB ((size_t)1 << 20)
#define MANY 16384u

static const struct PagePermission user_rw = { UserRW, false };

/* ---- the start ---- */

static void
test_start(void **state)
{
	(void)state;
	assert_string_equal(v.order, "ram identity create");
	assert_ptr_equal(tome_pmap_current(rig.vm), tome_pmap_kernel(rig.vm));
	assert_int_equal(v.warnings + v.fatals, 0);
}

static void
test_no_instance(void **state)
{
	(void)state;
	DO(compat_armv7_stop());
	v.no_instance = true;
	rig_v_boot();
	FATAL(vm2_start());
}

/* ---- the pool ---- */

static bool
is_zero(const void *p, size_t n)
{
	const char *c = p;

	for (size_t i = 0; i < n; i++)
		if (c[i] != 0)
			return false;
	return true;
}

static void
check_object(void *p, size_t size)
{
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % size, 0);
	assert_true((uintptr_t)p >= v.start && (uintptr_t)p + size <= v.end);
	assert_true(is_zero(p, size));
}

static void
test_sizes(void **state)
{
	struct L1PageTable *l1[8];
	struct L2PageTable *l2[8];
	struct Page *page[8];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 8; i++) {
			check_object(l1[i] = DID(pmm_allocate_l1_pagetable()),
			    8192);
			check_object(l2[i] = DID(pmm_allocate_l2_pagetable()),
			    1024);
			check_object(page[i] = DID(pmm_allocate_page()), 4096);
			memset(l1[i], 1, 8192);
			memset(l2[i], 2, 1024);
			memset(page[i], 3, 4096);
		}
		for (unsigned i = 0; i < 8; i++) {
			DO(pmm_free_l1_pagetable(l1[i]));
			DO(pmm_free_l2_pagetable(l2[i]));
			DO(pmm_free_page(page[i]));
		}
	}
	assert_int_equal(v.warnings, 0);
}

static struct Page *pages[MANY];

static unsigned
take_all(void)
{
	unsigned n = 0;

	rig_watch(false);
	while (n < MANY && (pages[n] = pmm_allocate_page()) != NULL)
		n++;
	rig_watch(true);
	rig_check();
	return n;
}

/* From the last one down, until so many are left. */
static void
give_back(unsigned *n, unsigned left)
{
	rig_watch(false);
	while (*n > left)
		pmm_free_page(pages[--*n]);
	rig_watch(true);
	rig_check();
}

static void
test_empty(void **state)
{
	unsigned n = take_all();
	struct L2PageTable *l2;

	(void)state;
	assert_true(n > 1000 && n < MANY);
	assert_null(DID(pmm_allocate_page()));
	assert_null(DID(pmm_allocate_l1_pagetable()));
	give_back(&n, n - 64);
	l2 = DID(pmm_allocate_l2_pagetable());
	assert_non_null(l2);
	give_back(&n, 0);
	pmm_free_l1_pagetable(DID(pmm_allocate_l1_pagetable()));
	pmm_free_l2_pagetable(l2);
	assert_int_equal(v.warnings, 0);
}

/* The least of some rounds, in ns: 256 pages taken and given back. */
static long
cost(void)
{
	struct Page *p[256];
	struct timespec a, b;
	long least = -1, ns;

	for (int round = 0; round < 20; round++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		for (unsigned i = 0; i < 256; i++)
			p[i] = pmm_allocate_page();
		for (unsigned i = 0; i < 256; i++)
			pmm_free_page(p[i]);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec -
		    a.tv_nsec;
		least = least < 0 || ns < least ? ns : least;
	}
	return least;
}

/* 5,000 objects more; what walks them would take hundreds of times as long. */
static void
test_constant(void **state)
{
	long few, many;
	unsigned n;

	(void)state;
	rig_watch(false);
	few = cost();
	for (n = 0; n < 5000; n++)
		assert_non_null(pages[n] = pmm_allocate_page());
	many = cost();
	give_back(&n, 0);
	assert_true(many < 8 * few);
}

static void
test_bad_free(void **state)
{
	struct L1PageTable *l1 = DID(pmm_allocate_l1_pagetable());
	struct L2PageTable *l2 = DID(pmm_allocate_l2_pagetable());
	struct Page *page = DID(pmm_allocate_page());
	static struct Page foreign;

	(void)state;
	DO(pmm_free_l1_pagetable(NULL));
	DO(pmm_free_l2_pagetable(NULL));
	DO(pmm_free_page(NULL));
	assert_int_equal(v.warnings, 0);
	WARNS(pmm_free_page(&foreign));
	WARNS(pmm_free_page((void *)l1));
	WARNS(pmm_free_page((void *)l2));
	WARNS(pmm_free_l2_pagetable((void *)page));
	WARNS(pmm_free_l1_pagetable((void *)page));
	WARNS(pmm_free_page((void *)((char *)page + 1024)));
	WARNS(pmm_free_l1_pagetable((void *)((char *)l1 + 4096)));
	WARNS(pmm_free_l2_pagetable((void *)((char *)l2 + 4)));
	DO(pmm_free_page(page));
	DO(pmm_free_l1_pagetable(l1));
	DO(pmm_free_l2_pagetable(l2));
	WARNS(pmm_free_page(page));
	WARNS(pmm_free_l1_pagetable(l1));
	WARNS(pmm_free_l2_pagetable(l2));
}

/* ---- tables ---- */

static struct L1PageTable *
run_table(void)
{
	struct L1PageTable *l1 = DID(pmm_allocate_l1_pagetable());

	assert_non_null(l1);
	DO(vm2_set_user_pagetable(l1));
	return l1;
}

static struct Page *
user_page(struct L1PageTable *l1, size_t va, struct PagePermission perm)
{
	struct L2PageTable *l2;
	struct Page *page = DID(vm2_allocate_page(l1, va, false, perm, &l2));

	assert_non_null(page);
	return page;
}

static void
test_freed_page(void **state)
{
	struct L1PageTable *l1 = run_table();
	struct Page *page = user_page(l1, AT, user_rw), *kernel;
	tome_va_t va = v.window;
	struct tome_translation t;

	(void)state;
	assert_true(rig_poke(AT, 'a'));
	DO(pmm_free_page(page));
	assert_int_equal(rig_peek(AT), -1);
	kernel = DID(vm2_allocate_page(kernell1PageTable, KERNEL_HEAP_BASE,
	    false, (struct PagePermission){ KernelRW, false }, NULL));
	assert_true(tome_pmap_extract(tome_pmap_kernel(rig.vm), va, &t));
	DO(pmm_free_page(kernel));
	assert_false(tome_pmap_extract(tome_pmap_kernel(rig.vm), va, &t));
	WARNS(pmm_free_l1_pagetable(l1));
	user_page(l1, AT, user_rw);
	assert_true(rig_poke(AT, 'b'));
}

/* 1 MiB of memory that is the test's own. */
static tome_pfn_t
own_mib(char fill)
{
	tome_pfn_t first;

	assert_int_equal(tome_frames_alloc(rig.vm, TOME_PAGE_DEVICE, 8, 256, 0,
	    0, &first), TOME_OK);
	memset(tome_frame_va(rig.vm, first), fill, MIB);
	return first;
}

static union L1PagetableEntry
section(tome_pfn_t first, unsigned ap)
{
	union L1PagetableEntry e = { .entry = 0 };

	e.section.type = 2;
	e.section.accessPermissions = ap & 3;
	e.section.bufferable = 1;
	e.section.cacheable = 1;
	e.section.base_address = (uint32_t)(first / 256) & 0xfff;
	return e;
}

static void
test_section(void **state)
{
	tome_pfn_t a = own_mib('a'), b = own_mib('b');
	struct L1PageTable *l1 = run_table();

	(void)state;
	assert_false(DID(vm2_l1_map_physical_to_virtual(l1, section(a, 3), MIB,
	    false)));
	assert_int_equal(l1->entries[1].entry, section(a, 3).entry);
	assert_int_equal(rig_peek(MIB), 'a');
	assert_int_equal(rig_peek(2 * MIB - 1), 'a');
	assert_int_equal(rig_peek(2 * MIB), -1);
	FATAL(assert_false(vm2_l1_map_physical_to_virtual(l1, section(b, 3),
	    MIB, false)));
	assert_int_equal(rig_peek(MIB), 'a');
	assert_int_equal(l1->entries[1].entry, section(a, 3).entry);
	assert_true(DID(vm2_l1_map_physical_to_virtual(l1, section(b, 2), MIB,
	    true)));
	assert_int_equal(rig_peek(MIB + 5), 'b');
	assert_false(rig_poke(MIB + 5, 'x'));
	assert_null(DID(vm2_allocate_page(l1, MIB, false, user_rw, NULL)));
	assert_null(DID(vm2_allocate_page(l1, MIB, true, user_rw, NULL)));
	DO(vm2_set_user_pagetable(NULL));
	DO(pmm_free_l1_pagetable(l1));
	tome_frames_free(rig.vm, a, 8);
	tome_frames_free(rig.vm, b, 8);
}

static enum tome_memtype
type_at(size_t va)
{
	struct tome_translation t;

	assert_true(tome_pmap_extract(tome_pmap_current(rig.vm), (tome_va_t)va,
	    &t));
	return t.type;
}

/* As it is read back: x86 has no other type for devices. */
#define DEVICE (sizeof(tome_va_t) == 4 ? TOME_MEM_DEVICE : TOME_MEM_UC)
/* Above all RAM of the hosted machine. */
#define NOT_RAM ((tome_pfn_t)0xf0000)

static void
test_types(void **state)
{
	tome_pfn_t ram = own_mib('r');
	struct L1PageTable *l1 = run_table();
	union L1PagetableEntry e = section(NOT_RAM, 3);

	(void)state;
	e.section.cacheable = 0;
	DO(vm2_l1_map_physical_to_virtual(l1, e, 0x100000, false));
	assert_int_equal(type_at(0x100000), DEVICE);
	e.section.typeExtension = 1;
	e.section.base_address++;
	DO(vm2_l1_map_physical_to_virtual(l1, e, 0x200000, false));
	assert_true(type_at(0x200000) != TOME_MEM_WB &&
	    type_at(0x200000) != TOME_MEM_DEVICE);
	e = section(ram, 3);
	e.section.cacheable = 0;
	DO(vm2_l1_map_physical_to_virtual(l1, e, 0x300000, false));
	assert_int_equal(type_at(0x300000), TOME_MEM_WB);
	DO(vm2_set_user_pagetable(NULL));
	DO(pmm_free_l1_pagetable(l1));
	tome_frames_free(rig.vm, ram, 8);
}

static void
test_bad_section(void **state)
{
	tome_pfn_t mine = own_mib('m');
	struct L1PageTable *l1 = run_table();
	union L1PagetableEntry e = section(mine, 3);

	(void)state;
	tome_frames_free(rig.vm, mine, 8);
	FATAL(vm2_l1_map_physical_to_virtual(l1, e, MIB, false));
	e = section(NOT_RAM, 3);
	FATAL(vm2_l1_map_physical_to_virtual(l1, e, KERNEL_VIRTUAL_OFFSET,
	    false));
	FATAL(vm2_l1_map_physical_to_virtual(kernell1PageTable, e, MIB,
	    false));
	FATAL(vm2_l1_map_physical_to_virtual(NULL, e, MIB, false));
	e.section.super = 1;
	FATAL(vm2_l1_map_physical_to_virtual(l1, e, MIB, false));
	e.section.super = 0;
	e.section.type = 1;
	FATAL(vm2_l1_map_physical_to_virtual(l1, e, MIB, false));
	assert_true(is_zero(l1, sizeof *l1));
	assert_int_equal(rig_peek(MIB), -1);
}

static void
test_page(void **state)
{
	struct L1PageTable *l1 = run_table();
	struct L2PageTable *first, *second, *other;
	uint8_t *a = DID(vm2_allocate_page(l1, AT + 5, false, user_rw,
	    &first));
	uint8_t *b = DID(vm2_allocate_page(l1, AT + 4096, false, user_rw,
	    &second));

	(void)state;
	assert_non_null(vm2_allocate_page(l1, AT + MIB, false, user_rw,
	    &other));
	check_object(a, 4096);
	check_object(first, 1024);
	check_object(other, 1024);
	assert_null(second);
	assert_int_equal(l1->entries[0].coarse.type, 1);
	assert_int_equal(l1->entries[1].coarse.base_address -
	    l1->entries[0].coarse.base_address,
	    (uint32_t)(((intptr_t)other - (intptr_t)first) / 1024));
	assert_true(rig_poke(AT + 7, 'p'));
	assert_int_equal(a[7], 'p');
	b[9] = 'q';
	assert_int_equal(rig_peek(AT + 4096 + 9), 'q');
}

static void
test_remap(void **state)
{
	struct L1PageTable *l1 = run_table();
	uint8_t *old = (uint8_t *)user_page(l1, AT, user_rw), *new;
	struct L2PageTable *l2 = (void *)l1;

	(void)state;
	assert_true(rig_poke(AT, 'o'));
	FATAL(assert_null(vm2_allocate_page(l1, AT, false, user_rw, &l2)));
	assert_null(l2);
	assert_int_equal(rig_peek(AT), 'o');
	new = DID(vm2_allocate_page(l1, AT, true, user_rw, &l2));
	assert_true(new != NULL && new != old && l2 == NULL);
	assert_int_equal(rig_peek(AT), 0);
	assert_int_equal(old[0], 'o');
	assert_true(rig_poke(AT, 'n'));
	DO(pmm_free_page((void *)old));
	assert_int_equal(rig_peek(AT), 'n');
	assert_int_equal(new[0], 'n');
}

/* What a program may do: r, w, x. */
static const char *
rights(size_t va)
{
	static char s[4];

	s[0] = rig_peek(va) >= 0 ? 'r' : '-';
	s[1] = rig_poke(va, 1) ? 'w' : '-';
	s[2] = rig_fetch(va) >= 0 ? 'x' : '-';
	return s;
}

static void
test_rights(void **state)
{
	static const char *const expect[] = { "---", "---", "r--", "rw-",
		"---", "---", "r-x", "rwx" };
	struct L1PageTable *l1 = run_table();

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct PagePermission perm = { (enum PageAccess)(i % 4),
			i >= 4 };
		size_t va = AT + i * PAGE_SIZE;

		user_page(l1, va, perm);
		assert_string_equal(rights(va), expect[i]);
	}
	WARNS(assert_non_null(vm2_allocate_page(l1, AT + 8 * PAGE_SIZE, false,
	    (struct PagePermission){ (enum PageAccess)9, true }, NULL)));
	assert_string_equal(rights(AT + 8 * PAGE_SIZE), "---");
}

static struct L1PageTable *attempt_l1;
static struct vas2 *attempt_vas;

static bool
attempt_page(void)
{
	uint32_t was = attempt_l1->entries[0].entry;
	struct L2PageTable *l2;
	struct Page *page = vm2_allocate_page(attempt_l1, AT, false, user_rw,
	    &l2);

	if (page == NULL) {
		assert_null(l2);
		assert_int_equal(attempt_l1->entries[0].entry, was);
		assert_int_equal(rig_peek(AT), -1);
		return false;
	}
	pmm_free_page(page);
	pmm_free_l2_pagetable(l2);
	attempt_l1->entries[0].entry = 0;
	return true;
}

static void
test_page_no_memory(void **state)
{
	(void)state;
	attempt_l1 = run_table();
	rig_each_failure(attempt_page);
	assert_int_equal(v.warnings + v.fatals, 0);
}

/* ---- the upper gigabyte ---- */

static bool
kernel_type(size_t va, enum tome_memtype type)
{
	struct tome_translation t;

	return tome_pmap_extract(tome_pmap_kernel(rig.vm),
	    v.window + (tome_va_t)(va - KERNEL_HEAP_BASE), &t) &&
	    t.type == type;
}

static void
test_peripherals(void **state)
{
	size_t phys = tome_pfn_pa(NOT_RAM);

	(void)state;
	assert_int_equal(DID(vm2_map_peripheral(phys, 2)), 0xffd00000);
	assert_int_equal(DID(vm2_map_peripheral(phys + 4 * MIB, 1)),
	    0xffc00000);
	assert_true(kernel_type(0xffd00000, DEVICE));
	assert_true(kernel_type(0xffefffff & ~0xfffu, DEVICE));
	assert_true(kernel_type(0xffc00000, DEVICE));
	assert_false(kernel_type(0xffbff000, DEVICE));
	assert_false(kernel_type(0xfff00000, DEVICE));
	WARNS(assert_int_equal(vm2_map_peripheral(phys, 0), 0));
	WARNS(assert_int_equal(vm2_map_peripheral(phys + 4096, 1), 0));
	WARNS(assert_int_equal(vm2_map_peripheral(0xfff00000, 2), 0));
	WARNS(assert_int_equal(vm2_map_peripheral(tome_pfn_pa(
	    tome_zero_frame(rig.vm)) & ~(MIB - 1), 1), 0));
	assert_int_equal(DID(vm2_map_peripheral(phys, 1)), 0xffb00000);
}

static void *
heap(size_t va)
{
	return DID(vm2_allocate_page(kernell1PageTable, va, false,
	    (struct PagePermission){ KernelRW, false }, NULL));
}

static void
test_bound(void **state)
{
	size_t phys = tome_pfn_pa(NOT_RAM);

	(void)state;
	assert_non_null(heap(KERNEL_HEAP_BASE));
	assert_non_null(heap(0xffd00000));
	WARNS(assert_int_equal(vm2_map_peripheral(phys, 2), 0));
	assert_int_equal(DID(vm2_map_peripheral(phys, 1)), 0xffe00000);
	WARNS(assert_int_equal(vm2_map_peripheral(phys, 1), 0));
	assert_non_null(heap(0xffdff000));
	assert_null(heap(0xffe00000));
	assert_non_null(heap(HIGH_VECTOR_LOCATION));
	assert_null(heap(KERNEL_HEAP_BASE - PAGE_SIZE));
	assert_int_equal(v.fatals, 0);
}

static void
test_table(void **state)
{
	struct L1PageTable *one = run_table(), *two;
	static struct L1PageTable foreign;

	(void)state;
	user_page(one, AT, user_rw);
	assert_true(rig_poke(AT, '1'));
	two = run_table();
	assert_int_equal(rig_peek(AT), -1);
	user_page(two, AT, user_rw);
	assert_true(rig_poke(AT, '2'));
	DO(vm2_set_user_pagetable(one));
	assert_int_equal(rig_peek(AT), '1');
	WARNS(vm2_set_user_pagetable(&foreign));
	assert_int_equal(rig_peek(AT), '1');
	DO(vm2_set_user_pagetable(NULL));
	assert_int_equal(rig_peek(AT), -1);
}

static void
test_flush(void **state)
{
	struct L1PageTable *l1 = run_table();
	struct Page *page = user_page(l1, AT, user_rw);

	(void)state;
	hosted_become(rig.machine, 1);
	vm2_set_user_pagetable(l1);
	assert_true(rig_poke(AT, 's'));
	hosted_become(rig.machine, 0);
	assert_int_equal(rig_peek(AT), 's');
	DO(vm2_allocate_page(l1, AT, true, user_rw, NULL));
	vm2_flush_caches();
	vm2_flush_caches_of_ASID(1);
	hosted_become(rig.machine, 1);
	assert_int_equal(rig_peek(AT), 0);
	assert_true(hosted_judge(rig.machine));
	vm2_set_user_pagetable(NULL);
	hosted_become(rig.machine, 0);
	DO(pmm_free_page(page));
}

/* ---- numbers ---- */

static void
test_numbers(void **state)
{
	struct ASIDDescriptor d;

	(void)state;
	for (unsigned i = 0; i < 255; i++) {
		assert_false(tlb_everything_allocated);
		d = asid_request_descriptor();
		assert_int_equal(d.asid, i + 1);
		assert_int_equal(d.cache_iteration, 1);
	}
	assert_true(tlb_everything_allocated);
	d = asid_request_descriptor();
	assert_int_equal(d.asid, 1);
	assert_int_equal(d.cache_iteration, 2);
	assert_true(tlb_everything_allocated);
}

static void
test_turns(void **state)
{
	struct ASIDDescriptor old = asid_request_descriptor(), new, before;

	(void)state;
	assert_false(asid_check_and_update(&old));
	for (unsigned i = 0; i < 255; i++)
		new = asid_request_descriptor();
	assert_int_equal(new.asid, old.asid);
	assert_true(asid_check_and_update(&old));
	assert_false(asid_check_and_update(&old));
	assert_true(asid_check_and_update(&new));
	assert_true(asid_check_and_update(&old));
	/* 65,536 turns later: where 8 bits came back to the same. */
	before = old;
	rig_watch(false);
	for (unsigned i = 0; i < 65536 / 2; i++) {
		assert_true(asid_check_and_update(&new));
		assert_true(asid_check_and_update(&old));
	}
	rig_watch(true);
	assert_true(asid_check_and_update(&before));
	assert_int_equal(before.asid, new.asid);
	/* The end of the counter is not an owner. */
	before.cache_iteration = UINT32_MAX;
	assert_true(asid_check_and_update(&before));
	DO(asid_set(77));
	assert_int_equal(v.asid, 77);
}

/* ---- spaces ---- */

static bool
attempt_create(void)
{
	struct vas2 *vas = create_vas();

	if (vas == NULL)
		return false;
	free_vas(vas);
	return true;
}

static void
test_space(void **state)
{
	struct vas2 *vas = DID(create_vas()), *other = DID(create_vas());
	unsigned n;

	(void)state;
	assert_non_null(vas);
	assert_int_equal(vas->pages.count, 0);
	DO(switch_to_vas(vas));
	assert_int_equal(v.asid, vas->asid.asid);
	for (n = 0; n < 24; n++)
		DO(allocate_page(vas, AT + n * MIB + 77, n & 1));
	assert_int_equal(vas->pages.count, 24);
	assert_int_equal(vas->l2tables.count, 24);
	for (n = 0; n < 24; n++)
		assert_string_equal(rights(AT + n * MIB), n & 1 ? "rwx" :
		    "rw-");
	DO(switch_to_vas(other));
	assert_int_equal(v.asid, other->asid.asid);
	assert_true(vas->asid.asid != other->asid.asid);
	assert_int_equal(rig_peek(AT), -1);
	DO(switch_to_vas(vas));
	assert_int_equal(rig_peek(AT), 1);
	WARNS(free_vas(vas));
	assert_int_equal(rig_peek(AT), 1);
	DO(switch_to_vas(other));
	DO(free_vas(vas));
	DO(free_vas(NULL));
	DO(vm2_set_user_pagetable(NULL));
	DO(free_vas(other));
	WARNS(switch_to_vas(NULL));
	rig_each_failure(attempt_create);
}

/* Either a page more, or everything as it was. */
static bool
attempt_allocate(void)
{
	size_t n = attempt_vas->pages.count;
	size_t tables = attempt_vas->l2tables.count;
	unsigned warned = v.warnings;

	allocate_page(attempt_vas, AT + n * MIB, false);
	if (attempt_vas->pages.count > n)
		return true;
	assert_int_equal(v.warnings, warned + 1);
	assert_int_equal(attempt_vas->l2tables.count, tables);
	assert_int_equal(rig_peek(AT + n * MIB), -1);
	return false;
}

static void
test_space_no_memory(void **state)
{
	uint64_t before;

	(void)state;
	before = rig_free_frames();
	attempt_vas = DID(create_vas());
	DO(switch_to_vas(attempt_vas));
	rig_each_failure(attempt_allocate);
	WARNS(allocate_page(NULL, AT, false));
	WARNS(allocate_page(attempt_vas, KERNEL_VIRTUAL_OFFSET, false));
	DO(vm2_set_user_pagetable(NULL));
	DO(free_vas(attempt_vas));
	/* At most the kept cache of second-level tables. */
	assert_true(rig_free_frames() + 8 >= before);
}

#define TEST(numbers, f) CONTRACT_TEST(numbers, f, rig_v_up, rig_v_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("V1", test_start),
		TEST("V2", test_no_instance),
		TEST("V3", test_sizes),
		TEST("V4", test_empty),
		TEST("V5", test_constant),
		TEST("V6", test_bad_free),
		TEST("V7 V8", test_freed_page),
		TEST("V9 V10 V15", test_section),
		TEST("V11", test_types),
		TEST("V12", test_bad_section),
		TEST("V13 V14", test_page),
		TEST("V15", test_remap),
		TEST("V16", test_rights),
		TEST("V17", test_page_no_memory),
		TEST("V18 V20", test_peripherals),
		TEST("V19", test_bound),
		TEST("V21", test_table),
		TEST("V22", test_flush),
		TEST("V23 V24", test_numbers),
		TEST("V25 V26 V28", test_turns),
		TEST("V29 V30 V32 V33", test_space),
		TEST("V31", test_space_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
