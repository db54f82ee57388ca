/*
 * calls.c - the system calls on sockets.
 */
#include <net/net.h>
#include <syscall.h>

#define IOV_MAX 1024u
#define MMSG_MAX 1024u

/* A descriptor that must be a socket; ends with socket_return. */
static struct socket *
borrow(uint64_t fd, struct fd *f, int64_t *err)
{
	struct socket *s;

	*f = fd_borrow((int)fd);
	if (f->file == NULL) {
		*err = -EBADF;
		return NULL;
	}
	s = socket_of(f->file);
	*err = s == NULL ? -ENOTSOCK : 0;
	if (s == NULL)
		fd_return(*f);
	return s;
}

static bool
may_wait(const struct fd *f, unsigned flags)
{
	return !(f->file->flags & O_NONBLOCK) && !(flags & MSG_DONTWAIT);
}

/* ---- addresses ---- */

static int
address_in(uint64_t user, uint64_t len, struct address *a)
{
	memset(a, 0, sizeof *a);
	if ((int)len < 0 || (uint32_t)len > sizeof a->bytes)
		return -EINVAL;
	a->len = (uint32_t)len;
	return copy_in(a->bytes, user, a->len);
}

static int
address_out(const struct address *a, uint64_t user, uint64_t user_len)
{
	uint32_t n;
	int32_t room;
	int err;

	if (user == 0 || user_len == 0)
		return 0;
	err = copy_in(&room, user_len, sizeof room);
	if (err != 0)
		return err;
	if (room < 0)
		return -EINVAL;
	n = (uint32_t)room < a->len ? (uint32_t)room : a->len;
	err = copy_out(user, a->bytes, n);
	return err != 0 ? err : copy_out(user_len, &a->len, sizeof a->len);
}

/* ---- new sockets ---- */

static int
family_for(int domain, int type, int protocol, const struct family **out)
{
	if (domain == AF_UNIX) {
		*out = &family_unix;
		if (type != SOCK_STREAM && type != SOCK_DGRAM &&
		    type != SOCK_SEQPACKET)
			return -ESOCKTNOSUPPORT;
		return protocol == 0 || protocol == AF_UNIX ? 0 :
		    -EPROTONOSUPPORT;
	}
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	*out = domain == AF_INET ? &family_inet : &family_inet6;
	if (type == SOCK_STREAM)
		return protocol == 0 || protocol == 6 ? 0 : -EPROTONOSUPPORT;
	if (type == SOCK_DGRAM)
		return protocol == 0 || protocol == 17 ? 0 : -EPROTONOSUPPORT;
	return -ESOCKTNOSUPPORT;
}

static int
new_socket(const uint64_t *a, struct socket **out)
{
	int type = (int)a[1] & SOCK_TYPE_MASK, protocol = (int)a[2], err;
	const struct family *family;

	if ((unsigned)a[1] & ~(unsigned)(SOCK_TYPE_MASK | O_NONBLOCK |
	    O_CLOEXEC))
		return -EINVAL;
	err = family_for((int)a[0], type, protocol, &family);
	if (err != 0)
		return err;
	if (protocol == 0 && family->domain != AF_UNIX)
		protocol = type == SOCK_STREAM ? 6 : 17;
	*out = socket_new(family, type,
	    family->domain == AF_UNIX ? 0 : protocol);
	return *out == NULL ? -ENOMEM : 0;
}

static int
install(struct socket *s, unsigned flags)
{
	struct file *f = socket_file(s, flags);
	int fd;

	if (f == NULL) {
		socket_end(s);
		return -ENOMEM;
	}
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_unref(f);
	return fd;
}

