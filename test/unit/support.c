/*
 * support.c - see support.h.
 */
#include <stdio.h>
#include <sys/mman.h>

#include <tome_host_inline.h>

#include "support.h"

static struct hosted_core cores[TOME_MAX_CPUS];
static jmp_buf *panic_to;
static char panic_why[256];

static _Noreturn void
support_panic(void *ctx, const char *why)
{
	(void)ctx;
	if (panic_to == NULL)
		fail_msg("panic: %s", why);
	snprintf(panic_why, sizeof panic_why, "%s", why);
	longjmp(*panic_to, 1);
}

static uint64_t
support_clock(void *ctx)
{
	(void)ctx;
	return 0;
}

static void
support_log(void *ctx, const char *line)
{
	struct support *s = ctx;

	snprintf(s->log, sizeof s->log, "%s", line);
}

static void *
support_window_enter(void *ctx, tome_pa_t pa)
{
	struct support *s = ctx;

	if (++s->windows > s->windows_most)
		s->windows_most = s->windows;
	assert_true(s->windows <= 2);
	return s->ram + pa;
}

static void
support_window_leave(void *ctx, void *va)
{
	struct support *s = ctx;

	assert_in_range((uintptr_t)va, (uintptr_t)s->ram,
	    (uintptr_t)s->ram + s->span - 1);
	s->windows--;
}

static tome_pa_t
ranges_end(const struct tome_range *ranges, size_t n)
{
	tome_pa_t end = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (ranges[i].base + ranges[i].len > end)
			end = ranges[i].base + ranges[i].len;
	return end;
}

void
support_init(struct support *s, const struct tome_range *ranges, size_t n)
{
	memset(s, 0, sizeof *s);
	s->span = ranges_end(ranges, n) + TOME_PAGE_SIZE;
	s->ram = mmap(NULL, s->span, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(s->ram != MAP_FAILED);
	s->host = (struct tome_host){
		.version = TOME_HOST_VERSION, .clock_ns = support_clock,
		.log = support_log, .panic = support_panic,
		.window_enter = support_window_enter,
		.window_leave = support_window_leave,
	};
	s->boot = (struct tome_boot){
		.host = &s->host, .ctx = s, .ncpus = 4, .ranges = ranges,
		.nranges = n, .direct_bias = (uintptr_t)s->ram,
		.direct_end = ranges_end(ranges, n),
	};
	support_cpu(0);
}

void
support_start(struct support *s, const struct tome_range *ranges, size_t n)
{
	support_init(s, ranges, n);
	assert_int_equal(tome_phys_init(&s->boot, &s->vm), TOME_OK);
	tome_phys_booted(s->vm);
	assert_sound(s);
}

void
support_end(struct support *s)
{
	assert_sound(s);
	assert_int_equal(s->windows, 0);
	assert_int_equal(tome_phys_fini(s->vm), 0);
	support_drop(s);
}

void
support_drop(struct support *s)
{
	munmap(s->ram, s->span);
	memset(cores, 0, sizeof cores);
	support_cpu(0);
}

void
support_cpu(unsigned cpu)
{
	cores[cpu].id = cpu;
	hosted_self = &cores[cpu];
}

bool
support_panics(void (*fn)(void *arg), void *arg, const char **why)
{
	jmp_buf here;
	bool panicked = setjmp(here) != 0;

	if (!panicked) {
		panic_to = &here;
		fn(arg);
	}
	panic_to = NULL;
	*why = panic_why;
	return panicked;
}
