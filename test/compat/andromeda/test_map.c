/*
 * test_map.c - Andromeda's heap, mapping, loading and faults.
 */
#include "rig_a.h"

#define TEST(numbers, f) CONTRACT_TEST(numbers, f, a_up, a_down)

static int
up_bare(void **state)
{
	(void)state;
	a_open(false);
	return 0;
}

/* ---- the heap ---- */

static void
test_heap(void **state)
{
	struct vm_segment *heap = vm_find_segment(".heap");
	char *a = DID(vm_get_kernel_heap_pages(1));
	char *b = DID(vm_get_kernel_heap_pages(2 * G));

	(void)state;
	a_pointers();
	assert_int_equal(heap->size, 16 << 20);
	assert_ptr_equal(a, heap->virt_base);
	assert_ptr_equal(b, a + G);
	a[5] = 'a';
	b[2 * G - 1] = 'b';
	assert_int_equal(a[5], 'a');
	assert_int_equal(a[6], 0);
	assert_int_equal(b[2 * G - 1], 'b');
	rig_check();
	assert_null(DID(vm_get_kernel_heap_pages(0)));
	assert_null(DID(vm_get_kernel_heap_pages(16 << 20)));
	/* The heap can grow, as the document says. */
	assert_int_equal(DID(vm_segment_grow(heap, 16 << 20)), SUCCESS);
	b = DID(vm_get_kernel_heap_pages(16 << 20));
	assert_non_null(b);
	b[(16 << 20) - 1] = 'g';
	assert_int_equal(b[(16 << 20) - 1], 'g');
}

static void
test_heap_free(void **state)
{
	char *p = DID(vm_get_kernel_heap_pages(G));

	(void)state;
	assert_int_equal(DID(vm_free_kernel_heap_pages(NULL)), -NULL_PTR);
	assert_int_equal(DID(vm_free_kernel_heap_pages(p + 1)), -INVALID_ARG);
	assert_int_equal(DID(vm_free_kernel_heap_pages(p)), SUCCESS);
	assert_int_equal(DID(vm_free_kernel_heap_pages(p)), -INVALID_ARG);
}

static void
test_no_heap(void **state)
{
	addr_t unit = page_alloc();

	(void)state;
	assert_null(DID(vm_get_kernel_heap_pages(G)));
	assert_int_equal(DID(vm_free_kernel_heap_pages(P(AT))), -HEAP_GENERIC);
	assert_null(DID(vm_map_heap(P(unit), G)));
	assert_int_not_equal(DID(vm_unmap_heap(P(AT))), SUCCESS);
	assert_null(vm_find_segment(".heap"));
	assert_null(vm_find_segment(NULL));
	assert_int_equal(page_free(unit), SUCCESS);
}

static void
test_map_heap(void **state)
{
	struct vm_segment *heap = vm_find_segment(".heap");
	addr_t unit = page_alloc();
	char *p = DID(vm_map_heap(P(unit), G - 5)), *q;

	(void)state;
	a_pointers();
	assert_non_null(p);
	p[PAGE_SIZE * 3] = 'm';
	assert_int_equal(a_count(heap, heap->mapped), 1);
	q = DID(vm_map_heap(P(unit), G));
	assert_int_equal(q[PAGE_SIZE * 3], 'm');
	assert_ptr_equal(DID(vm_get_phys(0, p + 7)), P(unit + 7));
	assert_int_equal(DID(vm_unmap_heap(q)), SUCCESS);
	assert_int_equal(a_count(heap, heap->mapped), 1);
	assert_int_equal(DID(vm_unmap_heap(q)), -NULL_PTR | -INVALID_ARG);
	assert_int_equal(DID(vm_unmap_heap(p)), SUCCESS);
	assert_int_equal(a_count(heap, heap->free), 1);
	/* Not RAM that is free: the range goes back. */
	assert_null(DID(vm_map_heap(P(unit + 3), G)));
	assert_null(DID(vm_map_heap(NULL, G)));
	assert_null(heap->allocated);
	assert_int_equal(page_free(unit), SUCCESS);
}

/* ---- vm_map ---- */

