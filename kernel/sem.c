/*
 * sem.c - System V's semaphores: sets of them, on which several operations are done at once or
 * not at all.
 *
 * What an operation with SEM_UNDO did is summed per process and semaphore, and taken back when
 * that process ends.
 *
 * Locks: ipc_lock; user memory is copied without it.
 */
#include <abi.h>
#include <ipc.h>
#include <large.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

#define SET_MAX 32000u			/* semaphores of one set */
#define OPS_MAX 500u
#define VALUE_MAX 32767
#define SEM_UNDO 010000
enum {
	GETPID = 11, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL,
	SEM_STAT, SEM_INFO,
};

struct sem {
	int32_t value, pid;
	uint32_t for_more, for_zero;	/* who waits */
};

/* What a process is to have undone of one semaphore. */
struct undo {
	struct list link;
	int pid;
	unsigned number;
	int32_t by;
};

struct set {
	struct ipc ipc;
	unsigned n;
	int64_t operated;
	struct list undos;
	struct sem sem[];
};

struct sembuf {
	uint16_t number;
	int16_t by, flags;
};

struct semid_ds {
	struct ipc_perm perm;
	ipc_time otime;
	ABI_SEM_GAP(1)
	ipc_time ctime;
	ABI_SEM_GAP(2)
	abi_ulong nsems, unused[2];
};

static struct ipc *set_make(uint64_t n);
static void set_free(struct ipc *);
static struct ipc_kind sets = {
	.all = {&sets.all, &sets.all}, .make = set_make, .free = set_free,
};

static struct set *
set_of(struct ipc *i)
{
	return i == NULL ? NULL : container_of(i, struct set, ipc);
}

static size_t
set_bytes(uint64_t n)
{
	return sizeof(struct set) + n * sizeof(struct sem);
}

static struct ipc *
set_make(uint64_t n)
{
	struct set *s;

	/* Only who makes a set must say how many. */
	s = n == 0 ? NULL : large_alloc(set_bytes(n));
	if (s == NULL)
		return NULL;
	memset(s, 0, set_bytes(n));
	s->n = (unsigned)n;
	list_init(&s->undos);
	return &s->ipc;
}

static void
set_free(struct ipc *i)
{
	struct set *s = set_of(i);
	struct undo *u, *next;

	list_each_safe(u, next, &s->undos, link)
		tome_kfree(the_vm, u);
	large_free(s, set_bytes(s->n));
}

static bool
set_fits(const struct ipc *i, uint64_t n)
{
	return n <= container_of(i, const struct set, ipc)->n;
}

SYSCALL(semget)
{
	int64_t id;

	if ((int)a[1] < 0 || a[1] > SET_MAX)
		return -EINVAL;
	mutex_lock(&ipc_lock);
	id = ipc_get(&sets, (int32_t)a[0], (int)a[2], (unsigned)a[1],
	    set_fits);
	mutex_unlock(&ipc_lock);
	return id == -ENOMEM && a[1] == 0 ? -EINVAL : id;
}

/* ---- undoing ---- */

static struct undo *
undo_find(struct set *s, int pid, unsigned number)
{
	struct undo *u;

	list_each(u, &s->undos, link)
		if (u->pid == pid && u->number == number)
			return u;
	return NULL;
}

/* There is a record for each operation that wants one. */
static int64_t
undo_reserve(struct set *s, const struct sembuf *op, unsigned n)
{
	int pid = current_process()->pid;
	struct undo *u;

	for (unsigned i = 0; i < n; i++) {
		if (!(op[i].flags & SEM_UNDO) ||
		    undo_find(s, pid, op[i].number) != NULL)
			continue;
		u = tome_kmalloc(the_vm, sizeof *u);
		if (u == NULL)
			return -ENOMEM;
		*u = (struct undo){.pid = pid, .number = op[i].number};
		list_add_tail(&s->undos, &u->link);
	}
	return 0;
}

/* Values are set: nothing before that counts. */
static void
undo_forget(struct set *s, unsigned from, unsigned to)
{
	struct undo *u;

	list_each(u, &s->undos, link)
		if (u->number >= from && u->number < to)
			u->by = 0;
}

static bool
undo_of(struct set *s, int pid)
{
	struct undo *u, *next;
	bool any = false;
	int32_t value;

	list_each_safe(u, next, &s->undos, link) {
		if (u->pid != pid)
			continue;
		value = s->sem[u->number].value + u->by;
		s->sem[u->number].value = value < 0 ? 0 :
		    value > VALUE_MAX ? VALUE_MAX : value;
		s->sem[u->number].pid = pid;
		list_remove(&u->link);
		tome_kfree(the_vm, u);
		any = true;
	}
	return any;
}

