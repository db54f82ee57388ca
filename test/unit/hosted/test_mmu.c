/*
 * test_mmu.c - the software MMU against the manual, and the judge against
 * planted violations: what it must catch, it catches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables.h"

#define VA UINT64_C(0x400000)
#define KVA UINT64_C(0xffffc90000000000)

static const unsigned all_modes[] = {
	0, HOSTED_NEVER_EVICT, HOSTED_RANDOM_EVICT, HOSTED_SPECULATE,
	HOSTED_WALK_CACHE, HOSTED_NEVER_EVICT | HOSTED_WALK_CACHE,
	HOSTED_DELAY_ACKS, HOSTED_LATE_ACCESSED, HOSTED_MODES,
};
#define NMODES (sizeof all_modes / sizeof all_modes[0])

static uint8_t
read_byte(tome_va_t va)
{
	uint8_t b = 0;

	assert_int_equal(hosted_read(va, &b, 1, NULL, NULL), TOME_OK);
	return b;
}

static enum tome_err
write_byte(tome_va_t va, uint8_t b)
{
	return hosted_write(va, &b, 1, NULL, NULL);
}

/* ---- translation and rights ---- */

static void
test_reads_what_was_written(void **state)
{
	struct tables t;
	char in[6000], out[6000];
	unsigned i, mode;

	(void)state;
	for (mode = 0; mode < NMODES; mode++) {
		t_init(&t, &(struct hosted_config){
		    .modes = all_modes[mode] });
		/* Two pages whose frames are not neighbours. */
		t_map(&t, VA + 4096, t_frame(&t), T_USER);
		t_map(&t, VA, t_frame(&t), T_USER);
		for (i = 0; i < sizeof in; i++)
			in[i] = (char)(i * 7 + mode);
		assert_int_equal(hosted_write(VA + 100, in, sizeof in, NULL,
		    NULL), TOME_OK);
		assert_int_equal(hosted_read(VA + 100, out, sizeof out, NULL,
		    NULL), TOME_OK);
		assert_memory_equal(in, out, sizeof in);
		assert_true(hosted_judge(t.m));
		hosted_destroy(t.m);
	}
}

static void
test_rights_of_every_level(void **state)
{
	struct tables t;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ 0 });
	t_map(&t, VA, t_frame(&t), T_P | T_U | T_NX);
	assert_int_equal(read_byte(VA), 0);
	assert_int_equal(write_byte(VA, 1), TOME_EFAULT);
	assert_int_equal(hosted_exec(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	/* Writable leaf under a read-only upper entry. */
	t_map(&t, VA + 4096, t_frame(&t), T_USER);
	assert_int_equal(write_byte(VA + 4096, 1), TOME_OK);
	*t_entry(&t, t.root, VA, 30) &= ~T_W;
	hosted_x86_write_cr3(t.root);
	assert_int_equal(write_byte(VA + 4096, 2), TOME_EFAULT);
	/* Supervisor by the top entry. */
	*t_entry(&t, t.root, VA, 39) &= ~T_U;
	hosted_x86_write_cr3(t.root);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_int_equal(hosted_kread(VA, &b, 1, false), TOME_OK);
	hosted_destroy(t.m);
}

static void
test_kernel_and_user_pages(void **state)
{
	struct tables t;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ 0 });
	t_map(&t, VA, t_frame(&t), T_P | T_U);
	assert_int_equal(hosted_kread(VA, &b, 1, false), TOME_EFAULT);
	assert_int_equal(hosted_kread(VA, &b, 1, true), TOME_OK);
	/* Write protection holds for the kernel too. */
	assert_int_equal(hosted_kwrite(VA, &b, 1, true), TOME_EFAULT);
	hosted_destroy(t.m);
}

