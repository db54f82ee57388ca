/*
 * guest.h - what a benchmark needs when it is the first process of a machine.
 *
 * The same static program runs as /init on Linux and on the reference kernel.
 */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Give process 1 a console, /tmp and /proc. Where the kernel comes with them,
 * the calls fail and that is well.
 */
static inline void
guest_begin(void)
{
	int console;

	mkdir("/dev", 0755);
	mkdir("/tmp", 0777);
	mkdir("/proc", 0755);
	(void)!mount("none", "/dev", "devtmpfs", 0, NULL);
	(void)!mount("none", "/tmp", "tmpfs", 0, NULL);
	if (access("/proc/self", F_OK) != 0)
		(void)!mount("none", "/proc", "proc", 0, NULL);
	console = open("/dev/console", O_RDWR);
	if (console >= 0) {
		dup2(console, 0);
		dup2(console, 1);
		dup2(console, 2);
	}
}

static inline void
guest_end(void)
{
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
}

#endif
