/*
 * coherence.c - two CPUs, one address space, disjoint ranges, in turns.
 *
 * Runs as /init on two CPUs under the plugin cohplug.c, which counts how often
 * the kernel, on behalf of one CPU, touches a cache line that the other has
 * written (or writes one that the other holds). The threads take turns, one
 * operation each, so that every line the two share travels every time. The
 * first WARM turns are not counted.
 */
#define _GNU_SOURCE
#include "guest.h"
#include "magic.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define AREA_BASE ((char *)0x100000000000ul)
#define AREA_LEN (512ul << 20)
#define NEAR (8 * PAGE)		/* slots that share a page table */
#define FAR (2ul << 20)		/* slots that do not */
#define CROWD_BASE ((char *)0x110000000000ul)

enum { SLOTS = 64, TURNS = 48, WARM = 8, CROWD = 1000 };

static char *slot[2][SLOTS];
static _Atomic int turn;
static _Atomic int phase;	/* number of the test under way; 0: between */
static void (*_Atomic operation[2])(char *at);	/* of each CPU */

/* ---- the operations ------------------------------------------------------ */

static void
op_nothing(char *at)
{
	(void)at;
}

static void
op_syscall(char *at)
{
	(void)at;
	syscall(SYS_getppid);
}

static void
op_write(char *at)
{
	*(volatile char *)at = 1;
}

static void
op_read(char *at)
{
	(void)*(volatile char *)at;
}

