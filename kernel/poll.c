/*
 * poll.c - waiting for files: poll, select, and their kin.
 *
 * Whatever may make a file ready calls poll_notify(), which costs one load
 * while nobody polls. Pollers sleep on one word, look at all their files again
 * when it changes, and go back to sleep: simple, and right for the handful of
 * pollers of this kernel.
 *
 * A poller counts itself, reads the word, looks, sleeps; who changes a file's
 * state then fences, reads the count, raises the word. So one sees the other.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

#define POLL_MAX 4096u

static _Atomic uint32_t pollers, changes;

void
poll_notify(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&pollers, memory_order_relaxed) == 0)
		return;
	atomic_fetch_add(&changes, 1);
	word_wake(&changes, UINT32_MAX);
}

static unsigned
look_one(struct pollfd *p)
{
	struct fd f;
	unsigned ready;

	if (p->fd < 0)
		return 0;
	f = fd_borrow(p->fd);
	if (f.file == NULL)
		return POLLNVAL;
	ready = file_poll(f.file);
	fd_return(f);
	return ready & ((uint16_t)p->events | POLLERR | POLLHUP);
}

struct polled {
	struct pollfd *file;
	size_t n;
};

static int64_t
look(void *arg)
{
	const struct polled *p = arg;
	int64_t ready = 0;

	for (size_t i = 0; i < p->n; i++) {
		p->file[i].revents = (int16_t)look_one(&p->file[i]);
		ready += p->file[i].revents != 0;
	}
	return ready;
}

int64_t
poll_wait(int64_t (*look)(void *arg), void *arg, uint64_t deadline)
{
	enum wake_reason why = WAKE_EVENT;
	int64_t ready;
	uint32_t seen;

	atomic_fetch_add(&pollers, 1);
	for (;;) {
		seen = atomic_load(&changes);
		ready = look(arg);
		if (ready != 0 || why == WAKE_TIMEOUT)
			break;
		if (why == WAKE_INTERRUPTED) {
			ready = -EINTR;
			break;
		}
		why = word_wait(&changes, seen, deadline, true);
	}
	atomic_fetch_sub(&pollers, 1);
	return ready;
}

/* How many are ready; 0 at the deadline; -EINTR. */
static int64_t
wait_ready(struct pollfd *p, size_t n, uint64_t deadline)
{
	struct polled polled = {p, n};

	return poll_wait(look, &polled, deadline);
}

static int64_t
poll_user(uint64_t user, uint64_t n, uint64_t deadline)
{
	size_t bytes = n * sizeof(struct pollfd);
	struct pollfd *p = NULL;
	int64_t ready;
	int err;

	if (n > POLL_MAX)
		return -EINVAL;
	if (n > 0 && (p = tome_kmalloc(the_vm, bytes)) == NULL)
		return -ENOMEM;
	ready = n > 0 ? copy_in(p, user, bytes) : 0;
	if (ready == 0)
		ready = wait_ready(p, n, deadline);
	if (ready >= 0 && n > 0 && (err = copy_out(user, p, bytes)) != 0)
		ready = err;
	tome_kfree(the_vm, p);
	return ready;
}

SYSCALL(poll)
{
	int ms = (int)a[2];
	uint64_t deadline = ms < 0 ? TOME_FOREVER :
	    clock_ns() + (uint64_t)ms * 1000000u;
	int64_t result = poll_user(a[0], (unsigned)a[1], deadline);

	return result == -EINTR ? -ERESTARTNOHAND : result;
}

int
poll_suspend_mask(uint64_t user, uint64_t size)
{
	sigset_t set;
	int err;

	if (user == 0)
		return 0;
	if (size != sizeof set)
		return -EINVAL;
	err = copy_in(&set, user, sizeof set);
	if (err == 0)
		signal_suspend_blocked(set);
	return err;
}

/* Write back what is left of a timeout; a fault there is not an error. */
static void
remaining_out(uint64_t user, uint64_t deadline)
{
	uint64_t now = clock_ns();
	struct timespec left = ns_timespec(deadline > now ? deadline - now : 0);

	if (user != 0)
		(void)timespecs_out(user, &left, 1);
}

SYSCALL(ppoll)
{
	uint64_t deadline;
	int64_t result = deadline_in(a[2], &deadline);

	if (result == 0)
		result = poll_suspend_mask(a[3], a[4]);
	if (result != 0)
		return result;
	result = poll_user(a[0], (unsigned)a[1], deadline);
	remaining_out(a[2], deadline);
	if (result == -EINTR)
		return -ERESTARTNOHAND;
	signal_resume_blocked();
	return result;
}

