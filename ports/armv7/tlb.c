/*
 * tlb.c - ARMv7-A: which operations move and flush the MMU, and in which order.
 *
 * Arm ARM for ARMv7-A, B3.9 and B3.10. What is relied upon:
 *  - An entry stored is seen by walks after a DSB, where walks do not read the data
 *    caches after it was cleaned from them; this CPU's own later instructions want
 *    an ISB as well.
 *    Every store has had them by when a flush begins (tome_mmu_visible()).
 *  - A TLB operation is done, on every CPU it is for, when a DSB after it is; it
 *    covers all that was cached on the way to its addresses.
 *  - By address and ASID it takes global entries of the address, too.
 *  - CONTEXTIDR and TTBR0 cannot change at once: while they do, TTBCR.PD0 keeps
 *    walks from TTBR0, so that nothing is cached under the wrong number.
 */
#include <insn.h>
#include <tome/port.h>

static void flush_end(void);
static void write_reg(enum tome_arm_reg, uint32_t);

bool
tome_mmu_probe(struct tome_mmu *m)
{
	uint32_t mmfr3 = tome_insn_read_reg(TOME_ARM_MMFR3);

	*m = (struct tome_mmu){0};
	m->levels = 2;
	m->asids = TOME_CONTEXTIDR_ASID + 1;
	m->kernel_min = 0x80000000u;
	m->user_max = m->kernel_min - TOME_PAGE_SIZE;
	m->broadcast = TOME_MMFR3_BROADCAST(mmfr3);
	m->coherent = TOME_MMFR3_COHERENT(mmfr3);
	return true;
}

static void
write_reg(enum tome_arm_reg r, uint32_t v)
{
	tome_insn_write_reg(r, v);
	tome_insn_isb();
}

void
tome_mmu_start(const struct tome_mmu *m, tome_pa_t kernel_root)
{
	tome_insn_write_reg(TOME_ARM_PRRR, TOME_PRRR_REGIONS);
	tome_insn_write_reg(TOME_ARM_NMRR, TOME_NMRR_REGIONS);
	tome_insn_write_reg(TOME_ARM_DACR, TOME_DACR_CLIENTS);
	tome_insn_write_reg(TOME_ARM_SCTLR, TOME_SCTLR_TRE | TOME_SCTLR_AFE |
	    tome_insn_read_reg(TOME_ARM_SCTLR));
	write_reg(TOME_ARM_TTBCR, TOME_TTBCR_SPLIT | TOME_TTBCR_PD0);
	write_reg(TOME_ARM_TTBR1, kernel_root | TOME_TTBR_WALKS);
	/* What was cached under the boot code's registers goes. */
	tome_mmu_flush_all(m);
}

void
tome_mmu_switch(const struct tome_mmu *m, tome_pa_t root, unsigned asid,
    bool flush)
{
	write_reg(TOME_ARM_TTBCR, TOME_TTBCR_SPLIT | TOME_TTBCR_PD0);
	write_reg(TOME_ARM_CONTEXTIDR, asid);
	if (root != 0) {
		write_reg(TOME_ARM_TTBR0, root | TOME_TTBR_WALKS);
		write_reg(TOME_ARM_TTBCR, TOME_TTBCR_SPLIT);
	}
	if (flush)
		tome_mmu_flush_asid(m);
}

/* Branch predictors may hold targets of what is gone. */
static void
flush_end(void)
{
	tome_insn_dsb();
	tome_insn_isb();
}

static uint32_t
running_asid(void)
{
	return tome_insn_read_reg(TOME_ARM_CONTEXTIDR) & TOME_CONTEXTIDR_ASID;
}

void
tome_mmu_flush_pages(const struct tome_mmu *m, tome_va_t start, tome_va_t end)
{
	uint32_t asid = running_asid();

	(void)m;
	for (; start != end; start += TOME_PAGE_SIZE)
		tome_insn_tlbi(TOME_TLBI_VA, start | asid);
	flush_end();
}

void
tome_mmu_flush_asid(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_tlbi(TOME_TLBI_ASID, running_asid());
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

void
tome_mmu_broadcast_pages(const struct tome_mmu *m, unsigned asid,
    tome_va_t start, tome_va_t end)
{
	(void)m;
	for (; start != end; start += TOME_PAGE_SIZE)
		tome_insn_tlbi(asid != 0 ? TOME_TLBI_VA_IS :
		    TOME_TLBI_VA_ALL_IS, start | asid);
	flush_end();
}

void
tome_mmu_broadcast_asid(const struct tome_mmu *m, unsigned asid)
{
	(void)m;
	tome_insn_tlbi(TOME_TLBI_ASID_IS, asid);
	flush_end();
}

void
tome_mmu_broadcast_all(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_tlbi(TOME_TLBI_ALL_IS, 0);
	flush_end();
}

/* ---- stores ---- */

void
tome_mmu_visible(const struct tome_mmu *m, const tome_pte_t *first, size_t n)
{
	if (!m->coherent)
		tome_insn_clean(first, n * sizeof(*first));
	tome_insn_dsb();
	tome_insn_isb();
}

void
tome_mmu_sync_icache(const struct tome_mmu *m, const void *frame)
{
	(void)m;
	tome_insn_clean(frame, TOME_PAGE_SIZE);
	tome_insn_dsb();
	tome_insn_drop_code(frame, TOME_PAGE_SIZE);
	flush_end();
}
