/*
 * socket.c - cases: sockets of this machine, AF_UNIX and the loopback's streams
 * and datagrams.
 */
#include "suite.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void
pair(int type, int s[2])
{
	REQUIRE(socketpair(AF_UNIX, type, 0, s) == 0);
}

/* A name that no other case has. */
static socklen_t
abstract(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path + 1, name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    strlen(name));
}

static short
readiness(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	REQUIRE(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void
socket_pair_passes_bytes(void)
{
	char buf[8];
	int s[2];

	pair(SOCK_STREAM, s);
	REQUIRE(readiness(s[0]) == POLLOUT);
	REQUIRE(write(s[0], "abc", 3) == 3 && write(s[0], "def", 3) == 3);
	REQUIRE(readiness(s[1]) == (POLLIN | POLLOUT));
	REQUIRE(recv(s[1], buf, 4, MSG_PEEK) == 4 && !memcmp(buf, "abcd", 4));
	REQUIRE(read(s[1], buf, 2) == 2 && !memcmp(buf, "ab", 2));
	REQUIRE(read(s[1], buf, 8) == 4 && !memcmp(buf, "cdef", 4));
	REQUIRE_ERRNO(recv(s[1], buf, 8, MSG_DONTWAIT), EAGAIN);
	close(s[0]);
	REQUIRE(readiness(s[1]) == (POLLIN | POLLOUT | POLLHUP | POLLRDHUP));
	REQUIRE(read(s[1], buf, 8) == 0);
}

static void
socket_write_without_reader_is_sigpipe(void)
{
	int s[2];

	signal(SIGPIPE, SIG_IGN);
	pair(SOCK_STREAM, s);
	close(s[0]);
	REQUIRE_ERRNO(write(s[1], "x", 1), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	REQUIRE_ERRNO(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
}

static void
write_to_closed(void *arg)
{
	int s[2];

	(void)arg;
	pair(SOCK_STREAM, s);
	close(s[0]);
	(void)!write(s[1], "x", 1);
}

static void
socket_sigpipe_kills(void)
{
	int status = suite_child(write_to_closed, NULL);

	REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void
socket_unread_bytes_reset(void)
{
	char buf[4];
	int s[2];

	pair(SOCK_STREAM, s);
	REQUIRE(write(s[1], "x", 1) == 1);
	close(s[0]);
	REQUIRE_ERRNO(read(s[1], buf, 4), ECONNRESET);
	REQUIRE(read(s[1], buf, 4) == 0);
}

static void
socket_shutdown_is_an_end(void)
{
	char buf[4];
	int s[2];

	pair(SOCK_STREAM, s);
	REQUIRE(write(s[0], "x", 1) == 1);
	REQUIRE(shutdown(s[0], SHUT_WR) == 0);
	REQUIRE_ERRNO(send(s[0], "y", 1, MSG_NOSIGNAL), EPIPE);
	REQUIRE(read(s[1], buf, 4) == 1 && read(s[1], buf, 4) == 0);
	REQUIRE(write(s[1], "back", 4) == 4 && read(s[0], buf, 4) == 4);
	REQUIRE_ERRNO(shutdown(s[0], 3), EINVAL);
}

static void
socket_packets_keep_their_bounds(void)
{
	static const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};
	struct iovec v;
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	char buf[8];
	int s[2];

	for (int i = 0; i < 2; i++) {
		pair(types[i], s);
		REQUIRE(write(s[0], "abc", 3) == 3 && write(s[0], "d", 1) == 1);
		v = (struct iovec){buf, 2};
		REQUIRE(recvmsg(s[1], &m, 0) == 2);
		REQUIRE((m.msg_flags & MSG_TRUNC) != 0);
		REQUIRE(recv(s[1], buf, 8, MSG_TRUNC) == 1 && buf[0] == 'd');
		close(s[0]);
		close(s[1]);
	}
}

static void
socket_full_queue_says_so(void)
{
	static char block[65536];
	long sent = 0, got = 0, n;
	int s[2];

	pair(SOCK_STREAM | SOCK_NONBLOCK, s);
	while ((n = write(s[0], block, sizeof block)) > 0)
		sent += n;
	REQUIRE(n == -1 && errno == EAGAIN && sent > 65536);
	REQUIRE(!(readiness(s[0]) & POLLOUT));
	while ((n = read(s[1], block, sizeof block)) > 0)
		got += n;
	REQUIRE(got == sent);
	REQUIRE(readiness(s[0]) & POLLOUT);
}

static void *
write_million(void *arg)
{
	static char block[1000];

	for (int i = 0; i < 1000; i++) {
		memset(block, i, sizeof block);
		REQUIRE(write((int)(intptr_t)arg, block, sizeof block) ==
		    sizeof block);
	}
	close((int)(intptr_t)arg);
	return NULL;
}

static void
million_bytes(int to, int from)
{
	unsigned char block[1000];
	pthread_t thread;

	REQUIRE(pthread_create(&thread, NULL, write_million,
	    (void *)(intptr_t)to) == 0);
	for (int i = 0; i < 1000; i++) {
		REQUIRE(recv(from, block, sizeof block, MSG_WAITALL) ==
		    sizeof block);
		REQUIRE(block[0] == (unsigned char)i && block[999] == block[0]);
	}
	REQUIRE(read(from, block, 1) == 0);
	pthread_join(thread, NULL);
}

static void
socket_pair_carries_a_million(void)
{
	int s[2];

	pair(SOCK_STREAM, s);
	million_bytes(s[0], s[1]);
}

/* ---- names --------------------------------------------------------------- */

static void
socket_path_connects(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX}, seen;
	socklen_t n = sizeof seen;
	struct ucred cred;
	struct stat st;
	int l, c, s;

	snprintf(a.sun_path, sizeof a.sun_path, "%s/sock.%d",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "", getpid());
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	REQUIRE_ERRNO(connect(c, (void *)&a, sizeof a), ENOENT);
	REQUIRE(bind(l, (void *)&a, sizeof a) == 0);
	REQUIRE(stat(a.sun_path, &st) == 0 && S_ISSOCK(st.st_mode));
	REQUIRE_ERRNO(open(a.sun_path, O_RDWR), ENXIO);
	REQUIRE_ERRNO(connect(c, (void *)&a, sizeof a), ECONNREFUSED);
	REQUIRE(listen(l, 4) == 0);
	REQUIRE(connect(c, (void *)&a, sizeof a) == 0);
	REQUIRE_ERRNO(connect(c, (void *)&a, sizeof a), EISCONN);
	REQUIRE(readiness(l) == POLLIN);
	REQUIRE_ERRNO(connect(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&a,
	    sizeof a), EPROTOTYPE);
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	REQUIRE(s >= 0 && (fcntl(s, F_GETFD) & FD_CLOEXEC));
	REQUIRE(getpeername(c, (void *)&seen, &n) == 0);
	REQUIRE(strcmp(seen.sun_path, a.sun_path) == 0);
	REQUIRE(n == offsetof(struct sockaddr_un, sun_path) +
	    strlen(a.sun_path) + 1);
	n = sizeof cred;
	REQUIRE(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0);
	REQUIRE(cred.pid == getpid() && cred.uid == geteuid());
	REQUIRE_ERRNO(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a,
	    sizeof a), EADDRINUSE);
	REQUIRE(unlink(a.sun_path) == 0);
}

static void
socket_abstract_names(void)
{
	struct sockaddr_un a;
	socklen_t n = abstract(&a, "tome.abstract");
	int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c;

	REQUIRE(bind(l, (void *)&a, n) == 0);
	REQUIRE_ERRNO(bind(socket(AF_UNIX, SOCK_SEQPACKET, 0), (void *)&a, n),
	    EADDRINUSE);
	REQUIRE(listen(l, 1) == 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	REQUIRE_ERRNO(connect(c, (void *)&a, n), ECONNREFUSED);
	c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	REQUIRE(connect(c, (void *)&a, n) == 0);
	close(l);
	REQUIRE_ERRNO(send(c, "x", 1, MSG_NOSIGNAL), ECONNRESET);
	c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	REQUIRE_ERRNO(connect(c, (void *)&a, n), ECONNREFUSED);
}

static void
socket_datagrams_tell_their_sender(void)
{
	struct sockaddr_un a, b, from;
	socklen_t na = abstract(&a, "tome.dgram.a");
	socklen_t nb = abstract(&b, "tome.dgram.b"), n = sizeof from;
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	int r = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[4];

	REQUIRE_ERRNO(send(s, "x", 1, 0), ENOTCONN);
	REQUIRE_ERRNO(sendto(s, "x", 1, 0, (void *)&b, nb), ECONNREFUSED);
	REQUIRE(bind(s, (void *)&a, na) == 0 && bind(r, (void *)&b, nb) == 0);
	REQUIRE(sendto(s, "x", 1, 0, (void *)&b, nb) == 1);
	REQUIRE(recvfrom(r, buf, 4, 0, (void *)&from, &n) == 1);
	REQUIRE(n == na && memcmp(&from, &a, n) == 0);
	REQUIRE_ERRNO(listen(r, 1), EOPNOTSUPP);
}

/* ---- descriptors and credentials ----------------------------------------- */

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(4 * sizeof(int)) + 64];
};

static void
send_descriptor(int s, int fd)
{
	union control u = {.header = {CMSG_LEN(sizeof fd), SOL_SOCKET,
	    SCM_RIGHTS}};
	struct iovec v = {"f", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1,
	    .msg_control = &u, .msg_controllen = CMSG_SPACE(sizeof fd)};

	memcpy(CMSG_DATA(&u.header), &fd, sizeof fd);
	REQUIRE(sendmsg(s, &m, 0) == 1);
}

static void
socket_passes_descriptors(void)
{
	union control u;
	char buf[4];
	struct iovec v = {buf, sizeof buf};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1,
	    .msg_control = &u, .msg_controllen = sizeof u};
	int s[2], p[2], fd;

	pair(SOCK_STREAM, s);
	REQUIRE(pipe(p) == 0);
	send_descriptor(s[0], p[1]);
	close(p[1]);
	REQUIRE(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC) == 1 && buf[0] == 'f');
	REQUIRE(m.msg_controllen == CMSG_SPACE(sizeof fd));
	REQUIRE(u.header.cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&u.header), sizeof fd);
	REQUIRE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	REQUIRE(write(fd, "pipe", 4) == 4);
	REQUIRE(read(p[0], buf, 4) == 4 && !memcmp(buf, "pipe", 4));
	close(fd);
	REQUIRE(read(p[0], buf, 4) == 0);
}

