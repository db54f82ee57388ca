/*
 * test_page.c - Kora's faults, pages, MMU calls and kernel memory.
 */
#include <stdlib.h>

#include <limits.h>

#include "rig_k.h"

#define TEST(numbers, f) CONTRACT_TEST(numbers, f, k_up, k_down)

static char *
frame(page_t page)
{
	return tome_frame_va(rig.vm, tome_pa_pfn(page));
}

/* ---- faults ---- */

static void
test_fault(void **state)
{
	size_t at = k_map(AT, 2 * PG, NULL, 0, 0, VMA_FG_ANON);
	size_t ro = k_map(AT + 4 * PG, PG, NULL, 0, 0, VMA_RO | VMA_ANON);

	(void)state;
	assert_int_equal(DID(page_fault(k_ms, at + 9, PGFLT_MISSING)), 0);
	assert_int_equal(k_ms->phys_pg_count, 1);
	assert_int_equal(DID(page_fault(k_ms, at + PG, PGFLT_WRITE)), 0);
	assert_int_equal(DID(page_fault(k_ms, at, PGFLT_WRITE)), 0);
	assert_int_equal(k_ms->phys_pg_count, 2);
	assert_int_equal(DID(page_fault(k_ms, ro, PGFLT_MISSING)), 0);
	assert_int_equal(DID(page_fault(k_ms, ro, PGFLT_WRITE)), -1);
	assert_int_equal(DID(page_fault(k_ms, at, PGFLT_ERROR)), -1);
	assert_int_equal(DID(page_fault(k_ms, at, 77)), -1);
	assert_int_equal(DID(page_fault(k_ms, at + 2 * PG, PGFLT_MISSING)),
	    -1);
	assert_int_equal(DID(page_fault(NULL, at, PGFLT_MISSING)), -1);
	assert_int_equal(DID(mspace_unmap(k_ms, at, PG)), 0);
	assert_int_equal(DID(page_fault(k_ms, at, PGFLT_MISSING)), -1);
	k_count(k_ms);
	hosted_fail_alloc(rig.machine, NULL, 1, true);
	at = (size_t)mspace_map(k_ms, 0, PG, NULL, 0, 0, VMA_FG_ANON);
	if (at != 0)
		assert_int_equal(page_fault(k_ms, at, PGFLT_WRITE), -1);
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	k_count(k_ms);
}

static void
test_resolve(void **state)
{
	inode_t *f = k_file(2);
	size_t at = k_map(AT, 8 * PG, NULL, 0, 0, VMA_FG_HEAP);
	size_t file = k_map(AT + 16 * PG, 2 * PG, f, 0, 0, VMA_FG_RO_FILE);

	(void)state;
	assert_int_equal(DID(page_resolve(k_ms, at, 4 * PG)), -1);
	assert_int_equal(DID(page_resolve(k_ms, at + PG, 7 * PG)), -1);
	assert_int_equal(DID(page_resolve(k_ms, at + 9 * PG, PG)), -1);
	assert_int_equal(DID(page_resolve(k_ms, file, 2 * PG)), -1);
	assert_int_equal(DID(page_resolve(NULL, at, 8 * PG)), -1);
	assert_int_equal(k_ms->phys_pg_count, 0);
	assert_int_equal(DID(page_resolve(k_ms, at, 8 * PG)), 0);
	assert_int_equal(k_ms->phys_pg_count, 8);
	k_count(k_ms);
	k_file_end(f);
}

static void
test_sweep_pages(void **state)
{
	size_t at = k_map(AT, 4 * PG, NULL, 0, 0, VMA_FG_ANON | VMA_RESOLVE);
	size_t s = k_map(AT + 8 * PG, PG, NULL, 0, 0,
	    VMA_FG_ANON | VMA_SHARED);
	inode_t *f = k_file(1);
	size_t ro = k_map(AT + 9 * PG, PG, f, 0, 0, VMA_FG_DATA);

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(rig_poke(at + i * PG, 'a'));
	assert_true(rig_poke(s, 's'));
	assert_int_equal(rig_peek(ro), 'a');
	DO(page_sweep(at + PG, 2 * PG, false));
	assert_int_equal(k_ms->phys_pg_count, 4);
	k_count(k_ms);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(rig_peek(at + i * PG),
		    i == 1 || i == 2 ? 0 : 'a');
	/* What is shared stays, unless it is cleaned; nobody else's is. */
	DO(page_sweep(s, PG, false));
	assert_int_equal(rig_peek(s), 's');
	DO(page_sweep(s, 2 * PG, true));
	assert_int_equal(rig_peek(s), 0);
	assert_int_equal(rig_peek(ro), 'a');
	assert_int_equal(k_file_byte(f, 0), 'a');
	k_file_end(f);
}

