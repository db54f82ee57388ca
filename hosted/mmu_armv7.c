/*
 * mmu_armv7.c - the MMU of an ARMv7-A CPU with short descriptors, in software.
 *
 * Written from the Arm ARM for ARMv7-A, B3.5 (descriptors), B3.7 (rights, the access
 * flag, domains), B3.8 (TEX remap), B3.9 and B3.10 (TLBs), and on purpose not from the
 * port. What caching may do: a valid entry changes through invalid and a flush; stores
 * are seen by walks from a DSB on, and where walks do not read the data caches, from
 * the clean before it; a TLB operation is done at the next DSB, and not before; a
 * fault drops nothing; the fetch has a cache of its own.
 */
#include "armv7.h"
#include "radix.h"

#define L1_TABLE 1u
#define L2_SMALL 2u
#define L2_XN 1u
#define L2_AF (1u << 4)
#define L2_AP1 (1u << 5)
#define L2_AP2 (1u << 9)
#define L2_S (1u << 10)
#define L2_NG (1u << 11)

#define TTBCR_N 7u
#define TTBCR_PD0 (1u << 4)
#define SCTLR_TRE (1u << 28)
#define SCTLR_AFE (1u << 29)

/* Registers as written; those that walks go by follow at the next ISB. */
#define WRITTEN 8

static const struct radix_level lower[] = { { 20, 11 }, { 12, 8 } };
static const struct radix_level upper_half[] = { { 20, 12 }, { 12, 8 } };

static void
reset(struct hosted_cpu *c)
{
	atomic_store(hosted_reg(c, TOME_ARM_TTBCR), TTBCR_PD0);
	atomic_store(hosted_reg(c, WRITTEN + TOME_ARM_TTBCR), TTBCR_PD0);
}

static uint32_t
reg(struct hosted_cpu *c, enum tome_arm_reg r)
{
	return (uint32_t)radix_reg(c, r);
}

static uint32_t
asid(struct hosted_cpu *c, tome_va_t va)
{
	(void)va;
	return reg(c, TOME_ARM_CONTEXTIDR) & 0xff;
}

/* B3.5.4, with N of 1: the lower half by TTBR0. */
static enum hosted_walk
begin(struct radix_trip *t)
{
	uint32_t ttbcr = reg(t->c, TOME_ARM_TTBCR);
	bool user = t->va < 0x80000000u;

	if (reg(t->c, TOME_ARM_TTBR1) == 0)
		return HOSTED_ABSENT;	/* paging not begun */
	if ((ttbcr & TTBCR_N) != 1 || (~reg(t->c, TOME_ARM_SCTLR) &
	    (SCTLR_TRE | SCTLR_AFE))) {
		hosted_mmu_violation(t->c, HOSTED_TABLE, "TTBCR or SCTLR",
		    t->va, ttbcr);
		return HOSTED_BAD;
	}
	if (user && (ttbcr & TTBCR_PD0))
		return HOSTED_ABSENT;
	t->level = user ? lower : upper_half;
	t->table = user ? reg(t->c, TOME_ARM_TTBR0) & ~0x1fffu :
	    reg(t->c, TOME_ARM_TTBR1) & ~0x3fffu;
	/* Shareable, and through both caches (B4.1.154). */
	if ((reg(t->c, user ? TOME_ARM_TTBR0 : TOME_ARM_TTBR1) & 0x7f) != 0x6a) {
		hosted_mmu_violation(t->c, HOSTED_TABLE, "TTBR", t->va, 0);
		return HOSTED_BAD;
	}
	t->asid = asid(t->c, t->va);
	t->global = !user;
	return HOSTED_FOUND;
}

/* A table's domain must be a client; sections are not in use here. */
static void
decode_first(const struct radix_trip *t, uint32_t raw, struct radix_entry *e)
{
	uint32_t domain = raw >> 5 & 15;

	e->kind = RADIX_TABLE;
	e->pa = raw & ~1023u;
	e->rights = HOSTED_R | HOSTED_W | HOSTED_X | HOSTED_U;
	if ((raw & 3) != L1_TABLE || (raw & 0x21c)) {
		e->kind = RADIX_BAD;
		e->why = "no table";
	} else if ((reg(t->c, TOME_ARM_DACR) >> 2 * domain & 3) != 1) {
		e->kind = RADIX_BAD;
		e->why = "a domain that is no client";
	}
}

