/*
 * message.c - sending and receiving: what is in the queues.
 *
 * Bytes go into a message of the kernel's before the sockets are locked, and
 * out of it with only socket->reading held: so a page-in on either side holds up
 * nobody else. A message is read by who holds `reading`, and leaves the queue
 * under net_lock.
 */
#include <net/net.h>
#include <oom.h>

#define QUEUE_MAX 212992u		/* Linux's default, in its own charge */
#define STREAM_CHUNK (16384u - sizeof(struct message))
#define PAGE_CHUNK (TOME_PAGE_SIZE - sizeof(struct message))

uint64_t
deadline_after(uint64_t ns)
{
	return ns == 0 ? TOME_FOREVER : clock_ns() + ns;
}

void
files_put(struct file **file, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		file_unref(file[i]);
	tome_kfree(the_vm, file);
}

void
message_free(struct message *m)
{
	files_put(m->file, m->nfiles);
	tome_kfree(the_vm, m);
}

static size_t
charge(const struct message *m)
{
	return sizeof *m + m->len;
}

bool
message_has_room(const struct socket *s)
{
	return s->queued < QUEUE_MAX;
}

/* ---- pieces of memory ---- */

/* Move n bytes between the next pieces and the kernel's `buf`. */
static int
vector_move(struct vector *v, void *buf, size_t n, bool out)
{
	char *p = buf;
	int err = 0;

	while (n > 0 && v->n > 0) {
		const struct ubuf at = {v->map, v->v->base};
		uint64_t left = v->v->len - v->off;
		size_t part = left < n ? left : n;

		if (part > 0)
			err = out ? ubuf_put(at, v->off, p, part) :
			    ubuf_get(at, v->off, p, part);
		if (err != 0)
			break;
		p += part;
		n -= part;
		v->off += part;
		if (v->off == v->v->len) {
			v->v++;
			v->n--;
			v->off = 0;
		}
	}
	return err;
}

/* ---- sending ---- */

/* Room for n bytes; for fewer if it is a stream's and memory is in pieces: as many as
 * a page holds. */
static struct message *
message_alloc(const struct socket *s, size_t *n)
{
	struct message *m = tome_kmalloc(the_vm, sizeof *m + *n);

	if (m != NULL || !is_stream(s) || *n <= PAGE_CHUNK)
		return m;
	*n = PAGE_CHUNK;
	return tome_kmalloc(the_vm, sizeof *m + *n);
}

/* The next *n bytes. */
static int
message_new(const struct socket *s, struct vector *v, size_t *length,
    struct message **out)
{
	struct message *m;
	size_t n;
	int err;

	do {
		n = *length;
		m = message_alloc(s, &n);
	} while (m == NULL && oom_make_room());
	if (m == NULL)
		return -ENOMEM;
	*length = n;
	*m = (struct message){.len = n};
	list_init(&m->link);
	err = vector_move(v, m->data, n, false);
	if (err != 0) {
		tome_kfree(the_vm, m);
		return err;
	}
	*out = m;
	return 0;
}

/* Where it goes: the peer, or who has the name. net_lock held. */
static int
target_of(struct socket *s, const struct address *to, struct inode *inode,
    struct socket **out)
{
	if (s->error != 0)
		return -socket_take_error(s);
	if (s->sent_end || (s->was_connected && s->type != SOCK_DGRAM &&
	    s->peer == NULL))
		return -EPIPE;
	*out = to->len > 0 ? s->family->find(s, to, inode) : s->peer;
	if (*out == NULL) {
		if (s->type != SOCK_DGRAM)
			return -ENOTCONN;
		return to->len > 0 || s->was_connected ? -ECONNREFUSED :
		    s->domain == AF_UNIX ? -ENOTCONN : -EDESTADDRREQ;
	}
	if ((*out)->type != s->type)
		return -EPROTOTYPE;
	if ((*out)->got_end && s->type != SOCK_DGRAM)
		return -EPIPE;
	return message_has_room(*out) ? 0 : -EAGAIN;
}

/* Into the queue of whom it is for, which then owns it; or -EAGAIN. */
static int
deliver(struct socket *s, const struct address *to, struct inode *inode,
    struct message *m)
{
	struct socket *target = NULL;
	int err;

	mutex_lock(&net_lock);
	err = target_of(s, to, inode, &target);
	if (err == 0 && s->type == SOCK_DGRAM && !s->has_name &&
	    s->domain != AF_UNIX)
		err = s->family->autobind(s);
	if (err == 0) {
		m->from = s->local;
		list_add_tail(&target->queue, &m->link);
		target->queued += charge(m);
		socket_raise(target);
	}
	mutex_unlock(&net_lock);
	return err;
}

