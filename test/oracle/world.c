/*
 * world.c - setting up, comparing everything, tearing down.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <tome_host_inline.h>

#include "world.h"

const char *const w_names[4] = { NULL, "heap", "text of a program", "x" };

static bool compare_space(struct world *, unsigned space);
static bool judges(struct world *);

bool
w_differ(struct world *w, const char *format, ...)
{
	va_list ap;

	if (w->why[0] == '\0') {
		va_start(ap, format);
		vsnprintf(w->why, sizeof w->why, format, ap);
		va_end(ap);
	}
	return false;
}

/* What the seeds differ in besides the stream: CPUs, and how much of memory the
 * direct map covers. */
static void
vary(struct hosted_config *config, uint64_t seed, unsigned cpu)
{
	uint64_t n = seed / 8;

	config->cpu = cpu != W_ANY_CPU ? cpu : hosted_cpu_variant(n);
	config->ranges[0].base = (tome_pa_t)W_FIRST_FRAME << TOME_PAGE_SHIFT;
	config->ranges[0].len = (tome_pa_t)W_FRAMES << TOME_PAGE_SHIFT;
	config->ranges[0].kind = TOME_RANGE_USABLE;
	config->nranges = 1;
	if (n % 3 == 2)
		config->direct_end = (tome_pa_t)W_DIRECT_END << TOME_PAGE_SHIFT;
}

static enum tome_err
no_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	(void)arg, (void)va, (void)access;
	return TOME_EFAULT;
}

/* Does this CPU execute a page that may only be read? */
static bool
probe_execution(struct world *w)
{
	tome_pfn_t pfn = TOME_PFN_NONE;
	struct tome_pmap *p;
	unsigned char byte;
	bool can;

	if (tome_pmap_create(w->vm, &p) != TOME_OK ||
	    tome_frame_alloc(w->vm, TOME_PAGE_ANON, TOME_FRAME_ZERO,
		&pfn) != TOME_OK ||
	    tome_pmap_enter(p, W_LO, pfn, TOME_PROT_READ, TOME_MEM_WB,
		0) != TOME_OK)
		return w_differ(w, "no page to try execution with");
	tome_pmap_switch(p);
	can = hosted_exec(W_LO, &byte, 1, no_fault, NULL) == TOME_OK;
	tome_pmap_switch(tome_pmap_kernel(w->vm));
	tome_pmap_remove(p, W_LO, W_LO + TOME_PAGE_SIZE);
	tome_pmap_destroy(p);
	tome_frame_free(w->vm, pfn);
	w->executes_all = can;
	return true;
}

bool
world_start(struct world *w, unsigned modes, uint64_t seed, unsigned cpu)
{
	struct hosted_config config = { .ncpus = W_CPUS,
		.modes = modes | HOSTED_STRICT, .seed = seed + 1 };

	memset(w, 0, sizeof *w);
	model_init(&w->model);
	vary(&config, seed, cpu);
	w->m = hosted_create(&config);
	if (w->m == NULL)
		return w_differ(w, "no machine");
	if (hosted_vm_create(w->m, &w->vm) != TOME_OK ||
	    tome_kmem_start(w->vm) != TOME_OK ||
	    tome_map_start(w->vm) != TOME_OK || !paging_start(w, seed))
		return w_differ(w, "the instance does not start");
	return probe_execution(w);
}

/* ---- what CPUs run ---- */

static void
switch_to(struct world *w, unsigned cpu, struct tome_map *map)
{
	uintptr_t irq;

	hosted_become(w->m, cpu);
	tome_host_preempt_off();
	irq = tome_host_irq_save();
	if (map != NULL)
		tome_map_switch(map);
	else
		tome_pmap_switch(tome_pmap_kernel(w->vm));
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
	w->running[cpu] = map;
}

void
w_run(struct world *w, unsigned cpu, unsigned space)
{
	hosted_become(w->m, cpu);
	if (w->running[cpu] != w->map[space])
		switch_to(w, cpu, w->map[space]);
}

void
w_stop(struct world *w, struct tome_map *map)
{
	unsigned cpu;

	for (cpu = 0; cpu < W_CPUS; cpu++)
		if (w->running[cpu] == map)
			switch_to(w, cpu, NULL);
}

