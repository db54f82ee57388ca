/*
 * mmu_riscv64.c - the MMU of a RISC-V CPU, in software.
 *
 * Written from the privileged architecture, 4.1.11 (satp), 4.2.1 (SFENCE.VMA), 4.3
 * to 4.5 (Sv39, Sv48, Sv57), Svnapot, Svpbmt, and on purpose not from the port. What
 * caching may do: SFENCE.VMA with an address need not touch upper entries; a fault
 * drops nothing; an entry without A is not cached where software sets it (Svade).
 */
#include "radix.h"
#include "riscv64.h"

#define E_V (UINT64_C(1) << 0)
#define E_R (UINT64_C(1) << 1)
#define E_W (UINT64_C(1) << 2)
#define E_X (UINT64_C(1) << 3)
#define E_U (UINT64_C(1) << 4)
#define E_G (UINT64_C(1) << 5)
#define E_A (UINT64_C(1) << 6)
#define E_D (UINT64_C(1) << 7)
#define E_PBMT (UINT64_C(3) << 61)
#define E_HIGH (UINT64_C(0x7f) << 54)	/* reserved */
#define E_N (UINT64_C(1) << 63)
#define PHYS_BITS 56

enum { SATP, FENCED };

static const struct radix_level levels[] = {
	{ 48, 9 }, { 39, 9 }, { 30, 9 }, { 21, 9 }, { 12, 9 },
};

/* Sv39, Sv48, Sv57. */
static unsigned
mode_of(struct hosted_cpu *c)
{
	if (radix_is(c, HOSTED_RISCV_SV39))
		return 8;
	return radix_is(c, HOSTED_RISCV_SV57) ? 10 : 9;
}

static unsigned
va_bits(struct hosted_cpu *c)
{
	return 39 + 9 * (mode_of(c) - 8);
}

static void
reset(struct hosted_cpu *c)
{
	atomic_store(hosted_reg(c, SATP), (uint64_t)mode_of(c) << 60);
}

static tome_va_t
canonical(struct hosted_cpu *c, tome_va_t va)
{
	unsigned spare = 64 - va_bits(c);

	return (tome_va_t)((int64_t)(va << spare) >> spare);
}

static tome_va_t
anywhere(struct hosted_cpu *c)
{
	(void)c;
	return 0;
}

static uint32_t
asid(struct hosted_cpu *c, tome_va_t va)
{
	(void)va;
	return (uint32_t)(radix_reg(c, SATP) >> 44 & 0xffff);
}

static enum hosted_walk
begin(struct radix_trip *t)
{
	uint64_t satp = radix_reg(t->c, SATP);

	if (canonical(t->c, t->va) != t->va)
		return HOSTED_IMPOSSIBLE;
	t->table = (satp & ((UINT64_C(1) << 44) - 1)) << 12;
	if (t->table == 0)
		return HOSTED_ABSENT;	/* paging not begun */
	t->level = &levels[10 - (satp >> 60)];
	t->asid = asid(t->c, t->va);
	return HOSTED_FOUND;
}

/* Steps 3, 5 and 6 of 4.3.2; reserved bits fault, and nobody may rely on it. */
static const char *
reserved(const struct radix_trip *t, uint64_t raw)
{
	bool leaf = (raw & (E_R | E_X)) != 0;
	unsigned shift = t->level->shift;

	if (raw & E_HIGH)
		return "reserved bit set";
	/* Of 64 KiB, and no other size. */
	if ((raw & E_N) && (!leaf || shift > 12 || (raw >> 10 & 15) != 8 ||
	    radix_is(t->c, HOSTED_RISCV_NO_SVNAPOT)))
		return "N where it cannot be";
	if ((raw & E_PBMT) && (!leaf || (raw & E_PBMT) == E_PBMT ||
	    radix_is(t->c, HOSTED_RISCV_NO_SVPBMT)))
		return "memory type where none can be";
	if ((raw & (E_R | E_W)) == E_W)
		return "writable but not readable";
	if (!leaf && (raw & (E_U | E_A | E_D)))
		return "U, A or D in an upper entry";
	if (!leaf && shift == 12)
		return "a pointer in the last level";
	if (leaf && shift > 12 &&
	    (raw >> 10 & ((UINT64_C(1) << (shift - 12)) - 1)))
		return "misaligned superpage";
	return NULL;
}

/* Where software sets A and D, their absence is a fault (Svade). */
static void
without_bits(const struct radix_trip *t, uint64_t raw, struct radix_entry *e)
{
	if (!radix_is(t->c, HOSTED_RISCV_SVADE))
		return;
	if (!(raw & E_A) && !(t->how & HOSTED_WALK_FRESH))
		e->kind = RADIX_NONE;
	if (!(raw & E_D))
		e->rights &= (uint8_t)~HOSTED_W;
}