/* ---- select: three sets of bits, turned into a list and back ---- */

#define SELECT_MAX 1024u
#define WORDS (SELECT_MAX / 64)

enum { SET_IN, SET_OUT, SET_EX, SETS };
static const uint16_t set_events[SETS] = {
	POLLIN | POLLRDNORM | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLERR,
	POLLPRI,
};

static bool
bit(const uint64_t *set, unsigned n)
{
	return set[n / 64] >> n % 64 & 1;
}

static size_t
sets_to_list(uint64_t set[SETS][WORDS], unsigned n, struct pollfd *p)
{
	size_t count = 0;

	for (unsigned fd = 0; fd < n; fd++) {
		unsigned events = 0;

		for (int s = 0; s < SETS; s++)
			if (bit(set[s], fd))
				events |= set_events[s];
		if (events != 0)
			p[count++] = (struct pollfd){(int)fd,
			    (int16_t)events, 0};
	}
	return count;
}

static int64_t
list_to_sets(const struct pollfd *p, size_t count, uint64_t set[SETS][WORDS])
{
	uint64_t was[SETS][WORDS];
	int64_t ready = 0;

	memcpy(was, set, sizeof was);
	memset(set, 0, sizeof was);
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)p[i].fd;

		if (p[i].revents & POLLNVAL)
			return -EBADF;
		for (int s = 0; s < SETS; s++)
			if (bit(was[s], fd) &&
			    ((uint16_t)p[i].revents & set_events[s])) {
				set[s][fd / 64] |= (uint64_t)1 << fd % 64;
				ready++;
			}
	}
	return ready;
}

static int64_t
select_sets(unsigned n, uint64_t set[SETS][WORDS], uint64_t deadline)
{
	struct pollfd *p = tome_kmalloc(the_vm, SELECT_MAX * sizeof *p);
	int64_t ready;
	size_t count;

	if (p == NULL)
		return -ENOMEM;
	count = sets_to_list(set, n, p);
	ready = wait_ready(p, count, deadline);
	if (ready >= 0)
		ready = list_to_sets(p, count, set);
	tome_kfree(the_vm, p);
	return ready;
}

static int64_t
select_user(const uint64_t *a, uint64_t deadline)
{
	unsigned n = a[0] < SELECT_MAX ? (unsigned)a[0] : SELECT_MAX;
	size_t bytes = (n + ABI_LONG_BITS - 1) / ABI_LONG_BITS *
	    sizeof(abi_long);
	uint64_t set[SETS][WORDS];
	int64_t ready;
	int err = 0;

	if ((int)a[0] < 0)
		return -EINVAL;
	memset(set, 0, sizeof set);
	for (int s = 0; s < SETS && err == 0; s++)
		if (a[1 + s] != 0)
			err = copy_in(set[s], a[1 + s], bytes);
	if (err != 0)
		return err;
	ready = select_sets(n, set, deadline);
	for (int s = 0; s < SETS && ready >= 0; s++)
		if (a[1 + s] != 0 &&
		    (err = copy_out(a[1 + s], set[s], bytes)) != 0)
			ready = err;
	return ready == -EINTR ? -ERESTARTNOHAND : ready;
}

SYSCALL(select)
{
	uint64_t deadline = TOME_FOREVER, now = clock_ns();
	struct timeval tv;
	int64_t ready;

	if (a[4] != 0) {
		if (copy_in(&tv, a[4], sizeof tv) != 0)
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		deadline = now + (uint64_t)tv.sec * 1000000000u +
		    (uint64_t)tv.usec * 1000u;
	}
	ready = select_user(a, deadline);
	if (a[4] != 0) {
		now = clock_ns();
		tv = ns_timeval(deadline > now ? deadline - now : 0);
		(void)copy_out(a[4], &tv, sizeof tv);
	}
	return ready;
}

SYSCALL(pselect6)
{
	abi_ulong mask[2] = {0, 0};
	uint64_t deadline;
	int64_t ready = deadline_in(a[4], &deadline);

	if (ready == 0 && a[5] != 0)
		ready = copy_in(mask, a[5], sizeof mask);
	if (ready == 0)
		ready = poll_suspend_mask(mask[0], mask[1]);
	if (ready != 0)
		return ready;
	ready = select_user(a, deadline);
	remaining_out(a[4], deadline);
	if (ready != -ERESTARTNOHAND)
		signal_resume_blocked();
	return ready;
}
