/*
 * room.c - cases: calls that take effect once, however often a lack of memory makes the
 * kernel begin them anew (`scarce`, on the reference kernel). Descriptors come where the
 * table has to grow, data is counted to the byte, names are made exactly once.
 */
#define _FILE_OFFSET_BITS 64
#include "suite.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define TABLE 64		/* descriptors before a table grows */
#define BULK (300u << 10)

/* All descriptors below n are taken. */
static void
fill_table(int n)
{
	int fd = suite_file(1);

	while (fd < n - 1)
		REQUIRE((fd = dup(fd)) >= 0);
}

static unsigned char
pattern(size_t at)
{
	return (unsigned char)(at * 7 + at / 251);
}

static void
check_pattern(const unsigned char *p, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		REQUIRE(p[i] == pattern(at + i));
}

static unsigned char *
bulk(void)
{
	unsigned char *p = (void *)suite_map(BULK / PAGE + 1, RW);

	for (size_t i = 0; i < BULK; i++)
		p[i] = pattern(i);
	return p;
}

/* Everything up to the end comes in order. */
static void
read_bulk(int fd, size_t total)
{
	unsigned char buf[3000];
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0) {
		check_pattern(buf, at, (size_t)n);
		at += (size_t)n;
	}
	REQUIRE(n == 0 && at == total);
}

static void
await(pid_t pid)
{
	int status;

	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

/* ---- descriptors ---- */

static void
room_exclusive_create(void)
{
	int fd;

	fill_table(TABLE);
	unlink("/tmp/room.excl");
	fd = open("/tmp/room.excl", O_CREAT | O_EXCL | O_RDWR, 0400);
	REQUIRE(fd == TABLE && write(fd, "abc", 3) == 3);
	REQUIRE_ERRNO(open("/tmp/room.excl", O_CREAT | O_EXCL | O_RDWR, 0400),
	    EEXIST);
	REQUIRE(unlink("/tmp/room.excl") == 0);
}

static void
room_pairs(void)
{
	int p[2], s[2];
	char c;

	fill_table(TABLE - 1);
	REQUIRE(pipe(p) == 0 && p[0] == TABLE - 1 && p[1] == TABLE);
	REQUIRE(write(p[1], "x", 1) == 1 && read(p[0], &c, 1) == 1);
	fill_table(2 * TABLE - 1);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	REQUIRE(s[0] == 2 * TABLE - 1 && s[1] == 2 * TABLE);
	REQUIRE(write(s[1], "y", 1) == 1 && read(s[0], &c, 1) == 1);
	REQUIRE(c == 'y');
	REQUIRE(dup2(p[0], 700) == 700 && fcntl(p[0], F_DUPFD, 900) == 900);
	REQUIRE(eventfd(3, 0) == 2 * TABLE + 1);
}

static void
send_files(int s, const int *fd, size_t n)
{
	char control[256] = "", byte = 'b';
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = CMSG_SPACE(n * 4)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(n * 4),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(h), fd, n * 4);
	REQUIRE(sendmsg(s, &m, 0) == 1);
}

static void
room_rights(void)
{
	char control[256], byte;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control};
	int s[2], fd[5];

	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	for (int i = 0; i < 5; i++)
		fd[i] = eventfd(100 + (unsigned)i, 0);
	fill_table(TABLE - 2);
	send_files(s[0], fd, 5);
	REQUIRE(recvmsg(s[1], &m, 0) == 1 && !(m.msg_flags & MSG_CTRUNC));
	REQUIRE(m.msg_controllen == CMSG_SPACE(5 * 4));
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	for (int i = 0; i < 5; i++) {
		uint64_t value;

		REQUIRE(fd[i] == TABLE - 2 + i);
		REQUIRE(read(fd[i], &value, 8) == 8 &&
		    value == 100 + (unsigned)i);
	}
}