void
sem_exit(int pid)
{
	struct ipc *i;

	mutex_lock(&ipc_lock);
	list_each(i, &sets.all, link)
		if (undo_of(set_of(i), pid))
			ipc_changed(i);
	mutex_unlock(&ipc_lock);
}

/* ---- operations ---- */

/* One operation; false: it has to wait, or *err. */
static bool
step(struct set *s, const struct sembuf *op, int64_t *err)
{
	int32_t value = s->sem[op->number].value;

	if (op->by == 0)
		return value == 0;
	if (value + op->by < 0)
		return false;
	if (value + op->by > VALUE_MAX) {
		*err = -ERANGE;
		return false;
	}
	s->sem[op->number].value = value + op->by;
	return true;
}

/* All or none. The one that has to wait, or NULL. */
static const struct sembuf *
try_all(struct set *s, const struct sembuf *op, unsigned n, int64_t *err)
{
	unsigned done = 0;

	*err = 0;
	while (done < n && step(s, &op[done], err))
		done++;
	if (done == n)
		return NULL;
	for (unsigned i = done; i-- > 0;)
		s->sem[op[i].number].value -= op[i].by;
	return *err != 0 ? NULL : &op[done];
}

static void
record(struct set *s, const struct sembuf *op, unsigned n)
{
	int pid = current_process()->pid;
	bool changed = false;

	for (unsigned i = 0; i < n; i++) {
		s->sem[op[i].number].pid = pid;
		if (op[i].flags & SEM_UNDO)
			undo_find(s, pid, op[i].number)->by -= op[i].by;
		changed |= op[i].by != 0;
	}
	s->operated = ipc_now();
	if (changed)
		ipc_changed(&s->ipc);
}

static int64_t
wait_for(struct set *s, const struct sembuf *op, uint64_t deadline)
{
	struct sem *sem = &s->sem[op->number];
	uint32_t *waiting = op->by == 0 ? &sem->for_zero : &sem->for_more;
	int64_t err;

	if (op->flags & IPC_NOWAIT)
		return -EAGAIN;
	/* The wait's own count keeps the set. */
	s->ipc.refs++;
	++*waiting;
	err = ipc_wait(&sets, &s->ipc, deadline);
	--*waiting;
	if (--s->ipc.refs == 0)
		set_free(&s->ipc);
	return err;
}

/* ipc_lock held. */
static int64_t
operate(int id, const struct sembuf *op, unsigned n, uint64_t deadline)
{
	const struct sembuf *late;
	bool alters = false;
	struct set *s;
	int64_t err;

	for (unsigned i = 0; i < n; i++)
		alters |= op[i].by != 0;
	s = set_of(ipc_find(&sets, id, alters ? 2 : 4, &err));
	if (s == NULL)
		return err;
	for (unsigned i = 0; i < n; i++)
		if (op[i].number >= s->n)
			return -EFBIG;
	err = undo_reserve(s, op, n);
	while (err == 0 && (late = try_all(s, op, n, &err)) != NULL)
		err = wait_for(s, late, deadline);
	if (err == 0)
		record(s, op, n);
	return err;
}

static int64_t
operate_call(const uint64_t *a, uint64_t deadline)
{
	unsigned n = (unsigned)a[2];
	struct sembuf *op;
	int64_t err;

	if (n == 0 || (int)a[0] < 0)
		return -EINVAL;
	if (a[2] > OPS_MAX)
		return -E2BIG;
	op = tome_kmalloc(the_vm, n * sizeof *op);
	if (op == NULL)
		return -ENOMEM;
	err = copy_in(op, a[1], n * sizeof *op);
	if (err == 0) {
		mutex_lock(&ipc_lock);
		err = operate((int)a[0], op, n, deadline);
		mutex_unlock(&ipc_lock);
	}
	tome_kfree(the_vm, op);
	return err;
}

SYSCALL(semop)
{
	return operate_call(a, TOME_FOREVER);
}

SYSCALL(semtimedop)
{
	uint64_t deadline;
	int err = deadline_in(a[3], &deadline);

	return err != 0 ? err : operate_call(a, deadline);
}

/* ---- control ---- */

/* ipc_lock held. */
static int64_t
control_one(struct set *s, unsigned number, int cmd, uint64_t arg)
{
	struct sem *sem = &s->sem[number];

	if (number >= s->n)
		return -EINVAL;
	switch (cmd) {
	case GETPID:
		return sem->pid;
	case GETVAL:
		return sem->value;
	case GETNCNT:
		return sem->for_more;
	case GETZCNT:
		return sem->for_zero;
	default:
		if ((int)arg < 0 || (int)arg > VALUE_MAX)
			return -ERANGE;
		sem->value = (int)arg;
		sem->pid = current_process()->pid;
		undo_forget(s, number, number + 1);
		s->ipc.changed = ipc_now();
		ipc_changed(&s->ipc);
		return 0;
	}
}

