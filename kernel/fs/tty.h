/*
 * tty.h - the console as a terminal: what job control needs of it.
 */
#ifndef KERNEL_TTY_H
#define KERNEL_TTY_H

struct process;
struct tty;

extern struct tty console_tty;

/* The group in the foreground; 0: none. */
int tty_foreground(struct tty *);
unsigned tty_number(void);		/* device number, for /proc */
/* The session leader is gone: hang up. */
void tty_disown(struct tty *, int sid);
/* p, a session leader, gets it as its controlling terminal. */
void tty_adopt(struct tty *, struct process *p);

#endif
