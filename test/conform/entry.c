/*
 * entry.c - of the conformance suite: an entry is read, exchanged and compared whole,
 * and no change is lost, while several threads are at it.
 *
 * Here the port's own functions run, not the hosted machine's, where this machine can
 * run them: those of words (<pmap/entry.h>), and PAE's, wider than its CPU's words.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tome/types.h>
#if defined TOME_I386_PAE && TOME_I386_PAE
#include "../../ports/i386/insn.h"
#else
#include <pmap/entry.h>
#endif

#define THREADS 3
#define ROUNDS 2000000u
/* Each half says the same as the other. */
#define HALF (4 * sizeof(tome_pte_t))
#define MASK (((tome_pte_t)1 << HALF) - 1)
#define BOTH(n) (((tome_pte_t)(n) & MASK) << HALF | ((tome_pte_t)(n) & MASK))

void entries_are_whole(void **state);
void entries_lose_no_change(void **state);

static _Alignas(8) tome_pte_t entry;
static _Atomic unsigned torn, ready;

/* Until all are there. */
static void
meet(void)
{
	ready++;
	while (ready < THREADS)
		sched_yield();
}

static void
look_at(tome_pte_t v)
{
	if (v != BOTH(v))
		torn++;
}

/* Odd ones exchange, even ones store; all read. */
static void *
change(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, i;

	meet();
	for (i = 0; i < ROUNDS; i++) {
		if (me % 2)
			look_at(tome_insn_pte_xchg(&entry, BOTH(i)));
		else
			tome_insn_pte_store(&entry, BOTH(i + 1));
		look_at(tome_insn_pte_load(&entry));
	}
	return NULL;
}

/* One more in either half: that no other thread's is lost, their sums say. */
static void *
count(void *arg)
{
	tome_pte_t seen = 0;
	unsigned i;

	meet();
	for (i = 0; i < ROUNDS; i++) {
		while (!tome_insn_pte_cas(&entry, &seen, BOTH(seen + 1)))
			look_at(seen);
		look_at(seen);
	}
	return arg;
}

static void
at_once(void *(*body)(void *))
{
	pthread_t thread[THREADS];
	unsigned i;

	torn = ready = 0;
	entry = 0;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, body,
		    (void *)(uintptr_t)i), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(torn, 0);
}

void
entries_are_whole(void **state)
{
	(void)state;
	at_once(change);
}

void
entries_lose_no_change(void **state)
{
	(void)state;
	at_once(count);
	assert_true(entry == BOTH(THREADS * ROUNDS));
}