static void
test_map(void **state)
{
	struct vm_segment *s = a_task(4);
	void *r = DID(vm_segment_alloc(s, G));
	addr_t unit = page_alloc();

	(void)state;
	assert_true(rig_poke((uintptr_t)r, 'x'));
	assert_ptr_equal(DID(vm_map(r, P(unit), s)), r);
	assert_int_equal(a_count(s, s->mapped), 1);
	assert_null(s->allocated);
	for (size_t i = 0; i < G; i += PAGE_SIZE) {
		assert_ptr_equal(vm_get_phys(0, (char *)r + i), P(unit + i));
		assert_int_equal(rig_peek((uintptr_t)r + i), 0);
		assert_true(rig_poke((uintptr_t)r + i, 'a'));
		assert_int_equal(*(char *)tome_frame_va(rig.vm,
		    tome_pa_pfn(unit + i)), 'a');
	}
	/* page_alloc()'s count, then vm_map()'s: it is still there. */
	assert_int_equal(page_free(unit), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)r), 'a');
	assert_int_equal(DID(vm_unmap(r, s)), SUCCESS);
	assert_int_equal(page_free(unit), -INVALID_ARG);
}

static void
refuse_map(void *virt, addr_t phys, struct vm_segment *s)
{
	uint64_t before = rig_free_frames();

	assert_null(DID(vm_map(virt, P(phys), s)));
	assert_int_equal(a_count(s, s->mapped), 0);
	assert_int_equal(a_count(s, s->allocated), 1);
	assert_int_equal(rig_free_frames(), before);
	assert_int_equal(rig_peek((uintptr_t)s->allocated->base), 'x');
}

static void
test_map_refused(void **state)
{
	struct vm_segment *s = a_task(4);
	void *r = DID(vm_segment_alloc(s, 2 * G));
	addr_t unit = page_alloc();
	addr_t used = tome_pfn_pa(tome_zero_frame(rig.vm)) & ~(G - 1);

	(void)state;
	assert_true(rig_poke((uintptr_t)r, 'x'));
	refuse_map(NULL, unit, s);
	refuse_map(r, 0, s);
	assert_null(DID(vm_map(r, P(unit), NULL)));
	refuse_map((char *)r + G, unit, s);
	refuse_map((char *)r + 2 * G, unit, s);
	refuse_map(r, unit + 1, s);
	refuse_map(r, used, s);
	/* Its first unit could be had, its second is in use. */
	refuse_map(r, used - G, s);
	assert_int_equal(page_free(unit), SUCCESS);
}

static void
test_unmap(void **state)
{
	struct vm_segment *s = a_task(4);
	void *r = DID(vm_segment_alloc(s, G));
	addr_t unit = page_alloc();

	(void)state;
	DO(vm_map(r, P(unit), s));
	assert_true(rig_poke((uintptr_t)r, 'm'));
	assert_int_equal(DID(vm_unmap(NULL, s)), -NULL_PTR);
	assert_int_equal(DID(vm_unmap(r, NULL)), -NULL_PTR);
	assert_int_equal(DID(vm_unmap((char *)r + PAGE_SIZE, s)), -NULL_PTR);
	assert_int_equal(DID(vm_unmap(r, s)), SUCCESS);
	assert_int_equal(DID(vm_unmap(r, s)), -NULL_PTR);
	assert_int_equal(a_count(s, s->allocated), 1);
	assert_null(s->mapped);
	/* Still reserved, and memory of its own again. */
	assert_int_equal(rig_peek((uintptr_t)r), 0);
	assert_ptr_not_equal(DID(vm_segment_alloc(s, G)), r);
	assert_int_equal(page_free(unit), SUCCESS);
	assert_int_equal(page_free(unit), -INVALID_ARG);
}

static void
test_sharing(void **state)
{
	struct vm_segment *one = a_task(1);
	struct vm_segment *two = DID(vm_new_segment(P(AT), G, vm_new(2)));
	void *r = DID(vm_segment_alloc(one, G));
	addr_t unit = page_alloc();

	(void)state;
	assert_ptr_equal(DID(vm_segment_alloc(two, G)), r);
	assert_ptr_equal(DID(vm_map(r, P(unit), one)), r);
	assert_ptr_equal(DID(vm_map(r, P(unit), two)), r);
	assert_int_equal(page_free(unit), SUCCESS);
	assert_true(rig_poke((uintptr_t)r + 9, 's'));
	assert_int_equal(DID(vm_unmap(r, one)), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)r + 9), 0);
	assert_int_equal(DID(vm_segment_unload(0, one)), SUCCESS);
	assert_int_equal(DID(vm_segment_load(0, two)), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)r + 9), 's');
	assert_int_equal(DID(vm_unmap(r, two)), SUCCESS);
	assert_int_equal(page_free(unit), -INVALID_ARG);
}

