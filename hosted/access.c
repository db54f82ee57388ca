/*
 * access.c - loads, stores and fetches as a CPU's program does them.
 *
 * One byte range, page by page: look in the TLB, else walk and fill, else
 * fault. Between the look-up and the data no interrupt is served, and the TLB
 * stays locked, so that a flush of this CPU, another's broadcast too, never falls
 * between: a frame is safe to touch exactly while this CPU's TLB may name it. A
 * hit on a frame that is free is invariant 5 broken, whoever else runs.
 */
#include <inttypes.h>
#include <string.h>

#include "hosted_i.h"

#define STUCK 1000

enum outcome {
	HIT, REFUSED, NEVER,
};

static enum outcome translate(struct hosted_cpu *, tome_va_t, unsigned access,
    struct hosted_leaf *);
static bool judge_use(struct hosted_cpu *, const struct hosted_leaf *,
    tome_va_t, unsigned access);

/* ---- the data, byte by byte where others may look ---- */

/* Relaxed atomics: two programs may race, the kernel may not race with them. */
static void
copy_from(void *to, const unsigned char *ram, size_t n)
{
	unsigned char *d = to;
	size_t i;

	for (i = 0; i < n; i++)
		d[i] = __atomic_load_n(&ram[i], __ATOMIC_RELAXED);
}

static void
copy_into(unsigned char *ram, const void *from, size_t n)
{
	const unsigned char *s = from;
	size_t i;

	for (i = 0; i < n; i++)
		__atomic_store_n(&ram[i], s[i], __ATOMIC_RELAXED);
}

static const unsigned char *
fetched_from(struct hosted_cpu *c, tome_pa_t pa, const unsigned char *ram)
{
	struct hosted_machine *m = c->m;
	unsigned char *copy;

	if (m->icache == NULL)
		return ram;
	copy = *hosted_icache(c, pa);
	if (copy == NULL) {
		hosted_violation(m, HOSTED_ICACHE,
		    "frame %#" PRIx64 " never synchronised", (uint64_t)pa);
		return ram;
	}
	return copy + (pa & TOME_PAGE_MASK);
}

/* Device memory outside RAM reads as all ones and swallows writes. */
static void
move_data(struct hosted_cpu *c, tome_pa_t pa, unsigned access, void *buf,
    size_t n)
{
	unsigned char *ram = hosted_ram(c->m, pa);

	if (ram == NULL) {
		if (!(access & HOSTED_W))
			memset(buf, 0xff, n);
	} else if (access & HOSTED_W) {
		copy_into(ram, buf, n);
	} else if (access & HOSTED_X) {
		copy_from(buf, fetched_from(c, pa, ram), n);
	} else {
		copy_from(buf, ram, n);
	}
}

/* ---- the loop ---- */

static tome_prot_t
access_prot(unsigned access)
{
	if (access & HOSTED_W)
		return TOME_PROT_WRITE;
	return access & HOSTED_X ? TOME_PROT_EXEC : TOME_PROT_READ;
}

static void
note_recent(struct hosted_machine *m, tome_va_t va)
{
	uint32_t i = atomic_fetch_add_explicit(&m->nrecent, 1,
	    memory_order_relaxed);

	atomic_store_explicit(&m->recent[i % HOSTED_RECENT], (uint64_t)va,
	    memory_order_relaxed);
}

/* One piece within a page, faulting until it works or the handler gives up. */
static enum tome_err
piece(tome_va_t va, unsigned access, void *buf, size_t n,
    hosted_fault_fn *fault, void *arg)
{
	struct hosted_leaf leaf;
	unsigned tries;

	for (tries = 0; tries < STUCK; tries++) {
		struct hosted_cpu *c = hosted_this();
		enum outcome o;
		enum tome_err err;

		hosted_point();
		hosted_mischief(c);
		hosted_lock(&c->tlb_lock);
		o = translate(c, va, access, &leaf);
		if (o == HIT)
			move_data(c, leaf.pa + (tome_pa_t)(va - leaf.va),
			    access, buf, n);
		hosted_unlock(&c->tlb_lock);
		if (o == HIT)
			return TOME_OK;
		if (o == NEVER || fault == NULL)
			return TOME_EFAULT;
		err = fault(arg, va, access_prot(access));
		if (err != TOME_OK)
			return err;
	}
	hosted_violation(hosted_current(), HOSTED_STUCK,
	    "va %#" PRIx64 " access %u", (uint64_t)va, access);
	return TOME_EFAULT;
}

