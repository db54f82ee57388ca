/*
 * hostile.c - wild pointers in every system call, and a CPU state no program should
 * have: the kernel survives, no call reads or writes through them, nothing is left.
 *
 * A child makes the calls of one number, noting in shared memory how far it is;
 * where a call ends it, or keeps it waiting, another goes on behind that call.
 */
#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

enum { NUMBERS = 451, PATIENCE_MS = 200, ENDS = 12, WAITS = 2, BADS = 14 };

static uint64_t bad[BADS];
static char *edge, *readonly, *gone;	/* edge: the last byte before a hole */

static void
choose_bad(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);

	memset(p, 'x', 4 * PAGE);
	gone = p + PAGE;
	munmap(gone, PAGE);
	edge = gone - 1;
	readonly = p + 2 * PAGE;
	mprotect(readonly, PAGE, PROT_READ);
	memcpy(bad, (uint64_t[BADS]){
		0, 1, (uintptr_t)edge, (uintptr_t)edge - 6, (uintptr_t)gone,
		(uintptr_t)readonly, (uintptr_t)readonly + PAGE - 3,
		0x00007ffffffff000, 0x00007ffffffffffc, 0x0000800000000000,
		0xffff800000000000, 0xffffffff80100000, 0xfffffffffffff000,
		(uint64_t)-1 }, sizeof bad);
}

static long
call(long number, const uint64_t *a)
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall"
	    : "=a"(result)
	    : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8),
	      "r"(r9)
	    : "rcx", "r11", "memory");
	return result;
}

/* ---- every call ------------------------------------------------------------ */

/* What ends the machine or another process, by whatever argument. */
static bool
is_spared(int number)
{
	return number == SYS_reboot || number == SYS_kill ||
	    number == SYS_tkill || number == SYS_tgkill ||
	    number == SYS_rt_sigqueueinfo || number == SYS_rt_tgsigqueueinfo ||
	    number == SYS_vhangup;
}

/* Of step n: six bad ones, then a bad one in each place among small numbers,
 * which are open descriptors too. False: there is no such step. */
static bool
arguments(unsigned n, uint64_t *a)
{
	unsigned form = n / BADS;

	for (unsigned i = 0; i < 6; i++)
		a[i] = form == 0 ? bad[n % BADS] : (i + form / 7) % 4;
	if (form > 0)
		a[(form - 1) % 6] = bad[n % BADS];
	return form <= 12;
}

/* Descriptors 0 to 3 that take and give anything without waiting. */
static void
open_four(void)
{
	int ends[2], zero = open("/dev/zero", O_RDWR);
	int file = open("/tmp/hostile", O_RDWR | O_CREAT, 0600);

	if (pipe2(ends, O_NONBLOCK) != 0 || write(ends[1], "pipe", 4) != 4)
		_exit(1);
	dup2(zero, 10);
	dup2(file, 11);
	dup2(ends[0], 12);
	dup2(ends[1], 13);
	for (int i = 0; i < 4; i++)
		dup2(10 + i, i);
	close_range(4, ~0u, 0);
}

static _Noreturn void
make_calls(int number, _Atomic unsigned *at)
{
	long self = syscall(SYS_gettid);
	uint64_t a[6];

	setpgid(0, 0);
	open_four();
	while (arguments((*at)++, a)) {
		call(number, a);
		if (syscall(SYS_gettid) != self)
			syscall(SYS_exit, 0);	/* what a fork made */
	}
	syscall(SYS_exit_group, 0);
	for (;;)
		;
}

/* False: it was still waiting when patience ended, and was killed. */
static bool
ends_in_time(pid_t pid)
{
	int status;

	for (unsigned us = 0; us < PATIENCE_MS * 1000u; us += 1000) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return true;
		usleep(us < 3000 ? 0 : 1000);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return false;
}

/* The number of calls made. */
static unsigned
try_number(int number, _Atomic unsigned *at)
{
	unsigned waits = 0;
	uint64_t a[6];
	pid_t pid;

	*at = 0;
	for (unsigned i = 0; i < ENDS && waits < WAITS; i++) {
		pid = fork();
		if (pid == 0)
			make_calls(number, at);
		waits += !ends_in_time(pid);
		if (!arguments(*at, a))
			break;
	}
	return *at;
}

