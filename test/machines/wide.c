/* wide.c - memory beyond 48 bits of address: had for asking, and only so; filled, forked,
 * given to the kernel, taken away. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB 1024ul
#define LEN (2048 * KIB)
#define STEP (4 * KIB)
#define BIT(n) ((uintptr_t)1 << (n))

static const uintptr_t places[] = {
	BIT(48), BIT(48) + BIT(47), BIT(50) + 192 * KIB, BIT(52) - BIT(24),
};

static void
fill(char *p, uint64_t salt)
{
	for (size_t i = 0; i < LEN; i += STEP)
		*(uint64_t *)(p + i) = (uintptr_t)(p + i) * 31 ^ salt;
}

static int
wrong(const char *p, uint64_t salt)
{
	int n = 0;

	for (size_t i = 0; i < LEN; i += STEP)
		n += *(const uint64_t *)(p + i) != ((uintptr_t)(p + i) * 31 ^ salt);
	return n;
}

/* What a child is left with: 0, its exit status, or minus the signal. */
static int
in_child(void (*run)(char *), char *p)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		run(p);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
change(char *p)
{
	int before = wrong(p, 1);

	fill(p, 2);
	_exit(before + wrong(p, 2) != 0);
}

static void
touch(char *p)
{
	*(volatile char *)p = 1;
}

/* Through the kernel and back. */
static int
piped(char *p)
{
	char back[512];
	int fd[2];

	return pipe(fd) != 0 || write(fd[1], p + LEN - 256, 256) != 256 ||
	    read(fd[0], back, 256) != 256 || memcmp(back, p + LEN - 256, 256) ||
	    write(fd[1], back, 256) != 256 || read(fd[0], p, 256) != 256 ||
	    memcmp(back, p, 256) || close(fd[0]) || close(fd[1]);
}

static void
say(uintptr_t at, const char *what, int good)
{
	printf("%s wide: %s at %#lx\n", good ? "ok" : "FAIL", what, at);
}

static void
at(uintptr_t place)
{
	char *p = mmap((void *)place, LEN, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	say(place, "what is asked for is had", p == (char *)place);
	if (p != (char *)place)
		return;
	fill(p, 1);
	say(place, "memory is written and read", wrong(p, 1) == 0);
	say(place, "a child has its own", in_child(change, p) == 0 &&
	    wrong(p, 1) == 0);
	say(place, "the kernel reads and writes it", piped(p) == 0);
	mprotect(p, LEN, PROT_READ);
	say(place, "rights are taken away", in_child(touch, p) == -11);
	munmap(p, LEN);
	say(place, "it is gone when unmapped", in_child(touch, p) == -11);
}

int
main(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	say((uintptr_t)p >> 48, "who does not ask has 48 bits",
	    p != MAP_FAILED && (uintptr_t)p >> 48 == 0);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		at(places[i]);
	printf("WIDE-DONE\n");
	return 0;
}
