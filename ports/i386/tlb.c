/*
 * tlb.c - i386: which operations move and flush the MMU, and in which order.
 *
 * Intel SDM volume 3, 4.4.1 and 4.10. What is relied upon:
 *  - INVLPG drops the page, global or not, and every paging-structure cache; but
 *    PAE's four root entries live in registers, which MOV to CR3 alone loads.
 *  - MOV to CR3 drops all but global entries.
 *  - Changing CR4.PGE drops everything.
 */
#include <insn.h>
#include <tome/port.h>

static void probe_features(struct tome_mmu *);
static void probe_types(struct tome_mmu *, bool pat);
static void start_pat(void);

/* Entries of IA32_PAT. Boot code may use 0 to 3 already: they stay as reset. */
#define PAT_WC_ENTRY 4

/* With PAE two entries of the root: one for what a kernel brings along, and one that
 * is Tome's own. */
#define KERNEL_MIN ((tome_va_t)(TOME_I386_PAE ? 0x80000000u : 0xc0000000u))

bool
tome_mmu_probe(struct tome_mmu *m)
{
	bool pae = (tome_insn_read_cr4() & TOME_CR4_PAE) != 0;

	*m = (struct tome_mmu){0};
	probe_features(m);
	m->levels = TOME_PT_LEVELS_MAX;
	m->user_min = 0;
	m->user_max = KERNEL_MIN - TOME_PAGE_SIZE;
	m->kernel_min = KERNEL_MIN;
	m->noexec = TOME_I386_PAE && m->nx ? TOME_X86_NX : TOME_X86_SW_NOEXEC;
	/* As the boot code runs it. */
	return pae == TOME_I386_PAE;
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
	m->pge = r[3] & TOME_CPUID1_EDX_PGE;
	/* With two levels a large leaf lies in the root, which user roots have
	 * copied: the kernel's span is tables. */
	m->large_level = TOME_I386_PAE;
	probe_types(m, r[3] & TOME_CPUID1_EDX_PAT);
	if (highest >= 7) {
		tome_insn_cpuid(7, 0, r);
		m->smap = (r[1] & TOME_CPUID7_EBX_SMAP) &&
		    (tome_insn_read_cr4() & TOME_CR4_SMAP);
	}
	if (TOME_I386_PAE && highest_x >= 0x80000001u) {
		tome_insn_cpuid(0x80000001u, 0, r);
		m->nx = r[3] & TOME_CPUIDX1_EDX_NX;
	}
}

/* PAT entry 4 is ours. 0 is WB, 3 is UC, which without a PAT serves for both. */
static void
probe_types(struct tome_mmu *m, bool pat)
{
	m->type[TOME_MEM_WB] = 0;
	m->type[TOME_MEM_WC] = pat ? TOME_X86_PAT :
	    TOME_X86_PCD | TOME_X86_PWT;
	m->type[TOME_MEM_UC] = TOME_X86_PCD | TOME_X86_PWT;
	m->type[TOME_MEM_DEVICE] = TOME_X86_PCD | TOME_X86_PWT;
}

void
tome_mmu_start(const struct tome_mmu *m, tome_pa_t kernel_root)
{
	uint32_t cr4 = tome_insn_read_cr4();

	if (m->type[TOME_MEM_WC] == TOME_X86_PAT)
		start_pat();
	if (TOME_I386_PAE && m->nx)
		tome_insn_wrmsr(TOME_MSR_EFER,
		    tome_insn_rdmsr(TOME_MSR_EFER) | TOME_EFER_NXE);
	if (m->pge)
		cr4 |= TOME_CR4_PGE;
	tome_insn_write_cr4(cr4);
	tome_insn_write_cr3((uint32_t)kernel_root);
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
	(void)m, (void)asid, (void)flush;
	tome_insn_write_cr3((uint32_t)root);
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
	tome_insn_write_cr3(tome_insn_read_cr3());
}

void
tome_mmu_flush_all(const struct tome_mmu *m)
{
	uint32_t cr4 = tome_insn_read_cr4();

	tome_mmu_flush_asid(m);
	if (!m->pge)
		return;
	tome_insn_write_cr4(cr4 & ~TOME_CR4_PGE);
	tome_insn_write_cr4(cr4);
}
