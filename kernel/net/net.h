/*
 * net.h - sockets of this machine: AF_UNIX, and AF_INET and AF_INET6 as far as
 * they lead back here (loopback streams and datagrams).
 *
 * All are one engine: a socket has a queue of messages that its peer, or whoever
 * knows its name, fills. A family is only names: how a socket gets one and how
 * one leads to a socket.
 *
 * Locks: net_lock, a sleeping lock, guards every socket's state, queue and name.
 *   Nothing is copied from or to a user under it. socket->reading, taken before
 *   it, makes one reader at a time the only one to take from the queue.
 * Invariants: a->peer == b of streams if and only if b->peer == a. `queued` is
 *   the charge of all messages in the queue.
 * Sleeping: everybody who waits for a socket sleeps on its `event`; datagram
 *   senders whose target is full sleep on net_room.
 *
 * Not here: the descriptors that travel in messages keep their files alive; a
 * ring of sockets that only travel in each other is never collected.
 */
#ifndef KERNEL_NET_H
#define KERNEL_NET_H

#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

enum { AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6 = 10 };
enum {
	SOCK_STREAM = 1, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET = 5,
	SOCK_TYPE_MASK = 15,
};
enum {
	MSG_OOB = 1, MSG_PEEK = 2, MSG_CTRUNC = 8, MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40, MSG_EOR = 0x80, MSG_WAITALL = 0x100,
	MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000,
};
#define ADDRESS_MAX 128u
#define SEND_FILES_MAX 253u

/* A struct sockaddr, as it comes and goes. */
struct address {
	uint32_t len;			/* 0: none */
	union {
		uint16_t family;
		uint8_t bytes[ADDRESS_MAX];
		struct {
			uint16_t family;
			char path[108];
		} un;
		struct {
			uint16_t family;
			uint8_t port[2], host[4], zero[8];
		} in;
		struct {
			uint16_t family;
			uint8_t port[2], flow[4], host[16], scope[4];
		} in6;
	};
};

struct peer_cred {
	int32_t pid;
	uint32_t uid, gid;
};

/* What memory a transfer moves, piece by piece. */
struct vector {
	struct tome_map *map;		/* NULL: the kernel's */
	const struct iovec *v;
	size_t n;			/* pieces left, of which the first... */
	uint64_t off;			/* ...is done up to here */
};

struct message {
	struct list link;
	size_t len, off;		/* of data; what is read already */
	struct address from;
	struct peer_cred cred;
	unsigned nfiles;
	struct file **file;		/* NULL: none */
	char data[];
};

enum socket_state { SOCKET_IDLE, SOCKET_LISTENS, SOCKET_CONNECTED };

#define SOCKET_OPTIONS 24u

struct socket {
	/* Constant. */
	const struct family *family;
	int domain, type, protocol;
	struct mutex reading;
	_Atomic uint32_t event;		/* raised at each change */

	/* Under net_lock. */
	enum socket_state state;
	struct socket *peer;
	struct list senders;		/* of a datagram socket: who has it as
					 * its peer */
	struct list to_peer;		/* in peer->senders */
	bool was_connected, sent_end, got_end;	/* streams: shut down */
	int error;			/* SO_ERROR */
	struct list queue;
	size_t queued;
	struct list backlog, waiting;	/* of a listener; in a listener's */
	unsigned nwaiting, backlog_max;
	struct list named;		/* in the family's list of names */
	bool has_name;
	struct address local, remote;
	struct inode *inode;		/* AF_UNIX, bound to a path: counted */
	struct peer_cred owner, peer_cred;
	int32_t option[SOCKET_OPTIONS];
	uint64_t receive_ns, send_ns;	/* timeouts; 0: none */
};

struct family {
	int domain;
	/* User's name for it. Not under net_lock. */
	int (*bind)(struct socket *, const struct address *);
	/* The socket that has this name, for one like s. net_lock held. The
	 * path of AF_UNIX was walked before, to *inode. */
	struct socket *(*find)(struct socket *s, const struct address *,
	    struct inode *inode);
	/* Whether it is a name of this family, and what it leads to in the
	 * tree of files (counted), if it does. Not under net_lock. */
	int (*resolve)(struct socket *s, struct address *,
	    struct inode **inode);
	/* A name of its own before it connects or sends; net_lock held. */
	int (*autobind)(struct socket *);
	/* The name that it is given when none was. */
	void (*unnamed)(struct socket *, struct address *);
	/* The other side's name as this socket shows it. */
	void (*show)(const struct socket *, struct address *);
};
extern const struct family family_unix, family_inet, family_inet6;

extern struct mutex net_lock;
extern _Atomic uint32_t net_room;

static inline bool
is_stream(const struct socket *s)
{
	return s->type == SOCK_STREAM;
}

/* ---- socket.c ---- */

struct socket *socket_new(const struct family *, int type, int protocol);
/* A file for it, which ends it; NULL: no memory. */
struct file *socket_file(struct socket *, uint32_t flags);
/* NULL: no socket. */
struct socket *socket_of(struct file *);
/* Sleep while the word is as seen; 0, or why the call is over. */
int64_t net_await(_Atomic uint32_t *word, uint32_t seen, uint64_t deadline);
/* Something about it changed. */
void socket_raise(struct socket *);
/* Make a pair of them. net_lock held. */
void socket_join(struct socket *, struct socket *);
/* Of a datagram socket: where it sends to; NULL: nowhere. net_lock held. */
void socket_aim(struct socket *, struct socket *to);
/* Ends what has no file. */
void socket_end(struct socket *);
struct peer_cred socket_own_cred(void);
int64_t socket_accept(struct socket *, bool wait, struct socket **);
/* What was accepted is the first to be so again. */
void socket_put_back(struct socket *listener, struct socket *);
int64_t socket_connect(struct socket *, struct address *, bool wait);
int64_t socket_listen(struct socket *, int backlog);
int64_t socket_shutdown(struct socket *, int how);
/* Its SO_ERROR, which is then over. net_lock held. */
int socket_take_error(struct socket *);

/* ---- message.c ---- */

/* What goes with the bytes. */
struct envelope {
	struct address address;		/* to, or from */
	struct peer_cred cred;
	struct file **file;		/* taken over when sent */
	unsigned nfiles;
	unsigned flags;			/* MSG_*; on return of receive too */
};
void message_free(struct message *);
bool message_has_room(const struct socket *);
int64_t message_send(struct socket *, struct vector *, size_t n,
    struct envelope *, bool wait);
int64_t message_receive(struct socket *, struct vector *, size_t n,
    struct envelope *, bool wait);
void files_put(struct file **, unsigned n);
uint64_t deadline_after(uint64_t ns);

/* ---- control.c ---- */

int control_in(uint64_t user, uint64_t n, struct envelope *);
/* Returns how many bytes of control were put; sets MSG_CTRUNC. */
int64_t control_out(uint64_t user, uint64_t n, struct envelope *,
    bool with_cred);

/* ---- options.c ---- */

enum { OPTION_REUSE, OPTION_PASSCRED, OPTION_V6ONLY };
void option_defaults(struct socket *);
int64_t option_set(struct socket *, int level, int name, uint64_t user,
    uint64_t n);
int64_t option_get(struct socket *, int level, int name, uint64_t user,
    uint64_t user_len);

#endif