/* ---- loading ---- */

static void
test_load(void **state)
{
	struct vm_segment *s = DID(vm_new_segment(P(AT), 2 * G, vm_new(1)));
	struct vm_segment *same = DID(vm_new_segment(P(AT), G, vm_new(2)));
	struct vm_segment *across = DID(vm_new_segment(P(AT - G), 2 * G,
	    vm_new(3)));

	(void)state;
	assert_int_equal(rig_peek(AT), -1);
	assert_int_equal(DID(vm_segment_load(0, s)), SUCCESS);
	assert_true(rig_poke(AT, 1));
	assert_int_equal(DID(vm_segment_load(0, NULL)), -NULL_PTR);
	assert_int_equal(DID(vm_segment_load(-1, s)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_load(2, s)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_load(CPU_LIMIT, s)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_load(2, vm_find_segment(".heap"))),
	    -INVALID_ARG);
	assert_int_equal(DID(vm_segment_unload(2, vm_find_segment(".heap"))),
	    -INVALID_ARG);
	assert_int_equal(DID(vm_segment_load(0, s)), -ALREADY_INITIALISED);
	assert_int_equal(DID(vm_segment_load(0, same)), -ALREADY_INITIALISED);
	assert_int_equal(DID(vm_segment_load(0, across)), -GENERIC);
	assert_int_equal(rig_peek(AT - G), -1);
	assert_int_equal(rig_peek(AT), 1);
	assert_int_equal(DID(vm_segment_load(1, same)), SUCCESS);
}

/* Also where all that it had was mapped, and is not any more. */
static void
test_load_unmapped(void **state)
{
	struct vm_segment *s = a_task(1);
	struct vm_segment *same = DID(vm_new_segment(P(AT), G, vm_new(2)));
	void *r = DID(vm_segment_alloc(s, G));
	addr_t unit = page_alloc();

	(void)state;
	assert_ptr_equal(DID(vm_map(r, P(unit), s)), r);
	assert_int_equal(DID(vm_segment_load(0, same)), -ALREADY_INITIALISED);
	assert_int_equal(DID(vm_unmap(r, s)), SUCCESS);
	assert_int_equal(DID(vm_segment_load(0, same)), -ALREADY_INITIALISED);
	assert_int_equal(page_free(unit), SUCCESS);
}

static void
test_unload(void **state)
{
	struct vm_segment *s = a_task(4);
	void *r = DID(vm_segment_alloc(s, G));
	addr_t unit = page_alloc();

	(void)state;
	DO(vm_map(r, P(unit), s));
	assert_true(rig_poke((uintptr_t)r, 'm'));
	assert_true(rig_poke(AT + 2 * G, 'c'));
	assert_int_equal(DID(vm_segment_unload(0, NULL)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_unload(-1, s)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_unload(CPU_LIMIT, s)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_unload(1, s)), -NOT_YET_INITIALISED);
	assert_int_equal(DID(vm_segment_unload(0, s)), SUCCESS);
	assert_int_equal(rig_peek(AT + 2 * G), -1);
	assert_int_equal(rig_peek((uintptr_t)r), -1);
	assert_int_equal(DID(vm_segment_unload(0, s)), -NOT_YET_INITIALISED);
	assert_int_equal(DID(vm_segment_load(0, s)), SUCCESS);
	assert_int_equal(rig_peek(AT + 2 * G), 'c');
	assert_int_equal(rig_peek((uintptr_t)r), 'm');
	DO(vm_unmap(r, s));
	assert_int_equal(page_free(unit), SUCCESS);
}

static void
test_cpus(void **state)
{
	struct vm_segment *s = a_task(4);
	void *r = DID(vm_segment_alloc(s, G));
	addr_t unit = page_alloc();

	(void)state;
	assert_int_equal(DID(vm_segment_load(1, s)), SUCCESS);
	assert_true(rig_poke(AT + 3 * G, 'a'));
	DO(vm_map(r, P(unit), s));
	assert_true(rig_poke((uintptr_t)r, 'm'));
	hosted_become(rig.machine, 1);
	assert_int_equal(rig_peek(AT + 3 * G), 'a');
	assert_int_equal(rig_peek((uintptr_t)r), 'm');
	assert_true(rig_poke(AT + 3 * G, 'b'));
	assert_int_equal(DID(vm_unmap(r, s)), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)r), 0);
	hosted_become(rig.machine, 0);
	assert_int_equal(rig_peek(AT + 3 * G), 'b');
	assert_int_equal(rig_peek((uintptr_t)r), 0);
	assert_int_equal(DID(vm_segment_unload(1, s)), SUCCESS);
	assert_int_equal(rig_peek(AT + 3 * G), 'b');
	assert_int_equal(page_free(unit), SUCCESS);
}

