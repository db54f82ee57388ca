/*
 * futex.c - sleeping on words of user memory.
 *
 * A waiter is keyed by what Tome says names the memory (object and offset, or
 * map and address), so that one word mapped twice is one futex. Waiters sit in
 * a bucket by key; each sleeps on a word of its own, `woken`.
 *
 * Lost wake-ups: a waiter queues itself first and reads the user's word after;
 * who wakes has changed the word before it looks at the queue. So no user
 * memory is touched with a bucket locked. Who finds another value leaves again,
 * and has not consumed a wake unless it was woken meanwhile.
 *
 * Locks: bucket locks, two in order of address for requeue. `bucket` of a
 *   waiter changes only with both its old and new bucket locked.
 */
#include <process.h>
#include <syscall.h>

#define BUCKETS 64u

struct waiter {
	struct list link;
	struct tome_key key;
	uint32_t bitset;
	struct bucket *_Atomic bucket;	/* NULL: taken out, and woken */
	_Atomic uint32_t woken;
};

struct bucket {
	struct spinlock lock;
	struct list waiters;
};

static struct bucket buckets[BUCKETS];

void
futex_start(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&buckets[i].waiters);
}

static struct bucket *
bucket_of(const struct tome_key *k)
{
	uint64_t h = (k->space * 0x9e3779b97f4a7c15u) ^ (k->offset >> 2);

	h *= 0xbf58476d1ce4e5b9u;
	return &buckets[h >> 58];
}

static bool
same(const struct tome_key *a, const struct tome_key *b)
{
	return a->space == b->space && a->offset == b->offset;
}

static int
key_of(uint64_t addr, struct tome_key *k)
{
	if (addr & 3)
		return -EINVAL;
	return -(int)tome_map_key(current_map(), addr, k);
}

static void
enqueue(struct waiter *w)
{
	struct bucket *b = bucket_of(&w->key);

	spin_lock(&b->lock);
	w->bucket = b;
	list_add_tail(&b->waiters, &w->link);
	spin_unlock(&b->lock);
}

/* True: it was still queued; false: somebody woke it. */
static bool
dequeue(struct waiter *w)
{
	struct bucket *b;

	while ((b = w->bucket) != NULL) {
		spin_lock(&b->lock);
		if (w->bucket == b) {
			list_remove(&w->link);
			w->bucket = NULL;
			spin_unlock(&b->lock);
			return true;
		}
		spin_unlock(&b->lock);
	}
	/* Its waker may still be at the word: it is ours again at `woken`. */
	while (w->woken == 0)
		(void)word_wait(&w->woken, 0, TOME_FOREVER, false);
	return false;
}

/* Bucket locked. After the store the waiter may be gone. */
static void
wake_one(struct waiter *w)
{
	list_remove(&w->link);
	w->bucket = NULL;
	w->woken = 1;
	word_wake(&w->woken, 1);
}

static int
wake_key(const struct tome_key *key, int n, uint32_t bitset)
{
	struct bucket *b = bucket_of(key);
	struct waiter *w, *next;
	int count = 0;

	spin_lock(&b->lock);
	list_each_safe(w, next, &b->waiters, link) {
		if (count >= n)
			break;
		if (!same(&w->key, key) || !(w->bitset & bitset))
			continue;
		wake_one(w);
		count++;
	}
	spin_unlock(&b->lock);
	return count;
}

static int
futex_wake(uint64_t addr, int n, uint32_t bitset)
{
	struct tome_key key;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = key_of(addr, &key);
	return err != 0 ? err : wake_key(&key, n, bitset);
}

static int
futex_wait(uint64_t addr, uint32_t expect, uint64_t deadline, uint32_t bitset)
{
	struct waiter w = {.bitset = bitset};
	enum wake_reason why = WAKE_EVENT;
	uint32_t value;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = key_of(addr, &w.key);
	if (err != 0)
		return err;
	list_init(&w.link);
	enqueue(&w);
	err = -(int)tome_fetch_u32(current_map(), addr, &value);
	if (err == 0 && value != expect)
		err = -EAGAIN;
	while (err == 0 && w.woken == 0 && why == WAKE_EVENT)
		why = word_wait(&w.woken, 0, deadline, true);
	if (!dequeue(&w))
		return 0;	/* woken, whatever else happened */
	if (err != 0)
		return err;
	return why == WAKE_TIMEOUT ? -ETIMEDOUT : -ERESTART;
}