/* All values, to and from a vector of as many as the set has. ipc_lock held. */
static int64_t
values_get(struct set *s, uint16_t *v)
{
	for (unsigned i = 0; i < s->n; i++)
		v[i] = (uint16_t)s->sem[i].value;
	return 0;
}

static int64_t
values_set(struct set *s, const uint16_t *v)
{
	for (unsigned i = 0; i < s->n; i++)
		if (v[i] > VALUE_MAX)
			return -ERANGE;
	for (unsigned i = 0; i < s->n; i++) {
		s->sem[i].value = v[i];
		s->sem[i].pid = current_process()->pid;
	}
	undo_forget(s, 0, s->n);
	s->ipc.changed = ipc_now();
	ipc_changed(&s->ipc);
	return 0;
}

/* The set may go, or be another, between the lock's two holds: then it is EIDRM. */
static int64_t
control_all(int id, int cmd, uint64_t user)
{
	unsigned want = cmd == SETALL ? 2 : 4;
	struct set *s;
	uint16_t *v;
	size_t bytes;
	int64_t err;

	mutex_lock(&ipc_lock);
	s = set_of(ipc_find(&sets, id, want, &err));
	bytes = s == NULL ? 0 : s->n * sizeof *v;
	mutex_unlock(&ipc_lock);
	if (s == NULL)
		return err;
	v = large_alloc(bytes);
	if (v == NULL)
		return -ENOMEM;
	err = cmd == SETALL ? copy_in(v, user, bytes) : 0;
	if (err == 0) {
		mutex_lock(&ipc_lock);
		s = set_of(ipc_find(&sets, id, want, &err));
		if (s != NULL)
			err = cmd == SETALL ? values_set(s, v) :
			    values_get(s, v);
		mutex_unlock(&ipc_lock);
		if (s == NULL)
			err = -EIDRM;
	}
	if (err == 0 && cmd == GETALL)
		err = copy_out(user, v, bytes);
	large_free(v, bytes);
	return err;
}

static struct semid_ds
describe(const struct set *s)
{
	return (struct semid_ds){
		.perm = s->ipc.perm, .otime = s->operated,
		.ctime = s->ipc.changed, .nsems = s->n,
	};
}

/* ipc_lock held. */
static int64_t
control(int id, unsigned number, int cmd, uint64_t arg, struct semid_ds *ds)
{
	unsigned want = cmd == SETVAL ? 2 : cmd == IPC_RMID ||
	    cmd == IPC_SET ? 0 : 4;
	int64_t err;
	struct set *s = set_of(ipc_find(&sets, id, want, &err));

	if (s == NULL)
		return err;
	switch (cmd) {
	case IPC_RMID:
		return ipc_remove(&sets, &s->ipc);
	case IPC_SET:
		return ipc_set(&s->ipc, &ds->perm);
	case IPC_STAT:
	case SEM_STAT:
		*ds = describe(s);
		return cmd == SEM_STAT ? id : 0;
	default:
		return control_one(s, number, cmd, arg);
	}
}

/* struct seminfo: map, mni, mns, mnu, msl, opm, ume, usz, vmx, aem. */
static int64_t
info(uint64_t user)
{
	const int32_t limits[10] = {
		1024000000, IPC_MAX, 1024000000, 1024000000, SET_MAX, OPS_MAX,
		OPS_MAX, 20, VALUE_MAX, VALUE_MAX,
	};
	int highest;

	mutex_lock(&ipc_lock);
	highest = ipc_highest(&sets);
	mutex_unlock(&ipc_lock);
	return copy_out(user, limits, sizeof limits) != 0 ? -EFAULT : highest;
}

SYSCALL(semctl)
{
	int cmd = (int)a[2];
	struct semid_ds ds;
	int64_t result;

	if (cmd == IPC_INFO || cmd == SEM_INFO)
		return info(a[3]);
	if (cmd == GETALL || cmd == SETALL)
		return control_all((int)a[0], cmd, a[3]);
	if (cmd != IPC_RMID && cmd != IPC_SET && cmd != IPC_STAT &&
	    (cmd < GETPID || cmd > SEM_STAT))
		return -EINVAL;
	if (cmd == IPC_SET && copy_in(&ds, a[3], sizeof ds) != 0)
		return -EFAULT;
	mutex_lock(&ipc_lock);
	result = control((int)a[0], (unsigned)a[1], cmd, a[3], &ds);
	mutex_unlock(&ipc_lock);
	if (result >= 0 && (cmd == IPC_STAT || cmd == SEM_STAT) &&
	    copy_out(a[3], &ds, sizeof ds) != 0)
		return -EFAULT;
	return result;
}
