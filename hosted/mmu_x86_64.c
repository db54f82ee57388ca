/*
 * mmu_x86_64.c - the MMU of an x86-64 CPU, in software.
 *
 * Written from Intel's SDM volume 3, chapter 4 (4.5 4-level and 5-level paging,
 * 4.6 access rights, 4.8 accessed and dirty flags, 4.10 caching translations),
 * and on purpose not from the port. CR0.WP is always set.
 *
 * What caching may do (4.10): an entry is found under its PCID or by being
 * global; a page fault drops what is cached for its address; INVLPG and INVPCID
 * drop all paging-structure entries of the PCID, whatever the address; a write
 * through an entry that is not dirty walks again.
 */
#include <inttypes.h>
#include <stdio.h>

#include "hosted_i.h"
#include "x86_64.h"

/* Bits of an entry, and of control registers, by the manual. */
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
#define E_PLACE UINT64_C(0x000ffffffffff000)

#define C3_PWT (UINT64_C(1) << 3)
#define C3_PCD (UINT64_C(1) << 4)
#define C3_NOFLUSH (UINT64_C(1) << 63)
#define C3_PCID UINT64_C(0xfff)
#define C4_PGE (UINT64_C(1) << 7)
#define C4_LA57 (UINT64_C(1) << 12)
#define C4_PCIDE (UINT64_C(1) << 17)
#define C4_SMEP (UINT64_C(1) << 20)
#define C4_SMAP (UINT64_C(1) << 21)
#define EFER_NXE (UINT64_C(1) << 11)
#define MSR_PAT 0x277
#define MSR_EFER 0xc0000080u
#define PAT_RESET UINT64_C(0x0007040600070406)

#define PHYS_BITS 46
#define INVLPGB_PAGES 8		/* that one takes */

enum { CR3, CR4, EFER, PAT };

/* A walk on its way. */
struct trip {
	struct hosted_cpu *c;
	tome_va_t va;
	unsigned how;
	uint64_t cr3, cr4;
	uint32_t asid;
	tome_pa_t table;
	unsigned shift;			/* what an entry of `table` covers */
	uint8_t rights;
	uint64_t raw[HOSTED_LEVELS];
	tome_pa_t at[HOSTED_LEVELS];
	unsigned n;
};

static uint64_t
reg(struct hosted_cpu *c, unsigned i)
{
	return atomic_load(hosted_reg(c, i));
}

static bool
lacks(struct hosted_cpu *c, unsigned what)
{
	return (hosted_cpu_kind(c) & what) != 0;
}

static void
reset(struct hosted_cpu *c)
{
	uint64_t cr4 = C4_SMEP;

	if (!lacks(c, HOSTED_X86_NO_SMAP))
		cr4 |= C4_SMAP;
	if (lacks(c, HOSTED_X86_LA57))
		cr4 |= C4_LA57;
	if (lacks(c, HOSTED_X86_USED)) {
		cr4 |= C4_PGE;
		atomic_store(hosted_reg(c, CR3), C3_PWT | C3_PCD);
	}
	atomic_store(hosted_reg(c, CR4), cr4);
	atomic_store(hosted_reg(c, PAT), PAT_RESET);
}

static unsigned
top_shift(uint64_t cr4)
{
	return cr4 & C4_LA57 ? 48 : 39;
}

static bool
canonical(tome_va_t va, uint64_t cr4)
{
	unsigned spare = 64 - (top_shift(cr4) + 9);

	return (tome_va_t)((int64_t)(va << spare) >> spare) == va;
}

static uint32_t
pcid_of(uint64_t cr3, uint64_t cr4)
{
	return cr4 & C4_PCIDE ? (uint32_t)(cr3 & C3_PCID) : 0;
}

static uint32_t
asid(struct hosted_cpu *c, tome_va_t va)
{
	(void)va;
	return pcid_of(reg(c, CR3), reg(c, CR4));
}

/* ---- the walk ---- */

static void
depart(struct trip *t, struct hosted_cpu *c, tome_va_t va, unsigned how)
{
	*t = (struct trip){ .c = c, .va = va, .how = how };
	t->cr3 = reg(c, CR3);
	t->cr4 = reg(c, CR4);
	t->asid = pcid_of(t->cr3, t->cr4);
	t->table = t->cr3 & E_PLACE;
	t->shift = top_shift(t->cr4);
	t->rights = HOSTED_R | HOSTED_W | HOSTED_X | HOSTED_U;
}

