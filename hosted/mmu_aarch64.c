/*
 * mmu_aarch64.c - the MMU of an AArch64 CPU at EL1 and EL0, in software.
 *
 * Written from the Arm ARM, D8.2 (walks), D8.3 (descriptors), D8.4 (rights), D8.5
 * (hardware AF and dirty state), D8.13 and D8.14 (TLBs), and on purpose not from the
 * port. What caching may do: a valid entry changes through invalid and a flush
 * (break before make); stores are seen by walks from a DSB on; TLBI is done at the
 * next DSB, and not before; a fault drops nothing; the fetch has a cache of its own.
 */
#include "aarch64.h"
#include "radix.h"

#define E_V (UINT64_C(1) << 0)
#define E_TABLE (UINT64_C(1) << 1)
#define E_AP1 (UINT64_C(1) << 6)
#define E_AP2 (UINT64_C(1) << 7)
#define E_SH (UINT64_C(3) << 8)
#define E_AF (UINT64_C(1) << 10)
#define E_NG (UINT64_C(1) << 11)
#define E_DBM (UINT64_C(1) << 51)
#define E_CONTIGUOUS (UINT64_C(1) << 52)
#define E_PXN (UINT64_C(1) << 53)
#define E_UXN (UINT64_C(1) << 54)

#define TCR_EPD0 (UINT64_C(1) << 7)
/* Walks of either root read the caches, inner shareable. */
#define TCR_WALKS (UINT64_C(0x3500) * 0x10001)
#define TCR_A1 (UINT64_C(1) << 22)
#define TCR_AS (UINT64_C(1) << 36)
#define TCR_HA (UINT64_C(1) << 39)
#define TCR_HD (UINT64_C(1) << 40)
#define TCR_DS (UINT64_C(1) << 59)

enum { TTBR0, TTBR1, TCR, MAIR };
/* Registers as written; those that walks go by follow at the next ISB. */
#define WRITTEN 8

/* 52 bits: by FEAT_LPA2 (DS), or by FEAT_LVA and FEAT_LPA where pages are of 64 KiB. */
#define WIDTH TOME_A64_WIDTH
#define WIDE (WIDTH == 52)
#define DS (WIDE && TOME_PAGE_SHIFT != 16)

/* D8.2.6 to D8.2.8: from what is resolved at the first level, which takes the bits that
 * are left, to that of pages. */
#if TOME_PAGE_SHIFT == 12
static const struct radix_level levels[] = {
#if WIDE
	{ 48, 4 },
#endif
	{ 39, 9 }, { 30, 9 }, { 21, 9 }, { 12, 9 },
};
#define BLOCKS_BELOW (WIDE ? 48 : 39)	/* a block is no larger */
#define CONTIGUOUS 4		/* log2 of the pages that can be one */
#define TG0 0
#define TG1 2
#elif TOME_PAGE_SHIFT == 14
static const struct radix_level levels[] = {
	{ 47, WIDTH - 47 }, { 36, 11 }, { 25, 11 }, { 14, 11 },
};
#define BLOCKS_BELOW (WIDE ? 47 : 36)
#define CONTIGUOUS 7
#define TG0 2
#define TG1 1
#else
static const struct radix_level levels[] = {
	{ 42, WIDTH - 42 }, { 29, 13 }, { 16, 13 },
};
#define BLOCKS_BELOW (WIDE ? 43 : 42)
#define CONTIGUOUS 5
#define TG0 1
#define TG1 3
#endif

/* Bits of an output address as TCR.IPS says. */
static const uint8_t output_bits[8] = { 32, 36, 40, 42, 44, 48, 52 };

static void
reset(struct hosted_cpu *c)
{
	atomic_store(hosted_reg(c, TCR), TCR_EPD0);
	atomic_store(hosted_reg(c, WRITTEN + TCR), TCR_EPD0);
}

static bool
hardware(struct hosted_cpu *c, uint64_t bit)
{
	return (radix_reg(c, TCR) & bit) != 0;
}

