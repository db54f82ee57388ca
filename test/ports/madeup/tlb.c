/*
 * tlb.c - the made-up CPU's TLB operations (<tome/port.h>).
 */
#include <string.h>

#include <insn.h>
#include <tome/port.h>

#include "../mmu.h"

bool
tome_mmu_probe(struct tome_mmu *m)
{
	m->levels = 3;
	m->large_level = 0;
	m->asids = test_features & 15;
	m->broadcast = test_features & 16;
	m->user_min = 0;
	m->kernel_min = 0x80000000u;
	m->user_max = m->kernel_min - TOME_PAGE_SIZE;
	return true;
}

void
tome_mmu_start(const struct tome_mmu *m, tome_pa_t kernel_root)
{
	(void)m;
	tome_insn_set_kernel_root(kernel_root);
	tome_insn_set_root(0, 0);
	tome_insn_flush_all();
}

void
tome_mmu_switch(const struct tome_mmu *m, tome_pa_t root, unsigned asid,
    bool flush)
{
	tome_insn_set_root(root, asid);
	if (flush || m->asids == 0)
		tome_insn_flush_number(asid);
}

void
tome_mmu_flush_pages(const struct tome_mmu *m, tome_va_t start, tome_va_t end)
{
	(void)m;
	for (; start != end; start += TOME_PAGE_SIZE)
		tome_insn_flush_page(start);
}

void
tome_mmu_flush_asid(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_flush_number(tome_insn_get_number());
}

void
tome_mmu_flush_all(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_flush_all();
}

void
tome_mmu_broadcast_pages(const struct tome_mmu *m, unsigned asid,
    tome_va_t start, tome_va_t end)
{
	(void)m;
	for (; start != end; start += TOME_PAGE_SIZE)
		test_broadcast_page(start, asid, asid == 0);
}

void
tome_mmu_broadcast_asid(const struct tome_mmu *m, unsigned asid)
{
	(void)m;
	test_broadcast_asid(asid);
}

void
tome_mmu_broadcast_all(const struct tome_mmu *m)
{
	(void)m;
	test_broadcast_all();
}

void
tome_mmu_visible(const struct tome_mmu *m, const tome_pte_t *first, size_t n)
{
	size_t at = (size_t)((const unsigned char *)first - test_ram);

	(void)m;
	memcpy(test_seen_ram + at, first, n * sizeof(*first));
}

void
tome_mmu_sync_icache(const struct tome_mmu *m, const void *frame)
{
	(void)m, (void)frame;
	test_icache_syncs++;
}
