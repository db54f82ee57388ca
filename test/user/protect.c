/*
 * protect.c - cases: rights.
 */
#include "suite.h"

static void
protect_read_only(void)
{
	char *p = suite_map(2, RW);

	memset(p, 4, 2 * PAGE);
	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	REQUIRE(suite_read(p).byte == 4);
	REQUIRE(traps(suite_write(p + 17, 1), SIGSEGV, SEGV_ACCERR, p + 17));
	REQUIRE(suite_write(p + PAGE, 1).sig == 0);
}

static void
protect_none(void)
{
	char *p = suite_map(2, RW);

	*p = 6;
	REQUIRE(mprotect(p, PAGE, PROT_NONE) == 0);
	REQUIRE(traps(suite_read(p), SIGSEGV, SEGV_ACCERR, p));
	REQUIRE(traps(suite_write(p, 1), SIGSEGV, SEGV_ACCERR, p));
	REQUIRE(mprotect(p, PAGE, RW) == 0);
	REQUIRE(*p == 6);
}

static void
protect_none_when_untouched(void)
{
	char *p = suite_map(2, PROT_NONE);

	REQUIRE(traps(suite_read(p), SIGSEGV, SEGV_ACCERR, p));
	REQUIRE(mprotect(p, PAGE, RW) == 0);
	REQUIRE(suite_write(p, 1).sig == 0);
	REQUIRE(traps(suite_read(p + PAGE), SIGSEGV, SEGV_ACCERR, p + PAGE));
}

static void
protect_back_and_forth(void)
{
	char *p = suite_map(32, RW);

	for (int i = 0; i < 100; i++) {
		memset(p, i, 32 * PAGE);
		REQUIRE(mprotect(p, 32 * PAGE, PROT_READ) == 0);
		REQUIRE(suite_write(p + (i % 32) * PAGE, 1).sig == SIGSEGV);
		REQUIRE(mprotect(p, 32 * PAGE, RW) == 0);
		REQUIRE(suite_filled(p, i, 32 * PAGE));
	}
}

static void
protect_splits_and_merges(void)
{
	char *p = suite_map_alone(5, RW);

	REQUIRE(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
	REQUIRE(mprotect(p + 3 * PAGE, PAGE, PROT_READ) == 0);
	REQUIRE(suite_areas(p, 5 * PAGE) == 5);
	REQUIRE(mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0);
	REQUIRE(suite_areas(p, 5 * PAGE) == 3);
	REQUIRE(mprotect(p, 5 * PAGE, RW) == 0);
	REQUIRE(suite_areas(p, 5 * PAGE) == 1);
}

static void
protect_execute(void)
{
	static const unsigned char code[] = RETURN_CODE;
	char *p = suite_map(1, RW);

	memcpy(p, code, sizeof code);
	__builtin___clear_cache(p, p + sizeof code);
#ifdef __riscv
	/* The library drops what the kernel says to that. */
	REQUIRE(syscall(SYS_riscv_flush_icache, p, p + sizeof code, 0) == 0);
	REQUIRE_ERRNO(syscall(SYS_riscv_flush_icache, p, p, 2), EINVAL);
#endif
	REQUIRE(traps(suite_execute(p), SIGSEGV, SEGV_ACCERR, p));
	REQUIRE(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	REQUIRE(suite_execute(p).sig == 0);
	REQUIRE(suite_write(p, 0).sig == SIGSEGV);
	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	REQUIRE(traps(suite_execute(p), SIGSEGV, SEGV_ACCERR, p));
}

static void
protect_stops_at_a_hole(void)
{
	char *p = suite_map_alone(4, RW);

	REQUIRE(munmap(p + 2 * PAGE, PAGE) == 0);
	REQUIRE_ERRNO(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	REQUIRE(suite_write(p, 1).sig == SIGSEGV);
	REQUIRE(suite_write(p + 3 * PAGE, 1).sig == 0);
}

static void
protect_write_of_zero_page(void)
{
	char *p = suite_map(4, PROT_READ);

	REQUIRE(suite_filled(p, 0, 4 * PAGE));
	REQUIRE(mprotect(p, 4 * PAGE, RW) == 0);
	memset(p, 8, 4 * PAGE);
	REQUIRE(suite_filled(suite_map(4, PROT_READ), 0, 4 * PAGE));
}

static void
protect_shared_file_read_only(void)
{
	char name[] = "/tmp/suite-ro", *p;
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600), ro;

	REQUIRE(fd >= 0 && ftruncate(fd, PAGE) == 0);
	ro = open(name, O_RDONLY);
	REQUIRE(ro >= 0);
	REQUIRE_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	REQUIRE(p != MAP_FAILED);
	REQUIRE_ERRNO(mprotect(p, PAGE, RW), EACCES);
	REQUIRE(mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	unlink(name);
}

const struct suite_case cases_protect[] = {
	CASE(protect_read_only),
	CASE(protect_none),
	CASE(protect_none_when_untouched),
	CASE(protect_back_and_forth),
	CASE(protect_splits_and_merges),
	CASE(protect_execute),
	CASE(protect_stops_at_a_hole),
	CASE(protect_write_of_zero_page),
	CASE(protect_shared_file_read_only),
	{ NULL, NULL },
};