/* Processes that clones made, and segments, outlive the child that made them. */
static void
sweep(void)
{
	struct shmid_ds ds;
	int most = shmctl(0, SHM_INFO, &ds), id;

	for (int i = 0; i <= most; i++)
		if ((id = shmctl(i, SHM_STAT, &ds)) >= 0)
			shmctl(id, IPC_RMID, NULL);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	unlink("/tmp/hostile");
}

static void
every_call(_Atomic unsigned *at)
{
	struct counts before = counts_settled();
	unsigned made = 0;

	for (int number = 0; number < NUMBERS; number++)
		if (!is_spared(number))
			made += try_number(number, at);
	sweep();
	passed("hostile: %u calls, the kernel lives", made);
	if (counts_same("hostile calls", &before))
		passed("hostile: the calls leave nothing");
}

/* ---- EFAULT, exactly -------------------------------------------------------- */

static void
expect_fault(const char *what, long result, uint64_t pointer)
{
	if (result != -EFAULT)
		failed("hostile: %s(%#lx) gives %ld", what, pointer, result);
}

/* p may be neither read nor written. */
static void
fault_calls(uint64_t p, bool only_write, int zero, int full)
{
	struct { const char *name; long number; uint64_t a[6]; bool writes; }
	calls[] = {
		{ "read", SYS_read, { zero, p, 64 }, true },
		{ "write", SYS_write, { full, p, 64 }, false },
		{ "stat", SYS_stat, { (uintptr_t)"/", p }, true },
		{ "uname", SYS_uname, { p }, true },
		{ "clock_gettime", SYS_clock_gettime, { 0, p }, true },
		{ "nanosleep", SYS_nanosleep, { p, 0 }, false },
		{ "pipe", SYS_pipe, { p }, true },
		{ "open", SYS_open, { p }, false },
		{ "execve", SYS_execve, { p, 0, 0 }, false },
		{ "sigaction", SYS_rt_sigaction, { SIGUSR1, p, 0, 8 }, false },
		{ "futex", SYS_futex, { p & ~3ul, 0, 0, 0 }, false },
		{ "getrandom", SYS_getrandom, { p, 64, 0 }, true },
	};
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if ((calls[i].writes || !only_write) &&
		    (p != 0 || calls[i].number != SYS_rt_sigaction))
			expect_fault(calls[i].name,
			    call(calls[i].number, calls[i].a), p);
}

static int
exact_faults(void)
{
	int zero = open("/dev/zero", O_RDWR), ends[2];

	if (pipe(ends) != 0)
		return 1;
	for (int i = 0; i < BADS; i++)
		if (bad[i] < (uintptr_t)edge - 6 || bad[i] > (uintptr_t)readonly
		    + PAGE || bad[i] == (uintptr_t)gone)
			fault_calls(bad[i], false, zero, ends[1]);
	fault_calls((uintptr_t)readonly, true, zero, ends[1]);
	fault_calls((uintptr_t)edge, true, zero, ends[1]);
	return 0;
}

/* ---- states of the CPU ------------------------------------------------------ */

static void
on_signal(int sig)
{
	(void)sig;
}

static void
signal_on_stack(uint64_t sp)
{
	signal(SIGUSR1, on_signal);
	__asm__ volatile("mov %0, %%rsp\n\t"
	    "mov $39, %%eax\n\tsyscall\n\t"		/* getpid */
	    "mov %%eax, %%edi\n\tmov $10, %%esi\n\t"
	    "mov $62, %%eax\n\tsyscall\n\t"		/* kill(it, USR1) */
	    "1: jmp 1b" : : "r"(sp) : "memory");
}

static void
push_on_stack(uint64_t sp)
{
	__asm__ volatile("mov %0, %%rsp\n\tpush %%rax\n\t1: jmp 1b" : : "r"(sp)
	    : "memory");
}

