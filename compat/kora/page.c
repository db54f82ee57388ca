/*
 * page.c - Kora's pages: RAM, faults, the MMU's calls, the kernel's own memory.
 *
 * Which pages are free the core knows; the bitmap and the counts that the old headers
 * show are asked of it whenever they are read.
 *
 * Locks: a space's, while its figures change.
 */
#include <string.h>

#include "kora.h"

/* x86's, of the document's example. */
#define USPACE_LO ((size_t)0x00400000)
#define USPACE_HI ((size_t)0xc0000000)
#define FIRST_PAGE ((long long)2 << 20)	/* RAM below is left alone */
#define RANGES 16
#define DMA_END ((tome_pa_t)16 << 20)

static struct {
	const struct tome_boot *boot;
	struct compat_kora_hooks hooks;
	struct tome_range range[RANGES];
	size_t n;
} ram;

static struct kora_mmu globals;

/* ---- start and end ---- */

static enum tome_err
create_kspace(const struct compat_kora_hooks *hooks)
{
	struct tome_map_config config = { .kernel = true,
		.lo = hooks->kernel_lo, .hi = hooks->kernel_hi };
	uintptr_t bias = (uintptr_t)tome_kva_ptr(kora_vm.vm, 0);
	struct tome_map *map;
	enum tome_err err = tome_map_create(kora_vm.vm, &config, &map);

	if (err != TOME_OK)
		return err;
	kora_vm.kspace = kora_space_new(map, bias, config.lo + bias,
	    config.hi + bias);
	return kora_vm.kspace != NULL ? TOME_OK : TOME_ENOMEM;
}

/* What does not change is set once. */
static void
fill_globals(void)
{
	globals = (struct kora_mmu){ .page_size = PAGE_SIZE,
		.uspace_lower_bound = USPACE_LO,
		.uspace_upper_bound = USPACE_HI,
		.kspace_lower_bound = kora_vm.kspace->lower_bound,
		.kspace_upper_bound = kora_vm.kspace->upper_bound,
		.max_vma_size = KORA_MAX_VMA, .kspace = kora_vm.kspace };
}

enum tome_err
compat_kora_start(struct tome_vm *vm, const struct compat_kora_hooks *hooks)
{
	enum tome_err err;

	memset(&kora_vm, 0, sizeof kora_vm);
	kora_vm.vm = vm;
	kora_vm.hooks = *hooks;
	err = tome_object_create_device(vm, 0, (tome_pfn_t)-1, TOME_MEM_WB,
	    false, &kora_vm.memory);
	if (err != TOME_OK)
		return err;
	err = create_kspace(hooks);
	if (err == TOME_OK)
		fill_globals();
	else
		tome_object_unref(kora_vm.memory);
	return err;
}

void
compat_kora_stop(void)
{
	while (kora_vm.spaces != NULL)
		kora_space_free(kora_vm.spaces);
	kora_space_free(kora_vm.kspace);
	tome_object_unref(kora_vm.memory);
}

void
compat_kora_boot(const struct tome_boot *boot,
    const struct compat_kora_hooks *hooks)
{
	memset(&ram, 0, sizeof ram);
	memset(&kora_vm, 0, sizeof kora_vm);
	ram.boot = boot;
	ram.hooks = *hooks;
}

/* ---- RAM ---- */

/* Whole pages only; what has no place in the list is not used. */
void
page_range(long long base, long long length)
{
	const long long last = ~(unsigned long long)0 >> 1, mask = PAGE_SIZE - 1;
	long long end;

	if (kora_vm.vm != NULL || ram.n == RANGES || base < 0 || length < 0 ||
	    base > last - mask || length > last - base)
		return;
	end = (base + length) & ~mask;
	base = (base + mask) & ~mask;
	if (base < FIRST_PAGE)
		base = FIRST_PAGE;
	if (end <= base)
		return;
	ram.range[ram.n++] = (struct tome_range){ .base = (tome_pa_t)base,
		.len = (tome_pa_t)(end - base), .kind = TOME_RANGE_USABLE };
}

static enum tome_err
create_instance(struct tome_vm **vm)
{
	struct tome_boot boot = *ram.boot;
	enum tome_err err;

	boot.ranges = ram.range;
	boot.nranges = ram.n;
	err = tome_vm_create(&boot, vm);
	if (err != TOME_OK)
		return err;
	if (ram.hooks.created != NULL)
		ram.hooks.created(*vm);
	err = tome_kmem_start(*vm);
	if (err == TOME_OK)
		err = tome_map_start(*vm);
	return err;
}