static void
test_large_leaf(void **state)
{
	struct tables t;
	tome_pa_t big;

	(void)state;
	t_init(&t, &(struct hosted_config){ .ram = 8 << 20 });
	big = (t.next + (2 << 20) - 1) & ~(tome_pa_t)((2 << 20) - 1);
	tome_insn_pte_xchg(t_entry(&t, t.root, VA, 21), big | T_USER | T_PS);
	assert_int_equal(write_byte(VA + 0x12345, 7), TOME_OK);
	assert_int_equal(*((uint8_t *)t_ptr(&t, big) + 0x12345), 7);
	assert_true(hosted_judge(t.m));
	hosted_destroy(t.m);
}

static void
test_impossible_addresses(void **state)
{
	struct tables t;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ 0 });
	assert_int_equal(hosted_read(UINT64_C(0x800000000000), &b, 1, NULL,
	    NULL), TOME_EFAULT);
	/* With five levels it is merely not mapped. */
	hosted_destroy(t.m);
	t_init(&t, &(struct hosted_config){ .cpu = HOSTED_X86_LA57 });
	assert_int_equal(hosted_read(UINT64_C(0x800000000000), &b, 1, NULL,
	    NULL), TOME_EFAULT);
	hosted_destroy(t.m);
}

static void
test_accessed_and_modified(void **state)
{
	struct tables t;
	tome_pte_t *e;

	(void)state;
	t_init(&t, &(struct hosted_config){ 0 });
	t_map(&t, VA, t_frame(&t), T_USER);
	e = t_entry(&t, t.root, VA, 12);
	assert_int_equal(*e & (T_A | T_D), 0);
	read_byte(VA);
	assert_int_equal(*e & (T_A | T_D), T_A);
	assert_int_equal(write_byte(VA, 1), TOME_OK);
	assert_int_equal(*e & (T_A | T_D), T_A | T_D);
	assert_int_not_equal(*t_entry(&t, t.root, VA, 21) & T_A, 0);
	hosted_destroy(t.m);
}

/* Late A bits appear when the entry goes, and never on another translation. */
static void
test_late_accessed(void **state)
{
	struct tables t;
	tome_pte_t *e;

	(void)state;
	t_init(&t, &(struct hosted_config){
	    .modes = HOSTED_LATE_ACCESSED | HOSTED_NEVER_EVICT });
	t_map(&t, VA, t_frame(&t), T_USER);
	e = t_entry(&t, t.root, VA, 12);
	read_byte(VA);
	assert_int_equal(*e & T_A, 0);
	hosted_x86_invlpg(VA);
	assert_int_equal(*e & T_A, T_A);
	*e &= ~T_A;
	hosted_x86_invlpg(VA);
	read_byte(VA);
	tome_insn_pte_xchg(e, 0);
	hosted_x86_invlpg(VA);
	assert_int_equal(*e, 0);
	hosted_destroy(t.m);
}

/* ---- what flushes do and do not ---- */

static void
test_stale_until_flushed(void **state)
{
	struct tables t;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ .modes = HOSTED_NEVER_EVICT });
	t_map(&t, VA, t_frame(&t), T_USER);
	assert_int_equal(write_byte(VA, 5), TOME_OK);
	tome_insn_pte_xchg(t_entry(&t, t.root, VA, 12), 0);
	assert_int_equal(read_byte(VA), 5);
	hosted_x86_invlpg(VA);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	hosted_destroy(t.m);
}