/* Begin below a cached upper entry, as deep as there is one. */
static void
skip_cached(struct trip *t)
{
	struct hosted_upper u;

	if ((t->how & HOSTED_WALK_FRESH) ||
	    !hosted_upper_find(t->c, t->va, t->asid, 21, &u))
		return;
	t->table = u.table;
	t->shift = u.shift - 9u;
	t->rights = u.rights;
}

static bool
is_leaf(const struct trip *t, uint64_t raw)
{
	return t->shift == 12 || (raw & E_PS);
}

/* Bits that must be 0 in this entry (4.5.4, tables 4-14 to 4-20). */
static uint64_t
reserved(const struct trip *t, uint64_t raw)
{
	uint64_t bad = E_PLACE & ~((UINT64_C(1) << PHYS_BITS) - 1);

	if (!(reg(t->c, EFER) & EFER_NXE))
		bad |= E_NX;
	if (t->shift > 30)
		bad |= E_PS;
	if (t->shift == 30 && lacks(t->c, HOSTED_X86_NO_1G))
		bad |= E_PS;
	if (t->shift > 12 && (raw & E_PS))
		bad |= ((UINT64_C(1) << t->shift) - 1) & ~UINT64_C(0x1fff);
	return bad;
}

static enum hosted_walk
bad_walk(const struct trip *t, const char *why, uint64_t raw)
{
	if (!(t->how & HOSTED_WALK_FRESH))
		hosted_mmu_violation(t->c, HOSTED_TABLE, why, t->va, raw);
	return HOSTED_BAD;
}

/* Read the next entry; FOUND: it is present and sound. */
static enum hosted_walk
step(struct trip *t)
{
	tome_pa_t at = t->table + ((t->va >> t->shift) & 511) * 8;
	uint64_t raw;

	if (!hosted_fetch64(t->c, at, &raw))
		return bad_walk(t, "table where no RAM is", t->table);
	if (!(t->how & HOSTED_WALK_FRESH) && hosted_is_free(t->c, t->table))
		return bad_walk(t, "the table is a free frame", t->table);
	if (!(raw & E_P))
		return HOSTED_ABSENT;
	if (raw & reserved(t, raw))
		return bad_walk(t, "reserved bit set", raw);
	t->at[t->n] = at;
	t->raw[t->n++] = raw;
	if (!(raw & E_W))
		t->rights &= (uint8_t)~HOSTED_W;
	if (!(raw & E_U))
		t->rights &= (uint8_t)~HOSTED_U;
	if (raw & E_NX)
		t->rights &= (uint8_t)~HOSTED_X;
	return HOSTED_FOUND;
}

/* The entry just read names a table: remember it and go down. */
static void
go_down(struct trip *t)
{
	uint64_t raw = t->raw[t->n - 1];

	t->table = raw & E_PLACE;
	if (!(t->how & HOSTED_WALK_FRESH))
		hosted_upper_add(t->c, &(struct hosted_upper){
		    .va = t->va >> t->shift << t->shift,
		    .shift = (uint8_t)t->shift, .rights = t->rights,
		    .asid = t->asid, .table = t->table,
		    .entry = t->at[t->n - 1] });
	t->shift -= 9;
}

static enum hosted_walk
descend(struct trip *t)
{
	enum hosted_walk w;

	for (;;) {
		w = step(t);
		if (w != HOSTED_FOUND || is_leaf(t, t->raw[t->n - 1]))
			return w;
		go_down(t);
	}
}

/* 4.8: A in every entry used, D in the leaf of a write. False: it changed. */
static bool
set_flags(struct trip *t, bool late)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		bool leaf = i == t->n - 1;
		uint64_t want = t->raw[i] | (leaf && late ? 0 : E_A);

		if (leaf && (t->how & HOSTED_WALK_WRITE) &&
		    (t->rights & HOSTED_W))
			want |= E_A | E_D;
		if (want != t->raw[i] && !hosted_update64(t->c, t->at[i],
		    t->raw[i], want))
			return false;
		t->raw[i] = want;
	}
	return true;
}

static uint8_t
memory_type(const struct trip *t, uint64_t raw)
{
	uint64_t pat_bit = t->shift == 12 ? E_PS : UINT64_C(1) << 12;
	unsigned i = (raw & E_PWT ? 1 : 0) + (raw & E_PCD ? 2 : 0) +
	    (raw & pat_bit ? 4 : 0);

	return (uint8_t)(reg(t->c, PAT) >> (8 * i) & 7);
}

