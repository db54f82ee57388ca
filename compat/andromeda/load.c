/*
 * load.c - segments in page tables: loading, mapping, faults.
 *
 * Each CPU has one map, its page tables. A segment is loaded there as a shared
 * mapping of its content, and of physical memory where a range is mapped; unloaded,
 * the content stays in the object. What page tables lack is never wrong: a fault
 * enters what the segment says is there (mend).
 *
 * Invariant: where a CPU's map has an entry in a loaded segment, it is of the
 *   content, or of the physical memory of the mapped range there.
 * Locks: the segment's.
 */
#include "range.h"

#define READ_WRITE (TOME_PROT_READ | TOME_PROT_WRITE)

static bool
is_within(const char *p, const void *base, size_t size)
{
	return p >= (const char *)base && p < (const char *)base + size;
}

static struct tome_map *
space_of(const struct vm_segment *seg, unsigned bit)
{
	return seg->pages->kernel ? andromeda_vm.kernel :
	    andromeda_vm.space[bit];
}

static bool
is_cpu(int cpu)
{
	return cpu >= 0 && cpu < CPU_LIMIT && andromeda_vm.space[cpu] != NULL;
}

/* Which map, and which bit of `loaded`, this CPU is for the segment; NULL: no such
 * CPU, or no segment. */
static struct tome_map *
space(const struct vm_segment *seg, int cpu, unsigned *bit)
{
	if (seg == NULL || !is_cpu(cpu))
		return NULL;
	*bit = seg->pages->kernel ? 0 : (unsigned)cpu;
	return space_of(seg, *bit);
}

/* ---- page tables of one CPU ---- */

/* Enter the mapped range r, an entry of its own that goes as it came, or, where it is
 * NULL, [base, base+size) of the content. */
static enum tome_err
enter(struct tome_map *map, struct vm_segment *seg, const void *base,
    size_t size, const struct vm_range_descriptor *r, unsigned how)
{
	struct tome_map_request rq = { .addr = andromeda_va(seg, base),
		.len = size, .flags = TOME_MAP_FIXED | TOME_MAP_SHARED |
		    (r != NULL ? TOME_MAP_KEEP : 0) | how,
		.prot = seg->pages->kernel ? READ_WRITE : TOME_PROT_ALL,
		.tag = (uintptr_t)seg };
	tome_va_t at;

	rq.object = r != NULL ? andromeda_vm.memory : seg->pages->content;
	rq.offset = r != NULL ? r->phys :
	    (uintptr_t)base - (uintptr_t)seg->virt_base;
	return tome_map_enter(map, &rq, &at);
}

static enum tome_err
load_into(struct tome_map *map, struct vm_segment *seg)
{
	struct vm_range_descriptor *r;
	enum tome_err err = enter(map, seg, seg->virt_base, seg->size, NULL,
	    TOME_MAP_NOREPLACE);

	if (err != TOME_OK)
		return err;
	for (r = seg->mapped; r != NULL && err == TOME_OK; r = r->next)
		err = enter(map, seg, r->base, r->size, r, 0);
	if (err != TOME_OK)
		(void)!tome_map_remove(map, andromeda_va(seg, seg->virt_base),
		    seg->size);
	return err;
}

enum tome_err
andromeda_hide(struct vm_segment *seg, void *base, size_t size)
{
	uint32_t left = seg->pages->loaded;
	enum tome_err err = TOME_OK;

	for (unsigned bit = 0; left != 0 && err == TOME_OK; bit++, left >>= 1)
		if (left & 1)
			err = tome_map_remove(space_of(seg, bit),
			    andromeda_va(seg, base), size);
	return err;
}

enum tome_err
andromeda_show(struct vm_segment *seg, void *base, size_t size,
    const struct vm_range_descriptor *r)
{
	uint32_t left = seg->pages->loaded;
	enum tome_err err = TOME_OK;

	for (unsigned bit = 0; left != 0 && err == TOME_OK; bit++, left >>= 1)
		if (left & 1)
			err = enter(space_of(seg, bit), seg, base, size, r,
			    r != NULL ? TOME_MAP_POPULATE : 0);
	return err;
}

/* ---- loading ---- */

static int
load_locked(struct tome_map *map, struct vm_segment *seg, unsigned bit)
{
	struct tome_region there;
	enum tome_err err;

	if (seg->pages->loaded >> bit & 1)
		return -ALREADY_INITIALISED;
	err = load_into(map, seg);
	if (err == TOME_OK)
		seg->pages->loaded |= 1u << bit;
	else if (err == TOME_EEXIST && tome_map_lookup(map,
	    andromeda_va(seg, seg->virt_base), &there) == TOME_OK &&
	    there.start == andromeda_va(seg, seg->virt_base))
		return -ALREADY_INITIALISED;
	return andromeda_result(err, -GENERIC);
}