/* PRRR's region, then NMRR's two halves. */
static uint8_t
memory_type(struct hosted_cpu *c, uint32_t raw)
{
	unsigned n = (raw >> 6 & 1) << 2 | (raw >> 2 & 3);
	uint32_t nmrr = reg(c, TOME_ARM_NMRR);
	unsigned region = reg(c, TOME_ARM_PRRR) >> 2 * n & 3;

	return (uint8_t)(region != 2 ? region : 4 +
	    (nmrr >> 2 * n & 3) + 4 * (nmrr >> (16 + 2 * n) & 3));
}

static const char *
unsound(uint32_t raw, uint8_t type)
{
	if (!(raw & L2_SMALL))
		return "a large page";
	if (!(raw & L2_AF))
		return "no access flag";
	return type >= 4 && !(raw & L2_S) ?
	    "memory that is not shared by all CPUs" : NULL;
}

static void
decode_second(const struct radix_trip *t, uint32_t raw, struct radix_entry *e)
{
	e->pa = raw & ~4095u;
	e->type = memory_type(t->c, raw);
	e->why = unsound(raw, e->type);
	e->kind = e->why != NULL ? RADIX_BAD : RADIX_LEAF;
	e->rights = (uint8_t)(HOSTED_R | (raw & L2_AP2 ? 0 : HOSTED_W) |
	    (raw & L2_XN ? 0 : HOSTED_X) | (raw & L2_AP1 ? HOSTED_U : 0));
	e->global = !(raw & L2_NG);
	e->accessed = e->dirty = true;
}

static void
decode(const struct radix_trip *t, uint64_t raw, struct radix_entry *e)
{
	if ((raw & 3) == 0)
		return;
	if (t->level->shift == 20)
		decode_first(t, (uint32_t)raw, e);
	else
		decode_second(t, (uint32_t)raw, e);
}

/* Nothing. */
static uint64_t
marked(const struct radix_trip *t, uint64_t raw, const struct radix_entry *e,
    bool write, bool late)
{
	(void)t, (void)e, (void)write, (void)late;
	return raw;
}

static bool
permits(struct hosted_cpu *c, const struct hosted_leaf *leaf, unsigned access)
{
	unsigned want = access & (HOSTED_W | HOSTED_X);

	(void)c;
	if ((want & leaf->rights) != want)
		return false;
	return (leaf->rights & HOSTED_U) || (access & HOSTED_KERNEL);
}

/* Of either level: what a first-level table looks like is not a small page. */
static bool
valid(uint64_t raw)
{
	return (raw & 3) != 0;
}

static bool
same(uint64_t a, uint64_t b)
{
	const uint64_t small = 0xfffff000u | 0x5ccu | L2_SMALL;

	if ((a & 3) == L1_TABLE || (b & 3) == L1_TABLE)
		return a == b;
	return ((a ^ b) & small) == 0;
}

static tome_va_t
anywhere(struct hosted_cpu *c)
{
	return hosted_roll(c, 2) ? 0 : 0x80000000u;
}

static tome_va_t
canonical(struct hosted_cpu *c, tome_va_t va)
{
	(void)c;
	return va;
}

/* Memory: inner and outer, 1 write-back with allocation, 0 not cached. */
static void
abilities(struct hosted_cpu *c, struct hosted_abilities *a)
{
	(void)c;
	*a = (struct hosted_abilities){
		.reach = 32,
		.asids = 256,
		.type = { [TOME_MEM_WB] = 4 + 1 + 4 * 1, [TOME_MEM_WC] = 4,
		    [TOME_MEM_UC] = 4, [TOME_MEM_DEVICE] = 1 },
	};
}

const struct radix hosted_radix = {
	.entry_bytes = 4,
	.begin = begin,
	.decode = decode,
	.marked = marked,
	.anywhere = anywhere,
	.canonical = canonical,
};

static const unsigned variants[] = { 0, HOSTED_ARM_NO_BROADCAST,
	HOSTED_ARM_NO_COHERENT_WALKS,
	HOSTED_ARM_NO_BROADCAST | HOSTED_ARM_NO_COHERENT_WALKS };

