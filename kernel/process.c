/*
 * process.c - processes and tasks: their tables and ids, groups, figures, the first one.
 *
 * Invariant: a process is in process_list and in the table of pids until it is
 *   reaped; a task in its process's list and in the table of tids until it
 *   ends. The first task's tid is the pid, which stays taken as long as a
 *   process, task, group or session bears it.
 * Invariant: who reads another's space, files or fs takes a reference under
 *   proc_lock; who gives its own up clears the pointer under it first.
 */
#include <caches.h>
#include <fs/tty.h>
#include <fs/vfs.h>
#include <process_i.h>

#define BUCKETS 256u
/* So many that a free id is always near. */
#define TASKS_MAX (PID_MAX * 3u / 4)

struct spinlock proc_lock;
struct list process_list = {&process_list, &process_list};
struct process *init_process;

static struct tome_cache *processes, *tasks;
static struct process *pid_table[BUCKETS];
static struct task *tid_table[BUCKETS];
static int last_id;
static bool ids_wrapped;
static unsigned total_tasks;	/* under proc_lock */

void
process_start(void)
{
	processes = cache_new("process", sizeof(struct process));
	tasks = cache_new("task", sizeof(struct task));
	space_start();
}

struct process *
process_alloc(void)
{
	struct process *p = tome_cache_alloc(processes);

	if (p == NULL)
		return NULL;
	memset(p, 0, sizeof *p);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->all);
	list_init(&p->tasks);
	pending_init(&p->pending);
	p->start_ns = clock_ns();
	return p;
}

struct task *
task_alloc(struct process *p)
{
	struct task *t = tome_cache_alloc(tasks);

	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof *t);
	t->process = p;
	t->altstack.flags = SS_DISABLE;
	list_init(&t->peers);
	pending_init(&t->pending);
	return t;
}

void
process_dispose(struct process *p)
{
	tome_cache_free(processes, p);
}

void
task_dispose(struct task *t)
{
	tome_cache_free(tasks, t);
}

/* ---- ids and tables: proc_lock held ---- */

struct process *
process_find(int pid)
{
	struct process *p = pid_table[(unsigned)pid % BUCKETS];

	while (p != NULL && p->pid != pid)
		p = p->hash_next;
	return p;
}

struct task *
task_find(int tid)
{
	struct task *t = tid_table[(unsigned)tid % BUCKETS];

	while (t != NULL && t->tid != tid)
		t = t->hash_next;
	return t;
}

static bool
id_is_taken(int id)
{
	struct process *p;

	if (!ids_wrapped)
		return false;
	if (process_find(id) != NULL || task_find(id) != NULL)
		return true;
	list_each(p, &process_list, all)
		if (p->pgid == id || p->sid == id)
			return true;
	return false;
}

int
id_new(void)
{
	do {
		if (++last_id >= PID_MAX) {
			last_id = 300;	/* low ones are the first's */
			ids_wrapped = true;
		}
	} while (id_is_taken(last_id));
	return last_id;
}

static void
task_hash(struct task *t)
{
	struct task **b = &tid_table[(unsigned)t->tid % BUCKETS];

	t->hash_next = *b;
	*b = t;
}

static void
task_unhash(struct task *t)
{
	struct task **b = &tid_table[(unsigned)t->tid % BUCKETS];

	while (*b != t)
		b = &(*b)->hash_next;
	*b = t->hash_next;
}

static void
process_hash(struct process *p)
{
	struct process **b = &pid_table[(unsigned)p->pid % BUCKETS];

	p->hash_next = *b;
	*b = p;
}

static void
process_unhash(struct process *p)
{
	struct process **b = &pid_table[(unsigned)p->pid % BUCKETS];

	while (*b != p)
		b = &(*b)->hash_next;
	*b = p->hash_next;
}

void
process_enter(struct process *p)
{
	process_hash(p);
	list_add_tail(&process_list, &p->all);
}

void
process_leave(struct process *p)
{
	process_unhash(p);
	list_remove(&p->all);
}