static void
test_pcids_and_globals(void **state)
{
	struct tables t;
	tome_pa_t other;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ .modes = HOSTED_NEVER_EVICT });
	hosted_x86_write_cr4(hosted_x86_read_cr4() | TOME_CR4_PGE |
	    TOME_CR4_PCIDE);
	hosted_x86_write_cr3(t.root | 1);
	t_map(&t, VA, t_frame(&t), T_USER);
	t_map(&t, VA + 4096, t_frame(&t), T_USER | T_G);
	read_byte(VA), read_byte(VA + 4096);
	tome_insn_pte_xchg(t_entry(&t, t.root, VA, 12), 0);
	tome_insn_pte_xchg(t_entry(&t, t.root, VA + 4096, 12), 0);
	/* Another tag sees the global one only. */
	other = t_frame(&t);
	hosted_x86_write_cr3(other | 2);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_int_equal(hosted_read(VA + 4096, &b, 1, NULL, NULL), TOME_OK);
	/* Back without a flush, the tag's are there; with one, gone. */
	hosted_x86_write_cr3(t.root | 1 | TOME_CR3_NOFLUSH);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_OK);
	hosted_x86_write_cr3(t.root | 1);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_int_equal(hosted_read(VA + 4096, &b, 1, NULL, NULL), TOME_OK);
	hosted_x86_invpcid(TOME_INVPCID_ALL, 0, 0);
	assert_int_equal(hosted_read(VA + 4096, &b, 1, NULL, NULL), TOME_OK);
	hosted_x86_invpcid(TOME_INVPCID_ALL_GLOBAL, 0, 0);
	assert_int_equal(hosted_read(VA + 4096, &b, 1, NULL, NULL),
	    TOME_EFAULT);
	hosted_destroy(t.m);
}

/* A leaf table exchanged for another is seen only after its walk cache goes. */
static void
test_walk_cache_keeps_upper_entries(void **state)
{
	struct tables t;
	tome_pa_t frame, table;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){
	    .modes = HOSTED_WALK_CACHE | HOSTED_NEVER_EVICT });
	t_map(&t, VA, t_frame(&t), T_USER);
	frame = t_frame(&t);
	t_map(&t, VA + 4096, frame, T_USER);
	read_byte(VA);
	table = t_frame(&t);
	tome_insn_pte_xchg(t_entry(&t, t.root, VA, 21), table | T_UPPER);
	/* The old table still translates VA + 4096: a walk goes through it. */
	assert_int_equal(hosted_read(VA + 4096, &b, 1, NULL, NULL), TOME_OK);
	assert_false(hosted_judge(t.m));
	assert_true(t_violated(&t, HOSTED_STALE));
	hosted_x86_invlpg(VA + 8192);
	hosted_x86_invlpg(VA + 4096);
	assert_int_equal(hosted_read(VA + 4096, &b, 1, NULL, NULL),
	    TOME_EFAULT);
	hosted_x86_invlpg(VA);
	assert_true(hosted_judge(t.m));
	hosted_destroy(t.m);
}

static void
test_fault_drops_its_entry(void **state)
{
	struct tables t;

	(void)state;
	t_init(&t, &(struct hosted_config){ .modes = HOSTED_NEVER_EVICT });
	t_map(&t, VA, t_frame(&t), T_P | T_U);
	read_byte(VA);
	*t_entry(&t, t.root, VA, 12) |= T_W;
	/* The stale entry refuses once; the fault it raised dropped it. */
	assert_int_equal(write_byte(VA, 1), TOME_EFAULT);
	assert_int_equal(write_byte(VA, 1), TOME_OK);
	hosted_destroy(t.m);
}

/* ---- speculation ---- */

static void
test_speculation_caches_untouched_pages(void **state)
{
	struct tables t;
	struct hosted_counts n;
	unsigned i;
	tome_pa_t frame;

	(void)state;
	t_init(&t, &(struct hosted_config){
	    .modes = HOSTED_SPECULATE | HOSTED_NEVER_EVICT });
	frame = t_frame(&t);
	t_map(&t, VA + 4096 * 77, frame, T_USER);
	t_map(&t, VA, t_frame(&t), T_USER);
	for (i = 0; i < 1000; i++)
		read_byte(VA);
	hosted_counts(t.m, &n);
	assert_true(n.speculated > 0);
	assert_true(hosted_cached(t.m, tome_pa_pfn(frame)) > 0);
	hosted_destroy(t.m);
}

/* ---- planted violations ---- */