/* Who empties a stream's queue tells its peer; a datagram's, everybody. */
static _Atomic uint32_t *
room_word(struct socket *s)
{
	return s->type == SOCK_DGRAM ? &net_room : &s->event;
}

static int64_t
send_one(struct socket *s, struct message *m, const struct address *to,
    struct inode *inode, uint64_t deadline)
{
	_Atomic uint32_t *word = room_word(s);
	int64_t err, slept = 0;
	uint32_t seen;

	for (;;) {
		seen = *word;
		err = deliver(s, to, inode, m);
		if (err != -EAGAIN || deadline == 0 || slept != 0)
			break;
		slept = net_await(word, seen, deadline);
	}
	return err == -EAGAIN && slept != 0 ? slept : err;
}

static void
load(struct message *m, struct envelope *e)
{
	m->cred = e->cred;
	m->file = e->file;
	m->nfiles = e->nfiles;
	e->file = NULL;
	e->nfiles = 0;
}

/* What was not sent keeps its files in the envelope. */
static void
unload(struct message *m, struct envelope *e)
{
	e->file = m->file;
	e->nfiles = m->nfiles;
	tome_kfree(the_vm, m);
}

/* At least one message, empty if need be. */
static int64_t
send_parts(struct socket *s, struct vector *v, size_t n, struct envelope *e,
    struct inode *inode, uint64_t deadline)
{
	size_t done = 0, part;
	struct message *m;
	int64_t err;

	do {
		part = n - done;
		if (is_stream(s) && part > STREAM_CHUNK)
			part = STREAM_CHUNK;
		err = message_new(s, v, &part, &m);
		if (err != 0)
			break;
		load(m, e);
		err = send_one(s, m, &e->address, inode, deadline);
		if (err != 0) {
			unload(m, e);
			break;
		}
		done += part;
	} while (done < n);
	return done > 0 ? (int64_t)done : err;
}

static int64_t
broken_pipe(unsigned flags)
{
	uintptr_t irq;

	if (!(flags & MSG_NOSIGNAL)) {
		irq = spin_lock_irq(&proc_lock);
		(void)signal_post_task(current_task(), SIGPIPE, NULL);
		spin_unlock_irq(&proc_lock, irq);
	}
	return -EPIPE;
}

int64_t
message_send(struct socket *s, struct vector *v, size_t n,
    struct envelope *e, bool wait)
{
	struct inode *inode = NULL;
	int64_t done = 0;

	if (e->flags & MSG_OOB)
		done = -EOPNOTSUPP;
	else if (!is_stream(s) && n > QUEUE_MAX)
		done = -EMSGSIZE;
	else if (s->type != SOCK_DGRAM && e->address.len > 0) {
		if (s->domain == AF_UNIX)
			done = s->was_connected ? -EISCONN : -EOPNOTSUPP;
		e->address.len = 0;
	} else if (e->address.len > 0)
		done = s->family->resolve(s, &e->address, &inode);
	/* Nothing on a stream is nothing sent, but the errors are told. */
	if (done == 0 && n == 0 && is_stream(s) && e->nfiles == 0)
		done = s->was_connected ? 0 : -ENOTCONN;
	else if (done == 0)
		done = send_parts(s, v, n, e, inode, wait ?
		    deadline_after(s->send_ns) : 0);
	inode_unref(inode);
	files_put(e->file, e->nfiles);
	e->file = NULL;
	e->nfiles = 0;
	return done == -EPIPE && s->type != SOCK_DGRAM ?
	    broken_pipe(e->flags) : done;
}

/* ---- receiving ---- */

/* The n-th message from the front, or why there is none; 0: the end. */
static int64_t
look(struct socket *s, unsigned skip, struct message **out)
{
	struct message *m;
	int64_t err = -EAGAIN;

	*out = NULL;
	mutex_lock(&net_lock);
	list_each(m, &s->queue, link)
		if (skip-- == 0) {
			*out = m;
			break;
		}
	if (*out == NULL) {
		if (s->error != 0)
			err = -socket_take_error(s);
		else if (s->got_end)
			err = 0;
		else if (s->state != SOCKET_CONNECTED &&
		    s->type != SOCK_DGRAM)
			err = s->domain == AF_UNIX ? -EINVAL : -ENOTCONN;
	}
	mutex_unlock(&net_lock);
	return *out != NULL ? 1 : err;
}

/* It is read: out of the queue, and whoever waits for room hears of it. */
static void
retire(struct socket *s, struct message *m)
{
	mutex_lock(&net_lock);
	list_remove(&m->link);
	s->queued -= charge(m);
	if (s->type == SOCK_DGRAM) {
		atomic_fetch_add(&net_room, 1);
		word_wake(&net_room, UINT32_MAX);
		poll_notify();
	} else if (s->peer != NULL) {
		socket_raise(s->peer);
	}
	mutex_unlock(&net_lock);
	message_free(m);
}

