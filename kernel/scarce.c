/*
 * scarce.c - allocations that fail on purpose: a call that lacked memory must have
 * changed nothing, and is done again (syscall.c).
 *
 * Only what a system call asks for fails, with interrupts on: neither interrupts nor
 * signals, nor kernel threads, nor the end of a process. A fault of the kernel's on
 * behalf of a call may fail, and is tried again like any other.
 * Invariant: without the option the hook is not installed and nothing here runs.
 * Locks: none; a task's own, but for the count of all allocations.
 */
#include <asm.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <oom.h>
#include <process.h>

/* Who must have his memory at last, a fault or a loop, has so many in peace. */
#define PEACE 64u
#define TIMES_MAX 8u
/* So many in turn; then some are left out, or a call of thousands would not end. */
#define EXACT 32u

static bool on;
static uint64_t every, seed;		/* 0: each of a call's in turn */
static _Atomic uint64_t nasked, nrefused;

static bool may_alloc(void *, const char *);

static uint64_t
number(const char **p)
{
	uint64_t n = 0;

	while (**p >= '0' && **p <= '9')
		n = n * 10 + (uint64_t)(*(*p)++ - '0');
	if (**p == ',')
		++*p;
	return n;
}

const struct tome_host *
scarce_host(void)
{
	static struct tome_host host;
	const char *p;
	char text[32];

	if (!boot_option("scarce", text, sizeof text))
		return &kernel_host;
	p = text;
	every = number(&p);
	seed = number(&p);
	on = true;
	host = kernel_host;
	host.may_alloc = may_alloc;
	return &host;
}

void
scarce_tell(void)
{
	if (on)
		kprintf("Tome: scarce: %lu of %lu allocations failed\n",
		    (unsigned long)nrefused, (unsigned long)nasked);
}

bool
scarce_is_on(void)
{
	return on;
}

void
scarce_begin(void)
{
	current_task()->scarce = (struct scarce){.armed = true};
}

void
scarce_end(void)
{
	current_task()->scarce.armed = false;
}

/* One in `every`, and fewer the more often it happened to this call. */
static bool
is_drawn(const struct scarce *s)
{
	uint64_t x = (nasked + seed) * 0x9e3779b97f4a7c15u;
	unsigned shift = s->times < TIMES_MAX ? s->times : TIMES_MAX;

	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> 32) < (UINT32_MAX / (uint32_t)every) >> shift;
}

static bool
interrupts_are_on(void)
{
	uintptr_t irq = tome_host_irq_save();

	tome_host_irq_restore(irq);
	return irq_was_on(irq);
}

static bool
may_alloc(void *ctx, const char *what)
{
	struct task *t = current()->personal;
	struct scarce *s;
	bool fails;

	(void)ctx, (void)what;
	if (t == NULL || !t->scarce.armed || t->process->group_exit ||
	    !interrupts_are_on())
		return true;
	s = &t->scarce;
	atomic_fetch_add(&nasked, 1);
	fails = every != 0 ? is_drawn(s) : s->asked == s->at;
	s->asked++;
	if (fails) {
		s->refused = true;
		s->times++;
		atomic_fetch_add(&nrefused, 1);
	}
	return !fails;
}

bool
scarce_again(void)
{
	struct scarce *s = &current_task()->scarce;

	if (!s->refused)
		return false;
	s->refused = false;
	s->at = s->asked + PEACE;
	return true;
}

bool
scarce_repeat(void)
{
	struct scarce *s = &current_task()->scarce;

	if (!s->refused)
		return false;
	s->refused = false;
	s->asked = 0;
	s->at += 1 + s->times / EXACT;
	return true;
}
