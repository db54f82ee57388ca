/*
 * overcommit.h - how much memory the kernel promises: vm.overcommit_memory, _ratio
 * and _kbytes of proc(5), told to Tome's commit account.
 */
#ifndef KERNEL_OVERCOMMIT_H
#define KERNEL_OVERCOMMIT_H

#include <stdint.h>

enum overcommit_setting { OVERCOMMIT_MEMORY, OVERCOMMIT_RATIO,
	OVERCOMMIT_KBYTES, OVERCOMMIT_SETTINGS };

/* Linux's defaults: mode 0, half of memory. */
void overcommit_begin(void);
uint64_t overcommit_get(enum overcommit_setting);
/* EINVAL: no such mode. Ratio and kbytes each put the other out of force. */
int overcommit_set(enum overcommit_setting, uint64_t);
/* CommitLimit of /proc/meminfo, in pages. Counts swap, so it is asked for again when
 * an area comes or goes (overcommit_renew). */
uint64_t overcommit_limit(void);
void overcommit_renew(void);

#endif