/* ---- RAM ---- */

static void
on_created(struct tome_vm *vm)
{
	rig.vm = vm;
	hosted_attach(rig.machine, vm, tome_vm_interrupt, tome_frame_identity);
}

static _Noreturn void
on_panic(const char *why)
{
	fail_msg("%s", why);
	abort();
}

static void
test_ram(void **state)
{
	struct hosted_config config = { .ranges = {
		{ 0, (tome_pa_t)8 << 20, TOME_RANGE_USABLE },
		{ (tome_pa_t)16 << 20, (tome_pa_t)8 << 20,
		    TOME_RANGE_USABLE } }, .nranges = 2, .quiet = true };
	struct compat_kora_hooks hooks = k_hooks;
	struct tome_boot boot;
	struct tome_stats s;

	(void)state;
	rig.machine = hosted_create(&config);
	hosted_become(rig.machine, 0);
	hosted_boot(rig.machine, &boot);
	hooks.created = on_created;
	hooks.panic = on_panic;
	hooks.kernel_hi = boot.kernel_end;
	boot.kernel_end -= RIG_KERNEL;
	hooks.kernel_lo = boot.kernel_end;
	compat_kora_boot(&boot, &hooks);
	page_range(-1, (long long)8 << 20);
	page_range(LLONG_MAX - 5, 5);
	page_range((long long)8 << 20, LLONG_MAX);
	page_range((long long)8 << 20, -1);
	page_range((long long)8 << 20, 0);
	page_range(0, (long long)3 << 20);
	page_range(((long long)4 << 20) - 1, 3 * (long long)PG);
	page_range((long long)6 << 20, (long long)PG - 1);
	page_range((long long)16 << 20, (long long)8 << 20);
	page_initialize();
	rig_check();
	tome_vm_stats(rig.vm, &s);
	/* 1 MiB above the reserved 2, two whole pages of three, and 8 MiB. */
	assert_int_equal(kMMU.pages_amount, 256 + 2 + 2048);
	assert_int_equal(s.frames_total, 256 + 2 + 2048);
	assert_int_equal(kMMU.upper_physical_page, 24 << 8);
	assert_int_equal(tome_frame_identity(rig.vm, 511), TOME_PAGE_ABSENT);
	assert_int_equal(tome_frame_identity(rig.vm, 1023), TOME_PAGE_ABSENT);
	assert_int_equal(tome_frame_identity(rig.vm, 1026), TOME_PAGE_ABSENT);
	page_range((long long)32 << 20, (long long)8 << 20);
	page_initialize();
	assert_int_equal(kMMU.pages_amount, 256 + 2 + 2048);
	/* Zone 1 is what lies below 16 MiB. */
	assert_in_range(page_get(1, 8), 1, (16 << 20) - 1);
	compat_kora_stop();
	for (tome_pfn_t p = 0; p < 24 << 8; p++)
		page_release((page_t)p * PG);
	rig_close();
}

static void
test_pages(void **state)
{
	uint64_t before = rig_free_frames();
	page_t one = page_new(), run = page_get(0, 24), first;

	(void)state;
	assert_int_not_equal(one, 0);
	assert_int_equal(one % PG, 0);
	assert_int_equal(run % PG, 0);
	rig_check();
	assert_int_equal(rig_free_frames(), before - 25);
	for (size_t i = 0; i < 24; i++)
		assert_int_equal(frame(run + i * PG)[77], 0);
	assert_int_equal(frame(one)[77], 0);
	frame(one)[77] = 1;
	assert_int_equal(page_get(0, 0), 0);
	assert_int_equal(page_get(0, -8), 0);
	assert_int_equal(page_get(0, 12), 0);
	assert_int_equal(page_get(2, 8), 0);
	assert_int_equal(page_get(-1, 8), 0);
	assert_int_equal(page_get(0, 1 << 20), 0);
	first = page_get(1, 8);
	assert_in_range(first, 1, (16 << 20) - 8 * PG);
	for (size_t i = 0; i < 24; i++)
		page_release(run + i * PG);
	for (size_t i = 0; i < 8; i++)
		page_release(first + i * PG);
	page_release(one);
	assert_int_equal(rig_free_frames(), before);
	/* Twice, in a page, the core's own, no RAM, none. */
	page_release(one);
	page_release(one + 8);
	page_release((page_t)tome_pfn_pa(tome_zero_frame(rig.vm)));
	page_release((page_t)1 << 40);
	page_release(0);
	assert_int_equal(rig_free_frames(), before);
	hosted_fail_alloc(rig.machine, NULL, 1, true);
	assert_int_equal(page_new(), 0);
	assert_int_equal(page_get(0, 8), 0);
	hosted_fail_alloc(rig.machine, NULL, 0, false);
}