static void
op_map_fixed(char *at)
{
	mmap(at, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
}

static void
op_unmap(char *at)
{
	munmap(at, 4 * PAGE);
}

static void
op_unmap_hole(char *at)
{
	munmap(at, PAGE);
}

static void
op_protect(char *at)
{
	mprotect(at, PAGE, PROT_READ);
}

static void
op_dontneed(char *at)
{
	madvise(at, PAGE, MADV_DONTNEED);
}

static void
op_map_touch_unmap(char *at)
{
	char *p = mmap(NULL, PAGE, RW, ANON, -1, 0);

	(void)at;
	*(volatile char *)p = 1;
	munmap(p, PAGE);
}

/* In what is reserved, half a CPU's area away from its slots. */
static void
op_map_unmap_away(char *at)
{
	op_map_fixed(at + AREA_LEN / 4);
	op_unmap(at + AREA_LEN / 4);
}

/* ---- what stands before a test ------------------------------------------- */

enum mapped {
	RESERVED,	/* no rights anywhere */
	WHOLE,		/* one entry for each CPU */
	PIECES,		/* one entry of four pages for each slot */
};

struct setup {
	enum mapped mapped;
	size_t stride;	/* between slots */
	bool touched;	/* all four pages of each slot written */
	bool table;	/* the second page of each slot read: tables exist */
	bool crowd;	/* a thousand more mappings elsewhere */
};

static void
set_up_cpu(const struct setup *s, int cpu)
{
	char *half = AREA_BASE + cpu * AREA_LEN / 2;

	if (s->mapped == WHOLE) {
		mprotect(half, AREA_LEN / 4, RW);
		madvise(half, AREA_LEN / 4, MADV_NOHUGEPAGE);
	}
	for (int i = 0; i < SLOTS; i++) {
		char *at = slot[cpu][i] = half + i * s->stride;

		if (s->mapped == PIECES)
			op_map_fixed(at);
		for (int k = 0; s->touched && k < 4; k++)
			op_write(at + k * PAGE);
		if (s->table)
			op_read(at + PAGE);
	}
}

/* Neighbours that differ in rights, so that they stay apart. */
static void
set_up_crowd(void)
{
	for (int i = 0; i < CROWD; i++)
		if (mmap(CROWD_BASE + i * PAGE, PAGE, i % 2 ? RW : PROT_READ,
			ANON | MAP_FIXED, -1, 0) == MAP_FAILED)
			perror("mmap");
}

static void
set_up(const struct setup *s)
{
	munmap(AREA_BASE, AREA_LEN);
	if (mmap(AREA_BASE, AREA_LEN, PROT_NONE,
		ANON | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	munmap(CROWD_BASE, CROWD * PAGE);
	if (s->crowd)
		set_up_crowd();
	set_up_cpu(s, 0);
	set_up_cpu(s, 1);
}

/* ---- taking turns -------------------------------------------------------- */

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		perror("sched_setaffinity");
}

static inline void
relax(void)
{
	__asm__ volatile("pause");
}

static void
take_turns(int cpu)
{
	void (*op)(char *) = operation[cpu];

	for (int i = 0; i < TURNS; i++) {
		while (turn != cpu)
			relax();
		if (cpu == 0 && i == WARM)
			MAGIC(MAGIC_RESET, 0);
		op(slot[cpu][i]);
		turn = !cpu;
	}
}

static void *
second_cpu(void *unused)
{
	(void)unused;
	pin(1);
	for (;;) {
		while (phase == 0)
			relax();
		take_turns(1);
		while (phase != 0)
			relax();
	}
	return NULL;
}

static void
run(const char *name, void (*op)(char *), void (*beside)(char *))
{
	operation[0] = op;
	operation[1] = beside;
	turn = 0;
	phase = 1;
	take_turns(0);
	while (turn != 0)
		relax();
	MAGIC(MAGIC_STOP, 0);
	phase = 0;
	for (volatile int i = 0; i < 1000; i++)
		relax();
	printf("TEST %s\n", name);
	fflush(stdout);
}

/*
 * The number is part of an instruction: hence a macro. Of a test BESIDE another
 * operation only the events of CPU 0 count.
 */
#define BESIDE(number, name, op, other, ...)                                  \
	do {                                                                  \
		set_up(&(struct setup){ __VA_ARGS__ });                       \
		MAGIC(MAGIC_START, number);                                   \
		run(#number " " name, op, other);                             \
	} while (0)
#define TEST(number, name, op, ...)                                           \
	BESIDE(number, name, op, op, __VA_ARGS__, false)

int
main(void)
{
	pthread_t thread;

	guest_begin();
	if (pthread_create(&thread, NULL, second_cpu, NULL) != 0) {
		perror("pthread_create");
		guest_end();
	}
	pin(0);
	usleep(300000);

	TEST(1, "nothing", op_nothing, WHOLE, NEAR, false, false);
	TEST(2, "getppid", op_syscall, WHOLE, NEAR, false, false);
	TEST(3, "anon write fault", op_write, WHOLE, NEAR, false, true);
	TEST(4, "anon read fault", op_read, WHOLE, NEAR, false, true);
	TEST(5, "mmap FIXED 16K", op_map_fixed, RESERVED, NEAR, false, false);
	TEST(6, "munmap 16K untouched", op_unmap, PIECES, NEAR, false, false);
	TEST(7, "munmap 16K touched", op_unmap, PIECES, NEAR, true, false);
	TEST(8, "munmap 4K hole", op_unmap_hole, WHOLE, NEAR, true, false);
	TEST(9, "mprotect 4K split", op_protect, WHOLE, NEAR, true, false);
	TEST(10, "madvise DONTNEED 4K", op_dontneed, WHOLE, NEAR, true, false);
	TEST(11, "mmap+touch+munmap 4K", op_map_touch_unmap, RESERVED, NEAR,
	    false, false);
	TEST(12, "write fault, new table", op_write, WHOLE, FAR, false, false);
	BESIDE(13, "write fault beside mmap", op_write, op_map_unmap_away,
	    WHOLE, NEAR, false, true, false);
	BESIDE(14, "read fault beside mmap", op_read, op_map_unmap_away, WHOLE,
	    NEAR, false, true, false);
	BESIDE(15, "the same write, 1,000 more", op_write, op_map_unmap_away,
	    WHOLE, NEAR, false, true, true);
	BESIDE(16, "the same read, 1,000 more", op_read, op_map_unmap_away,
	    WHOLE, NEAR, false, true, true);
	printf("BENCH-DONE\n");
	guest_end();
	return 0;
}
