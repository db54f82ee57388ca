/*
 * tlb.c - RISC-V: which operations move and flush the MMU, and in which order.
 *
 * The privileged architecture, 4.2.1 (SFENCE.VMA); the SBI, chapter "RFENCE".
 * What is relied upon:
 *  - SFENCE.VMA with an address covers leaf entries alone; without one, upper
 *    entries too (TOME_PORT_FLUSH_WALKS is 0).
 *  - With an ASID it leaves global entries; without one it takes them.
 *  - It orders this hart's earlier stores before its later walks.
 *  - A remote fence is done on every hart when the firmware returns, and finds there what
 *    this hart had stored before a FENCE of its own; SFENCE.VMA and FENCE.I order nothing
 *    for others.
 */
#include <insn.h>
#include <tome/port.h>

static unsigned probe_asids(void);
static void probe_types(struct tome_mmu *);
static unsigned running_asid(void);
static void remote(unsigned function, tome_va_t start, tome_va_t size,
    unsigned asid);

/* Sv39, Sv48 or Sv57, as the boot code left it. */
bool
tome_mmu_probe(struct tome_mmu *m)
{
	*m = (struct tome_mmu){0};
	m->mode = tome_insn_read_satp() >> TOME_SATP_MODE_SHIFT;
	if (m->mode < TOME_SATP_SV39 || m->mode > TOME_SATP_SV57)
		return false;
	m->levels = (unsigned)(m->mode - TOME_SATP_SV39) + 3;
	m->large_level = m->levels - 2;
	m->user_max = ((tome_va_t)1 << (TOME_PT_SHIFT(m->levels) - 1)) -
	    TOME_PAGE_SIZE;
	m->kernel_min = ~(tome_va_t)0 << (TOME_PT_SHIFT(m->levels) - 1);
	m->asids = probe_asids();
	m->rfence = tome_insn_sbi(TOME_SBI_BASE, TOME_SBI_BASE_PROBE,
	    TOME_SBI_RFENCE, 0, 0, 0, 0) != 0;
	m->napot = tome_insn_isa() & TOME_RISCV_SVNAPOT;
	probe_types(m);
	return true;
}

/* Bits that satp does not have read back as 0. */
static unsigned
probe_asids(void)
{
	uint64_t satp = tome_insn_read_satp(), width;

	tome_insn_write_satp(satp | TOME_SATP_ASID);
	width = (tome_insn_read_satp() & TOME_SATP_ASID) >>
	    TOME_SATP_ASID_SHIFT;
	tome_insn_write_satp(satp);
	return width == 0 ? 0 : (unsigned)width + 1;
}

/* Without Svpbmt the platform's fixed attributes alone decide. */
static void
probe_types(struct tome_mmu *m)
{
	if (!(tome_insn_isa() & TOME_RISCV_SVPBMT))
		return;
	m->type[TOME_MEM_WC] = TOME_RV_PBMT_NC;
	m->type[TOME_MEM_UC] = TOME_RV_PBMT_IO;
	m->type[TOME_MEM_DEVICE] = TOME_RV_PBMT_IO;
}

void
tome_mmu_start(const struct tome_mmu *m, tome_pa_t kernel_root)
{
	tome_mmu_switch(m, kernel_root, 0, false);
	/* What was cached under the boot code's root goes. */
	tome_insn_sfence_all();
}

void
tome_mmu_switch(const struct tome_mmu *m, tome_pa_t root, unsigned asid,
    bool flush)
{
	tome_insn_write_satp(m->mode << TOME_SATP_MODE_SHIFT |
	    (uint64_t)asid << TOME_SATP_ASID_SHIFT | root >> TOME_PAGE_SHIFT);
	if (flush)
		tome_insn_sfence_asid(asid);
}

static unsigned
running_asid(void)
{
	return (unsigned)((tome_insn_read_satp() & TOME_SATP_ASID) >>
	    TOME_SATP_ASID_SHIFT);
}

void
tome_mmu_flush_pages(const struct tome_mmu *m, tome_va_t start, tome_va_t end)
{
	unsigned asid = running_asid();

	for (; start != end; start += TOME_PAGE_SIZE)
		if (start >= m->kernel_min)
			tome_insn_sfence_va(start);
		else
			tome_insn_sfence_va_asid(start, asid);
}

void
tome_mmu_flush_asid(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_sfence_asid(running_asid());
}

void
tome_mmu_flush_all(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_sfence_all();
}

/* The copy that is executed is every hart's own. */
void
tome_mmu_sync_icache(const struct tome_mmu *m, const void *frame)
{
	tome_insn_fence_i(frame);
	if (m->rfence)
		remote(TOME_SBI_FENCE_I, 0, 0, 0);
}

/* ---- every CPU ---- */

/* Size 0 with start 0 means everything. */
static void
remote(unsigned function, tome_va_t start, tome_va_t size, unsigned asid)
{
	tome_insn_fence();
	(void)tome_insn_sbi(TOME_SBI_RFENCE, function, 0, TOME_SBI_EVERY_HART,
	    start, size, asid);
}

void
tome_mmu_broadcast_pages(const struct tome_mmu *m, unsigned asid,
    tome_va_t start, tome_va_t end)
{
	(void)m;
	remote(asid != 0 ? TOME_SBI_SFENCE_VMA_ASID : TOME_SBI_SFENCE_VMA,
	    start, end - start, asid);
}

void
tome_mmu_broadcast_asid(const struct tome_mmu *m, unsigned asid)
{
	(void)m;
	remote(TOME_SBI_SFENCE_VMA_ASID, 0, 0, asid);
}

void
tome_mmu_broadcast_all(const struct tome_mmu *m)
{
	(void)m;
	remote(TOME_SBI_SFENCE_VMA, 0, 0, 0);
}