/* Where it cannot have a descriptor it waits on in the listener's backlog. */
static int
install_accepted(struct socket *s, unsigned flags, struct socket *listener)
{
	struct file *f = socket_file(s, flags);
	int fd = f == NULL ? -ENOMEM : fd_install(f, 0, flags & O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (f != NULL)
		f->data = NULL;
	file_unref(f);
	socket_put_back(listener, s);
	return fd;
}

SYSCALL(socket)
{
	struct socket *s;
	int err = new_socket(a, &s);

	return err != 0 ? err : install(s, (unsigned)a[1]);
}

SYSCALL(socketpair)
{
	struct socket *s[2];
	int fd[2], err = (int)a[0] == AF_UNIX ? 0 : -EOPNOTSUPP;

	if (err == 0)
		err = new_socket(a, &s[0]);
	if (err != 0)
		return err;
	err = new_socket(a, &s[1]);
	if (err != 0) {
		socket_end(s[0]);
		return err;
	}
	mutex_lock(&net_lock);
	socket_join(s[0], s[1]);
	mutex_unlock(&net_lock);
	fd[0] = install(s[0], (unsigned)a[1]);
	fd[1] = fd[0] < 0 ? fd[0] : install(s[1], (unsigned)a[1]);
	if (fd[0] < 0)
		socket_end(s[1]);
	err = fd[1] < 0 ? fd[1] : copy_out(a[3], fd, sizeof fd);
	if (err != 0 && fd[0] >= 0)
		(void)fd_close(fd[0]);
	if (err != 0 && fd[1] >= 0)
		(void)fd_close(fd[1]);
	return err;
}

SYSCALL(bind)
{
	struct address addr;
	struct fd f;
	int64_t err;
	struct socket *s = borrow(a[0], &f, &err);

	if (s == NULL)
		return err;
	err = address_in(a[1], a[2], &addr);
	if (err == 0)
		err = s->family->bind(s, &addr);
	fd_return(f);
	return err;
}

SYSCALL(listen)
{
	struct fd f;
	int64_t err;
	struct socket *s = borrow(a[0], &f, &err);

	if (s == NULL)
		return err;
	err = socket_listen(s, (int)a[1]);
	fd_return(f);
	return err;
}

SYSCALL(connect)
{
	struct address addr;
	struct fd f;
	int64_t err;
	struct socket *s = borrow(a[0], &f, &err);

	if (s == NULL)
		return err;
	err = address_in(a[1], a[2], &addr);
	if (err == 0)
		err = socket_connect(s, &addr, may_wait(&f, 0));
	fd_return(f);
	return err;
}

static void
shown(const struct socket *s, struct address *a, bool remote)
{
	mutex_lock(&net_lock);
	*a = remote ? s->remote : s->local;
	mutex_unlock(&net_lock);
	s->family->show(s, a);
}

static int64_t
accept_call(const uint64_t *a, unsigned flags)
{
	struct address addr;
	struct socket *other;
	struct fd f;
	int64_t result;
	struct socket *s = borrow(a[0], &f, &result);

	if (s == NULL)
		return result;
	if (flags & ~(unsigned)(O_NONBLOCK | O_CLOEXEC))
		result = -EINVAL;
	else
		result = socket_accept(s, may_wait(&f, 0), &other);
	if (result == 0) {
		shown(other, &addr, true);
		result = install_accepted(other, flags, s);
	}
	fd_return(f);
	if (result >= 0 && address_out(&addr, a[1], a[2]) != 0) {
		(void)fd_close((int)result);
		result = -EFAULT;
	}
	return result;
}

SYSCALL(accept)
{
	return accept_call(a, 0);
}

SYSCALL(accept4)
{
	return accept_call(a, (unsigned)a[3]);
}

static int64_t
name_call(const uint64_t *a, bool remote)
{
	struct address addr;
	struct fd f;
	int64_t err;
	struct socket *s = borrow(a[0], &f, &err);

	if (s == NULL)
		return err;
	shown(s, &addr, remote);
	err = remote && !s->was_connected ? -ENOTCONN :
	    address_out(&addr, a[1], a[2]);
	fd_return(f);
	return err;
}

SYSCALL(getsockname)
{
	return name_call(a, false);
}

SYSCALL(getpeername)
{
	return name_call(a, true);
}

SYSCALL(shutdown)
{
	struct fd f;
	int64_t err;
	struct socket *s = borrow(a[0], &f, &err);

	if (s == NULL)
		return err;
	err = socket_shutdown(s, (int)a[1]);
	fd_return(f);
	return err;
}

SYSCALL(setsockopt)
{
	struct fd f;
	int64_t err;
	struct socket *s = borrow(a[0], &f, &err);

	if (s == NULL)
		return err;
	err = option_set(s, (int)a[1], (int)a[2], a[3], (uint32_t)a[4]);
	fd_return(f);
	return err;
}

SYSCALL(getsockopt)
{
	struct fd f;
	int64_t err;
	struct socket *s = borrow(a[0], &f, &err);

	if (s == NULL)
		return err;
	err = option_get(s, (int)a[1], (int)a[2], a[3], a[4]);
	fd_return(f);
	return err;
}

/* ---- one buffer ---- */

SYSCALL(sendto)
{
	const struct iovec piece = {a[1], a[2]};
	struct vector v = {.map = current_map(), .v = &piece, .n = 1};
	struct envelope e = {.flags = (unsigned)a[3],
		.cred = socket_own_cred()};
	struct fd f;
	int64_t result;
	struct socket *s = borrow(a[0], &f, &result);

	if (s == NULL)
		return result;
	if (a[4] != 0)
		result = address_in(a[4], a[5], &e.address);
	if (result == 0)
		result = message_send(s, &v, a[2], &e,
		    may_wait(&f, e.flags));
	fd_return(f);
	return result;
}

/* Who sent it: only datagrams tell. */
static void
sender_of(const struct socket *s, struct envelope *e)
{
	if (is_stream(s) || e->address.len == 0)
		e->address.len = 0;
	else
		s->family->show(s, &e->address);
	if (s->domain == AF_UNIX && e->address.len <= sizeof(uint16_t))
		e->address.len = 0;
}

SYSCALL(recvfrom)
{
	const struct iovec piece = {a[1], a[2]};
	struct vector v = {.map = current_map(), .v = &piece, .n = 1};
	struct envelope e = {.flags = (unsigned)a[3]};
	struct fd f;
	int64_t result;
	struct socket *s = borrow(a[0], &f, &result);

	if (s == NULL)
		return result;
	result = message_receive(s, &v, a[2], &e, may_wait(&f, e.flags));
	files_put(e.file, e.nfiles);
	if (result >= 0) {
		sender_of(s, &e);
		if (address_out(&e.address, a[4], a[5]) != 0)
			result = -EFAULT;
	}
	fd_return(f);
	return result;
}

/* ---- many buffers, an address, control data ---- */

struct msghdr {
	abi_ulong name;
	uint32_t name_len;
	abi_ulong iov, iov_len, control, control_len;
	uint32_t flags;
};

static int
pieces_in(const struct msghdr *h, struct iovec **out, size_t *total)
{
	size_t bytes = h->iov_len * sizeof **out;
	int err;

	*out = NULL;
	*total = 0;
	if (h->iov_len > IOV_MAX)
		return -EMSGSIZE;
	if (h->iov_len == 0)
		return 0;
	*out = tome_kmalloc(the_vm, bytes);
	if (*out == NULL)
		return -ENOMEM;
	err = copy_in(*out, h->iov, bytes);
	for (uint64_t i = 0; err == 0 && i < h->iov_len; i++) {
		*total += (*out)[i].len;
		if ((abi_long)(*out)[i].len < 0 || (abi_long)*total < 0)
			err = -EINVAL;
	}
	if (err != 0)
		tome_kfree(the_vm, *out);
	return err;
}

static int64_t
send_message(struct socket *s, uint64_t user, unsigned flags, bool wait)
{
	struct envelope e = {.flags = flags, .cred = socket_own_cred()};
	struct iovec *piece;
	struct msghdr h;
	struct vector v;
	size_t total;
	int64_t result = copy_in(&h, user, sizeof h);

	if (result == 0)
		result = pieces_in(&h, &piece, &total);
	if (result != 0)
		return result;
	v = (struct vector){.map = current_map(), .v = piece,
		.n = h.iov_len};
	if (h.name != 0 && h.name_len != 0)
		result = address_in(h.name, h.name_len, &e.address);
	if (result == 0)
		result = control_in(h.control, h.control_len, &e);
	if (result == 0 && e.nfiles > 0 && s->domain != AF_UNIX)
		result = -EINVAL;
	if (result == 0)
		result = message_send(s, &v, total, &e, wait);
	else
		files_put(e.file, e.nfiles);
	tome_kfree(the_vm, piece);
	return result;
}

/* Fill in what came beside the bytes. */
static int
header_out(struct socket *s, uint64_t user, struct msghdr *h,
    struct envelope *e, unsigned asked)
{
	int64_t used;

	e->flags |= asked & MSG_CMSG_CLOEXEC;
	sender_of(s, e);
	if (h->name != 0) {
		uint32_t n = h->name_len < e->address.len ? h->name_len :
		    e->address.len;

		if (copy_out(h->name, e->address.bytes, n) != 0)
			return -EFAULT;
		h->name_len = e->address.len;
	}
	used = control_out(h->control, h->control != 0 ? h->control_len : 0,
	    e, s->domain == AF_UNIX && s->option[OPTION_PASSCRED]);
	if (used < 0)
		return (int)used;
	h->control_len = (uint64_t)used;
	h->flags = e->flags & (MSG_TRUNC | MSG_CTRUNC | MSG_EOR);
	return copy_out(user, h, sizeof *h);
}

static int64_t
receive_message(struct socket *s, uint64_t user, unsigned flags, bool wait)
{
	struct envelope e = {.flags = flags};
	struct iovec *piece;
	struct msghdr h;
	struct vector v;
	size_t total;
	int64_t result = copy_in(&h, user, sizeof h);
	int err;

	if (result == 0)
		result = pieces_in(&h, &piece, &total);
	if (result != 0)
		return result;
	v = (struct vector){.map = current_map(), .v = piece,
		.n = h.iov_len};
	result = message_receive(s, &v, total, &e, wait);
	if (result >= 0) {
		if (is_stream(s))
			e.flags = 0;
		err = header_out(s, user, &h, &e, flags);
		if (err != 0)
			result = err;
	}
	files_put(e.file, e.nfiles);
	tome_kfree(the_vm, piece);
	return result;
}

typedef int64_t message_fn(struct socket *, uint64_t, unsigned, bool);

static int64_t
message_call(const uint64_t *a, message_fn *fn)
{
	struct fd f;
	int64_t result;
	struct socket *s = borrow(a[0], &f, &result);

	if (s == NULL)
		return result;
	result = fn(s, a[1], (unsigned)a[2], may_wait(&f, (unsigned)a[2]));
	fd_return(f);
	return result;
}

SYSCALL(sendmsg)
{
	return message_call(a, send_message);
}

SYSCALL(recvmsg)
{
	return message_call(a, receive_message);
}

/* Until one fails; after the first, receiving does not wait. */
#define MSG_WAITFORONE 0x10000u

static int64_t
many_call(const uint64_t *a, message_fn *fn)
{
	const uint64_t size = sizeof(struct msghdr) + sizeof(abi_long);
	unsigned n = (unsigned)a[2] < MMSG_MAX ? (unsigned)a[2] : MMSG_MAX;
	uint64_t one[3] = {a[0], a[1], a[3] & ~(uint64_t)MSG_WAITFORONE};
	int64_t result = 0;
	unsigned done;
	uint32_t got;

	for (done = 0; done < n; done++, one[1] += size) {
		result = message_call(one, fn);
		got = (uint32_t)result;
		if (result >= 0 && copy_out(one[1] + sizeof(struct msghdr),
		    &got, sizeof got) != 0)
			result = -EFAULT;
		if (result < 0)
			break;
		if (a[3] & MSG_WAITFORONE)
			one[2] |= MSG_DONTWAIT;
	}
	return done > 0 ? (int64_t)done : result;
}

SYSCALL(sendmmsg)
{
	return many_call(a, send_message);
}

SYSCALL(recvmmsg)
{
	return many_call(a, receive_message);
}