/* Of a table of 64 bytes at least; with 52 bits, those from 48 up are in 5:2. */
static uint64_t
place(uint64_t ttbr)
{
	if (!WIDE)
		return ttbr & ((UINT64_C(1) << 48) - 2);
	return (ttbr & ((UINT64_C(1) << 48) - 64)) | (ttbr & 0x3c) << 46;
}

/* D8.3.1: 49:12 and 9:8 with DS; else 47:12, of 64 KiB with 15:12 for what is above. */
static uint64_t
output(uint64_t raw)
{
	uint64_t low = raw & ~(uint64_t)TOME_PAGE_MASK;

	if (DS)
		return (low & ((UINT64_C(1) << 50) - 1)) | (raw >> 8 & 3) << 50;
	low &= (UINT64_C(1) << 48) - 1;
	return WIDE ? low | (raw >> 12 & 15) << 48 : low;
}

static uint32_t
asid(struct hosted_cpu *c, tome_va_t va)
{
	uint64_t number = radix_reg(c, TTBR0) >> 48;

	(void)va;
	return (uint32_t)(hardware(c, TCR_AS) ? number : number & 0xff);
}

/* What the granule and the sizes must say for the levels above to be right. */
static bool
set_up(uint64_t tcr)
{
	return (tcr & 63) == 64 - WIDTH && (tcr >> 16 & 63) == 64 - WIDTH &&
	    !(tcr & TCR_DS) == !DS &&
	    (tcr >> 14 & 3) == TG0 && (tcr >> 30 & 3) == TG1 &&
	    (tcr & TCR_WALKS) == TCR_WALKS &&
	    !(tcr & TCR_A1);
}

static enum hosted_walk
begin(struct radix_trip *t)
{
	uint64_t tcr = radix_reg(t->c, TCR), top = t->va >> WIDTH;

	if (top != 0 && top != UINT64_MAX >> WIDTH)
		return HOSTED_IMPOSSIBLE;
	if (radix_reg(t->c, TTBR1) == 0)
		return HOSTED_ABSENT;	/* paging not begun */
	if (!set_up(tcr)) {
		hosted_mmu_violation(t->c, HOSTED_TABLE, "TCR", t->va, tcr);
		return HOSTED_BAD;
	}
	if (top == 0 && (tcr & TCR_EPD0))
		return HOSTED_ABSENT;
	t->table = place(radix_reg(t->c, top != 0 ? TTBR1 : TTBR0));
	t->level = levels;
	t->asid = asid(t->c, t->va);
	t->global = top != 0;
	return HOSTED_FOUND;
}

/* MAIR's byte for the entry. */
static unsigned
memory_type(struct hosted_cpu *c, uint64_t raw)
{
	return (unsigned)(radix_reg(c, MAIR) >> 8 * (raw >> 2 & 7) & 0xff);
}

static const char *
unsound(const struct radix_trip *t, uint64_t raw, bool leaf)
{
	unsigned shift = t->level->shift;
	uint64_t place = output(raw);
	unsigned type = memory_type(t->c, raw);

	if (place >> output_bits[radix_reg(t->c, TCR) >> 32 & 7] != 0)
		return "an address beyond the CPU's";
	if (!leaf)
		return NULL;
	if (shift == TOME_PAGE_SHIFT ? !(raw & E_TABLE) : shift >= BLOCKS_BELOW)
		return "no leaf of this size";
	if (place & ((UINT64_C(1) << shift) - 1))
		return "misaligned block";
	/* Blocks can be, but the port makes no such runs. */
	if ((raw & E_CONTIGUOUS) && shift > TOME_PAGE_SHIFT)
		return "contiguous blocks";
	if (!DS && type >= 0x40 && (raw & E_SH) != E_SH)
		return "memory that is not shared by all CPUs";
	return NULL;
}