static void
test_judge_missing_flush(void **state)
{
	struct tables t;

	(void)state;
	t_init(&t, &(struct hosted_config){ .modes = HOSTED_NEVER_EVICT,
	    .ncpus = 2 });
	t_map(&t, VA, t_frame(&t), T_USER);
	hosted_become(t.m, 1);
	hosted_x86_write_cr3(t.root);
	read_byte(VA);
	hosted_become(t.m, 0);
	assert_true(hosted_judge(t.m));
	/* Rights taken away, flushed here but not on CPU 1. */
	t_map(&t, VA, *t_entry(&t, t.root, VA, 12) & ~T_W, 0);
	hosted_x86_invlpg(VA);
	assert_false(hosted_judge(t.m));
	assert_true(t_violated(&t, HOSTED_STALE));
	hosted_become(t.m, 1);
	hosted_x86_invlpg(VA);
	assert_true(hosted_judge(t.m));
	hosted_destroy(t.m);
}

static void
test_strict_hit(void **state)
{
	struct tables t;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){
	    .modes = HOSTED_NEVER_EVICT | HOSTED_STRICT });
	t_map(&t, VA, t_frame(&t), T_USER);
	read_byte(VA);
	tome_insn_pte_xchg(t_entry(&t, t.root, VA, 12), 0);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_true(t_violated(&t, HOSTED_STALE));
	hosted_destroy(t.m);
}

static void
test_strict_exchange_then_flush(void **state)
{
	struct tables t;

	(void)state;
	t_init(&t, &(struct hosted_config){
	    .modes = HOSTED_NEVER_EVICT | HOSTED_STRICT });
	t_map(&t, VA, t_frame(&t), T_USER);
	t_map(&t, VA, t_frame(&t), T_USER);
	assert_true(t_violated(&t, HOSTED_BBM));
	/* Cleared, but not flushed before the new one goes in. */
	read_byte(VA);
	t_map(&t, VA, 0, 0);
	t_map(&t, VA, t_frame(&t), T_USER);
	assert_true(t_violated(&t, HOSTED_BBM));
	hosted_x86_invlpg(VA);
	t_map(&t, VA, 0, 0);
	t_map(&t, VA, t_frame(&t), T_USER);
	assert_int_equal(hosted_violations(t.m), 0);
	hosted_destroy(t.m);
}

static enum tome_identity pretend;
static enum tome_identity
identity(struct tome_vm *vm, tome_pfn_t pfn)
{
	(void)vm, (void)pfn;
	return pretend;
}

static void
test_freed_frame(void **state)
{
	struct tables t;
	int something;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ .modes = HOSTED_NEVER_EVICT });
	hosted_attach(t.m, (struct tome_vm *)(void *)&something, NULL,
	    identity);
	pretend = TOME_PAGE_ANON;
	t_map(&t, VA, t_frame(&t), T_USER);
	read_byte(VA);
	assert_true(hosted_judge(t.m));
	pretend = TOME_PAGE_FREE;
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_true(t_violated(&t, HOSTED_FREED));
	assert_false(hosted_judge(t.m));
	assert_true(t_violated(&t, HOSTED_FREED));
	hosted_destroy(t.m);
}

static void
test_modified_bit_lost(void **state)
{
	struct tables t;

	(void)state;
	t_init(&t, &(struct hosted_config){ .modes = HOSTED_NEVER_EVICT });
	t_map(&t, VA, t_frame(&t), T_USER);
	assert_int_equal(write_byte(VA, 1), TOME_OK);
	*t_entry(&t, t.root, VA, 12) &= ~T_D;
	assert_false(hosted_judge(t.m));
	assert_true(t_violated(&t, HOSTED_MODIFIED));
	hosted_destroy(t.m);
}

static void
test_memory_types(void **state)
{
	struct tables t;
	tome_pa_t frame;

	(void)state;
	t_init(&t, &(struct hosted_config){ .modes = HOSTED_NEVER_EVICT });
	frame = t_frame(&t);
	t_map(&t, VA, frame, T_USER);
	t_map(&t, VA + 4096, frame, T_USER | 0x10);	/* PCD */
	read_byte(VA), read_byte(VA + 4096);
	assert_false(hosted_judge(t.m));
	assert_true(t_violated(&t, HOSTED_TYPES));
	hosted_destroy(t.m);
}

