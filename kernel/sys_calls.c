/*
 * sys_calls.c - the system as a whole: names, figures, power; and small
 * settings of a task.
 */
#include <fs/vfs.h>
#include <oom.h>
#include <process.h>
#include <swap.h>
#include <syscall.h>
#include <system.h>

int
path_in(uint64_t user, char **out)
{
	char *path = tome_kmalloc(the_vm, PATH_MAX);
	size_t len;
	enum tome_err err;

	if (path == NULL)
		return -ENOMEM;
	err = tome_copyin_string(current_map(), path, user, PATH_MAX, &len);
	if (err != TOME_OK) {
		tome_kfree(the_vm, path);
		return -(int)err;
	}
	*out = path;
	return 0;
}

void
path_free(char *path)
{
	tome_kfree(the_vm, path);
}

/* ---- names and figures ---- */

static struct utsname names = {
	.sysname = "Linux", .nodename = "tome", .release = SYSTEM_RELEASE,
	.version = SYSTEM_VERSION, .machine = ABI_MACHINE,
	.domainname = "(none)",
};
static struct spinlock names_lock;

/* Remembered whole; only ADDR_NO_RANDOMIZE means anything here. */
SYSCALL(personality)
{
	_Atomic uint32_t *persona = &current_process()->persona;

	if ((uint32_t)a[0] == 0xffffffffu)
		return *persona;
	return atomic_exchange(persona, (uint32_t)a[0]);
}

SYSCALL(uname)
{
	struct utsname copy;

	spin_lock(&names_lock);
	copy = names;
	spin_unlock(&names_lock);
	return copy_out(a[0], &copy, sizeof copy);
}

