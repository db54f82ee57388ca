/*
 * storm.c - trees of processes, and threads that work on one space while others
 * fork it; what each finds in memory is what belongs there, and nothing is left.
 *
 * rounds=N on the command line (4).
 */
#include "counts.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- trees ---------------------------------------------------------------- */

enum { FAN = 3, DEPTH = 3, TREE = 1 + 3 + 9 + 27, PAGES = 40 };

static _Atomic unsigned *visits;
static char *inherited;

/*
 * One process of a tree: it sees what its parent wrote, not what its siblings
 * and children write. Depth is the number of generations still to come, and
 * with it the recursion ends.
 */
static int
tree(unsigned depth, uint64_t parent, uint64_t self)
{
	pid_t pids[FAN];
	bool good = stamped(inherited, PAGES, parent);

	/* Half of what is inherited stays shared. */
	stamp_pages(inherited, PAGES / 2, self);
	for (unsigned i = 0; depth > 0 && i < FAN; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			stamp_pages(inherited + PAGES / 2 * PAGE, PAGES / 2,
			    self);
			good = stamped(inherited, PAGES / 2, self);
			stamp_pages(inherited, PAGES, self);
			_exit(good ? tree(depth - 1, self,
			    self * FAN + i + 1) : 1);
		}
		good &= pids[i] > 0;
	}
	for (unsigned i = 0; depth > 0 && i < FAN; i++)
		good &= pids[i] > 0 && status_of(pids[i]) == 0;
	atomic_fetch_add(visits, 1);
	return good && stamped(inherited, PAGES / 2, self) ? 0 : 1;
}

static int
trees(unsigned rounds)
{
	inherited = mmap(NULL, PAGES * PAGE, RW, ANON, -1, 0);
	for (unsigned round = 0; round < rounds; round++) {
		stamp_pages(inherited, PAGES, round);
		atomic_store(visits, 0);
		if (tree(DEPTH, round, 1000 * (round + 1)) != 0)
			return 1;
		if (atomic_load(visits) != TREE)
			return 2;
	}
	return 0;
}

/* ---- threads on one space -------------------------------------------------- */

enum { MAPPERS = 4, FORKERS = 2, STABLE = 48, TURNS = 60, FORKS = 12 };

static char *stable;
static _Atomic int wrong;	/* the line of a first finding */
static unsigned thread_rounds;

#define EXPECT(condition)                                                     \
	do {                                                                  \
		int none = 0;                                                 \
		if (!(condition))                                             \
			atomic_compare_exchange_strong(&wrong, &none,         \
			    __LINE__);                                        \
	} while (0)

/* Map, fill, protect, unmap in pieces; each page says whose it is. */
static void
map_turn(uint64_t seed)
{
	unsigned n = 3 + seed % 37, third = n / 3;
	char *p = mmap(NULL, n * PAGE, RW, ANON, -1, 0);

	EXPECT(p != MAP_FAILED);
	if (p == MAP_FAILED)
		return;
	EXPECT(zeroed(p, 1));
	stamp_pages(p, n, seed);
	EXPECT(mprotect(p, third * PAGE, PROT_READ) == 0);
	EXPECT(stamped(p, n, seed));
	EXPECT(madvise(p + third * PAGE, third * PAGE, MADV_DONTNEED) == 0);
	EXPECT(zeroed(p + third * PAGE, third));
	EXPECT(munmap(p + third * PAGE, third * PAGE) == 0);
	EXPECT(stamped(p, third, seed));
	EXPECT(mprotect(p, third * PAGE, RW) == 0);
	stamp_pages(p, third, seed + 1);
	EXPECT(stamped(p, third, seed + 1));
	/* The hole may be another's by now. */
	EXPECT(munmap(p, third * PAGE) == 0);
	EXPECT(munmap(p + 2 * third * PAGE, (n - 2 * third) * PAGE) == 0);
}

static void *
mapper(void *arg)
{
	uint64_t id = (uintptr_t)arg;
	char *own = stable + (1 + id) * STABLE * PAGE;

	stamp_pages(own, STABLE, id);
	for (unsigned turn = 0; turn < TURNS * thread_rounds; turn++) {
		map_turn(stamp(id, turn) >> 7);
		/* Someone forks now and then: this page is copied. */
		EXPECT(stamped(own, STABLE, id));
		stamp_pages(own + turn % STABLE * PAGE, 1, id + turn);
		EXPECT(stamped(own + turn % STABLE * PAGE, 1, id + turn));
		stamp_pages(own, STABLE, id);
	}
	return NULL;
}

/* The child's copy of what no thread writes is whole, and is its own. */
static void *
forker(void *arg)
{
	pid_t pid;

	(void)arg;
	for (unsigned i = 0; i < FORKS * thread_rounds; i++) {
		pid = fork();
		if (pid == 0) {
			if (!stamped(stable, STABLE, 77))
				_exit(1);
			stamp_pages(stable, STABLE, i);
			_exit(stamped(stable, STABLE, i) ? 0 : 2);
		}
		EXPECT(pid > 0 && status_of(pid) == 0);
		EXPECT(stamped(stable, STABLE, 77));
	}
	return NULL;
}

static int
threads(unsigned rounds)
{
	pthread_t thread[MAPPERS + FORKERS];

	thread_rounds = rounds;
	stable = mmap(NULL, (1 + MAPPERS) * STABLE * PAGE, RW, ANON, -1, 0);
	stamp_pages(stable, STABLE, 77);
	for (uintptr_t i = 0; i < MAPPERS + FORKERS; i++)
		if (pthread_create(&thread[i], NULL,
			i < MAPPERS ? mapper : forker, (void *)i) != 0)
			return 1;
	for (int i = 0; i < MAPPERS + FORKERS; i++)
		pthread_join(thread[i], NULL);
	if (wrong != 0)
		printf(".. storm.c:%d\n", wrong);
	return wrong == 0 ? 0 : 2;
}

/* ---- each in a process of its own ------------------------------------------ */

static void
storm(const char *name, int (*fn)(unsigned), unsigned rounds)
{
	struct counts before;
	int status;
	pid_t pid;

	*visits = 0;		/* written before it is counted */
	before = counts_settled();
	pid = fork();
	if (pid == 0)
		_exit(fn(rounds));
	status = pid > 0 ? status_of(pid) : -1;
	if (status == 0)
		passed("storm: %s", name);
	else
		failed("storm: %s ended with %#x", name, status);
	if (counts_same(name, &before))
		passed("storm: %s leave nothing", name);
}

static int
nothing(unsigned rounds)
{
	return (int)rounds;
}

int
main(void)
{
	unsigned rounds;

	program_begin();
	rounds = option("rounds", 4);
	visits = mmap(NULL, PAGE, RW, SHARED_ANON, -1, 0);
	storm("empty processes", nothing, 0);
	storm("trees of processes", trees, rounds);
	storm("threads and forks", threads, rounds);
	program_end();
}