static void
test_bad_tables(void **state)
{
	struct tables t;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ 0 });
	t_map(&t, VA, t_frame(&t) | UINT64_C(1) << 50, T_USER);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_true(t_violated(&t, HOSTED_TABLE));
	*t_entry(&t, t.root, VA, 21) = UINT64_C(0x7f000000000) | T_UPPER;
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_true(t_violated(&t, HOSTED_TABLE));
	hosted_destroy(t.m);
}

static enum tome_err
shrug(void *arg, tome_va_t va, tome_prot_t access)
{
	(void)va, (void)access;
	++*(unsigned *)arg;
	return TOME_OK;
}

static void
test_fault_without_progress(void **state)
{
	struct tables t;
	unsigned faults = 0;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ 0 });
	assert_int_equal(hosted_read(VA, &b, 1, shrug, &faults), TOME_EFAULT);
	assert_true(faults > 100);
	assert_true(t_violated(&t, HOSTED_STUCK));
	hosted_destroy(t.m);
}

/* ---- what weaker formats ask of a port ---- */

static void
test_entries_seen_when_made_visible(void **state)
{
	struct tables t;
	tome_pte_t *e;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ .mmu_flags = HOSTED_MMU_WEAK });
	e = t_entry(&t, t.root, VA, 12);
	hosted_make_visible(t_ptr(&t, t.boot.ranges[0].base),
	    (size_t)t.boot.ranges[0].len);
	t_map(&t, VA, t_frame(&t), T_USER);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	hosted_make_visible(e, sizeof *e);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_OK);
	/* In any other mode a walker may see it early. */
	hosted_destroy(t.m);
	t_init(&t, &(struct hosted_config){ .mmu_flags = HOSTED_MMU_WEAK,
	    .modes = HOSTED_NEVER_EVICT });
	e = t_entry(&t, t.root, VA, 12);
	hosted_make_visible(t_ptr(&t, t.boot.ranges[0].base),
	    (size_t)t.boot.ranges[0].len);
	t_map(&t, VA, t_frame(&t), T_USER);
	while (hosted_read(VA, &b, 1, NULL, NULL) != TOME_OK)
		continue;
	hosted_destroy(t.m);
}

static void
test_break_before_make(void **state)
{
	struct tables t;

	(void)state;
	t_init(&t, &(struct hosted_config){ .mmu_flags = HOSTED_MMU_BBM });
	t_map(&t, VA, t_frame(&t), T_USER);
	t_map(&t, VA, t_frame(&t), T_USER);
	assert_true(t_violated(&t, HOSTED_BBM));
	/* Rights may change in place. */
	t_map(&t, VA, *t_entry(&t, t.root, VA, 12) & ~T_W, 0);
	assert_int_equal(hosted_violations(t.m), 0);
	hosted_destroy(t.m);
}

static void
test_instructions_need_syncing(void **state)
{
	struct tables t;
	tome_pa_t frame;
	uint8_t b = 0;

	(void)state;
	t_init(&t, &(struct hosted_config){ .mmu_flags = HOSTED_MMU_ICACHE });
	frame = t_frame(&t);
	t_map(&t, VA, frame, T_USER);
	assert_int_equal(write_byte(VA, 1), TOME_OK);
	assert_int_equal(hosted_exec(VA, &b, 1, NULL, NULL), TOME_OK);
	assert_true(t_violated(&t, HOSTED_ICACHE));
	hosted_sync_icache(frame);
	assert_int_equal(write_byte(VA, 2), TOME_OK);
	assert_int_equal(hosted_exec(VA, &b, 1, NULL, NULL), TOME_OK);
	assert_int_equal(b, 1);
	hosted_sync_icache(frame);
	assert_int_equal(hosted_exec(VA, &b, 1, NULL, NULL), TOME_OK);
	assert_int_equal(b, 2);
	hosted_destroy(t.m);
}

/* ---- kernel pointers ---- */