static enum tome_err
access_range(tome_va_t va, unsigned access, void *buf, size_t n,
    hosted_fault_fn *fault, void *arg)
{
	enum tome_err err = TOME_OK;

	while (n > 0 && err == TOME_OK) {
		size_t room = (size_t)(TOME_PAGE_SIZE - (va & TOME_PAGE_MASK));
		size_t now = n < room ? n : room;

		note_recent(hosted_current(), va);
		err = piece(va, access, buf, now, fault, arg);
		va += now;
		buf = (char *)buf + now;
		n -= now;
	}
	return err;
}

enum tome_err
hosted_read(tome_va_t va, void *buf, size_t n, hosted_fault_fn *fault,
    void *arg)
{
	return access_range(va, HOSTED_R, buf, n, fault, arg);
}

enum tome_err
hosted_write(tome_va_t va, const void *buf, size_t n, hosted_fault_fn *fault,
    void *arg)
{
	return access_range(va, HOSTED_W, (void *)(uintptr_t)buf, n, fault,
	    arg);
}

enum tome_err
hosted_exec(tome_va_t va, void *buf, size_t n, hosted_fault_fn *fault,
    void *arg)
{
	return access_range(va, HOSTED_X, buf, n, fault, arg);
}

static unsigned
kernel_access(unsigned access, bool user)
{
	return access | HOSTED_KERNEL | (user ? HOSTED_KERNEL_USER : 0);
}

enum tome_err
hosted_kread(tome_va_t va, void *buf, size_t n, bool user)
{
	return access_range(va, kernel_access(HOSTED_R, user), buf, n, NULL,
	    NULL);
}

enum tome_err
hosted_kexec(tome_va_t va, void *buf, size_t n)
{
	return access_range(va, kernel_access(HOSTED_X, true), buf, n, NULL,
	    NULL);
}

enum tome_err
hosted_kwrite(tome_va_t va, const void *buf, size_t n, bool user)
{
	return access_range(va, kernel_access(HOSTED_W, user),
	    (void *)(uintptr_t)buf, n, NULL, NULL);
}

/* ---- the kernel's own access to user memory (insn.h) ---- */

static _Thread_local hosted_fault_fn *kernel_fault;
static _Thread_local void *kernel_fault_arg;

void
hosted_on_fault(hosted_fault_fn *fault, void *arg)
{
	kernel_fault = fault;
	kernel_fault_arg = arg;
}

static size_t
user_copy(tome_va_t va, unsigned access, void *buf, size_t n)
{
	while (n > 0) {
		size_t room = (size_t)(TOME_PAGE_SIZE - (va & TOME_PAGE_MASK));
		size_t now = n < room ? n : room;

		if (access_range(va, access, buf, now, kernel_fault,
		    kernel_fault_arg) != TOME_OK)
			break;
		va += now;
		buf = (char *)buf + now;
		n -= now;
	}
	return n;
}

size_t
hosted_copy_in(void *dst, tome_va_t src, size_t n, bool lift)
{
	return user_copy(src, kernel_access(HOSTED_R, lift), dst, n);
}

size_t
hosted_copy_out(tome_va_t dst, const void *src, size_t n, bool lift)
{
	return user_copy(dst, kernel_access(HOSTED_W, lift),
	    (void *)(uintptr_t)src, n);
}

/* What is done to a word, atomically. */
struct word_op {
	unsigned access;
	uint32_t *seen, v;		/* _W: to v, if it is *seen */
};