static void
test_get_phys(void **state)
{
	struct vm_segment *s = a_task(1);
	uint8_t *memory;

	(void)state;
	assert_null(DID(vm_get_phys(0, P(AT + 5))));
	assert_true(rig_poke(AT + 5, 'p'));
	memory = tome_frame_va(rig.vm,
	    tome_pa_pfn((uintptr_t)vm_get_phys(0, P(AT))));
	assert_int_equal(memory[5], 'p');
	assert_int_equal((uintptr_t)vm_get_phys(0, P(AT + 5)),
	    (uintptr_t)vm_get_phys(0, P(AT)) + 5);
	assert_null(DID(vm_get_phys(1, P(AT))));
	assert_null(DID(vm_get_phys(2, P(AT))));
	assert_null(DID(vm_get_phys(-1, P(AT))));
	assert_null(DID(vm_get_phys(CPU_LIMIT, P(AT))));
	assert_int_equal(DID(vm_segment_unload(0, s)), SUCCESS);
	assert_null(DID(vm_get_phys(0, P(AT))));
}

static void
test_tasks(void **state)
{
	struct vm_descriptor *d[2] = { DID(vm_new(1)), DID(vm_new(2)) };

	(void)state;
	assert_int_equal(DID(vm_load_task(0, d[0])), -NULL_PTR);
	assert_int_equal(DID(vm_unload_task(0, d[0])), -NULL_PTR);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < 3; j++)
			assert_non_null(DID(vm_new_segment(P(AT + 4 * j * G),
			    G, d[i])));
	assert_int_equal(DID(vm_load_task(-1, d[0])), -INVALID_ARG);
	assert_int_equal(DID(vm_load_task(CPU_LIMIT, d[0])), -INVALID_ARG);
	assert_int_equal(DID(vm_load_task(0, NULL)), -INVALID_ARG);
	assert_int_equal(DID(vm_unload_task(CPU_LIMIT, d[0])), -INVALID_ARG);
	assert_int_equal(DID(vm_unload_task(0, NULL)), -INVALID_ARG);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(DID(vm_load_task(0, d[i])), SUCCESS);
			assert_int_equal(rig_peek(AT + 8 * G),
			    round == 0 ? 0 : 'a' + (int)i);
			assert_true(rig_poke(AT + 8 * G, 'a' + (int)i));
			assert_int_equal(DID(vm_unload_task(0, d[i])),
			    SUCCESS);
			assert_int_equal(rig_peek(AT + 8 * G), -1);
		}
	assert_int_equal(DID(vm_segment_load(0, d[0]->segments)), SUCCESS);
	assert_int_equal(DID(vm_unload_task(0, d[0])), -NOT_YET_INITIALISED);
	assert_int_equal(rig_peek(AT + 8 * G), -1);
}

static void
test_faults(void **state)
{
	struct vm_segment *s = a_task(2);
	addr_t heap = (addr_t)vm_get_kernel_heap_pages(G);

	(void)state;
	assert_int_equal(DID(vm_user_fault_read(AT, 0)), 0);
	assert_int_equal(rig_peek(AT + 100), 0);
	assert_int_equal(DID(vm_user_fault_write(AT + G, 0)), 0);
	assert_int_equal(DID(vm_user_fault_write(AT + G, 1)), 0);
	assert_int_not_equal(DID(vm_user_fault_read(AT + 2 * G, 0)), 0);
	assert_int_not_equal(DID(vm_user_fault_write(AT - 1, 0)), 0);
	assert_int_not_equal(DID(vm_user_fault_write(heap, 0)), 0);
	assert_int_equal(DID(vm_kernel_fault_write(heap, 0)), 0);
	assert_int_equal(DID(vm_kernel_fault_read(heap, 0, 1)), 0);
	assert_int_equal(DID(vm_kernel_fault_write(AT, 0)), 0);
	assert_int_not_equal(DID(vm_kernel_fault_write(AT - 1, 0)), 0);
	assert_int_not_equal(DID(vm_kernel_fault_read(heap + (32 << 20), 0,
	    1)), 0);
	hosted_become(rig.machine, 1);
	assert_int_not_equal(DID(vm_user_fault_read(AT, 0)), 0);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	assert_int_not_equal(DID(vm_user_fault_read(AT, 0)), 0);
	hosted_become(rig.machine, 0);
	DO(vm_segment_unload(0, s));
	assert_int_not_equal(DID(vm_user_fault_read(AT, 0)), 0);
}

