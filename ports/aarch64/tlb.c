/*
 * tlb.c - AArch64: which operations move and flush the MMU, and in which order.
 *
 * Arm ARM, D8.13 and D8.14. What is relied upon:
 *  - An entry stored is seen by walks after DSB ISHST; this CPU's own later
 *    instructions want an ISB as well (tome_mmu_visible(), in format.h).
 *  - TLBI is done, on every CPU it is for, when a DSB ISH after it is; it covers the
 *    walk caches of its addresses. Entries stored before DSB ISHST stay flushed.
 *  - By VA and ASID it takes global entries of the address, too; _ALL is under
 *    every ASID.
 *  - Cleaning and dropping of code are done, as TLBI is, at a DSB ISH of who asked.
 *  - EPD0 may be cached in a TLB: so what is cached under number 0 goes with it.
 */
#include <insn.h>
#include <tome/port.h>

static bool probe_granule(uint64_t mmfr0, unsigned *tg0, unsigned *tg1);
static void flush_begin(void);
static void flush_end(void);
static void flush_range(const struct tome_mmu *, unsigned asid,
    tome_va_t start, tome_va_t end);

bool
tome_mmu_probe(struct tome_mmu *m)
{
	uint64_t mmfr0 = tome_insn_read_reg(TOME_A64_MMFR0);
	uint64_t mmfr1 = tome_insn_read_reg(TOME_A64_MMFR1);
	uint64_t range = TOME_MMFR0_PARANGE(mmfr0);
	unsigned tg0, tg1;

	*m = (struct tome_mmu){0};
	m->levels = TOME_A64_LEVELS;
	m->large_level = TOME_PAGE_SHIFT == 12 ? 2 : 1;
	m->asids = TOME_MMFR0_ASID16(mmfr0) ? 0x10000 : 0x100;
	m->user_max = ((tome_va_t)1 << TOME_A64_VA_BITS) - TOME_PAGE_SIZE;
	m->kernel_min = ~(tome_va_t)0 << TOME_A64_VA_BITS;
	m->range = TOME_ISAR0_RANGE(tome_insn_read_reg(TOME_A64_ISAR0));
	m->pan = TOME_MMFR1_PAN(mmfr1) != 0;
	m->young = TOME_MMFR1_HAFDBS(mmfr1) >= 1 ? 0 : TOME_A64_AF;
	if (!probe_granule(mmfr0, &tg0, &tg1))
		return false;
	/* 48 bits of physical address are the most that entries here have. */
	m->tcr = TOME_TCR_SIZES | TOME_TCR_WALKS |
	    (uint64_t)tg0 << TOME_TCR_TG0_SHIFT |
	    (uint64_t)tg1 << TOME_TCR_TG1_SHIFT |
	    (range < 5 ? range : 5) << TOME_TCR_IPS_SHIFT |
	    (TOME_MMFR0_ASID16(mmfr0) ? TOME_TCR_AS16 : 0) |
	    (TOME_MMFR1_HAFDBS(mmfr1) >= 1 ? TOME_TCR_HA : 0) |
	    (TOME_MMFR1_HAFDBS(mmfr1) >= 2 ? TOME_TCR_HD : 0);
	return true;
}

/* How TCR names it, differently on the two sides. */
static bool
probe_granule(uint64_t mmfr0, unsigned *tg0, unsigned *tg1)
{
	*tg0 = TOME_PAGE_SHIFT == 12 ? 0 : TOME_PAGE_SHIFT == 14 ? 2 : 1;
	*tg1 = TOME_PAGE_SHIFT == 12 ? 2 : TOME_PAGE_SHIFT == 14 ? 1 : 3;
	if (TOME_PAGE_SHIFT == 12)
		return TOME_MMFR0_GRANULE4(mmfr0);
	return TOME_PAGE_SHIFT == 14 ? TOME_MMFR0_GRANULE16(mmfr0) :
	    TOME_MMFR0_GRANULE64(mmfr0);
}

void
tome_mmu_start(const struct tome_mmu *m, tome_pa_t kernel_root)
{
	tome_insn_write_reg(TOME_A64_MAIR, TOME_MAIR_TYPES);
	tome_insn_write_reg(TOME_A64_TCR, m->tcr | TOME_TCR_EPD0);
	tome_insn_write_reg(TOME_A64_TTBR1, kernel_root);
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
	tome_insn_write_reg(TOME_A64_TTBR0, root |
	    (uint64_t)asid << TOME_TTBR_ASID_SHIFT);
	tome_insn_isb();
	if (root != 0 && was != tcr) {
		tome_insn_write_reg(TOME_A64_TCR, tcr);
		tome_insn_isb();
	}
	if (flush || root == 0)
		tome_mmu_flush_asid(m);
}

static void
flush_begin(void)
{
	tome_insn_dsb_ishst();
}

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
	flush_begin();
	for (; start != end; start += TOME_PAGE_SIZE)
		tome_insn_tlbi(TOME_TLBI_VA, TOME_TLBI_ADDRESS(start) |
		    TOME_TLBI_NUMBER(asid));
	flush_end();
}

void
tome_mmu_flush_asid(const struct tome_mmu *m)
{
	(void)m;
	flush_begin();
	tome_insn_tlbi(TOME_TLBI_ASID, TOME_TLBI_NUMBER(running_asid()));
	flush_end();
}

void
tome_mmu_flush_all(const struct tome_mmu *m)
{
	(void)m;
	flush_begin();
	tome_insn_tlbi(TOME_TLBI_ALL, 0);
	flush_end();
}

/* ---- every CPU ---- */

void
tome_mmu_broadcast_pages(const struct tome_mmu *m, unsigned asid,
    tome_va_t start, tome_va_t end)
{
	flush_begin();
	if (m->range)
		flush_range(m, asid, start, end);
	else
		for (; start != end; start += TOME_PAGE_SIZE)
			tome_insn_tlbi(asid != 0 ? TOME_TLBI_VA_IS :
			    TOME_TLBI_VA_ALL_IS, TOME_TLBI_ADDRESS(start) |
			    TOME_TLBI_NUMBER(asid));
	flush_end();
}

/* Ranges have an even number of pages, at most 64 at the first scale: more are not
 * asked for (TOME_PORT_FLUSH_PAGES). */
static void
flush_range(const struct tome_mmu *m, unsigned asid, tome_va_t start,
    tome_va_t end)
{
	tome_va_t n = (end - start) >> TOME_PAGE_SHIFT;
	uint64_t granule = (TOME_PAGE_SHIFT - 10) / 2;

	(void)m;
	if (n & 1) {
		tome_insn_tlbi(asid != 0 ? TOME_TLBI_VA_IS :
		    TOME_TLBI_VA_ALL_IS,
		    TOME_TLBI_ADDRESS(start) | TOME_TLBI_NUMBER(asid));
		start += TOME_PAGE_SIZE;
	}
	if (n >= 2)
		tome_insn_tlbi(asid != 0 ? TOME_TLBI_RANGE_IS :
		    TOME_TLBI_RANGE_ALL_IS,
		    TOME_TLBI_PAGES(start, n / 2 - 1, 0, granule) |
		    TOME_TLBI_NUMBER(asid));
}

void
tome_mmu_broadcast_asid(const struct tome_mmu *m, unsigned asid)
{
	(void)m;
	flush_begin();
	tome_insn_tlbi(TOME_TLBI_ASID_IS, TOME_TLBI_NUMBER(asid));
	flush_end();
}

void
tome_mmu_broadcast_all(const struct tome_mmu *m)
{
	(void)m;
	flush_begin();
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
