/*
 * oom.c - what happens when a fault, of a program or on its behalf, finds no memory.
 *
 * Policy: the process of the worst badness (tome_oom_score()) is killed, with SIGKILL
 * and a line that says so; PID 1 is taken last. No page leaves for its sake any more,
 * so that its end does not wait for memory. Whoever faulted waits for that end and
 * tries again. A victim that does not get to it loses its private memory all the same:
 * by then each of its tasks has been interrupted, and none returns to its program.
 * If no end comes in time, the next victim is chosen.
 */
#include <fs/proc.h>
#include <group.h>
#include <oom.h>
#include <process.h>
#include <tome/paging.h>

#define PATIENCE_NS 2000000000u
#define LOOK_NS 100000000u
#define PAUSE_NS 1000000u
#define VICTIM_NS 250000000u
#define REAP_NS 50000000u		/* many ticks */
#define ROOM_PAGES 256u

struct victim {
	int pid;
	uint64_t points;		/* pages, adjusted; 0: exempt */
};

static struct mutex oom_lock;
/* Under oom_lock: for how long we have waited, and when that was known; from when on the
 * victim's memory is taken, and whose. */
static uint64_t waited, looked, reap_at;
static int reap_pid;

/* 0: of no group but this one (NULL: of any). */
static uint64_t
points_of(int pid, const struct group *g)
{
	struct space *s = proc_space(pid);
	struct tome_oom_candidate c;
	struct process *p;
	uint64_t points;
	uintptr_t irq;

	if (s == NULL)
		return 0;
	if (g != NULL && !group_has(g, s)) {
		space_unref(s);
		return 0;
	}
	irq = spin_lock_irq(&proc_lock);
	p = process_find(pid);
	c = (struct tome_oom_candidate){
		.map = s->map,
		.adjust = p == NULL || p->group_exit ? -1000 : p->oom_score_adj,
	};
	spin_unlock_irq(&proc_lock, irq);
	points = tome_oom_score(&c);
	space_unref(s);
	return points;
}

static struct victim
choose(const struct group *g)
{
	struct victim worst = {.pid = init_process->pid};
	uint64_t points;
	int pid = 1;

	while ((pid = proc_next_pid(0, pid + 1)) > 0) {
		points = points_of(pid, g);
		if (points > worst.points)
			worst = (struct victim){pid, points};
	}
	return worst;
}

/* proc_lock held: it is to end, and with it all who have its space. */
static bool
space_ends(const struct process *victim)
{
	struct process *p;

	list_each(p, &process_list, all)
		if (p->space == victim->space && !p->group_exit)
			return false;
	return victim->space != NULL;
}

/* proc_lock held. Whose space is shared by who goes on needs it as it was. */
static void
doom(struct process *victim)
{
	if (space_ends(victim))
		tome_oom_doom(victim->space->map);
}

static void
kill_victim(struct victim v)
{
	char name[sizeof((struct process *)0)->comm + 1] = "";
	struct process *p;
	uintptr_t irq;

	irq = spin_lock_irq(&proc_lock);
	p = process_find(v.pid);
	if (p != NULL) {
		memcpy(name, p->comm, sizeof p->comm);
		process_kill(p, SIGKILL);
		doom(p);
	}
	spin_unlock_irq(&proc_lock, irq);
	kprintf("Tome: out of memory: process %d (%s) is killed, %lu pages\n",
	    v.pid, name, (unsigned long)v.points);
	waited = 0;
	looked = clock_ns();
	reap_at = clock_ns() + REAP_NS;
	reap_pid = v.pid;
}

/* A victim that should be gone by now: its space, counted, once; or NULL. */
static struct space *
space_to_reap(void)
{
	struct space *s = NULL;
	struct process *p;
	uintptr_t irq;

	if (reap_pid == 0 || clock_ns() < reap_at)
		return NULL;
	irq = spin_lock_irq(&proc_lock);
	p = process_find(reap_pid);
	if (p != NULL && space_ends(p)) {
		s = p->space;
		space_ref(s);
	}
	spin_unlock_irq(&proc_lock, irq);
	reap_pid = 0;
	return s;
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

/* Who waits looks again soon. Where that takes long the machine stood still (a virtual
 * one's host may have been busy), and so did the victim. */
static bool
takes_too_long(void)
{
	uint64_t now = clock_ns(), since = now - looked;

	waited += since < LOOK_NS ? since : LOOK_NS;
	looked = now;
	return waited >= PATIENCE_NS;
}

bool
out_of_memory(void)
{
	struct space *s;

	if (scarce_again())
		return true;
	mutex_lock(&oom_lock);
	if (!current_process()->group_exit &&
	    (!one_is_dying() || takes_too_long()))
		kill_victim(choose(NULL));
	s = space_to_reap();
	mutex_unlock(&oom_lock);
	if (s != NULL) {
		(void)tome_oom_reap(s->map);
		space_unref(s);
	}
	if (current_process()->group_exit)
		return false;
	(void)thread_sleep_until(clock_ns() + PAUSE_NS, false);
	return true;
}

/* One that is to end, of whatever group, is waited for: it may be one of this. */
bool
out_of_room(const struct group *g)
{
	struct victim v;

	mutex_lock(&oom_lock);
	v = choose(g);
	if (v.points > 0 && !current_process()->group_exit &&
	    (!one_is_dying() || takes_too_long()))
		kill_victim(v);
	mutex_unlock(&oom_lock);
	if (current_process()->group_exit || (v.points == 0 && !one_is_dying()))
		return false;
	(void)thread_sleep_until(clock_ns() + PAUSE_NS, false);
	return true;
}

/* Where PID 1 alone is left to be killed, a call of it fails. */
static bool
hook(void *arg)
{
	(void)arg;
	if (scarce_again())
		return true;
	if (!one_is_dying() && choose(NULL).points == 0)
		return false;
	return out_of_memory();
}

void
oom_start(void)
{
	tome_oom_hook(the_vm, hook, NULL);
}

/* Until the victim's memory is there, or for a while. */
static bool
victim_ended(void)
{
	uint64_t until = clock_ns() + VICTIM_NS;

	if (!one_is_dying())
		return false;
	while (one_is_dying() && clock_ns() < until)
		(void)thread_sleep_until(clock_ns() + PAUSE_NS, false);
	return true;
}

/* An allocation has found no frame since this task asked last: its own, or one beside
 * it. Otherwise it is by rule that a call has ENOMEM. */
static bool
frames_were_refused(void)
{
	struct task *t = current_task();
	struct tome_paging_stats now;
	bool any;

	tome_paging_stats(the_vm, &now);
	any = now.refused != t->refused;
	t->refused = now.refused;
	return any;
}

bool
oom_make_room(void)
{
	struct tome_zone_stats z;

	if (current_process()->group_exit)
		return false;
	if (scarce_again())
		return true;
	if (!frames_were_refused())
		return false;
	for (int kind = 0; kind < TOME_ZONES; kind++)
		if (tome_zone_stats(the_vm, (enum tome_zone_kind)kind, &z) &&
		    z.free < 2 * z.high)
			return tome_reclaim(the_vm, ROOM_PAGES) > 0 ||
			    (z.free - z.cached < z.low && victim_ended());
	/* Some were freed meanwhile; or it is a run that is lacking, and more of them
	 * may make one. */
	(void)tome_reclaim(the_vm, ROOM_PAGES);
	return true;
}

void *
patient_alloc(size_t n)
{
	void *p;

	do
		p = tome_kmalloc(the_vm, n);
	while (p == NULL && oom_insist(-ENOMEM));
	return p;
}
