/*
 * init.c - an instance out of nothing but a list of ranges.
 *
 * What must exist before any allocator does (struct tome_vm, the section table,
 * the descriptors, layer 1's own state) is carved as one piece from the top of
 * the highest run of the direct map that can hold it: low addresses stay for
 * those who need them. Everything else then goes to the zones.
 *
 * One thread, before any other call: no locks but the zones', for form.
 */
#include <base/text.h>
#include <phys/phys.h>
#include <phys/ranges.h>

#define SECTION_FRAMES ((tome_pfn_t)1 << TOME_SECTION_SHIFT)
#define CARVE_ALIGN 64u		/* a cache line */

/* What the ranges add up to, and the piece that is carved. */
struct plan {
	const struct tome_boot *boot;
	tome_pfn_t npfn;		/* end of the last run */
	tome_pfn_t nsections;
	size_t bytes;			/* of metadata */
	struct tome_run carved;
	char *at;			/* next byte of it */
};

static enum tome_err plan_check(const struct tome_boot *);
static enum tome_err plan_make(struct plan *, const struct tome_boot *);
static bool plan_has_window(const struct plan *);
static void plan_count(struct plan *);
static bool plan_place(struct plan *);
static tome_pfn_t section_frames(const struct plan *, tome_pfn_t section);
static void *carve(struct plan *, size_t bytes);
static struct tome_vm *carve_vm(struct plan *);
static struct tome_phys *carve_phys(struct plan *);
static void carve_sections(struct plan *, struct tome_vm *);
static void zones_init(struct tome_vm *);
static void zones_fill(struct tome_vm *, const struct plan *);
static void run_add(struct tome_vm *, tome_pfn_t first, tome_pfn_t end,
    enum tome_identity);
static void run_become(struct tome_vm *, tome_pfn_t first, tome_pfn_t end,
    enum tome_identity);
static void zones_measure(struct tome_phys *);
static void reserve_rest(struct tome_vm *, const struct tome_boot *);
static void reserve_run(struct tome_vm *, tome_pfn_t first, tome_pfn_t end);

tome_cold enum tome_err
tome_phys_init(const struct tome_boot *boot, struct tome_vm **out)
{
	struct tome_vm *vm;
	struct plan plan;
	enum tome_err err = plan_check(boot);

	if (err == TOME_OK)
		err = plan_make(&plan, boot);
	if (err != TOME_OK)
		return err;
	vm = carve_vm(&plan);
	carve_sections(&plan, vm);
	zones_init(vm);
	zones_fill(vm, &plan);
	reserve_rest(vm, boot);
	err = tome_frame_alloc(vm, TOME_PAGE_KERNEL,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &vm->phys->zero);
	if (err == TOME_OK)
		*out = vm;
	return err;
}

/* ---- the plan ---- */

static tome_cold enum tome_err
plan_check(const struct tome_boot *boot)
{
	const struct tome_host *host = boot->host;

	if (host == NULL || host->version != TOME_HOST_VERSION ||
	    host->panic == NULL || host->clock_ns == NULL)
		return TOME_EINVAL;
	if (boot->ncpus < 1 || boot->ncpus > TOME_MAX_CPUS)
		return TOME_EINVAL;
	return TOME_OK;
}

static tome_cold enum tome_err
plan_make(struct plan *p, const struct tome_boot *boot)
{
	*p = (struct plan){ .boot = boot };
	plan_count(p);
	if (p->npfn == 0 || !plan_has_window(p))
		return TOME_EINVAL;
	return plan_place(p) ? TOME_OK : TOME_ENOMEM;
}

static tome_cold bool
plan_has_window(const struct plan *p)
{
	const struct tome_host *host = p->boot->host;

	return p->npfn <= tome_pfn_clip(p->boot->direct_end, false) ||
	    (host->window_enter != NULL && host->window_leave != NULL);
}

static tome_cold size_t
carve_size(size_t bytes)
{
	return (bytes + CARVE_ALIGN - 1) & ~(size_t)(CARVE_ALIGN - 1);
}

static tome_cold size_t
vm_bytes(unsigned ncpus)
{
	return sizeof(struct tome_vm) + ncpus * sizeof(struct tome_cpu);
}

static tome_cold size_t
phys_bytes(unsigned ncpus)
{
	return sizeof(struct tome_phys) +
	    ncpus * sizeof(struct tome_frame_cpu *);
}

