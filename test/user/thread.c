/*
 * thread.c - cases: several threads in one address space.
 */
#include "suite.h"

#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>

enum { THREADS = 4, ROUNDS = 100 };

static void
start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	REQUIRE(pthread_create(thread, NULL, fn, arg) == 0);
}

static void
join_all(pthread_t *thread, int n)
{
	for (int i = 0; i < n; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
}

/* Each thread works on memory of its own, all through one map. */
static void *
map_touch_unmap(void *arg)
{
	int id = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		char *p = suite_map(4, RW);

		REQUIRE(suite_filled(p, 0, 4 * PAGE));
		memset(p, id + 1, 4 * PAGE);
		sched_yield();
		REQUIRE(suite_filled(p, id + 1, 4 * PAGE));
		REQUIRE(munmap(p, 4 * PAGE) == 0);
	}
	return NULL;
}

static void
thread_storm_of_maps(void)
{
	pthread_t thread[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		start(&thread[i], map_touch_unmap, (void *)i);
	join_all(thread, THREADS);
}

static char *common;
static _Atomic int turns;

/* All threads fault the same fresh pages at once. */
static void *
touch_common(void *arg)
{
	int id = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		while (atomic_load(&turns) < i)
			sched_yield();
		atomic_fetch_add((_Atomic int *)(void *)(common + i * PAGE), 1);
		if (id == 0)
			atomic_store(&turns, i + 1);
	}
	return NULL;
}

static void
thread_same_page_at_once(void)
{
	pthread_t thread[THREADS];

	common = suite_map(ROUNDS, RW);
	for (intptr_t i = 0; i < THREADS; i++)
		start(&thread[i], touch_common, (void *)i);
	join_all(thread, THREADS);
	for (int i = 0; i < ROUNDS; i++)
		REQUIRE(*(int *)(void *)(common + i * PAGE) == THREADS);
}

static _Atomic bool stop;
static _Atomic int caught;
static __thread sigjmp_buf resume;

static void
on_refusal(int sig)
{
	(void)sig;
	atomic_fetch_add(&caught, 1);
	siglongjmp(resume, 1);
}

static void *
write_on(void *arg)
{
	volatile char *p = arg;

	while (!atomic_load(&stop)) {
		if (sigsetjmp(resume, 1) == 0)
			for (int i = 0; i < 1000; i++)
				p[i % PAGE]++;
		else
			sched_yield();
	}
	return NULL;
}

/* Once mprotect has returned, no other CPU writes any more. */
static void
thread_protect_takes_effect(void)
{
	struct sigaction action = {
		.sa_handler = on_refusal, .sa_flags = SA_NODEFER,
	};
	char *p = suite_map(1, RW), seen[PAGE];
	pthread_t thread;

	REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
	start(&thread, write_on, p);
	for (int i = 0; i < ROUNDS; i++) {
		REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
		memcpy(seen, p, PAGE);
		for (int k = 0; k < 20; k++)
			REQUIRE(memcmp(seen, p, PAGE) == 0);
		REQUIRE(mprotect(p, PAGE, RW) == 0);
		sched_yield();
	}
	atomic_store(&stop, true);
	join_all(&thread, 1);
}

/* Whoever reads sees the old content or zeroes, never another's memory. */
static void *
read_on(void *arg)
{
	volatile char *p = arg;

	while (!atomic_load(&stop)) {
		char byte = p[0];

		REQUIRE(byte == 0 || byte == 77);
	}
	return NULL;
}

static void
thread_dontneed_under_readers(void)
{
	char *p = suite_map(1, RW);
	pthread_t thread[2];

	start(&thread[0], read_on, p);
	start(&thread[1], read_on, p);
	for (int i = 0; i < ROUNDS; i++) {
		char *other;

		*(volatile char *)p = 77;
		REQUIRE(madvise(p, PAGE, MADV_DONTNEED) == 0);
		other = suite_map(1, RW);
		*other = 99;
		REQUIRE(munmap(other, PAGE) == 0);
	}
	atomic_store(&stop, true);
	join_all(thread, 2);
}

