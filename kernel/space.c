/*
 * space.c - the address space that the tasks of a process, or of several, share, with
 * what is its own: the rules of POSIX, its group's ledger, its program's name.
 *
 * Invariant: a space is counted by each process that has it and by who looks at it.
 */
#include <caches.h>
#include <fs/vfs.h>
#include <group.h>
#include <mm.h>
#include <process_i.h>

/* Below so many free frames the memory of who ended is not left for later. */
#define FRAMES_SCARCE 1024u

static struct tome_cache *spaces;

void
space_start(void)
{
	spaces = cache_new("space", sizeof(struct space));
}

struct space *
space_new(const struct mm_start *start)
{
	const struct tome_posix_config config = {
		.map = start->map, .shm = mm_shm, .brk_start = start->brk,
		.data_bytes = start->data_bytes,
	};
	struct space *s = tome_cache_alloc(spaces);

	if (s == NULL)
		return NULL;
	*s = (struct space){.refs = 1};
	if (tome_posix_create(&config, &s->posix) != TOME_OK) {
		tome_cache_free(spaces, s);
		return NULL;
	}
	s->map = start->map;
	s->group = group_own();
	return s;
}

void
space_ref(struct space *s)
{
	atomic_fetch_add(&s->refs, 1);
}

void
space_unref(struct space *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->group != NULL)
		group_leave(s->map);
	tome_posix_destroy(s->posix);
	group_unref(s->group);
	dentry_unref(s->exe);
	tome_cache_free(spaces, s);
	/* A fault waits for epochs to end before it gives up; the kernel's own
	 * allocations do not. */
	if (tome_frames_free_count(the_vm) < FRAMES_SCARCE)
		tome_vm_quiesce(the_vm, false);
}

struct space *
space_of(struct process *p)
{
	struct space *s = p->space;

	if (s != NULL)
		space_ref(s);
	return s;
}

struct space *
space_fork(struct space *from)
{
	struct space *s = tome_cache_alloc(spaces);

	if (s == NULL)
		return NULL;
	*s = *from;
	s->refs = 1;
	if (tome_posix_fork(from->posix, &s->posix) != TOME_OK) {
		tome_cache_free(spaces, s);
		return NULL;
	}
	s->map = tome_posix_map(s->posix);
	s->group = group_ref(from->group);
	if (s->exe != NULL)
		dentry_ref(s->exe);
	return s;
}

/* The parent of a vfork may go on. proc_lock held. */
static void
vfork_release(struct process *p)
{
	struct task *t = p->vfork_parent;

	p->vfork_parent = NULL;
	if (t == NULL)
		return;
	t->vfork_child = NULL;
	atomic_fetch_add(&t->vfork_event, 1);
	word_wake(&t->vfork_event, 1);
}

void
process_set_space(struct space *s)
{
	struct process *p = current_process();
	struct space *old;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	old = p->space;
	p->space = s;
	spin_unlock_irq(&proc_lock, irq);
	posix_timers_discard(p);	/* exec and the end keep none */
	thread_use_pmap(s == NULL ? NULL : tome_map_pmap(s->map));
	space_unref(old);
	irq = spin_lock_irq(&proc_lock);
	vfork_release(p);
	spin_unlock_irq(&proc_lock, irq);
}
