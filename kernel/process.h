/*
 * process.h - processes, their threads (tasks), and what they share.
 *
 * A process is what the parent waits for; a task is one thread of it, the
 * personality's part of a struct thread. Address space, descriptor table, fs
 * and signal actions are counted, because clone(2) can share each.
 *
 * Locks: proc_lock guards the tree (parents, children, groups, sessions, the
 * table of ids) and all signal state. It is taken with interrupts off, because
 * timers and the console post signals, and it is innermost but for the locks of
 * the scheduler and of Tome's caches.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <abi.h>
#include <lib.h>
#include <list.h>
#include <machine.h>
#include <sched.h>
#include <signal.h>
#include <sync.h>
#include <tome/posix.h>

struct dentry;
struct file;
struct files;
struct fs;
struct tty;

#define PID_MAX 32768

/* Capabilities that something here asks for; the others are kept and told. */
enum {
	CAP_KILL = 5, CAP_SETGID = 6, CAP_SETUID = 7,
	CAP_NET_BIND_SERVICE = 10, CAP_IPC_LOCK = 14, CAP_IPC_OWNER = 15,
	CAP_SYS_CHROOT = 18, CAP_SYS_PTRACE = 19, CAP_SYS_ADMIN = 21,
	CAP_SYS_BOOT = 22, CAP_SYS_NICE = 23, CAP_SYS_RESOURCE = 24, CAP_SYS_TIME = 25,
	CAP_MKNOD = 27,
};
#define CAP_ALL 0x1ffffffffffull

struct cred {
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid, ngroups;
	uint32_t group[32];
	uint64_t effective, permitted, inheritable;	/* bit n: capability n */
	bool keep;			/* leaving 0 keeps what is permitted */
};
static inline bool
cred_can(const struct cred *c, unsigned capability)
{
	return c->effective >> capability & 1;
}

/* An address space and what exec laid out in it. */
struct space {
	_Atomic uint32_t refs;
	/* Constant after exec. */
	struct tome_posix *posix;
	struct tome_map *map;		/* of posix */
	struct dentry *exe;
	struct group *group;		/* counted; changes: group.c */
	uint64_t arg_start, arg_end, env_start, env_end, code_start, code_end,
	    stack_start;
};

#define ADDR_NO_RANDOMIZE 0x0040000u

struct process {
	int pid;			/* constant */
	struct space *space;		/* own tasks: constant between execs;
					 * others: space_of() */
	struct sighand *sighand;	/* as space */
	char comm[16];			/* may tear */
	uint64_t start_ns;		/* constant */

	/* Under proc_lock. */
	struct process *parent;		/* NULL: PID 1 and the reaped */
	_Atomic int parent_pid;
	struct list children, sibling;
	struct list all;		/* in process_list */
	struct process *hash_next;
	struct list tasks;
	unsigned ntasks, live_tasks;	/* in the list; not yet ending */
	int pgid, sid;
	struct tty *tty;
	int exit_signal;		/* to the parent, 0: none */
	int parent_death_signal;
	struct pending pending;
	struct sigqueue child_queue;	/* SIGCHLD, allocated already */
	bool group_exit, zombie, execed, autoreap;
	int exit_status;		/* as wait4 gives it */
	struct task *exec_task;		/* all others are to end */
	enum { RUNNING, STOPPING, STOPPED } stop;
	unsigned stopped_tasks;
	int stop_signal;
	bool report_stop, report_continue;
	_Atomic uint32_t stop_word;	/* tasks sleep on it while stopped */
	uint64_t dead_cpu_ns;		/* of tasks that have ended */
	uint64_t dead_minflt, dead_majflt, dead_bytes_read;
	struct rusage children_usage;

	_Atomic uint32_t child_event;	/* wait4 sleeps on it */
	_Atomic uint32_t tasks_event;	/* exec waits for others to end */
	struct task *vfork_parent;	/* under proc_lock */

	struct spinlock limit_lock;
	struct rlimit limit[RLIMITS];	/* under limit_lock */
	struct cred cred;		/* own tasks write, under limit_lock */
	int oom_score_adj;
	_Atomic uint32_t persona;	/* personality(2) */
	_Atomic uint32_t dumpable;

	/* ITIMER_REAL: its own lock, taken before proc_lock. */
	struct itimer *itimer;
	struct posix_timer *timers;	/* timer_create's: posix_timer.c */
};

/* scarce.c: which allocation of the call in progress fails. */
struct scarce {
	bool armed;			/* a call runs, and may fail */
	bool refused;			/* one did, and nobody asked yet */
	unsigned asked, at;		/* allocations so far; the one that fails */
	unsigned times;			/* how often this call had one refused */
};

struct task {
	int tid;			/* constant */
	struct thread *thread;		/* constant */
	struct process *process;	/* constant */

	/* The task's own; others read files and fs under proc_lock. */
	struct files *files;
	struct fs *fs;
	uint64_t set_tid;		/* its id goes there first of all */
	uint64_t clear_tid, robust_list;
	struct sigaltstack altstack;
	struct restart restart;
	bool old_time;			/* a call with times of 32 bits runs */
	_Atomic uint64_t minflt, majflt, bytes_read;
	uint64_t refused;		/* oom.c: what it knew of failures last */
	struct scarce scarce;
	struct sigqueue fault_queue;	/* one synchronous signal, allocated */

