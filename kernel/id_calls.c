/*
 * id_calls.c - who a process is: ids, groups, sessions, credentials, limits;
 * making and ending tasks.
 */
#include <fs/vfs.h>
#include <mm.h>
#include <process.h>
#include <syscall.h>

/* ---- making, ending ---- */

SYSCALL(fork)
{
	const struct clone_args args = {.exit_signal = SIGCHLD};

	return process_clone(&args);
}

SYSCALL(vfork)
{
	const struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD,
	};

	return process_clone(&args);
}

SYSCALL(clone)
{
	const struct clone_args args = {
		.flags = a[0] & 0xffffff00u, .exit_signal = a[0] & CSIGNAL,
		.stack = a[1], .parent_tid = a[2], .pidfd = a[2],
		.child_tid = a[ABI_CLONE_CHILD], .tls = a[7 - ABI_CLONE_CHILD],
	};

	/* One place cannot take both. */
	if ((a[0] & CLONE_PIDFD) && (a[0] & CLONE_PARENT_SETTID))
		return -EINVAL;
	return process_clone(&args);
}

SYSCALL(clone3)
{
	struct clone_args args = {.flags = 0};
	const uint64_t known = 0xffffff00u | CLONE_CLEAR_SIGHAND;
	size_t n = a[1] < sizeof args ? a[1] : sizeof args;
	int err;

	if (a[1] < sizeof args)
		return -EINVAL;
	if (a[1] > TOME_PAGE_SIZE)
		return -E2BIG;
	err = copy_in(&args, a[0], n);
	if (err != 0)
		return err;
	if ((args.flags & ~known) || (args.stack == 0) !=
	    (args.stack_size == 0))
		return -EINVAL;
	if ((args.flags & (CLONE_THREAD | CLONE_PARENT)) &&
	    args.exit_signal != 0)
		return -EINVAL;
	return process_clone(&args);
}

SYSCALL(exit)
{
	task_exit((int)(a[0] & 0xff) << 8);
}

SYSCALL(exit_group)
{
	process_exit((int)(a[0] & 0xff) << 8);
}

/* ---- ids ---- */

SYSCALL(getpid)
{
	return current_process()->pid;
}

SYSCALL(gettid)
{
	return current_task()->tid;
}

SYSCALL(getppid)
{
	return current_process()->parent_pid;
}

SYSCALL(getuid)
{
	return current_process()->cred.uid;
}

SYSCALL(geteuid)
{
	return current_process()->cred.euid;
}

SYSCALL(getgid)
{
	return current_process()->cred.gid;
}

SYSCALL(getegid)
{
	return current_process()->cred.egid;
}

static int64_t
three_out(const uint64_t *a, uint32_t x, uint32_t y, uint32_t z)
{
	int err = copy_out(a[0], &x, sizeof x);

	if (err == 0)
		err = copy_out(a[1], &y, sizeof y);
	return err == 0 ? copy_out(a[2], &z, sizeof z) : err;
}

SYSCALL(getresuid)
{
	const struct cred *c = &current_process()->cred;

	return three_out(a, c->uid, c->euid, c->suid);
}

SYSCALL(getresgid)
{
	const struct cred *c = &current_process()->cred;

	return three_out(a, c->gid, c->egid, c->sgid);
}

static int64_t
cred_set(const struct cred *new)
{
	struct process *p = current_process();

	spin_lock(&p->limit_lock);
	p->cred = *new;
	spin_unlock(&p->limit_lock);
	mm_limits_changed(p);
	return 0;
}

static bool
is_one_of(uint32_t id, uint32_t x, uint32_t y, uint32_t z)
{
	return id == UINT32_MAX || id == x || id == y || id == z;
}

static bool
has_zero(const struct cred *c)
{
	return c->uid == 0 || c->euid == 0 || c->suid == 0;
}

/* Who gives up the user id 0 gives up what it could, unless it said otherwise. */
static void
adjust_capabilities(const struct cred *old, struct cred *new)
{
	if (has_zero(old) && !has_zero(new) && !new->keep)
		new->permitted = 0;
	if (old->euid == 0 && new->euid != 0)
		new->effective = 0;
	else if (old->euid != 0 && new->euid == 0)
		new->effective = new->permitted;
	new->effective &= new->permitted;
}

