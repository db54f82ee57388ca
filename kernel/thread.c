/*
 * thread.c - making and ending threads.
 *
 * A thread is one guard-paged stack, with its descriptor and FPU area at the
 * upper end (machine_thread). Dead ones are kept for the next creation, a few
 * of them; the reaper gives the rest back, since that takes a thread that can
 * wait for a flush.
 */
#include <lib.h>
#include <machine.h>
#include <sched_i.h>
#include <tome/kmem.h>

#define STACK_PAGES 4
#define KEPT_MAX 16u

static struct spinlock lock;
/* Under lock. */
static struct thread *dead;
static uint32_t ndead;
/* Counts what the reaper was told. */
static _Atomic uint32_t reaper_calls;

static struct thread *
dead_take(uint32_t keep)
{
	uintptr_t irq = spin_lock_irq(&lock);
	struct thread *t = ndead > keep ? dead : NULL;

	if (t != NULL) {
		dead = t->next;
		ndead--;
	}
	spin_unlock_irq(&lock, irq);
	return t;
}

void
thread_recycle(struct thread *t)
{
	uintptr_t irq = spin_lock_irq(&lock);
	bool many;

	t->next = dead;
	dead = t;
	many = ++ndead > KEPT_MAX;
	spin_unlock_irq(&lock, irq);
	if (many) {
		atomic_fetch_add(&reaper_calls, 1);
		word_wake(&reaper_calls, 1);
	}
}

static void
reaper(void *arg)
{
	(void)arg;
	for (;;) {
		uint32_t seen = atomic_load(&reaper_calls);
		struct thread *t;

		while ((t = dead_take(KEPT_MAX)) != NULL)
			tome_kunmap(the_vm, t->stack_low);
		word_wait(&reaper_calls, seen, TOME_FOREVER, false);
	}
}

void
thread_start_reaper(void)
{
	struct thread *t = thread_create("reaper", reaper, NULL);

	if (t == NULL)
		panic("no memory for the reaper");
	thread_start(t);
}

static struct thread *
allocate(const char *name)
{
	struct thread *t = dead_take(0);
	tome_va_t low;

	if (t != NULL)
		low = t->stack_low;
	else if (tome_kmap_stack(the_vm, STACK_PAGES, &low) != TOME_OK)
		return NULL;
	t = machine_thread(low, low + STACK_PAGES * TOME_PAGE_SIZE);
	strlcpy(t->name, name, sizeof t->name);
	t->allowed = UINT32_MAX;
	atomic_store(&t->cpu, tome_host_cpu());
	return t;
}

struct thread *
thread_create(const char *name, void (*start)(void *), void *arg)
{
	struct thread *t = allocate(name);

	if (t == NULL)
		return NULL;
	machine_thread_inherit(t, true);
	t->start = start;
	t->arg = arg;
	return t;
}

struct thread *
thread_create_user(const char *name, const struct trap_frame *frame,
    bool fresh)
{
	struct thread *t = allocate(name);

	if (t == NULL)
		return NULL;
	machine_thread_inherit(t, fresh);
	t->allowed = current()->allowed;
	*t->frame = *frame;
	return t;
}

struct thread *
sched_create_idle(unsigned cpu)
{
	struct thread *t = thread_create("idle", NULL, NULL);

	if (t != NULL)
		atomic_store(&t->cpu, cpu);
	return t;
}

void
thread_discard(struct thread *t)
{
	thread_recycle(t);
}

void
thread_exit(void)
{
	thread_use_pmap(NULL);
	sched_end();
}

void
thread_use_pmap(struct tome_pmap *pmap)
{
	uintptr_t irq = tome_host_irq_save();

	current()->pmap = pmap;
	tome_pmap_switch(pmap != NULL ? pmap : tome_pmap_kernel(the_vm));
	tome_host_irq_restore(irq);
}

void
thread_enter_user(const struct trap_frame *frame)
{
	struct thread *t = current();

	*t->frame = *frame;
	fpu_reset();
	thread_load_bases();
	thread_enter_frame(t->frame);
}
