/*
 * tlb.c - AArch64: which operations move and flush the MMU, and in which order.
 *
 * Arm ARM, D8.13 and D8.14. What is relied upon:
 *  - An entry stored is seen by walks after DSB ISHST; this CPU's own later
 *    instructions want an ISB as well (tome_mmu_visible(), in format.h). Flushes here
 *    begin when that is done (tome_round()).
 *  - TLBI is done, on every CPU it is for, when a DSB ISH after it is; it covers the
 *    walk caches of its addresses.
 *  - By VA and ASID it takes global entries of the address, too; _ALL is under
 *    every ASID.
 *  - Cleaning and dropping of code are done, as TLBI is, at a DSB ISH of who asked.
 *  - EPD0 may be cached in a TLB: so what is cached under number 0 goes with it.
 */
#include <insn.h>
#include <tome/port.h>

static bool has_granule(uint64_t mmfr0, uint64_t mmfr2);
static void flush_end(void);

bool
tome_mmu_probe(struct tome_mmu *m)
{
	uint64_t mmfr0 = tome_insn_read_reg(TOME_A64_MMFR0);
	uint64_t mmfr1 = tome_insn_read_reg(TOME_A64_MMFR1);
	uint64_t range = TOME_MMFR0_PARANGE(mmfr0);
	const uint64_t most = TOME_A64_WIDTH == 52 ? 6 : 5;

	*m = (struct tome_mmu){0};
	m->levels = TOME_A64_LEVELS;
	m->large_level = TOME_PAGE_SHIFT == 12 ? 2 : 1;
	m->asids = TOME_MMFR0_ASID16(mmfr0) ? 0x10000 : 0x100;
	m->user_max = ((tome_va_t)1 << TOME_A64_WIDTH) - TOME_PAGE_SIZE;
	m->kernel_min = ~(tome_va_t)0 << TOME_A64_WIDTH;
	m->range = TOME_ISAR0_RANGE(tome_insn_read_reg(TOME_A64_ISAR0));
	m->pan = TOME_MMFR1_PAN(mmfr1) != 0;
	m->young = TOME_MMFR1_HAFDBS(mmfr1) >= 1 ? 0 : TOME_A64_AF;
	m->tcr = TOME_TCR_SIZES | TOME_TCR_WALKS | TOME_TCR_GRANULE |
	    (range < most ? range : most) << TOME_TCR_IPS_SHIFT |
	    (TOME_MMFR0_ASID16(mmfr0) ? TOME_TCR_AS16 : 0) |
	    (TOME_MMFR1_HAFDBS(mmfr1) >= 1 ? TOME_TCR_HA : 0) |
	    (TOME_MMFR1_HAFDBS(mmfr1) >= 2 ? TOME_TCR_HD : 0) |
	    TOME_TCR_DS;
	return has_granule(mmfr0, tome_insn_read_reg(TOME_A64_MMFR2));
}

/* Of that width, too. */
static bool
has_granule(uint64_t mmfr0, uint64_t mmfr2)
{
	const uint64_t lpa2 = TOME_A64_LPA2;

	if (TOME_PAGE_SHIFT == 14)
		return TOME_MMFR0_GRANULE16(mmfr0) > lpa2;
	if (TOME_PAGE_SHIFT == 12)
		return ((TOME_MMFR0_GRANULE4(mmfr0) + 1) & 15) > lpa2;
	return TOME_MMFR0_GRANULE64(mmfr0) != 15 &&
	    (TOME_A64_WIDTH == 48 || TOME_MMFR2_WIDE(mmfr2) != 0);
}

void
tome_mmu_start(const struct tome_mmu *m, tome_pa_t kernel_root)
{
	tome_insn_write_reg(TOME_A64_MAIR, TOME_MAIR_TYPES);
	tome_insn_write_reg(TOME_A64_TCR, m->tcr | TOME_TCR_EPD0);
	tome_insn_write_reg(TOME_A64_TTBR1, TOME_TTBR_ROOT(kernel_root));
	tome_insn_isb();
	/* What was cached under the boot code's registers goes. */
	tome_mmu_flush_all(m);
}