/* ---- the kernel's segments ---- */

static bool
try_init(void)
{
	int left = vm_init();

	if (left != SUCCESS) {
		assert_int_equal(left, -NOMEM);
		assert_null(vm_core.segments);
		return false;
	}
	while (vm_core.segments != NULL) {
		(void)vm_segment_unload(0, vm_core.segments);
		(void)vm_segment_clean(vm_core.segments);
	}
	return true;
}

static void
test_init(void **state)
{
	static const char *const names[] = { ".code", ".PD", ".data", ".heap",
		".stack" };

	(void)state;
	rig_each_failure(try_init);
	assert_int_equal(DID(vm_init()), SUCCESS);
	assert_int_equal(DID(vm_init()), -ALREADY_INITIALISED);
	for (unsigned i = 0; i < 5; i++) {
		struct vm_segment *s = DID(vm_find_segment(names[i]));

		assert_non_null(s);
		assert_string_equal(s->name, names[i]);
		assert_ptr_equal(s->parent, &vm_core);
		assert_int_equal(DID(vm_segment_load(0, s)),
		    -ALREADY_INITIALISED);
		assert_int_equal(DID(vm_segment_load(1, s)),
		    -ALREADY_INITIALISED);
	}
	assert_int_equal(vm_find_segment(".data")->size, 0x4000);
	assert_int_equal(vm_find_segment(".code")->size, 0x8000);
	assert_null(DID(vm_find_segment(".none")));
	assert_null(DID(vm_find_segment(".hea")));
	assert_null(DID(vm_find_segment(".heap2")));
}

static void
test_dump(void **state)
{
	struct vm_segment *s = a_task(4);

	(void)state;
	DO(vm_segment_alloc(s, G));
	memcpy(s->name, ".text", 5);
	DO(vm_dump(s->parent));
	assert_int_equal(a_lines, 3);
	assert_string_equal(a_log[0], "segment .text 0x10000000 + 0x10000");
	assert_string_equal(a_log[1], "  allocated 0x10000000 + 0x4000");
	assert_string_equal(a_log[2], "  free 0x10004000 + 0xc000");
	DO(vm_dump(NULL));
	assert_int_equal(a_lines, 3);
}

/* ---- units ---- */

static void
test_units(void **state)
{
	uint64_t before = rig_free_frames();
	addr_t u = page_alloc();
	char *memory = tome_frame_va(rig.vm, tome_pa_pfn(u));
	addr_t beyond = (addr_t)1 << 40;

	(void)state;
	assert_int_not_equal(u, 0);
	assert_int_equal(u % G, 0);
	assert_int_equal(memory[G - 1], 0);
	assert_true(rig_free_frames() + 4 <= before);
	assert_int_equal(page_realloc(u), u);
	assert_int_equal(page_claim(u + 0x1000), SUCCESS);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(page_free(u), SUCCESS);
	assert_int_equal(page_free(u), -INVALID_ARG);
	assert_int_equal(page_realloc(u), 0);
	assert_in_range(rig_free_frames() + 2, before, before + 2);
	/* A free one can be claimed by its address, kept away, and given back. */
	assert_int_equal(page_mark(u), SUCCESS);
	assert_int_equal(page_unmark(u), SUCCESS);
	assert_int_equal(page_unmark(u), -INVALID_ARG);
	assert_int_equal(page_claim(tome_pfn_pa(tome_zero_frame(rig.vm))),
	    -OUT_OF_RESOURCES);
	assert_int_equal(page_claim(beyond), SUCCESS);
	assert_int_equal(page_realloc(beyond), beyond);
	assert_int_equal(page_free(beyond), SUCCESS);
	assert_int_equal(page_free(beyond), SUCCESS);
	assert_int_equal(page_free(beyond), -INVALID_ARG);
	hosted_fail_alloc(rig.machine, NULL, 1, true);
	for (unsigned i = 0; i < 1000 && u != 0; i++)
		u = page_alloc();
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	assert_int_equal(u, 0);
}

