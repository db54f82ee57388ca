/*
 * model.c - the sequential oracle: what each operation does when nothing else runs,
 * and a search for an order of the operations that explains what was seen.
 */
#include <errno.h>
#include <string.h>

#include <litmus.h>
#include <tome/types.h>

/* Pages the programs use, so that a state is small: see slot_of(). */
#define TABLE_SLOTS 12
#define MODEL_SLOTS (2 * TABLE_SLOTS)

struct cell {
	uint8_t mapped, prot, shared, own;	/* own: value[] is the space's */
	uint8_t object;				/* object page + 1, 0: none */
	uint8_t value;
};

struct state {
	struct cell cell[LITMUS_SPACES][MODEL_SLOTS];
	uint8_t object[LITMUS_OBJECT_PAGES];
	unsigned object_pages;
};

static unsigned slot_of(unsigned page);
static int model_do(struct state *, const struct litmus_op *);
static bool model_search(const struct state *, const struct litmus_done *,
    unsigned n, uint32_t left);

bool
litmus_explains(const struct litmus *l, const struct litmus_done *done,
    unsigned n)
{
	struct state s;

	memset(&s, 0, sizeof s);
	s.object_pages = LITMUS_OBJECT_PAGES;
	for (unsigned i = 0; l->how & LITMUS_FILE && i < LITMUS_OBJECT_PAGES;
	    i++)
		s.object[i] = (uint8_t)(LITMUS_STORED + i);
	for (unsigned i = 0; l->before[i].kind != OP_END; i++)
		(void)model_do(&s, &l->before[i]);
	return model_search(&s, done, n, (1u << n) - 1);
}

/* Try each operation that may be next: none of those left ended before it began. */
static bool
model_search(const struct state *s, const struct litmus_done *done, unsigned n,
    uint32_t left)
{
	if (left == 0)
		return true;
	for (unsigned i = 0; i < n; i++) {
		struct state next = *s;
		bool first = left >> i & 1;

		for (unsigned j = 0; j < n && first; j++)
			if ((left >> j & 1) && done[j].ended < done[i].began)
				first = false;
		if (first && model_do(&next, done[i].op) == done[i].got &&
		    model_search(&next, done, n, left & ~(1u << i)))
			return true;
	}
	return false;
}

/* The first pages of each leaf table have slots; the others are not looked at. */
static unsigned
slot_of(unsigned page)
{
	return page / LITMUS_LEAF * TABLE_SLOTS + page % LITMUS_LEAF;
}

static bool
has_slot(unsigned page)
{
	return page % LITMUS_LEAF < TABLE_SLOTS;
}

static uint8_t *
cell_value(struct state *s, struct cell *c)
{
	return c->object != 0 && !c->own ? &s->object[c->object - 1] : &c->value;
}

/* 0, or the error a touch gives. */
static int
cell_access(const struct state *s, const struct cell *c, bool write)
{
	if (!c->mapped)
		return -EFAULT;
	if (c->prot == TOME_PROT_NONE || (write && !(c->prot & TOME_PROT_WRITE)))
		return -EACCES;
	if (c->object > s->object_pages && !c->own)
		return -ENXIO;
	return 0;
}

static int
model_touch(struct state *s, struct cell *c, bool write, int value)
{
	int err = cell_access(s, c, write);

	if (err != 0)
		return err;
	if (!write)
		return *cell_value(s, c);
	if (!c->shared)
		c->own = 1;
	*cell_value(s, c) = (uint8_t)value;
	return 0;
}

static int
model_cas(struct state *s, struct cell *c, int want)
{
	int err = cell_access(s, c, true);
	uint8_t seen;

	if (err != 0)
		return -EFAULT;
	seen = *cell_value(s, c);
	if (seen == 0)
		(void)model_touch(s, c, true, want);
	return seen;
}

static int
model_file(struct state *s, const struct litmus_op *op)
{
	if (op->page >= s->object_pages)
		return -ENXIO;
	if (op->kind == OP_FILE_READ)
		return s->object[op->page];
	s->object[op->page] = (uint8_t)op->value;
	return 0;
}