/* The end of RAM first: it bounds the last section's descriptors. */
static tome_cold void
plan_count(struct plan *p)
{
	struct tome_run run;
	tome_pfn_t s;

	TOME_EACH_RUN(p->boot, run)
		p->npfn = run.end;
	p->nsections = (p->npfn + SECTION_FRAMES - 1) >> TOME_SECTION_SHIFT;
	p->bytes = carve_size(vm_bytes(p->boot->ncpus)) +
	    carve_size(phys_bytes(p->boot->ncpus)) +
	    p->boot->ncpus * carve_size(sizeof(struct tome_frame_cpu)) +
	    carve_size(p->nsections * sizeof(struct tome_page *));
	for (s = 0; s < p->nsections; s++)
		p->bytes += carve_size(section_frames(p, s) *
		    sizeof(struct tome_page));
}

/* How many descriptors a section needs: none without usable RAM. */
static tome_cold tome_pfn_t
section_frames(const struct plan *p, tome_pfn_t section)
{
	tome_pfn_t first = section << TOME_SECTION_SHIFT;
	tome_pfn_t end = p->npfn - first < SECTION_FRAMES ? p->npfn :
	    first + SECTION_FRAMES;
	struct tome_run run;

	if (!tome_run_next(p->boot, first, &run) || run.first >= end)
		return 0;
	return end - first;
}

/* The top of the highest run that can hold it all. */
static tome_cold bool
plan_place(struct plan *p)
{
	tome_pfn_t direct = tome_pfn_clip(p->boot->direct_end, false);
	tome_pfn_t need = tome_pfn_clip(p->bytes, true), end;
	struct tome_run run;

	TOME_EACH_RUN(p->boot, run) {
		end = run.end < direct ? run.end : direct;
		if (run.first < end && end - run.first >= need)
			p->carved = (struct tome_run){ end - need, end };
	}
	if (p->carved.end == 0)
		return false;
	p->at = tome_host_frame_va(p->boot->direct_bias,
	    tome_pfn_pa(p->carved.first));
	return true;
}

/* ---- carving ---- */

static tome_cold void *
carve(struct plan *p, size_t bytes)
{
	void *piece = p->at;

	p->at += carve_size(bytes);
	return __builtin_memset(piece, 0, bytes);
}

static tome_cold struct tome_vm *
carve_vm(struct plan *p)
{
	const struct tome_boot *boot = p->boot;
	struct tome_vm *vm = carve(p, vm_bytes(boot->ncpus));

	vm->host = boot->host;
	vm->ctx = boot->ctx;
	vm->ncpus = boot->ncpus;
	vm->direct_bias = boot->direct_bias;
	vm->direct_end = boot->direct_end;
	vm->kva_bias = boot->kva_bias;
	vm->kernel_start = boot->kernel_start;
	vm->kernel_end = boot->kernel_end;
	vm->epoch.now = 2;
	vm->phys = carve_phys(p);
	return vm;
}

static tome_cold struct tome_phys *
carve_phys(struct plan *p)
{
	struct tome_phys *phys = carve(p, phys_bytes(p->boot->ncpus));
	unsigned i;

	for (i = 0; i < p->boot->ncpus; i++)
		phys->cpu[i] = carve(p, sizeof(struct tome_frame_cpu));
	phys->carved = p->carved.end - p->carved.first;
	return phys;
}

static tome_cold void
carve_sections(struct plan *p, struct tome_vm *vm)
{
	tome_pfn_t s, n;

	vm->npfn = p->npfn;
	vm->nsections = p->nsections;
	vm->section = carve(p, p->nsections * sizeof(struct tome_page *));
	for (s = 0; s < p->nsections; s++) {
		n = section_frames(p, s);
		if (n > 0)
			vm->section[s] = carve(p, n * sizeof(struct tome_page));
	}
}

/* ---- zones ---- */

/*
 * Limits ascend: 16 MiB, 4 GiB, the end of the direct map, the end of RAM. A
 * direct map that ends below 4 GiB leaves no DMA32, and all of NORMAL is below.
 */