static void
socket_drops_descriptors_unread(void)
{
	char buf[4];
	int s[2], p[2];

	pair(SOCK_STREAM, s);
	REQUIRE(pipe(p) == 0);
	send_descriptor(s[0], p[1]);
	send_descriptor(s[0], p[1]);
	close(p[1]);
	REQUIRE(read(s[1], buf, 1) == 1);	/* without control: dropped */
	close(s[0]);
	close(s[1]);
	REQUIRE(read(p[0], buf, 4) == 0);
}

static void
socket_tells_credentials(void)
{
	union control u;
	struct ucred cred;
	char buf[4];
	struct iovec v = {buf, sizeof buf};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1,
	    .msg_control = &u, .msg_controllen = sizeof u};
	int s[2], on = 1;

	pair(SOCK_STREAM, s);
	REQUIRE(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
	REQUIRE(write(s[0], "x", 1) == 1 && recvmsg(s[1], &m, 0) == 1);
	REQUIRE(u.header.cmsg_type == SCM_CREDENTIALS);
	memcpy(&cred, CMSG_DATA(&u.header), sizeof cred);
	REQUIRE(cred.pid == getpid() && cred.uid == getuid());
}

/* ---- the loopback -------------------------------------------------------- */

/* Linux's has to be brought up; here it is. */
static void
loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	(void)ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

