/*
 * oom.c - what happens when memory runs out in a fault.
 *
 * Policy: the process with the most resident memory is killed, with SIGKILL and
 * a line that says so; oom_score_adj counts as thousandths of all memory, -1000
 * exempts, and PID 1 is taken last. Whoever faulted waits for the victim's end
 * and tries again; if that does not come in time, the next victim is chosen.
 */
#include <fs/proc.h>
#include <oom.h>
#include <process.h>
#include <tome/paging.h>

#define PATIENCE_NS 2000000000u
#define PAUSE_NS 1000000u
#define ROOM_PAGES 256u

struct victim {
	int pid;
	int64_t points;			/* pages, adjusted */
};

static struct mutex oom_lock;
static uint64_t patience;		/* under oom_lock: until when we wait */

static int64_t
points_of(int pid, int64_t all)
{
	struct tome_map_totals t;
	struct space *s = proc_space(pid);
	struct process *p;
	int64_t adjust = 0;
	uintptr_t irq;

	if (s == NULL)
		return -1;
	tome_map_totals(s->map, &t);
	space_unref(s);
	irq = spin_lock_irq(&proc_lock);
	p = process_find(pid);
	if (p == NULL || p->group_exit || p->oom_score_adj == -1000)
		adjust = -2 * all;
	else
		adjust = p->oom_score_adj * all / 1000;
	spin_unlock_irq(&proc_lock, irq);
	return (int64_t)(t.resident_pages + t.table_pages) + adjust;
}

static struct victim
choose(void)
{
	struct victim worst = {.points = -1};
	struct tome_stats s;
	int64_t points;
	int pid = 1;

	tome_vm_stats(the_vm, &s);
	while ((pid = proc_next_pid(0, pid + 1)) > 0) {
		points = points_of(pid, (int64_t)s.frames_total);
		if (points > worst.points)
			worst = (struct victim){pid, points};
	}
	if (worst.pid == 0)
		worst.pid = init_process->pid;
	return worst;
}

static void
kill_victim(void)
{
	struct victim v = choose();
	char name[sizeof((struct process *)0)->comm + 1] = "";
	struct process *p;
	uintptr_t irq;

	irq = spin_lock_irq(&proc_lock);
	p = process_find(v.pid);
	if (p != NULL) {
		memcpy(name, p->comm, sizeof p->comm);
		process_kill(p, SIGKILL);
	}
	spin_unlock_irq(&proc_lock, irq);
	kprintf("out of memory: process %d (%s) is killed, %ld KiB resident\n",
	    v.pid, name, (long)(v.points << (TOME_PAGE_SHIFT - 10)));
}

/* A process that is to end still has its memory. */
static bool
one_is_dying(void)
{
	struct process *p;
	uintptr_t irq = spin_lock_irq(&proc_lock);
	bool dying = false;

	list_each(p, &process_list, all)
		if (p->group_exit && p->space != NULL)
			dying = true;
	spin_unlock_irq(&proc_lock, irq);
	return dying;
}

bool
out_of_memory(void)
{
	mutex_lock(&oom_lock);
	if (!current_process()->group_exit &&
	    (!one_is_dying() || clock_ns() >= patience)) {
		kill_victim();
		patience = clock_ns() + PATIENCE_NS;
	}
	mutex_unlock(&oom_lock);
	if (current_process()->group_exit)
		return false;
	(void)thread_sleep_until(clock_ns() + PAUSE_NS, false);
	return true;
}

bool
oom_make_room(void)
{
	struct tome_zone_stats z;

	for (int kind = 0; kind < TOME_ZONES; kind++)
		if (tome_zone_stats(the_vm, (enum tome_zone_kind)kind, &z) &&
		    z.free < z.low)
			return tome_reclaim(the_vm, ROOM_PAGES) > 0;
	return false;
}
