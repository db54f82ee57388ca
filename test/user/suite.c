/*
 * suite.c - runs the cases and prints their verdicts; the helpers they share.
 *
 *	memsuite [PART OF A NAME]
 *
 * As /init it powers the machine off when it is done.
 */
#include "suite.h"

#include "../../bench/guest.h"

#include <setjmp.h>

/* Written by the case, read by its parent. */
static char *why;

_Noreturn void
suite_fail(const char *file, int line, const char *what)
{
	const char *name = strrchr(file, '/');

	snprintf(why, PAGE, "%s:%d: %s (errno %d)", name ? name + 1 : file,
	    line, what, errno);
	_exit(1);
}

/* ---- touches ------------------------------------------------------------- */

static sigjmp_buf escape;
static volatile struct trap met;

static void
on_trap(int sig, siginfo_t *info, void *context)
{
	(void)context;
	met.sig = sig;
	met.code = info->si_code;
	met.addr = info->si_addr;
	siglongjmp(escape, 1);
}

static void
catch_traps(void)
{
	struct sigaction action = {
		.sa_sigaction = on_trap,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	met.sig = 0;
}

static void
let_traps_kill(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGILL, SIG_DFL);
}

struct trap
suite_read(const void *p)
{
	catch_traps();
	if (sigsetjmp(escape, 1) == 0)
		met.byte = *(const volatile unsigned char *)p;
	let_traps_kill();
	return met;
}

struct trap
suite_write(void *p, unsigned char byte)
{
	catch_traps();
	met.byte = byte;
	if (sigsetjmp(escape, 1) == 0)
		*(volatile unsigned char *)p = met.byte;
	let_traps_kill();
	return met;
}

/* What is there must be a function that returns. */
struct trap
suite_execute(const void *p)
{
	catch_traps();
	if (sigsetjmp(escape, 1) == 0)
		((void (*)(void))(uintptr_t)p)();
	let_traps_kill();
	return met;
}

/* ---- memory -------------------------------------------------------------- */

char *
suite_map(size_t npages, int prot)
{
	char *p = mmap(NULL, npages * PAGE, prot, ANON, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

char *
suite_map_alone(size_t npages, int prot)
{
	char *p = suite_map(npages + 2, prot);

	REQUIRE(munmap(p, PAGE) == 0);
	REQUIRE(munmap(p + (npages + 1) * PAGE, PAGE) == 0);
	return p + PAGE;
}

bool
suite_filled(const char *p, unsigned char byte, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] != byte)
			return false;
	return true;
}

int
suite_file(size_t npages)
{
	char page[PAGE];
	int fd = memfd_create("suite", 0);

	REQUIRE(fd >= 0);
	for (size_t i = 0; i < npages; i++) {
		memset(page, 'a' + (int)i, sizeof page);
		REQUIRE(write(fd, page, PAGE) == (ssize_t)PAGE);
	}
	return fd;
}

/* ---- processes and their maps -------------------------------------------- */

int
suite_child(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	return status;
}

int
suite_areas(const void *p, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512];
	int n = 0;

	REQUIRE(maps != NULL);
	while (fgets(line, sizeof line, maps) != NULL)
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start < (uintptr_t)p + len && end > (uintptr_t)p)
			n++;
	fclose(maps);
	return n;
}

int
suite_resident(void *p, size_t len)
{
	unsigned char present[256];
	int n = 0;

	REQUIRE(len / PAGE <= sizeof present);
	REQUIRE(mincore(p, len, present) == 0);
	for (size_t i = 0; i < len / PAGE; i++)
		n += present[i] & 1;
	return n;
}

/* ---- running ------------------------------------------------------------- */

static bool
run_case(const struct suite_case *c)
{
	int status;
	pid_t pid;

	fflush(stdout);
	why[0] = '\0';
	pid = fork();
	if (pid == 0) {
		alarm(600);
		c->run();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		snprintf(why, PAGE, "killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0 && why[0] == '\0')
		snprintf(why, PAGE, "exit status %d", WEXITSTATUS(status));
	if (why[0] == '\0')
		printf("ok memsuite: %s\n", c->name);
	else
		printf("FAIL memsuite: %s: %s\n", c->name, why);
	return why[0] == '\0';
}

int
main(int argc, char **argv)
{
	static const struct suite_case *const groups[] = {
		cases_mmap, cases_protect, cases_move, cases_advise,
		cases_file, cases_lock, cases_brk, cases_fork, cases_signal,
		cases_errors, cases_process, cases_thread, cases_commit,
		cases_socket, cases_wait, cases_room,
	};
	const char *only = argc > 1 && getpid() != 1 ? argv[1] : "";
	int failed = 0;

	if (getpid() == 1)
		guest_begin();
	why = mmap(NULL, PAGE, RW, SHARED_ANON, -1, 0);
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		for (const struct suite_case *c = groups[i]; c->run; c++)
			if (strstr(c->name, only) != NULL)
				failed += !run_case(c);
	printf("MEMSUITE-DONE\n");
	if (getpid() == 1)
		guest_end();
	return failed != 0;
}
