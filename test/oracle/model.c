/*
 * model.c - the naive VM (model.h). Slow and obvious on purpose: every rule is
 * written out for one page.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

static const unsigned char zeroes[M_BYTES];

static struct cell *cell_of(const struct m_page *);

/* ---- cells ---- */

static struct cell *
cell_new(const unsigned char *bytes)
{
	struct cell *c = malloc(sizeof *c);

	if (c == NULL)
		abort();
	memcpy(c->bytes, bytes, M_BYTES);
	return c;
}

static void
cell_drop(struct cell **c)
{
	free(*c);
	*c = NULL;
}

/* ---- objects ---- */

struct m_object *
model_object(uint64_t len)
{
	struct m_object *o = calloc(1, sizeof *o);

	if (o == NULL)
		abort();
	o->refs = 1;
	o->len = len;
	return o;
}

void
model_object_unref(struct m_object *o)
{
	unsigned i;

	if (o == NULL || --o->refs > 0)
		return;
	for (i = 0; i < M_OBJECT_PAGES; i++)
		cell_drop(&o->page[i]);
	if (o->parent != NULL)
		model_object_unref(o->parent);	/* which has none */
	free(o);
}

void
model_adopt(struct m_object *o, struct m_object *parent, unsigned page)
{
	o->parent = parent;
	o->parent_page = page;
	parent->refs++;
}

static bool
beyond(const struct m_object *o, unsigned index)
{
	return (uint64_t)index * M_BYTES >= o->len;
}

void
model_punch(struct m_object *o, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n && i < M_OBJECT_PAGES; i++)
		cell_drop(&o->page[i]);
}

/* The rest of a partial last page; a parent's page shown there is copied first. */
static void
zero_tail(struct m_object *o, unsigned last, size_t part)
{
	struct m_page p = { .shared = true, .object = o, .index = last };

	if (part != 0 && last < M_OBJECT_PAGES && cell_of(&p) != NULL)
		memset(model_own(&p) + part, 0, M_BYTES - part);
}

/* Pages beyond the end go, private copies of them too; the last is zeroed from
 * the end on. */
void
model_resize(struct model *m, struct m_object *o, uint64_t len)
{
	unsigned i, s, last = (unsigned)(len / M_BYTES);
	size_t part = (size_t)(len % M_BYTES);

	o->len = len;
	for (i = 0; i < M_OBJECT_PAGES; i++)
		if (beyond(o, i))
			cell_drop(&o->page[i]);
	zero_tail(o, last, part);
	for (s = 0; s < M_SPACES; s++)
		for (i = 0; i < M_PAGES; i++) {
			struct m_page *p = &m->space[s].page[i];

			if (p->mapped && p->object == o && beyond(o, p->index))
				cell_drop(&p->cell);
		}
}

/* ---- pages ---- */

enum tome_err
model_access(const struct m_space *s, unsigned page, tome_prot_t access)
{
	const struct m_page *p;

	if (page >= M_PAGES || !s->page[page].mapped)
		return TOME_EFAULT;
	p = &s->page[page];
	if (p->guard || (access & ~p->prot) != 0)
		return TOME_EACCES;
	if (p->object != NULL && beyond(p->object, p->index))
		return TOME_ENXIO;
	return TOME_OK;
}

static struct cell *
cell_of(const struct m_page *p)
{
	const struct m_object *o = p->object;

	if (p->cell != NULL || o == NULL)
		return p->cell;
	if (o->page[p->index] != NULL || o->parent == NULL ||
	    p->index + o->parent_page >= M_OBJECT_PAGES ||
	    beyond(o->parent, p->index + o->parent_page))
		return o->page[p->index];
	return o->parent->page[p->index + o->parent_page];
}

const unsigned char *
model_bytes(const struct m_page *p)
{
	struct cell *c = cell_of(p);

	return c == NULL ? zeroes : c->bytes;
}

unsigned char *
model_own(struct m_page *p)
{
	struct cell **home = p->shared ? &p->object->page[p->index] : &p->cell;

	if (*home == NULL)
		*home = cell_new(model_bytes(p));
	return (*home)->bytes;
}

void
model_fill(struct m_page *p)
{
	if (!p->shared && (p->prot & TOME_PROT_WRITE))
		(void)model_own(p);
}

void
model_fill_range(struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n; i++) {
		if (model_access(s, i, TOME_PROT_READ) != TOME_OK)
			return;
		model_fill(&s->page[i]);
	}
}

bool
model_shows_device(const struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n && i < M_PAGES; i++)
		if (s->page[i].mapped && s->page[i].object != NULL &&
		    s->page[i].object->device && s->page[i].cell == NULL)
			return true;
	return false;
}

bool
model_all_mapped(const struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n; i++)
		if (i >= M_PAGES || !s->page[i].mapped)
			return false;
	return true;
}

bool
model_none_mapped(const struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n; i++)
		if (i >= M_PAGES || s->page[i].mapped)
			return false;
	return true;
}

bool
model_is_data(const struct m_page *p, tome_prot_t prot)
{
	return (prot & TOME_PROT_WRITE) && !p->shared && !p->grows && !p->guard;
}

unsigned
model_data(const struct m_space *s)
{
	unsigned n = 0, i;

	for (i = 0; i < M_PAGES; i++)
		n += s->page[i].mapped &&
		    model_is_data(&s->page[i], s->page[i].prot);
	return n;
}

