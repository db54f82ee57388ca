/*
 * syscall.c - from a call's number to its function.
 *
 * A call that was interrupted before it did anything says so with one of the
 * ERESTART codes. They end here: what becomes of the call is decided before the
 * return to user mode (settle_restart), when it is known whether a handler
 * runs.
 *
 * With `unknown` on the command line each number that is asked for and not here
 * is told once.
 */
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <personality.h>
#include <process.h>
#include <syscall.h>

typedef int64_t syscall_fn(const uint64_t *);

#define SYSCALL_ENTRY(number, name) [number] = sys_##name,
static syscall_fn *const table[] = {
#include <syscalls.h>
};
#undef SYSCALL_ENTRY

#define ENOMEM_TRIES 8
#define NCALLS (sizeof table / sizeof table[0])

/* The calls below this are made without ado: all, or with `scarce` none. */
static size_t plain = NCALLS;

static int64_t
note_restart(int code)
{
	struct thread *me = current();
	struct task *t = me->personal;

	t->restart.code = code;
	atomic_fetch_or(&me->work, WORK_SIGNAL);
	return -EINTR;
}

static bool
is_restart(int64_t result)
{
	return result <= -ERESTART && result >= -ERESTART_BLOCK;
}

/* One bit for each number told already. */
#define TOLD_CALLS 1024u
static _Atomic uint64_t told[TOLD_CALLS / 64];

static __attribute__((noinline)) int64_t
unknown(uint64_t number, const uint64_t *a)
{
	uint64_t bit = (uint64_t)1 << number % 64;
	char none[2];

	if (peek(number, a[0]))
		return 0;
	if (number < TOLD_CALLS &&
	    boot_option("unknown", none, sizeof none) &&
	    !(atomic_fetch_or(&told[number / 64], bit) & bit))
		kprintf("Tome: %s wants system call %u, which is not here\n",
		    current_process()->comm, (unsigned)number);
	return -ENOSYS;
}

/* A call that lacked memory changed nothing: as long as pages can leave it is done
 * again. */
static __attribute__((noinline)) int64_t
failed(uint64_t number, const uint64_t *a, int64_t result)
{
	int tries = 0;

	while (result == -ENOMEM && (scarce_repeat() ||
	    (tries++ < ENOMEM_TRIES && oom_make_room())))
		result = table[number](a);
	return is_restart(result) ? note_restart((int)-result) : result;
}

/* What is not plain: `scarce`, or no such call. */
static __attribute__((noinline)) int64_t
not_plain(uint64_t number, const uint64_t *a)
{
	int64_t result;

	if (number >= NCALLS || table[number] == NULL)
		return unknown(number, a);
	scarce_begin();
	result = table[number](a);
	if (result < 0)
		result = failed(number, a, result);
	scarce_end();
	return result;
}

void
syscall_start(void)
{
	if (scarce_is_on())
		plain = 0;
}

long
syscall_dispatch(struct trap_frame *f)
{
	const uint64_t a[6] = {
		frame_syscall_arg(f, 0), frame_syscall_arg(f, 1),
		frame_syscall_arg(f, 2), frame_syscall_arg(f, 3),
		frame_syscall_arg(f, 4), frame_syscall_arg(f, 5),
	};
	uint64_t number = frame_syscall_number(f);
	int64_t result;

	if (__builtin_expect(number >= plain || table[number] == NULL, 0))
		return not_plain(number, a);
	result = table[number](a);
	if (__builtin_expect(result < 0, 0))
		return failed(number, a, result);
	return result;
}
