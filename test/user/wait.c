/*
 * wait.c - cases: waiting for files: epoll, timerfd, signalfd, and the locks of
 * whole files.
 */
#include "suite.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

static int
watch(int ep, int op, int fd, unsigned events, int data)
{
	struct epoll_event e = {.events = events, .data.u64 = (unsigned)data};

	return epoll_ctl(ep, op, fd, &e);
}

/* What the first ready one says; 0: none. */
static unsigned
ready(int ep, int ms, int *data)
{
	struct epoll_event e;
	int n = epoll_wait(ep, &e, 1, ms);

	REQUIRE(n >= 0);
	*data = n > 0 ? (int)e.data.u64 : -1;
	return n > 0 ? e.events : 0;
}

static void
epoll_tells_levels(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2], who;
	char byte;

	REQUIRE(ep >= 0 && pipe(p) == 0);
	REQUIRE(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 7) == 0);
	REQUIRE(ready(ep, 0, &who) == 0);
	REQUIRE(write(p[1], "x", 1) == 1);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN && who == 7);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN);
	REQUIRE(read(p[0], &byte, 1) == 1 && ready(ep, 0, &who) == 0);
	close(p[1]);
	REQUIRE(ready(ep, 0, &who) == EPOLLHUP);
}

static void
epoll_tells_edges(void)
{
	int ep = epoll_create1(0), p[2], who;
	char byte;

	REQUIRE(pipe(p) == 0);
	REQUIRE(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1) == 0);
	REQUIRE(write(p[1], "ab", 2) == 2);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN && ready(ep, 0, &who) == 0);
	REQUIRE(write(p[1], "c", 1) == 1);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN && ready(ep, 0, &who) == 0);
	REQUIRE(read(p[0], &byte, 1) == 1);
	REQUIRE(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2) == 0);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN && who == 2);
}

static void
epoll_fires_once(void)
{
	int ep = epoll_create1(0), e = eventfd(1, 0), who;

	REQUIRE(watch(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLONESHOT, 1) == 0);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN && ready(ep, 0, &who) == 0);
	REQUIRE(watch(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLONESHOT, 1) == 0);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN && ready(ep, 0, &who) == 0);
}

static void
epoll_errors(void)
{
	int ep = epoll_create1(0), e = eventfd(0, 0), f = suite_file(1);
	struct epoll_event out;

	REQUIRE(watch(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1) == 0);
	REQUIRE_ERRNO(watch(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1), EEXIST);
	REQUIRE(watch(ep, EPOLL_CTL_DEL, e, 0, 0) == 0);
	REQUIRE_ERRNO(watch(ep, EPOLL_CTL_DEL, e, 0, 0), ENOENT);
	REQUIRE_ERRNO(watch(ep, EPOLL_CTL_MOD, e, EPOLLIN, 0), ENOENT);
	REQUIRE_ERRNO(watch(ep, EPOLL_CTL_ADD, f, EPOLLIN, 0), EPERM);
	REQUIRE_ERRNO(watch(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 0), EINVAL);
	REQUIRE_ERRNO(watch(ep, EPOLL_CTL_ADD, 999, EPOLLIN, 0), EBADF);
	REQUIRE_ERRNO(watch(e, EPOLL_CTL_ADD, ep, EPOLLIN, 0), EINVAL);
	REQUIRE_ERRNO(epoll_wait(ep, &out, 0, 0), EINVAL);
	REQUIRE_ERRNO(epoll_create(0), EINVAL);
}

static void
epoll_forgets_what_is_closed(void)
{
	int ep = epoll_create1(0), e = eventfd(1, 0), copy = dup(e), who;

	REQUIRE(watch(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1) == 0);
	close(e);
	REQUIRE(ready(ep, 0, &who) == EPOLLIN);	/* copy keeps the file */
	close(copy);
	REQUIRE(ready(ep, 0, &who) == 0);
}

static void *
add_later(void *arg)
{
	const uint64_t one = 1;

	usleep(20000);
	REQUIRE(write((int)(intptr_t)arg, &one, sizeof one) == sizeof one);
	return NULL;
}

