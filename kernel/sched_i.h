/*
 * sched_i.h - between the scheduler, the timers and the machine.
 */
#ifndef KERNEL_SCHED_I_H
#define KERNEL_SCHED_I_H

#include <sched.h>

/* ---- the machine's part ---- */

/*
 * Leave prev, run next: translation, stacks, FPU, bases. Interrupts off.
 * Returns, when prev is chosen again, the thread that was left then.
 */
struct thread *machine_switch(struct thread *prev, struct thread *next);
/* Make another CPU call sched_kicked(), in interrupt context. */
void machine_kick(unsigned cpu);
/* Call timer_interrupt() on this CPU in about `ns`, instead of any earlier
 * wish. Interrupts off. */
void machine_arm(uint64_t ns);
/* Set up the fields below `stack_pointer` of a thread in [low, high): where its
 * frame, FPU area and descriptor lie, and that it begins in thread_begin(). */
struct thread *machine_thread(uintptr_t low, uintptr_t high);
/* Its FPU and bases: a copy of the caller's, or the initial ones. */
void machine_thread_inherit(struct thread *, bool fresh);
/* Continue at the frame at the top of the caller's stack. */
_Noreturn void thread_enter_frame(struct trap_frame *);

/* ---- the scheduler's part ---- */

/* Adopt the code that runs on this CPU as its idle thread. */
void sched_adopt_idle(struct thread *);
/* A thread for another CPU to adopt. */
struct thread *sched_create_idle(unsigned cpu);
/* What a CPU does for ever. Interrupts off. */
_Noreturn void sched_idle(void);
/* First C code of a thread; returns when it is to enter user mode. */
void thread_begin(struct thread *prev);
void sched_kicked(void);
/* A switch is due, and may happen. Interrupts off, and off again on return. */
void sched_preempt_irq(void);
/* End the calling thread for good. */
_Noreturn void sched_end(void);
/* A wake from a sleep queue: sleep_wait() of that thread returns. */
void sched_wake(struct thread *);
/* The slice of the running thread may be over. Interrupts off. */
void sched_slice_over(void);

/* ---- the making of threads (thread.c) ---- */

/* A dead or never started thread nobody refers to. Interrupts may be off. */
void thread_recycle(struct thread *);
void thread_start_reaper(void);

/* ---- the timers' part ---- */

void timer_interrupt(void);
/* Call sched_slice_over() at this time on this CPU; 0: never. */
void timer_set_slice(uint64_t deadline);
/* The same, unless one is running already. */
void timer_start_slice(uint64_t deadline);

#endif
