/*
 * mmu_i386.c - the MMU of a 32-bit x86 CPU, in software, with or without PAE.
 *
 * Written from Intel's SDM volume 3, 4.3 (32-bit paging), 4.4 (PAE), 4.6 (rights),
 * 4.8 (accessed and dirty), 4.10 (caching), and on purpose not from the port. CR0.WP
 * is always set. PAE's four root entries are registers, loaded by MOV to CR3 alone.
 */
#include "i386.h"
#include "radix.h"

#define E_P (UINT64_C(1) << 0)
#define E_W (UINT64_C(1) << 1)
#define E_U (UINT64_C(1) << 2)
#define E_PWT (UINT64_C(1) << 3)
#define E_PCD (UINT64_C(1) << 4)
#define E_A (UINT64_C(1) << 5)
#define E_D (UINT64_C(1) << 6)
#define E_PS (UINT64_C(1) << 7)
#define E_G (UINT64_C(1) << 8)
#define E_NX (UINT64_C(1) << 63)

#define C4_PSE (UINT32_C(1) << 4)
#define C4_PAE (UINT32_C(1) << 5)
#define C4_PGE (UINT32_C(1) << 7)
#define C4_SMEP (UINT32_C(1) << 20)
#define C4_SMAP (UINT32_C(1) << 21)
#define EFER_NXE (UINT64_C(1) << 11)
#define MSR_PAT 0x277
#define MSR_EFER 0xc0000080u
#define PAT_RESET UINT64_C(0x0007040600070406)

enum { CR3, CR4, EFER, PAT, PDPTE0 };

#if TOME_I386_PAE
#define PHYS_BITS 40
#define E_PLACE (((UINT64_C(1) << PHYS_BITS) - 1) & ~UINT64_C(4095))
static const struct radix_level levels[] = { { 21, 9 }, { 12, 9 } };
#else
#define PHYS_BITS 32
#define E_PLACE UINT64_C(0xfffff000)
static const struct radix_level levels[] = { { 22, 10 }, { 12, 10 } };
#endif

static bool
lacks(struct hosted_cpu *c, unsigned what)
{
	return radix_is(c, what);
}

static void
reset(struct hosted_cpu *c)
{
	bool pae = TOME_I386_PAE != lacks(c, HOSTED_X86_OTHERWISE);

	atomic_store(hosted_reg(c, CR4), C4_SMEP |
	    (lacks(c, HOSTED_X86_NO_SMAP) ? 0 : C4_SMAP) |
	    (pae ? C4_PAE : 0) | (lacks(c, HOSTED_X86_USED) ? C4_PGE : 0));
	atomic_store(hosted_reg(c, PAT), PAT_RESET);
}

static uint32_t
asid(struct hosted_cpu *c, tome_va_t va)
{
	(void)c, (void)va;
	return 0;
}

/* With PAE from the register, not from memory. */
static enum hosted_walk
begin(struct radix_trip *t)
{
	uint64_t root = radix_reg(t->c, CR3) & ~UINT64_C(31);

	if (root == 0)
		return HOSTED_ABSENT;	/* paging not begun */
	t->level = levels;
	t->table = (tome_pa_t)(root & ~UINT64_C(4095));
#if TOME_I386_PAE
	root = radix_reg(t->c, PDPTE0 + (unsigned)(t->va >> 30));
	if (!(root & E_P))
		return HOSTED_ABSENT;
	t->table = root & E_PLACE;
#endif
	return HOSTED_FOUND;
}

/* Bits that must be 0 (4.3, 4.4.2). */
static uint64_t
reserved(const struct radix_trip *t, uint64_t raw)
{
	bool large = t->level->shift > 12 && (raw & E_PS);
	uint64_t bad = 0;

	if (TOME_I386_PAE) {
		bad = UINT64_C(0x7fffffffffffffff) &
		    ~((UINT64_C(1) << PHYS_BITS) - 1);
		if (!(radix_reg(t->c, EFER) & EFER_NXE))
			bad |= E_NX;
	}
	if (large)
		bad |= ((UINT64_C(1) << t->level->shift) - 1) &
		    ~UINT64_C(0x1fff);
	return bad;
}

static uint8_t
memory_type(const struct radix_trip *t, uint64_t raw)
{
	uint64_t pat_bit = t->level->shift == 12 ? E_PS : UINT64_C(1) << 12;
	unsigned i = (raw & E_PWT ? 1 : 0) + (raw & E_PCD ? 2 : 0) +
	    (raw & pat_bit ? 4 : 0);

	return (uint8_t)(radix_reg(t->c, PAT) >> (8 * i) & 7);
}