bool
model_exceeds(const struct m_space *s, unsigned more, bool data)
{
	unsigned all = more, i;

	for (i = 0; i < M_PAGES; i++)
		all += s->page[i].mapped;
	return (s->as != 0 && all > s->as) ||
	    (data && s->data != 0 && model_data(s) + more > s->data);
}

static unsigned
next_mapped(const struct m_space *s, unsigned page)
{
	while (page < M_PAGES && !s->page[page].mapped)
		page++;
	return page;
}

bool
model_below_stack(const struct m_space *s, unsigned page, unsigned n)
{
	page = next_mapped(s, page + n);
	return page < M_PAGES && s->page[page].grows;
}

/* The gap that stays below a stack is larger than the space: only another stack, a
 * guard, or what nobody may touch can lie below one that grows. */
void
model_touch(struct m_space *s, unsigned page)
{
	unsigned stack = next_mapped(s, page), below = page;
	struct m_page proto;

	if (page >= M_PAGES || stack == page || stack == M_PAGES ||
	    !s->page[stack].grows || model_exceeds(s, stack - page, false))
		return;
	while (below > 0 && !s->page[below - 1].mapped)
		below--;
	if (below > 0 && s->page[below - 1].prot != TOME_PROT_NONE &&
	    !s->page[below - 1].grows && !s->page[below - 1].guard)
		return;
	proto = s->page[stack];
	proto.cell = NULL;
	model_map(s, page, stack - page, &proto);
}

/* Nothing is placed in the gap below a stack: going down, that ends the search. */
unsigned
model_place(const struct m_space *s, unsigned n, bool bottom_up)
{
	unsigned i;

	if (n > M_PAGES)
		return M_PAGES;
	if (bottom_up) {
		for (i = 0; i + n <= M_PAGES; i++)
			if (model_none_mapped(s, i, n) &&
			    !model_below_stack(s, i, n))
				return i;
	} else {
		for (i = M_PAGES - n + 1; i-- > 0;)
			if (model_none_mapped(s, i, n))
				return model_below_stack(s, i, n) ? M_PAGES : i;
	}
	return M_PAGES;
}

void
model_unmap(struct m_page *p)
{
	cell_drop(&p->cell);
	model_object_unref(p->object);
	memset(p, 0, sizeof *p);
}

void
model_map(struct m_space *s, unsigned first, unsigned n,
    const struct m_page *proto)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct m_page *p = &s->page[first + i];

		model_unmap(p);
		*p = *proto;
		p->mapped = true;
		p->index = proto->index + i;
		if (p->object != NULL)
			p->object->refs++;
	}
}

void
model_discard(struct m_page *p)
{
	if (!p->shared)
		cell_drop(&p->cell);
}

/* One page's way into a child. */
static void
inherit(struct m_page *from, struct m_page *to)
{
	if (!from->mapped || from->inherit == TOME_INHERIT_NONE ||
	    from->inherit == TOME_INHERIT_NONE_ZERO)
		return;
	*to = *from;
	to->wired = to->onfault = false;
	to->cell = NULL;
	if (to->object != NULL)
		to->object->refs++;
	if (from->cell != NULL && from->inherit == TOME_INHERIT_COPY)
		to->cell = cell_new(from->cell->bytes);
}

/* A private page that children will share: its content becomes an object's,
 * whose number and extent are the instance's affair. */
static void
make_common(struct m_page *p)
{
	struct m_object *o = model_object(M_BYTES);

	o->common = true;
	o->page[0] = p->cell;
	p->cell = NULL;
	p->object = o;
	p->index = 0;
	p->shared = true;
}

/* The child's is new anonymous memory, whatever the parent's is. */
static void
inherit_zero(struct m_page *to)
{
	model_object_unref(to->object);
	to->object = NULL;
	to->index = 0;
}

void
model_fork(struct m_space *parent, struct m_space *child)
{
	unsigned i;

	child->live = true;
	child->as = parent->as;
	child->data = parent->data;
	for (i = 0; i < M_PAGES; i++) {
		struct m_page *p = &parent->page[i], *c = &child->page[i];

		if (p->mapped && !p->shared && !p->guard &&
		    p->inherit == TOME_INHERIT_SHARE)
			make_common(p);
		inherit(p, c);
		if (c->mapped && !c->shared &&
		    p->inherit == TOME_INHERIT_ZERO)
			inherit_zero(c);
	}
}

/* The target is empty. */
void
model_move(struct m_space *s, unsigned from, unsigned to, unsigned n,
    bool keep_old)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct m_page *p = &s->page[from + i];

		s->page[to + i] = *p;
		if (!keep_old) {
			memset(p, 0, sizeof *p);
			continue;
		}
		p->cell = NULL;
		if (p->object != NULL)
			p->object->refs++;
	}
}

/* ---- all of it ---- */

void
model_init(struct model *m)
{
	memset(m, 0, sizeof *m);
}

void
model_fini(struct model *m)
{
	unsigned s, i;

	for (s = 0; s < M_SPACES; s++)
		for (i = 0; i < M_PAGES; i++)
			model_unmap(&m->space[s].page[i]);
	for (i = 0; i < M_OBJECTS; i++)
		model_object_unref(m->object[i]);
}
