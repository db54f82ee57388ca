/*
 * clone.c - a new process or task, with what it shares and what it has of its own.
 *
 * All of it is made before anything is visible: then it is entered, which cannot fail.
 */
#include <fs/vfs.h>
#include <process_i.h>

static struct process *process_new(const struct clone_args *);
static int share(struct process *, struct task *, uint64_t flags);
static void process_free(struct process *);
static void task_drop(struct task *);

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
	process_dispose(p);
}

static void
task_drop(struct task *t)
{
	files_unref(t->files);
	fs_unref(t->fs);
	task_dispose(t);
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
	t->refused = current_task()->refused;
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
	task_enter(p, t);
	if (flags & CLONE_THREAD)
		return;
	p->pid = t->tid;
	process_enter(p);
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
	    tasks_are_many()) {
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
		t = task_alloc(p);
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