static void
decode(const struct radix_trip *t, uint64_t raw, struct radix_entry *e)
{
	bool large = t->level->shift > 12 && (raw & E_PS);

	if (!(raw & E_P))
		return;
	e->kind = large || t->level->shift == 12 ? RADIX_LEAF : RADIX_TABLE;
	if (raw & reserved(t, raw)) {
		e->kind = RADIX_BAD;
		e->why = "reserved bit set";
	} else if (large && !(radix_reg(t->c, CR4) & (C4_PSE | C4_PAE))) {
		e->kind = RADIX_BAD;
		e->why = "a large page without PSE";
	}
	e->pa = (tome_pa_t)(raw & E_PLACE);
	e->rights = (uint8_t)(HOSTED_R | (raw & E_W ? HOSTED_W : 0) |
	    (raw & E_NX ? 0 : HOSTED_X) | (raw & E_U ? HOSTED_U : 0));
	e->type = memory_type(t, raw);
	e->global = (raw & E_G) && (radix_reg(t->c, CR4) & C4_PGE);
	e->accessed = raw & E_A;
	e->dirty = raw & E_D;
}

static uint64_t
marked(const struct radix_trip *t, uint64_t raw, const struct radix_entry *e,
    bool write, bool late)
{
	bool leaf = e->kind == RADIX_LEAF;

	(void)t;
	raw |= leaf && late ? 0 : E_A;
	return leaf && write ? raw | E_A | E_D : raw;
}

static bool
permits(struct hosted_cpu *c, const struct hosted_leaf *leaf, unsigned access)
{
	uint64_t cr4 = radix_reg(c, CR4);
	unsigned want = access & (HOSTED_W | HOSTED_X);

	if ((want & leaf->rights) != want)
		return false;
	if (!(access & HOSTED_KERNEL))
		return (leaf->rights & HOSTED_U) != 0;
	if (!(leaf->rights & HOSTED_U))
		return true;
	if (access & HOSTED_X)
		return !(cr4 & C4_SMEP);
	return !(cr4 & C4_SMAP) || (access & HOSTED_KERNEL_USER);
}

static bool
valid(uint64_t raw)
{
	return (raw & E_P) != 0;
}

static bool
same(uint64_t a, uint64_t b)
{
	return ((a ^ b) & (E_PLACE | E_PS | E_PWT | E_PCD)) == 0;
}

static tome_va_t
anywhere(struct hosted_cpu *c)
{
	return (tome_va_t)hosted_roll(c, 4) << 30;
}

static tome_va_t
canonical(struct hosted_cpu *c, tome_va_t va)
{
	(void)c;
	return va;
}

/* PAT's: 6 write-back, 1 combining, 0 uncached. */
static void
abilities(struct hosted_cpu *c, struct hosted_abilities *a)
{
	*a = (struct hosted_abilities){
		.reach = PHYS_BITS,
		.marks_accessed = true, .marks_modified = true,
		.globals_stay = !lacks(c, HOSTED_X86_NO_PGE), .leaf_level = 1,
		.type = { [TOME_MEM_WB] = 6,
		    [TOME_MEM_WC] = lacks(c, HOSTED_X86_NO_PAT) ? 0 : 1 },
	};
}

static bool
has_globals(struct hosted_cpu *c)
{
	return !lacks(c, HOSTED_X86_NO_PGE);
}

const struct radix hosted_radix = {
	.entry_bytes = sizeof(tome_pte_t),
	.begin = begin,
	.decode = decode,
	.marked = marked,
	.accessed = E_A,
	.anywhere = anywhere,
	.canonical = canonical,
};

static const unsigned variants[] = { 0, HOSTED_X86_NO_PGE, HOSTED_X86_NO_NX,
	HOSTED_X86_NO_SMAP | HOSTED_X86_USED, HOSTED_X86_NO_PAT };
static const unsigned unfit[] = { HOSTED_X86_OTHERWISE };

const struct hosted_mmu hosted_mmu = {
	.name = TOME_I386_PAE ? "i386-pae" : "i386",
	.flags = HOSTED_MMU_FAULT_FLUSHES | HOSTED_MMU_WRITE_WALKS,
	.kernel_start = 0xd0000000u,
	.kernel_end = 0xe0000000u,
	.variants = variants,
	.nvariants = sizeof variants / sizeof variants[0],
	.unfit = unfit,
	.nunfit = sizeof unfit / sizeof unfit[0],
	.valid = valid,
	.same = same,
	.reset = reset,
	.walk = hosted_radix_walk,
	.permits = permits,
	.asid = asid,
	.settle = hosted_radix_settle,
	.upper = hosted_radix_upper,
	.pick = hosted_radix_pick,
	.abilities = abilities,
	.has_globals = has_globals,
};

