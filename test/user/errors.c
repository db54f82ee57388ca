/*
 * errors.c - cases: every class of bad argument gives Linux's errno and changes
 * nothing.
 *
 * A row names a system call, its arguments with P for a mapped range of
 * four pages (alone in its neighbourhood), and what must come back.
 */
#include "suite.h"

#define P 0x50ul		/* the range; P + n is n bytes into it */
#define GONE (P + 4 * PAGE)	/* the unmapped page behind it */
#define HUGE (~0ul - 100)
#define AT(x) ((x) >= P && (x) < P + 64 * PAGE)

/* With words of 32 bits the offset is in pages, and so never unaligned. */
#ifdef SYS_mmap2
#define MMAP SYS_mmap2
#else
#define MMAP SYS_mmap
#endif
#ifdef SYS_fstat64
#define FSTAT SYS_fstat64
#else
#define FSTAT SYS_fstat
#endif
#ifdef SYS_setgroups32
#define SETGROUPS SYS_setgroups32
#else
#define SETGROUPS SYS_setgroups
#endif

struct row {
	const char *name;
	long number;
	unsigned long arg[6];
	int error;		/* 0: succeeds */
};

static const struct row mmap_rows[] = {
	{ "no length", MMAP, { 0, 0, RW, ANON, -1, 0 }, EINVAL },
	{ "neither shared nor private", MMAP,
	    { 0, PAGE, RW, MAP_ANONYMOUS, -1, 0 }, EINVAL },
	{ "too long", MMAP, { 0, HUGE, RW, ANON, -1, 0 }, ENOMEM },
	{ "fixed and unaligned", MMAP,
	    { P + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0 }, EINVAL },
	{ "fixed beyond the end", MMAP,
	    { FIXED_END - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0 },
	    ENOMEM },
	{ "fixed in the kernel", MMAP,
	    { IN_KERNEL, PAGE, RW, ANON | MAP_FIXED, -1, 0 },
	    ENOMEM },
	{ "taken", MMAP,
	    { P, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0 }, EEXIST },
	{ "no such file", MMAP, { 0, PAGE, RW, MAP_PRIVATE, -1, 0 },
	    EBADF },
#ifndef SYS_mmap2
	{ "unaligned offset", MMAP,
	    { 0, PAGE, RW, ANON, -1, 100 }, EINVAL },
#endif
	{ "shared-validate without a file", MMAP,
	    { 0, PAGE, RW, 3 | MAP_ANONYMOUS, -1, 0 }, EINVAL },
};

static const struct row munmap_rows[] = {
	{ "unaligned", SYS_munmap, { P + 1, PAGE }, EINVAL },
	{ "no length", SYS_munmap, { P, 0 }, EINVAL },
	{ "too long", SYS_munmap, { P, HUGE }, EINVAL },
	{ "in the kernel", SYS_munmap, { IN_KERNEL, PAGE }, EINVAL },
	{ "nothing there", SYS_munmap, { GONE, PAGE }, 0 },
};

static const struct row mprotect_rows[] = {
	{ "unaligned", SYS_mprotect, { P + 1, PAGE, RW }, EINVAL },
	{ "no length", SYS_mprotect, { P, 0, PROT_NONE }, 0 },
	{ "nothing there", SYS_mprotect, { GONE, PAGE, RW }, ENOMEM },
	{ "past the end", SYS_mprotect, { P + 3 * PAGE, HUGE, RW }, ENOMEM },
	{ "unknown right", SYS_mprotect, { P, PAGE, 0x80 }, EINVAL },
	{ "grows both ways", SYS_mprotect,
	    { P, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP }, EINVAL },
	{ "does not grow down", SYS_mprotect,
	    { P, PAGE, RW | PROT_GROWSDOWN }, EINVAL },
	{ "does not grow up", SYS_mprotect,
	    { P, PAGE, RW | PROT_GROWSUP }, EINVAL },
};

