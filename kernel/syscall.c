/*
 * syscall.c - from a call's number to its function.
 *
 * A call that was interrupted before it did anything says so with one of the
 * ERESTART codes. They end here: what becomes of the call is decided before the
 * return to user mode (settle_restart), when it is known whether a handler
 * runs.
 */
#include <personality.h>
#include <process.h>
#include <syscall.h>

typedef int64_t syscall_fn(const uint64_t *);

#define SYSCALL_ENTRY(number, name) [number] = sys_##name,
static syscall_fn *const table[] = {
#include <syscalls.h>
};
#undef SYSCALL_ENTRY

#define NCALLS (sizeof table / sizeof table[0])

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

	if (__builtin_expect(number >= NCALLS || table[number] == NULL, 0))
		return -ENOSYS;
	result = table[number](a);
	if (__builtin_expect(is_restart(result), 0))
		return note_restart((int)-result);
	return result;
}
