/*
 * tlb.c - x86-64: which operations move and flush the MMU, and in which order.
 *
 * Intel SDM volume 3, 4.10; AMD APM volume 2, 5.5. What is relied upon:
 *  - INVLPG drops the page under the current PCID, global entries of it under
 *    every PCID, and every paging-structure cache of the current PCID: so a
 *    flush of any page also covers detached tables.
 *  - MOV to CR3 without bit 63 drops all but global entries of the PCID loaded.
 *  - INVPCID of type 2, or changing CR4.PGE, drops everything under every PCID.
 *  - Without PGE kernel entries are tagged: then PCIDs are not used, so that the
 *    only tag is the current one.
 *  - INVLPGB (AMD) reaches every CPU; TLBSYNC waits until it has. Without
 *    "final only" it drops paging-structure entries too. PCIDs mean the same
 *    on all CPUs.
 */
#include <insn.h>
#include <tome/port.h>

static void probe_types(struct tome_mmu *);
static void probe_rights(struct tome_mmu *);
static void probe_features(struct tome_mmu *);
static void start_pat(void);

/* Entries of IA32_PAT. Boot code may use 0 to 3 already: they stay as reset. */
#define PAT_WC_ENTRY 4

bool
tome_mmu_probe(struct tome_mmu *m)
{
	*m = (struct tome_mmu){0};
	probe_features(m);
	probe_types(m);
	m->levels = tome_insn_read_cr4() & TOME_CR4_LA57 ? 5 : 4;
	m->user_max = ((tome_va_t)1 << (TOME_PT_SHIFT(m->levels) - 1)) -
	    TOME_PAGE_SIZE;
	m->kernel_min = ~(tome_va_t)0 << (TOME_PT_SHIFT(m->levels) - 1);
	probe_rights(m);
	m->asids = m->pcid ? TOME_PORT_ASIDS_MAX : 0;
	return m->pat;
}

static void
probe_features(struct tome_mmu *m)
{
	uint32_t r[4], highest, highest_x;

	tome_insn_cpuid(0, 0, r);
	highest = r[0];
	tome_insn_cpuid(0x80000000u, 0, r);
	highest_x = r[0];
	tome_insn_cpuid(1, 0, r);
	m->pat = r[3] & TOME_CPUID1_EDX_PAT;
	m->pge = r[3] & TOME_CPUID1_EDX_PGE;
	m->pcid = m->pge && (r[2] & TOME_CPUID1_ECX_PCID);
	if (highest >= 7) {
		tome_insn_cpuid(7, 0, r);
		m->invpcid = r[1] & TOME_CPUID7_EBX_INVPCID;
		m->smap = (r[1] & TOME_CPUID7_EBX_SMAP) &&
		    (tome_insn_read_cr4() & TOME_CR4_SMAP);
	}
	m->large_level = 1;
	if (highest_x >= 0x80000001u) {
		tome_insn_cpuid(0x80000001u, 0, r);
		m->nx = r[3] & TOME_CPUIDX1_EDX_NX;
		m->large_level = r[3] & TOME_CPUIDX1_EDX_1G ? 2 : 1;
	}
	if (TOME_X86_INVLPGB && m->pcid && highest_x >= 0x80000008u) {
		tome_insn_cpuid(0x80000008u, 0, r);
		m->invlpgb = r[1] & TOME_CPUIDX8_EBX_INVLPGB;
		m->invlpgb_pages = 1 + (r[3] & TOME_CPUIDX8_EDX_PAGES);
	}
}

/* PAT entry 4 is ours: PAT set, PCD and PWT clear. 0 is WB, 3 is UC. */
static void
probe_types(struct tome_mmu *m)
{
	m->type[TOME_MEM_WB] = 0;
	m->type[TOME_MEM_WC] = TOME_X86_PAT;
	m->type[TOME_MEM_UC] = TOME_X86_PCD | TOME_X86_PWT;
	m->type[TOME_MEM_DEVICE] = TOME_X86_PCD | TOME_X86_PWT;
}

