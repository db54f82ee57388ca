/*
 * atomic.h - the few memory orders Tome uses, by name.
 *
 * tome_rd / tome_wr read with acquire and write with release: enough where a
 * lock or a sequence number decides. tome_rd_sc / tome_wr_sc / tome_cas_sc are
 * for words published with no common lock (DESIGN: upper entries, directory
 * slots, sequence numbers). Each sc access is a scheduling point.
 */
#ifndef TOME_BASE_ATOMIC_H
#define TOME_BASE_ATOMIC_H

#include <tome/host.h>
#include <tome_host_inline.h>

/* The builtins of one compiler want plain types; a comma drops _Atomic. */
#define tome_plain(p) ((__typeof__((void)0, *(p)) *)(p))

#define tome_rd(p) __atomic_load_n(tome_plain(p), __ATOMIC_ACQUIRE)
#define tome_rd_relaxed(p) __atomic_load_n(tome_plain(p), __ATOMIC_RELAXED)
#define tome_wr(p, v) __atomic_store_n(tome_plain(p), (v), __ATOMIC_RELEASE)
#define tome_wr_relaxed(p, v)                                            \
	__atomic_store_n(tome_plain(p), (v), __ATOMIC_RELAXED)
#define tome_rd_sc(p)                                                    \
	(tome_host_point(), __atomic_load_n(tome_plain(p), __ATOMIC_SEQ_CST))
#define tome_wr_sc(p, v)                                                 \
	(tome_host_point(),                                              \
	    __atomic_store_n(tome_plain(p), (v), __ATOMIC_SEQ_CST))
/* Strong compare-and-swap; *seen is updated when it fails. */
#define tome_cas_sc(p, seen, v)                                          \
	(tome_host_point(),                                              \
	    __atomic_compare_exchange_n(tome_plain(p), (seen), (v),      \
		false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
#define tome_swap_sc(p, v)                                               \
	(tome_host_point(),                                              \
	    __atomic_exchange_n(tome_plain(p), (v), __ATOMIC_SEQ_CST))
#define tome_add(p, v)                                                   \
	__atomic_add_fetch(tome_plain(p), (v), __ATOMIC_RELAXED)
/* Drop a count: releases what was done, and the last one acquires. */
#define tome_drop(p)                                                     \
	(__atomic_sub_fetch(tome_plain(p), 1, __ATOMIC_ACQ_REL))
#define tome_or(p, v)                                                    \
	__atomic_fetch_or(tome_plain(p), (v), __ATOMIC_ACQ_REL)
#define tome_and(p, v)                                                   \
	__atomic_fetch_and(tome_plain(p), (v), __ATOMIC_ACQ_REL)

/*
 * Everything before is visible before anything after is read. A dummy exchange
 * where the race detector knows no fences.
 */
static inline void
tome_fence_sc(void)
{
#ifdef __SANITIZE_THREAD__
	uint32_t none = 0;

	__atomic_exchange_n(&none, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/*
 * What lies under a sequence number: any number of loads, in whatever order, of halves
 * even; then the fence; then the number is read again and decides. The race detector
 * knows no fences: for it each load acquires.
 */
#ifdef __SANITIZE_THREAD__
#define tome_rd_seq(p) tome_rd(p)
#define tome_fence_seq() ((void)0)
#else
#define tome_rd_seq(p) (*(volatile __typeof__((void)0, *(p)) *)(p))
#define tome_fence_seq() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif

/* A value to be kept, not computed again wherever it is used. */
#define tome_keep(v) __asm__("" : "+r"(v))

#define tome_likely(x) __builtin_expect(!!(x), 1)
#define tome_unlikely(x) __builtin_expect(!!(x), 0)

/* Slow paths, kept out of the straight line. */
#define tome_noinline __attribute__((noinline))
/* Done seldom: made short rather than quick. */
#define tome_cold __attribute__((cold))

#define tome_container(p, type, member) \
	((type *)(void *)((char *)(p) - offsetof(type, member)))

#endif
