/*
 * personality.h - what the machine asks of the operating-system personality.
 * Each is called with interrupts and preemption on, on the thread's own stack,
 * unless it says otherwise.
 */
#ifndef KERNEL_PERSONALITY_H
#define KERNEL_PERSONALITY_H

#include <sched.h>
#include <tome/types.h>

/*
 * Every system call. The result goes to the frame's result register. A call that
 * edits the frame itself (exec, sigreturn) sets WORK_FRAME in current()->work and
 * returns what the result register shall hold.
 */
long syscall_dispatch(struct trap_frame *);
void syscall_start(void);		/* before the first */

/*
 * A page fault on a user address; access is one of READ, WRITE, EXEC. True: try
 * again. False from user mode: a signal was posted. False from kernel mode (the
 * frame says): nothing was posted, and Tome's access functions see the failure.
 */
bool user_fault(struct trap_frame *, tome_va_t va, tome_prot_t access);

/* Any other exception from user mode: post this signal (Linux numbers). */
void user_exception(struct trap_frame *, int signo, int si_code,
    uint64_t address);

/*
 * Before a return to user mode with WORK_SIGNAL set. Clears the bit, then
 * delivers; called again while the bit is set. What it does to the frame is
 * honoured (all registers are reloaded).
 */
void user_return(struct trap_frame *);

/* A byte from the console. Interrupt context. */
void tty_input(int byte);

/* The first process; runs as a kernel thread once everything is up. */
void personality_main(void);

/* After registers and backtrace of a panic: the map of current()'s process,
 * by kprintf. Locks may be held by others; must not sleep or fault. */
void panic_describe_process(void);

#endif