static void
arrive(const struct trip *t, struct hosted_leaf *leaf)
{
	uint64_t raw = t->raw[t->n - 1];
	tome_va_t inside = ((tome_va_t)1 << t->shift) - 1;
	unsigned i;

	*leaf = (struct hosted_leaf){
		.va = t->va & ~inside,
		.pa = raw & E_PLACE & ~inside,
		.shift = (uint8_t)t->shift,
		.rights = t->rights,
		.type = memory_type(t, raw),
		.global = (raw & E_G) && (t->cr4 & C4_PGE),
		.dirty = (raw & E_D) != 0,
		.accessed = (raw & E_A) != 0,
		.asid = t->asid,
		.pte = t->at[t->n - 1],
		.raw = raw,
		.npath = (uint8_t)t->n,
	};
	for (i = 0; i < t->n; i++)
		leaf->path[i] = t->at[i];
}

static enum hosted_walk
walk(struct hosted_cpu *c, tome_va_t va, unsigned how,
    struct hosted_leaf *leaf)
{
	struct trip t;
	enum hosted_walk w;
	bool late = hosted_cpu_mode(c, HOSTED_LATE_ACCESSED);

	do {
		depart(&t, c, va, how);
		if (!canonical(va, t.cr4))
			return HOSTED_IMPOSSIBLE;
		if (t.table == 0)
			return HOSTED_ABSENT;	/* paging not begun */
		skip_cached(&t);
		w = descend(&t);
		if (w != HOSTED_FOUND)
			return w;
	} while ((how & HOSTED_WALK_ACCESS) && !set_flags(&t, late));
	arrive(&t, leaf);
	if (how & HOSTED_WALK_FRESH)
		leaf->accessed = true;	/* nothing is owed */
	return HOSTED_FOUND;
}

/* 4.6. */
static bool
permits(struct hosted_cpu *c, const struct hosted_leaf *leaf, unsigned access)
{
	uint64_t cr4 = reg(c, CR4);

	if ((access & HOSTED_W) && !(leaf->rights & HOSTED_W))
		return false;
	if ((access & HOSTED_X) && !(leaf->rights & HOSTED_X))
		return false;
	if (!(access & HOSTED_KERNEL))
		return (leaf->rights & HOSTED_U) != 0;
	if (!(leaf->rights & HOSTED_U))
		return true;
	if (access & HOSTED_X)
		return !(cr4 & C4_SMEP);
	return !(cr4 & C4_SMAP) || (access & HOSTED_KERNEL_USER);
}