void
page_initialize(void)
{
	struct tome_vm *vm;

	if (kora_vm.vm != NULL)
		return;
	if (create_instance(&vm) != TOME_OK ||
	    compat_kora_start(vm, &ram.hooks) != TOME_OK)
		ram.hooks.panic("page_initialize: too little memory");
}

struct kora_mmu *
mmu_globals(void)
{
	struct tome_zone_stats z;

	tome_ram_stats(kora_vm.vm, &z);
	globals.upper_physical_page = tome_pa_pfn(z.limit);
	globals.pages_amount = z.total;
	globals.free_pages = tome_frames_free_count(kora_vm.vm);
	return &globals;
}

unsigned char *
mmu_bitmap(void)
{
	static unsigned char bits[MMU_LG];
	tome_pfn_t end = (tome_pfn_t)mmu_globals()->upper_physical_page;

	memset(bits, 0xff, sizeof bits);
	if (end > MMU_LG * 8)
		end = MMU_LG * 8;
	for (tome_pfn_t p = 0; p < end; p++)
		if (tome_frame_identity(kora_vm.vm, p) == TOME_PAGE_FREE)
			bits[p / 8] &= (unsigned char)~(1u << p % 8);
	return bits;
}

page_t
page_new(void)
{
	tome_pfn_t p;

	return tome_frame_alloc(kora_vm.vm, TOME_PAGE_DEVICE, TOME_FRAME_ZERO,
	    &p) == TOME_OK ? (page_t)tome_pfn_pa(p) : 0;
}

/* Of the power of two that it takes, the rest goes back. */
page_t
page_get(int zone, int count)
{
	unsigned order = 3;
	tome_pfn_t first;

	if (count <= 0 || count % 8 != 0 || zone < 0 || zone > 1)
		return 0;
	while (order <= TOME_MAX_ORDER && 1 << order < count)
		order++;
	if (order > TOME_MAX_ORDER || tome_frames_alloc(kora_vm.vm,
	    TOME_PAGE_DEVICE, order, 0, zone == 1 ? DMA_END : 0,
	    TOME_FRAME_ZERO, &first) != TOME_OK)
		return 0;
	for (tome_pfn_t i = (tome_pfn_t)count; i < (tome_pfn_t)1 << order; i++)
		tome_frame_free(kora_vm.vm, first + i);
	return (page_t)tome_pfn_pa(first);
}

/* Only what these calls gave out is ours to release; that it is mapped nowhere is the
 * caller's to know, as it was. */
void
page_release(page_t page)
{
	if (page % PAGE_SIZE == 0 && tome_frame_identity(kora_vm.vm,
	    tome_pa_pfn(page)) == TOME_PAGE_DEVICE)
		tome_frame_free(kora_vm.vm, tome_pa_pfn(page));
}

/* ---- faults ---- */

static tome_va_t
map_va(const mspace_t *ms, size_t va)
{
	return va - ms->pages->bias;
}

static page_t
present_page(const mspace_t *ms, size_t va)
{
	struct tome_translation t;

	return tome_pmap_extract(ms->pages->pmap, map_va(ms, va), &t) &&
	    t.prot != TOME_PROT_NONE ? (page_t)(t.pa & ~(tome_pa_t)(PAGE_SIZE - 1)) : 0;
}

/* What to ask of the core: a page of memory of one's own that may be written will
 * be, and is made at once. */
static tome_prot_t
access_of(const vma_t *v, int reason)
{
	bool own = v->ino == NULL && !(v->flags & VMA_SHARED);

	if (reason == PGFLT_WRITE)
		return TOME_PROT_WRITE;
	return own && (v->flags & VMA_WRITE) ? TOME_PROT_WRITE :
	    v->flags & VMA_EXEC && !(v->flags & VMA_READ) ? TOME_PROT_EXEC :
	    TOME_PROT_READ;
}

/* Memory comes page by page, files' neighbours may come along. */
static int
fault_locked(mspace_t *ms, size_t va, int reason)
{
	vma_t *v = kora_vma_at(ms, va);
	struct tome_translation was;
	enum tome_err err;
	bool there;

	if (v == NULL || (v->flags & VMA_DEAD))
		return -1;
	there = tome_pmap_extract(ms->pages->pmap, map_va(ms, va), &was);
	err = tome_fault(ms->pages->map, map_va(ms, va),
	    access_of(v, reason));
	if (v->ino != NULL || (v->flags & VMA_SHARED) || ms == kora_vm.kspace)
		kora_recount(ms);
	else if (err == TOME_OK && !there)
		ms->phys_pg_count++;
	kora_count(ms);
	return err == TOME_OK ? 0 : -1;
}