/* ---- moving waiters ---- */

static void
lock_two(struct bucket *a, struct bucket *b)
{
	if (a == b) {
		spin_lock(&a->lock);
		return;
	}
	spin_lock(a < b ? &a->lock : &b->lock);
	spin_lock(a < b ? &b->lock : &a->lock);
}

static void
unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static int
requeue_keys(const struct tome_key *from, const struct tome_key *to, int nwake,
    int nmove)
{
	struct bucket *a = bucket_of(from), *b = bucket_of(to);
	struct waiter *w, *next;
	int done = 0;

	lock_two(a, b);
	list_each_safe(w, next, &a->waiters, link) {
		if (done >= nwake + nmove)
			break;
		if (!same(&w->key, from))
			continue;
		if (done++ < nwake) {
			wake_one(w);
		} else if (!same(from, to)) {
			list_remove(&w->link);
			w->key = *to;
			w->bucket = b;
			list_add_tail(&b->waiters, &w->link);
		}
	}
	unlock_two(a, b);
	return done;
}

static int
futex_requeue(const uint64_t *a, bool compare)
{
	struct tome_key from, to;
	uint32_t value;
	int err;

	if ((int)a[2] < 0 || (int)a[3] < 0)
		return -EINVAL;
	err = key_of(a[0], &from);
	if (err == 0)
		err = key_of(a[4], &to);
	if (err == 0 && compare) {
		err = -(int)tome_fetch_u32(current_map(), a[0], &value);
		if (err == 0 && value != (uint32_t)a[5])
			err = -EAGAIN;
	}
	return err != 0 ? err :
	    requeue_keys(&from, &to, (int)a[2], (int)a[3]);
}

/* ---- FUTEX_WAKE_OP: change one word, wake on two ---- */