static void
room_accepts(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0room"};
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 5;
	int l = socket(AF_UNIX, SOCK_STREAM, 0), in;
	int out = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	REQUIRE(bind(l, (void *)&a, len) == 0 && listen(l, 1) == 0);
	REQUIRE(connect(out, (void *)&a, len) == 0);
	REQUIRE(write(out, "z", 1) == 1);
	REQUIRE(fcntl(l, F_SETFL, O_NONBLOCK) == 0);
	fill_table(TABLE);
	in = accept(l, NULL, NULL);
	REQUIRE(in == TABLE && read(in, &c, 1) == 1 && c == 'z');
}

static void
room_fifo(void)
{
	char buf[8];
	pid_t pid;
	int fd;

	unlink("/tmp/room.fifo");
	REQUIRE(mkfifo("/tmp/room.fifo", 0600) == 0);
	fill_table(TABLE);
	pid = fork();
	if (pid == 0) {
		fd = open("/tmp/room.fifo", O_WRONLY);
		REQUIRE(fd == TABLE && write(fd, "once", 4) == 4);
		_exit(0);
	}
	fd = open("/tmp/room.fifo", O_RDONLY);
	REQUIRE(fd == TABLE && read(fd, buf, 8) == 4 && read(fd, buf, 8) == 0);
	await(pid);
	REQUIRE(unlink("/tmp/room.fifo") == 0);
}

/* ---- bytes ---- */

#define RECORD 3000

static void
write_records(int fd, char mark)
{
	char record[RECORD];

	memset(record, mark, sizeof record);
	for (int i = 0; i < 50; i++)
		REQUIRE(write(fd, record, sizeof record) == RECORD);
	_exit(0);
}

static void
room_pipe_keeps_records(void)
{
	char record[RECORD];
	pid_t pid[3];
	int p[2];

	REQUIRE(pipe(p) == 0);
	for (int i = 0; i < 3; i++)
		if ((pid[i] = fork()) == 0)
			write_records(p[1], (char)('a' + i));
	close(p[1]);
	for (int i = 0; i < 150; i++) {
		size_t done = 0;

		while (done < RECORD) {
			ssize_t n = read(p[0], record + done, RECORD - done);

			REQUIRE(n > 0);
			done += (size_t)n;
		}
		for (size_t at = 1; at < RECORD; at++)
			REQUIRE(record[at] == record[0]);
	}
	for (int i = 0; i < 3; i++)
		await(pid[i]);
}

/* What is written at one go arrives, all of it. */
static void
pass_bulk(int in, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(in);
		REQUIRE(write(out, bulk(), BULK) == BULK);
		_exit(0);
	}
	close(out);
	read_bulk(in, BULK);
	await(pid);
}

static void
room_passes_bulk(void)
{
	int p[2];

	REQUIRE(pipe(p) == 0);
	pass_bulk(p[0], p[1]);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	pass_bulk(p[0], p[1]);
}

static void
room_copies_between_files(void)
{
	int from = suite_file(1), to = suite_file(1), p[2];
	size_t done = 0;
	ssize_t n;

	REQUIRE(ftruncate(from, 0) == 0 && ftruncate(to, 0) == 0);
	REQUIRE(pwrite(from, bulk(), BULK, 0) == BULK);
	REQUIRE(lseek(from, 0, SEEK_SET) == 0 && lseek(to, 0, SEEK_SET) == 0);
	REQUIRE(pipe(p) == 0);
	while ((n = splice(from, NULL, p[1], NULL, 20000, 0)) > 0)
		for (; n > 0; n -= done) {
			done = (size_t)splice(p[0], NULL, to, NULL,
			    (size_t)n, 0);
			REQUIRE((ssize_t)done > 0);
		}
	REQUIRE(n == 0 && lseek(to, 0, SEEK_SET) == 0);
	read_bulk(to, BULK);
	REQUIRE(ftruncate(to, 0) == 0 && lseek(to, 0, SEEK_SET) == 0);
	for (off_t at = 0; (n = sendfile(to, from, &at, BULK)) > 0;)
		;
	REQUIRE(n == 0 && lseek(to, 0, SEEK_SET) == 0);
	read_bulk(to, BULK);
}

