/*
 * support.h - the least host that layers 0 and 1 can be tested on: RAM is a
 * span of this process, one thread plays every CPU, a panic comes back to the
 * test.
 *
 * Physical address 0 is the first byte of the span; only what is touched costs
 * memory, so ranges may lie gigabytes apart.
 */
#ifndef TEST_UNIT_SUPPORT_H
#define TEST_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <base/vm_i.h>
#include <phys/phys.h>
#include <tome/phys.h>

#define MIB ((tome_pa_t)1 << 20)
#define GIB ((tome_pa_t)1 << 30)
/* Bytes of so many pages; and what is written for pages of 4 KiB, in this format's. */
#define PAGES(n) ((tome_pa_t)(n) << TOME_PAGE_SHIFT)
#define SCALED(bytes) ((tome_pa_t)(bytes) << (TOME_PAGE_SHIFT - 12))

struct support {
	struct tome_host host;
	struct tome_boot boot;
	struct tome_vm *vm;
	unsigned char *ram;
	size_t span;
	char log[160];			/* last line */
	unsigned windows, windows_most;	/* open, and the most at once */
	/* Pressure calls since the start. */
	unsigned low, failed;
	/* may_alloc says no from this call on (0: never), once installed. */
	unsigned refuse_from, asked;
};

/* A host and a boot description; ranges must outlive the support. */
void support_init(struct support *, const struct tome_range *, size_t n);
/* The same, and an instance of layers 0-1, which must succeed. */
void support_start(struct support *, const struct tome_range *, size_t n);
/* Check, tear down (expecting no leak) and forget. */
void support_end(struct support *);
/* Forget without a word: after a panic. */
void support_drop(struct support *);

/* This thread plays CPU `cpu` from now on. */
void support_cpu(unsigned cpu);

/* True if fn panics; the text is then in *why. */
bool support_panics(void (*fn)(void *arg), void *arg, const char **why);

/* The instance's recount finds nothing. */
#define assert_sound(s) assert_null(tome_phys_check((s)->vm))

#endif