static void
epoll_wakes(void)
{
	int ep = epoll_create1(0), e = eventfd(0, 0), who;
	pthread_t thread;

	REQUIRE(watch(ep, EPOLL_CTL_ADD, e, EPOLLIN, 5) == 0);
	REQUIRE(pthread_create(&thread, NULL, add_later,
	    (void *)(intptr_t)e) == 0);
	REQUIRE(ready(ep, -1, &who) == EPOLLIN && who == 5);
	pthread_join(thread, NULL);
}

/* ---- timers -------------------------------------------------------------- */

static void
timerfd_counts(void)
{
	const struct itimerspec every = {{0, 2000000}, {0, 2000000}}, off = {{0, 0},
	    {0, 0}};
	int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec left;
	uint64_t n = 0;

	REQUIRE(t >= 0);
	REQUIRE_ERRNO(read(t, &n, sizeof n), EAGAIN);
	REQUIRE(timerfd_settime(t, 0, &every, NULL) == 0);
	usleep(30000);
	REQUIRE(read(t, &n, sizeof n) == sizeof n && n >= 5);
	REQUIRE(timerfd_gettime(t, &left) == 0);
	REQUIRE(left.it_interval.tv_nsec == 2000000);
	REQUIRE(timerfd_settime(t, 0, &off, NULL) == 0);
	usleep(5000);
	REQUIRE_ERRNO(read(t, &n, sizeof n), EAGAIN);
	REQUIRE_ERRNO(read(t, &n, 4), EINVAL);
	REQUIRE_ERRNO(timerfd_create(99, 0), EINVAL);
}

static void
timerfd_absolute(void)
{
	struct itimerspec at = {{0, 0}, {0, 0}};
	int t = timerfd_create(CLOCK_REALTIME, 0), ep = epoll_create1(0), who;
	uint64_t n = 0;

	clock_gettime(CLOCK_REALTIME, &at.it_value);
	at.it_value.tv_nsec += 5000000;
	if (at.it_value.tv_nsec >= 1000000000) {
		at.it_value.tv_nsec -= 1000000000;
		at.it_value.tv_sec++;
	}
	REQUIRE(timerfd_settime(t, TFD_TIMER_ABSTIME, &at, NULL) == 0);
	REQUIRE(watch(ep, EPOLL_CTL_ADD, t, EPOLLIN, 3) == 0);
	REQUIRE(ready(ep, -1, &who) == EPOLLIN && who == 3);
	REQUIRE(read(t, &n, sizeof n) == sizeof n && n == 1);
}

static void
timer_signals(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGUSR1, .sigev_value = {.sival_int = 77}};
	const struct itimerspec soon = {{0, 0}, {0, 3000000}};
	siginfo_t info;
	timer_t t;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	REQUIRE(timer_create(CLOCK_MONOTONIC, &e, &t) == 0);
	REQUIRE(timer_settime(t, 0, &soon, NULL) == 0);
	REQUIRE(sigwaitinfo(&set, &info) == SIGUSR1);
	REQUIRE(info.si_code == SI_TIMER && info.si_value.sival_int == 77);
	REQUIRE(timer_getoverrun(t) == 0 && timer_delete(t) == 0);
	REQUIRE_ERRNO(timer_create(99, &e, &t), EINVAL);
}

/* ---- signals ------------------------------------------------------------- */

static void
signalfd_reads(void)
{
	struct signalfd_siginfo info;
	int s, ep = epoll_create1(0), who;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	s = signalfd(-1, &set, SFD_NONBLOCK);
	REQUIRE(s >= 0 && watch(ep, EPOLL_CTL_ADD, s, EPOLLIN, 4) == 0);
	REQUIRE_ERRNO(read(s, &info, sizeof info), EAGAIN);
	REQUIRE(kill(getpid(), SIGUSR2) == 0);
	REQUIRE(ready(ep, -1, &who) == EPOLLIN);
	REQUIRE(read(s, &info, sizeof info) == sizeof info);
	REQUIRE(info.ssi_signo == SIGUSR2);
	REQUIRE(info.ssi_pid == (uint32_t)getpid());
	REQUIRE_ERRNO(read(s, &info, sizeof info), EAGAIN);
	REQUIRE_ERRNO(read(s, &info, 8), EINVAL);
}