static void *
fork_on(void *arg)
{
	(void)arg;
	for (int i = 0; i < 30; i++) {
		int status;
		pid_t pid = fork();

		REQUIRE(pid >= 0);
		if (pid == 0) {
			for (int k = 0; k < 64; k++)
				if (common[k * PAGE] != common[k * PAGE + 1])
					_exit(1);
			_exit(0);
		}
		REQUIRE(waitpid(pid, &status, 0) == pid);
	}
	atomic_store(&stop, true);
	return NULL;
}

/* Forks while another thread keeps writing: nothing is lost in the parent. */
static void
thread_forks_under_writers(void)
{
	unsigned char count[64] = { 0 };
	pthread_t thread;

	common = suite_map(64, RW);
	start(&thread, fork_on, NULL);
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		common[i % 64 * PAGE] = (char)++count[i % 64];
		common[i % 64 * PAGE + 1] = (char)count[i % 64];
	}
	join_all(&thread, 1);
	for (int i = 0; i < 64; i++)
		REQUIRE(common[i * PAGE] == (char)count[i]);
}

static void *
move_on(void *arg)
{
	char *area = arg;
	char *p = area;

	for (int i = 1; i <= ROUNDS; i++) {
		char *to = area + (i & 1) * 16 * PAGE;

		REQUIRE(mremap(p, 8 * PAGE, 8 * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		p = to;
		REQUIRE(p[3 * PAGE] == 42);
	}
	return NULL;
}

static void
thread_moves_side_by_side(void)
{
	pthread_t thread[THREADS];

	for (intptr_t i = 0; i < THREADS; i++) {
		char *area = suite_map(32, PROT_NONE);

		REQUIRE(mprotect(area, 8 * PAGE, RW) == 0);
		area[3 * PAGE] = 42;
		start(&thread[i], move_on, area);
	}
	join_all(thread, THREADS);
}

/* The kernel compares and swaps a program's word: by FUTEX_WAKE_OP. */
static long
change(uint32_t *word, int op, int arg)
{
	return syscall(SYS_futex, word, FUTEX_WAKE_OP_PRIVATE, 1, 1L, word,
	    FUTEX_OP(op, arg, FUTEX_OP_CMP_EQ, 0));
}

static void
change_of_a_copy(void *word)
{
	REQUIRE(change(word, FUTEX_OP_ADD, 100) == 0);
	REQUIRE(*(uint32_t *)word == 125);
}

static void
thread_futex_changes_words(void)
{
	char *p = suite_map(2, RW);
	uint32_t *word = (uint32_t *)(void *)p;

	/* A page that nobody has touched; one that is read. */
	REQUIRE(change(word, FUTEX_OP_SET, 5) == 0 && *word == 5);
	REQUIRE(p[PAGE] == 0);
	REQUIRE(change((uint32_t *)(void *)(p + PAGE), FUTEX_OP_OR, 6) == 0);
	REQUIRE(p[PAGE] == 6);
	REQUIRE(change(word, FUTEX_OP_ADD, 20) == 0 && *word == 25);
	/* One that a child shares. */
	REQUIRE(suite_child(change_of_a_copy, word) == 0 && *word == 25);
	REQUIRE(change(word, FUTEX_OP_XOR, 1) == 0 && *word == 24);
	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	REQUIRE_ERRNO(change(word, FUTEX_OP_ADD, 1), EFAULT);
	REQUIRE(*word == 24);
	REQUIRE(munmap(p, PAGE) == 0);
	REQUIRE_ERRNO(change(word, FUTEX_OP_ADD, 1), EFAULT);
}

const struct suite_case cases_thread[] = {
	CASE(thread_storm_of_maps),
	CASE(thread_same_page_at_once),
	CASE(thread_protect_takes_effect),
	CASE(thread_dontneed_under_readers),
	CASE(thread_forks_under_writers),
	CASE(thread_moves_side_by_side),
	CASE(thread_futex_changes_words),
	{ NULL, NULL },
};
