/*
 * insn.h - the made-up CPU's instructions. It has no store of 64 bits: an entry
 * changes word by word, and between two words it must be invalid to the MMU.
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome/types.h>

/* What the MMU sees of tables that nobody made visible: leads anywhere, with every
 * right. */
#define TEST_UNSEEN \
	tome_mu_entry(TOME_PAGE_SIZE, TOME_MU_VALID | TOME_MU_TABLE | TOME_MU_WRITE | \
	    TOME_MU_EXEC | TOME_MU_USER)

/* Called between two stores to an entry: its words belong together, or the low
 * one is 0. */
void test_pte_between(const tome_pte_t *);

static inline tome_pte_t
tome_insn_pte_load(const tome_pte_t *p)
{
	const uint32_t *w = (const uint32_t *)(const void *)p;
	uint32_t low, high;

	do {
		low = __atomic_load_n(&w[0], __ATOMIC_SEQ_CST);
		high = __atomic_load_n(&w[1], __ATOMIC_SEQ_CST);
	} while (low != __atomic_load_n(&w[0], __ATOMIC_SEQ_CST));
	return low == 0 ? 0 : (tome_pte_t)high << 32 | low;
}

static inline void
tome_insn_pte_store(tome_pte_t *p, tome_pte_t v)
{
	uint32_t *w = (uint32_t *)(void *)p;

	__atomic_store_n(&w[0], 0, __ATOMIC_SEQ_CST);
	test_pte_between(p);
	__atomic_store_n(&w[1], (uint32_t)(v >> 32), __ATOMIC_SEQ_CST);
	test_pte_between(p);
	__atomic_store_n(&w[0], (uint32_t)v, __ATOMIC_SEQ_CST);
	test_pte_between(p);
}

/* Its MMU writes nothing, and the one thread of the tests is every CPU: what is
 * read here is what is replaced. */
static inline tome_pte_t
tome_insn_pte_xchg(tome_pte_t *p, tome_pte_t v)
{
	tome_pte_t old = tome_insn_pte_load(p);

	tome_insn_pte_store(p, v);
	return old;
}

static inline bool
tome_insn_pte_cas(tome_pte_t *p, tome_pte_t *seen, tome_pte_t v)
{
	tome_pte_t old = tome_insn_pte_load(p);

	if (old != *seen) {
		*seen = old;
		return false;
	}
	tome_insn_pte_store(p, v);
	return true;
}

void tome_insn_set_root(tome_pa_t user, unsigned asid);
void tome_insn_set_kernel_root(tome_pa_t);
void tome_insn_flush_page(tome_va_t);		/* under every number */
void tome_insn_flush_number(unsigned asid);
void tome_insn_flush_all(void);
unsigned tome_insn_get_number(void);

static inline bool
test_pte_is_user(tome_pte_t pte)
{
	return pte & TOME_MU_USER;
}

/* Entries of the kernel root have no number. */
static inline bool
test_pte_is_global(tome_pte_t pte)
{
	return !(pte & TOME_MU_USER);
}

#endif
