/*
 * radix.c - the walk that most architectures share (radix.h).
 */
#include <string.h>

#include "radix.h"

static enum hosted_walk
bad_walk(const struct radix_trip *t, const char *why, uint64_t raw)
{
	if (!(t->how & HOSTED_WALK_FRESH))
		hosted_mmu_violation(t->c, HOSTED_TABLE, why, t->va, raw);
	return HOSTED_BAD;
}

static bool
fetch(const struct radix_trip *t, tome_pa_t at, uint64_t *raw)
{
	uint32_t word;

	if (hosted_radix.entry_bytes == 8)
		return hosted_fetch64(t->c, at, raw);
	if (!hosted_fetch32(t->c, at, &word))
		return false;
	*raw = word;
	return true;
}

static bool
update(struct hosted_cpu *c, tome_pa_t at, uint64_t seen, uint64_t now)
{
	if (hosted_radix.entry_bytes == 8)
		return hosted_update64(c, at, seen, now);
	return hosted_update32(c, at, (uint32_t)seen, (uint32_t)now);
}

static enum hosted_walk
depart(struct radix_trip *t, struct hosted_cpu *c, tome_va_t va, unsigned how)
{
	memset(t, 0, sizeof *t);
	t->c = c;
	t->va = va;
	t->how = how;
	t->rights = HOSTED_R | HOSTED_W | HOSTED_X | HOSTED_U;
	return hosted_radix.begin(t);
}

/* Begin below a cached upper entry, as deep as there is one. */
static void
skip_cached(struct radix_trip *t)
{
	struct hosted_upper u;

	if ((t->how & HOSTED_WALK_FRESH) || t->level->shift == TOME_PAGE_SHIFT ||
	    !hosted_upper_find(t->c, t->va, t->asid, TOME_PAGE_SHIFT + 1, &u))
		return;
	while (t->level->shift != u.shift)
		t->level++;
	t->level++;
	t->table = u.table;
	t->rights = u.rights;
}

/* Read the next entry; FOUND: it is there and sound. */
static enum hosted_walk
step(struct radix_trip *t)
{
	tome_va_t i = (t->va >> t->level->shift) &
	    (((tome_va_t)1 << t->level->bits) - 1);
	tome_pa_t at = t->table + (tome_pa_t)i * hosted_radix.entry_bytes;
	uint64_t raw;

	if (!fetch(t, at, &raw))
		return bad_walk(t, "table where no RAM is", t->table);
	if (!(t->how & HOSTED_WALK_FRESH) && hosted_is_free(t->c, t->table))
		return bad_walk(t, "the table is a free frame", t->table);
	memset(&t->entry, 0, sizeof t->entry);
	hosted_radix.decode(t, raw, &t->entry);
	if (t->entry.kind == RADIX_NONE)
		return HOSTED_ABSENT;
	if (t->entry.kind == RADIX_BAD)
		return bad_walk(t, t->entry.why, raw);
	t->at[t->n] = at;
	t->seen[t->n] = t->entry;
	t->raw[t->n++] = raw;
	t->rights &= t->entry.rights;
	return HOSTED_FOUND;
}

/* The entry just read names a table: remember it and go down. */
static void
go_down(struct radix_trip *t)
{
	unsigned shift = t->level->shift;

	t->table = t->entry.pa;
	if (!(t->how & HOSTED_WALK_FRESH))
		hosted_upper_add(t->c, &(struct hosted_upper){
		    .va = t->va >> shift << shift, .shift = (uint8_t)shift,
		    .rights = t->rights, .asid = t->asid,
		    .global = t->global, .table = t->table,
		    .entry = t->at[t->n - 1] });
	t->level++;
}

/*
 * Those of a run that are there must be alike but for rights, which may be on their
 * way: or which of them the CPU takes, nobody knows.
 */
static bool
run_is_alike(const struct radix_trip *t)
{
	int n = 1 << t->entry.run, own, i;
	tome_pa_t first = t->at[t->n - 1];
	uint64_t raw;

	own = (int)(first / hosted_radix.entry_bytes) & (n - 1);
	first -= (tome_pa_t)((unsigned)own * hosted_radix.entry_bytes);
	for (i = 0; i < n; i++)
		if (!fetch(t, first + (tome_pa_t)((unsigned)i *
		    hosted_radix.entry_bytes), &raw) || (hosted_mmu.valid(raw) &&
		    !hosted_mmu.same(raw, hosted_mmu.in_run(t->raw[t->n - 1],
		    i - own))))
			return false;
	return true;
}

static enum hosted_walk
descend(struct radix_trip *t)
{
	enum hosted_walk w;

	while ((w = step(t)) == HOSTED_FOUND && t->entry.kind == RADIX_TABLE)
		go_down(t);
	if (w == HOSTED_FOUND && t->entry.run != 0 && !run_is_alike(t))
		return bad_walk(t, "a run of entries that are not alike",
		    t->entry.pa);
	return w;
}

