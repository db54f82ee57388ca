/*
 * system.h - the system as its programs see it.
 */
#ifndef KERNEL_SYSTEM_H
#define KERNEL_SYSTEM_H

#define SYSTEM_RELEASE "6.1.0-tome"
#define SYSTEM_VERSION "#1 SMP PREEMPT Tome"
#define LOG_SHOWN 16384u

void system_hostname(char out[65]);
unsigned system_processes(void);

#endif