static void
settle(struct hosted_cpu *c, const struct hosted_leaf *leaf)
{
	(void)hosted_update64(c, leaf->pte, leaf->raw, leaf->raw | E_A);
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

static bool
upper(struct hosted_cpu *c, const struct hosted_upper *u,
    struct hosted_upper *now)
{
	struct trip t;

	depart(&t, c, u->va, HOSTED_WALK_FRESH);
	while (t.shift >= u->shift) {
		if (step(&t) != HOSTED_FOUND || is_leaf(&t, t.raw[t.n - 1]))
			return false;
		go_down(&t);
	}
	*now = *u;
	now->table = t.table;
	now->rights = t.rights;
	return true;
}

/* From a slot by the dice, the next that is present; false: none. */
static bool
pick_slot(struct trip *t)
{
	uint32_t from = hosted_roll(t->c, 512);
	uint32_t i;

	for (i = 0; i < 512; i++) {
		tome_va_t slot = (from + i) & 511;

		t->va = (t->va & ~((tome_va_t)511 << t->shift)) |
		    slot << t->shift;
		t->n = 0;
		if (step(t) == HOSTED_FOUND)
			return true;
	}
	return false;
}

static bool
pick(struct hosted_cpu *c, tome_va_t *va)
{
	struct trip t;
	unsigned spare;

	depart(&t, c, 0, HOSTED_WALK_FRESH);
	if (t.table == 0)
		return false;
	for (;;) {
		if (!pick_slot(&t))
			return false;
		if (is_leaf(&t, t.raw[0]))
			break;
		go_down(&t);
	}
	spare = 64 - (top_shift(t.cr4) + 9);
	*va = (tome_va_t)((int64_t)(t.va << spare) >> spare);
	return true;
}

/* PAT's: 6 write-back, 1 combining, 0 uncached. */
static void
abilities(struct hosted_cpu *c, struct hosted_abilities *a)
{
	unsigned kind = hosted_cpu_kind(c);

	*a = (struct hosted_abilities){
		.reach = PHYS_BITS,
		.asids = kind & (HOSTED_X86_NO_PCID | HOSTED_X86_NO_PGE) ? 0 :
		    4096,
		.marks_accessed = true, .marks_modified = true,
		.globals_stay = !(kind & HOSTED_X86_NO_PGE),
		.leaf_level = kind & HOSTED_X86_NO_1G ? 1 : 2,
		.type = { [TOME_MEM_WB] = 6, [TOME_MEM_WC] = 1 },
	};
}

static bool
has_globals(struct hosted_cpu *c)
{
	return !(hosted_cpu_kind(c) & HOSTED_X86_NO_PGE);
}

static const unsigned variants[] = { 0, HOSTED_X86_LA57, HOSTED_X86_NO_PCID,
	HOSTED_X86_NO_INVPCID | HOSTED_X86_USED,
	HOSTED_X86_NO_PCID | HOSTED_X86_NO_PGE | HOSTED_X86_NO_INVPCID,
	HOSTED_X86_NO_SMAP | HOSTED_X86_NO_NX | HOSTED_X86_NO_1G,
	HOSTED_X86_INVLPGB };
static const unsigned unfit[] = { HOSTED_X86_NO_PAT };

const struct hosted_mmu hosted_mmu = {
	.name = "x86_64",
	.flags = HOSTED_MMU_FAULT_FLUSHES | HOSTED_MMU_WRITE_WALKS,
	.kernel_start = UINT64_C(0xffffc90000000000),
	.kernel_end = UINT64_C(0xffffc90010000000),
	.variants = variants,
	.nvariants = sizeof variants / sizeof variants[0],
	.unfit = unfit,
	.nunfit = sizeof unfit / sizeof unfit[0],
	.valid = valid,
	.same = same,
	.reset = reset,
	.walk = walk,
	.permits = permits,
	.asid = asid,
	.settle = settle,
	.upper = upper,
	.pick = pick,
	.abilities = abilities,
	.has_globals = has_globals,
};

/* ---- the instructions ---- */

void
hosted_x86_invlpg(uint64_t va)
{
	struct hosted_cpu *c = hosted_this();

	hosted_flush(c, &(struct hosted_flush){ .asid = asid(c, va),
	    .va = va & ~(tome_va_t)TOME_PAGE_MASK, .len = TOME_PAGE_SIZE,
	    .globals = true, .any_walk = true });
}

void
hosted_x86_invpcid(unsigned type, uint64_t pcid, uint64_t va)
{
	struct hosted_cpu *c = hosted_this();
	struct hosted_flush f = { .asid = (uint32_t)pcid, .any_walk = true };

	if (lacks(c, HOSTED_X86_NO_INVPCID))
		hosted_machine_check(c, "#UD: INVPCID");
	if (type > 3 || pcid > 0xfff ||
	    (type == 0 && !canonical(va, reg(c, CR4))) ||
	    (pcid != 0 && type < 2 && !(reg(c, CR4) & C4_PCIDE)))
		hosted_machine_check(c, "#GP: INVPCID operand");
	f.va = va & ~(tome_va_t)TOME_PAGE_MASK;
	f.len = TOME_PAGE_SIZE;
	f.any_va = type != 0;
	f.any_asid = type >= 2;
	f.globals = type == 2;
	hosted_flush(c, &f);
}

/*
 * AMD APM volume 3. It need not have reached any CPU before TLBSYNC, and here it has
 * not: then it reaches them one at a time, with points between.
 */
void
hosted_x86_invlpgb(uint64_t rax, uint32_t ecx, uint32_t edx)
{
	struct hosted_cpu *c = hosted_this();
	struct hosted_flush f = { .any_va = !(rax & 1), .any_asid = !(rax & 2),
		.globals = rax & 8, .any_walk = true,
		.asid = edx >> 16 & C3_PCID,
		.va = rax & ~(tome_va_t)TOME_PAGE_MASK,
		.len = ((tome_va_t)ecx + 1) << TOME_PAGE_SHIFT };

	if (!lacks(c, HOSTED_X86_INVLPGB))
		hosted_machine_check(c, "#UD: INVLPGB");
	if (ecx >= INVLPGB_PAGES || (rax & 0xfd4) != 0 || (edx >> 28) != 0 ||
	    ((rax & 2) && !(reg(c, CR4) & C4_PCIDE)))
		hosted_machine_check(c, "#GP: INVLPGB operand");
	hosted_order(c, &f, true);
}

void
hosted_x86_tlbsync(void)
{
	struct hosted_cpu *c = hosted_this();

	if (!lacks(c, HOSTED_X86_INVLPGB))
		hosted_machine_check(c, "#UD: TLBSYNC");
	hosted_dsb(c, true);
	hosted_isb(c);
}

uint64_t
hosted_x86_read_cr3(void)
{
	return reg(hosted_this(), CR3);
}

void
hosted_x86_write_cr3(uint64_t v)
{
	struct hosted_cpu *c = hosted_this();
	uint64_t cr4 = reg(c, CR4);

	if ((v & C3_NOFLUSH) && !(cr4 & C4_PCIDE))
		hosted_machine_check(c, "#GP: CR3 bit 63 without PCIDE");
	hosted_reg_set(c, CR3, v & ~C3_NOFLUSH);
	if (!(v & C3_NOFLUSH))
		hosted_flush(c, &(struct hosted_flush){ .any_va = true,
		    .asid = pcid_of(v, cr4), .any_walk = true });
}

uint64_t
hosted_x86_read_cr4(void)
{
	return reg(hosted_this(), CR4);
}

void
hosted_x86_write_cr4(uint64_t v)
{
	struct hosted_cpu *c = hosted_this();
	uint64_t was = reg(c, CR4);

	if ((v & ~was & C4_PCIDE) && ((reg(c, CR3) & C3_PCID) ||
	    lacks(c, HOSTED_X86_NO_PCID)))
		hosted_machine_check(c, "#GP: CR4.PCIDE");
	if (((v & C4_SMAP) && lacks(c, HOSTED_X86_NO_SMAP)) ||
	    ((v & C4_PGE) && lacks(c, HOSTED_X86_NO_PGE)))
		hosted_machine_check(c, "#GP: CR4");
	if ((v ^ was) & C4_LA57)
		hosted_machine_check(c, "#GP: CR4.LA57 while paging");
	hosted_reg_set(c, CR4, v);
	/* 4.10.4.1: PCIDE, when set, drops nothing. */
	if (((v ^ was) & C4_PGE) || (was & ~v & C4_PCIDE))
		hosted_flush(c, &(struct hosted_flush){ .any_va = true,
		    .any_asid = true, .globals = true, .any_walk = true });
	else if (v & ~was & C4_SMEP)
		hosted_flush(c, &(struct hosted_flush){ .any_va = true,
		    .asid = asid(c, 0), .any_walk = true });
}

static uint32_t
unless(struct hosted_cpu *c, unsigned lacking, unsigned bit)
{
	return lacks(c, lacking) ? 0 : UINT32_C(1) << bit;
}

void
hosted_x86_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	struct hosted_cpu *c = hosted_this();

	(void)sub;
	out[0] = out[1] = out[2] = out[3] = 0;
	if (leaf == 0) {
		out[0] = 7;
	} else if (leaf == 1) {
		out[2] = unless(c, HOSTED_X86_NO_PCID, 17);
		out[3] = unless(c, HOSTED_X86_NO_PGE, 13) |
		    unless(c, HOSTED_X86_NO_PAT, 16);
	} else if (leaf == 7) {
		out[1] = unless(c, HOSTED_X86_NO_INVPCID, 10) |
		    unless(c, HOSTED_X86_NO_SMAP, 20) | UINT32_C(1) << 7;
		out[2] = lacks(c, HOSTED_X86_LA57) ? UINT32_C(1) << 16 : 0;
	} else if (leaf == 0x80000000u) {
		out[0] = 0x80000008u;
	} else if (leaf == 0x80000001u) {
		out[3] = unless(c, HOSTED_X86_NO_NX, 20) |
		    unless(c, HOSTED_X86_NO_1G, 26) | UINT32_C(1) << 29;
	} else if (leaf == 0x80000008u) {
		out[0] = PHYS_BITS |
		    (lacks(c, HOSTED_X86_LA57) ? 57u : 48u) << 8;
		if (lacks(c, HOSTED_X86_INVLPGB)) {
			out[1] = UINT32_C(1) << 3;
			out[3] = INVLPGB_PAGES - 1;
		}
	}
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
hosted_x86_rdmsr(uint32_t msr)
{
	struct hosted_cpu *c = hosted_this();

	return reg(c, msr_reg(c, msr));
}

void
hosted_x86_wrmsr(uint32_t msr, uint64_t v)
{
	struct hosted_cpu *c = hosted_this();
	unsigned r = msr_reg(c, msr);

	if (r == EFER && (v & EFER_NXE) && lacks(c, HOSTED_X86_NO_NX))
		hosted_machine_check(c, "#GP: EFER.NXE");
	hosted_reg_set(c, r, v);
}
