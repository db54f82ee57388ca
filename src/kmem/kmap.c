/*
 * kmap.c - kernel mappings: heap pages, device ranges, guarded stacks.
 *
 * Addresses come from an arena over kernel_start .. kernel_end. A mapping's
 * kind and its first frame are the note of its segment; its frames are linked
 * by their descriptors, so that a mapping needs no record of its own. Where the CPU
 * has runs of leaves, what is as long as one is put so that it can be of them.
 *
 * Invariant 5: the translations go, and are flushed, before a frame or the
 *   addresses are free again.
 * Locks: none across calls; the pmap and the arena have theirs.
 */
#include <kmem/kmem_i.h>
#include <pmap/run.h>

/* A note: the kind, and above it the number of the first frame. */
enum kmap_kind { KMAP_HEAP = 1, KMAP_PHYS, KMAP_STACK };
#define KIND_MASK ((uint64_t)3)
#define KIND_SHIFT 2

#define READ_WRITE (TOME_PROT_READ | TOME_PROT_WRITE)

static enum tome_err alloc_pages(struct tome_vm *, size_t npages,
    tome_va_t *out);
static void free_pages(struct tome_vm *, tome_va_t, tome_va_t len);
static enum tome_err map_frames(struct tome_vm *, tome_va_t, size_t npages,
    tome_pfn_t *first);
static void unmap_frames(struct tome_vm *, tome_va_t, tome_va_t len,
    tome_pfn_t first);

enum tome_err
tome_kmap_start(struct tome_kmem *km)
{
	struct tome_vm *vm = km->vm;
	struct tome_arena_config config = { .name = "kernel addresses",
		.base = vm->kernel_start,
		.size = vm->kernel_end - vm->kernel_start,
		.quantum = TOME_PAGE_SIZE };

	return tome_arena_create(vm, &config, &km->kva);
}

void *
tome_kva_ptr(struct tome_vm *vm, tome_va_t va)
{
	return tome_host_kva(vm->kva_bias, va);
}

/* ---- memory ---- */

static void
set_note(struct tome_vm *vm, tome_va_t va, enum kmap_kind kind,
    tome_pfn_t first)
{
	tome_arena_set_note(vm->kmem->kva, va,
	    (uint64_t)first << KIND_SHIFT | kind);
}

enum tome_err
tome_kmap_heap(struct tome_vm *vm, size_t npages, tome_va_t *out)
{
	tome_pfn_t first;
	tome_va_t va;
	enum tome_err err = alloc_pages(vm, npages, &va);

	if (err != TOME_OK)
		return err;
	err = map_frames(vm, va, npages, &first);
	if (err != TOME_OK) {
		free_pages(vm, va, (tome_va_t)npages << TOME_PAGE_SHIFT);
		return err;
	}
	set_note(vm, va, KMAP_HEAP, first);
	*out = va;
	return TOME_OK;
}

enum tome_err
tome_kmap_stack(struct tome_vm *vm, size_t npages, tome_va_t *out)
{
	tome_pfn_t first;
	tome_va_t va;
	enum tome_err err;

	if (npages == 0 || npages > SIZE_MAX - 2)
		return TOME_EINVAL;
	err = alloc_pages(vm, npages + 2, &va);
	if (err != TOME_OK)
		return err;
	err = map_frames(vm, va + TOME_PAGE_SIZE, npages, &first);
	if (err != TOME_OK) {
		free_pages(vm, va, (tome_va_t)(npages + 2) << TOME_PAGE_SHIFT);
		return err;
	}
	set_note(vm, va, KMAP_STACK, first);
	*out = va + TOME_PAGE_SIZE;
	return TOME_OK;
}

/* Addresses congruent to pa; false: there are none now. */
static bool
alloc_aligned(struct tome_vm *vm, tome_va_t len, tome_va_t align, tome_pa_t pa,
    tome_va_t *out)
{
	tome_span_t base;

	if (tome_arena_xalloc(vm->kmem->kva, len, align, pa & (align - 1), 0,
	    0, 0, TOME_FIT_INSTANT, &base) != TOME_OK)
		return false;
	*out = (tome_va_t)base;
	return true;
}

static enum tome_err
alloc_pages(struct tome_vm *vm, size_t npages, tome_va_t *out)
{
	tome_va_t most = (vm->kernel_end - vm->kernel_start) >> TOME_PAGE_SHIFT;
	tome_span_t base;
	enum tome_err err;

	if (npages == 0)
		return TOME_EINVAL;
	if (npages > most)
		return TOME_ENOMEM;
	if (TOME_PORT_RUN_BITS != 0 && npages >= TOME_RUN_LEAVES &&
	    alloc_aligned(vm, (tome_va_t)npages << TOME_PAGE_SHIFT,
	    TOME_RUN_SPAN, 0, out))
		return TOME_OK;
	err = tome_arena_alloc(vm->kmem->kva,
	    (tome_span_t)npages << TOME_PAGE_SHIFT, TOME_FIT_INSTANT, &base);
	if (err == TOME_OK)
		*out = (tome_va_t)base;
	return err;
}

static void
free_pages(struct tome_vm *vm, tome_va_t va, tome_va_t len)
{
	tome_arena_free(vm->kmem->kva, va, len);
}

static void
link_frame(struct tome_vm *vm, tome_pfn_t pfn, tome_pfn_t *first)
{
	tome_wr(&tome_page(vm, pfn)->owner, vm->kmem->kva);
	tome_page(vm, pfn)->next = *first;
	*first = pfn;
}

