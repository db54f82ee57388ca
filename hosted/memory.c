/*
 * memory.c - physical memory: a memfd seen twice, and what CPUs see of it.
 *
 * `direct` is the instance's direct map: [lo, direct_end), the rest of the span
 * inaccessible. `ram` is the machine's own view of everything. Frames beyond
 * direct_end are reached through per-CPU windows, inaccessible when closed.
 *
 * Weak formats: an entry's old value is kept until make_visible, and the walker
 * sees either (in mode 0 always the old one, so that a missing call shows).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hosted_i.h"

static void find_bounds(struct hosted_machine *);
static bool map_views(struct hosted_machine *);

static void *
reserve(size_t len)
{
	void *p = mmap(NULL, len, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

bool
hosted_memory_init(struct hosted_machine *m)
{
	find_bounds(m);
	m->fd = memfd_create("hosted-ram", MFD_CLOEXEC);
	if (m->fd < 0 || ftruncate(m->fd, (off_t)(m->hi - m->lo)) != 0)
		return false;
	if (m->mmu_flags & HOSTED_MMU_ICACHE) {
		m->icache = calloc(m->ncpus * ((m->hi - m->lo) >>
		    TOME_PAGE_SHIFT), sizeof *m->icache);
		if (m->icache == NULL)
			return false;
	}
	return map_views(m);
}

static void
find_bounds(struct hosted_machine *m)
{
	tome_pa_t page = (tome_pa_t)TOME_PAGE_MASK;
	size_t i;

	m->lo = ~(tome_pa_t)0;
	for (i = 0; i < m->config.nranges; i++) {
		const struct tome_range *r = &m->config.ranges[i];

		if (r->kind != TOME_RANGE_USABLE)
			continue;
		if (r->base < m->lo)
			m->lo = r->base & ~page;
		if (r->base + r->len > m->hi)
			m->hi = (r->base + r->len + page) & ~page;
	}
	m->direct_end = m->config.direct_end == 0 ? m->hi :
	    m->config.direct_end;
}

static bool
map_views(struct hosted_machine *m)
{
	size_t len = (size_t)(m->hi - m->lo);
	size_t direct = m->direct_end < m->hi ?
	    (size_t)(m->direct_end - m->lo) : len;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, m->fd, 0);
	unsigned i, w;

	if (p == MAP_FAILED)
		return false;
	m->ram = p;
	m->direct = reserve(len);
	if (m->direct == NULL || mmap(m->direct, direct,
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
	    m->fd, 0) == MAP_FAILED)
		return false;
	for (i = 0; i < m->ncpus; i++)
		for (w = 0; w < HOSTED_WINDOWS; w++) {
			m->cpu[i].window[w].va = reserve(TOME_PAGE_SIZE);
			if (m->cpu[i].window[w].va == NULL)
				return false;
		}
	return true;
}

static void
unmap(void *p, size_t len)
{
	if (p != NULL)
		munmap(p, len);
}

void
hosted_memory_fini(struct hosted_machine *m)
{
	size_t len = (size_t)(m->hi - m->lo);
	size_t i;
	unsigned w;

	for (i = 0; i < m->ncpus; i++)
		for (w = 0; w < HOSTED_WINDOWS; w++)
			unmap(m->cpu[i].window[w].va, TOME_PAGE_SIZE);
	if (m->icache != NULL)
		for (i = 0; i < m->ncpus * (len >> TOME_PAGE_SHIFT); i++)
			free(m->icache[i]);
	free(m->icache);
	unmap(m->direct, len);
	unmap(m->ram, len);
	if (m->fd >= 0)
		close(m->fd);
}

void *
hosted_ram(struct hosted_machine *m, tome_pa_t pa)
{
	return pa >= m->lo && pa < m->hi ? m->ram + (pa - m->lo) : NULL;
}

/* Windows are a CPU's own, so only this one's can be meant. */
bool
hosted_pointer_pa(struct hosted_machine *m, const void *p, tome_pa_t *pa)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)m->direct;
	struct hosted_cpu *c = hosted_cpu();
	unsigned w;

	if (off < m->hi - m->lo) {
		*pa = m->lo + (tome_pa_t)off;
		return true;
	}
	for (w = 0; c != NULL && w < HOSTED_WINDOWS; w++) {
		off = (uintptr_t)p - (uintptr_t)c->window[w].va;
		if (c->window[w].open && off < TOME_PAGE_SIZE) {
			*pa = c->window[w].pa + (tome_pa_t)off;
			return true;
		}
	}
	return false;
}

