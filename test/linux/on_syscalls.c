/*
 * on_syscalls.c - streams against the kernel that this program runs on.
 *
 *	on_syscalls [-v] [SEED STEPS]...
 *
 * As /init (of Linux, or of the reference kernel) it takes the seeds from
 * test/linux/seeds.h and powers the machine off. Without -v answers are printed
 * as they are recorded (answer.h), with -v as lines.
 */
#define _GNU_SOURCE
#include "../../bench/guest.h"
#include "answer.h"
#include "seeds.h"
#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ARENA 0x1000000000ull

static struct answer *answer;	/* shared with the children */
static int file;

/* ---- touches ------------------------------------------------------------- */

static sigjmp_buf escape;
static volatile struct stream_touch met;

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	met.end = sig == SIGSEGV ? STREAM_SEGV : STREAM_BUS;
	met.code = info->si_code;
	met.where = (uint64_t)(uintptr_t)info->si_addr;
	siglongjmp(escape, 1);
}

static void
catch_faults(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static struct stream_touch
space_touch(void *ctx, uint64_t va, bool write, uint8_t byte)
{
	volatile uint8_t *p = (volatile uint8_t *)(uintptr_t)va;

	(void)ctx;
	met.end = STREAM_FINE;
	met.byte = byte;
	if (sigsetjmp(escape, 0) == 0) {
		if (write)
			*p = met.byte;
		else
			met.byte = *p;
	}
	return met;
}

/* ---- what is mapped ------------------------------------------------------ */

/* The whole of a file of /proc/self, in as many reads as it takes. */
static const char *
read_proc(const char *path)
{
	static char text[1 << 18];
	int fd = open(path, O_RDONLY);
	size_t have = 0;
	ssize_t n;

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	while ((n = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	text[have] = '\0';
	return text;
}

static bool
parse_area(const char *line, struct stream_area *a)
{
	char r, w, x, kind;
	uint64_t offset;
	int name = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %c%c%c%c %" SCNx64
		" %*s %*u %n", &a->start, &a->end, &r, &w, &x, &kind, &offset,
		&name) < 7)
		return false;
	a->prot = (r == 'r') * PROT_READ | (w == 'w') * PROT_WRITE |
	    (x == 'x') * PROT_EXEC;
	a->shared = kind == 's';
	a->file = name != 0 && strncmp(line + name, "/memfd:", 7) == 0;
	a->offset = a->shared || a->file ? offset : 0;
	return true;
}

static void
clip(struct stream_area *a)
{
	const uint64_t end = ARENA + STREAM_PAGES * STREAM_PAGE;

	if (a->start < ARENA) {
		if (a->shared || a->file)
			a->offset += ARENA - a->start;
		a->start = ARENA;
	}
	if (a->end > end)
		a->end = end;
}

static size_t
space_areas(void *ctx, struct stream_area *area, size_t max)
{
	const char *line = read_proc("/proc/self/maps");
	size_t n = 0;

	(void)ctx;
	while (line != NULL && *line != '\0' && n < max) {
		if (parse_area(line, &area[n])) {
			clip(&area[n]);
			n += area[n].start < area[n].end;
		}
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return n;
}

/* ---- calls --------------------------------------------------------------- */

/* VmFlags of the mapping that begins at va, but for "sd", which tells nothing. */
static void
kind_of(const char *smaps, uint64_t va, char kind[128])
{
	const char *at = smaps, *sd;
	char begin[32];

	snprintf(begin, sizeof begin, "\n%" PRIx64 "-", va);
	at = strstr(smaps, begin);
	at = at != NULL ? strstr(at, "VmFlags: ") : NULL;
	snprintf(kind, 128, "%.*s", at != NULL ? (int)strcspn(at, "\n") : 0, at);
	sd = strstr(kind, "sd ");
	if (sd != NULL)
		memmove((char *)sd, sd + 3, strlen(sd + 3) + 1);
}

static bool
of_one_kind(uint64_t a, uint64_t b)
{
	const char *smaps = read_proc("/proc/self/smaps");
	char one[128], other[128];

	kind_of(smaps, a, one);
	kind_of(smaps, b, other);
	return strcmp(one, other) == 0;
}

/* Is there a border within the range at which nothing changes? */
static bool
looks_apart(uint64_t va, uint64_t len)
{
	static struct stream_area area[256];
	size_t n = space_areas(NULL, area, sizeof area / sizeof *area);
	bool apart = false;

	for (size_t i = 1; i < n; i++)
		if (area[i].start > va && area[i].start - va < len) {
			if (!stream_continues(&area[i - 1], &area[i]) ||
			    !of_one_kind(area[i - 1].start, area[i].start))
				return false;
			apart = true;
		}
	return apart;
}

/* Built with what Linux told: then nothing is found out. */
#ifdef STREAM_APART
static const bool told_all = true;
static const uint64_t told[] = { STREAM_APART 0 };
#else
static const bool told_all;
static const uint64_t told[] = { 0 };
#endif

static bool
told_apart(uint64_t key)
{
	for (size_t i = 0; told[i] != 0; i++)
		if (told[i] == key)
			return true;
	return false;
}

/* Linux keeps neighbours apart that were written to before they came to look alike;
 * the other kernel is told which steps that were. */
static int64_t
call_mremap(const uint64_t arg[6])
{
	/* What a move cuts off need not be of one piece. */
	uint64_t len = arg[1] < arg[2] ? arg[1] : arg[2];
	bool told = told_apart(arg[5]);
	bool apart = !told_all && looks_apart(arg[0], len);
	long got;

	if (!told) {
		got = syscall(SYS_mremap, arg[0], arg[1], arg[2], arg[3],
		    arg[4]);
		if (got != -1 || errno != EFAULT || !apart)
			return got == -1 ? -errno : got;
	}
	answer_add_apart(answer, arg[5]);
	return STREAM_KEPT_APART;
}

static int64_t
call_file(enum stream_call call, const uint64_t arg[6])
{
	void *bytes = (void *)(uintptr_t)arg[0];
	int64_t got;

	switch (call) {
	case STREAM_TRUNCATE:
		got = ftruncate(file, (off_t)arg[0]);
		break;
	case STREAM_PREAD:
		got = pread(file, bytes, arg[1], (off_t)arg[2]);
		break;
	case STREAM_PWRITE:
		got = pwrite(file, bytes, arg[1], (off_t)arg[2]);
		break;
	case STREAM_PUNCH:
		got = fallocate(file, FALLOC_FL_PUNCH_HOLE |
		    FALLOC_FL_KEEP_SIZE, (off_t)arg[0], (off_t)arg[1]);
		break;
	case STREAM_SIZE:
		got = lseek(file, 0, SEEK_END);
		break;
	default:
		return 0;	/* of pressure nothing can be told */
	}
	return got == -1 ? -errno : got;
}

static int64_t
space_call(void *ctx, enum stream_call call, const uint64_t arg[6])
{
	static const int number[] = {
		[STREAM_MMAP] = SYS_mmap, [STREAM_MUNMAP] = SYS_munmap,
		[STREAM_MPROTECT] = SYS_mprotect,
		[STREAM_MADVISE] = SYS_madvise, [STREAM_MSYNC] = SYS_msync,
		[STREAM_MINCORE] = SYS_mincore, [STREAM_MLOCK] = SYS_mlock,
		[STREAM_MLOCK2] = SYS_mlock2, [STREAM_MUNLOCK] = SYS_munlock,
	};
	static unsigned char vector[STREAM_PAGES + 1];
	uint64_t third = arg[2], fifth = arg[4];
	long answer;

	if (call >= STREAM_TRUNCATE)
		return call_file(call, arg);

	(void)ctx;
	if (call == STREAM_MREMAP)
		return call_mremap(arg);
	if (call == STREAM_MMAP)
		fifth = arg[4] ? (uint64_t)file : (uint64_t)-1;
	else if (call == STREAM_MINCORE && third == 0)
		third = (uint64_t)(uintptr_t)vector;
	answer = syscall(number[call], arg[0], arg[1], third, arg[3], fifth,
	    arg[5]);
	return answer == -1 ? -errno : answer;
}

/* ---- children and output ------------------------------------------------- */

static void
space_fork(void *ctx, void (*child)(void *), void *arg)
{
	pid_t pid;

	(void)ctx;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		child(arg);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
space_print(void *ctx, const char *line)
{
	(void)ctx;
	answer_line(answer, line);
}

static void
make_file(void)
{
	file = memfd_create("stream", 0);
	if (file < 0 || ftruncate(file, STREAM_FILE_BYTES) != 0) {
		perror("memfd");
		exit(1);
	}
	for (uint64_t at = 0; at < STREAM_FILE_BYTES; at += 512) {
		uint8_t block[512];

		memset(block, stream_file_byte(at), sizeof block);
		if (pwrite(file, block, sizeof block, (off_t)at) !=
		    (ssize_t)sizeof block)
			perror("pwrite");
	}
}

static void
one_stream(uint64_t seed, unsigned steps)
{
	const struct stream_space space = {
		.base = ARENA,
		.call = space_call,
		.touch = space_touch,
		.areas = space_areas,
		.fork = space_fork,
		.print = space_print,
	};

	answer->napart = 0;
	make_file();
	answer_begin(answer, seed, steps);
	stream_run(&space, seed, steps);
	answer_end(answer, seed);
	close(file);
}

int
main(int argc, char **argv)
{
	static const struct stream_seed seeds[] = STREAM_SEEDS;
	bool init = getpid() == 1;

	if (init)
		guest_begin();
	answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	answer->verbose = STREAM_VERBOSE;
	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		answer->verbose = true;
		argc--;
		argv++;
	}
	catch_faults();
	for (int i = 1; !init && i + 1 < argc; i += 2)
		one_stream(strtoull(argv[i], NULL, 0),
		    (unsigned)atoi(argv[i + 1]));
	for (size_t i = 0; (init || argc < 2) &&
	    i < sizeof seeds / sizeof *seeds; i++)
		one_stream(seeds[i].seed, seeds[i].steps);
	printf("STREAMS-DONE\n");
	if (init)
		guest_end();
	return 0;
}
