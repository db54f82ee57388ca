/*
 * inet.c - the names of AF_INET and AF_INET6: a port on this machine.
 *
 * Inside, every name is an IPv6 one, an IPv4 host in its mapped form; who looks
 * at it sees it in the form of the socket that he asks through.
 */
#include <net/net.h>

#define PORT_LOW 32768u			/* the range that Linux gives out */
#define PORT_HIGH 60999u
#define MAPPED 12			/* bytes before an IPv4 host */

static const uint8_t mapped[MAPPED] = {[10] = 0xff, [11] = 0xff};
static const uint8_t any6[16], loop6[16] = {[15] = 1};

static struct list names = {&names, &names};	/* under net_lock */
static unsigned next_port = PORT_LOW;		/* under net_lock */

static bool
is_v4(const struct address *a)
{
	return memcmp(a->in6.host, mapped, MAPPED) == 0;
}

static bool
is_any(const struct address *a)
{
	static const uint8_t any4[4];

	return is_v4(a) ? memcmp(a->in6.host + MAPPED, any4, 4) == 0 :
	    memcmp(a->in6.host, any6, 16) == 0;
}

static bool
is_loopback(const struct address *a)
{
	return is_v4(a) ? a->in6.host[MAPPED] == 127 :
	    memcmp(a->in6.host, loop6, 16) == 0;
}

static unsigned
port_of(const struct address *a)
{
	return (unsigned)(a->in6.port[0] << 8 | a->in6.port[1]);
}

static void
set_port(struct address *a, unsigned port)
{
	a->in6.port[0] = (uint8_t)(port >> 8);
	a->in6.port[1] = (uint8_t)port;
}

/* From the user's form to the inner one. */
static int
take(const struct socket *s, struct address *a)
{
	struct address in = {.len = sizeof in.in6, .family = AF_INET6};

	if (s->domain == AF_INET6) {
		if (a->len < 24)
			return -EINVAL;
		if (a->family != AF_INET6)
			return -EAFNOSUPPORT;
		a->len = sizeof a->in6;
		return 0;
	}
	if (a->len < sizeof a->in)
		return -EINVAL;
	if (a->family != AF_INET)
		return -EAFNOSUPPORT;
	memcpy(in.in6.port, a->in.port, 2);
	memcpy(in.in6.host, mapped, MAPPED);
	memcpy(in.in6.host + MAPPED, a->in.host, 4);
	*a = in;
	return 0;
}

static void
inet_show(const struct socket *s, struct address *a)
{
	struct address out = {.len = sizeof out.in, .family = AF_INET};

	if (s->domain == AF_INET6)
		return;
	memcpy(out.in.port, a->in6.port, 2);
	memcpy(out.in.host, a->in6.host + MAPPED, 4);
	*a = out;
}

static void
inet_unnamed(struct socket *s, struct address *a)
{
	*a = (struct address){.len = sizeof a->in6, .family = AF_INET6};
	if (s->domain == AF_INET)
		memcpy(a->in6.host, mapped, MAPPED);
}

/* Does what the socket is bound to include this host? */
static bool
covers(const struct socket *s, const struct address *a)
{
	if (!is_any(&s->local))
		return memcmp(s->local.in6.host, a->in6.host, 16) == 0;
	if (is_v4(&s->local))
		return is_v4(a);
	return !is_v4(a) || !s->option[OPTION_V6ONLY];
}

/* Could one datagram or connection be meant for both names? */
static bool
overlap(const struct socket *a, const struct socket *b)
{
	return covers(a, &b->local) || covers(b, &a->local);
}

static bool
may_share(const struct socket *a, const struct socket *b)
{
	return a->option[OPTION_REUSE] && b->option[OPTION_REUSE] &&
	    a->state != SOCKET_LISTENS && b->state != SOCKET_LISTENS;
}

static bool
is_taken(const struct socket *s, unsigned port)
{
	struct socket *o;

	list_each(o, &names, named)
		if (o->type == s->type && port_of(&o->local) == port &&
		    overlap(o, s) && !may_share(o, s))
			return true;
	return false;
}

/* A listener, or a socket of datagrams; the narrowest name counts. */
static struct socket *
inet_find(struct socket *s, const struct address *a, struct inode *inode)
{
	struct socket *o, *found = NULL;

	(void)inode;
	list_each(o, &names, named) {
		if (o->type != s->type || port_of(&o->local) != port_of(a) ||
		    !covers(o, a))
			continue;
		if (o->type == SOCK_STREAM && o->state != SOCKET_LISTENS)
			continue;
		if (found == NULL || is_any(&found->local))
			found = o;
	}
	return found;
}

static int
enter(struct socket *s)
{
	unsigned port = port_of(&s->local), tries = PORT_HIGH - PORT_LOW + 1;

	if (port != 0 && is_taken(s, port))
		return -EADDRINUSE;
	while (port == 0 && tries-- > 0) {
		port = next_port++;
		if (next_port > PORT_HIGH)
			next_port = PORT_LOW;
		if (is_taken(s, port))
			port = 0;
	}
	if (port == 0)
		return -EADDRINUSE;
	set_port(&s->local, port);
	s->has_name = true;
	list_add_tail(&names, &s->named);
	return 0;
}

static int
inet_bind(struct socket *s, const struct address *a)
{
	struct address name = *a, was;
	int err = take(s, &name);

	if (err == 0 && !is_any(&name) && !is_loopback(&name))
		err = -EADDRNOTAVAIL;
	if (err == 0 && port_of(&name) != 0 && port_of(&name) < 1024 &&
	    !cred_can(&current_process()->cred, CAP_NET_BIND_SERVICE))
		err = -EACCES;
	if (err != 0)
		return err;
	mutex_lock(&net_lock);
	was = s->local;
	if (s->has_name)
		err = -EINVAL;
	else {
		s->local = name;
		err = enter(s);
		if (err != 0)
			s->local = was;
	}
	mutex_unlock(&net_lock);
	return err;
}

/* The wildcard, as a destination, is this machine. */
static int
inet_resolve(struct socket *s, struct address *a, struct inode **inode)
{
	int err = take(s, a);

	(void)inode;
	if (err != 0)
		return err;
	if (is_any(a)) {
		if (is_v4(a))
			a->in6.host[MAPPED] = 127;
		a->in6.host[15] = 1;
	}
	return is_loopback(a) ? 0 : -ENETUNREACH;
}

/* An unbound one calls from the loopback's own address. */
static int
inet_autobind(struct socket *s)
{
	struct address was = s->local;
	int err;

	if (is_any(&s->local) && s->state != SOCKET_LISTENS &&
	    s->type == SOCK_STREAM) {
		if (is_v4(&s->local))
			s->local.in6.host[MAPPED] = 127;
		s->local.in6.host[15] = 1;
	}
	err = enter(s);
	if (err != 0)
		s->local = was;
	return err;
}

const struct family family_inet = {
	.domain = AF_INET, .bind = inet_bind, .find = inet_find,
	.resolve = inet_resolve, .autobind = inet_autobind,
	.unnamed = inet_unnamed, .show = inet_show,
};
const struct family family_inet6 = {
	.domain = AF_INET6, .bind = inet_bind, .find = inet_find,
	.resolve = inet_resolve, .autobind = inet_autobind,
	.unnamed = inet_unnamed, .show = inet_show,
};