static int
copy_files(const struct message *m, struct envelope *e)
{
	e->file = tome_kmalloc(the_vm, m->nfiles * sizeof *e->file);
	if (e->file == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < m->nfiles; i++) {
		e->file[i] = m->file[i];
		file_ref(e->file[i]);
	}
	e->nfiles = m->nfiles;
	return 0;
}

/* Sender and files go to the envelope: the files leave the message, or, for a
 * look ahead, are counted once more. */
static int
open_envelope(struct message *m, struct envelope *e)
{
	int err;

	e->cred = m->cred;
	e->address = m->from;
	if (m->nfiles == 0)
		return 0;
	if (e->flags & MSG_PEEK)
		return copy_files(m, e);
	err = fd_room(m->nfiles);	/* while they are still there */
	if (err != 0)
		return err;
	e->file = m->file;
	e->nfiles = m->nfiles;
	m->file = NULL;
	m->nfiles = 0;
	return 0;
}

/* A packet, whole or cut short. */
static int64_t
take_packet(struct socket *s, struct message *m, struct vector *v, size_t n,
    struct envelope *e)
{
	unsigned asked = e->flags;
	size_t part = m->len < n ? m->len : n, whole = m->len;
	int err = vector_move(v, m->data, part, true);

	if (err == 0)
		err = open_envelope(m, e);
	if (err != 0)
		return err;
	e->flags = part < whole ? MSG_TRUNC : 0;
	if (s->type == SOCK_SEQPACKET)
		e->flags |= MSG_EOR;
	if (!(asked & MSG_PEEK))
		retire(s, m);
	return (int64_t)((asked & MSG_TRUNC) ? whole : part);
}

/*
 * Bytes of one message of a stream. *ahead counts what a look ahead has passed;
 * 0 with *ahead unchanged: it may not be joined with what was taken before.
 */
static int64_t
take_bytes(struct socket *s, struct message *m, struct vector *v, size_t n,
    struct envelope *e, bool first, unsigned *ahead)
{
	size_t part = m->len - m->off;
	int err;

	if (!first && (m->nfiles > 0 || e->nfiles > 0))
		return 0;
	if (part > n)
		part = n;
	err = vector_move(v, m->data + m->off, part, true);
	if (err == 0 && first)
		err = open_envelope(m, e);
	if (err != 0)
		return err;
	if (e->flags & MSG_PEEK) {
		++*ahead;
		return (int64_t)part;
	}
	m->off += part;
	if (m->off == m->len)
		retire(s, m);
	return (int64_t)part;
}

/* All that is there, up to n; `reading` held. *more: n is not reached. */
static int64_t
receive_stream(struct socket *s, struct vector *v, size_t n,
    struct envelope *e, size_t before, bool *more)
{
	unsigned ahead = 0;
	struct message *m;
	size_t done = 0;
	int64_t got = 0;

	*more = false;
	while (done < n) {
		got = look(s, ahead, &m);
		*more = got == -EAGAIN;
		if (got <= 0)
			break;
		got = take_bytes(s, m, v, n - done, e,
		    before + done == 0, &ahead);
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done > 0 ? (int64_t)done : got;
}

static int64_t
receive_packet(struct socket *s, struct vector *v, size_t n,
    struct envelope *e)
{
	struct message *m;
	int64_t got = look(s, 0, &m);

	return got <= 0 ? got : take_packet(s, m, v, n, e);
}

int64_t
message_receive(struct socket *s, struct vector *v, size_t n,
    struct envelope *e, bool wait)
{
	uint64_t deadline = deadline_after(s->receive_ns);
	bool all = (e->flags & MSG_WAITALL) && !(e->flags & MSG_PEEK), more;
	int64_t got, slept = 0;
	size_t done = 0;
	uint32_t seen;

	if (e->flags & MSG_OOB)
		return s->domain == AF_UNIX ? -EOPNOTSUPP : -EINVAL;
	for (;;) {
		seen = s->event;
		mutex_lock(&s->reading);
		more = true;
		got = is_stream(s) ?
		    receive_stream(s, v, n - done, e, done, &more) :
		    receive_packet(s, v, n, e);
		mutex_unlock(&s->reading);
		if (got > 0)
			done += (size_t)got;
		if (got > 0 && !(all && is_stream(s) && more && done < n))
			break;
		if ((got <= 0 && got != -EAGAIN) || !wait || slept != 0)
			break;
		slept = net_await(&s->event, seen, deadline);
	}
	if (done > 0)
		return (int64_t)done;
	return got == -EAGAIN && slept != 0 ? slept : got;
}
