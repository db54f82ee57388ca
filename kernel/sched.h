/*
 * sched.h - threads, the preemptive scheduler, timers, time.
 *
 * A thread is kernel code with a stack of its own; one that also has a user
 * frame returns to user mode. Each CPU has a run queue; a woken thread goes to
 * an idle CPU if there is one, and a CPU without work steals.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <frame.h>
#include <sync.h>
#include <cpu.h>
#include <tome/pmap.h>

struct process;

/* Bits of thread.work: why a return to user mode takes the long way. */
#define WORK_SIGNAL 1u	/* call user_return(); it clears the bit itself */
#define WORK_FRAME 2u	/* the frame was edited: reload every register */

enum thread_state {
	THREAD_NEW,		/* not started yet */
	THREAD_RUNNABLE,	/* on a queue, or running */
	THREAD_SLEEPING,
	THREAD_DEAD,
};

/* Lies above the stack it runs on; the stack's guard page is far below. */
struct thread {
	/* Any context; read at every return to user mode. */
	_Atomic uint32_t work;

	/* The thread's own, or of whoever prepares it before thread_start(). */
	struct process *process;	/* the personality's; NULL in kernel threads */
	void *personal;			/* the personality's own part */
	struct trap_frame *frame;	/* user registers, at the top of the stack */
	struct tome_pmap *pmap;		/* NULL: the kernel's own */
	uint64_t fs_base, gs_base;	/* user's */
	char name[16];
	/* The last exception taken from user mode, for signal frames. */
	uint64_t trap_number, trap_code, trap_address;

	/* Under the lock of the run queue that `cpu` names. */
	_Atomic uint32_t cpu;
	uint32_t allowed;		/* set of CPUs it may run on */
	enum thread_state state;
	bool interruptible, running;
	struct thread *next;		/* in the run queue */
	uint64_t ran;			/* nanoseconds spent running */
	uint64_t since;			/* when it was last put on a CPU */

	/* sleep_wait(): a wake came. */
	_Atomic uint32_t woken;

	void *stack_pointer;		/* while not running */
	uintptr_t stack_low;
	void (*start)(void *arg);
	void *arg;
	struct thread *all_next;	/* free list */
	void *fpu;			/* 64-byte aligned, fpu_size() bytes */
};

static inline struct thread *
current(void)
{
	return cpu_thread();
}

/* A kernel thread. NULL: no memory. It ends by returning or thread_exit(). */
struct thread *thread_create(const char *name, void (*start)(void *arg),
    void *arg) TOME_NODISCARD;
/*
 * A thread that enters user mode with a copy of `frame`, the caller's FPU state
 * (the initial one when `fresh`), and the caller's fs_base and gs_base. Not yet
 * started, so that process, pmap and so on can be set. NULL: no memory.
 */
struct thread *thread_create_user(const char *name,
    const struct trap_frame *frame, bool fresh) TOME_NODISCARD;
void thread_start(struct thread *);
/* Give back a thread that was never started. */
void thread_discard(struct thread *);
/*
 * End the calling thread. Its stack and descriptor are reused at once: nothing
 * may refer to it any more. The pmap is left before this returns the CPU to
 * another thread, and must be left (thread_use_pmap(NULL)) before it is destroyed.
 */
_Noreturn void thread_exit(void);
/* The calling thread goes on in another user space; NULL: in none. */
void thread_use_pmap(struct tome_pmap *);
/* After the calling thread changed its fs_base or gs_base. */
void thread_load_bases(void);
/* Leave kernel mode for the calling thread's frame: first exec of a kernel
 * thread. The stack is abandoned. */
_Noreturn void thread_enter_user(const struct trap_frame *frame);

/* Let others run. */
void thread_yield(void);
/* True: the deadline passed. False: interrupted. */
bool thread_sleep_until(uint64_t deadline, bool interruptible);
/*
 * Set bits of work; wake the thread if it sleeps interruptibly, and if it runs
 * in user mode on another CPU bring it into the kernel. Any context. The caller
 * keeps the thread from exiting meanwhile.
 */
void thread_interrupt(struct thread *, uint32_t work);
/* Restrict to a set of CPUs (bit n: CPU n). False: none of them exists. */
bool thread_set_affinity(struct thread *, uint64_t cpus);

/* Nanoseconds spent running; exact for the caller itself. */
uint64_t thread_cpu_ns(struct thread *);
/* Nanoseconds a CPU was idle. */
uint64_t cpu_idle_ns(unsigned cpu);
unsigned cpu_count(void);
/* Threads that run or want to, and all that exist. */
unsigned sched_runnable(void);

/*
 * Timers. `fire` runs once in interrupt context at or after the deadline, on
 * the CPU that started it. The structure is the caller's.
 */
struct timer {
	uint64_t deadline;		/* clock_ns() */
	void (*fire)(struct timer *);
	struct timer *next, *prev;
	_Atomic uint32_t cpu;		/* number + 1 while pending, else 0 */
};
/* Not pending now. Any context. */
void timer_start(struct timer *, uint64_t deadline, void (*fire)(struct timer *));
/* True: it will not fire. False: it had fired; fire() has returned, unless the
 * caller is fire() itself. */
bool timer_stop(struct timer *);

/* Monotonic since boot, and since 1970 (from the machine's clock chip). */
uint64_t clock_ns(void);
uint64_t clock_wall_ns(void);

#endif
