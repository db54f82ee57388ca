/*
 * msg.c - System V's message queues.
 *
 * Locks: ipc_lock; user memory is copied without it.
 */
#include <abi.h>
#include <ipc.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

#define MSG_MAX 8192u			/* bytes of one */
#define QUEUE_BYTES 16384u		/* of all in one queue, unless changed */
#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000
enum { MSG_STAT = 11, MSG_INFO = 12 };

struct message {
	struct list link;
	abi_long type;
	size_t n;
	uint8_t text[];
};

struct queue {
	struct ipc ipc;
	struct list messages;
	uint64_t bytes, count, limit;
	int64_t sent, received;
	int sender, receiver;
};

struct msqid_ds {
	struct ipc_perm perm;
	ipc_time stime, rtime, ctime;
	abi_ulong cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	abi_ulong unused[2];
};

static struct ipc *queue_make(uint64_t size);
static void queue_free(struct ipc *);
static struct ipc_kind queues = {
	.all = {&queues.all, &queues.all}, .make = queue_make,
	.free = queue_free,
};

static struct queue *
queue_of(struct ipc *i)
{
	return i == NULL ? NULL : container_of(i, struct queue, ipc);
}

static struct ipc *
queue_make(uint64_t size)
{
	struct queue *q = tome_kzalloc(the_vm, sizeof *q);

	(void)size;
	if (q == NULL)
		return NULL;
	list_init(&q->messages);
	q->limit = QUEUE_BYTES;
	return &q->ipc;
}

static void
queue_free(struct ipc *i)
{
	struct queue *q = queue_of(i);
	struct message *m, *next;

	list_each_safe(m, next, &q->messages, link)
		tome_kfree(the_vm, m);
	tome_kfree(the_vm, q);
}

static bool
any_fits(const struct ipc *i, uint64_t size)
{
	(void)i, (void)size;
	return true;
}

SYSCALL(msgget)
{
	int64_t id;

	mutex_lock(&ipc_lock);
	id = ipc_get(&queues, (int32_t)a[0], (int)a[1], 0, any_fits);
	mutex_unlock(&ipc_lock);
	return id;
}

/* ---- sending ---- */

static int64_t
message_in(uint64_t user, size_t n, struct message **out)
{
	struct message *m = tome_kmalloc(the_vm, sizeof *m + n);
	int64_t err;

	if (m == NULL)
		return -ENOMEM;
	m->n = n;
	err = copy_in(&m->type, user, sizeof m->type);
	if (err == 0)
		err = copy_in(m->text, user + sizeof m->type, n);
	if (err == 0 && m->type < 1)
		err = -EINVAL;
	if (err != 0)
		tome_kfree(the_vm, m);
	else
		*out = m;
	return err;
}

/* ipc_lock held. */
static int64_t
send(int id, struct message *m, int flags)
{
	int64_t err;
	struct queue *q = queue_of(ipc_find(&queues, id, 2, &err));

	if (q == NULL)
		return err;
	while (q->bytes + m->n > q->limit || q->count >= q->limit) {
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		err = ipc_wait(&queues, &q->ipc, TOME_FOREVER);
		if (err != 0)
			return err;
	}
	list_add_tail(&q->messages, &m->link);
	q->bytes += m->n;
	q->count++;
	q->sent = ipc_now();
	q->sender = current_process()->pid;
	ipc_changed(&q->ipc);
	return 0;
}

SYSCALL(msgsnd)
{
	struct message *m;
	int64_t err;

	if (a[2] > MSG_MAX || (int)a[0] < 0)
		return -EINVAL;
	err = message_in(a[1], a[2], &m);
	if (err != 0)
		return err;
	mutex_lock(&ipc_lock);
	err = send((int)a[0], m, (int)a[3]);
	mutex_unlock(&ipc_lock);
	if (err != 0)
		tome_kfree(the_vm, m);
	return err;
}

/* ---- receiving ---- */

/* The first of this type; below 0: of the lowest up to -type; 0: any. */
static struct message *
choose(struct queue *q, int64_t type, int flags)
{
	struct message *m, *best = NULL;

	list_each(m, &q->messages, link) {
		if (type < 0) {
			if (m->type <= -type &&
			    (best == NULL || m->type < best->type))
				best = m;
		} else if (type == 0 || (m->type == type) !=
		    ((flags & MSG_EXCEPT) != 0))
			return m;
	}
	return best;
}