static int
listener(struct sockaddr_in *a)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof *a;

	loopback_up();
	*a = (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	REQUIRE(bind(s, (void *)a, sizeof *a) == 0 && listen(s, 8) == 0);
	REQUIRE(getsockname(s, (void *)a, &n) == 0 && n == sizeof *a);
	REQUIRE(ntohs(a->sin_port) >= 1024);
	return s;
}

static void
tcp_connects_and_names(void)
{
	struct sockaddr_in a, mine, his;
	socklen_t n = sizeof mine;
	int l = listener(&a), c = socket(AF_INET, SOCK_STREAM, 0), s;

	REQUIRE_ERRNO(getpeername(c, (void *)&his, &n), ENOTCONN);
	REQUIRE(connect(c, (void *)&a, sizeof a) == 0);
	REQUIRE(getsockname(c, (void *)&mine, &n) == 0);
	REQUIRE(mine.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	n = sizeof his;
	s = accept(l, (void *)&his, &n);
	REQUIRE(s >= 0 && n == sizeof his && his.sin_port == mine.sin_port);
	REQUIRE(getsockname(s, (void *)&his, &n) == 0);
	REQUIRE(his.sin_port == a.sin_port);
	million_bytes(c, s);
}

/* Who finds no descriptor for a connection finds the connection later. */
static void
tcp_waits_for_descriptor(void)
{
	struct sockaddr_in a;
	int l = listener(&a), c = socket(AF_INET, SOCK_STREAM, 0), s;
	struct rlimit was, none;

	REQUIRE(connect(c, (void *)&a, sizeof a) == 0);
	REQUIRE(getrlimit(RLIMIT_NOFILE, &was) == 0);
	none = was;
	none.rlim_cur = (rlim_t)c + 1;
	REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
	REQUIRE_ERRNO(accept(l, NULL, NULL), EMFILE);
	REQUIRE(setrlimit(RLIMIT_NOFILE, &was) == 0);
	REQUIRE(readiness(l) == POLLIN);
	s = accept(l, NULL, NULL);
	REQUIRE(s >= 0);
	million_bytes(c, s);
}

static void
tcp_refuses(void)
{
	struct sockaddr_in a;
	int l = listener(&a), c = socket(AF_INET, SOCK_STREAM, 0);

	REQUIRE_ERRNO(bind(c, (void *)&a, sizeof a), EADDRINUSE);
	close(l);
	REQUIRE_ERRNO(connect(c, (void *)&a, sizeof a), ECONNREFUSED);
	a.sin_addr.s_addr = htonl(0x01020304);
	c = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE_ERRNO(bind(c, (void *)&a, sizeof a), EADDRNOTAVAIL);
	REQUIRE_ERRNO(read(c, &a, 1), ENOTCONN);
}

static void
tcp_nonblocking_accept(void)
{
	struct sockaddr_in a;
	int l = listener(&a), c = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd p = {c, POLLOUT, 0};
	int error = -1;
	socklen_t n = sizeof error;

	REQUIRE(fcntl(l, F_SETFL, O_NONBLOCK) == 0);
	REQUIRE(fcntl(c, F_SETFL, O_NONBLOCK) == 0);
	REQUIRE_ERRNO(accept(l, NULL, NULL), EAGAIN);
	REQUIRE(connect(c, (void *)&a, sizeof a) == 0 || errno == EINPROGRESS);
	REQUIRE(poll(&p, 1, -1) == 1 && p.revents == POLLOUT);
	REQUIRE(getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &n) == 0);
	REQUIRE(error == 0);
	p = (struct pollfd){l, POLLIN, 0};
	REQUIRE(poll(&p, 1, -1) == 1 && accept(l, NULL, NULL) >= 0);
}