/* A TLB need not take a run as one; who wants it to vary says so. */
static unsigned
run_taken(const struct radix_trip *t)
{
	if (!(t->how & HOSTED_WALK_FRESH) &&
	    hosted_cpu_mode(t->c, HOSTED_RANDOM_EVICT) &&
	    hosted_roll(t->c, 4) == 0)
		return 0;
	return t->entry.run;
}

/* What the hardware marks in the entries used. False: one has changed. */
static bool
set_flags(struct radix_trip *t, bool late)
{
	bool write = (t->how & HOSTED_WALK_WRITE) && (t->rights & HOSTED_W);
	uint64_t want;
	unsigned i;

	for (i = 0; i < t->n; i++) {
		want = hosted_radix.marked(t, t->raw[i], &t->seen[i], write,
		    late);
		if (want == t->raw[i])
			continue;
		if (!update(t->c, t->at[i], t->raw[i], want))
			return false;
		t->raw[i] = want;
	}
	hosted_radix.decode(t, t->raw[t->n - 1], &t->entry);
	return true;
}

static void
arrive(const struct radix_trip *t, struct hosted_leaf *leaf)
{
	const struct radix_entry *e = &t->entry;
	unsigned run = e->run != 0 ? run_taken(t) : 0;
	unsigned shift = run + (e->shift != 0 ? e->shift : t->level->shift);
	tome_va_t inside = ((tome_va_t)1 << shift) - 1;
	unsigned i;

	*leaf = (struct hosted_leaf){
		.va = t->va & ~inside,
		.pa = e->pa & ~(tome_pa_t)inside,
		.shift = (uint8_t)shift,
		.rights = t->rights,
		.type = e->type,
		.global = e->global,
		.dirty = e->dirty,
		.accessed = e->accessed || (t->how & HOSTED_WALK_FRESH),
		.asid = t->asid,
		.pte = t->at[t->n - 1],
		.raw = t->raw[t->n - 1],
		.run = (uint8_t)run,
		.npath = (uint8_t)t->n,
	};
	for (i = 0; i < t->n; i++)
		leaf->path[i] = t->at[i];
}

enum hosted_walk
hosted_radix_walk(struct hosted_cpu *c, tome_va_t va, unsigned how,
    struct hosted_leaf *leaf)
{
	bool late = hosted_cpu_mode(c, HOSTED_LATE_ACCESSED);
	struct radix_trip t;
	enum hosted_walk w;

	do {
		w = depart(&t, c, va, how);
		if (w != HOSTED_FOUND)
			return w;
		skip_cached(&t);
		w = descend(&t);
		if (w != HOSTED_FOUND)
			return w;
	} while ((how & HOSTED_WALK_ACCESS) && !set_flags(&t, late));
	arrive(&t, leaf);
	return HOSTED_FOUND;
}

void
hosted_radix_settle(struct hosted_cpu *c, const struct hosted_leaf *leaf)
{
	(void)update(c, leaf->pte, leaf->raw,
	    leaf->raw | hosted_radix.accessed);
}

bool
hosted_radix_upper(struct hosted_cpu *c, const struct hosted_upper *u,
    struct hosted_upper *now)
{
	struct radix_trip t;

	if (depart(&t, c, u->va, HOSTED_WALK_FRESH) != HOSTED_FOUND)
		return false;
	while (t.level->shift >= u->shift) {
		if (step(&t) != HOSTED_FOUND || t.entry.kind != RADIX_TABLE)
			return false;
		go_down(&t);
	}
	*now = *u;
	now->table = t.table;
	now->rights = t.rights;
	return true;
}

/* From a slot by the dice, the next that is there; false: none. */
static bool
pick_slot(struct radix_trip *t)
{
	tome_va_t mask = ((tome_va_t)1 << t->level->bits) - 1;
	uint32_t from = hosted_roll(t->c, (uint32_t)mask + 1);
	tome_va_t i;

	for (i = 0; i <= mask; i++) {
		t->va = (t->va & ~(mask << t->level->shift)) |
		    ((from + i) & mask) << t->level->shift;
		t->n = 0;
		if (step(t) == HOSTED_FOUND)
			return true;
	}
	return false;
}

bool
hosted_radix_pick(struct hosted_cpu *c, tome_va_t *va)
{
	struct radix_trip t;

	if (depart(&t, c, hosted_radix.anywhere(c), HOSTED_WALK_FRESH) !=
	    HOSTED_FOUND)
		return false;
	while (pick_slot(&t)) {
		if (t.entry.kind == RADIX_LEAF) {
			*va = hosted_radix.canonical(c, t.va);
			return true;
		}
		go_down(&t);
	}
	return false;
}