/* D8.4: of the leaf alone; upper entries here say nothing. */
static uint8_t
rights_of(const struct radix_trip *t, uint64_t raw)
{
	bool write = !(raw & E_AP2) ||
	    ((raw & E_DBM) && hardware(t->c, TCR_HD));
	uint64_t noexec = raw & E_AP1 ? E_UXN : E_PXN;

	return (uint8_t)(HOSTED_R | (write ? HOSTED_W : 0) |
	    (raw & noexec ? 0 : HOSTED_X) | (raw & E_AP1 ? HOSTED_U : 0));
}

static void
decode(const struct radix_trip *t, uint64_t raw, struct radix_entry *e)
{
	bool leaf = t->level->shift == TOME_PAGE_SHIFT || !(raw & E_TABLE);

	if (!(raw & E_V))
		return;
	e->pa = output(raw);
	e->rights = HOSTED_R | HOSTED_W | HOSTED_X | HOSTED_U;
	e->why = unsound(t, raw, leaf);
	e->kind = e->why != NULL ? RADIX_BAD : leaf ? RADIX_LEAF : RADIX_TABLE;
	if (e->kind != RADIX_LEAF)
		return;
	e->rights = rights_of(t, raw);
	e->type = (uint8_t)(memory_type(t->c, raw) / 2);
	e->global = !(raw & E_NG);
	e->accessed = raw & E_AF;
	e->dirty = !(raw & E_AP2);
	e->run = raw & E_CONTIGUOUS ? CONTIGUOUS : 0;
	/* An access flag fault; never cached. */
	if (!(raw & E_AF) && !hardware(t->c, TCR_HA) &&
	    !(t->how & HOSTED_WALK_FRESH))
		e->kind = RADIX_NONE;
}

static uint64_t
marked(const struct radix_trip *t, uint64_t raw, const struct radix_entry *e,
    bool write, bool late)
{
	if (e->kind != RADIX_LEAF)
		return raw;
	if (hardware(t->c, TCR_HA) && (!late || write))
		raw |= E_AF;
	if (write && (raw & E_DBM) && hardware(t->c, TCR_HD))
		raw &= ~E_AP2;
	return raw;
}

/* EL0 may execute what it may not read; with PAN the kernel reaches user memory by
 * unprivileged accesses alone. */
static bool
permits(struct hosted_cpu *c, const struct hosted_leaf *leaf, unsigned access)
{
	bool kernel = access & HOSTED_KERNEL;

	if ((access & HOSTED_W) && !(leaf->rights & HOSTED_W))
		return false;
	if (access & HOSTED_X)
		return !(leaf->raw & (kernel ? E_PXN : E_UXN));
	if (!kernel)
		return (leaf->rights & HOSTED_U) != 0;
	return !(leaf->rights & HOSTED_U) || (access & HOSTED_KERNEL_USER) ||
	    radix_is(c, HOSTED_A64_NO_PAN);
}

static bool
valid(uint64_t raw)
{
	return (raw & E_V) != 0;
}

static bool
same(uint64_t a, uint64_t b)
{
	return output(a) == output(b) &&
	    ((a ^ b) & (E_TABLE | E_SH | E_CONTIGUOUS | UINT64_C(0x1c))) == 0;
}

/* Each has its own place; of a run, in bits that lie together. */
static uint64_t
in_run(uint64_t raw, int n)
{
	return raw + (uint64_t)((int64_t)n * (int64_t)TOME_PAGE_SIZE);
}

static tome_va_t
anywhere(struct hosted_cpu *c)
{
	return hosted_roll(c, 2) ? 0 : ~(tome_va_t)0 << WIDTH;
}

static tome_va_t
canonical(struct hosted_cpu *c, tome_va_t va)
{
	(void)c;
	return va;
}

