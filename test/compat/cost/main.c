/*
 * main.c - count the calls of the facades that were linked (cost.h).
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <tome_host_inline.h>

#include "cost.h"

#define RAM COST_RAM
#define KERNEL UINT64_C(0xffffc90000000000)
#define KERNEL_LEN ((size_t)64 << 20)
#define TIMES 4

uint64_t cost_cr3, cost_cr4, cost_msr;
unsigned test_cpu;
int test_preempt_off;
void (*test_relax)(void);

#define COST(name) extern const struct cost cost_##name;
COSTS
#undef COST
#define COST(name) &cost_##name,
static const struct cost *const costs[] = { COSTS };

static volatile uint64_t steps;

static void
step(int sig)
{
	(void)sig;
	steps++;
}

static void
nothing(void)
{
}

/* Instructions of one call of fn. */
static uint64_t
count(void (*fn)(void))
{
	steps = 0;
	__asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq"
	    : : : "memory", "cc");
	fn();
	__asm__ volatile("pushfq\n andq $~0x100, (%%rsp)\n popfq"
	    : : : "memory", "cc");
	return steps;
}

static uint64_t
average(void (*first)(void), void (*fn)(void), void (*undo)(void))
{
	uint64_t sum = 0, idle = count(nothing);

	for (int i = -TIMES; i < TIMES; i++) {
		if (first != NULL)
			first();
		if (i >= 0)
			sum += count(fn) - idle;
		else
			fn();		/* caches get warm */
		if (undo != NULL)
			undo();
	}
	return sum / TIMES;
}

static _Noreturn void
host_panic(void *ctx, const char *why)
{
	(void)ctx;
	fprintf(stderr, "panic: %s\n", why);
	abort();
}

static uint64_t
host_clock(void *ctx)
{
	(void)ctx;
	return 0;
}

static void *
memory(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static struct tome_vm *
machine(void)
{
	static const struct tome_host host = { .version = TOME_HOST_VERSION,
		.panic = host_panic, .clock_ns = host_clock };
	static const struct tome_range ram = { .len = RAM };
	struct tome_boot boot = { .host = &host, .ncpus = 1, .ranges = &ram,
		.nranges = 1, .direct_end = RAM,
		.direct_bias = (uintptr_t)memory(RAM),
		.kva_bias = (uintptr_t)memory(KERNEL_LEN) - KERNEL,
		.kernel_start = KERNEL, .kernel_end = KERNEL + KERNEL_LEN };
	struct tome_vm *vm;

	MUST(tome_vm_create(&boot, &vm) == TOME_OK);
	MUST(tome_kmem_start(vm) == TOME_OK && tome_map_start(vm) == TOME_OK);
	return vm;
}

static void
judge(const char *system, const struct cost_call *call)
{
	uint64_t core = average(call->core_first, call->core,
	    call->core_undo);
	uint64_t facade = average(call->facade_first, call->facade,
	    call->facade_undo);
	unsigned allowed = call->allowed != 0 ? call->allowed : 10;
	bool good = facade * 100 <= core * (100 + allowed);

	printf("%s cost %s: %s: %llu instructions, the core's %llu%s\n",
	    good ? "ok" : "FAIL", system, call->what,
	    (unsigned long long)facade, (unsigned long long)core,
	    good ? "" : ": too many more");
}

int
main(void)
{
	struct sigaction act = { .sa_handler = step };

	sigaction(SIGTRAP, &act, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
		const struct cost_call *call = costs[i]->calls;

		costs[i]->start(machine());
		for (; call->what != NULL; call++)
			judge(costs[i]->system, call);
	}
	return 0;
}