static void
room_messages(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	struct {
		long type;
		unsigned char text[1000];
	} m;

	REQUIRE(id >= 0);
	for (long i = 0; i < 16; i++) {
		m.type = i + 1;
		memset(m.text, (int)i, sizeof m.text);
		REQUIRE(msgsnd(id, &m, sizeof m.text, IPC_NOWAIT) == 0);
	}
	for (long i = 0; i < 16; i++) {
		REQUIRE(msgrcv(id, &m, sizeof m.text, 0, IPC_NOWAIT) == 1000);
		REQUIRE(m.type == i + 1 && m.text[999] == i);
	}
	REQUIRE_ERRNO(msgrcv(id, &m, sizeof m.text, 0, IPC_NOWAIT), ENOMSG);
	REQUIRE(msgctl(id, IPC_RMID, NULL) == 0);
}

static void
room_undo(void)
{
	struct sembuf op[2] = {{0, 5, SEM_UNDO}, {1, 2, SEM_UNDO}};
	int id = semget(IPC_PRIVATE, 2, 0600);
	pid_t pid;

	REQUIRE(id >= 0 && semctl(id, 0, SETVAL, 1) == 0);
	pid = fork();
	if (pid == 0) {
		REQUIRE(semop(id, op, 2) == 0);
		REQUIRE(semctl(id, 0, GETVAL) == 6);
		_exit(0);
	}
	await(pid);
	REQUIRE(semctl(id, 0, GETVAL) == 1 && semctl(id, 1, GETVAL) == 0);
	REQUIRE(semctl(id, 0, IPC_RMID) == 0);
}

static void
room_queued_signals(void)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 20; i++)
		REQUIRE(sigqueue(getpid(), SIGRTMIN,
		    (union sigval){.sival_int = i}) == 0);
	for (int i = 0; i < 20; i++)
		REQUIRE(sigwaitinfo(&set, &info) == SIGRTMIN &&
		    info.si_value.sival_int == i);
}

/* ---- names ---- */

static void
room_names(void)
{
	char name[40], other[40], text[40];
	struct stat st;

	REQUIRE(mkdir("/tmp/room.d", 0700) == 0);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "/tmp/room.d/f%d", i);
		snprintf(other, sizeof other, "/tmp/room.d/l%d", i);
		REQUIRE(mknod(name, S_IFREG | 0600, 0) == 0);
		REQUIRE(link(name, other) == 0 && stat(name, &st) == 0);
		REQUIRE(st.st_nlink == 2);
		REQUIRE(rename(name, "/tmp/room.d/moved") == 0);
		REQUIRE(symlink(other, name) == 0);
		REQUIRE(readlink(name, text, sizeof text) ==
		    (ssize_t)strlen(other));
		REQUIRE(unlink(name) == 0 && unlink(other) == 0);
		REQUIRE(stat("/tmp/room.d/moved", &st) == 0 && st.st_nlink == 1);
		REQUIRE(unlink("/tmp/room.d/moved") == 0);
	}
	REQUIRE(rmdir("/tmp/room.d") == 0);
}

static bool
other_may_lock(int fd, off_t start)
{
	struct flock l = {.l_type = F_WRLCK, .l_start = start, .l_len = 1};
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fcntl(fd, F_SETLK, &l) != 0);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	return status == 0;
}

