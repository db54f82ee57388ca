/*
 * audit.c - with `check` on the command line: when init has ended, everything is ended, and
 * Tome recounts itself (tome_vm_check()); what became of every slot of swap must add up.
 */
#include <audit.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <process.h>
#include <tome/paging.h>

#define PAUSE_NS 1000000u
#define PATIENCE 30000			/* pauses */
#define AREAS 32u

/* A space may outlive its process for as long as it takes to give it all back. */
static bool
spaces_left(void)
{
	struct tome_stats s;

	tome_vm_stats(the_vm, &s);
	return s.maps > 1;
}

/* True: nobody but init has a space any more. */
static bool
end_others(void)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	struct process *p;
	bool alone = true;

	list_each(p, &process_list, all)
		if (p != init_process && p->space != NULL) {
			process_kill(p, SIGKILL);
			alone = false;
		}
	spin_unlock_irq(&proc_lock, irq);
	return alone;
}

static void
check_slots(unsigned id)
{
	struct tome_swap_stats s;

	if (!tome_swap_stats(the_vm, id, &s))
		return;
	kprintf("Tome: swap area %u: %ju slots were allocated: %ju are in use, %ju superseded,"
	    " %ju dropped, %ju home, %ju unwritten, %ju retired\n", id,
	    s.allocated, s.used, s.superseded, s.dropped, s.home, s.unwritten,
	    s.retired);
	if (s.allocated != s.used + s.superseded + s.dropped + s.home +
	    s.unwritten + s.retired)
		panic("check: slots of swap area %u are lost", id);
}

static bool
all_ended(void)
{
	return end_others() && !spaces_left();
}

static void
wait_until(bool (*over)(void), const char *who)
{
	for (int n = 0; !over(); n++) {
		if (n == PATIENCE)
			panic("check: %s not end", who);
		(void)thread_sleep_until(clock_ns() + PAUSE_NS, false);
	}
}

void
audit(void)
{
	char none[2];
	const char *wrong;

	if (!boot_option("check", none, sizeof none))
		return;
	wait_until(all_ended, "processes do");
	tome_paging_stop(the_vm);
	wait_until(paging_ended, "the paging daemon does");
	tome_vm_quiesce(the_vm, true);
	for (unsigned id = 0; id < AREAS; id++)
		check_slots(id);
	wrong = tome_vm_check(the_vm);
	if (wrong != NULL)
		panic("check: %s", wrong);
	kprintf("Tome: checked\n");
}