/* ---- the instructions ---- */

void
tome_insn_invlpg(uint32_t va)
{
	hosted_flush(hosted_this(), &(struct hosted_flush){
	    .va = va & ~TOME_PAGE_MASK, .len = TOME_PAGE_SIZE,
	    .globals = true, .any_walk = true });
}

uint32_t
tome_insn_read_cr3(void)
{
	return (uint32_t)radix_reg(hosted_this(), CR3);
}

/* 4.4.1: what is reserved in a present root entry is #GP. */
static void
load_root(struct hosted_cpu *c, uint32_t cr3)
{
	const uint64_t bad = UINT64_C(0x1e6) |
	    ~((UINT64_C(1) << PHYS_BITS) - 1);
	unsigned i;
	uint64_t e;

	for (i = 0; TOME_I386_PAE && i < 4; i++) {
		if (!hosted_fetch64(c, (cr3 & ~31u) + 8 * i, &e))
			hosted_machine_check(c, "CR3 where no RAM is");
		if ((e & E_P) && (e & bad))
			hosted_machine_check(c, "#GP: reserved in a PDPTE");
		hosted_reg_set(c, PDPTE0 + i, e);
	}
}

void
tome_insn_write_cr3(uint32_t v)
{
	struct hosted_cpu *c = hosted_this();

	load_root(c, v);
	hosted_reg_set(c, CR3, v);
	hosted_flush(c, &(struct hosted_flush){ .any_va = true,
	    .any_walk = true });
}

uint32_t
tome_insn_read_cr4(void)
{
	return (uint32_t)radix_reg(hosted_this(), CR4);
}

void
tome_insn_write_cr4(uint32_t v)
{
	struct hosted_cpu *c = hosted_this();
	uint32_t was = (uint32_t)radix_reg(c, CR4);

	if (((v & C4_SMAP) && lacks(c, HOSTED_X86_NO_SMAP)) ||
	    ((v & C4_PGE) && lacks(c, HOSTED_X86_NO_PGE)) ||
	    ((v ^ was) & C4_PAE))
		hosted_machine_check(c, "#GP: CR4");
	hosted_reg_set(c, CR4, v);
	if ((v ^ was) & (C4_PGE | C4_PSE))
		hosted_flush(c, &(struct hosted_flush){ .any_va = true,
		    .any_asid = true, .globals = true, .any_walk = true });
}

static uint32_t
unless(struct hosted_cpu *c, unsigned lacking, unsigned bit)
{
	return lacks(c, lacking) ? 0 : UINT32_C(1) << bit;
}

void
tome_insn_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	struct hosted_cpu *c = hosted_this();

	(void)sub;
	out[0] = out[1] = out[2] = out[3] = 0;
	if (leaf == 0)
		out[0] = 7;
	else if (leaf == 1)
		out[3] = UINT32_C(1) << 3 | UINT32_C(1) << 6 |
		    unless(c, HOSTED_X86_NO_PGE, 13) |
		    unless(c, HOSTED_X86_NO_PAT, 16);
	else if (leaf == 7)
		out[1] = unless(c, HOSTED_X86_NO_SMAP, 20);
	else if (leaf == 0x80000000u)
		out[0] = 0x80000001u;
	else if (leaf == 0x80000001u)
		out[3] = unless(c, HOSTED_X86_NO_NX, 20);
}

static unsigned
msr_reg(struct hosted_cpu *c, uint32_t msr)
{
	if (msr == MSR_EFER)
		return EFER;
	if (msr != MSR_PAT || lacks(c, HOSTED_X86_NO_PAT))
		hosted_machine_check(c, "#GP: MSR");
	return PAT;
}

uint64_t
tome_insn_rdmsr(uint32_t msr)
{
	struct hosted_cpu *c = hosted_this();

	return radix_reg(c, msr_reg(c, msr));
}

void
tome_insn_wrmsr(uint32_t msr, uint64_t v)
{
	struct hosted_cpu *c = hosted_this();
	unsigned r = msr_reg(c, msr);

	if (r == EFER && (v & EFER_NXE) && lacks(c, HOSTED_X86_NO_NX))
		hosted_machine_check(c, "#GP: EFER.NXE");
	hosted_reg_set(c, r, v);
}
