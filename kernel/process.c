/*
 * process.c - processes and tasks: ids, clone, exit, groups.
 *
 * Invariant: a process is in process_list and in the table of pids until it is
 *   reaped; a task in its process's list and in the table of tids until it
 *   ends. The first task's tid is the pid, which stays taken as long as a
 *   process, task, group or session bears it.
 * Invariant: who reads another's space, files or fs takes a reference under
 *   proc_lock; who gives its own up clears the pointer under it first.
 */
#include <audit.h>
#include <caches.h>
#include <process.h>
#include <fs/tty.h>
#include <fs/vfs.h>
#include <group.h>
#include <ipc.h>
#include <mm.h>
#include <oom.h>
#include <personality.h>

#define BUCKETS 256u

struct spinlock proc_lock;
struct list process_list = {&process_list, &process_list};
struct process *init_process;

static struct tome_cache *processes, *tasks, *spaces;
static struct process *pid_table[BUCKETS];
static struct task *tid_table[BUCKETS];
static int last_id;
static bool ids_wrapped;
static unsigned total_tasks;	/* under proc_lock */

/* So many that a free id is always near. */
#define TASKS_MAX (PID_MAX * 3u / 4)
/* Below so many free frames the memory of who ended is not left for later. */
#define FRAMES_SCARCE 1024u

static struct process *process_new(const struct clone_args *);
static int share(struct process *, struct task *, uint64_t flags);
static void process_free(struct process *);
static struct task *task_new(struct process *);
static void task_drop(struct task *);

void
process_start(void)
{
	processes = cache_new("process", sizeof(struct process));
	tasks = cache_new("task", sizeof(struct task));
	spaces = cache_new("space", sizeof(struct space));
}

/* ---- ids: proc_lock held ---- */

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

static int
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

/* ---- spaces ---- */

struct space *
space_new(const struct mm_start *start)
{
	const struct tome_posix_config config = {
		.map = start->map, .shm = mm_shm, .brk_start = start->brk,
		.data_bytes = start->data_bytes,
	};
	struct space *s = tome_cache_alloc(spaces);

	if (s == NULL)
		return NULL;
	*s = (struct space){.refs = 1};
	if (tome_posix_create(&config, &s->posix) != TOME_OK) {
		tome_cache_free(spaces, s);
		return NULL;
	}
	s->map = start->map;
	s->group = group_own();
	return s;
}

void
space_ref(struct space *s)
{
	atomic_fetch_add(&s->refs, 1);
}

void
space_unref(struct space *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->group != NULL)
		group_leave(s->map);
	tome_posix_destroy(s->posix);
	group_unref(s->group);
	dentry_unref(s->exe);
	tome_cache_free(spaces, s);
	/* A fault waits for epochs to end before it gives up; the kernel's own
	 * allocations do not. */
	if (tome_frames_free_count(the_vm) < FRAMES_SCARCE)
		tome_vm_quiesce(the_vm, false);
}

struct space *
space_of(struct process *p)
{
	struct space *s = p->space;

	if (s != NULL)
		space_ref(s);
	return s;
}

static struct space *
space_fork(struct space *from)
{
	struct space *s = tome_cache_alloc(spaces);

	if (s == NULL)
		return NULL;
	*s = *from;
	s->refs = 1;
	if (tome_posix_fork(from->posix, &s->posix) != TOME_OK) {
		tome_cache_free(spaces, s);
		return NULL;
	}
	s->map = tome_posix_map(s->posix);
	s->group = group_ref(from->group);
	if (s->exe != NULL)
		dentry_ref(s->exe);
	return s;
}

/* The parent of a vfork may go on. proc_lock held. */
static void
vfork_release(struct process *p)
{
	struct task *t = p->vfork_parent;

	p->vfork_parent = NULL;
	if (t == NULL)
		return;
	t->vfork_child = NULL;
	atomic_fetch_add(&t->vfork_event, 1);
	word_wake(&t->vfork_event, 1);
}

void
process_set_space(struct space *s)
{
	struct process *p = current_process();
	struct space *old;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	old = p->space;
	p->space = s;
	spin_unlock_irq(&proc_lock, irq);
	posix_timers_discard(p);	/* exec and the end keep none */
	thread_use_pmap(s == NULL ? NULL : tome_map_pmap(s->map));
	space_unref(old);
	irq = spin_lock_irq(&proc_lock);
	vfork_release(p);
	spin_unlock_irq(&proc_lock, irq);
}