void
task_enter(struct process *p, struct task *t)
{
	task_hash(t);
	list_add_tail(&p->tasks, &t->peers);
	p->ntasks++;
	p->live_tasks++;
	total_tasks++;
}

void
task_leave(struct task *t)
{
	task_unhash(t);
	list_remove(&t->peers);
	t->process->ntasks--;
	total_tasks--;
}

void
task_rename(struct task *t, int tid)
{
	task_unhash(t);
	t->tid = tid;
	task_hash(t);
}

bool
tasks_are_many(void)
{
	return total_tasks >= TASKS_MAX;
}

/* ---- groups ---- */

/* A member whose parent is in the session but not in the group keeps it. */
bool
group_is_orphaned_locked(int pgid)
{
	struct process *p;

	list_each(p, &process_list, all)
		if (p->pgid == pgid && !p->zombie && p->parent != NULL &&
		    p->parent->pgid != pgid && p->parent->sid == p->sid)
			return false;
	return true;
}

bool
group_is_orphaned(int pgid)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	bool orphaned = group_is_orphaned_locked(pgid);

	spin_unlock_irq(&proc_lock, irq);
	return orphaned;
}

bool
group_in_session(int pgid, int sid)
{
	struct process *p;

	list_each(p, &process_list, all)
		if (p->pgid == pgid && p->sid == sid)
			return true;
	return false;
}

/* ---- figures ---- */

uint64_t
process_limit(struct process *p, unsigned which)
{
	return p->limit[which].cur;
}

uint64_t
process_cpu_ns(struct process *p)
{
	uint64_t ns = p->dead_cpu_ns;
	struct task *t;

	list_each(t, &p->tasks, peers)
		ns += thread_cpu_ns(t->thread);
	return ns;
}

/* How large a space was is known of one that lives: counting costs as much as the end
 * of a small one. */
void
process_usage(struct process *p, struct rusage *u)
{
	uint64_t read = p->dead_bytes_read;
	struct task *t;

	*u = (struct rusage){.utime = ns_timeval(process_cpu_ns(p)),
		.minflt = (abi_long)p->dead_minflt,
		.majflt = (abi_long)p->dead_majflt};
	list_each(t, &p->tasks, peers) {
		u->minflt += (abi_long)t->minflt;
		u->majflt += (abi_long)t->majflt;
		read += t->bytes_read;
	}
	u->inblock = (abi_long)(read >> 9);
}

/* ---- the first ---- */

static void
init_limits(struct process *p)
{
	for (int i = 0; i < RLIMITS; i++)
		p->limit[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	p->limit[RLIMIT_STACK].cur = 8u << 20;
	p->limit[RLIMIT_CORE].cur = 0;
	p->limit[RLIMIT_NOFILE] = (struct rlimit){1024, 4096};
	p->limit[RLIMIT_MEMLOCK] = (struct rlimit){8u << 20, 8u << 20};
	p->limit[RLIMIT_NPROC] = (struct rlimit){PID_MAX / 2, PID_MAX / 2};
	p->limit[RLIMIT_NICE] = p->limit[RLIMIT_RTPRIO] =
	    (struct rlimit){0, 0};
}

void
process_become_init(void)
{
	struct process *p = process_alloc();
	struct task *t = p == NULL ? NULL : task_alloc(p);
	uintptr_t irq;

	if (t == NULL || (p->sighand = sighand_new()) == NULL ||
	    (t->files = files_new()) == NULL || (t->fs = fs_new()) == NULL)
		panic("no memory for the first process");
	init_limits(p);
	p->dumpable = 1;
	p->cred.effective = p->cred.permitted = CAP_ALL;
	p->exit_signal = SIGCHLD;
	t->thread = current();
	current()->personal = t;
	current()->process = p;
	irq = spin_lock_irq(&proc_lock);
	t->tid = p->pid = p->pgid = p->sid = id_new();
	process_enter(p);
	task_enter(p, t);
	init_process = p;
	spin_unlock_irq(&proc_lock, irq);
	tty_adopt(&console_tty, p);
}
