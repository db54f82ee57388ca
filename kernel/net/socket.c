/*
 * socket.c - sockets: their life, and how two of them come together.
 *
 * States: idle -> listens (listen), idle -> connected (connect, accept,
 * socketpair). A stream whose peer is gone stays connected, with no peer.
 * Invariant: a socket without a file is in a listener's backlog.
 */
#include <net/net.h>

struct mutex net_lock;
_Atomic uint32_t net_room;

static int64_t socket_read(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t socket_write(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t socket_ioctl(struct file *, unsigned, uint64_t);
static unsigned socket_poll(struct file *);
static uint32_t socket_event(struct file *);
static void socket_release(struct file *);
static int socket_open(struct inode *, struct file *);

static const struct file_ops socket_ops = {
	.name = "socket", .read = socket_read, .write = socket_write,
	.ioctl = socket_ioctl, .poll = socket_poll, .event = socket_event,
	.release = socket_release,
};
static const struct inode_ops socket_inode_ops = {
	.file = &socket_ops, .open = socket_open,
};
static const struct filesystem sockfs = {
	.name = "sockfs", .magic = 0x534f434b, .dev = 6,
};

struct peer_cred
socket_own_cred(void)
{
	const struct process *p = current_process();

	return (struct peer_cred){p->pid, p->cred.euid, p->cred.egid};
}

struct socket *
socket_new(const struct family *family, int type, int protocol)
{
	struct socket *s = tome_kzalloc(the_vm, sizeof *s);

	if (s == NULL)
		return NULL;
	s->family = family;
	s->domain = family->domain;
	s->type = type;
	s->protocol = protocol;
	list_init(&s->senders);
	list_init(&s->to_peer);
	list_init(&s->queue);
	list_init(&s->backlog);
	list_init(&s->waiting);
	list_init(&s->named);
	s->owner = socket_own_cred();
	family->unnamed(s, &s->local);
	option_defaults(s);
	return s;
}

struct file *
socket_file(struct socket *s, uint32_t flags)
{
	struct inode *i = inode_new(&sockfs, &socket_inode_ops,
	    S_IFSOCK | 0777);
	struct file *f = i == NULL ? NULL :
	    file_new(&socket_ops, i, NULL, O_RDWR | (flags & O_NONBLOCK));

	inode_unref(i);
	if (f != NULL)
		f->data = s;
	return f;
}

struct socket *
socket_of(struct file *f)
{
	return f->ops == &socket_ops ? f->data : NULL;
}

void
socket_raise(struct socket *s)
{
	atomic_fetch_add(&s->event, 1);
	word_wake(&s->event, UINT32_MAX);
	poll_notify();
}

/* Room somewhere: in a queue of datagrams, or in a backlog. */
static void
raise_room(void)
{
	atomic_fetch_add(&net_room, 1);
	word_wake(&net_room, UINT32_MAX);
}

int
socket_take_error(struct socket *s)
{
	int error = s->error;

	s->error = 0;
	return error;
}

/* ---- together and apart ---- */

void
socket_aim(struct socket *s, struct socket *to)
{
	list_remove(&s->to_peer);
	s->peer = to;
	if (to != NULL)
		list_add_tail(&to->senders, &s->to_peer);
}

void
socket_join(struct socket *a, struct socket *b)
{
	a->state = b->state = SOCKET_CONNECTED;
	if (a->type == SOCK_DGRAM) {
		socket_aim(a, b);
		socket_aim(b, a);
	} else {
		a->peer = b;
		b->peer = a;
	}
	a->was_connected = b->was_connected = true;
	a->remote = b->local;
	b->remote = a->local;
	a->peer_cred = b->owner;
	b->peer_cred = a->owner;
}

/* The other side of a stream learns that this one is gone. */
static void
sever(struct socket *s, bool reset)
{
	struct socket *peer = s->peer;

	s->peer = NULL;
	if (peer == NULL)
		return;
	peer->peer = NULL;
	peer->got_end = true;
	if (reset)
		peer->error = ECONNRESET;
	socket_raise(peer);
}

static void
sever_senders(struct socket *s)
{
	struct socket *from, *next;

	list_each_safe(from, next, &s->senders, to_peer) {
		socket_aim(from, NULL);
		from->error = s->domain == AF_UNIX ? 0 : ECONNREFUSED;
		socket_raise(from);
	}
}

static void
leave(struct socket *s)
{
	list_remove(&s->named);
	if (s->type == SOCK_DGRAM) {
		sever_senders(s);
		socket_aim(s, NULL);
	} else {
		sever(s, !list_empty(&s->queue));
	}
}

static void
free_socket(struct socket *s)
{
	struct message *m, *next;

	list_each_safe(m, next, &s->queue, link)
		message_free(m);
	inode_unref(s->inode);
	tome_kfree(the_vm, s);
}

/* A listener's backlog was never accepted: it goes first. */
void
socket_end(struct socket *s)
{
	struct list orphans;
	struct socket *o, *next;

	list_init(&orphans);
	mutex_lock(&net_lock);
	leave(s);
	list_each_safe(o, next, &s->backlog, waiting) {
		sever(o, true);
		list_remove(&o->waiting);
		list_add_tail(&orphans, &o->waiting);
	}
	mutex_unlock(&net_lock);
	raise_room();
	list_each_safe(o, next, &orphans, waiting)
		free_socket(o);
	free_socket(s);
}

static void
socket_release(struct file *f)
{
	if (f->data != NULL)
		socket_end(f->data);
}

/* /proc/self/fd does not lead to another of it. */
static int
socket_open(struct inode *i, struct file *f)
{
	(void)i, (void)f;
	return -ENXIO;
}

/* ---- connecting ---- */

int64_t
socket_listen(struct socket *s, int backlog)
{
	int err = 0;

	mutex_lock(&net_lock);
	if (s->type == SOCK_DGRAM)
		err = -EOPNOTSUPP;
	else if (s->state == SOCKET_CONNECTED)
		err = -EINVAL;
	else if (!s->has_name)
		err = s->domain == AF_UNIX ? -EINVAL : s->family->autobind(s);
	if (err == 0) {
		s->state = SOCKET_LISTENS;
		s->backlog_max = backlog < 0 || backlog > 4096 ? 4096 :
		    (unsigned)backlog;
		s->owner = socket_own_cred();
	}
	mutex_unlock(&net_lock);
	return err;
}

int64_t
net_await(_Atomic uint32_t *word, uint32_t seen, uint64_t deadline)
{
	switch (word_wait(word, seen, deadline, true)) {
	case WAKE_INTERRUPTED:
		return deadline == TOME_FOREVER ? -ERESTART : -EINTR;
	case WAKE_TIMEOUT:
		return -EAGAIN;
	default:
		return 0;
	}
}

/* One that waits, or why there is none: -EAGAIN. net_lock held. */
static int64_t
take_waiting(struct socket *s, struct socket **out)
{
	struct socket *o;

	if (s->state != SOCKET_LISTENS)
		return s->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
	if (list_empty(&s->backlog))
		return -EAGAIN;
	o = container_of(s->backlog.next, struct socket, waiting);
	list_remove(&o->waiting);
	s->nwaiting--;
	*out = o;
	return 0;
}

int64_t
socket_accept(struct socket *s, bool wait, struct socket **out)
{
	uint64_t deadline = deadline_after(s->receive_ns);
	int64_t err, slept = 0;
	uint32_t seen;

	for (;;) {
		mutex_lock(&net_lock);
		seen = s->event;
		err = take_waiting(s, out);
		mutex_unlock(&net_lock);
		if (err != -EAGAIN || !wait || slept != 0)
			break;
		slept = net_await(&s->event, seen, deadline);
	}
	if (err == 0)
		raise_room();
	return err == -EAGAIN && slept != 0 ? slept : err;
}

void
socket_put_back(struct socket *l, struct socket *s)
{
	mutex_lock(&net_lock);
	list_add_head(&l->backlog, &s->waiting);
	l->nwaiting++;
	socket_raise(l);
	mutex_unlock(&net_lock);
}

static int
may_connect(const struct socket *s)
{
	if (s->state == SOCKET_CONNECTED)
		return -EISCONN;
	return s->state == SOCKET_LISTENS ? -EINVAL : 0;
}

/* Put `other`, a new socket, in the listener's backlog as s's peer. */
static int64_t
enter_backlog(struct socket *s, const struct address *to,
    struct inode *inode, struct socket *other)
{
	struct socket *l = s->family->find(s, to, inode);
	int err = may_connect(s);

	if (err != 0)
		return err;
	if (l != NULL && l->type != s->type)
		return -EPROTOTYPE;
	if (l == NULL || l->state != SOCKET_LISTENS)
		return -ECONNREFUSED;
	if (l->nwaiting > l->backlog_max)
		return -EAGAIN;
	if (!s->has_name && s->domain != AF_UNIX) {
		err = s->family->autobind(s);
		if (err != 0)
			return err;
	}
	other->family = l->family;
	other->domain = l->domain;
	other->owner = l->owner;
	other->local = s->domain == AF_UNIX ? l->local : *to;
	s->owner = socket_own_cred();
	memcpy(other->option, l->option, sizeof other->option);
	socket_join(s, other);
	list_add_tail(&l->backlog, &other->waiting);
	l->nwaiting++;
	socket_raise(l);
	return 0;
}

static int64_t
connect_stream(struct socket *s, const struct address *to,
    struct inode *inode, bool wait)
{
	struct socket *other = socket_new(s->family, s->type, s->protocol);
	uint64_t deadline = deadline_after(s->send_ns);
	int64_t err, slept = 0;
	uint32_t seen;

	if (other == NULL)
		return -ENOMEM;
	for (;;) {
		seen = net_room;
		mutex_lock(&net_lock);
		err = enter_backlog(s, to, inode, other);
		mutex_unlock(&net_lock);
		if (err != -EAGAIN || !wait || slept != 0)
			break;
		slept = net_await(&net_room, seen, deadline);
	}
	if (err != 0)
		socket_end(other);
	return err == -EAGAIN && slept != 0 ? slept : err;
}

static int64_t
connect_datagrams(struct socket *s, const struct address *to,
    struct inode *inode)
{
	struct socket *target;
	int err = 0;

	mutex_lock(&net_lock);
	target = s->family->find(s, to, inode);
	if (target != NULL && target->type != s->type)
		err = -EPROTOTYPE;
	else if (target == NULL && s->domain == AF_UNIX)
		err = -ECONNREFUSED;
	else if (!s->has_name && s->domain != AF_UNIX)
		err = s->family->autobind(s);
	if (err == 0) {
		socket_aim(s, target);
		s->state = SOCKET_CONNECTED;
		s->remote = *to;
		s->was_connected = true;
	}
	mutex_unlock(&net_lock);
	return err;
}

static int64_t
disconnect(struct socket *s)
{
	if (s->type != SOCK_DGRAM)
		return -EINVAL;
	mutex_lock(&net_lock);
	socket_aim(s, NULL);
	s->state = SOCKET_IDLE;
	s->was_connected = false;
	mutex_unlock(&net_lock);
	return 0;
}

int64_t
socket_connect(struct socket *s, struct address *to, bool wait)
{
	struct inode *inode = NULL;
	int64_t err;

	if (to->len < sizeof to->family)
		return -EINVAL;
	if (to->family == AF_UNSPEC)
		return disconnect(s);
	err = s->family->resolve(s, to, &inode);
	if (err == 0)
		err = s->type == SOCK_DGRAM ? connect_datagrams(s, to, inode) :
		    connect_stream(s, to, inode, wait);
	inode_unref(inode);
	return err;
}

int64_t
socket_shutdown(struct socket *s, int how)
{
	bool in = how != 1, out = how != 0;
	int err = 0;

	if (how < 0 || how > 2)
		return -EINVAL;
	mutex_lock(&net_lock);
	if (s->state == SOCKET_IDLE ||
	    (s->type == SOCK_DGRAM && s->peer == NULL))
		err = -ENOTCONN;
	if (err == 0 && s->state == SOCKET_CONNECTED) {
		s->got_end |= in;
		s->sent_end |= out;
		if (s->peer != NULL && s->type != SOCK_DGRAM) {
			s->peer->got_end |= out;
			s->peer->sent_end |= in && s->domain == AF_UNIX;
			socket_raise(s->peer);
		}
	}
	socket_raise(s);
	mutex_unlock(&net_lock);
	return err;
}

/* ---- as a file ---- */

static int64_t
socket_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	const struct iovec piece = {to.addr, n};
	struct vector v = {.map = to.map, .v = &piece, .n = 1};
	struct envelope e = {.nfiles = 0};
	int64_t done = message_receive(f->data, &v, n, &e,
	    !(f->flags & O_NONBLOCK));

	(void)pos;
	files_put(e.file, e.nfiles);
	return done;
}

static int64_t
socket_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	const struct iovec piece = {from.addr, n};
	struct vector v = {.map = from.map, .v = &piece, .n = 1};
	struct envelope e = {.cred = socket_own_cred()};

	(void)pos;
	return message_send(f->data, &v, n, &e, !(f->flags & O_NONBLOCK));
}