static int64_t
set_name(char *name, uint64_t user, uint64_t n)
{
	char copy[65] = "";

	if (!cred_can(&current_process()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	if (n > 64)
		return -EINVAL;
	if (copy_in(copy, user, n) != 0)
		return -EFAULT;
	spin_lock(&names_lock);
	memcpy(name, copy, sizeof copy);
	spin_unlock(&names_lock);
	return 0;
}

SYSCALL(sethostname)
{
	return set_name(names.nodename, a[0], a[1]);
}

SYSCALL(setdomainname)
{
	return set_name(names.domainname, a[0], a[1]);
}

void
system_hostname(char out[65])
{
	spin_lock(&names_lock);
	memcpy(out, names.nodename, 65);
	spin_unlock(&names_lock);
}

unsigned
system_processes(void)
{
	struct process *p;
	unsigned n = 0;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	list_each(p, &process_list, all)
		n++;
	spin_unlock_irq(&proc_lock, irq);
	return n;
}

SYSCALL(sysinfo)
{
	const unsigned shift = ABI_WORDS_32 ? 0 : TOME_PAGE_SHIFT;
	uint64_t swap, used;
	struct tome_stats s;
	struct sysinfo info = {
		.uptime = (int64_t)(clock_ns() / 1000000000u),
		.procs = (uint16_t)system_processes(),
		.mem_unit = ABI_WORDS_32 ? TOME_PAGE_SIZE : 1,
	};

	tome_vm_stats(the_vm, &s);
	swap_totals(&swap, &used);
	info.totalswap = swap << shift;
	info.freeswap = (swap - used) << shift;
	info.totalram = s.frames_total << shift;
	info.freeram = s.frames_free << shift;
	return copy_out(a[0], &info, sizeof info);
}

SYSCALL(getrandom)
{
	const struct ubuf to = {current_map(), a[0]};

	return a[2] & ~(uint64_t)7 ? -EINVAL :
	    random_bytes(to, a[1] > INT32_MAX ? INT32_MAX : a[1]);
}

/* ---- power ---- */

#define REBOOT_MAGIC1 0xfee1deadu
enum {
	REBOOT_RESTART = 0x01234567, REBOOT_POWER_OFF = 0x4321fedc,
	REBOOT_CAD_ON = (int)0x89abcdef, REBOOT_CAD_OFF = 0,
};
#define REBOOT_HALT 0xcdef0123u

static bool
is_magic2(uint32_t m)
{
	return m == 672274793u || m == 85072278u || m == 369367448u ||
	    m == 537993216u;
}

SYSCALL(reboot)
{
	if (!cred_can(&current_process()->cred, CAP_SYS_BOOT))
		return -EPERM;
	if ((uint32_t)a[0] != REBOOT_MAGIC1 || !is_magic2((uint32_t)a[1]))
		return -EINVAL;
	switch ((uint32_t)a[2]) {
	case REBOOT_RESTART:
		content_sync_all();
		machine_reboot();
	case REBOOT_POWER_OFF:
	case REBOOT_HALT:
		scarce_tell();
		content_sync_all();
		machine_off(0);
	case (uint32_t)REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;
	default:
		return -EINVAL;
	}
}

/* klogctl: sizes, and the log's text. */
SYSCALL(syslog)
{
	char *buf;
	size_t n;
	int64_t result;

	switch ((int)a[0]) {
	case 2:
	case 3:
	case 4:
		if ((int)a[2] < 0)
			return -EINVAL;
		n = a[2] < LOG_SHOWN ? a[2] : LOG_SHOWN;
		buf = tome_kmalloc(the_vm, LOG_SHOWN);
		if (buf == NULL)
			return -ENOMEM;
		n = log_read(buf, n);
		result = copy_out(a[1], buf, n);
		tome_kfree(the_vm, buf);
		return result != 0 ? result : (int64_t)n;
	case 9:
		return 0;
	case 10:
		return LOG_SHOWN;
	default:
		return (unsigned)a[0] > 10 ? -EINVAL : 0;
	}
}

/* ---- the task ---- */

enum {
	PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4, PR_SET_NAME = 15, PR_GET_NAME = 16,
	PR_CAPBSET_READ = 23, PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39, PR_GET_KEEPCAPS = 7, PR_SET_KEEPCAPS = 8,
	PR_SET_TIMERSLACK = 29, PR_GET_TIMERSLACK = 30,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_THP_DISABLE = 41, PR_GET_THP_DISABLE = 42,
};

static int64_t
name_in(uint64_t user)
{
	struct process *p = current_process();
	char name[16] = "";
	size_t len;
	enum tome_err err = tome_copyin_string(current_map(), name, user, 15,
	    &len);

	if (err != TOME_OK && err != TOME_ENAMETOOLONG)
		return -(int)err;
	name[15] = '\0';
	memcpy(current()->name, name, sizeof name);
	if (current_task()->tid == p->pid)
		memcpy(p->comm, name, sizeof name);
	return 0;
}

SYSCALL(prctl)
{
	struct process *p = current_process();
	int32_t n;

	switch ((int)a[0]) {
	case PR_SET_PDEATHSIG:
		if (a[1] >= NSIG)
			return -EINVAL;
		p->parent_death_signal = (int)a[1];
		return 0;
	case PR_GET_PDEATHSIG:
		n = p->parent_death_signal;
		return copy_out(a[1], &n, sizeof n);
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_DUMPABLE:
		if (a[1] > 1)
			return -EINVAL;
		p->dumpable = (uint32_t)a[1];
		return 0;
	case PR_SET_NAME:
		return name_in(a[1]);
	case PR_GET_NAME:
		return copy_out(a[1], current()->name, 16);
	case PR_CAPBSET_READ:
		return a[1] <= 40 ? 1 : -EINVAL;
	case PR_GET_TIMERSLACK:
		return 50000;
	case PR_SET_TIMERSLACK:
	case PR_GET_THP_DISABLE:
	case PR_SET_THP_DISABLE:
		return 0;	/* nothing here that it would change */
	case PR_SET_KEEPCAPS:
		if (a[1] > 1)
			return -EINVAL;
		p->cred.keep = a[1];
		return 0;
	case PR_GET_KEEPCAPS:
		return p->cred.keep;
	case PR_GET_CHILD_SUBREAPER:
		n = 0;
		return copy_out(a[1], &n, sizeof n);
	case PR_SET_NO_NEW_PRIVS:
		return a[1] == 1 ? 0 : -EINVAL;
	case PR_GET_NO_NEW_PRIVS:
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- scheduling: one class, all alike ---- */

SYSCALL(sched_yield)
{
	thread_yield();
	return 0;
}

/* The task meant is there. proc_lock held. */
static struct task *
find(int tid)
{
	return tid == 0 ? current_task() : task_find(tid);
}

static int64_t
exists(int tid)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	bool found = find(tid) != NULL;

	spin_unlock_irq(&proc_lock, irq);
	return found ? 0 : -ESRCH;
}

SYSCALL(sched_getaffinity)
{
	uint64_t set = 0;
	struct task *t;
	uintptr_t irq;

	if (a[1] < sizeof set || (a[1] & 7))
		return -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	t = find((int)a[0]);
	if (t != NULL)
		set = t->thread->allowed &
		    (((uint64_t)1 << cpu_count()) - 1);
	spin_unlock_irq(&proc_lock, irq);
	if (t == NULL)
		return -ESRCH;
	return copy_out(a[2], &set, sizeof set) != 0 ? -EFAULT :
	    (int64_t)sizeof set;
}

SYSCALL(sched_setaffinity)
{
	uint64_t set = 0;
	struct task *t;
	uintptr_t irq;
	int64_t err = -ESRCH;

	if (copy_in(&set, a[2], a[1] < sizeof set ? a[1] : sizeof set) != 0)
		return -EFAULT;
	/* The caller's own may make it move: not with a lock held. */
	if ((int)a[0] == 0 || (int)a[0] == current_task()->tid)
		return thread_set_affinity(current(), set) ? 0 : -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	t = find((int)a[0]);
	if (t != NULL)
		err = thread_set_affinity(t->thread, set) ? 0 : -EINVAL;
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

SYSCALL(sched_getscheduler)
{
	return exists((int)a[0]);
}

SYSCALL(sched_setscheduler)
{
	return a[1] != 0 && a[1] != 3 && a[1] != 5 ? -EPERM :
	    exists((int)a[0]);
}

SYSCALL(sched_getparam)
{
	const int32_t zero = 0;
	int64_t err = exists((int)a[0]);

	return err != 0 ? err : copy_out(a[1], &zero, sizeof zero);
}

SYSCALL(sched_setparam)
{
	return exists((int)a[0]);
}

SYSCALL(sched_get_priority_max)
{
	return a[0] == 1 || a[0] == 2 ? 99 : 0;
}

SYSCALL(sched_get_priority_min)
{
	return a[0] == 1 || a[0] == 2 ? 1 : 0;
}

SYSCALL(getpriority)
{
	return 20;	/* nice 0, as the call encodes it */
}

SYSCALL(setpriority)
{
	return (int)a[2] >= 0 || cred_can(&current_process()->cred,
	    CAP_SYS_NICE) ? 0 : -EACCES;
}

SYSCALL(getcpu)
{
	uint32_t cpu = tome_host_cpu(), node = 0;

	if (a[0] != 0 && copy_out(a[0], &cpu, sizeof cpu) != 0)
		return -EFAULT;
	return a[1] != 0 ? copy_out(a[1], &node, sizeof node) : 0;
}

SYSCALL(vhangup)
{
	return 0;
}
