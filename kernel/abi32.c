/*
 * abi32.c - the calls of Linux's interface that have another form where a word has
 * 32 bits: an argument of 64 bits comes in two registers, and calls from before
 * 2020 have times of 32 bits. Each becomes the call that 64-bit machines have.
 *
 * <linux_abi.h> says with ABI_PAIRS_EVEN that such a pair begins at an even
 * register, and so which arguments it is.
 */
#include <abi.h>
#include <lib.h>
#include <fs/vfs.h>
#include <process.h>
#include <syscall.h>

/* What has no number here, or not on each machine. */
SYSCALL(fadvise64);
SYSCALL(fallocate);
SYSCALL(fcntl);
SYSCALL(fstatfs);
SYSCALL(ftruncate);
SYSCALL(lseek);
SYSCALL(mmap);
SYSCALL(msgctl);
SYSCALL(nanosleep);
SYSCALL(pread64);
SYSCALL(preadv);
SYSCALL(preadv2);
SYSCALL(pwrite64);
SYSCALL(pwritev);
SYSCALL(pwritev2);
SYSCALL(readahead);
SYSCALL(semctl);
SYSCALL(shmctl);
SYSCALL(statfs);
SYSCALL(sync_file_range);
SYSCALL(truncate);

#ifndef ABI_PAIRS_EVEN
#define ABI_PAIRS_EVEN 0
#endif

/* The 64 bits that begin at register n, or the next even one. */
static uint64_t
pair(const uint64_t *a, unsigned n)
{
	if (ABI_PAIRS_EVEN)
		n += n & 1;
	return a[n] | a[n + 1] << 32;
}

/* ---- positions and lengths ---- */

SYSCALL(pread64_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], pair(a, 3)};

	return sys_pread64(b);
}

SYSCALL(pwrite64_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], pair(a, 3)};

	return sys_pwrite64(b);
}

/* Vectors' positions are two arguments everywhere; never a pair. */
SYSCALL(preadv_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], a[3] | a[4] << 32};

	return sys_preadv(b);
}

SYSCALL(pwritev_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], a[3] | a[4] << 32};

	return sys_pwritev(b);
}

SYSCALL(preadv2_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], a[3] | a[4] << 32, 0, a[5]};

	return sys_preadv2(b);
}

SYSCALL(pwritev2_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], a[3] | a[4] << 32, 0, a[5]};

	return sys_pwritev2(b);
}

SYSCALL(truncate64_32)
{
	const uint64_t b[] = {a[0], pair(a, 1)};

	return sys_truncate(b);
}

SYSCALL(ftruncate64_32)
{
	const uint64_t b[] = {a[0], pair(a, 1)};

	return sys_ftruncate(b);
}

static uint64_t
extended(uint64_t word)
{
	return (uint64_t)(int64_t)(int32_t)word;
}

SYSCALL(truncate_32)
{
	const uint64_t b[] = {a[0], extended(a[1])};

	return sys_truncate(b);
}

SYSCALL(ftruncate_32)
{
	const uint64_t b[] = {a[0], extended(a[1])};

	return sys_ftruncate(b);
}

SYSCALL(lseek_32)
{
	const uint64_t b[] = {a[0], extended(a[1]), a[2]};

	return sys_lseek(b);
}

SYSCALL(llseek_32)
{
	const uint64_t b[] = {a[0], a[1] << 32 | a[2], a[4]};
	int64_t at = sys_lseek(b);

	return at < 0 ? at : copy_out(a[3], &at, sizeof at);
}

SYSCALL(fallocate_32)
{
	const uint64_t b[] = {a[0], a[1], pair(a, 2), pair(a, 4)};

	return sys_fallocate(b);
}

SYSCALL(fadvise64_64_32)
{
	const uint64_t b[] = {a[0], pair(a, 1), pair(a, 3), a[5]};

	return sys_fadvise64(b);
}

SYSCALL(readahead_32)
{
	const uint64_t b[] = {a[0], pair(a, 1), a[3 + ABI_PAIRS_EVEN]};

	return sys_readahead(b);
}

SYSCALL(sync_file_range_32)
{
	const uint64_t b[] = {a[0], pair(a, 1), pair(a, 3), a[5]};

	return sys_sync_file_range(b);
}

/* The same two with the small argument in front, so that both pairs are even. */
SYSCALL(fadvise64_64_even_32)
{
	const uint64_t b[] = {a[0], pair(a, 2), pair(a, 4), a[1]};

	return sys_fadvise64(b);
}

SYSCALL(sync_file_range2_32)
{
	const uint64_t b[] = {a[0], pair(a, 2), pair(a, 4), a[1]};

	return sys_sync_file_range(b);
}

/* An offset in units of 4 KiB. */
SYSCALL(mmap2_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], a[3], a[4], a[5] << 12};

	return sys_mmap(b);
}

/* ---- other sizes ---- */

SYSCALL(waitpid_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], 0};

	return sys_wait4(b);
}

static bool
is_statfs(uint64_t size)
{
	return size == sizeof(struct statfs) ||
	    size == ((sizeof(struct statfs) + 7) & ~(size_t)7);
}

SYSCALL(statfs64_32)
{
	const uint64_t b[] = {a[0], a[2]};

	return is_statfs(a[1]) ? sys_statfs(b) : -EINVAL;
}

SYSCALL(fstatfs64_32)
{
	const uint64_t b[] = {a[0], a[2]};

	return is_statfs(a[1]) ? sys_fstatfs(b) : -EINVAL;
}

struct flock_32 {
	int16_t type, whence;
	int32_t start, len, pid;
};