static size_t
unread(const struct socket *s)
{
	const struct message *m;
	size_t n = 0;

	list_each(m, &s->queue, link) {
		n += m->len - m->off;
		if (!is_stream(s))
			break;
	}
	return n;
}

static int64_t
socket_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct socket *s = f->data;
	int32_t n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&net_lock);
	n = (int32_t)unread(s);
	mutex_unlock(&net_lock);
	return copy_out(arg, &n, sizeof n);
}

static unsigned
stream_ready(const struct socket *s)
{
	bool gone = s->was_connected && s->peer == NULL;
	unsigned ready = 0;

	if (s->state == SOCKET_LISTENS)
		return list_empty(&s->backlog) ? 0 : POLLIN | POLLRDNORM;
	if (s->state == SOCKET_IDLE)
		return POLLOUT | POLLWRNORM | POLLHUP;
	if (s->got_end)
		ready |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (gone || (s->got_end && s->sent_end))
		ready |= POLLHUP;
	if (gone || s->sent_end || message_has_room(s->peer))
		ready |= POLLOUT | POLLWRNORM;
	return ready;
}

static unsigned
socket_poll(struct file *f)
{
	struct socket *s = f->data;
	unsigned ready;

	mutex_lock(&net_lock);
	if (s->type != SOCK_DGRAM)
		ready = stream_ready(s);
	else
		ready = s->peer == NULL || message_has_room(s->peer) ?
		    POLLOUT | POLLWRNORM : 0;
	if (!list_empty(&s->queue))
		ready |= POLLIN | POLLRDNORM;
	if (s->error != 0)
		ready |= POLLERR;
	mutex_unlock(&net_lock);
	return ready;
}

static uint32_t
socket_event(struct file *f)
{
	const struct socket *s = f->data;

	return s->event;
}