/* Walks of TTBR0 are off while it holds no root: off first, on last. */
void
tome_mmu_switch(const struct tome_mmu *m, tome_pa_t root, unsigned asid,
    bool flush)
{
	uint64_t tcr = m->tcr | (root == 0 ? TOME_TCR_EPD0 : 0);
	uint64_t was = tome_insn_read_reg(TOME_A64_TCR);

	if (root == 0) {
		tome_insn_write_reg(TOME_A64_TCR, tcr);
		tome_insn_isb();
	}
	tome_insn_write_reg(TOME_A64_TTBR0, TOME_TTBR_ROOT(root) |
	    (uint64_t)asid << TOME_TTBR_ASID_SHIFT);
	tome_insn_isb();
	if (root != 0 && was != tcr) {
		tome_insn_write_reg(TOME_A64_TCR, tcr);
		tome_insn_isb();
	}
	if (flush || root == 0)
		tome_mmu_flush_asid(m);
}

/* All TLBI so far are done. */
static void
flush_end(void)
{
	tome_insn_dsb_ish();
	tome_insn_isb();
}

static unsigned
running_asid(void)
{
	return (unsigned)(tome_insn_read_reg(TOME_A64_TTBR0) >>
	    TOME_TTBR_ASID_SHIFT);
}

void
tome_mmu_flush_pages(const struct tome_mmu *m, tome_va_t start, tome_va_t end)
{
	unsigned asid = running_asid();

	(void)m;
	for (; start != end; start += TOME_PAGE_SIZE)
		tome_insn_tlbi(TOME_TLBI_VA, TOME_TLBI_ADDRESS(start) |
		    TOME_TLBI_NUMBER(asid));
	flush_end();
}

void
tome_mmu_flush_asid(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_tlbi(TOME_TLBI_ASID, TOME_TLBI_NUMBER(running_asid()));
	flush_end();
}

void
tome_mmu_flush_all(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_tlbi(TOME_TLBI_ALL, 0);
	flush_end();
}

/* ---- every CPU ---- */

/*
 * By ranges, where they can begin: they have an even number of pages, at most 64 at the
 * first scale. More are not asked for (TOME_PORT_FLUSH_PAGES).
 */
void
tome_mmu_broadcast_pages(const struct tome_mmu *m, unsigned asid,
    tome_va_t start, tome_va_t end)
{
	const tome_va_t between = ((tome_va_t)1 << TOME_TLBI_RANGE_SHIFT) - 1;
	const uint64_t granule = (TOME_PAGE_SHIFT - 10) / 2;

	while (start != end) {
		tome_va_t pairs = (end - start) >> (TOME_PAGE_SHIFT + 1);

		if (m->range && pairs != 0 && (start & between) == 0) {
			tome_insn_tlbi(asid != 0 ? TOME_TLBI_RANGE_IS :
			    TOME_TLBI_RANGE_ALL_IS, TOME_TLBI_PAGES(start,
			    pairs - 1, 0, granule) | TOME_TLBI_NUMBER(asid));
			start += pairs << (TOME_PAGE_SHIFT + 1);
		} else {
			tome_insn_tlbi(asid != 0 ? TOME_TLBI_VA_IS :
			    TOME_TLBI_VA_ALL_IS, TOME_TLBI_ADDRESS(start) |
			    TOME_TLBI_NUMBER(asid));
			start += TOME_PAGE_SIZE;
		}
	}
	flush_end();
}

void
tome_mmu_broadcast_asid(const struct tome_mmu *m, unsigned asid)
{
	(void)m;
	tome_insn_tlbi(TOME_TLBI_ASID_IS, TOME_TLBI_NUMBER(asid));
	flush_end();
}

void
tome_mmu_broadcast_all(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_tlbi(TOME_TLBI_ALL_IS, 0);
	flush_end();
}

/* ---- code ---- */

void
tome_mmu_sync_icache(const struct tome_mmu *m, const void *frame)
{
	(void)m;
	tome_insn_clean_code(frame, TOME_PAGE_SIZE);
	tome_insn_dsb_ish();
	tome_insn_drop_code(frame, TOME_PAGE_SIZE);
	flush_end();
}