static void
word_act(const struct word_op *op, uint32_t *word)
{
	if (op->access & HOSTED_W)
		__atomic_compare_exchange_n(word, op->seen, op->v, false,
		    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	else
		*op->seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* An aligned word: translate, then act on the frame. */
static bool
user_word(tome_va_t va, const struct word_op *op)
{
	unsigned tries;

	for (tries = 0; tries < STUCK; tries++) {
		struct hosted_cpu *c = hosted_this();
		struct hosted_leaf leaf;
		enum outcome o;

		note_recent(c->m, va);
		hosted_point();
		hosted_lock(&c->tlb_lock);
		o = translate(c, va, op->access, &leaf);
		if (o == HIT)
			word_act(op, hosted_ram(c->m,
			    leaf.pa + (tome_pa_t)(va - leaf.va)));
		hosted_unlock(&c->tlb_lock);
		if (o == HIT)
			return true;
		if (o == NEVER || kernel_fault == NULL ||
		    kernel_fault(kernel_fault_arg, va,
			access_prot(op->access)) != TOME_OK)
			break;
	}
	return false;
}

bool
hosted_user_load32(tome_va_t va, uint32_t *out, bool lift)
{
	const struct word_op op = { .access = kernel_access(HOSTED_R, lift),
		.seen = out };

	return user_word(va, &op);
}

bool
hosted_user_cas32(tome_va_t va, uint32_t *seen, uint32_t v, bool lift)
{
	const struct word_op op = { .access = kernel_access(HOSTED_W, lift),
		.seen = seen, .v = v };

	return user_word(va, &op);
}

/* ---- translation ---- */

/* A TLB entry that will do; a write to a clean one must walk for the M bit. */
static bool
tlb_serves(struct hosted_cpu *c, const struct hosted_tlbe *e, unsigned access)
{
	return e != NULL && hosted_mmu.permits(c, &e->leaf, access) &&
	    (!(access & HOSTED_W) || e->leaf.dirty ||
		!(c->m->mmu_flags & HOSTED_MMU_WRITE_WALKS));
}

static void
drop_cached(struct hosted_cpu *c, tome_va_t va, uint32_t asid)
{
	if (c->m->mmu_flags & HOSTED_MMU_FAULT_FLUSHES)
		hosted_tlb_drop(c, va, asid);
}

static enum outcome
walk_and_fill(struct hosted_cpu *c, tome_va_t va, unsigned access,
    uint32_t asid, struct hosted_leaf *leaf)
{
	enum hosted_walk w;

	HOSTED_COUNT(c->m, walks);
	w = hosted_mmu.walk(c, va, HOSTED_WALK_ACCESS |
	    (access & HOSTED_W ? HOSTED_WALK_WRITE : 0), leaf);
	if (w == HOSTED_FOUND && hosted_mmu.permits(c, leaf, access)) {
		hosted_tlb_add(c, leaf);
		return HIT;
	}
	drop_cached(c, va, asid);
	return w == HOSTED_IMPOSSIBLE ? NEVER : REFUSED;
}

/* A walk through stale upper entries faults once; a fault drops them. The TLB is
 * locked. */
static enum outcome
translate(struct hosted_cpu *c, tome_va_t va, unsigned access,
    struct hosted_leaf *leaf)
{
	uint32_t asid = hosted_mmu.asid(c, va);
	struct hosted_tlbe *e;
	enum outcome o;

	e = hosted_tlb_find(c, va, asid);
	if (tlb_serves(c, e, access)) {
		*leaf = e->leaf;
		o = HIT;
		HOSTED_COUNT(c->m, hits);
	} else if (e != NULL && !hosted_mmu.permits(c, &e->leaf, access)) {
		drop_cached(c, va, asid);
		o = REFUSED;
	} else {
		o = walk_and_fill(c, va, access, asid, leaf);
	}
	if (o == HIT && !judge_use(c, leaf, va, access))
		o = REFUSED;
	return o;
}

/* ---- judging each use ---- */

static bool
frame_is_dead(struct hosted_machine *m, tome_pa_t pa)
{
	enum tome_identity id;

	if (m->vm == NULL || m->identity == NULL)
		return false;
	id = m->identity(m->vm, tome_pa_pfn(pa));
	return id == TOME_PAGE_FREE || id == TOME_PAGE_TABLE;
}

/* Under HOSTED_STRICT: would the tables still say this? */
static bool
still_true(struct hosted_cpu *c, const struct hosted_leaf *leaf, tome_va_t va,
    unsigned access)
{
	tome_pa_t pa = leaf->pa + (tome_pa_t)(va - leaf->va);
	struct hosted_leaf now;

	return hosted_mmu.walk(c, va, HOSTED_WALK_FRESH, &now) ==
	    HOSTED_FOUND && now.pa + (tome_pa_t)(va - now.va) == pa &&
	    hosted_mmu.permits(c, &now, access);
}

/* False: a violation; the access is refused, so that nothing is spoilt. */
static bool
judge_use(struct hosted_cpu *c, const struct hosted_leaf *leaf, tome_va_t va,
    unsigned access)
{
	tome_pa_t pa = leaf->pa + (tome_pa_t)(va - leaf->va);

	if (!(access & HOSTED_KERNEL) && frame_is_dead(c->m, pa)) {
		hosted_violation(c->m, HOSTED_FREED,
		    "va %#" PRIx64 " frame %#" PRIx64, (uint64_t)va,
		    (uint64_t)pa);
		return false;
	}
	if (hosted_mode(c->m, HOSTED_STRICT) &&
	    !still_true(c, leaf, va, access)) {
		hosted_violation(c->m, HOSTED_STALE,
		    "va %#" PRIx64 " frame %#" PRIx64 " access %#x",
		    (uint64_t)va, (uint64_t)pa, access);
		return false;
	}
	return true;
}