/* ---- clone ---- */

static int64_t
clone_check(const struct clone_args *args)
{
	uint64_t f = args->flags;

	if (f & CLONE_NAMESPACES)
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (!(f & CLONE_VM) ||
	    (f & CLONE_CLEAR_SIGHAND)))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_THREAD))
		return -EINVAL;
	if ((f & CLONE_PARENT) && current_process() == init_process)
		return -EINVAL;
	return args->exit_signal >= NSIG ? -EINVAL : 0;
}

static void
inherit(struct process *p, struct process *from)
{
	uintptr_t irq;

	memcpy(p->comm, from->comm, sizeof p->comm);
	spin_lock(&from->limit_lock);
	memcpy(p->limit, from->limit, sizeof p->limit);
	p->cred = from->cred;
	spin_unlock(&from->limit_lock);
	p->oom_score_adj = from->oom_score_adj;
	p->persona = from->persona;
	p->dumpable = from->dumpable;
	irq = spin_lock_irq(&proc_lock);
	p->pgid = from->pgid;
	p->sid = from->sid;
	p->tty = from->tty;
	spin_unlock_irq(&proc_lock, irq);
}

static struct process *
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

static struct process *
process_new(const struct clone_args *args)
{
	struct process *p = process_alloc();

	if (p == NULL)
		return NULL;
	inherit(p, current_process());
	p->exit_signal = (int)args->exit_signal;
	return p;
}

/* What a new process has of its own, and what it shares. */
static int
share(struct process *p, struct task *t, uint64_t flags)
{
	struct process *from = current_process();

	if (flags & CLONE_SIGHAND) {
		p->sighand = from->sighand;
		atomic_fetch_add(&p->sighand->refs, 1);
	} else {
		p->sighand = (flags & CLONE_CLEAR_SIGHAND) ? sighand_new() :
		    sighand_copy(from->sighand);
	}
	if (p->sighand == NULL)
		return -ENOMEM;
	if (flags & CLONE_VM)
		space_ref(p->space = from->space);
	else
		p->space = space_fork(from->space);
	if (!(flags & CLONE_VM) || (flags & CLONE_VFORK))
		t->altstack = current_task()->altstack;
	return p->space == NULL ? -ENOMEM : 0;
}

/* Nothing of it was ever visible. */
static void
process_free(struct process *p)
{
	if (p->sighand != NULL)
		sighand_unref(p->sighand);
	space_unref(p->space);
	itimer_discard(p);
	tome_cache_free(processes, p);
}

static struct task *
task_new(struct process *p)
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

static void
task_drop(struct task *t)
{
	files_unref(t->files);
	fs_unref(t->fs);
	tome_cache_free(tasks, t);
}

static int
share_files(struct task *t, uint64_t flags)
{
	struct task *from = current_task();

	if (flags & CLONE_FILES)
		files_ref(t->files = from->files);
	else
		t->files = files_copy(from->files);
	if (flags & CLONE_FS)
		atomic_fetch_add(&(t->fs = from->fs)->refs, 1);
	else
		t->fs = fs_copy(from->fs);
	return t->files == NULL || t->fs == NULL ? -ENOMEM : 0;
}

static int
make_thread(struct task *t, const struct clone_args *args)
{
	struct thread *me = current(), *th;
	struct trap_frame *f;

	th = thread_create_user(me->name, me->frame, false);
	if (th == NULL)
		return -ENOMEM;
	t->thread = th;
	th->personal = t;
	th->process = t->process;
	th->pmap = tome_map_pmap(t->process->space->map);
	f = th->frame;
	frame_set_result(f, 0);
	if (args->stack != 0)
		frame_set_stack(f, args->stack + args->stack_size);
	if (args->flags & CLONE_SETTLS)
		thread_set_tls(th, args->tls);
	if (args->flags & CLONE_CHILD_SETTID)
		t->set_tid = args->child_tid;
	if (args->flags & CLONE_CHILD_CLEARTID)
		t->clear_tid = args->child_tid;
	t->blocked = current_task()->blocked;
	if (t->set_tid != 0)
		atomic_fetch_or(&th->work, WORK_SIGNAL);
	return 0;
}