static const struct row mremap_rows[] = {
	{ "unaligned", SYS_mremap, { P + 1, PAGE, PAGE, 1 }, EINVAL },
	{ "no new length", SYS_mremap, { P, PAGE, 0, 1 }, EINVAL },
	{ "unknown flag", SYS_mremap, { P, PAGE, PAGE, 8 }, EINVAL },
	{ "fixed but not may-move", SYS_mremap, { P, PAGE, PAGE, 2, GONE },
	    EINVAL },
	{ "keep but not may-move", SYS_mremap, { P, PAGE, PAGE, 4 }, EINVAL },
	{ "keep and resize", SYS_mremap, { P, PAGE, 2 * PAGE, 5 }, EINVAL },
	{ "unaligned target", SYS_mremap, { P, PAGE, PAGE, 3, GONE + 1 },
	    EINVAL },
	{ "onto itself", SYS_mremap,
	    { P, 2 * PAGE, 2 * PAGE, 3, P + PAGE }, EINVAL },
	{ "nothing there", SYS_mremap, { GONE, PAGE, 2 * PAGE, 1 }, EFAULT },
	{ "beyond the area", SYS_mremap,
	    { P + 3 * PAGE, 2 * PAGE, 4 * PAGE, 1 }, EFAULT },
	{ "too long", SYS_mremap, { P, PAGE, HUGE & ~(PAGE - 1), 1 }, ENOMEM },
	{ "no room", SYS_mremap, { P, PAGE, 2 * PAGE, 0 }, ENOMEM },
	{ "private, no old length", SYS_mremap, { P, 0, PAGE, 1 }, EINVAL },
};

static const struct row advise_rows[] = {
	{ "unaligned", SYS_madvise, { P + 1, PAGE, MADV_DONTNEED }, EINVAL },
	{ "unknown", SYS_madvise, { P, PAGE, 77 }, EINVAL },
	{ "unknown, no length", SYS_madvise, { P, 0, 77 }, EINVAL },
	{ "no length", SYS_madvise, { P, 0, MADV_DONTNEED }, 0 },
	{ "too long", SYS_madvise, { P, HUGE, MADV_DONTNEED }, EINVAL },
	{ "nothing there", SYS_madvise, { GONE, PAGE, MADV_DONTNEED },
	    ENOMEM },
	{ "remove private", SYS_madvise, { P, PAGE, MADV_REMOVE }, EINVAL },
	{ "msync unaligned", SYS_msync, { P + 1, PAGE, MS_SYNC }, EINVAL },
	{ "msync both", SYS_msync, { P, PAGE, MS_SYNC | MS_ASYNC }, EINVAL },
	{ "msync unknown", SYS_msync, { P, PAGE, 64 }, EINVAL },
	{ "msync nothing there", SYS_msync, { GONE, PAGE, MS_SYNC }, ENOMEM },
	{ "mincore unaligned", SYS_mincore, { P + 1, PAGE, P }, EINVAL },
	{ "mincore nothing there", SYS_mincore, { GONE, PAGE, P }, ENOMEM },
	{ "mincore too long", SYS_mincore, { P, HUGE, P }, ENOMEM },
	{ "mincore bad vector", SYS_mincore, { P, PAGE, 16 }, EFAULT },
};

static const struct row lock_rows[] = {
	{ "nothing there", SYS_mlock, { GONE, PAGE }, ENOMEM },
	{ "wraps", SYS_mlock, { P, ~0ul - (2 * PAGE - 1) }, EINVAL },
	{ "no length", SYS_mlock, { P, 0 }, 0 },
	{ "mlock2 unknown flag", SYS_mlock2, { P, PAGE, 4 }, EINVAL },
	{ "munlock nothing there", SYS_munlock, { GONE, PAGE }, ENOMEM },
	{ "mlockall nothing", SYS_mlockall, { 0 }, EINVAL },
	{ "mlockall unknown", SYS_mlockall, { 8 }, EINVAL },
	{ "mlockall on-fault alone", SYS_mlockall, { 4 }, EINVAL },
};

