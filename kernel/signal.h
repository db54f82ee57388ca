/*
 * signal.h - posting, choosing and delivering signals.
 *
 * Posting needs proc_lock and no memory when a queue entry is at hand; a
 * signal without one is delivered as the kernel's own (SI_KERNEL). Delivery is
 * the task's own business, before it returns to user mode (user_return).
 */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include <abi.h>
#include <list.h>
#include <stdbool.h>
#include <sync.h>

struct process;
struct task;
struct trap_frame;

/* What siginfo tells, in short. */
struct sigqueue {
	struct list link;
	bool queued, allocated;
	int signo, code, pid, status;
	uint32_t uid;
	uint64_t value;			/* sival, or the fault's address */
};

struct pending {
	sigset_t set;
	struct list queue;
};

/* Actions, shared by CLONE_SIGHAND. Under proc_lock. */
struct sighand {
	_Atomic uint32_t refs;
	struct sigaction action[NSIG];	/* [0] unused */
};

/* How an interrupted call goes on, if no handler runs. */
struct restart {
	int code;			/* ERESTART..., or 0 */
	uint64_t clock, deadline, remain;	/* for ERESTART_BLOCK */
	bool old_time;			/* remain has words of 32 bits */
};

void signal_start(void);
void pending_init(struct pending *);
void pending_flush(struct pending *, sigset_t);	/* proc_lock held */
struct sighand *sighand_new(void);		/* all default */
struct sighand *sighand_copy(struct sighand *);
void sighand_unref(struct sighand *);
void sighand_exec(struct sighand *);		/* handlers to default */

/* A queue entry for signal_post_*; NULL is legal there. */
struct sigqueue *sigqueue_new(int signo, int code, int pid, uint32_t uid,
    uint64_t value);
void sigqueue_free(struct sigqueue *);

/*
 * Post to a process or a task. proc_lock held. True: the entry was taken over;
 * false: the caller still owns it.
 */
bool signal_post(struct process *, int signo, struct sigqueue *);
bool signal_post_task(struct task *, int signo, struct sigqueue *);
/* To every process of a group; from interrupts too. proc_lock not held. */
void signal_group(int pgid, int signo);
/* A fault of the running task: cannot be blocked or ignored. */
void signal_force(int signo, int code, uint64_t address);

/* Recompute whether the task has something to deliver. proc_lock held. */
void signal_check(struct task *);
/*
 * An action was set; what is ignored now is no longer pending. proc_lock held.
 */
void signal_action_changed(struct process *, int signo);
/* Something unblocked is pending for the caller. */
bool signal_waiting(void);
/* Block exactly `set` (less SIGKILL and SIGSTOP). */
void signal_set_blocked(sigset_t);
/*
 * The same until the call is over: sigsuspend, ppoll. If it is interrupted, the
 * old set returns after the handler's frame was made; else
 * signal_resume_blocked brings it back.
 */
void signal_suspend_blocked(sigset_t);
void signal_resume_blocked(void);
void siginfo_fill(struct siginfo *, const struct sigqueue *);
/* Take a pending signal of a set; 0: none. proc_lock held. */
int signal_take(struct task *, sigset_t from, struct sigqueue *);
/* A task stopped or ended: is the whole process stopped now? proc_lock held. */
void signal_stop_progress(struct process *);
/* Tell p's parent of a change of state. proc_lock held. */
void signal_parent(struct process *p, int code, int status);

/* The least alternate stack that sigaltstack(2) takes. */
#define SIGSTACK_MIN 2048u

/* x86_64/sigframe.c: push a frame for the handler and point the registers at
 * it; false: the stack could not take it. */
bool sigframe_push(struct trap_frame *, int signo, const struct siginfo *,
    const struct sigaction *, sigset_t blocked);
/* What a frame takes at most: AT_MINSIGSTKSZ. */
size_t sigframe_size(void);
/* Undo it. False: no frame there that could be. */
bool sigframe_pop(struct trap_frame *, sigset_t *blocked);
/* Make the call in the frame run again, or restart_syscall(2) in its place. */
void frame_restart(struct trap_frame *, bool block);
void frame_set_result(struct trap_frame *, int64_t);
int64_t frame_result(const struct trap_frame *);
uint64_t frame_stack(const struct trap_frame *);
void frame_set_stack(struct trap_frame *, uint64_t);
struct thread;
void thread_set_tls(struct thread *, uint64_t);

#endif
