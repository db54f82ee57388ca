/*
 * signal.c - cases: what a bad access tells.
 */
#include "suite.h"

#include <sys/time.h>

static void
signal_unmapped_read(void)
{
	char *p = suite_map_alone(1, RW);

	REQUIRE(munmap(p, PAGE) == 0);
	REQUIRE(traps(suite_read(p + 1234), SIGSEGV, SEGV_MAPERR, p + 1234));
}

static void
signal_null(void)
{
	REQUIRE(traps(suite_read((void *)16), SIGSEGV, SEGV_MAPERR,
	    (void *)16));
	REQUIRE(traps(suite_write((void *)16, 1), SIGSEGV, SEGV_MAPERR,
	    (void *)16));
}

static void
signal_kernel_address(void)
{
	char *p = (char *)0xffff888000001000ul;

	REQUIRE(traps(suite_read(p), SIGSEGV, SEGV_MAPERR, p));
	REQUIRE(traps(suite_write(p, 1), SIGSEGV, SEGV_MAPERR, p));
}

#ifdef __x86_64__
/* No address can be told: the CPU itself refuses to look. */
static void
signal_non_canonical(void)
{
	struct trap t = suite_read((void *)0x8000000000001000ul);

	REQUIRE(traps(t, SIGSEGV, SI_KERNEL, NULL));
}
#endif

static void
signal_write_to_text(void)
{
	char *text = (char *)(uintptr_t)&signal_write_to_text;

	REQUIRE(traps(suite_write(text, 0), SIGSEGV, SEGV_ACCERR, text));
}

static void
signal_execute_nothing(void)
{
	char *p = suite_map_alone(1, RW);

	REQUIRE(munmap(p, PAGE) == 0);
	REQUIRE(traps(suite_execute(p), SIGSEGV, SEGV_MAPERR, p));
}

static void
signal_execute_data(void)
{
	static unsigned char data[] = RETURN_CODE;

	REQUIRE(traps(suite_execute(data), SIGSEGV, SEGV_ACCERR, data));
}

/* An instruction that crosses into a page that is not there names that page: the first
 * bytes of a long one, behind ones that do nothing. */
#if defined(__x86_64__) || defined(__i386__)
#define NOTHING { 0x90 }
#define LONG_ONE { 0x48 }
#elif defined(__riscv)
#define NOTHING { 0x01, 0x00 }
#define LONG_ONE { 0x13, 0x00 }
#endif

#ifdef LONG_ONE
static void
signal_across_a_boundary(void)
{
	static const unsigned char nothing[] = NOTHING, begun[] = LONG_ONE;
	char *p = suite_map_alone(1, RW), *last = p + PAGE - sizeof begun;
	struct trap t;

	for (char *at = p; at < last; at += sizeof nothing)
		memcpy(at, nothing, sizeof nothing);
	memcpy(last, begun, sizeof begun);
	REQUIRE(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	t = suite_execute(last);
	REQUIRE(traps(t, SIGSEGV, SEGV_MAPERR, p + PAGE));
}
#endif

static void
touch_nothing(void *p)
{
	*(volatile char *)p = 1;
}

static void
signal_kills_by_default(void)
{
	int status = suite_child(touch_nothing, (void *)16);

	REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static char *volatile mended;

static void
mend(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	mprotect((char *)((uintptr_t)info->si_addr & ~(PAGE - 1)), PAGE, RW);
	mended = info->si_addr;
}

/* A handler that mends the page returns into the access, which then succeeds. */
static void
signal_handler_mends(void)
{
	struct sigaction action = {
		.sa_sigaction = mend, .sa_flags = SA_SIGINFO,
	};
	volatile char *p = suite_map(8, PROT_NONE);

	REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
	for (int i = 0; i < 8; i++) {
		p[i * PAGE + i] = (char)(i + 1);
		REQUIRE(mended == p + i * PAGE + i);
		REQUIRE(p[i * PAGE + i] == i + 1);
	}
}

/* Many registers' worth of sums, which an alarm may come between at any point. */
static double
sums(unsigned rounds)
{
	double a = 1, b = 2, c = 3, d = 4;

	for (unsigned i = 1; i <= rounds; i++) {
		a = a * 0.5 + i;
		b = b * 0.25 + a;
		c = c * 0.125 + b;
		d = d * 0.0625 + c;
	}
	return a + b + c + d;
}

static volatile double elsewhere;
static volatile int alarms;

static void
sum_elsewhere(int sig)
{
	(void)sig;
	elsewhere = sums(10);
	alarms = alarms + 1;
}

static void
signal_handler_keeps_floating_point(void)
{
	const struct itimerval each = { { 0, 1000 }, { 0, 1000 } };
	const double expected = sums(100000);

	REQUIRE(signal(SIGALRM, sum_elsewhere) != SIG_ERR);
	REQUIRE(setitimer(ITIMER_REAL, &each, NULL) == 0);
	while (alarms < 50)
		REQUIRE(sums(100000) == expected);
}

const struct suite_case cases_signal[] = {
	CASE(signal_unmapped_read),
	CASE(signal_null),
	CASE(signal_kernel_address),
#ifdef __x86_64__
	CASE(signal_non_canonical),
#endif
	CASE(signal_write_to_text),
	CASE(signal_execute_nothing),
	CASE(signal_execute_data),
#ifdef LONG_ONE
	CASE(signal_across_a_boundary),
#endif
	CASE(signal_kills_by_default),
	CASE(signal_handler_mends),
	CASE(signal_handler_keeps_floating_point),
	{ NULL, NULL },
};