static int64_t
lock_32(struct file *f, unsigned cmd, uint64_t user)
{
	struct flock_32 old;
	struct flock l;
	int64_t err = copy_in(&old, user, sizeof old);

	if (err != 0)
		return err;
	l = (struct flock){.type = old.type, .whence = old.whence,
		.start = old.start, .len = old.len, .pid = old.pid};
	err = file_lock_call(f, cmd, &l);
	if (err != 0 || cmd != F_GETLK)
		return err;
	if (l.start > INT32_MAX || l.len > INT32_MAX)
		return -EOVERFLOW;
	old = (struct flock_32){.type = l.type, .whence = l.whence,
		.start = (int32_t)l.start, .len = (int32_t)l.len, .pid = l.pid};
	return copy_out(user, &old, sizeof old);
}

#define F_GETLK64 12u

/* Locks of 64 bits have numbers of their own here. */
SYSCALL(fcntl64_32)
{
	const unsigned cmd = (unsigned)a[1];
	const uint64_t b[] = {a[0], cmd - F_GETLK64 + F_GETLK, a[2]};
	int64_t result;
	struct fd f;

	if (cmd - F_GETLK64 <= F_SETLKW - F_GETLK)
		return sys_fcntl(b);
	if (cmd - F_GETLK > F_SETLKW - F_GETLK)
		return sys_fcntl(a);
	f = fd_borrow((int)a[0]);
	if (f.file == NULL)
		return -EBADF;
	result = lock_32(f.file, cmd, a[2]);
	fd_return(f);
	return result;
}

static uint32_t
short_limit(uint64_t limit)
{
	return limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

static uint64_t
long_limit(uint32_t limit)
{
	return limit == UINT32_MAX ? RLIM_INFINITY : limit;
}

SYSCALL(getrlimit_32)
{
	struct process *p = current_process();
	struct rlimit now;
	uint32_t out[2];

	if (a[0] >= RLIMITS)
		return -EINVAL;
	spin_lock(&p->limit_lock);
	now = p->limit[a[0]];
	spin_unlock(&p->limit_lock);
	out[0] = short_limit(now.cur);
	out[1] = short_limit(now.max);
	return copy_out(a[1], out, sizeof out);
}

SYSCALL(setrlimit_32)
{
	struct rlimit new;
	uint32_t in[2];

	if (a[0] >= RLIMITS)
		return -EINVAL;
	if (copy_in(in, a[1], sizeof in) != 0)
		return -EFAULT;
	new = (struct rlimit){long_limit(in[0]), long_limit(in[1])};
	return limit_set(current_process(), (unsigned)a[0], &new);
}

/* ---- without an address ---- */

SYSCALL(send_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], a[3], 0, 0};

	return sys_sendto(b);
}

SYSCALL(recv_32)
{
	const uint64_t b[] = {a[0], a[1], a[2], a[3], 0, 0};

	return sys_recvfrom(b);
}

/* ---- System V's structures: of the new form, whether that is said or not ---- */

#define IPC_64 0x100u

SYSCALL(msgctl_32)
{
	const uint64_t b[] = {a[0], a[1] & ~(uint64_t)IPC_64, a[2]};

	return sys_msgctl(b);
}

SYSCALL(semctl_32)
{
	const uint64_t b[] = {a[0], a[1], a[2] & ~(uint64_t)IPC_64, a[3]};

	return sys_semctl(b);
}

SYSCALL(shmctl_32)
{
	const uint64_t b[] = {a[0], a[1] & ~(uint64_t)IPC_64, a[2]};

	return sys_shmctl(b);
}

/* ---- times ---- */

struct timespec_32 {
	int32_t sec, nsec;
};

static int
old_in(struct timespec *ts, uint64_t user, unsigned n)
{
	struct timespec_32 old;
	int err = 0;

	for (unsigned i = 0; i < n && err == 0; i++) {
		err = copy_in(&old, user + i * sizeof old, sizeof old);
		if (err == 0)
			ts[i] = (struct timespec){old.sec, old.nsec};
	}
	return err;
}

/* Of nanoseconds the upper half is padding. */
int
timespecs_in(struct timespec *ts, uint64_t user, unsigned n)
{
	int err;

	if (current_task()->old_time)
		return old_in(ts, user, n);
	err = copy_in(ts, user, n * sizeof *ts);
	for (unsigned i = 0; i < n && err == 0; i++)
		ts[i].nsec = (int32_t)ts[i].nsec;
	return err;
}

int
timespecs_out(uint64_t user, const struct timespec *ts, unsigned n)
{
	struct timespec_32 old;
	int err = 0;

	if (!current_task()->old_time)
		return copy_out(user, ts, n * sizeof *ts);
	for (unsigned i = 0; i < n && err == 0; i++) {
		old = (struct timespec_32){(int32_t)ts[i].sec,
			(int32_t)ts[i].nsec};
		err = copy_out(user + i * sizeof old, &old, sizeof old);
	}
	return err;
}

#define OLD_TIME(name)                                                   \
	SYSCALL(name##_32)                                               \
	{                                                                \
		struct task *t = current_task();                         \
		int64_t result;                                          \
                                                                         \
		t->old_time = true;                                      \
		result = sys_##name(a);                                  \
		t->old_time = false;                                     \
		return result;                                           \
	}
OLD_TIME(clock_getres)
OLD_TIME(clock_gettime)
OLD_TIME(clock_nanosleep)
OLD_TIME(futex)
OLD_TIME(nanosleep)
OLD_TIME(ppoll)
OLD_TIME(pselect6)
OLD_TIME(rt_sigtimedwait)
OLD_TIME(semtimedop)
OLD_TIME(timer_gettime)
OLD_TIME(timer_settime)
OLD_TIME(timerfd_gettime)
OLD_TIME(timerfd_settime)
OLD_TIME(utimensat)