static tome_cold void
zones_init(struct tome_vm *vm)
{
	tome_pfn_t direct = tome_pfn_clip(vm->direct_end, false);
	tome_pfn_t dma = tome_pfn_clip((uint64_t)1 << 24, false);
	tome_pfn_t dma32 = tome_pfn_clip((uint64_t)1 << 32, false);
	tome_pfn_t end[TOME_ZONES], first = 0;
	unsigned k;

	end[TOME_ZONE_DMA] = dma < direct ? dma : direct;
	end[TOME_ZONE_DMA32] = dma32 < direct ? dma32 : end[TOME_ZONE_DMA];
	end[TOME_ZONE_NORMAL] = direct;
	end[TOME_ZONE_HIGH] = direct < vm->npfn ? vm->npfn : direct;
	for (k = 0; k < TOME_ZONES; k++) {
		struct tome_zone *z = &vm->phys->zone[k];

		z->kind = (enum tome_zone_kind)k;
		z->first = first;
		z->end = first = end[k];
		if (z->end > vm->npfn)
			z->end = vm->npfn;
	}
}

static tome_cold void
zones_fill(struct tome_vm *vm, const struct plan *p)
{
	const struct tome_run *c = &p->carved;
	struct tome_phys *phys = vm->phys;
	struct tome_run run;

	phys->top = TOME_ZONE_HIGH;	/* until it is known */
	TOME_EACH_RUN(p->boot, run) {
		if (run.first <= c->first && c->end <= run.end) {
			run_add(vm, run.first, c->first, TOME_PAGE_FREE);
			run_add(vm, c->first, c->end, TOME_PAGE_KERNEL);
			run_add(vm, c->end, run.end, TOME_PAGE_FREE);
		} else {
			run_add(vm, run.first, run.end, TOME_PAGE_FREE);
		}
	}
	zones_measure(phys);
}

/* Zone by zone; free frames to the buddy lists. */
static tome_cold void
run_add(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t end,
    enum tome_identity id)
{
	struct tome_zone *z;
	tome_pfn_t stop;
	uintptr_t irq;

	for (; first < end; first = stop) {
		z = tome_zone_of(vm, first);
		stop = end < z->end ? end : z->end;
		run_become(vm, first, stop, id);
		z->total += stop - first;
		if (id != TOME_PAGE_FREE)
			continue;
		irq = tome_spin_lock(vm, &z->lock, TOME_RANK_ZONE);
		tome_buddy_give_run(vm, z, first, stop);
		tome_spin_unlock(vm, &z->lock, TOME_RANK_ZONE, irq);
	}
}

static tome_cold void
run_become(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t end,
    enum tome_identity id)
{
	struct tome_frame_cpu *c = tome_frame_this_cpu(vm);

	vm->phys->total += end - first;
	if (id != TOME_PAGE_FREE)
		tome_frame_count(c, id, end - first);
	for (; first < end; first++)
		tome_page_become_owned(vm, tome_page(vm, first),
		    TOME_PAGE_ABSENT, id);
}

static tome_cold void
zones_measure(struct tome_phys *phys)
{
	unsigned k;

	for (k = 0; k < TOME_ZONES; k++) {
		tome_zone_set_marks(&phys->zone[k]);
		if (phys->zone[k].total == 0)
			continue;
		phys->usable += phys->zone[k].total;
		phys->top = k;
		if (k <= TOME_ZONE_NORMAL)
			phys->top_direct = k;
	}
}

/* ---- what the embedder keeps ---- */

/*
 * Whatever a range touches and no run has: reservations, odd ends, frame 0.
 * Reserved address space far from RAM has no descriptors, and needs none.
 */
static tome_cold void
reserve_rest(struct tome_vm *vm, const struct tome_boot *boot)
{
	struct tome_run r;
	tome_pfn_t stop;
	size_t i;

	for (i = 0; i < boot->nranges; i++) {
		r = tome_run_touched(&boot->ranges[i]);
		if (r.end > vm->npfn)
			r.end = vm->npfn;
		for (; r.first < r.end; r.first = stop) {
			stop = (r.first | (SECTION_FRAMES - 1)) + 1;
			if (stop > r.end)
				stop = r.end;
			if (tome_page_try(vm, r.first) != NULL)
				reserve_run(vm, r.first, stop);
		}
	}
}

static tome_cold void
reserve_run(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t end)
{
	for (; first < end; first++)
		if (tome_frame_identity(vm, first) == TOME_PAGE_ABSENT)
			run_become(vm, first, first + 1, TOME_PAGE_RESERVED);
}