static void
tcp_options_read_back(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1, value = 0;
	struct timeval tv = {0, 20000};
	socklen_t n = sizeof value;
	struct sockaddr_in a;
	char byte;
	int c = socket(AF_INET, SOCK_STREAM, 0);

	REQUIRE(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
	REQUIRE(getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, &n) == 0);
	REQUIRE(value == 1 && n == sizeof value);
	REQUIRE(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &n) == 0);
	REQUIRE(value == SOCK_STREAM);
	REQUIRE(getsockopt(s, SOL_SOCKET, SO_DOMAIN, &value, &n) == 0);
	REQUIRE(value == AF_INET);
	REQUIRE_ERRNO(setsockopt(s, SOL_SOCKET, 9999, &on, sizeof on),
	    ENOPROTOOPT);
	(void)listener(&a);
	REQUIRE(connect(c, (void *)&a, sizeof a) == 0);
	REQUIRE(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
	REQUIRE_ERRNO(read(c, &byte, 1), EAGAIN);
}

static void
tcp6_takes_both(void)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6}, his;
	struct sockaddr_in four = {.sin_family = AF_INET,
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int l = socket(AF_INET6, SOCK_STREAM, 0), c;
	socklen_t n = sizeof a;

	loopback_up();
	REQUIRE(bind(l, (void *)&a, sizeof a) == 0 && listen(l, 8) == 0);
	REQUIRE(getsockname(l, (void *)&a, &n) == 0);
	four.sin_port = a.sin6_port;
	c = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(connect(c, (void *)&four, sizeof four) == 0);
	n = sizeof his;
	REQUIRE(accept(l, (void *)&his, &n) >= 0 && n == sizeof his);
	REQUIRE(IN6_IS_ADDR_V4MAPPED(&his.sin6_addr));
	a.sin6_addr = in6addr_loopback;
	c = socket(AF_INET6, SOCK_STREAM, 0);
	REQUIRE(connect(c, (void *)&a, sizeof a) == 0);
	REQUIRE(accept(l, (void *)&his, &n) >= 0);
	REQUIRE(IN6_IS_ADDR_LOOPBACK(&his.sin6_addr));
}