/* ---- locks --------------------------------------------------------------- */

static void
flock_excludes(void)
{
	int f = suite_file(1), g;
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", f);
	g = open(path, O_RDWR);
	REQUIRE(g >= 0);
	REQUIRE(flock(f, LOCK_SH) == 0 && flock(g, LOCK_SH | LOCK_NB) == 0);
	REQUIRE_ERRNO(flock(g, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	REQUIRE(flock(f, LOCK_UN) == 0 && flock(g, LOCK_EX | LOCK_NB) == 0);
	REQUIRE_ERRNO(flock(f, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(g);
	REQUIRE(flock(f, LOCK_EX | LOCK_NB) == 0);
	REQUIRE_ERRNO(flock(f, 16), EINVAL);
}

/* A pipe that has so many bytes, and `room` bytes of room if that is not 0. */
static void
filled_pipe(int ends[2], size_t bytes, size_t room)
{
	static char content[65536];

	REQUIRE(pipe(ends) == 0);
	if (room != 0)
		bytes = (size_t)fcntl(ends[1], F_GETPIPE_SZ) - room;
	while (bytes > 0) {
		size_t n = bytes < sizeof content ? bytes : sizeof content;

		REQUIRE(write(ends[1], content, n) == (ssize_t)n);
		bytes -= n;
	}
}

/* It waits for something, not for all. */
static void
splice_takes_what_is_there(void)
{
	int from[2], to[2], full[2];

	filled_pipe(from, 2 * PAGE, 0);
	filled_pipe(to, 0, 0);
	filled_pipe(full, 0, PAGE);
	REQUIRE(splice(from[0], NULL, to[1], NULL, 16 * PAGE, 0) ==
	    (ssize_t)(2 * PAGE));
	REQUIRE(splice(to[0], NULL, full[1], NULL, 2 * PAGE, 0) ==
	    (ssize_t)PAGE);
	REQUIRE_ERRNO(splice(to[0], NULL, full[1], NULL, PAGE,
	    SPLICE_F_NONBLOCK), EAGAIN);
	REQUIRE_ERRNO(splice(from[0], NULL, to[1], NULL, PAGE,
	    SPLICE_F_NONBLOCK), EAGAIN);
	REQUIRE(close(from[1]) == 0);
	REQUIRE(splice(from[0], NULL, to[1], NULL, PAGE, 0) == 0);
}

static void
splice_errors(void)
{
	int p[2], q[2], file = suite_file(1);
	off64_t at = 0;

	filled_pipe(p, PAGE, 0);
	filled_pipe(q, 0, 0);
	REQUIRE(splice(-1, NULL, -1, NULL, 0, 99) == 0);
	REQUIRE_ERRNO(splice(p[0], NULL, q[1], NULL, 1, 16), EINVAL);
	REQUIRE_ERRNO(splice(p[0], NULL, -1, NULL, 1, 0), EBADF);
	REQUIRE_ERRNO(splice(p[1], NULL, q[1], NULL, 1, 0), EBADF);
	REQUIRE_ERRNO(splice(p[0], &at, q[1], NULL, 1, 0), ESPIPE);
	REQUIRE_ERRNO(splice(p[0], NULL, q[1], &at, 1, 0), ESPIPE);
	REQUIRE_ERRNO(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	REQUIRE_ERRNO(splice(file, NULL, file, NULL, 1, 0), EINVAL);
	REQUIRE(splice(file, &at, q[1], NULL, 10, 0) == 10 && at == 10);
}

const struct suite_case cases_wait[] = {
	CASE(epoll_tells_levels),
	CASE(epoll_tells_edges),
	CASE(epoll_fires_once),
	CASE(epoll_errors),
	CASE(epoll_forgets_what_is_closed),
	CASE(epoll_wakes),
	CASE(timerfd_counts),
	CASE(timerfd_absolute),
	CASE(timer_signals),
	CASE(signalfd_reads),
	CASE(flock_excludes),
	CASE(splice_takes_what_is_there),
	CASE(splice_errors),
	{ NULL, NULL },
};