static int64_t
set_three_uids(uint32_t real, uint32_t effective, uint32_t saved)
{
	struct cred c = current_process()->cred;

	if (!cred_can(&c, CAP_SETUID) && (!is_one_of(real, c.uid, c.euid, c.suid) ||
	    !is_one_of(effective, c.uid, c.euid, c.suid) ||
	    !is_one_of(saved, c.uid, c.euid, c.suid)))
		return -EPERM;
	if (real != UINT32_MAX)
		c.uid = real;
	if (effective != UINT32_MAX)
		c.euid = effective;
	if (saved != UINT32_MAX)
		c.suid = saved;
	c.fsuid = c.euid;
	adjust_capabilities(&current_process()->cred, &c);
	return cred_set(&c);
}

static int64_t
set_three_gids(uint32_t real, uint32_t effective, uint32_t saved)
{
	struct cred c = current_process()->cred;

	if (!cred_can(&c, CAP_SETGID) && (!is_one_of(real, c.gid, c.egid, c.sgid) ||
	    !is_one_of(effective, c.gid, c.egid, c.sgid) ||
	    !is_one_of(saved, c.gid, c.egid, c.sgid)))
		return -EPERM;
	if (real != UINT32_MAX)
		c.gid = real;
	if (effective != UINT32_MAX)
		c.egid = effective;
	if (saved != UINT32_MAX)
		c.sgid = saved;
	c.fsgid = c.egid;
	return cred_set(&c);
}

SYSCALL(setuid)
{
	uint32_t id = (uint32_t)a[0];

	if (id == UINT32_MAX)
		return -EINVAL;
	return cred_can(&current_process()->cred, CAP_SETUID) ?
	    set_three_uids(id, id, id) :
	    set_three_uids(UINT32_MAX, id, UINT32_MAX);
}

SYSCALL(setgid)
{
	uint32_t id = (uint32_t)a[0];

	if (id == UINT32_MAX)
		return -EINVAL;
	return cred_can(&current_process()->cred, CAP_SETGID) ?
	    set_three_gids(id, id, id) :
	    set_three_gids(UINT32_MAX, id, UINT32_MAX);
}

/* The saved id follows the effective one when the real one is set. */
SYSCALL(setreuid)
{
	uint32_t r = (uint32_t)a[0], e = (uint32_t)a[1];

	return set_three_uids(r, e, r != UINT32_MAX ?
	    (e != UINT32_MAX ? e : current_process()->cred.euid) : UINT32_MAX);
}

SYSCALL(setregid)
{
	uint32_t r = (uint32_t)a[0], e = (uint32_t)a[1];

	return set_three_gids(r, e, r != UINT32_MAX ?
	    (e != UINT32_MAX ? e : current_process()->cred.egid) : UINT32_MAX);
}

SYSCALL(setresuid)
{
	return set_three_uids((uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2]);
}

SYSCALL(setresgid)
{
	return set_three_gids((uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2]);
}

SYSCALL(setfsuid)
{
	struct cred c = current_process()->cred;
	uint32_t old = c.fsuid, id = (uint32_t)a[0];

	if (cred_can(&c, CAP_SETUID) || is_one_of(id, c.uid, c.euid, c.suid)) {
		if (id != UINT32_MAX)
			c.fsuid = id;
		(void)cred_set(&c);
	}
	return old;
}

SYSCALL(setfsgid)
{
	struct cred c = current_process()->cred;
	uint32_t old = c.fsgid, id = (uint32_t)a[0];

	if (cred_can(&c, CAP_SETGID) || is_one_of(id, c.gid, c.egid, c.sgid)) {
		if (id != UINT32_MAX)
			c.fsgid = id;
		(void)cred_set(&c);
	}
	return old;
}

#define GROUPS_MAX (sizeof((struct cred *)0)->group / sizeof(uint32_t))