static void
decode(const struct radix_trip *t, uint64_t raw, struct radix_entry *e)
{
	if (!(raw & E_V))
		return;
	e->why = reserved(t, raw);
	e->pa = (raw >> 10 & ((UINT64_C(1) << 44) - 1)) << 12;
	e->kind = e->why != NULL ? RADIX_BAD : RADIX_TABLE;
	e->rights = HOSTED_R | HOSTED_W | HOSTED_X | HOSTED_U;
	if (e->kind == RADIX_BAD || !(raw & (E_R | E_X)))
		return;
	e->kind = RADIX_LEAF;
	e->rights = (uint8_t)((raw & E_R ? HOSTED_R : 0) |
	    (raw & E_W ? HOSTED_W : 0) | (raw & E_X ? HOSTED_X : 0) |
	    (raw & E_U ? HOSTED_U : 0));
	e->type = (uint8_t)(raw >> 61 & 3);
	e->global = raw & E_G;
	e->accessed = raw & E_A;
	e->dirty = raw & E_D;
	if (raw & E_N) {
		e->run = 4;
		e->pa = (e->pa & ~(tome_pa_t)0xffff) | (t->va & 0xf000);
	}
	without_bits(t, raw, e);
}

static uint64_t
marked(const struct radix_trip *t, uint64_t raw, const struct radix_entry *e,
    bool write, bool late)
{
	if (e->kind != RADIX_LEAF || radix_is(t->c, HOSTED_RISCV_SVADE))
		return raw;
	return raw | (late ? 0 : E_A) | (write ? E_A | E_D : 0);
}

/* MXR and SUM as the kernel keeps them: 0, but for its accesses to user memory;
 * the kernel never executes a user page. */
static bool
permits(struct hosted_cpu *c, const struct hosted_leaf *leaf, unsigned access)
{
	unsigned want = access & (HOSTED_R | HOSTED_W | HOSTED_X);

	(void)c;
	if ((want & leaf->rights) != want)
		return false;
	if (!(access & HOSTED_KERNEL))
		return (leaf->rights & HOSTED_U) != 0;
	if (!(leaf->rights & HOSTED_U))
		return true;
	return !(access & HOSTED_X) && (access & HOSTED_KERNEL_USER);
}

static bool
valid(uint64_t raw)
{
	return (raw & E_V) != 0;
}

static bool
same(uint64_t a, uint64_t b)
{
	const uint64_t place = ((UINT64_C(1) << 44) - 1) << 10;

	return ((a ^ b) & (place | E_PBMT | E_N)) == 0 &&
	    !(a & (E_R | E_X)) == !(b & (E_R | E_X));
}

/* All entries of a run are one. */
static uint64_t
in_run(uint64_t raw, int n)
{
	(void)n;
	return raw;
}

static void
abilities(struct hosted_cpu *c, struct hosted_abilities *a)
{
	bool none = radix_is(c, HOSTED_RISCV_NO_SVPBMT);

	*a = (struct hosted_abilities){
		.reach = PHYS_BITS,
		.asids = radix_is(c, HOSTED_RISCV_NO_ASID) ? 0 :
		    radix_is(c, HOSTED_RISCV_ASID5) ? 32 : 65536,
		.apart = true,
		.run = radix_is(c, HOSTED_RISCV_NO_SVNAPOT) ? 0 : 4,
		.marks_accessed = !radix_is(c, HOSTED_RISCV_SVADE),
		.marks_modified = !radix_is(c, HOSTED_RISCV_SVADE),
		.type = { [TOME_MEM_WC] = none ? 0 : 1, [TOME_MEM_UC] = none ?
		    0 : 2, [TOME_MEM_DEVICE] = none ? 0 : 2 },
	};
}

const struct radix hosted_radix = {
	.entry_bytes = 8,
	.begin = begin,
	.decode = decode,
	.marked = marked,
	.accessed = E_A,
	.anywhere = anywhere,
	.canonical = canonical,
};

static const unsigned variants[] = { 0, HOSTED_RISCV_SV39, HOSTED_RISCV_SV57,
	HOSTED_RISCV_SV39 | HOSTED_RISCV_SVADE | HOSTED_RISCV_NO_RFENCE,
	HOSTED_RISCV_NO_ASID | HOSTED_RISCV_NO_RFENCE,
	HOSTED_RISCV_SVADE | HOSTED_RISCV_ASID5 | HOSTED_RISCV_NO_SVPBMT |
	    HOSTED_RISCV_NO_SVNAPOT,
	HOSTED_RISCV_SV57 | HOSTED_RISCV_ASID5 | HOSTED_RISCV_NO_RFENCE };

