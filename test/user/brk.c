/*
 * brk.c - cases: the heap and the stack.
 */
#include "suite.h"

#include <setjmp.h>
#include <sys/auxv.h>

static char *
brk_to(const void *to)
{
	return (char *)syscall(SYS_brk, to);
}

static void
brk_grows_and_is_zero(void)
{
	char *end = brk_to(NULL);

	REQUIRE(brk_to(end + 16 * PAGE) == end + 16 * PAGE);
	REQUIRE(suite_filled(end, 0, 16 * PAGE));
	memset(end, 1, 16 * PAGE);
}

static void
brk_shrinks_and_forgets(void)
{
	char *end = (char *)(((uintptr_t)brk_to(NULL) + PAGE - 1) &
	    ~(PAGE - 1));

	REQUIRE(brk_to(end + 8 * PAGE) == end + 8 * PAGE);
	memset(end, 7, 8 * PAGE);
	REQUIRE(brk_to(end) == end);
	REQUIRE(suite_read(end + PAGE).sig == SIGSEGV);
	REQUIRE(brk_to(end + 8 * PAGE) == end + 8 * PAGE);
	REQUIRE(suite_filled(end, 0, 8 * PAGE));
}

static void
brk_odd_sizes(void)
{
	char *end = brk_to(NULL);

	REQUIRE(brk_to(end + 12345) == end + 12345);
	memset(end, 3, 12345);
	REQUIRE(brk_to(NULL) == end + 12345);
}

static void
brk_refuses_nonsense(void)
{
	char *end = brk_to(NULL);

	REQUIRE(brk_to((void *)PAGE) == end);
	REQUIRE(brk_to((void *)TOO_LONG) == end);
}

static void
brk_stops_at_a_mapping(void)
{
	char *end = brk_to(NULL);
	char *wall = (char *)(((uintptr_t)end + PAGE - 1) & ~(PAGE - 1)) +
	    64 * PAGE;

	REQUIRE(mmap(wall, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == wall);
	REQUIRE(brk_to(wall + PAGE) == end);
	REQUIRE(brk_to(wall - 8 * PAGE) == wall - 8 * PAGE);
}

static int
recurse(int depth)
{
	volatile char frame[PAGE];

	frame[0] = (char)depth;
	return depth == 0 ? frame[0] : recurse(depth - 1) + frame[0];
}

static void
stack_grows(void)
{
	REQUIRE(recurse((4 << 20) / PAGE) != -1);
}

static void
overflow(void *unused)
{
	(void)unused;
	recurse(1 << 20);
}

static void
stack_ends_at_its_limit(void)
{
	struct rlimit limit = { 1ul << 20, 8ul << 20 };
	int status;

	REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
	status = suite_child(overflow, NULL);
	REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static sigjmp_buf overflowed;

static void
on_overflow(int sig)
{
	(void)sig;
	siglongjmp(overflowed, 1);
}

static void
stack_overflow_on_another(void)
{
	struct rlimit limit = { 1ul << 20, 8ul << 20 };
	stack_t other = { .ss_size = 64 * 1024 };
	struct sigaction action = {
		.sa_handler = on_overflow, .sa_flags = SA_ONSTACK,
	};

	other.ss_sp = suite_map(16, RW);
	REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
	REQUIRE(sigaltstack(&other, NULL) == 0);
	REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
	if (sigsetjmp(overflowed, 1) == 0) {
		recurse(1 << 20);
		REQUIRE(!"the stack had no end");
	}
}

static void
auxiliary_vector(void)
{
	REQUIRE(getauxval(AT_PAGESZ) == PAGE);
	REQUIRE(getauxval(AT_PHDR) != 0 && getauxval(AT_ENTRY) != 0);
	REQUIRE(getauxval(AT_RANDOM) != 0);
	REQUIRE(getauxval(AT_CLKTCK) == 100);
	REQUIRE(getauxval(AT_UID) == getuid());
}

const struct suite_case cases_brk[] = {
	CASE(brk_grows_and_is_zero),
	CASE(brk_shrinks_and_forgets),
	CASE(brk_odd_sizes),
	CASE(brk_refuses_nonsense),
	CASE(brk_stops_at_a_mapping),
	CASE(stack_grows),
	CASE(stack_ends_at_its_limit),
	CASE(stack_overflow_on_another),
	CASE(auxiliary_vector),
	{ NULL, NULL },
};
