/*
 * group.c - see group.h. A group is a ledger of Tome's (tome/ledger.h), counted by
 * the spaces in it and the groups within it.
 *
 * Locks: group_lock, over which group a space has; a space's own reference keeps it.
 */
#include <fs/proc.h>
#include <group.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <tome/ledger.h>

struct group {
	_Atomic uint32_t refs;
	int pid;			/* whose own it is */
	struct group *parent;
	struct tome_ledger *ledger;
};

static struct mutex group_lock;

struct group *
group_ref(struct group *g)
{
	if (g != NULL)
		atomic_fetch_add(&g->refs, 1);
	return g;
}

void
group_unref(struct group *g)
{
	struct group *parent;

	while (g != NULL && atomic_fetch_sub(&g->refs, 1) == 1) {
		parent = g->parent;
		if (tome_ledger_destroy(g->ledger) != TOME_OK)
			panic("a group ends that is in use");
		tome_kfree(the_vm, g);
		g = parent;
	}
}

struct group *
group_own(void)
{
	struct space *s = current_process()->space;

	return s == NULL ? NULL : group_ref(s->group);
}

struct tome_map *
group_payer(void)
{
	const struct space *s = current_process()->space;

	return s != NULL && s->group != NULL ? s->map : NULL;
}

void
group_adopt(struct tome_map *map)
{
	const struct space *s = current_process()->space;

	if (s != NULL && s->group != NULL)
		tome_map_set_ledger(map, s->group->ledger);
}

void
group_leave(struct tome_map *map)
{
	tome_map_set_ledger(map, NULL);
}

bool
group_has(const struct group *g, const struct space *s)
{
	const struct group *at = s->group;

	while (at != NULL && at != g)
		at = at->parent;
	return at == g;
}

/* ---- making one ---- */

static bool
full(void *group)
{
	return out_of_room(group);
}

static struct group *
group_new(struct group *parent, int pid)
{
	struct group *g = tome_kzalloc(the_vm, sizeof *g);

	if (g == NULL)
		return NULL;
	if (tome_ledger_create(the_vm, parent == NULL ? NULL : parent->ledger,
	    &g->ledger) != TOME_OK) {
		tome_kfree(the_vm, g);
		return NULL;
	}
	g->refs = 1;
	g->pid = pid;
	g->parent = group_ref(parent);
	tome_ledger_full(g->ledger, full, g);
	return g;
}

/* The lock is held. The caller's own group, made if there is none. */
static struct group *
own_group(struct space *s)
{
	int pid = current_process()->pid;
	struct group *was = s->group, *g;

	if (was != NULL && was->pid == pid)
		return was;
	g = group_new(was, pid);
	if (g == NULL)
		return NULL;
	tome_map_set_ledger(s->map, g->ledger);
	s->group = g;
	group_unref(was);
	return g;
}

/* ---- limits ---- */

/* In pages. False: it is none. */
static bool
parse(const char *s, uint64_t *pages)
{
	uint64_t bytes = 0;

	if (strncmp(s, "max", 3) == 0) {
		*pages = UINT64_MAX;
		return s[3] == '\0' || s[3] == '\n';
	}
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9' && bytes < UINT64_MAX / 20; s++)
		bytes = bytes * 10 + (uint64_t)(*s - '0');
	*pages = bytes >> TOME_PAGE_SHIFT;
	return *s == '\0' || *s == '\n';
}

static int64_t
store(int pid, const char *s, bool swap)
{
	struct tome_ledger_state state;
	struct group *g;
	uint64_t pages;

	if (pid != current_process()->pid)
		return -EPERM;
	if (!parse(s, &pages))
		return -EINVAL;
	mutex_lock(&group_lock);
	g = own_group(current_process()->space);
	if (g != NULL) {
		tome_ledger_state(g->ledger, &state);
		*(swap ? &state.limit.swapped : &state.limit.resident) = pages;
		tome_ledger_limit(g->ledger, &state.limit);
	}
	mutex_unlock(&group_lock);
	return g == NULL ? -ENOMEM : 0;
}

int64_t
store_group_max(int pid, const char *s, size_t n)
{
	(void)n;
	return store(pid, s, false);
}

int64_t
store_group_swap_max(int pid, const char *s, size_t n)
{
	(void)n;
	return store(pid, s, true);
}

/* ---- figures ---- */

/* Of the group that a process is in. */
static struct tome_ledger_state
state_of(int pid)
{
	struct tome_ledger_state state = { { UINT64_MAX, UINT64_MAX },
		0, 0, 0, 0 };
	struct space *s = proc_space(pid);

	if (s == NULL)
		return state;
	mutex_lock(&group_lock);
	if (s->group != NULL)
		tome_ledger_state(s->group->ledger, &state);
	mutex_unlock(&group_lock);
	space_unref(s);
	return state;
}

static void
show(struct text *t, uint64_t pages)
{
	if (pages == UINT64_MAX)
		text_add(t, "max\n");
	else
		text_add(t, "%lu\n", (unsigned long)pages << TOME_PAGE_SHIFT);
}

void
show_group_max(struct text *t, int pid)
{
	show(t, state_of(pid).limit.resident);
}

void
show_group_swap_max(struct text *t, int pid)
{
	show(t, state_of(pid).limit.swapped);
}

void
show_group_current(struct text *t, int pid)
{
	show(t, state_of(pid).resident);
}

void
show_group_swap_current(struct text *t, int pid)
{
	show(t, state_of(pid).swapped);
}