/* All is made: enter it in the tables and lists. proc_lock held. */
static void
publish(struct process *p, struct task *t, uint64_t flags)
{
	struct process *me = current_process();

	t->tid = id_new();
	task_hash(t);
	list_add_tail(&p->tasks, &t->peers);
	p->ntasks++;
	p->live_tasks++;
	total_tasks++;
	if (flags & CLONE_THREAD)
		return;
	p->pid = t->tid;
	process_hash(p);
	list_add_tail(&process_list, &p->all);
	p->parent = (flags & CLONE_PARENT) ? me->parent : me;
	if (flags & CLONE_PARENT)
		p->exit_signal = me->exit_signal;
	p->parent_pid = p->parent->pid;
	list_add_tail(&p->parent->children, &p->sibling);
	if (flags & CLONE_VFORK) {
		p->vfork_parent = current_task();
		current_task()->vfork_child = p;
	}
}

static void
vfork_wait(void)
{
	struct task *t = current_task();
	struct process *p = t->process;
	uint32_t seen;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	while (t->vfork_child != NULL && !p->group_exit) {
		seen = t->vfork_event;
		spin_unlock_irq(&proc_lock, irq);
		(void)word_wait(&t->vfork_event, seen, TOME_FOREVER, false);
		irq = spin_lock_irq(&proc_lock);
	}
	if (t->vfork_child != NULL)
		t->vfork_child->vfork_parent = NULL;
	t->vfork_child = NULL;
	spin_unlock_irq(&proc_lock, irq);
}

static int64_t
clone_start(struct process *p, struct task *t, const struct clone_args *args,
    struct file *pidfd)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int32_t tid;

	/*
	 * A dying process gets no new task: it would outlive the others. Nor
	 * does anyone when ids run short.
	 */
	if (current_process()->group_exit ||
	    current_process()->exec_task != NULL ||
	    total_tasks >= TASKS_MAX) {
		spin_unlock_irq(&proc_lock, irq);
		return -EAGAIN;
	}
	publish(p, t, args->flags);
	if (pidfd != NULL)
		pidfd_set(pidfd, p);
	tid = t->tid;
	spin_unlock_irq(&proc_lock, irq);
	if (args->flags & CLONE_PARENT_SETTID)
		(void)copy_out(args->parent_tid, &tid, sizeof tid);
	thread_start(t->thread);
	if (args->flags & CLONE_VFORK)
		vfork_wait();
	return tid;
}

/* The child's table is made already: it does not get this one. */
static int64_t
start_with_pidfd(struct process *p, struct task *t,
    const struct clone_args *args)
{
	struct file *f;
	int32_t fd;
	int64_t result;

	if (!(args->flags & CLONE_PIDFD))
		return clone_start(p, t, args, NULL);
	f = pidfd_new(0);
	if (f == NULL)
		return -ENOMEM;
	file_ref(f);		/* another task may close it at once */
	fd = fd_install(f, 0, true);
	result = fd < 0 ? fd : copy_out(args->pidfd, &fd, sizeof fd);
	if (result == 0)
		result = clone_start(p, t, args, f);
	if (fd < 0)
		file_unref(f);
	else if (result < 0)
		(void)fd_close(fd);
	file_unref(f);
	return result;
}

int64_t
process_clone(const struct clone_args *args)
{
	bool own = !(args->flags & CLONE_THREAD);
	struct process *p;
	struct task *t = NULL;
	int64_t result = clone_check(args);

	if (result != 0)
		return result;
	p = own ? process_new(args) : current_process();
	if (p != NULL)
		t = task_new(p);
	result = t == NULL ? -ENOMEM : 0;
	if (result == 0 && own)
		result = share(p, t, args->flags);
	if (result == 0)
		result = share_files(t, args->flags);
	if (result == 0)
		result = make_thread(t, args);
	if (result == 0)
		result = start_with_pidfd(p, t, args);
	if (result >= 0)
		return result;
	if (t != NULL && t->thread != NULL)
		thread_discard(t->thread);
	if (t != NULL)
		task_drop(t);
	if (own && p != NULL)
		process_free(p);
	return result;
}