static uint32_t
apply(unsigned op, uint32_t old, uint32_t arg)
{
	switch (op) {
	case 0:
		return arg;
	case 1:
		return old + arg;
	case 2:
		return old | arg;
	case 3:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

static bool
compare(unsigned cmp, int32_t old, int32_t arg)
{
	switch (cmp) {
	case 0:
		return old == arg;
	case 1:
		return old != arg;
	case 2:
		return old < arg;
	case 3:
		return old <= arg;
	case 4:
		return old > arg;
	default:
		return old >= arg;
	}
}

static int32_t
sign12(uint32_t v)
{
	return (int32_t)((v & 0xfff) ^ 0x800) - 0x800;
}

static int
futex_wake_op(const uint64_t *a)
{
	uint32_t code = (uint32_t)a[5], old, seen;
	unsigned op = code >> 28 & 7, cmp = code >> 24 & 15;
	int32_t arg = sign12(code >> 12);
	int n, err;

	if (op > 4 || cmp > 5)
		return -ENOSYS;
	if (code >> 31)
		arg = (int32_t)(1u << (arg & 31));
	err = -(int)tome_fetch_u32(current_map(), a[4], &old);
	while (err == 0) {
		err = -(int)tome_cas_u32(current_map(), a[4], old,
		    apply(op, old, (uint32_t)arg), &seen);
		if (err == 0 && seen == old)
			break;
		old = seen;
	}
	n = err != 0 ? err : futex_wake(a[0], (int)a[2], UINT32_MAX);
	if (n >= 0 && compare(cmp, (int32_t)old, sign12(code))) {
		err = futex_wake(a[4], (int)a[3], UINT32_MAX);
		n = err < 0 ? err : n + err;
	}
	return n;
}

/* ---- the calls ---- */

/* WAIT's time is relative; WAIT_BITSET's absolute, on the clock it names. */
static int
wait_deadline(const uint64_t *a, unsigned op, uint64_t *deadline)
{
	struct timespec ts;
	uint64_t ns, wall;
	int err;

	*deadline = TOME_FOREVER;
	if (a[3] == 0)
		return 0;
	err = timespecs_in(&ts, a[3], 1);
	if (err == 0)
		err = timespec_ns(&ts, &ns);
	if (err != 0)
		return err;
	if ((op & 127) == FUTEX_WAIT) {
		*deadline = clock_ns() + ns;
	} else if (op & FUTEX_CLOCK_REALTIME) {
		wall = clock_wall_ns();
		*deadline = clock_ns() + (ns > wall ? ns - wall : 0);
	} else {
		*deadline = ns;
	}
	return 0;
}

static int64_t
wait_call(const uint64_t *a, unsigned op, uint32_t bitset)
{
	uint64_t deadline;
	int err = wait_deadline(a, op, &deadline);

	if (err == 0)
		err = futex_wait(a[0], (uint32_t)a[2], deadline, bitset);
	/* A relative time must not start over. */
	if (err == -ERESTART && a[3] != 0 && (op & 127) == FUTEX_WAIT)
		err = -EINTR;
	return err;
}

SYSCALL(futex)
{
	unsigned op = (unsigned)a[1];

	switch (op & 127) {
	case FUTEX_WAIT:
		return wait_call(a, op, UINT32_MAX);
	case FUTEX_WAIT_BITSET:
		return wait_call(a, op, (uint32_t)a[5]);
	case FUTEX_WAKE:
		return futex_wake(a[0], (int)a[2], UINT32_MAX);
	case FUTEX_WAKE_BITSET:
		return futex_wake(a[0], (int)a[2], (uint32_t)a[5]);
	case FUTEX_REQUEUE:
		return futex_requeue(a, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(a, true);
	case FUTEX_WAKE_OP:
		return futex_wake_op(a);
	default:
		return -ENOSYS;
	}
}

SYSCALL(set_robust_list)
{
	if (a[1] != 24)
		return -EINVAL;
	current_task()->robust_list = a[0];
	return 0;
}

SYSCALL(get_robust_list)
{
	abi_ulong head = (abi_ulong)current_task()->robust_list;
	abi_ulong len = 3 * sizeof(abi_ulong);

	if ((int)a[0] != 0 && (int)a[0] != current_task()->tid)
		return -EPERM;
	if (copy_out(a[1], &head, sizeof head) != 0)
		return -EFAULT;
	return copy_out(a[2], &len, sizeof len);
}

SYSCALL(set_tid_address)
{
	current_task()->clear_tid = a[0];
	return current_task()->tid;
}

/* ---- what a task leaves behind ---- */

#define ROBUST_MAX 2048

/* A lock whose owner dies: marked, and a waiter woken. */
static void
release_robust(uint64_t addr, uint32_t tid)
{
	struct tome_map *map = current_map();
	uint32_t old, seen;

	if ((addr & 3) || tome_fetch_u32(map, addr, &old) != TOME_OK)
		return;
	while ((old & FUTEX_TID_MASK) == tid) {
		if (tome_cas_u32(map, addr, old,
		    (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen) !=
		    TOME_OK)
			return;
		if (seen == old) {
			if (old & FUTEX_WAITERS)
				(void)futex_wake(addr, 1, UINT32_MAX);
			return;
		}
		old = seen;
	}
}

static void
walk_robust(uint64_t head, uint32_t tid)
{
	struct {
		abi_ulong next, offset, pending;
	} list;
	abi_ulong at, next;

	if (copy_in(&list, head, sizeof list) != 0)
		return;
	at = list.next & ~(abi_ulong)1;
	for (int n = 0; n < ROBUST_MAX && at != head; n++) {
		if (copy_in(&next, at, sizeof next) != 0)
			break;
		if (at != (list.pending & ~(abi_ulong)1))
			release_robust(at + list.offset, tid);
		at = next & ~(abi_ulong)1;
	}
	if (list.pending != 0)
		release_robust((list.pending & ~(abi_ulong)1) + list.offset,
		    tid);
}

void
futex_exit(struct task *t)
{
	const uint32_t zero = 0;

	if (t->robust_list != 0)
		walk_robust(t->robust_list, (uint32_t)t->tid);
	/* Nobody can see the word of a space that ends with its task. */
	if (t->clear_tid != 0 && t->process->space->refs +
	    t->process->ntasks > 2) {
		if (copy_out(t->clear_tid, &zero, sizeof zero) == 0)
			(void)futex_wake(t->clear_tid, 1, UINT32_MAX);
	}
	t->robust_list = t->clear_tid = 0;
}
