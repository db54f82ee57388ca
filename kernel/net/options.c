/*
 * options.c - socket options. Most are numbers that are remembered and read
 * back: there is no wire here that they could change.
 */
#include <net/net.h>

enum { SOL_SOCKET = 1, SOL_IP = 0, SOL_TCP = 6, SOL_IPV6 = 41 };
enum {
	SO_TYPE = 3, SO_ERROR = 4, SO_SNDBUF = 7, SO_RCVBUF = 8,
	SO_LINGER = 13, SO_PEERCRED = 17, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21,
	SO_ACCEPTCONN = 30, SO_PROTOCOL = 38, SO_DOMAIN = 39,
};
#define BUFFER_DEFAULT 212992

struct remembered {
	int level, name, initial;
	bool flag;			/* reads back as 0 or 1 */
};

/* The first are those of net.h's enumeration. */
static const struct remembered remembered[] = {
	{SOL_SOCKET, 2 /* REUSEADDR */, 0, true},
	{SOL_SOCKET, 16 /* PASSCRED */, 0, true},
	{SOL_IPV6, 26 /* V6ONLY */, 0, true},
	{SOL_SOCKET, 5 /* DONTROUTE */, 0, true},
	{SOL_SOCKET, 6 /* BROADCAST */, 0, true},
	{SOL_SOCKET, 9 /* KEEPALIVE */, 0, true},
	{SOL_SOCKET, 10 /* OOBINLINE */, 0, true},
	{SOL_SOCKET, 12 /* PRIORITY */, 0, false},
	{SOL_SOCKET, 15 /* REUSEPORT */, 0, true},
	{SOL_SOCKET, 18 /* RCVLOWAT */, 1, false},
	{SOL_SOCKET, 29 /* TIMESTAMP */, 0, true},
	{SOL_IP, 1 /* TOS */, 0, false},
	{SOL_IP, 2 /* TTL */, 64, false},
	{SOL_IP, 10 /* MTU_DISCOVER */, 1, false},
	{SOL_IP, 11 /* RECVERR */, 0, true},
	{SOL_TCP, 1 /* NODELAY */, 0, true},
	{SOL_TCP, 3 /* CORK */, 0, true},
	{SOL_TCP, 4 /* KEEPIDLE */, 7200, false},
	{SOL_TCP, 5 /* KEEPINTVL */, 75, false},
	{SOL_TCP, 6 /* KEEPCNT */, 9, false},
	{SOL_TCP, 9 /* DEFER_ACCEPT */, 0, false},
	{SOL_TCP, 12 /* QUICKACK */, 1, true},
	{SOL_TCP, 18 /* USER_TIMEOUT */, 0, false},
	{SOL_TCP, 23 /* FASTOPEN */, 0, false},
};
#define COUNT (sizeof remembered / sizeof remembered[0])
_Static_assert(COUNT <= SOCKET_OPTIONS, "a place for each");

void
option_defaults(struct socket *s)
{
	for (size_t i = 0; i < COUNT; i++)
		s->option[i] = remembered[i].initial;
}

/* -1: no such option of this socket. */
static int
find(const struct socket *s, int level, int name)
{
	if (level == SOL_TCP && (s->domain == AF_UNIX || !is_stream(s)))
		return -1;
	if (s->domain == AF_UNIX && level != SOL_SOCKET)
		return -1;
	for (size_t i = 0; i < COUNT; i++)
		if (remembered[i].level == level && remembered[i].name == name)
			return (int)i;
	return -1;
}

static int64_t
set_timeout(uint64_t *ns, uint64_t user, uint64_t n)
{
	struct timeval tv;
	int err;

	if (n < sizeof tv)
		return -EINVAL;
	err = copy_in(&tv, user, sizeof tv);
	if (err != 0)
		return err;
	if (tv.usec < 0 || tv.usec >= 1000000)
		return -EDOM;
	*ns = tv.sec < 0 ? 0 : (uint64_t)tv.sec * 1000000000u +
	    (uint64_t)tv.usec * 1000u;
	return 0;
}

int64_t
option_set(struct socket *s, int level, int name, uint64_t user, uint64_t n)
{
	int i = find(s, level, name);
	int32_t value;
	int err;

	if (level == SOL_SOCKET && name == SO_RCVTIMEO)
		return set_timeout(&s->receive_ns, user, n);
	if (level == SOL_SOCKET && name == SO_SNDTIMEO)
		return set_timeout(&s->send_ns, user, n);
	if (n < sizeof value)
		return -EINVAL;
	err = copy_in(&value, user, sizeof value);
	if (err != 0)
		return err;
	if (level == SOL_SOCKET && (name == SO_LINGER || name == SO_SNDBUF ||
	    name == SO_RCVBUF))
		return 0;
	if (i < 0)
		return -ENOPROTOOPT;
	mutex_lock(&net_lock);
	s->option[i] = remembered[i].flag ? value != 0 : value;
	mutex_unlock(&net_lock);
	return 0;
}

/* As much of it as the user has room for. */
static int64_t
put(uint64_t user, uint64_t user_len, const void *value, uint32_t n)
{
	int32_t room;
	int err = copy_in(&room, user_len, sizeof room);

	if (err != 0)
		return err;
	if (room < 0)
		return -EINVAL;
	if ((uint32_t)room < n)
		n = (uint32_t)room;
	err = copy_out(user, value, n);
	return err != 0 ? err : copy_out(user_len, &n, sizeof n);
}

static int
number(struct socket *s, int name, int32_t *out)
{
	switch (name) {
	case SO_TYPE:
		*out = s->type;
		return 0;
	case SO_ERROR:
		mutex_lock(&net_lock);
		*out = socket_take_error(s);
		mutex_unlock(&net_lock);
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF:
		*out = BUFFER_DEFAULT;
		return 0;
	case SO_ACCEPTCONN:
		*out = s->state == SOCKET_LISTENS;
		return 0;
	case SO_PROTOCOL:
		*out = s->protocol;
		return 0;
	case SO_DOMAIN:
		*out = s->domain;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int64_t
get_peer_cred(struct socket *s, uint64_t user, uint64_t user_len)
{
	struct peer_cred c = {0, UINT32_MAX, UINT32_MAX};

	mutex_lock(&net_lock);
	if (s->state == SOCKET_CONNECTED && s->domain == AF_UNIX)
		c = s->peer_cred;
	mutex_unlock(&net_lock);
	return put(user, user_len, &c, sizeof c);
}

int64_t
option_get(struct socket *s, int level, int name, uint64_t user,
    uint64_t user_len)
{
	const int32_t linger[2] = {0, 0};
	int i = find(s, level, name);
	struct timeval tv;
	int32_t value;

	if (i >= 0)
		return put(user, user_len, &s->option[i],
		    sizeof s->option[i]);
	if (level != SOL_SOCKET)
		return level == SOL_TCP || level == SOL_IP ||
		    level == SOL_IPV6 ? -ENOPROTOOPT : -EOPNOTSUPP;
	switch (name) {
	case SO_LINGER:
		return put(user, user_len, linger, sizeof linger);
	case SO_PEERCRED:
		return get_peer_cred(s, user, user_len);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		tv = ns_timeval(name == SO_RCVTIMEO ? s->receive_ns :
		    s->send_ns);
		return put(user, user_len, &tv, sizeof tv);
	default:
		return number(s, name, &value) != 0 ? -ENOPROTOOPT :
		    put(user, user_len, &value, sizeof value);
	}
}