bool
task_own_files(struct task *t)
{
	struct files *own, *old = t->files;
	uintptr_t irq;

	if (old->refs == 1)
		return true;
	own = files_copy(old);
	if (own == NULL)
		return false;
	irq = spin_lock_irq(&proc_lock);
	t->files = own;
	spin_unlock_irq(&proc_lock, irq);
	files_unref(old);
	return true;
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

static bool
group_has_stopped(int pgid)
{
	struct process *p;

	list_each(p, &process_list, all)
		if (p->pgid == pgid && p->stop == STOPPED)
			return true;
	return false;
}

/* Stopped jobs that nobody can continue any more are hung up. */
static void
hang_up_orphans(int pgid, bool was_orphaned)
{
	struct process *p;

	if (was_orphaned || !group_has_stopped(pgid) ||
	    !group_is_orphaned_locked(pgid))
		return;
	list_each(p, &process_list, all)
		if (p->pgid == pgid) {
			(void)signal_post(p, SIGHUP, NULL);
			(void)signal_post(p, SIGCONT, NULL);
		}
}

/* ---- the end ---- */

void
process_kill(struct process *p, int status)
{
	struct task *t;

	if (p->group_exit || p->zombie)
		return;
	p->group_exit = true;
	p->exit_status = status;
	atomic_fetch_add(&p->stop_word, 1);
	word_wake(&p->stop_word, UINT32_MAX);
	atomic_fetch_add(&p->tasks_event, 1);
	word_wake(&p->tasks_event, UINT32_MAX);
	list_each(t, &p->tasks, peers) {
		atomic_fetch_add(&t->vfork_event, 1);
		word_wake(&t->vfork_event, 1);
		thread_interrupt(t->thread, WORK_SIGNAL);
	}
}

bool
process_single(void)
{
	struct process *p = current_process();
	struct task *me = current_task(), *t;
	uintptr_t irq = spin_lock_irq(&proc_lock);
	uint32_t seen;
	bool single;

	if (p->exec_task != NULL || p->group_exit) {
		spin_unlock_irq(&proc_lock, irq);
		return false;
	}
	if (p->ntasks > 1) {
		p->exec_task = me;
		atomic_fetch_add(&p->stop_word, 1);
		word_wake(&p->stop_word, UINT32_MAX);
		list_each(t, &p->tasks, peers)
			if (t != me)
				thread_interrupt(t->thread, WORK_SIGNAL);
	}
	while (p->ntasks > 1 && !p->group_exit) {
		seen = p->tasks_event;
		spin_unlock_irq(&proc_lock, irq);
		(void)word_wait(&p->tasks_event, seen, TOME_FOREVER, false);
		irq = spin_lock_irq(&proc_lock);
	}
	p->exec_task = NULL;
	single = !p->group_exit;
	if (single && me->tid != p->pid) {
		/* Whoever execs becomes the process's first task. */
		task_unhash(me);
		me->tid = p->pid;
		task_hash(me);
	}
	spin_unlock_irq(&proc_lock, irq);
	return single;
}

/* To PID 1, which also reaps those that are dead already. proc_lock held. */
static void
give_children_away(struct process *p)
{
	struct process *c, *next;

	list_each_safe(c, next, &p->children, sibling) {
		bool orphaned = group_is_orphaned_locked(c->pgid);

		list_remove(&c->sibling);
		c->parent = init_process;
		c->parent_pid = init_process->pid;
		c->exit_signal = SIGCHLD;
		list_add_tail(&init_process->children, &c->sibling);
		if (c->parent_death_signal != 0)
			(void)signal_post(c, c->parent_death_signal, NULL);
		if (c->zombie)
			signal_parent(c, CLD_EXITED, 0);
		hang_up_orphans(c->pgid, orphaned);
	}
}

static bool
parent_ignores(struct process *p)
{
	const struct sigaction *act;

	if (p->parent == NULL || p->exit_signal != SIGCHLD)
		return p->exit_signal == 0 && p->parent == NULL;
	act = &p->parent->sighand->action[SIGCHLD];
	return act->handler == SIG_IGN || (act->flags & SA_NOCLDWAIT);
}

/* Out of the tree; the caller frees it. proc_lock held. */
void
process_unlink(struct process *p)
{
	process_unhash(p);
	list_remove(&p->all);
	list_remove(&p->sibling);
	pending_flush(&p->pending, ~(sigset_t)0);
	p->parent = NULL;
}

void
process_reap(struct process *p)
{
	sighand_unref(p->sighand);
	tome_cache_free(processes, p);
}

/* The last task went. proc_lock held. True: nobody waits for it. */
static bool
become_zombie(struct process *p)
{
	int status = p->exit_status;
	bool orphaned = group_is_orphaned_locked(p->pgid);

	give_children_away(p);
	p->zombie = true;
	hang_up_orphans(p->pgid, orphaned);
	p->autoreap = parent_ignores(p);
	signal_parent(p, (status & 0x7f) == 0 ? CLD_EXITED : CLD_KILLED,
	    (status & 0x7f) == 0 ? status >> 8 : status & 0x7f);
	poll_notify();		/* who holds a pidfd of it */
	if (p->autoreap)
		process_unlink(p);
	return p->autoreap;
}

/* What the last task gives up before the process is dead for others. */
static void
release_process(struct process *p)
{
	itimer_discard(p);
	if (p == init_process) {
		scarce_tell();
		content_sync_all();
		audit();
		machine_off((p->exit_status & 0x7f) == 0 ?
		    p->exit_status >> 8 & 0xff :
		    128 + (p->exit_status & 0x7f));
	}
	if (p->pid == p->sid && p->tty != NULL)
		tty_disown(p->tty, p->sid);
	sem_exit(p->pid);
	process_set_space(NULL);
}

static bool
is_last_task(struct process *p, int status)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	bool last = --p->live_tasks == 0;

	if (last && !p->group_exit) {
		p->group_exit = true;
		p->exit_status = status;
	}
	spin_unlock_irq(&proc_lock, irq);
	return last;
}

