/*
 * wide.c - atomic words of 64 bits, by the names that compilers call where a CPU is
 * said to have none: all of them are CMPXCHG8B.
 *
 * The kernel is compiled so because of the jump in cas(). QEMU 7.2 (TCG) runs
 * CMPXCHG8B with the flags as its block of instructions found them: where an
 * addition stands in the same block, all 32 bits of EFLAGS can come out of it, VM
 * among them, and the next interrupt is a double fault. A block ends with a jump,
 * and compilers put none there.  [checked: test/parts/34-machines] What programs do
 * in user mode cannot be mended here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t __atomic_load_8(const volatile void *, int order);
void __atomic_store_8(volatile void *, uint64_t, int order);
uint64_t __atomic_exchange_8(volatile void *, uint64_t, int order);
bool __atomic_compare_exchange_8(volatile void *, void *seen, uint64_t,
    int order, int failed_order);
/* Clang's for plain assignments and reads; it would not let them be named so. */
void load_any(size_t, const volatile void *, uint64_t *to, int order)
    __asm__("__atomic_load");
void store_any(size_t, volatile void *, const uint64_t *, int order)
    __asm__("__atomic_store");

/* Whether *p was *seen and is v now; else *seen is what it was. */
static inline bool
cas(volatile uint64_t *p, uint64_t *seen, uint64_t v)
{
	bool done;

	__asm__ volatile("jmp 1f\n"
	    "1:\tlock cmpxchg8b %0"
	    : "+m"(*p), "+A"(*seen), "=@ccz"(done)
	    : "b"((uint32_t)v), "c"((uint32_t)(v >> 32)) : "memory");
	return done;
}

uint64_t
__atomic_load_8(const volatile void *p, int order)
{
	uint64_t seen = 0;

	(void)order;
	(void)cas((volatile uint64_t *)(uintptr_t)p, &seen, 0);
	return seen;
}

bool
__atomic_compare_exchange_8(volatile void *p, void *seen, uint64_t v, int order,
    int failed_order)
{
	(void)order;
	(void)failed_order;
	return cas(p, seen, v);
}

/* What is read first may be half old: it is not found again then. */
#define FETCH(name, new)                                                     \
	uint64_t __atomic_##name##_8(volatile void *, uint64_t, int order);  \
	uint64_t                                                             \
	__atomic_##name##_8(volatile void *p, uint64_t v, int order)         \
	{                                                                    \
		uint64_t old = *(volatile uint64_t *)p;                      \
                                                                             \
		(void)order;                                                 \
		while (!cas(p, &old, new))                                   \
			;                                                    \
		return old;                                                  \
	}
FETCH(exchange, v)
FETCH(fetch_add, old + v)
FETCH(fetch_sub, old - v)
FETCH(fetch_and, old & v)
FETCH(fetch_or, old | v)

void
__atomic_store_8(volatile void *p, uint64_t v, int order)
{
	(void)__atomic_exchange_8(p, v, order);
}

void
load_any(size_t size, const volatile void *p, uint64_t *to, int order)
{
	(void)size;
	*to = __atomic_load_8(p, order);
}

void
store_any(size_t size, volatile void *p, const uint64_t *from, int order)
{
	(void)size;
	__atomic_store_8(p, *from, order);
}