/* ipc_lock held. */
static int64_t
receive(int id, size_t n, int64_t type, int flags, struct message **out)
{
	int64_t err;
	struct queue *q = queue_of(ipc_find(&queues, id, 4, &err));
	struct message *m;

	if (q == NULL)
		return err;
	while ((m = choose(q, type, flags)) == NULL) {
		if (flags & IPC_NOWAIT)
			return -ENOMSG;
		err = ipc_wait(&queues, &q->ipc, TOME_FOREVER);
		if (err != 0)
			return err;
	}
	if (m->n > n && !(flags & MSG_NOERROR))
		return -E2BIG;
	list_remove(&m->link);
	q->bytes -= m->n;
	q->count--;
	q->received = ipc_now();
	q->receiver = current_process()->pid;
	ipc_changed(&q->ipc);
	*out = m;
	return 0;
}

SYSCALL(msgrcv)
{
	struct message *m = NULL;
	size_t n = a[2];
	int64_t err;

	if ((abi_long)a[2] < 0 || (int)a[0] < 0)
		return -EINVAL;
	mutex_lock(&ipc_lock);
	err = receive((int)a[0], n, (abi_long)a[3], (int)a[4], &m);
	mutex_unlock(&ipc_lock);
	if (err != 0)
		return err;
	if (n > m->n)
		n = m->n;
	err = copy_out(a[1], &m->type, sizeof m->type);
	if (err == 0)
		err = copy_out(a[1] + sizeof m->type, m->text, n);
	tome_kfree(the_vm, m);
	return err != 0 ? err : (int64_t)n;
}

/* ---- control ---- */

static struct msqid_ds
describe(const struct queue *q)
{
	return (struct msqid_ds){
		.perm = q->ipc.perm, .stime = q->sent, .rtime = q->received,
		.ctime = q->ipc.changed, .cbytes = q->bytes, .qnum = q->count,
		.qbytes = q->limit, .lspid = q->sender, .lrpid = q->receiver,
	};
}

/* ipc_lock held. */
static int64_t
set(struct queue *q, const struct msqid_ds *to)
{
	int64_t err;

	if (to->qbytes > QUEUE_BYTES &&
	    !cred_can(&current_process()->cred, CAP_SYS_RESOURCE))
		return -EPERM;
	err = ipc_set(&q->ipc, &to->perm);
	if (err == 0) {
		q->limit = to->qbytes;
		ipc_changed(&q->ipc);
	}
	return err;
}

/* ipc_lock held. */
static int64_t
control(int id, int cmd, struct msqid_ds *ds)
{
	int64_t err;
	bool look = cmd == IPC_STAT || cmd == MSG_STAT;
	struct queue *q = queue_of(ipc_find(&queues, id, look ? 4 : 0, &err));

	if (q == NULL)
		return err;
	if (cmd == IPC_RMID)
		return ipc_remove(&queues, &q->ipc);
	if (cmd == IPC_SET)
		return set(q, ds);
	*ds = describe(q);
	return cmd == MSG_STAT ? id : 0;
}

/* struct msginfo: pool, map, max, mnb, mni, ssz, tql, seg. */
static int64_t
info(uint64_t user)
{
	const int32_t limits[8] = {
		512000, 16384, MSG_MAX, QUEUE_BYTES, IPC_MAX, 16, 16384, 0xffff,
	};
	int highest;

	mutex_lock(&ipc_lock);
	highest = ipc_highest(&queues);
	mutex_unlock(&ipc_lock);
	return copy_out(user, limits, 30) != 0 ? -EFAULT : highest;
}

SYSCALL(msgctl)
{
	int cmd = (int)a[1];
	struct msqid_ds ds;
	int64_t result;

	if (cmd == IPC_INFO || cmd == MSG_INFO)
		return info(a[2]);
	if (cmd != IPC_RMID && cmd != IPC_SET && cmd != IPC_STAT &&
	    cmd != MSG_STAT)
		return -EINVAL;
	if (cmd == IPC_SET && copy_in(&ds, a[2], sizeof ds) != 0)
		return -EFAULT;
	mutex_lock(&ipc_lock);
	result = control((int)a[0], cmd, &ds);
	mutex_unlock(&ipc_lock);
	if (result >= 0 && (cmd == IPC_STAT || cmd == MSG_STAT) &&
	    copy_out(a[2], &ds, sizeof ds) != 0)
		return -EFAULT;
	return result;
}