int
page_fault(mspace_t *ms, size_t va, int reason)
{
	int left = -1;

	ms = kora_space_of(ms, va);
	if (ms == NULL || (reason != PGFLT_MISSING && reason != PGFLT_WRITE))
		return -1;
	tome_lock(kora_vm.vm, &ms->pages->lock);
	left = fault_locked(ms, va & ~(size_t)(PAGE_SIZE - 1), reason);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	return left;
}

int
page_resolve(mspace_t *ms, size_t va, size_t len)
{
	int left = -1;
	vma_t *v;

	ms = kora_space_of(ms, va);
	if (ms == NULL)
		return -1;
	tome_lock(kora_vm.vm, &ms->pages->lock);
	v = kora_vma_at(ms, va);
	if (v != NULL && v->node.value_ == va && v->length == len &&
	    (v->flags & VMA_TYPE) != VMA_FILE)
		for (left = 0; left == 0 && len > 0; len -= PAGE_SIZE)
			left = fault_locked(ms, va + len - PAGE_SIZE,
			    PGFLT_MISSING);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	return left;
}

/* Zero a page that is there, if it may be written: others are not this area's. */
static void
clean_page(const mspace_t *ms, size_t va)
{
	struct tome_translation t;

	if (tome_pmap_extract(ms->pages->pmap, map_va(ms, va), &t) && (t.prot & TOME_PROT_WRITE) &&
	    tome_frame_identity(kora_vm.vm, tome_pa_pfn(t.pa)) !=
	    TOME_PAGE_ABSENT)
		tome_frame_zero(kora_vm.vm, tome_pa_pfn(t.pa));
}

static page_t
take_off(mspace_t *ms, size_t va, bool drop, bool clean)
{
	page_t page = present_page(ms, va);

	if (page == 0)
		return 0;
	if (clean)
		clean_page(ms, va);
	if (drop && tome_map_advise(ms->pages->map, map_va(ms, va), PAGE_SIZE,
	    TOME_ADV_DONTNEED) == TOME_OK)
		kora_recount(ms);
	return page;
}

void
page_sweep(size_t va, size_t len, bool clean)
{
	mspace_t *ms = kora_space_of(kora_space_now(), va);

	tome_lock(kora_vm.vm, &ms->pages->lock);
	for (size_t at = va & ~(size_t)(PAGE_SIZE - 1); at < va + len;
	    at += PAGE_SIZE)
		(void)take_off(ms, at, true, clean);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
}

/* ---- the MMU's calls ---- */

mspace_t *
kora_space_now(void)
{
	struct tome_pmap *now = tome_pmap_current(kora_vm.vm);
	mspace_t *ms;

	tome_lock(kora_vm.vm, &kora_vm.lock);
	for (ms = kora_vm.spaces; ms != NULL; ms = ms->pages->next)
		if (ms->pages->pmap == now)
			break;
	tome_unlock(kora_vm.vm, &kora_vm.lock);
	return ms != NULL ? ms : kora_vm.kspace;
}

void
mmu_context(mspace_t *ms)
{
	if (ms != NULL)
		tome_map_switch(ms->pages->map);
	else
		tome_pmap_switch(tome_pmap_kernel(kora_vm.vm));
}

page_t
mmu_directory(void)
{
	return kora_space_now()->directory;
}

page_t
mmu_resolve(size_t va, page_t pa, int access, bool clean)
{
	mspace_t *ms = kora_space_of(kora_space_now(), va);
	int reason = access & VMA_WRITE ? PGFLT_WRITE : PGFLT_MISSING;
	page_t page = 0;

	va &= ~(size_t)(PAGE_SIZE - 1);
	if (page_fault(ms, va, reason) == 0)
		page = present_page(ms, va);
	if (page == 0 || (pa != 0 && page != pa))
		return 0;
	if (clean)
		clean_page(ms, va);
	return page;
}

page_t
mmu_read(size_t va, bool drop, bool clean)
{
	mspace_t *ms = kora_space_of(kora_space_now(), va);
	page_t page;

	tome_lock(kora_vm.vm, &ms->pages->lock);
	page = take_off(ms, va & ~(size_t)(PAGE_SIZE - 1), drop, clean);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	return page;
}

/* ---- the kernel's own ---- */

void *
kmap(size_t len, inode_t *ino, off_t offset, int flags)
{
	return mspace_map(kora_vm.kspace, 0, len, ino, offset, 0,
	    flags | VMA_RESOLVE);
}

void
kunmap(void *p, size_t len)
{
	(void)mspace_unmap(kora_vm.kspace, (size_t)(uintptr_t)p, len);
}

void *
kalloc(size_t size)
{
	return tome_kzalloc(kora_vm.vm, size);
}

void
kfree(void *p)
{
	tome_kfree(kora_vm.vm, p);
}