const struct hosted_mmu hosted_mmu = {
	.name = "armv7",
	.flags = HOSTED_MMU_BBM | HOSTED_MMU_WEAK | HOSTED_MMU_ICACHE,
	.kernel_start = 0xd0000000u,
	.kernel_end = 0xe0000000u,
	.variants = variants,
	.nvariants = sizeof variants / sizeof variants[0],
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
};

/* ---- the instructions ---- */

/* Until now walks went by the old registers: what they left is in the TLB. */
void
tome_insn_isb(void)
{
	struct hosted_cpu *c = hosted_this();
	bool first = reg(c, TOME_ARM_TTBR1) == 0;
	unsigned r;

	hosted_isb(c);
	for (r = 0; r < TOME_ARM_MMFR3; r++)
		if (reg(c, r) != reg(c, WRITTEN + r))
			hosted_reg_set(c, r, reg(c, WRITTEN + r));
	if (first && reg(c, TOME_ARM_TTBR1) != 0)
		hosted_tlb_leave(c);
}

void
tome_insn_dsb(void)
{
	struct hosted_cpu *c = hosted_this();

	hosted_dsb(c, !radix_is(c, HOSTED_ARM_NO_COHERENT_WALKS));
}

void
tome_insn_clean(const void *at, size_t len)
{
	hosted_clean(at, len);
	hosted_code_clean(at, len);
}

uint32_t
tome_insn_read_reg(enum tome_arm_reg r)
{
	struct hosted_cpu *c = hosted_this();

	if (r != TOME_ARM_MMFR3)
		return reg(c, WRITTEN + r);
	/* Those of caches reach everybody. */
	return (radix_is(c, HOSTED_ARM_NO_BROADCAST) ? 1u << 12 : 2u << 12) |
	    (radix_is(c, HOSTED_ARM_NO_COHERENT_WALKS) ? 0 : 1u << 20);
}

void
tome_insn_write_reg(enum tome_arm_reg r, uint32_t v)
{
	struct hosted_cpu *c = hosted_this();

	if (r >= TOME_ARM_MMFR3)
		hosted_machine_check(c, "undefined: write to an ID register");
	/* B3.10.4: a walk in between is cached under the wrong number. Of writes
	 * without an ISB between them either may be first. */
	if (((r == TOME_ARM_CONTEXTIDR && v != reg(c, r)) ||
	    (r == TOME_ARM_TTBR0 && v != reg(c, r))) &&
	    !(reg(c, TOME_ARM_TTBCR) & TTBCR_PD0))
		hosted_mmu_violation(c, HOSTED_STALE,
		    "the space changes while TTBR0 is walked", 0, v);
	if (r == TOME_ARM_TTBCR && !(v & TTBCR_PD0) &&
	    (reg(c, TOME_ARM_CONTEXTIDR) !=
		reg(c, WRITTEN + TOME_ARM_CONTEXTIDR) ||
	    reg(c, TOME_ARM_TTBR0) != reg(c, WRITTEN + TOME_ARM_TTBR0)))
		hosted_mmu_violation(c, HOSTED_STALE,
		    "TTBR0 is walked while the space changes", 0, v);
	hosted_reg_set(c, WRITTEN + r, v);
}

void
tome_insn_tlbi(enum tome_arm_tlbi what, uint32_t arg)
{
	struct hosted_cpu *c = hosted_this();
	unsigned kind = what & 3;
	struct hosted_flush f = { .any_va = kind >= TOME_TLBI_ASID,
		.any_asid = kind & 1, .globals = kind != TOME_TLBI_ASID,
		.any_walk = kind >= TOME_TLBI_ASID, .asid = arg & 0xff,
		.va = arg & ~TOME_PAGE_MASK, .len = TOME_PAGE_SIZE };

	if (what >= TOME_TLBI_VA_IS && radix_is(c, HOSTED_ARM_NO_BROADCAST))
		hosted_machine_check(c, "undefined: TLB operation");
	hosted_order(c, &f, what >= TOME_TLBI_VA_IS);
}

void
tome_insn_drop_code(const void *at, size_t len)
{
	hosted_code_drop(at, len);
}