static void
return_from_signal(uint64_t sp)
{
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\t"
	    "1: jmp 1b" : : "r"(sp) : "memory");
}

static void
jump_to(uint64_t ip)
{
	__asm__ volatile("jmp *%0" : : "r"(ip));
}

static void
with_flags(uint64_t flags)
{
	struct utsname name;

	__asm__ volatile("push %0\n\tpopf" : : "r"(flags) : "memory", "cc");
	uname(&name);
	*(volatile char *)gone = 1;
}

/* Whatever the frame holds, what returns from it is a program of user space. */
static void
forged_frame(uint64_t value)
{
	uint64_t *frame = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);

	for (size_t i = 0; i < 16 * PAGE / 8; i++)
		frame[i] = value;
	return_from_signal((uintptr_t)(frame + 8 * PAGE / 8));
}

static void
segment_bases(uint64_t p)
{
	syscall(SYS_arch_prctl, 0x1001, p);	/* ARCH_SET_GS */
	syscall(SYS_arch_prctl, 0x1002, p);	/* ARCH_SET_FS */
	syscall(SYS_exit_group, 0);
}

static void
pointers_kept(uint64_t p)
{
	stack_t alternate = { .ss_sp = (void *)p, .ss_size = 8192 };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = SA_ONSTACK };

	syscall(SYS_set_robust_list, p, 24);
	syscall(SYS_set_tid_address, p);
	sigaltstack(&alternate, NULL);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
}

static void
instructions(uint64_t n)
{
	switch (n % 14) {
	case 0: __asm__ volatile("int $0x80"); break;
	case 1: __asm__ volatile("int $8"); break;
	case 2: __asm__ volatile("int $14"); break;
	case 3: __asm__ volatile("int $0x20"); break;
	case 4: __asm__ volatile("int $0xf0"); break;
	case 5: __asm__ volatile("hlt"); break;
	case 6: __asm__ volatile("cli"); break;
	case 7: __asm__ volatile("mov %%cr3, %%rax" : : : "rax"); break;
	case 8: __asm__ volatile("outb %%al, $0xf4" : : "a"(0)); break;
	case 9: __asm__ volatile("mov %0, %%ss" : : "r"(0x10)); break;
	case 10: __asm__ volatile("mov %0, %%gs" : : "r"(0x2b)); break;
	case 11: __asm__ volatile("sysenter"); break;
	case 12: __asm__ volatile("wrmsr" : : "a"(0), "d"(0), "c"(0)); break;
	case 13: __asm__ volatile("sysretq"); break;
	}
}

static void
state(void (*fn)(uint64_t), uint64_t value, unsigned *made)
{
	pid_t pid = fork();

	if (pid == 0) {
		fn(value);
		_exit(0);
	}
	(void)ends_in_time(pid);
	++*made;
}

static void
every_state(void)
{
	static void (*const states[])(uint64_t) = {
		signal_on_stack, push_on_stack, return_from_signal, jump_to,
		forged_frame, segment_bases, pointers_kept,
	};
	struct counts before = counts_settled();
	unsigned made = 0;

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		for (int k = 0; k < BADS; k++)
			state(states[i], bad[k], &made);
	for (unsigned bit = 0; bit < 22; bit++)
		state(with_flags, 2 | 1ul << bit, &made);
	for (unsigned n = 0; n < 14; n++)
		state(instructions, n, &made);
	passed("hostile: %u states of the CPU, the kernel lives", made);
	if (counts_same("hostile states", &before))
		passed("hostile: the states leave nothing");
}

int
main(void)
{
	_Atomic unsigned *at;
	pid_t pid;

	program_begin();
	at = mmap(NULL, PAGE, RW, SHARED_ANON, -1, 0);
	*at = 0;
	choose_bad();		/* last: its hole must stay one */
	pid = fork();
	if (pid == 0)
		_exit(exact_faults());
	if (status_of(pid) == 0)
		passed("hostile: EFAULT where it must be");
	else
		failed("hostile: the calls that must give EFAULT ended badly");
	every_state();
	every_call(at);
	program_end();
}