	/* Under proc_lock. */
	struct list peers;		/* in process->tasks */
	struct task *hash_next;
	sigset_t blocked;		/* only its own task writes */
	sigset_t saved_blocked;		/* restored after sigsuspend and such */
	bool restore_blocked;
	sigset_t awaited;		/* sigtimedwait */
	struct pending pending;
	struct process *vfork_child;	/* whose exec or end it awaits */
	_Atomic uint32_t vfork_event;
};

extern struct spinlock proc_lock;
extern struct list process_list;
extern struct process *init_process;

static inline struct task *
current_task(void)
{
	return current()->personal;
}

static inline struct process *
current_process(void)
{
	return current()->process;
}

static inline struct tome_map *
current_map(void)
{
	return current()->process->space->map;
}

/* ---- process.c ---- */

void process_start(void);		/* caches and tables */
/* With proc_lock held. */
struct process *process_find(int pid);
struct task *task_find(int tid);
/*
 * A group is orphaned when no member has a parent in its session but outside the
 * group: nobody would continue it. Those below with proc_lock held.
 */
bool group_is_orphaned(int pgid);
bool group_is_orphaned_locked(int pgid);
/* Some member of the group is in the session. */
bool group_in_session(int pgid, int sid);
uint64_t process_limit(struct process *, unsigned which);
int64_t limit_set(struct process *, unsigned which, const struct rlimit *);
uint64_t process_cpu_ns(struct process *);	/* proc_lock held */
void process_usage(struct process *, struct rusage *); /* proc_lock held */
/* The first process: a kernel thread turned into PID 1. */
void process_become_init(void);

/* ---- space.c ---- */

/* The space of a process, counted; NULL: it has none any more. */
struct space *space_of(struct process *);
struct mm_start;
struct space *space_new(const struct mm_start *);
void space_ref(struct space *);
void space_unref(struct space *);
/*
 * The caller's space is another from now on (taken over); drops the old one,
 * and lets the parent of a vfork go on.
 */
void process_set_space(struct space *);

/* ---- clone.c ---- */

/* clone3(2), as all its kin. */
int64_t process_clone(const struct clone_args *);
/* A descriptor table that is the task's alone. False: no memory. */
bool task_own_files(struct task *);

/* ---- exit.c ---- */

void task_exit(int status) __attribute__((noreturn));
void process_exit(int status) __attribute__((noreturn));
/* Mark all tasks of p to end with this wait status. proc_lock held. */
void process_kill(struct process *, int status);
/* End every other task of the caller's process: exec. False: a group exit came
 * first. */
bool process_single(void);
/* A zombie leaves the tree (proc_lock held), then is freed (not held). */
void process_unlink(struct process *);
void process_reap(struct process *);

/* ---- futex.c ---- */

void futex_start(void);
/* What a task leaves behind: robust locks, its clear_tid word. */
void futex_exit(struct task *);

/* ---- exec.c ---- */

/* Replace the caller's image. path has PATH_MAX bytes, and is changed. */
int exec_user(struct dentry *base, char *path, uint64_t argv, uint64_t envp,
    unsigned flags);
/* Strings of the kernel's; *frame becomes what the program starts with. */
int exec_kernel(const char *path, const char *const *argv,
    const char *const *envp, struct trap_frame *frame);

/* ---- user memory of the caller ---- */

/* Nothing can be copied from anywhere, as Linux has it. */
static inline int
copy_in(void *dst, uint64_t src, size_t n)
{
	return n == 0 ? 0 : -(int)tome_copyin(current_map(), dst, src, n);
}

static inline int
copy_out(uint64_t dst, const void *src, size_t n)
{
	return n == 0 ? 0 : -(int)tome_copyout(current_map(), dst, src, n);
}
/* A path: in a page-sized buffer that the caller frees with path_free(). */
int path_in(uint64_t user, char **out);
void path_free(char *);

/* ---- time ---- */

static inline struct timeval
ns_timeval(uint64_t ns)
{
	return (struct timeval){(abi_long)(ns / 1000000000u),
	    (abi_long)(ns % 1000000000u / 1000)};
}
static inline struct timespec
ns_timespec(uint64_t ns)
{
	return (struct timespec){(int64_t)(ns / 1000000000u),
	    (int64_t)(ns % 1000000000u)};
}
/* n of them from user space, or there; in the form of old calls while one of those
 * runs (abi32.c). */
#if __SIZEOF_LONG__ > 4
static inline int
timespecs_in(struct timespec *ts, uint64_t user, unsigned n)
{
	return copy_in(ts, user, n * sizeof *ts);
}
static inline int
timespecs_out(uint64_t user, const struct timespec *ts, unsigned n)
{
	return copy_out(user, ts, n * sizeof *ts);
}
#else
int timespecs_in(struct timespec *, uint64_t user, unsigned n);
int timespecs_out(uint64_t user, const struct timespec *, unsigned n);
#endif
/* A user's timespec to ns; -EINVAL if it is not one. */
int timespec_ns(const struct timespec *, uint64_t *ns);
/* Fetch an optional relative timeout; deadline in clock_ns() terms. */
int deadline_in(uint64_t user_timespec, uint64_t *deadline);
void itimer_discard(struct process *);
/* All that timer_create made. */
void posix_timers_discard(struct process *);

#endif