int
vm_segment_load(int cpu, struct vm_segment *seg)
{
	struct tome_map *map;
	unsigned bit;
	int left;

	if (seg == NULL)
		return -NULL_PTR;
	map = space(seg, cpu, &bit);
	if (map == NULL)
		return -INVALID_ARG;
	tome_lock(andromeda_vm.vm, &seg->pages->lock);
	left = load_locked(map, seg, bit);
	tome_unlock(andromeda_vm.vm, &seg->pages->lock);
	return left;
}

int
vm_segment_unload(int cpu, struct vm_segment *seg)
{
	unsigned bit;
	struct tome_map *map = space(seg, cpu, &bit);
	int left = -NOT_YET_INITIALISED;

	if (map == NULL)
		return -INVALID_ARG;
	tome_lock(andromeda_vm.vm, &seg->pages->lock);
	if (seg->pages->loaded >> bit & 1)
		left = andromeda_result(tome_map_remove(map,
		    andromeda_va(seg, seg->virt_base), seg->size), -NOMEM);
	if (left == SUCCESS)
		seg->pages->loaded &= ~(1u << bit);
	tome_unlock(andromeda_vm.vm, &seg->pages->lock);
	return left;
}

static int
check_task(int cpu, const struct vm_descriptor *desc)
{
	if (!is_cpu(cpu) || desc == NULL)
		return -INVALID_ARG;
	return desc->segments != NULL ? SUCCESS : -NULL_PTR;
}

int
vm_load_task(int cpu, struct vm_descriptor *desc)
{
	int left = check_task(cpu, desc);

	for (struct vm_segment *s = left == SUCCESS ? desc->segments : NULL;
	    s != NULL; s = s->next)
		(void)vm_segment_load(cpu, s);
	return left;
}

int
vm_unload_task(int cpu, struct vm_descriptor *desc)
{
	int left = check_task(cpu, desc), one;

	if (left != SUCCESS)
		return left;
	for (struct vm_segment *s = desc->segments; s != NULL; s = s->next) {
		one = vm_segment_unload(cpu, s);
		if (left == SUCCESS)
			left = one;
	}
	return left;
}

/* ---- physical memory ---- */

/* What the range held before is not seen again. */
static void
forget_content(struct vm_segment *seg, const struct vm_range_descriptor *r)
{
	size_t at = (uintptr_t)r->base - (uintptr_t)seg->virt_base;

	(void)!tome_object_punch(seg->pages->content, at >> TOME_PAGE_SHIFT,
	    r->size >> TOME_PAGE_SHIFT);
}

static void *
map_locked(void *virt, addr_t phys, struct vm_segment *seg)
{
	struct vm_range_descriptor *r = andromeda_range_at(seg,
	    &seg->allocated, virt);

	if (r == NULL || phys > UINT64_MAX / 2 ||
	    tome_claims_take(andromeda_vm.claims, phys, r->size) != TOME_OK)
		return NULL;
	r->phys = phys;
	if (andromeda_show(seg, r->base, r->size, r) != TOME_OK) {
		/* Where it came it goes, which takes no memory; where it did not,
		 * a cut may fail, and the content stays. */
		(void)!andromeda_hide(seg, r->base, r->size);
		(void)!tome_claims_drop(andromeda_vm.claims, phys, r->size);
		return NULL;
	}
	andromeda_range_move(r, &seg->mapped);
	forget_content(seg, r);
	return virt;
}

void *
vm_map(void *virt, void *phys, struct vm_segment *seg)
{
	void *out;

	if (virt == NULL || phys == NULL || seg == NULL ||
	    ((uintptr_t)phys & (PAGE_SIZE - 1)) != 0)
		return NULL;
	tome_lock(andromeda_vm.vm, &seg->pages->lock);
	out = map_locked(virt, (uintptr_t)phys, seg);
	tome_unlock(andromeda_vm.vm, &seg->pages->lock);
	return out;
}

int
vm_unmap(void *virt, struct vm_segment *seg)
{
	struct vm_range_descriptor *r;
	int left = -NULL_PTR;

	if (virt == NULL || seg == NULL)
		return -NULL_PTR;
	tome_lock(andromeda_vm.vm, &seg->pages->lock);
	r = andromeda_range_at(seg, &seg->mapped, virt);
	if (r != NULL)
		left = andromeda_result(andromeda_hide(seg, r->base, r->size),
		    -NOMEM);
	if (left == SUCCESS) {
		andromeda_range_move(r, &seg->allocated);
		(void)!tome_claims_drop(andromeda_vm.claims, r->phys, r->size);
		/* By what is at its base a segment is known to be loaded. */
		if (virt == seg->virt_base)
			(void)!andromeda_show(seg, virt, r->size, NULL);
	}
	tome_unlock(andromeda_vm.vm, &seg->pages->lock);
	return left;
}