/* ---- comparing ---- */

/* FNV-1a. */
void
w_digest(struct world *w, const void *p, size_t n)
{
	const unsigned char *byte = p;
	size_t i;

	for (i = 0; i < n; i++)
		w->digest = (w->digest ^ byte[i]) * UINT64_C(0x100000001b3);
}

void
w_answer(struct world *w, enum tome_err err, uint64_t n)
{
	const uint64_t answer[] = { err, n };

	w_digest(w, answer, sizeof answer);
}

/* A region in units of pages, and what may be done there. */
static void
digest_region(struct world *w, const struct tome_region *r, unsigned first,
    unsigned end)
{
	const uint32_t seen[] = { first, end, r->prot, r->max_prot, r->shared,
		r->guard, r->wired, r->keep, r->growsdown, r->inherit };

	w_digest(w, seen, sizeof seen);
}

/*
 * All the counts but that of tables. Which pages the instance chose to let go
 * depends on what the hardware told of their use, and on where frames lie: from
 * there on what is resident is no longer the same.
 */
static void
digest_totals(struct world *w, const struct tome_map_totals *t)
{
	const uint64_t seen[] = { t->entries, t->virtual_pages, t->data_pages,
		t->stack_pages, t->exec_pages, t->locked_pages,
		t->peak_virtual };
	const uint64_t resident[] = { t->resident_pages, t->resident_shared,
		t->peak_resident };

	w_digest(w, seen, sizeof seen);
	if (!w->chose)
		w_digest(w, resident, sizeof resident);
}

bool
world_step(struct world *w, const struct op *op)
{
	unsigned s;

	if (!w_operate(w, op))
		return w_differ(w, "unexplained");
	for (s = 0; s < M_SPACES; s++)
		if (w->map[s] != NULL && !compare_space(w, s))
			return false;
	return judges(w);
}

static bool
judges(struct world *w)
{
	enum hosted_kind kind;
	char text[256];
	const char *bad;

	hosted_settle(w->m);
	bad = tome_vm_check(w->vm);
	if (bad != NULL)
		return w_differ(w, "check: %s", bad);
	(void)hosted_judge(w->m);
	if (hosted_take_violation(w->m, &kind, text, sizeof text))
		return w_differ(w, "machine: %s", text);
	return true;
}

static bool
compare_object(struct world *w, const struct m_page *p,
    const struct tome_region *r, unsigned page)
{
	uint64_t offset = r->offset + (uint64_t)(w_va(page) - r->start);

	if (p->object == NULL)
		return r->object == NULL ||
		    w_differ(w, "page %u: an object where none is", page);
	if (p->object->common)
		return r->object != NULL ||
		    w_differ(w, "page %u: no object", page);
	if (p->object->id == 0)
		p->object->id = r->object_id;
	if (p->object->id != r->object_id)
		return w_differ(w, "page %u: object %" PRIu64 ", not %" PRIu64,
		    page, r->object_id, p->object->id);
	if (offset != (uint64_t)p->index * M_BYTES)
		return w_differ(w, "page %u: offset %#" PRIx64 ", not page %u",
		    page, offset, p->index);
	return true;
}

static bool
compare_page(struct world *w, const struct m_page *p,
    const struct tome_region *r, unsigned page)
{
	if (!p->mapped)
		return w_differ(w, "page %u is mapped", page);
	if (r->prot != p->prot || r->max_prot != p->max_prot)
		return w_differ(w, "page %u: rights %u of %u, not %u of %u",
		    page, r->prot, r->max_prot, p->prot, p->max_prot);
	if (r->shared != p->shared || r->guard != p->guard ||
	    r->wired != p->wired || r->keep != p->keep || r->tag != p->tag)
		return w_differ(w, "page %u: shared %d guard %d wired %d keep "
		    "%d tag %" PRIu64 ", not %d %d %d %d %" PRIu64, page,
		    r->shared, r->guard, r->wired, r->keep, r->tag, p->shared,
		    p->guard, p->wired, p->keep, p->tag);
	if (r->growsdown != p->grows)
		return w_differ(w, "page %u: growsdown %d", page,
		    r->growsdown);
	if (strcmp(r->name, p->name == 0 ? "" : w_names[p->name]) != 0)
		return w_differ(w, "page %u: named '%s', not %u", page,
		    r->name, p->name);
	if (!p->shared && r->inherit != p->inherit)
		return w_differ(w, "page %u: inherit %d, not %d", page,
		    r->inherit, p->inherit);
	return compare_object(w, p, r, page);
}