static void
room_locks(void)
{
	struct flock l = {.l_type = F_WRLCK, .l_start = 0, .l_len = 100};
	int fd = suite_file(1);

	REQUIRE(fcntl(fd, F_SETLK, &l) == 0);
	l = (struct flock){.l_type = F_UNLCK, .l_start = 40, .l_len = 20};
	REQUIRE(fcntl(fd, F_SETLK, &l) == 0);
	REQUIRE(!other_may_lock(fd, 39) && other_may_lock(fd, 40));
	REQUIRE(other_may_lock(fd, 59) && !other_may_lock(fd, 60));
	REQUIRE(!other_may_lock(fd, 99) && other_may_lock(fd, 100));
}

/* ---- memory ---- */

static void
room_map_over(void)
{
	char *p = suite_map(64, RW), *middle = p + 16 * PAGE;

	memset(p, 3, 64 * PAGE);
	REQUIRE(mmap(middle, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == middle);
	REQUIRE(suite_filled(p, 3, 16 * PAGE) && suite_filled(middle, 0,
	    8 * PAGE) && suite_filled(p + 24 * PAGE, 3, 40 * PAGE));
	for (size_t i = 24; i < 64; i += 2)
		REQUIRE(munmap(p + i * PAGE, PAGE) == 0);
	for (size_t i = 25; i < 64; i += 2)
		REQUIRE(suite_filled(p + i * PAGE, 3, PAGE) &&
		    suite_read(p + (i - 1) * PAGE).sig == SIGSEGV);
	for (size_t i = 0; i < 16; i += 2)
		REQUIRE(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0);
	for (size_t i = 0; i < 16; i++)
		REQUIRE(suite_write(p + i * PAGE, 3).sig ==
		    (i % 2 == 0 ? SIGSEGV : 0));
	p = mremap(p + 17 * PAGE, 7 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(p != MAP_FAILED && suite_filled(p, 0, 40 * PAGE));
	REQUIRE(suite_read(middle + PAGE).sig == SIGSEGV);
	REQUIRE(suite_read(middle).sig == 0);
}

static void
room_forgets_after_fork(void)
{
	char *p = suite_map(40, RW);
	pid_t pid;

	memset(p, 4, 40 * PAGE);
	for (int i = 0; i < 5; i++) {
		pid = fork();
		if (pid == 0) {
			REQUIRE(madvise(p + PAGE, 38 * PAGE,
			    MADV_DONTNEED) == 0);
			REQUIRE(suite_filled(p + PAGE, 0, 38 * PAGE));
			_exit(0);
		}
		await(pid);
	}
	REQUIRE(suite_filled(p, 4, 40 * PAGE));
	REQUIRE(sbrk(40 * PAGE) != (void *)-1 && mlock(p, PAGE) == 0);
}

/* ---- programs ---- */

static void *
idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* The other threads end once, and only where the program changes. */
static void
room_exec_of_threads(void)
{
	char *argv[] = {"memsuite", "none of its cases", NULL}, buf[64];
	size_t n = 0;
	ssize_t got;
	pthread_t t;
	pid_t pid;
	int p[2];

	REQUIRE(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		fill_table(TABLE);
		dup2(p[1], 1);
		for (int i = 0; i < 3; i++)
			REQUIRE(pthread_create(&t, NULL, idle, NULL) == 0);
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	close(p[1]);
	while ((got = read(p[0], buf + n, sizeof buf - n)) > 0)
		n += (size_t)got;
	await(pid);
	REQUIRE(n == 14 && memcmp(buf, "MEMSUITE-DONE\n", 14) == 0);
}

const struct suite_case cases_room[] = {
	CASE(room_exclusive_create),
	CASE(room_pairs),
	CASE(room_rights),
	CASE(room_accepts),
	CASE(room_fifo),
	CASE(room_pipe_keeps_records),
	CASE(room_passes_bulk),
	CASE(room_copies_between_files),
	CASE(room_messages),
	CASE(room_undo),
	CASE(room_queued_signals),
	CASE(room_names),
	CASE(room_locks),
	CASE(room_map_over),
	CASE(room_forgets_after_fork),
	CASE(room_exec_of_threads),
	{ NULL, NULL },
};