static const struct row pointer_rows[] = {
	{ "write from nowhere", SYS_write, { 100, 16, 10 }, EFAULT },
	{ "write from the kernel", SYS_write,
	    { 100, IN_KERNEL, 10 }, EFAULT },
	{ "write from a strange address", SYS_write,
	    { 100, (~0ul >> 1) + PAGE + 1, 10 }, EFAULT },
	{ "read to nowhere", SYS_read, { 101, 16, 10 }, EFAULT },
	{ "read to the kernel", SYS_read,
	    { 101, IN_KERNEL, 10 }, EFAULT },
	{ "path from nowhere", SYS_openat, { AT_FDCWD, 16, O_RDONLY },
	    EFAULT },
	{ "pipe to nowhere", SYS_pipe2, { 16 }, EFAULT },
	{ "uname to nowhere", SYS_uname, { 16 }, EFAULT },
	{ "action from nowhere", SYS_rt_sigaction, { SIGUSR1, 16, 0, 8 },
	    EFAULT },
	{ "stat to the kernel", FSTAT, { 100, IN_KERNEL },
	    EFAULT },
	{ "nothing from nowhere", SYS_write, { 100, 16, 0 }, 0 },
	{ "no vectors from nowhere", SYS_writev, { 100, 16, 0 }, 0 },
	{ "no groups from nowhere", SETGROUPS, { 0, 0 }, 0 },
};

/* P stands for the range, where it can be an address of it. */
static unsigned long
resolve(unsigned long arg, const char *range)
{
	return AT(arg) && (arg - P) % PAGE <= 1 ?
	    (unsigned long)(uintptr_t)range + (arg - P) : arg;
}

static void
check_row(const struct row *row, char *range)
{
	static char text[200];
	unsigned long a[6];
	long answer;

	for (int i = 0; i < 6; i++)
		a[i] = resolve(row->arg[i], range);
	errno = 0;
	answer = syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	snprintf(text, sizeof text, "%s: answer %ld, wanted errno %d",
	    row->name, answer, row->error);
	if (row->error == 0 ? answer < 0 : answer != -1 || errno != row->error)
		suite_fail(__FILE__, __LINE__, text);
	snprintf(text, sizeof text, "%s: something changed", row->name);
	if (suite_areas(range - PAGE, 6 * PAGE) != 1 ||
	    !suite_filled(range, 5, 4 * PAGE))
		suite_fail(__FILE__, __LINE__, text);
}

static void
check_rows(const struct row *row, size_t n)
{
	char *range = suite_map_alone(4, RW);

	memset(range, 5, 4 * PAGE);
	for (size_t i = 0; i < n; i++)
		check_row(&row[i], range);
}

#define ROWS(table) check_rows(table, sizeof(table) / sizeof *(table))

static void
errors_of_mmap(void)
{
	ROWS(mmap_rows);
}

static void
errors_of_munmap(void)
{
	ROWS(munmap_rows);
}

static void
errors_of_mprotect(void)
{
	ROWS(mprotect_rows);
}

static void
errors_of_mremap(void)
{
	ROWS(mremap_rows);
}

static void
errors_of_advice(void)
{
	ROWS(advise_rows);
}

static void
errors_of_locks(void)
{
	ROWS(lock_rows);
}

static void
errors_of_pointers(void)
{
	int pipes[2];

	REQUIRE(pipe(pipes) == 0);
	REQUIRE(dup2(pipes[1], 100) == 100);
	REQUIRE(dup2(open("/dev/zero", O_RDONLY), 101) == 101);
	ROWS(pointer_rows);
}

const struct suite_case cases_errors[] = {
	CASE(errors_of_mmap),
	CASE(errors_of_munmap),
	CASE(errors_of_mprotect),
	CASE(errors_of_mremap),
	CASE(errors_of_advice),
	CASE(errors_of_locks),
	CASE(errors_of_pointers),
	{ NULL, NULL },
};