static void
drop_files(struct task *t)
{
	struct files *files;
	struct fs *fs;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	files = t->files;
	fs = t->fs;
	t->files = NULL;
	t->fs = NULL;
	spin_unlock_irq(&proc_lock, irq);
	files_unref(files);
	fs_unref(fs);
}

_Noreturn void
task_exit(int status)
{
	struct thread *me = current();
	struct task *t = me->personal;
	struct process *p = t->process;
	bool reap = false;
	uintptr_t irq;

	scarce_end();
	/* The last task drops the space: who is not the last has left it. */
	futex_exit(t);
	thread_use_pmap(NULL);
	if (is_last_task(p, status))
		release_process(p);
	drop_files(t);
	irq = spin_lock_irq(&proc_lock);
	p->dead_cpu_ns += thread_cpu_ns(me);
	p->dead_minflt += t->minflt;
	p->dead_majflt += t->majflt;
	task_unhash(t);
	list_remove(&t->peers);
	p->ntasks--;
	total_tasks--;
	pending_flush(&t->pending, ~(sigset_t)0);
	me->process = NULL;
	me->personal = NULL;
	if (p->ntasks == 0) {
		reap = become_zombie(p);
	} else {
		signal_stop_progress(p);
		atomic_fetch_add(&p->tasks_event, 1);
		word_wake(&p->tasks_event, UINT32_MAX);
	}
	spin_unlock_irq(&proc_lock, irq);
	tome_cache_free(tasks, t);
	if (reap)
		process_reap(p);
	thread_exit();
}

_Noreturn void
process_exit(int status)
{
	struct process *p = current_process();
	uintptr_t irq = spin_lock_irq(&proc_lock);

	if (p->ntasks > 1)
		process_kill(p, status);
	spin_unlock_irq(&proc_lock, irq);
	task_exit(status);
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

void
process_usage(struct process *p, struct rusage *u)
{
	struct task *t;

	*u = (struct rusage){.utime = ns_timeval(process_cpu_ns(p)),
		.minflt = (int64_t)p->dead_minflt,
		.majflt = (int64_t)p->dead_majflt};
	list_each(t, &p->tasks, peers) {
		u->minflt += (int64_t)t->minflt;
		u->majflt += (int64_t)t->majflt;
	}
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
	struct task *t = p == NULL ? NULL : task_new(p);
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
	task_hash(t);
	process_hash(p);
	list_add_tail(&process_list, &p->all);
	list_add_tail(&p->tasks, &t->peers);
	p->ntasks = p->live_tasks = total_tasks = 1;
	init_process = p;
	spin_unlock_irq(&proc_lock, irq);
	tty_adopt(&console_tty, p);
}
