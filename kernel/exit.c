/*
 * exit.c - the end of tasks and processes, and what becomes of their children and groups.
 *
 * A task gives up what it has, then leaves the tables. With the last one the process is a
 * zombie, unless its parent does not care; a parent that waits reaps it.
 */
#include <audit.h>
#include <fs/tty.h>
#include <fs/vfs.h>
#include <ipc.h>
#include <oom.h>
#include <process_i.h>

/* ---- groups that nobody continues ---- */

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
	/* Whoever execs becomes the process's first task. */
	if (single && me->tid != p->pid)
		task_rename(me, p->pid);
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
	process_leave(p);
	list_remove(&p->sibling);
	pending_flush(&p->pending, ~(sigset_t)0);
	p->parent = NULL;
}

void
process_reap(struct process *p)
{
	sighand_unref(p->sighand);
	process_dispose(p);
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
	p->dead_bytes_read += t->bytes_read;
	task_leave(t);
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
	task_dispose(t);
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