static void
poke(void *arg)
{
	*(volatile char *)arg = 1;
}

static void
test_kernel_pointers(void **state)
{
	struct tables t;
	char text[128];
	char *p;
	tome_pa_t frame;

	(void)state;
	t_init(&t, &(struct hosted_config){ 0 });
	p = tome_host_kva(t.boot.kva_bias, KVA + 0x5000);
	assert_true(hosted_catch(poke, p, text, sizeof text));
	assert_non_null(strstr(text, "stale kernel pointer"));
	frame = t_frame(&t);
	t_map(&t, KVA + 0x5000, frame, T_P | T_W);
	assert_false(hosted_catch(poke, p, text, sizeof text));
	assert_int_equal(*(char *)t_ptr(&t, frame), 1);
	/* Another frame at the same address. */
	t_map(&t, KVA + 0x5000, 0, 0);
	frame = t_frame(&t);
	t_map(&t, KVA + 0x5000, frame, T_P | T_W);
	*p = 9;
	assert_int_equal(*(char *)t_ptr(&t, frame), 9);
	/* Read-only; then gone by its leaf; then by an upper entry. */
	t_map(&t, KVA + 0x5000, frame, T_P);
	assert_int_equal(*p, 9);
	assert_true(hosted_catch(poke, p, text, sizeof text));
	t_map(&t, KVA + 0x5000, 0, 0);
	assert_true(hosted_catch(poke, p, text, sizeof text));
	t_map(&t, KVA + 0x5000, frame, T_P | T_W);
	*p = 3;
	tome_insn_pte_xchg(t_entry(&t, t.root, KVA, 30), 0);
	assert_true(hosted_catch(poke, p, text, sizeof text));
	hosted_destroy(t.m);
}

static void
test_windows(void **state)
{
	struct tables t;
	struct hosted_config config = { .nranges = 1, .ranges = {
	    { .base = 0x100000, .len = 0x800000 } }, .direct_end = 0x300000 };
	tome_pa_t high = 0x500000;
	char *w;

	(void)state;
	t_init(&t, &config);
	tome_host_preempt_off();
	w = hosted_host(t.m)->window_enter(t.m, high);
	w[5] = 42;
	/* Entries written through a window are entries too. */
	*(tome_pte_t *)(void *)(w + 64) = 0;
	tome_insn_pte_xchg((tome_pte_t *)(void *)(w + 64), 7);
	hosted_host(t.m)->window_leave(t.m, w);
	w = hosted_host(t.m)->window_enter(t.m, high);
	assert_int_equal(w[5], 42);
	assert_int_equal(w[64], 7);
	hosted_host(t.m)->window_leave(t.m, w);
	tome_host_preempt_on();
	hosted_destroy(t.m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_was_written),
		cmocka_unit_test(test_rights_of_every_level),
		cmocka_unit_test(test_kernel_and_user_pages),
		cmocka_unit_test(test_large_leaf),
		cmocka_unit_test(test_impossible_addresses),
		cmocka_unit_test(test_accessed_and_modified),
		cmocka_unit_test(test_late_accessed),
		cmocka_unit_test(test_stale_until_flushed),
		cmocka_unit_test(test_pcids_and_globals),
		cmocka_unit_test(test_walk_cache_keeps_upper_entries),
		cmocka_unit_test(test_fault_drops_its_entry),
		cmocka_unit_test(test_speculation_caches_untouched_pages),
		cmocka_unit_test(test_judge_missing_flush),
		cmocka_unit_test(test_strict_hit),
		cmocka_unit_test(test_strict_exchange_then_flush),
		cmocka_unit_test(test_freed_frame),
		cmocka_unit_test(test_modified_bit_lost),
		cmocka_unit_test(test_memory_types),
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_fault_without_progress),
		cmocka_unit_test(test_entries_seen_when_made_visible),
		cmocka_unit_test(test_break_before_make),
		cmocka_unit_test(test_instructions_need_syncing),
		cmocka_unit_test(test_kernel_pointers),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