void *
hosted_window_enter(void *ctx, tome_pa_t pa)
{
	struct hosted_machine *m = ctx;
	struct hosted_cpu *c = hosted_this();
	unsigned w;

	for (w = 0; w < HOSTED_WINDOWS; w++)
		if (!c->window[w].open)
			break;
	if (w == HOSTED_WINDOWS || c->core.preempt_off == 0)
		hosted_panic(m, w == HOSTED_WINDOWS ? "a third window" :
		    "window with preemption on");
	if (pa < m->lo || pa >= m->hi)
		hosted_panic(m, "window beyond memory");
	c->window[w].pa = pa & ~(tome_pa_t)TOME_PAGE_MASK;
	if (mmap(c->window[w].va, TOME_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, m->fd,
	    (off_t)(c->window[w].pa - m->lo)) == MAP_FAILED)
		hosted_panic(m, "host refuses a window");
	c->window[w].open = true;
	return (char *)c->window[w].va + (pa & TOME_PAGE_MASK);
}

void
hosted_window_leave(void *ctx, void *va)
{
	struct hosted_machine *m = ctx;
	struct hosted_cpu *c = hosted_this();
	unsigned w;

	for (w = 0; w < HOSTED_WINDOWS; w++)
		if (c->window[w].open && (uintptr_t)va -
		    (uintptr_t)c->window[w].va < TOME_PAGE_SIZE)
			break;
	if (w == HOSTED_WINDOWS)
		hosted_panic(m, "left a window that is not open");
	mmap(c->window[w].va, TOME_PAGE_SIZE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	c->window[w].open = false;
}

/* ---- the walker's view of entries ---- */

/* Under pending_lock: the record for pa, or -1. */
static int
pending_find(struct hosted_machine *m, tome_pa_t pa)
{
	uint32_t n = atomic_load(&m->npending);
	uint32_t i;

	for (i = 0; i < n; i++)
		if (m->pending[i].pa == pa)
			return (int)i;
	return -1;
}

/* True, with the old value, if this walker does not see the store yet. */
static bool
not_yet_visible(struct hosted_cpu *c, tome_pa_t pa, uint64_t *old)
{
	struct hosted_machine *m = c->m;
	bool hidden = false;
	int i;

	if (atomic_load_explicit(&m->npending, memory_order_relaxed) == 0)
		return false;
	hosted_lock(&m->pending_lock);
	i = pending_find(m, pa);
	if (i >= 0 && (!m->pending[i].arrived || m->pending[i].by == c) &&
	    (atomic_load(&m->modes) == 0 || hosted_roll(c, 2))) {
		*old = m->pending[i].old;
		hidden = true;
	}
	hosted_unlock(&m->pending_lock);
	return hidden;
}

bool
hosted_is_free(struct hosted_cpu *c, tome_pa_t pa)
{
	struct hosted_machine *m = c->m;

	return m->vm != NULL && m->identity != NULL &&
	    m->identity(m->vm, tome_pa_pfn(pa)) == TOME_PAGE_FREE;
}

bool
hosted_fetch64(struct hosted_cpu *c, tome_pa_t pa, uint64_t *raw)
{
	uint64_t *p = hosted_ram(c->m, pa);

	if (p == NULL)
		return false;
	if (!not_yet_visible(c, pa, raw))
		*raw = __atomic_load_n(p, __ATOMIC_SEQ_CST);
	return true;
}

bool
hosted_fetch32(struct hosted_cpu *c, tome_pa_t pa, uint32_t *raw)
{
	uint32_t *p = hosted_ram(c->m, pa);
	uint64_t old;

	if (p == NULL)
		return false;
	if (not_yet_visible(c, pa, &old))
		*raw = (uint32_t)old;
	else
		*raw = __atomic_load_n(p, __ATOMIC_SEQ_CST);
	return true;
}

bool
hosted_update64(struct hosted_cpu *c, tome_pa_t pa, uint64_t seen, uint64_t now)
{
	uint64_t *p = hosted_ram(c->m, pa);

	return p != NULL && __atomic_compare_exchange_n(p, &seen, now, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool
hosted_update32(struct hosted_cpu *c, tome_pa_t pa, uint32_t seen, uint32_t now)
{
	uint32_t *p = hosted_ram(c->m, pa);

	return p != NULL && __atomic_compare_exchange_n(p, &seen, now, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* The oldest value stays: a walker may have missed every store since. */
void
hosted_pte_pending(struct hosted_machine *m, tome_pa_t pa, uint64_t old)
{
	struct hosted_pending *p;
	uint32_t n;
	int i;

	hosted_lock(&m->pending_lock);
	n = atomic_load(&m->npending);
	i = pending_find(m, pa);
	if (i >= 0 || n < HOSTED_PENDING) {
		p = &m->pending[i >= 0 ? (uint32_t)i : n];
		*p = (struct hosted_pending){ .pa = pa, .by = hosted_cpu(),
		    .old = i >= 0 ? p->old : old };
		if (i < 0)
			atomic_store(&m->npending, n + 1);
	}
	hosted_unlock(&m->pending_lock);
}

void
hosted_make_visible(const volatile void *from, size_t len)
{
	struct hosted_cpu *c = hosted_this();
	struct hosted_machine *m = c->m;
	tome_pa_t pa;
	uint32_t i, n;

	if (!hosted_pointer_pa(m, (const void *)from, &pa))
		return;
	hosted_lock(&m->pending_lock);
	n = atomic_load(&m->npending);
	for (i = 0; i < n;)
		if (m->pending[i].pa - pa < len)
			m->pending[i] = m->pending[--n];
		else
			i++;
	atomic_store(&m->npending, n);
	hosted_unlock(&m->pending_lock);
}

void
hosted_clean(const volatile void *from, size_t len)
{
	struct hosted_machine *m = hosted_this()->m;
	tome_pa_t pa;
	uint32_t i;

	if (!hosted_pointer_pa(m, (const void *)from, &pa))
		return;
	hosted_lock(&m->pending_lock);
	for (i = 0; i < atomic_load(&m->npending); i++)
		m->pending[i].clean |= m->pending[i].pa - pa < len;
	hosted_unlock(&m->pending_lock);
}

bool
hosted_stores_wait(struct hosted_cpu *c)
{
	struct hosted_machine *m = c->m;
	bool any = false;
	uint32_t i;

	hosted_lock(&m->pending_lock);
	for (i = 0; i < atomic_load(&m->npending); i++)
		any |= m->pending[i].by == c && !m->pending[i].arrived;
	hosted_unlock(&m->pending_lock);
	return any;
}

void
hosted_stores_arrive(struct hosted_cpu *c, bool coherent)
{
	struct hosted_machine *m = c->m;
	uint32_t i;

	hosted_lock(&m->pending_lock);
	for (i = 0; i < atomic_load(&m->npending); i++)
		if (m->pending[i].by == c)
			m->pending[i].arrived |= coherent || m->pending[i].clean;
	hosted_unlock(&m->pending_lock);
}

void
hosted_stores_seen(struct hosted_cpu *c)
{
	struct hosted_machine *m = c->m;
	uint32_t i, n;

	hosted_lock(&m->pending_lock);
	n = atomic_load(&m->npending);
	for (i = 0; i < n;)
		if (m->pending[i].by == c && m->pending[i].arrived)
			m->pending[i] = m->pending[--n];
		else
			i++;
	atomic_store(&m->npending, n);
	hosted_unlock(&m->pending_lock);
}

void
hosted_sync_icache_at(const void *p)
{
	tome_pa_t pa;

	if (hosted_pointer_pa(hosted_this()->m, p, &pa))
		hosted_sync_icache(pa & ~(tome_pa_t)TOME_PAGE_MASK);
}

void **
hosted_icache(struct hosted_cpu *c, tome_pa_t frame)
{
	struct hosted_machine *m = c->m;

	return &m->icache[c->core.id * (size_t)((m->hi - m->lo) >>
	    TOME_PAGE_SHIFT) + (size_t)((frame - m->lo) >> TOME_PAGE_SHIFT)];
}

void
hosted_sync_icache_of(struct hosted_cpu *c, tome_pa_t frame)
{
	const void *ram = hosted_ram(c->m, frame);
	void **copy;

	if (ram == NULL || c->m->icache == NULL)
		return;
	copy = hosted_icache(c, frame);
	hosted_lock(&c->m->pending_lock);
	if (*copy == NULL)
		*copy = malloc(TOME_PAGE_SIZE);
	if (*copy != NULL)
		memcpy(*copy, ram, TOME_PAGE_SIZE);
	hosted_unlock(&c->m->pending_lock);
}

void
hosted_sync_icache(tome_pa_t frame)
{
	struct hosted_machine *m = hosted_this()->m;
	unsigned i;

	for (i = 0; i < m->ncpus; i++)
		hosted_sync_icache_of(&m->cpu[i], frame);
}

void
hosted_sync_icache_here(const void *p)
{
	struct hosted_cpu *c = hosted_this();
	tome_pa_t pa;

	if (!hosted_pointer_pa(c->m, p, &pa))
		return;
	c->synced = pa & ~(tome_pa_t)TOME_PAGE_MASK;
	hosted_sync_icache_of(c, c->synced);
}

void
hosted_sync_icache_others(void)
{
	hosted_sync_icache(hosted_this()->synced);
}