/* MAIR: write-back, memory that is not cached, nGnRE; halved. */
static void
abilities(struct hosted_cpu *c, struct hosted_abilities *a)
{
	*a = (struct hosted_abilities){
		.reach = WIDTH,
		.asids = radix_is(c, HOSTED_A64_ASID8) ? 256 : 65536,
		.apart = true,
		.run = CONTIGUOUS,
		.address_bits = WIDTH,
		.marks_accessed = !radix_is(c, HOSTED_A64_NO_HA),
		.marks_modified = !radix_is(c,
		    HOSTED_A64_NO_HA | HOSTED_A64_NO_HD),
		.type = { [TOME_MEM_WB] = 0xff / 2, [TOME_MEM_WC] = 0x44 / 2,
		    [TOME_MEM_UC] = 0x44 / 2, [TOME_MEM_DEVICE] = 4 / 2 },
	};
}

const struct radix hosted_radix = {
	.entry_bytes = 8,
	.begin = begin,
	.decode = decode,
	.marked = marked,
	.accessed = E_AF,
	.anywhere = anywhere,
	.canonical = canonical,
};

static const unsigned variants[] = { 0, HOSTED_A64_NO_HD,
	HOSTED_A64_NO_HD | HOSTED_A64_NO_HA | HOSTED_A64_ASID8 |
	    HOSTED_A64_NO_PAN,
	HOSTED_A64_NO_RANGE, HOSTED_A64_NO_HD | HOSTED_A64_NO_RANGE };

#if WIDE
static const unsigned unfit[] = { HOSTED_A64_NARROW };
#endif

const struct hosted_mmu hosted_mmu = {
	.name = "aarch64",
	.flags = HOSTED_MMU_BBM | HOSTED_MMU_WEAK | HOSTED_MMU_ICACHE |
	    HOSTED_MMU_WRITE_WALKS,
	.kernel_start = UINT64_C(0xffff800000000000),
	.kernel_end = UINT64_C(0xffff800000000000) +
	    ((tome_va_t)65536 << TOME_PAGE_SHIFT),
	.variants = variants,
	.nvariants = sizeof variants / sizeof variants[0],
#if WIDE
	.unfit = unfit,
	.nunfit = sizeof unfit / sizeof unfit[0],
#endif
	.valid = valid,
	.same = same,
	.in_run = in_run,
	.entry_bytes = 8,
	.reset = reset,
	.walk = hosted_radix_walk,
	.permits = permits,
	.asid = asid,
	.settle = hosted_radix_settle,
	.upper = hosted_radix_upper,
	.pick = hosted_radix_pick,
	.abilities = abilities,
};

/* ---- the instructions ---- */

/* Until now walks went by the old: what they left is in the TLB. */
void
tome_insn_isb(void)
{
	struct hosted_cpu *c = hosted_this();
	bool first = radix_reg(c, TTBR1) == 0;
	unsigned r;

	hosted_isb(c);
	for (r = TTBR0; r <= MAIR; r++)
		if (radix_reg(c, r) != radix_reg(c, WRITTEN + r))
			hosted_reg_set(c, r, radix_reg(c, WRITTEN + r));
	if (first && radix_reg(c, TTBR1) != 0)
		hosted_tlb_leave(c);
}

void
tome_insn_dsb_ishst(void)
{
	hosted_stores_arrive(hosted_this(), true);
}

void
tome_insn_dsb_ish(void)
{
	hosted_dsb(hosted_this(), true);
}

static uint64_t
identity(struct hosted_cpu *c, enum tome_a64_reg r)
{
	unsigned hafdbs = radix_is(c, HOSTED_A64_NO_HA) ? 0 :
	    radix_is(c, HOSTED_A64_NO_HD) ? 1 : 2;

	bool wide = WIDE && !radix_is(c, HOSTED_A64_NARROW);

	if (r == TOME_A64_MMFR0)	/* every granule */
		return (wide ? UINT64_C(0x10200006) : UINT64_C(0x00100005)) |
		    (radix_is(c, HOSTED_A64_ASID8) ? 0 : 2) << 4;
	if (r == TOME_A64_MMFR1)
		return hafdbs | (radix_is(c, HOSTED_A64_NO_PAN) ? 0 : 1) << 20;
	if (r == TOME_A64_MMFR2)
		return wide ? 1 << 16 : 0;
	return radix_is(c, HOSTED_A64_NO_RANGE) ? 0 : UINT64_C(2) << 56;
}