/* ---- allocations that fail ---- */

static struct {
	struct vm_segment *s;
	void *r;
	addr_t unit;
} f;

/* Each CPU that has the segment sees that. */
static void
both_see(int byte)
{
	for (unsigned cpu = 2; cpu-- > 0;) {
		hosted_become(rig.machine, cpu);
		assert_int_equal(rig_peek((uintptr_t)f.r), byte);
	}
}

static void
test_map_failing(void **state)
{
	bool done = false;

	(void)state;
	f.s = a_task(4);
	assert_int_equal(DID(vm_segment_load(1, f.s)), SUCCESS);
	f.r = DID(vm_segment_alloc(f.s, G));
	f.unit = page_alloc();
	for (uint64_t n = 1; !done; n++) {
		assert_true(rig_poke((uintptr_t)f.r, 'o'));
		hosted_fail_alloc(rig.machine, NULL, n, false);
		done = vm_map(f.r, P(f.unit), f.s) != NULL;
		hosted_fail_alloc(rig.machine, NULL, 0, false);
		rig_check();
		assert_int_equal(a_count(f.s, f.s->mapped), done);
		both_see(done ? 0 : 'o');
	}
	done = false;
	for (uint64_t n = 1; !done; n++) {
		assert_true(rig_poke((uintptr_t)f.r, 'm'));
		hosted_fail_alloc(rig.machine, NULL, n, false);
		done = vm_unmap(f.r, f.s) == SUCCESS;
		hosted_fail_alloc(rig.machine, NULL, 0, false);
		rig_check();
		assert_int_equal(a_count(f.s, f.s->allocated), done);
		both_see(done ? 0 : 'm');
	}
	assert_int_equal(page_free(f.unit), SUCCESS);
	assert_int_equal(page_free(f.unit), -INVALID_ARG);
}

static bool
try_load(void)
{
	if (vm_segment_load(0, f.s) != SUCCESS)
		return false;
	assert_int_equal(vm_segment_unload(0, f.s), SUCCESS);
	return true;
}

static void
test_load_failing(void **state)
{
	(void)state;
	f.s = a_task(4);
	f.unit = page_alloc();
	f.r = DID(vm_segment_alloc(f.s, G));
	assert_non_null(DID(vm_map(f.r, P(f.unit), f.s)));
	assert_true(rig_poke((uintptr_t)f.r, 'm'));
	assert_int_equal(DID(vm_segment_unload(0, f.s)), SUCCESS);
	rig_each_failure(try_load);
	assert_int_equal(DID(vm_segment_load(0, f.s)), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)f.r), 'm');
	DO(vm_unmap(f.r, f.s));
	page_free(f.unit);
}

static void
test_grow_failing(void **state)
{
	int left = -NOMEM;

	(void)state;
	f.s = a_task(2);
	for (uint64_t n = 1; left != SUCCESS; n++) {
		size_t size = f.s->size;

		hosted_fail_alloc(rig.machine, NULL, n, true);
		left = vm_segment_grow(f.s, G);
		hosted_fail_alloc(rig.machine, NULL, 0, false);
		rig_check();
		assert_true(left == SUCCESS || left == -NOMEM);
		assert_int_equal(f.s->size, size + (left == SUCCESS ? G : 0));
		a_count(f.s, NULL);
		assert_true(rig_poke(AT + f.s->size - 1, 'g'));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("A16", test_heap),
		TEST("A17", test_heap_free),
		CONTRACT_TEST("A16 A17 A18", test_no_heap, up_bare, a_down),
		TEST("A18", test_map_heap),
		TEST("A19", test_map),
		TEST("A20", test_map_refused),
		TEST("A21", test_unmap),
		TEST("A22", test_sharing),
		TEST("A23", test_load),
		TEST("A23", test_load_unmapped),
		TEST("A24", test_unload),
		TEST("A25", test_cpus),
		TEST("A26", test_get_phys),
		TEST("A27", test_tasks),
		TEST("A28", test_faults),
		CONTRACT_TEST("A29", test_init, up_bare, a_down),
		TEST("A30", test_dump),
		TEST("A33", test_units),
		TEST("A34", test_map_failing),
		TEST("A34", test_load_failing),
		TEST("A34", test_grow_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