static void
model_fork(struct state *s, unsigned from, unsigned to)
{
	memcpy(s->cell[to], s->cell[from], sizeof s->cell[to]);
}

static void
model_resize(struct state *s, unsigned pages)
{
	for (unsigned i = pages; i < LITMUS_OBJECT_PAGES; i++)
		s->object[i] = 0;
	s->object_pages = pages;
	for (unsigned sp = 0; sp < LITMUS_SPACES; sp++)
		for (unsigned i = 0; i < MODEL_SLOTS; i++) {
			struct cell *c = &s->cell[sp][i];

			if (c->object > pages && c->own)
				c->own = 0;
		}
}

static int
model_each(struct state *s, const struct litmus_op *op)
{
	for (unsigned i = 0; i < op->n; i++) {
		struct cell fresh = { .mapped = 1, .prot = TOME_PROT_READ |
		    TOME_PROT_WRITE };
		struct cell *c;

		if (!has_slot(op->page + i))
			continue;
		c = &s->cell[op->space][slot_of(op->page + i)];
		switch (op->kind) {
		case OP_MAP:
			*c = fresh;
			break;
		case OP_MAP_SHARED:
		case OP_MAP_PRIVATE:
			*c = fresh;
			c->object = (uint8_t)(op->value + (int)i + 1);
			c->shared = op->kind == OP_MAP_SHARED;
			break;
		case OP_UNMAP:
			memset(c, 0, sizeof *c);
			break;
		case OP_PROTECT:
			if (!c->mapped)
				return -ENOMEM;
			c->prot = (uint8_t)op->value;
			break;
		case OP_WIRE:
			if (!c->mapped)
				return -ENOMEM;
			break;
		case OP_DISCARD:
			if (!c->shared) {
				c->own = 0;
				c->value = 0;
			}
			break;
		case OP_MOVE: {
			struct cell *to = &s->cell[op->space]
			    [slot_of((unsigned)op->value + i)];

			if (!c->mapped)
				return -EFAULT;
			*to = *c;
			memset(c, 0, sizeof *c);
			break;
		}
		default:
			break;
		}
	}
	return 0;
}

static int
model_do(struct state *s, const struct litmus_op *op)
{
	struct cell *c = &s->cell[op->space][slot_of(op->page)];

	switch (op->kind) {
	case OP_READ:
		return model_touch(s, c, false, 0);
	case OP_WRITE:
		return model_touch(s, c, true, op->value);
	case OP_ALIEN_READ:
	case OP_ALIEN_WRITE: {
		int got = model_touch(s, c, op->kind == OP_ALIEN_WRITE,
		    op->value);

		return got == -EACCES ? -EFAULT : got;
	}
	case OP_CAS:
		return model_cas(s, c, op->value);
	case OP_FORK:
		model_fork(s, op->space, (unsigned)op->value);
		return 0;
	case OP_END_SPACE:
		memset(s->cell[op->space], 0, sizeof s->cell[op->space]);
		return 0;
	case OP_RESIZE:
		model_resize(s, op->n);
		return 0;
	case OP_PUNCH:
		for (unsigned i = 0; i < op->n; i++)
			s->object[op->page + i] = 0;
		return 0;
	case OP_FILE_READ:
	case OP_FILE_WRITE:
		return model_file(s, op);
	case OP_SYNC:
	case OP_FILE_SYNC:
	case OP_EVICT:
	case OP_SWITCH:
	case OP_UNWIRE:
	case OP_MIGRATE:
	case OP_PAGE_OUT:
	case OP_PACK:
	case OP_AWAY:
	case OP_SWAP_OFF:
	case OP_UNTIER:
	case OP_BEHIND:
	case OP_SHARE:
	case OP_QUIESCE:
	case OP_END:
		return 0;
	default:
		return model_each(s, op);
	}
}