static void
probe_rights(struct tome_mmu *m)
{
	tome_prot_t prot;

	m->noexec = m->nx ? TOME_X86_NX : TOME_X86_SW_NOEXEC;
	for (prot = 0; prot <= TOME_PROT_ALL; prot++)
		m->prot[prot] = (prot != TOME_PROT_NONE ? TOME_X86_P : 0) |
		    (prot & TOME_PROT_WRITE ? TOME_X86_W : 0) |
		    (prot & TOME_PROT_EXEC ? 0 : m->noexec);
}

void
tome_mmu_start(const struct tome_mmu *m, tome_pa_t kernel_root)
{
	uint64_t cr4;

	start_pat();
	if (m->nx)
		tome_insn_wrmsr(TOME_MSR_EFER,
		    tome_insn_rdmsr(TOME_MSR_EFER) | TOME_EFER_NXE);
	/* PCIDE may only be set while the PCID is 0. */
	tome_insn_write_cr3(kernel_root);
	cr4 = tome_insn_read_cr4();
	if (m->pge)
		cr4 |= TOME_CR4_PGE;
	if (m->asids != 0)
		cr4 |= TOME_CR4_PCIDE;
	tome_insn_write_cr4(cr4);
	/* What was cached under the old memory types and root goes. */
	tome_mmu_flush_all(m);
}

static void
start_pat(void)
{
	uint64_t pat = tome_insn_rdmsr(TOME_MSR_PAT);

	pat &= ~((uint64_t)0xff << 8 * PAT_WC_ENTRY);
	pat |= (uint64_t)TOME_PAT_WC << 8 * PAT_WC_ENTRY;
	tome_insn_wrmsr(TOME_MSR_PAT, pat);
}

void
tome_mmu_switch(const struct tome_mmu *m, tome_pa_t root, unsigned asid,
    bool flush)
{
	uint64_t cr3 = root | asid;

	if (m->asids != 0 && !flush)
		cr3 |= TOME_CR3_NOFLUSH;
	tome_insn_write_cr3(cr3);
}

void
tome_mmu_flush_pages(const struct tome_mmu *m, tome_va_t start, tome_va_t end)
{
	(void)m;
	for (; start != end; start += TOME_PAGE_SIZE)
		tome_insn_invlpg(start);
}

void
tome_mmu_flush_asid(const struct tome_mmu *m)
{
	(void)m;
	/* CR3 reads back with bit 63 clear: the write flushes. */
	tome_insn_write_cr3(tome_insn_read_cr3());
}

void
tome_mmu_flush_all(const struct tome_mmu *m)
{
	uint64_t cr4;

	if (m->invpcid) {
		tome_insn_invpcid(TOME_INVPCID_ALL_GLOBAL, 0, 0);
		return;
	}
	if (!m->pge) {
		tome_mmu_flush_asid(m);
		return;
	}
	cr4 = tome_insn_read_cr4();
	tome_insn_write_cr4(cr4 & ~TOME_CR4_PGE);
	tome_insn_write_cr4(cr4);
}

#if TOME_X86_INVLPGB

/* ---- every CPU ---- */

void
tome_mmu_broadcast_pages(const struct tome_mmu *m, unsigned asid,
    tome_va_t start, tome_va_t end)
{
	uint64_t how = TOME_INVLPGB_VA | (asid != 0 ? TOME_INVLPGB_PCID :
	    TOME_INVLPGB_GLOBAL);
	tome_va_t left, n;

	for (; start != end; start += n << TOME_PAGE_SHIFT) {
		left = (end - start) >> TOME_PAGE_SHIFT;
		n = left < m->invlpgb_pages ? left : m->invlpgb_pages;
		tome_insn_invlpgb(start | how, (uint32_t)n - 1,
		    asid << TOME_INVLPGB_PCID_SHIFT);
	}
	tome_insn_tlbsync();
}

void
tome_mmu_broadcast_asid(const struct tome_mmu *m, unsigned asid)
{
	(void)m;
	tome_insn_invlpgb(TOME_INVLPGB_PCID, 0,
	    asid << TOME_INVLPGB_PCID_SHIFT);
	tome_insn_tlbsync();
}

void
tome_mmu_broadcast_all(const struct tome_mmu *m)
{
	(void)m;
	tome_insn_invlpgb(TOME_INVLPGB_GLOBAL, 0, 0);
	tome_insn_tlbsync();
}

#endif