uint64_t
tome_insn_read_reg(enum tome_a64_reg r)
{
	struct hosted_cpu *c = hosted_this();

	return r <= TOME_A64_MAIR ? radix_reg(c, WRITTEN + r) :
	    identity(c, r);
}

void
tome_insn_write_reg(enum tome_a64_reg r, uint64_t v)
{
	struct hosted_cpu *c = hosted_this();

	if (r > TOME_A64_MAIR)
		hosted_machine_check(c, "undefined: write to an ID register");
	if (r == TOME_A64_TCR && (((v & TCR_AS) &&
	    radix_is(c, HOSTED_A64_ASID8)) ||
	    ((v & TCR_HA) && radix_is(c, HOSTED_A64_NO_HA)) ||
	    ((v & TCR_HD) && (radix_is(c, HOSTED_A64_NO_HA | HOSTED_A64_NO_HD) ||
	    !(v & TCR_HA)))))
		hosted_machine_check(c, "TCR asks for what is not there");
	/* Of writes without an ISB between them either may be first. */
	if ((r == TOME_A64_TTBR0 && place(v) == 0 && !hardware(c, TCR_EPD0)) ||
	    (r == TOME_A64_TCR && !(v & TCR_EPD0) &&
		place(radix_reg(c, TTBR0)) == 0))
		hosted_mmu_violation(c, HOSTED_TABLE, "walks from no root", 0,
		    v);
	hosted_reg_set(c, WRITTEN + r, v);
}

static tome_va_t
address(uint64_t arg, bool range)
{
	unsigned unit = DS ? 16 : TOME_PAGE_SHIFT;
	uint64_t va = range ? (arg & ((UINT64_C(1) << 37) - 1)) << unit :
	    (arg & ((UINT64_C(1) << 44) - 1)) << 12;
	unsigned spare = range ? 64 - (37 + unit) : 8;

	va = (uint64_t)((int64_t)(va << spare) >> spare);
	return va & ~(uint64_t)TOME_PAGE_MASK;
}

void
tome_insn_tlbi(enum tome_a64_tlbi what, uint64_t arg)
{
	struct hosted_cpu *c = hosted_this();
	bool range = what >= TOME_TLBI_RANGE_IS;
	unsigned kind = range ? what - TOME_TLBI_RANGE_IS : what & 3;
	struct hosted_flush f = { .any_va = kind >= TOME_TLBI_ASID,
		.any_asid = kind & 1, .globals = kind != TOME_TLBI_ASID,
		.any_walk = kind >= TOME_TLBI_ASID,
		.asid = (uint32_t)(arg >> 48), .va = address(arg, range),
		.len = TOME_PAGE_SIZE };

	if (range) {
		if (radix_is(c, HOSTED_A64_NO_RANGE))
			hosted_machine_check(c, "undefined: TLBI by range");
		if ((arg >> 46 & 3) != (TOME_PAGE_SHIFT - 10) / 2)
			return;		/* of another granule: nothing */
		f.len = ((arg >> 39 & 31) + 1) <<
		    (5 * (arg >> 44 & 3) + 1) << TOME_PAGE_SHIFT;
	}
	hosted_order(c, &f, what >= TOME_TLBI_VA_IS);
}

void
tome_insn_clean_code(const void *at, size_t len)
{
	hosted_code_clean(at, len);
}

void
tome_insn_drop_code(const void *at, size_t len)
{
	hosted_code_drop(at, len);
}

bool
hosted_a64_lifts(bool pan)
{
	struct hosted_cpu *c = hosted_this();

	if (pan && radix_is(c, HOSTED_A64_NO_PAN))
		hosted_machine_check(c, "undefined: MSR PAN");
	return pan;
}