static unsigned char *bits;

static void
agree(size_t page)
{
	bool used = bits[page / 8] >> page % 8 & 1;

	if (used != (tome_frame_identity(rig.vm, (tome_pfn_t)page) !=
	    TOME_PAGE_FREE))
		fail_msg("page %zu", page);
}

static void
test_bitmap(void **state)
{
	page_t p = page_new();
	size_t n = p / PG, at = k_map(0, PG, NULL, 0, 0, VMA_FG_ANON), k;

	(void)state;
	assert_int_equal(MMU_LG, 128 << 10);
	assert_int_equal(MMU_BMP[n / 8] >> n % 8 & 1, 1);
	page_release(p);
	tome_frames_drain(rig.vm, true);
	assert_int_equal(MMU_BMP[n / 8] >> n % 8 & 1, 0);
	assert_true(rig_poke(at, 1));
	k = mmu_read(at, false, false) / PG;
	assert_int_equal(MMU_BMP[k / 8] >> k % 8 & 1, 1);
	bits = MMU_BMP;
	for (size_t i = 0; i < MMU_LG * 8; i++)
		agree(i);
}

static void
test_globals(void **state)
{
	struct tome_stats s;
	page_t before = kMMU.free_pages, p;

	(void)state;
	tome_vm_stats(rig.vm, &s);
	assert_int_equal(kMMU.pages_amount, s.frames_total);
	assert_int_equal(kMMU.free_pages, s.frames_free);
	assert_int_equal(kMMU.page_size, PG);
	assert_int_equal(kMMU.uspace_lower_bound, LO);
	assert_int_equal(kMMU.uspace_upper_bound, HI);
	assert_int_equal(kMMU.max_vma_size, 1 << 30);
	assert_int_equal(kMMU.kspace->lower_bound, kMMU.kspace_lower_bound);
	assert_int_equal(kMMU.kspace->upper_bound, kMMU.kspace_upper_bound);
	p = page_new();
	assert_int_equal(kMMU.free_pages, before - 1);
	page_release(p);
	assert_int_equal(kMMU.free_pages, before);
}

/* ---- the kernel's memory ---- */

static void
test_kmap(void **state)
{
	inode_t *f = k_file(3);
	page_t run = page_get(0, 8);
	char *heap = DID(kmap(4 * PG, NULL, 0, VMA_FG_ANON));
	char *file = DID(kmap(2 * PG, f, PG, VMA_FG_RW_FILE));
	char *phys = DID(kmap(8 * PG, NULL, (off_t)run, VMA_FG_PHYS));
	size_t v_size = kMMU.kspace->v_size;

	(void)state;
	k_pointers();
	assert_int_equal(v_size, 14);
	assert_int_equal(kMMU.kspace->phys_pg_count, 14);
	heap[4 * PG - 1] = 'h';
	assert_int_equal(heap[0], 0);
	assert_int_equal(file[0], 'b');
	file[PG] = 'F';
	assert_int_equal(k_file_byte(f, 2 * PG), 'F');
	phys[3 * PG] = 'p';
	assert_int_equal(frame(run + 3 * PG)[0], 'p');
	k_count(kMMU.kspace);
	rig_check();
	assert_null(DID(kmap(0, NULL, 0, VMA_FG_ANON)));
	assert_int_equal(k_errno, EINVAL);
	DO(kunmap(phys, 8 * PG));
	DO(kunmap(file, 2 * PG));
	DO(kunmap(file, 2 * PG));
	assert_int_equal(k_errno, ENOENT);
	assert_int_equal(kMMU.kspace->v_size, v_size);
	assert_int_equal(DID(mspace_scavenge(kMMU.kspace)), 0);
	assert_int_equal(kMMU.kspace->v_size, 4);
	assert_int_equal(kMMU.kspace->phys_pg_count, 4);
	assert_int_equal(heap[4 * PG - 1], 'h');
	for (size_t i = 0; i < 8; i++)
		page_release(run + i * PG);
	k_file_end(f);
}