/* One new frame at va, at the head of the mapping's list. */
static enum tome_err
map_frame(struct tome_vm *vm, tome_va_t va, tome_pfn_t *first)
{
	tome_pfn_t pfn;
	enum tome_err err = tome_frame_alloc(vm, TOME_PAGE_KERNEL,
	    TOME_FRAME_ZERO, &pfn);

	if (err != TOME_OK)
		return err;
	link_frame(vm, pfn, first);
	return tome_pmap_enter(tome_pmap_kernel(vm), va, pfn, READ_WRITE,
	    TOME_MEM_WB, 0);
}

/* As many frames as a run has; false: frame by frame is left. */
static bool
map_run(struct tome_vm *vm, tome_va_t va, tome_va_t len, tome_pfn_t *first)
{
	tome_pfn_t pfn, i;

	if ((va & (TOME_RUN_SPAN - 1)) != 0 || len < TOME_RUN_SPAN ||
	    tome_frames_alloc(vm, TOME_PAGE_KERNEL, TOME_PORT_RUN_BITS,
	    (tome_pfn_t)TOME_RUN_LEAVES, 0, TOME_FRAME_ZERO, &pfn) != TOME_OK)
		return false;
	for (i = 0; i < TOME_RUN_LEAVES; i++)
		link_frame(vm, pfn + i, first);
	return tome_pmap_enter_range(tome_pmap_kernel(vm), va, tome_pfn_pa(pfn),
	    TOME_RUN_SPAN, READ_WRITE, TOME_MEM_WB) == TOME_OK;
}

static enum tome_err
map_frames(struct tome_vm *vm, tome_va_t va, size_t npages, tome_pfn_t *first)
{
	tome_va_t len = (tome_va_t)npages << TOME_PAGE_SHIFT;

	*first = TOME_PFN_NONE;
	for (tome_va_t off = 0; off < len; off += TOME_PAGE_SIZE) {
		enum tome_err err;

		if (TOME_PORT_RUN_BITS != 0 &&
		    map_run(vm, va + off, len - off, first)) {
			off += TOME_RUN_SPAN - TOME_PAGE_SIZE;
			continue;
		}
		err = map_frame(vm, va + off, first);
		if (err != TOME_OK) {
			unmap_frames(vm, va, len, *first);
			return err;
		}
	}
	return TOME_OK;
}

static void
unmap_frames(struct tome_vm *vm, tome_va_t va, tome_va_t len, tome_pfn_t pfn)
{
	tome_pmap_remove(tome_pmap_kernel(vm), va, va + len);
	while (pfn != TOME_PFN_NONE) {
		struct tome_page *pg = tome_page(vm, pfn);
		tome_pfn_t next = pg->next;

		pg->next = TOME_PFN_NONE;
		tome_wr_relaxed(&pg->owner, NULL);
		tome_frame_free(vm, pfn);
		pfn = next;
	}
}

/* ---- devices ---- */

/* Addresses congruent to pa, so that large leaves fit where there is room. */
static enum tome_err
alloc_congruent(struct tome_vm *vm, tome_pa_t pa, tome_va_t len,
    tome_va_t *out)
{
	tome_va_t span = tome_leaf_span();

	if (TOME_PORT_RUN_BITS != 0 && len < span)
		span = TOME_RUN_SPAN;
	if (len >= span && alloc_aligned(vm, len, span, pa, out))
		return TOME_OK;
	return alloc_pages(vm, (size_t)(len >> TOME_PAGE_SHIFT), out);
}

enum tome_err
tome_kmap_phys(struct tome_vm *vm, tome_pa_t pa, tome_pa_t len,
    enum tome_memtype type, tome_prot_t prot, tome_va_t *out)
{
	tome_pa_t offset = pa & TOME_PAGE_MASK;
	tome_va_t span, va;
	enum tome_err err;

	if (len == 0 || pa + (len - 1) < pa)
		return TOME_EINVAL;
	if (len > vm->kernel_end - vm->kernel_start)
		return TOME_ENOMEM;
	span = tome_page_ceil((tome_va_t)(offset + len));
	err = alloc_congruent(vm, pa - offset, span, &va);
	if (err != TOME_OK)
		return err;
	err = tome_pmap_enter_range(tome_pmap_kernel(vm), va, pa - offset,
	    span, prot, type);
	if (err != TOME_OK) {
		tome_pmap_remove(tome_pmap_kernel(vm), va, va + span);
		free_pages(vm, va, span);
		return err;
	}
	set_note(vm, va, KMAP_PHYS, TOME_PFN_NONE);
	*out = va + (tome_va_t)offset;
	return TOME_OK;
}

/* ---- undoing any of them ---- */

/* The note of the mapping whose address given out was va; and its base. */
static uint64_t
claim(struct tome_vm *vm, tome_va_t va, tome_va_t *base)
{
	struct tome_arena *kva = vm->kmem->kva;
	uint64_t note;

	*base = tome_page_floor(va);
	note = tome_arena_take_note(kva, *base, KIND_MASK, KMAP_HEAP);
	if (note == 0)
		note = tome_arena_take_note(kva, *base, KIND_MASK, KMAP_PHYS);
	if (note == 0) {
		*base -= TOME_PAGE_SIZE;
		note = tome_arena_take_note(kva, *base, KIND_MASK, KMAP_STACK);
	}
	return note;
}

void
tome_kunmap(struct tome_vm *vm, tome_va_t va)
{
	tome_va_t base, len;
	uint64_t note = claim(vm, va, &base);

	TOME_CHECK(vm, note != 0);	/* nothing was given out there */
	len = (tome_va_t)tome_arena_size_of(vm->kmem->kva, base);
	unmap_frames(vm, base, len, (tome_pfn_t)(note >> KIND_SHIFT));
	free_pages(vm, base, len);
}