static bool
unmapped_until(struct world *w, const struct m_space *s, unsigned from,
    unsigned to)
{
	for (; from < to; from++)
		if (s->page[from].mapped)
			return w_differ(w, "page %u is not mapped", from);
	return true;
}

static bool
compare_region(struct world *w, const struct m_space *s,
    const struct tome_region *r, unsigned *next)
{
	unsigned first = (unsigned)((r->start - W_LO) >> TOME_PAGE_SHIFT);
	unsigned end = (unsigned)((r->end - W_LO) >> TOME_PAGE_SHIFT);
	unsigned i;

	if (r->start < W_LO || end > M_PAGES || first < *next || end <= first)
		return w_differ(w, "a region at %#" PRIx64 "-%#" PRIx64,
		    (uint64_t)r->start, (uint64_t)r->end);
	if (!unmapped_until(w, s, *next, first))
		return false;
	for (i = first; i < end; i++)
		if (!compare_page(w, &s->page[i], r, i))
			return false;
	digest_region(w, r, first, end);
	*next = end;
	return true;
}

static bool
compare_space(struct world *w, unsigned space)
{
	const struct m_space *s = &w->model.space[space];
	struct tome_map_totals totals;
	struct tome_region r;
	tome_va_t cookie = 0;
	uint64_t mapped = 0;
	unsigned next = 0, i;

	while (tome_map_next(w->map[space], &cookie, &r))
		if (!compare_region(w, s, &r, &next))
			return false;
	if (!unmapped_until(w, s, next, M_PAGES))
		return false;
	for (i = 0; i < M_PAGES; i++)
		mapped += s->page[i].mapped;
	tome_map_totals(w->map[space], &totals);
	digest_totals(w, &totals);
	if (totals.virtual_pages != mapped)
		return w_differ(w, "space %u: %" PRIu64 " pages, not %" PRIu64,
		    space, totals.virtual_pages, mapped);
	return true;
}

/* ---- the end ---- */

/* A last look at every byte, from outside. */
static bool
compare_bytes(struct world *w, unsigned space)
{
	const struct m_space *s = &w->model.space[space];
	unsigned char bytes[M_BYTES];
	unsigned i;
	size_t done;

	for (i = 0; i < M_PAGES; i++) {
		if (model_access(s, i, TOME_PROT_READ) != TOME_OK ||
		    model_shows_device(s, i, 1))
			continue;
		if (tome_map_read(w->map[space], w_va(i), bytes, M_BYTES,
		    false, &done) != TOME_OK)
			return w_differ(w, "at the end: page %u cannot be read",
			    i);
		if (memcmp(bytes, model_bytes(&s->page[i]), M_BYTES) != 0)
			return w_differ(w, "at the end: page %u differs", i);
		w_digest(w, &i, sizeof i);
		w_digest(w, bytes, w->look);
	}
	return true;
}

bool
world_end(struct world *w)
{
	size_t leaked;
	unsigned i;

	for (i = 0; i < M_SPACES; i++)
		if (w->map[i] != NULL && !compare_bytes(w, i))
			return false;
	for (i = 0; i < M_SPACES; i++)
		if (w->map[i] != NULL) {
			w_stop(w, w->map[i]);
			tome_map_unref(w->map[i]);
		}
	for (i = 0; i < M_OBJECTS; i++)
		if (w->object[i] != NULL)
			tome_object_unref(w->object[i]);
	hosted_become(w->m, 0);
	(void)tome_writeback(w->vm, UINT64_MAX, TOME_FOREVER);
	tome_io_run(w->vm);
	tome_vm_quiesce(w->vm, true);
	if (!judges(w) || !paging_end(w))
		return false;
	leaked = hosted_vm_destroy(w->m, w->vm);
	if (leaked != 0)
		return w_differ(w, "leaked %zu", leaked);
	hosted_destroy(w->m);
	for (i = 0; i < W_AREAS; i++)
		free(w->area[i].bytes);
	model_fini(&w->model);
	return true;
}