static void
udp_goes_round(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_addr = {htonl(INADDR_LOOPBACK)}}, from;
	int r = socket(AF_INET, SOCK_DGRAM, 0);
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t n = sizeof a;
	char buf[8];

	loopback_up();
	REQUIRE(bind(r, (void *)&a, sizeof a) == 0);
	REQUIRE(getsockname(r, (void *)&a, &n) == 0);
	REQUIRE_ERRNO(send(s, "x", 1, 0), EDESTADDRREQ);
	REQUIRE(connect(s, (void *)&a, sizeof a) == 0);
	REQUIRE(send(s, "hello", 5, 0) == 5);
	REQUIRE(recvfrom(r, buf, 8, 0, (void *)&from, &n) == 5);
	REQUIRE(sendto(r, "ho", 2, 0, (void *)&from, n) == 2);
	REQUIRE(recv(s, buf, 8, 0) == 2 && !memcmp(buf, "ho", 2));
}

static void
socket_families_refused(void)
{
	char byte;

	REQUIRE_ERRNO(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	REQUIRE_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP),
	    EPROTONOSUPPORT);
	REQUIRE_ERRNO(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	REQUIRE_ERRNO(recv(0, &byte, 1, MSG_DONTWAIT), ENOTSOCK);
	REQUIRE_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}),
	    EOPNOTSUPP);
}

const struct suite_case cases_socket[] = {
	CASE(socket_pair_passes_bytes),
	CASE(socket_write_without_reader_is_sigpipe),
	CASE(socket_sigpipe_kills),
	CASE(socket_unread_bytes_reset),
	CASE(socket_shutdown_is_an_end),
	CASE(socket_packets_keep_their_bounds),
	CASE(socket_full_queue_says_so),
	CASE(socket_pair_carries_a_million),
	CASE(socket_path_connects),
	CASE(socket_abstract_names),
	CASE(socket_datagrams_tell_their_sender),
	CASE(socket_passes_descriptors),
	CASE(socket_drops_descriptors_unread),
	CASE(socket_tells_credentials),
	CASE(tcp_connects_and_names),
	CASE(tcp_waits_for_descriptor),
	CASE(tcp_refuses),
	CASE(tcp_nonblocking_accept),
	CASE(tcp_options_read_back),
	CASE(tcp6_takes_both),
	CASE(udp_goes_round),
	CASE(socket_families_refused),
	{ NULL, NULL },
};