static bool
is_kernel(tome_va_t va)
{
	return va >= andromeda_vm.config.kernel_lo &&
	    va < andromeda_vm.config.kernel_hi;
}

void *
vm_get_phys(int cpu, void *virt)
{
	tome_va_t va = (uintptr_t)virt - andromeda_vm.bias;
	struct tome_map *map = andromeda_vm.kernel;
	struct tome_translation t;

	if (!is_cpu(cpu))
		return NULL;
	if (!is_kernel(va)) {
		va = (uintptr_t)virt;
		map = andromeda_vm.space[cpu];
	}
	return tome_pmap_extract(tome_map_pmap(map), va, &t) &&
	    t.prot != TOME_PROT_NONE ? (void *)(uintptr_t)(t.pa) : NULL;
}

int
vm_reset_range(int cpu, void *virt, size_t bytes)
{
	if (!is_cpu(cpu))
		return -INVALID_ARG;
	return andromeda_result(tome_map_remove(andromeda_vm.space[cpu],
	    (uintptr_t)virt, bytes), -INVALID_ARG);
}

/* ---- faults ---- */

/* Enter what the segment says is at p: its mapped range, or one granule of content.
 * That there is something now is as good. */
static enum tome_err
mend_segment(struct tome_map *map, struct vm_segment *seg, const char *p)
{
	struct vm_range_descriptor *r = andromeda_range_on(seg, &seg->mapped,
	    (uintptr_t)p);
	size_t off = (size_t)(p - (char *)seg->virt_base) &
	    ~(size_t)(PAGE_ALLOC_FACTOR - 1);
	enum tome_err err;

	err = r != NULL ? enter(map, seg, r->base, r->size, r,
	    TOME_MAP_NOREPLACE) : enter(map, seg, (char *)seg->virt_base + off,
	    PAGE_ALLOC_FACTOR, NULL, TOME_MAP_NOREPLACE);
	return err == TOME_EEXIST ? TOME_OK : err;
}

/* Nothing is at p in the page tables of this bit of `loaded`. */
static enum tome_err
mend(struct tome_map *map, unsigned bit, const char *p)
{
	enum tome_err err = TOME_EFAULT;
	struct vm_descriptor *d;
	struct vm_segment *s;

	tome_lock(andromeda_vm.vm, &andromeda_vm.lock);
	for (d = &vm_core; d != NULL; d = d->next)
		for (s = d->segments; s != NULL && err == TOME_EFAULT;
		    s = s->next) {
			if (!is_within(p, s->virt_base, s->size) ||
			    s->pages->kernel != (map == andromeda_vm.kernel))
				continue;
			tome_lock(andromeda_vm.vm, &s->pages->lock);
			if (s->pages->loaded >> bit & 1)
				err = mend_segment(map, s, p);
			tome_unlock(andromeda_vm.vm, &s->pages->lock);
		}
	tome_unlock(andromeda_vm.vm, &andromeda_vm.lock);
	return err;
}

static int
fault(struct tome_map *map, unsigned bit, tome_va_t va, addr_t p,
    tome_prot_t access)
{
	enum tome_err err = tome_fault(map, va, access);

	if (err == TOME_EFAULT && mend(map, bit, (char *)p) == TOME_OK)
		err = tome_fault(map, va, access);
	return andromeda_result(err, -GENERIC);
}

/* The page tables that this CPU runs. */
static int
user_fault(addr_t addr, tome_prot_t access)
{
	struct tome_pmap *now = tome_pmap_current(andromeda_vm.vm);

	for (unsigned cpu = 0; cpu < CPU_LIMIT; cpu++) {
		struct tome_map *map = andromeda_vm.space[cpu];

		if (map != NULL && tome_map_pmap(map) == now)
			return fault(map, cpu, addr, addr, access);
	}
	return -GENERIC;
}

static int
kernel_fault(addr_t addr, tome_prot_t access)
{
	tome_va_t va = addr - andromeda_vm.bias;

	return is_kernel(va) ? fault(andromeda_vm.kernel, 0, va, addr,
	    access) : user_fault(addr, access);
}

/* What is mapped is retried like what is not: the page tables may have changed
 * since. */
int
vm_user_fault_read(addr_t addr, int mapped)
{
	(void)mapped;
	return user_fault(addr, TOME_PROT_READ);
}

int
vm_user_fault_write(addr_t addr, int mapped)
{
	(void)mapped;
	return user_fault(addr, TOME_PROT_WRITE);
}

int
vm_kernel_fault_read(addr_t addr, int mapped, addr_t eip)
{
	(void)mapped;
	(void)eip;
	return kernel_fault(addr, TOME_PROT_READ);
}

int
vm_kernel_fault_write(addr_t addr, int mapped)
{
	(void)mapped;
	return kernel_fault(addr, TOME_PROT_WRITE);
}
