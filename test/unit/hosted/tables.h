/*
 * tables.h - x86-64 page tables by hand, for tests of the machine that must not
 * lean on the port they will judge. Tables come from the bottom of RAM; entries
 * change as the port's code changes them, through insn.h.
 */
#ifndef TEST_HOSTED_TABLES_H
#define TEST_HOSTED_TABLES_H

#include <string.h>

#include <hosted.h>
#include <insn.h>

#define T_P UINT64_C(1)
#define T_W UINT64_C(2)
#define T_U UINT64_C(4)
#define T_A UINT64_C(0x20)
#define T_D UINT64_C(0x40)
#define T_PS UINT64_C(0x80)
#define T_G UINT64_C(0x100)
#define T_NX (UINT64_C(1) << 63)
#define T_UPPER (T_P | T_W | T_U)
#define T_USER (T_P | T_W | T_U)

struct tables {
	struct hosted_machine *m;
	struct tome_boot boot;
	tome_pa_t next, root;
};

static inline void *
t_ptr(struct tables *t, tome_pa_t pa)
{
	return tome_host_frame_va(t->boot.direct_bias, pa);
}

static inline tome_pa_t
t_frame(struct tables *t)
{
	tome_pa_t pa = t->next;

	t->next += 4096;
	memset(t_ptr(t, pa), 0, 4096);
	return pa;
}

static inline void
t_init(struct tables *t, const struct hosted_config *config)
{
	t->m = hosted_create(config);
	hosted_boot(t->m, &t->boot);
	t->next = t->boot.ranges[0].base;
	t->root = t_frame(t);
	if (!(config->cpu & HOSTED_X86_NO_NX))
		hosted_x86_wrmsr(TOME_MSR_EFER, TOME_EFER_NXE);
	hosted_x86_write_cr3(t->root);
}

/* The entry for va at `shift`, tables above it made as needed. */
static inline tome_pte_t *
t_entry(struct tables *t, tome_pa_t root, tome_va_t va, unsigned shift)
{
	tome_pa_t table = root;
	unsigned s;
	tome_pte_t *e;

	for (s = 39;; s -= 9) {
		e = (tome_pte_t *)t_ptr(t, table) + (va >> s & 511);
		if (s == shift)
			return e;
		if (!(*e & T_P))
			tome_insn_pte_xchg(e, t_frame(t) | T_UPPER);
		table = *e & UINT64_C(0x000ffffffffff000);
	}
}

static inline void
t_map(struct tables *t, tome_va_t va, tome_pa_t pa, uint64_t bits)
{
	tome_insn_pte_xchg(t_entry(t, t->root, va, 12), pa | bits);
}

static inline bool
t_violated(struct tables *t, enum hosted_kind want)
{
	enum hosted_kind kind = HOSTED_KINDS;
	char text[256];

	return hosted_take_violation(t->m, &kind, text, sizeof text) &&
	    kind == want;
}

#endif