static void
test_phys(void **state)
{
	page_t p = page_new();
	char *a, *b;

	(void)state;
	k_pointers();
	k_refused(EINVAL, 0, PG, NULL, (off_t)p, 0, VMA_FG_PHYS);
	a = DID(mspace_map(kMMU.kspace, 0, PG, NULL, (off_t)p, 0,
	    VMA_FG_PHYS));
	b = DID(mspace_map(kMMU.kspace, 0, PG, NULL, (off_t)p, 0,
	    VMA_RO | VMA_PHYS));
	assert_non_null(a);
	assert_non_null(b);
	a[4] = 'x';
	assert_int_equal(b[4], 'x');
	assert_int_equal(frame(p)[4], 'x');
	DO(kunmap(a, PG));
	DO(kunmap(b, PG));
	assert_int_equal(DID(mspace_scavenge(kMMU.kspace)), 0);
	page_release(p);
	assert_int_not_equal(tome_frame_identity(rig.vm, tome_pa_pfn(p)),
	    TOME_PAGE_DEVICE);
}

static void
test_kalloc(void **state)
{
	uint64_t before = rig_free_frames();
	char *p = DID(kalloc(300)), *q = DID(kalloc(3 * PG));

	(void)state;
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	for (size_t i = 0; i < 3 * PG; i++)
		assert_int_equal(q[i], 0);
	memset(p, 1, 300);
	memset(q, 1, 3 * PG);
	DO(kfree(p));
	DO(kfree(q));
	DO(kfree(NULL));
	assert_true(rig_free_frames() + 2 >= before);
	assert_null(DID(kalloc(0)));
	assert_null(DID(kalloc((size_t)1 << 40)));
	q = DID(kalloc(3 * PG));
	assert_int_equal(q[PG], 0);
	DO(kfree(q));
}

/* ---- the MMU's calls ---- */

static void
test_mmu(void **state)
{
	size_t at = k_map(AT, 4 * PG, NULL, 0, 0, VMA_FG_ANON);
	mspace_t *other = DID(mspace_create());
	page_t p;

	(void)state;
	assert_int_equal(mmu_directory(), k_ms->directory);
	mmu_context(other);
	assert_int_equal(mmu_directory(), other->directory);
	mmu_context(NULL);
	assert_int_equal(mmu_directory(), kMMU.kspace->directory);
	mmu_context(k_ms);
	assert_int_equal(mmu_read(at, false, false), 0);
	p = DID(mmu_resolve(at + 5, 0, VMA_WRITE, false));
	assert_int_not_equal(p, 0);
	assert_int_equal(mmu_read(at, false, false), p);
	frame(p)[9] = 'm';
	assert_int_equal(rig_peek(at + 9), 'm');
	assert_int_equal(DID(mmu_resolve(at, p, VMA_READ, false)), p);
	assert_int_equal(DID(mmu_resolve(at, p + PG, VMA_READ, false)), 0);
	assert_int_equal(DID(mmu_resolve(at, 0, VMA_READ, true)), p);
	assert_int_equal(rig_peek(at + 9), 0);
	assert_true(rig_poke(at + 9, 'n'));
	assert_int_equal(DID(mmu_read(at, true, false)), p);
	assert_int_equal(DID(mmu_read(at, false, false)), 0);
	assert_int_equal(k_ms->phys_pg_count, 0);
	assert_int_equal(rig_peek(at + 9), 0);
	assert_int_equal(DID(mmu_resolve(at + 4 * PG, 0, VMA_READ, false)),
	    0);
	k_count(k_ms);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("R25", test_phys),
		TEST("R26", test_fault),
		TEST("R27", test_resolve),
		TEST("R28", test_sweep_pages),
		CONTRACT_TEST("R29 R30", test_ram, NULL, NULL),
		TEST("R30", test_pages),
		TEST("R31", test_bitmap),
		TEST("R32", test_globals),
		TEST("R33", test_kmap),
		TEST("R34", test_kalloc),
		TEST("R35", test_mmu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
