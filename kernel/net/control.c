/*
 * control.c - what travels beside the bytes: descriptors and credentials.
 */
#include <net/net.h>
#include <oom.h>

#define SOL_SOCKET 1
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
#define CONTROL_MAX 4096u

struct cmsghdr {
	abi_ulong len;
	int32_t level, type;
};

static uint64_t
aligned(uint64_t n)
{
	return (n + sizeof(abi_long) - 1) & ~(uint64_t)(sizeof(abi_long) - 1);
}

static int
take_rights(const int32_t *fd, size_t n, struct envelope *e)
{
	if (n == 0)
		return 0;
	if (e->file != NULL || n > SEND_FILES_MAX)
		return -EINVAL;
	e->file = tome_kmalloc(the_vm, n * sizeof *e->file);
	if (e->file == NULL)
		return -ENOMEM;
	for (e->nfiles = 0; e->nfiles < n; e->nfiles++) {
		e->file[e->nfiles] = fd_get(fd[e->nfiles]);
		if (e->file[e->nfiles] == NULL)
			return -EBADF;
	}
	return 0;
}

/* Root may speak for others. */
static int
take_cred(const struct peer_cred *c, struct envelope *e)
{
	const struct process *p = current_process();

	if (!cred_can(&p->cred, CAP_SYS_ADMIN) && (c->pid != p->pid ||
	    (c->uid != p->cred.uid && c->uid != p->cred.euid) ||
	    (c->gid != p->cred.gid && c->gid != p->cred.egid)))
		return -EPERM;
	e->cred = *c;
	return 0;
}

static int
take_one(const struct cmsghdr *h, struct envelope *e)
{
	const void *data = h + 1;
	size_t n = h->len - sizeof *h;

	if (h->level != SOL_SOCKET)
		return 0;
	if (h->type == SCM_RIGHTS)
		return take_rights(data, n / sizeof(int32_t), e);
	if (h->type == SCM_CREDENTIALS && n == sizeof(struct peer_cred))
		return take_cred(data, e);
	return -EINVAL;
}

/* Files that were taken before an error stay in the envelope. */
static int
take_all(const char *buf, uint64_t n, struct envelope *e)
{
	struct cmsghdr h;
	int err = 0;

	for (uint64_t at = 0; err == 0 && n - at >= sizeof h;
	    at += aligned(h.len)) {
		memcpy(&h, buf + at, sizeof h);
		if (h.len < sizeof h || h.len > n - at)
			return -EINVAL;
		err = take_one((const void *)(buf + at), e);
		if (aligned(h.len) > n - at)
			break;
	}
	return err;
}

int
control_in(uint64_t user, uint64_t n, struct envelope *e)
{
	char *buf;
	int err;

	if (user == 0 || n == 0)
		return 0;
	if (n > CONTROL_MAX)
		return -EINVAL;
	buf = tome_kmalloc(the_vm, n);
	if (buf == NULL)
		return -ENOMEM;
	err = copy_in(buf, user, n);
	if (err == 0)
		err = take_all(buf, n, e);
	tome_kfree(the_vm, buf);
	return err;
}

/* One header and what follows, if there is room. */
static int64_t
put(uint64_t user, uint64_t room, int type, const void *data, size_t n,
    struct envelope *e)
{
	const struct cmsghdr h = {sizeof h + n, SOL_SOCKET, type};

	if (room < h.len) {
		e->flags |= MSG_CTRUNC;
		return 0;
	}
	if (copy_out(user, &h, sizeof h) != 0 ||
	    copy_out(user + sizeof h, data, n) != 0)
		return -EFAULT;
	return (int64_t)(aligned(h.len) < room ? aligned(h.len) : room);
}

/* As many as there is room for get descriptors here; the rest is dropped. */
static int64_t
put_rights(uint64_t user, uint64_t room, struct envelope *e, bool cloexec)
{
	int32_t fd[SEND_FILES_MAX];
	size_t fit = room < sizeof(struct cmsghdr) ? 0 :
	    (room - sizeof(struct cmsghdr)) / sizeof fd[0];
	size_t n = 0;

	for (; n < e->nfiles && n < fit; n++) {
		do
			fd[n] = fd_install(e->file[n], 0, cloexec);
		while (oom_insist(fd[n]));
		if (fd[n] < 0)
			break;
		file_ref(e->file[n]);
	}
	if (n < e->nfiles)
		e->flags |= MSG_CTRUNC;
	return n == 0 ? 0 : put(user, room, SCM_RIGHTS, fd, n * sizeof fd[0],
	    e);
}

int64_t
control_out(uint64_t user, uint64_t n, struct envelope *e, bool with_cred)
{
	bool cloexec = e->flags & MSG_CMSG_CLOEXEC;
	int64_t used = 0, more;

	e->flags &= ~(unsigned)MSG_CMSG_CLOEXEC;
	if (with_cred)
		used = put(user, n, SCM_CREDENTIALS, &e->cred, sizeof e->cred,
		    e);
	if (used < 0 || e->nfiles == 0)
		return used;
	more = put_rights(user + (uint64_t)used, n - (uint64_t)used, e,
	    cloexec);
	return more < 0 ? more : used + more;
}