const struct hosted_mmu hosted_mmu = {
	.name = "riscv64",
	.flags = HOSTED_MMU_WRITE_WALKS | HOSTED_MMU_ICACHE,
	.kernel_start = UINT64_C(0xffffffd000000000),
	.kernel_end = UINT64_C(0xffffffd010000000),
	.variants = variants,
	.nvariants = sizeof variants / sizeof variants[0],
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

uint64_t
tome_insn_read_satp(void)
{
	return radix_reg(hosted_this(), SATP);
}

static unsigned
asid_width(struct hosted_cpu *c)
{
	if (radix_is(c, HOSTED_RISCV_NO_ASID))
		return 0;
	return radix_is(c, HOSTED_RISCV_ASID5) ? 5 : 16;
}

/* A mode that the CPU lacks leaves satp as it was. */
void
tome_insn_write_satp(uint64_t v)
{
	struct hosted_cpu *c = hosted_this();
	uint64_t none = (UINT64_C(0xffff) << 44) &
	    ~(((UINT64_C(1) << asid_width(c)) - 1) << 44);

	if (v >> 60 != mode_of(c))
		return;
	hosted_reg_set(c, SATP, v & ~none);
}

void
tome_insn_sfence_all(void)
{
	hosted_flush(hosted_this(), &(struct hosted_flush){ .any_va = true,
	    .any_asid = true, .globals = true, .any_walk = true });
}

void
tome_insn_sfence_asid(uint64_t id)
{
	hosted_flush(hosted_this(), &(struct hosted_flush){ .any_va = true,
	    .asid = (uint32_t)id, .any_walk = true });
}

/* Leaves alone: the walk cache stays. */
void
tome_insn_sfence_va(uint64_t va)
{
	hosted_flush(hosted_this(), &(struct hosted_flush){ .any_asid = true,
	    .globals = true, .va = va & ~(uint64_t)0xfff, .len = 4096,
	    .leaves = true });
}

void
tome_insn_sfence_va_asid(uint64_t va, uint64_t id)
{
	hosted_flush(hosted_this(), &(struct hosted_flush){
	    .asid = (uint32_t)id, .va = va & ~(uint64_t)0xfff, .len = 4096,
	    .leaves = true });
}

void
tome_insn_fence(void)
{
	atomic_store(hosted_reg(hosted_this(), FENCED), 1);
}

/* The instruction knows no frame; the machine keeps a copy of each. Firmware that
 * fences no other hart is found where there is one alone. */
void
tome_insn_fence_i(const void *frame)
{
	if (radix_is(hosted_this(), HOSTED_RISCV_NO_RFENCE))
		hosted_sync_icache_at(frame);
	else
		hosted_sync_icache_here(frame);
}

/* What other harts look at then need not be what was not fenced: they may as well not
 * have been asked. */
static void
remote_fence(struct hosted_cpu *c, uint64_t function, uint64_t start,
    uint64_t size, uint64_t id)
{
	struct hosted_flush f = { .any_asid = function == 1,
	    .globals = function == 1, .asid = (uint32_t)id, .va = start,
	    .len = size, .leaves = true };

	if (atomic_exchange(hosted_reg(c, FENCED), 0) == 0)
		return;
	if (start == 0 && size == 0) {
		f.any_va = f.any_walk = true;
		f.leaves = false;
	}
	if (function != 0)
		hosted_flush_all_cpus(c, &f);
	else
		hosted_sync_icache_others();
}

uint64_t
tome_insn_sbi(uint64_t extension, uint64_t function, uint64_t arg0,
    uint64_t arg1, uint64_t arg2, uint64_t arg3, uint64_t arg4)
{
	const uint64_t rfence = 0x52464e43;
	struct hosted_cpu *c = hosted_this();

	if (extension == 0x10 && function == 3)
		return arg0 == 0x10 || (arg0 == rfence &&
		    !radix_is(c, HOSTED_RISCV_NO_RFENCE));
	if (extension != rfence || radix_is(c, HOSTED_RISCV_NO_RFENCE) ||
	    function > 2 || arg1 != ~UINT64_C(0))
		hosted_machine_check(c, "SBI: no such call");
	remote_fence(c, function, arg2, arg3, arg4);
	return 0;
}

unsigned
tome_insn_isa(void)
{
	struct hosted_cpu *c = hosted_this();

	return (radix_is(c, HOSTED_RISCV_NO_SVPBMT) ? 0 : 1) |
	    (radix_is(c, HOSTED_RISCV_NO_SVNAPOT) ? 0 : 2);
}