SYSCALL(getgroups)
{
	const struct cred *c = &current_process()->cred;
	int n = (int)a[0];

	if (n < 0 || (n > 0 && (uint32_t)n < c->ngroups))
		return -EINVAL;
	if (n > 0 && copy_out(a[1], c->group,
	    c->ngroups * sizeof c->group[0]) != 0)
		return -EFAULT;
	return c->ngroups;
}

SYSCALL(setgroups)
{
	struct cred c = current_process()->cred;

	if (!cred_can(&c, CAP_SETGID))
		return -EPERM;
	if (a[0] > GROUPS_MAX)
		return -EINVAL;
	if (copy_in(c.group, a[1], a[0] * sizeof c.group[0]) != 0)
		return -EFAULT;
	c.ngroups = (uint32_t)a[0];
	return cred_set(&c);
}

/* ---- capabilities ---- */

#define CAP_VERSION3 0x20080522u

static int
cap_header(uint64_t user, int *pid)
{
	struct {
		uint32_t version;
		int32_t pid;
	} h;
	const uint32_t version = CAP_VERSION3;

	if (copy_in(&h, user, sizeof h) != 0)
		return -EFAULT;
	if (h.version != CAP_VERSION3 && h.version != 0x20071026u &&
	    h.version != 0x19980330u) {
		(void)copy_out(user, &version, sizeof version);
		return -EINVAL;
	}
	*pid = h.pid;
	return h.pid < 0 ? -EINVAL : h.version == 0x19980330u ? 1 : 2;
}

/* Each set in words of 32 bits: effective, permitted, inheritable. */
static struct cred
caps_unpack(const uint32_t data[6])
{
	return (struct cred){
		.effective = CAP_ALL & (data[0] | (uint64_t)data[3] << 32),
		.permitted = CAP_ALL & (data[1] | (uint64_t)data[4] << 32),
		.inheritable = CAP_ALL & (data[2] | (uint64_t)data[5] << 32),
	};
}

/* Of another process as of the caller: who asks about others has no use for more. */
SYSCALL(capget)
{
	const struct cred *c = &current_process()->cred;
	const uint64_t set[3] = {c->effective, c->permitted, c->inheritable};
	uint32_t data[6];
	int pid, words = cap_header(a[0], &pid);

	if (words < 0)
		return a[1] == 0 && words == -EINVAL ? 0 : words;
	for (unsigned i = 0; i < 3; i++) {
		data[i] = (uint32_t)set[i];
		data[3 + i] = (uint32_t)(set[i] >> 32);
	}
	return a[1] == 0 ? 0 : copy_out(a[1], data, (size_t)words * 12);
}

/* What is permitted can only become less. */
SYSCALL(capset)
{
	struct cred c = current_process()->cred, want;
	uint32_t data[6] = {0};
	int pid, words = cap_header(a[0], &pid);

	if (words < 0)
		return words;
	if (copy_in(data, a[1], (size_t)words * 12) != 0)
		return -EFAULT;
	want = caps_unpack(data);
	if ((want.permitted & ~c.permitted) ||
	    (want.effective & ~want.permitted) ||
	    (want.inheritable & ~(c.inheritable | c.permitted)))
		return -EPERM;
	c.effective = want.effective;
	c.permitted = want.permitted;
	c.inheritable = want.inheritable;
	return cred_set(&c);
}

/* ---- groups and sessions ---- */

/* proc_lock held. */
static int
set_group(struct process *p, int pgid)
{
	struct process *me = current_process();

	if (p != me && (p->parent != me || p->sid != me->sid))
		return p->parent != me ? -ESRCH : -EPERM;
	if (p->sid == p->pid)
		return -EPERM;
	if (p != me && p->execed)
		return -EACCES;
	if (pgid != p->pid && !group_in_session(pgid, me->sid))
		return -EPERM;
	p->pgid = pgid;
	return 0;
}

