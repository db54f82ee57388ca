/*
 * claim.c - units of physical memory that several claim: counts, by unit.
 *
 * Invariant: a unit is in its chain as long as its count is not 0; its frames are
 *   DEVICE, and ours, if it is RAM.
 * Lock: the table's own, over chains and counts.
 */
#include <base/lock.h>
#include <tome/claim.h>

#define CHAINS 256u

struct unit {
	struct unit *next;
	tome_pfn_t first;
	unsigned count;
	bool ram;
};

struct tome_claims {
	struct tome_vm *vm;
	struct tome_mutex lock;
	unsigned order;
	struct unit *chain[CHAINS];
};

static enum tome_err claim(struct tome_claims *, tome_pfn_t first)
    TOME_NODISCARD;
static enum tome_err unclaim(struct tome_claims *, tome_pfn_t first,
    tome_pfn_t end) TOME_NODISCARD;
static void give_back(struct tome_claims *, struct unit *);

static tome_pfn_t
unit_frames(const struct tome_claims *c)
{
	return (tome_pfn_t)1 << c->order;
}

/* The first frame of the unit of this address. */
static tome_pfn_t
unit_first(const struct tome_claims *c, tome_pa_t pa)
{
	return tome_pa_pfn(pa) & ~(unit_frames(c) - 1);
}

/* What leads to the unit in its chain, or to the chain's end. */
static struct unit **
unit_find(struct tome_claims *c, tome_pfn_t first)
{
	struct unit **at = &c->chain[(first >> c->order) & (CHAINS - 1)];

	while (*at != NULL && (*at)->first != first)
		at = &(*at)->next;
	return at;
}

static void
table_lock(struct tome_claims *c)
{
	tome_mutex_lock(c->vm, &c->lock, TOME_RANK_MAP);
}

static void
table_unlock(struct tome_claims *c)
{
	tome_mutex_unlock(c->vm, &c->lock, TOME_RANK_MAP);
}

tome_cold enum tome_err
tome_claims_create(struct tome_vm *vm, unsigned order, struct tome_claims **out)
{
	struct tome_claims *c = tome_kzalloc(vm, sizeof *c);

	if (c == NULL)
		return TOME_ENOMEM;
	c->vm = vm;
	c->order = order;
	*out = c;
	return TOME_OK;
}

tome_cold void
tome_claims_destroy(struct tome_claims *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < CHAINS; i++) {
		struct unit *u;

		while ((u = c->chain[i]) != NULL) {
			c->chain[i] = u->next;
			give_back(c, u);
		}
	}
	tome_kfree(c->vm, c);
}

static void
give_back(struct tome_claims *c, struct unit *u)
{
	if (u->ram)
		tome_frames_free(c->vm, u->first, c->order);
	tome_kfree(c->vm, u);
}

enum tome_err
tome_claims_alloc(struct tome_claims *c, tome_pa_t *out)
{
	struct unit *u = tome_kzalloc(c->vm, sizeof *u);
	enum tome_err err;

	if (u == NULL)
		return TOME_ENOMEM;
	err = tome_frames_alloc(c->vm, TOME_PAGE_DEVICE, c->order,
	    unit_frames(c), 0, TOME_FRAME_ZERO, &u->first);
	if (err != TOME_OK) {
		tome_kfree(c->vm, u);
		return err;
	}
	u->count = 1;
	u->ram = true;
	*out = tome_pfn_pa(u->first);
	table_lock(c);
	*unit_find(c, u->first) = u;
	table_unlock(c);
	return TOME_OK;
}

enum tome_err
tome_claims_take(struct tome_claims *c, tome_pa_t pa, tome_pa_t len)
{
	tome_pfn_t first = unit_first(c, pa), at = first;
	tome_pfn_t last = unit_first(c, pa + len - 1);
	enum tome_err err = TOME_OK;

	table_lock(c);
	while (err == TOME_OK && at <= last) {
		err = claim(c, at);
		if (err == TOME_OK)
			at += unit_frames(c);
	}
	if (err != TOME_OK)
		(void)!unclaim(c, first, at);
	table_unlock(c);
	return err;
}

/* One unit; the lock is held. */
static enum tome_err
claim(struct tome_claims *c, tome_pfn_t first)
{
	struct unit **at = unit_find(c, first), *u = *at;
	enum tome_err err;

	if (u != NULL) {
		u->count++;
		return TOME_OK;
	}
	u = tome_kzalloc(c->vm, sizeof *u);
	if (u == NULL)
		return TOME_ENOMEM;
	err = tome_frames_claim(c->vm, TOME_PAGE_DEVICE, first,
	    unit_frames(c));
	if (err != TOME_OK && err != TOME_ENOENT) {
		tome_kfree(c->vm, u);
		return err;
	}
	u->first = first;
	u->count = 1;
	u->ram = err == TOME_OK;
	*at = u;
	return TOME_OK;
}

enum tome_err
tome_claims_again(struct tome_claims *c, tome_pa_t pa)
{
	struct unit *u;

	table_lock(c);
	u = *unit_find(c, unit_first(c, pa));
	if (u != NULL)
		u->count++;
	table_unlock(c);
	return u != NULL ? TOME_OK : TOME_ENOENT;
}

enum tome_err
tome_claims_drop(struct tome_claims *c, tome_pa_t pa, tome_pa_t len)
{
	enum tome_err err;

	table_lock(c);
	err = unclaim(c, unit_first(c, pa),
	    unit_first(c, pa + len - 1) + unit_frames(c));
	table_unlock(c);
	return err;
}

/* Of the units [first, end); the lock is held. */
static enum tome_err
unclaim(struct tome_claims *c, tome_pfn_t first, tome_pfn_t end)
{
	enum tome_err err = TOME_OK;

	for (; first < end; first += unit_frames(c)) {
		struct unit **at = unit_find(c, first), *u = *at;

		if (u == NULL) {
			err = TOME_ENOENT;
		} else if (--u->count == 0) {
			*at = u->next;
			give_back(c, u);
		}
	}
	return err;
}
