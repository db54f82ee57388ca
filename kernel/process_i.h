/*
 * process_i.h - private to who makes, keeps and ends processes: process.c, space.c,
 * clone.c, exit.c.
 */
#ifndef KERNEL_PROCESS_I_H
#define KERNEL_PROCESS_I_H

#include <process.h>

/* ---- process.c ---- */

/* Empty ones, in no table. NULL: no memory. */
struct process *process_alloc(void);
struct task *task_alloc(struct process *);
void process_dispose(struct process *);
void task_dispose(struct task *);

/* With proc_lock held, as all that follow. */
int id_new(void);
/* It has its id: into the tables and lists, and out of them. */
void process_enter(struct process *);
void process_leave(struct process *);
void task_enter(struct process *, struct task *);
void task_leave(struct task *);
/* Another id for a task that is in them. */
void task_rename(struct task *, int tid);
/* So many that a free id is not near. */
bool tasks_are_many(void);

/* ---- space.c ---- */

void space_start(void);
struct space *space_fork(struct space *from);

#endif