SYSCALL(setpgid)
{
	int pid = (int)a[0], pgid = (int)a[1], err;
	struct process *p;
	uintptr_t irq;

	if (pgid < 0)
		return -EINVAL;
	if (pid == 0)
		pid = current_process()->pid;
	irq = spin_lock_irq(&proc_lock);
	p = process_find(pid);
	err = p == NULL ? -ESRCH : set_group(p, pgid == 0 ? pid : pgid);
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

/* One of a process's ids, by pid; 0: the caller's. */
static int64_t
id_of(int pid, size_t field)
{
	struct process *p;
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int64_t id = -ESRCH;

	p = pid == 0 ? current_process() : process_find(pid);
	if (p != NULL)
		id = *(const int *)(const void *)((const char *)p + field);
	spin_unlock_irq(&proc_lock, irq);
	return id;
}

SYSCALL(getpgid)
{
	return id_of((int)a[0], offsetof(struct process, pgid));
}

SYSCALL(getpgrp)
{
	return current_process()->pgid;
}

SYSCALL(getsid)
{
	return id_of((int)a[0], offsetof(struct process, sid));
}

SYSCALL(setsid)
{
	struct process *p, *me = current_process();
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int64_t result = me->pid;

	list_each(p, &process_list, all)
		if (p->pgid == me->pid)
			result = -EPERM;
	if (result > 0) {
		me->sid = me->pgid = me->pid;
		me->tty = NULL;
	}
	spin_unlock_irq(&proc_lock, irq);
	return result;
}

/* ---- limits and usage ---- */

static bool
is_raised(const struct rlimit *old, const struct rlimit *new)
{
	return new->max > old->max;
}

int64_t
limit_set(struct process *p, unsigned which, const struct rlimit *new)
{
	int64_t err = 0;

	if (new->cur > new->max)
		return -EINVAL;
	spin_lock(&p->limit_lock);
	if (is_raised(&p->limit[which], new) &&
	    !cred_can(&current_process()->cred, CAP_SYS_RESOURCE))
		err = -EPERM;
	else if (which == RLIMIT_NOFILE && new->max > FD_LIMIT)
		err = -EPERM;
	else
		p->limit[which] = *new;
	spin_unlock(&p->limit_lock);
	if (err == 0 && p == current_process())
		mm_limits_changed(p);
	return err;
}

static int64_t
limit_call(struct process *p, unsigned which, uint64_t new_user,
    uint64_t old_user)
{
	struct rlimit new, old;
	int64_t err = 0;

	if (which >= RLIMITS)
		return -EINVAL;
	if (new_user != 0 && copy_in(&new, new_user, sizeof new) != 0)
		return -EFAULT;
	spin_lock(&p->limit_lock);
	old = p->limit[which];
	spin_unlock(&p->limit_lock);
	if (new_user != 0)
		err = limit_set(p, which, &new);
	if (err == 0 && old_user != 0)
		err = copy_out(old_user, &old, sizeof old);
	return err;
}

SYSCALL(prlimit64)
{
	int pid = (int)a[0];

	if (pid == 0 || pid == current_process()->pid)
		return limit_call(current_process(), (unsigned)a[1], a[2],
		    a[3]);
	return id_of(pid, offsetof(struct process, pid)) < 0 ? -ESRCH : -EPERM;
}

SYSCALL(getrlimit)
{
	return limit_call(current_process(), (unsigned)a[0], 0, a[1]);
}

SYSCALL(setrlimit)
{
	return limit_call(current_process(), (unsigned)a[0], a[1], 0);
}

SYSCALL(getrusage)
{
	struct process *p = current_process();
	struct tome_map_totals totals;
	struct rusage u;
	uintptr_t irq;

	if ((int)a[0] < -1 || (int)a[0] > 1)
		return -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	if ((int)a[0] == -1)
		u = p->children_usage;
	else
		process_usage(p, &u);
	spin_unlock_irq(&proc_lock, irq);
	if ((int)a[0] != -1) {
		tome_map_totals(current_map(), &totals);
		u.maxrss = (abi_long)(totals.peak_resident <<
		    (TOME_PAGE_SHIFT - 10));
	}
	return copy_out(a[1], &u, sizeof u);
}
