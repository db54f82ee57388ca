/*
 * calls.c - calls that only i386 has: descriptors for GS, which is where programs
 * have their thread's own data, and three from before arguments came in registers.
 *
 * A thread's fs_base and gs_base are its two descriptors, as the CPU has them; 0
 * is none.
 */
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

/* What has no number here. */
SYSCALL(accept);
SYSCALL(mmap);
SYSCALL(msgctl_32);
SYSCALL(semctl_32);
SYSCALL(semop);
SYSCALL(semtimedop_32);
SYSCALL(shmctl_32);

/* ---- descriptors ---- */

struct user_desc {
	uint32_t entry, base, limit, flags;
};
#define DESC_CONTENTS 6u		/* 2 and 4: code */
#define DESC_CODE 4u
#define DESC_READ_ONLY 8u
#define DESC_PAGES 16u
#define DESC_ABSENT 32u
#define DESC_USEABLE 64u
#define FIRST_ENTRY (GDT_TLS / 8)

static bool
desc_is_empty(const struct user_desc *d)
{
	return d->base == 0 && d->limit == 0 && (d->flags & ~1u) ==
	    (DESC_READ_ONLY | DESC_ABSENT);
}

/* Data of user mode, 32 bits wide. */
static uint64_t
desc_bits(const struct user_desc *d)
{
	uint32_t high = (d->base & 0xff000000) | (d->base >> 16 & 0xff) |
	    (d->limit & 0xf0000) | 0x0040f100;

	if (desc_is_empty(d))
		return 0;
	if (!(d->flags & DESC_READ_ONLY))
		high |= 0x200;
	if (d->flags & 2)
		high |= 0x400;
	if (d->flags & DESC_PAGES)
		high |= 0x800000;
	if (d->flags & DESC_ABSENT)
		high &= ~0x8000u;
	if (d->flags & DESC_USEABLE)
		high |= 0x100000;
	return (uint64_t)high << 32 | d->base << 16 | (d->limit & 0xffff);
}

static uint64_t *
slot(struct thread *t, uint32_t entry)
{
	return entry == FIRST_ENTRY ? &t->fs_base :
	    entry == FIRST_ENTRY + 1 ? &t->gs_base : NULL;
}

static int
desc_in(uint64_t user, struct user_desc *d)
{
	int err = copy_in(d, user, sizeof *d);

	return err == 0 && (d->flags & DESC_CODE) ? -EINVAL : err;
}

SYSCALL(set_thread_area)
{
	struct thread *t = current();
	struct user_desc d;
	int err = desc_in(a[0], &d);

	if (err != 0)
		return err;
	if (d.entry == UINT32_MAX) {
		if (t->fs_base != 0 && t->gs_base != 0)
			return -ESRCH;
		d.entry = t->fs_base == 0 ? FIRST_ENTRY : FIRST_ENTRY + 1;
		err = copy_out(a[0], &d.entry, sizeof d.entry);
	}
	if (err != 0 || slot(t, d.entry) == NULL)
		return err != 0 ? err : -EINVAL;
	*slot(t, d.entry) = desc_bits(&d);
	thread_load_bases();
	return 0;
}

/* clone(2)'s: where a struct user_desc is. One that cannot be read sets nothing. */
void
thread_set_tls(struct thread *t, uint64_t user)
{
	struct user_desc d;

	if (desc_in(user, &d) == 0 && slot(t, d.entry) != NULL)
		*slot(t, d.entry) = desc_bits(&d);
}

/* ---- arguments in memory ---- */

static int
words_in(uint64_t *out, uint64_t user, unsigned n)
{
	uint32_t in[6];
	int err = copy_in(in, user, n * sizeof in[0]);

	for (unsigned i = 0; i < n && err == 0; i++)
		out[i] = in[i];
	return err;
}

SYSCALL(mmap_old)
{
	uint64_t b[6];
	int err = words_in(b, a[0], 6);

	return err != 0 ? err : sys_mmap(b);
}

typedef int64_t call_fn(const uint64_t *);

SYSCALL(socketcall)
{
	static const struct {
		call_fn *fn;
		unsigned n;
	} calls[] = {
		{NULL, 0}, {sys_socket, 3}, {sys_bind, 3}, {sys_connect, 3},
		{sys_listen, 2}, {sys_accept, 3}, {sys_getsockname, 3},
		{sys_getpeername, 3}, {sys_socketpair, 4}, {NULL, 0},
		{NULL, 0}, {sys_sendto, 6}, {sys_recvfrom, 6},
		{sys_shutdown, 2}, {sys_setsockopt, 5}, {sys_getsockopt, 5},
		{sys_sendmsg, 3}, {sys_recvmsg, 3}, {sys_accept4, 4},
		{NULL, 0}, {sys_sendmmsg, 4},
	};
	uint64_t b[6] = {0, 0, 0, 0, 0, 0};
	uint64_t which = a[0];
	int err;

	/* send and recv: without an address. */
	if (which == 9 || which == 10)
		which += 2;
	if (which >= sizeof calls / sizeof calls[0] || calls[which].fn == NULL)
		return -EINVAL;
	err = words_in(b, a[1], which != a[0] ? 4 : calls[which].n);
	return err != 0 ? err : calls[which].fn(b);
}

enum {
	SEMOP = 1, SEMGET, SEMCTL, SEMTIMEDOP, MSGSND = 11, MSGRCV, MSGGET, MSGCTL,
	SHMAT = 21, SHMDT, SHMGET, SHMCTL,
};

static int64_t
attach(const uint64_t *a)
{
	const uint64_t b[] = {a[1], a[4], a[2]};
	int64_t at = sys_shmat(b);
	uint32_t word = (uint32_t)at;

	return at < 0 && at > -4096 ? at : copy_out(a[3], &word, sizeof word);
}

/* msgrcv's buffer and type are in memory. */
static int64_t
receive(const uint64_t *a)
{
	uint64_t w[2];
	int err = words_in(w, a[4], 2);
	const uint64_t b[] = {a[1], w[0], a[2],
		(uint64_t)(int64_t)(int32_t)w[1], a[3]};

	return err != 0 ? err : sys_msgrcv(b);
}

SYSCALL(ipc)
{
	const uint64_t in_order[] = {a[1], a[2], a[3]};
	const uint64_t pointer[] = {a[1], a[4], a[2]};
	const uint64_t message[] = {a[1], a[4], a[2], a[3]};
	const uint64_t control[] = {a[1], a[2], a[4]};
	const uint64_t timed[] = {a[1], a[4], a[2], a[5]};
	uint64_t semctl[] = {a[1], a[2], a[3], 0};
	int err;

	switch (a[0] & 0xffff) {
	case SEMOP:
		return sys_semop(pointer);
	case SEMGET:
		return sys_semget(in_order);
	case SEMCTL:
		err = words_in(&semctl[3], a[4], 1);
		return err != 0 ? err : sys_semctl_32(semctl);
	case SEMTIMEDOP:
		return sys_semtimedop_32(timed);
	case MSGSND:
		return sys_msgsnd(message);
	case MSGRCV:
		return receive(a);
	case MSGGET:
		return sys_msgget(in_order);
	case MSGCTL:
		return sys_msgctl_32(control);
	case SHMAT:
		return attach(a);
	case SHMDT:
		return sys_shmdt(&a[4]);
	case SHMGET:
		return sys_shmget(in_order);
	case SHMCTL:
		return sys_shmctl_32(control);
	default:
		return -ENOSYS;
	}
}
