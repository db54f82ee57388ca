/*
 * test_vm.c - Xelix's contexts, pages and faults, by the lines of contract.
 */
#include <stdio.h>
#include <stdlib.h>

#include <memory/kmalloc.h>
#include <memory/vm.h>
#include <rig.h>
#include <xelix/glue.h>

#define AT ((uintptr_t)0x8048000)
#define PRESENT 1u
#define WRITE 2u
#define USER 4u
#define FETCH 16u

static struct {
	struct vm_context *ctx;
	bool killed;
	uint32_t code;
	void *addr, *ip;
	char log[160];
	unsigned lines;
} t;

static void
on_log(const char *line)
{
	snprintf(t.log, sizeof t.log, "%s", line);
	t.lines++;
}

static void
on_unresolved(uint32_t code, void *addr, void *ip)
{
	t.killed = true;
	t.code = code;
	t.addr = addr;
	t.ip = ip;
}

/* The kernel's fault vector. */
static enum tome_err
vector(void *arg, tome_va_t va, tome_prot_t access)
{
	uint32_t code = USER | (access == TOME_PROT_WRITE ? WRITE : 0) |
	    (access == TOME_PROT_EXEC ? FETCH : 0);

	(void)arg;
	t.killed = false;
	DO(vm_handle_fault(code, (void *)va, (void *)0x1234));
	return t.killed ? TOME_EFAULT : TOME_OK;
}

static const struct compat_xelix_hooks hooks = { on_log, on_unresolved };

static int
up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	rig_open((uint64_t)32 << 20, 2, vector);
	assert_int_equal(compat_xelix_start(rig.vm, &hooks), TOME_OK);
	t.ctx = DID(vm_new());
	assert_non_null(t.ctx);
	compat_xelix_switch(t.ctx);
	return 0;
}

static int
down(void **state)
{
	struct vm_page *pg;

	(void)state;
	compat_xelix_switch(NULL);
	while ((pg = DID(vm_get_page(t.ctx, 0))) != NULL) {
		assert_ptr_equal(DID(vm_rm_page_virt(t.ctx, pg->virt_addr)),
		    pg);
		if (pg->allocated)
			kfree(pg->phys_addr);
		kfree(pg);
	}
	compat_xelix_stop();
	rig_close();
	return 0;
}

#define TEST(numbers, f) CONTRACT_TEST(numbers, f, up, down)

/* ---- helpers ---- */

/* A page of memory that kmalloc gave, filled with one byte. */
static void *
frame_of(int byte)
{
	void *p = kmalloc(PAGE_SIZE);

	assert_non_null(p);
	return memset(p, byte, PAGE_SIZE);
}

static struct vm_page *
page_at(uintptr_t va)
{
	struct vm_page *pg = DID(vm_new_page());

	assert_non_null(pg);
	pg->virt_addr = (void *)va;
	return pg;
}

/* Add a page with memory of its own, which removal frees. */
static struct vm_page *
add_memory(uintptr_t va, int section, int byte)
{
	struct vm_page *pg = page_at(va);

	pg->section = section;
	pg->phys_addr = frame_of(byte);
	pg->allocated = true;
	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	return pg;
}

static struct vm_page *
add_cow(struct vm_context *ctx, uintptr_t va, void *from)
{
	struct vm_page *pg = page_at(va);

	pg->section = VM_SECTION_DATA;
	pg->cow = true;
	pg->cow_src_addr = from;
	assert_int_equal(DID(vm_add_page(ctx, pg)), 0);
	return pg;
}

static struct vm_page *
add_stack(uintptr_t va)
{
	struct vm_page *pg = page_at(va);

	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	return pg;
}

/* ---- contexts ---- */

static bool
try_new(void)
{
	struct vm_context *ctx = vm_new();

	if (ctx != NULL) {
		assert_int_equal(vm_count_pages(ctx), 0);
		compat_xelix_free(ctx);
	}
	return ctx != NULL;
}

static void
test_new(void **state)
{
	uint64_t before, after;

	(void)state;
	assert_true(try_new());
	before = rig_free_frames();
	/* What one failure left behind would not fill a frame. */
	for (unsigned i = 0; i < 40; i++)
		rig_each_failure(try_new);
	hosted_fail_alloc(rig.machine, NULL, 1, true);
	assert_null(vm_new());
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	after = rig_free_frames();
	assert_int_equal(before, after);
}

/* What the cache still holds needs no allocation; then there is none. */
static void
exhaust_pages(void)
{
	struct vm_page *all = NULL, *pg;

	hosted_fail_alloc(rig.machine, NULL, 1, true);
	while ((pg = vm_new_page()) != NULL) {
		pg->virt_addr = all;
		all = pg;
	}
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	while ((pg = all) != NULL) {
		all = pg->virt_addr;
		kfree(pg);
	}
}

static void
test_new_page(void **state)
{
	static const struct vm_page zero;
	struct vm_page *pg = DID(vm_new_page());

	(void)state;
	assert_memory_equal(pg, &zero, sizeof zero);
	assert_int_equal(pg->section, VM_SECTION_STACK);
	memset(pg, 0xff, sizeof *pg);
	kfree(pg);
	pg = DID(vm_new_page());
	assert_memory_equal(pg, &zero, sizeof zero);
	kfree(pg);
	exhaust_pages();
	rig_check();
}

/* The document's declaration, word for word. */
struct documented {
	enum { STACK, CODE, DATA, HEAP, MMAP, KERNEL, UNMAPPED } section;
	bool readonly:1;
	bool cow:1;
	bool allocated:1;
	void *cow_src_addr;
	void *virt_addr;
	void *phys_addr;
};

static void
test_layout(void **state)
{
	struct documented d = { .section = UNMAPPED, .allocated = true,
		.cow_src_addr = &d };
	struct vm_page pg;

	(void)state;
	assert_int_equal(sizeof pg, sizeof d);
	memcpy(&pg, &d, sizeof d);
	assert_int_equal(pg.section, VM_SECTION_UNMAPPED);
	assert_true(pg.allocated && !pg.cow && !pg.readonly);
	assert_ptr_equal(pg.cow_src_addr, &d);
	d.cow = true;
	memcpy(&pg, &d, sizeof d);
	assert_true(pg.cow && !pg.readonly);
	assert_int_equal(offsetof(struct vm_page, virt_addr),
	    offsetof(struct documented, virt_addr));
	assert_int_equal(offsetof(struct vm_page, phys_addr),
	    offsetof(struct documented, phys_addr));
	assert_int_equal(VM_SECTION_CODE, CODE);
	assert_int_equal(VM_SECTION_DATA, DATA);
	assert_int_equal(VM_SECTION_HEAP, HEAP);
	assert_int_equal(VM_SECTION_MMAP, MMAP);
	assert_int_equal(VM_SECTION_KERNEL, KERNEL);
}

static void
test_globals(void **state)
{
	(void)state;
	assert_non_null(vm_kernelContext);
	assert_ptr_equal(vm_currentContext, t.ctx);
	assert_null(vm_processContext);
	compat_xelix_switch(NULL);
	assert_ptr_equal(vm_currentContext, vm_kernelContext);
	assert_int_equal(DID(vm_count_pages(vm_kernelContext)), 0);
}

static void
test_cache(void **state)
{
	int mine;

	(void)state;
	assert_null(DID(vm_get_cache(t.ctx)));
	DO(vm_set_cache(t.ctx, &mine));
	assert_ptr_equal(DID(vm_get_cache(t.ctx)), &mine);
	assert_null(DID(vm_get_cache(vm_kernelContext)));
}

static void
test_align(void **state)
{
	(void)state;
	assert_int_equal(VM_ALIGN(0), 0);
	assert_int_equal(VM_ALIGN(1), PAGE_SIZE);
	assert_int_equal(VM_ALIGN(PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(VM_ALIGN(PAGE_SIZE + 1), 2 * PAGE_SIZE);
}

static void
ignore(struct vm_context *ctx, struct vm_page *pg, uint32_t i)
{
	(void)ctx;
	(void)pg;
	(void)i;
}

static void
test_null(void **state)
{
	struct vm_page pg = { .section = VM_SECTION_DATA };

	(void)state;
	assert_int_not_equal(DID(vm_add_page(NULL, &pg)), 0);
	assert_null(DID(vm_get_page_virt(NULL, 0)));
	assert_null(DID(vm_get_page_phys(NULL, 0)));
	assert_null(DID(vm_get_page(NULL, 0)));
	assert_null(DID(vm_rm_page_virt(NULL, 0)));
	assert_null(DID(vm_rm_page_phys(NULL, 0)));
	assert_int_equal(DID(vm_iterate(NULL, ignore)), 0);
	assert_int_equal(DID(vm_iterate(t.ctx, NULL)), 0);
	assert_int_equal(DID(vm_count_pages(NULL)), 0);
	DO(vm_dump(NULL));
	DO(vm_dump_page(NULL));
	DO(vm_set_cache(NULL, &pg));
	assert_null(DID(vm_get_cache(NULL)));
	assert_int_equal(t.lines, 0);
}

/* ---- adding, finding, removing ---- */

static void
test_add(void **state)
{
	struct vm_page *pg = add_memory(AT, VM_SECTION_DATA, 'a');

	(void)state;
	assert_int_equal(DID(vm_count_pages(t.ctx)), 1);
	assert_int_equal(rig_peek(AT), 'a');
	assert_int_equal(rig_peek(AT + PAGE_SIZE - 1), 'a');
	assert_true(rig_poke(AT + 5, 'b'));
	assert_int_equal(((char *)pg->phys_addr)[5], 'b');
	/* In this context only. */
	compat_xelix_switch(NULL);
	assert_int_equal(rig_peek(AT), -1);
	compat_xelix_switch(t.ctx);
	assert_int_equal(rig_peek(AT), 'a');
}

static void
refuse(struct vm_page *pg)
{
	assert_int_not_equal(DID(vm_add_page(t.ctx, pg)), 0);
	assert_int_equal(vm_count_pages(t.ctx), 0);
	assert_null(vm_get_page_virt(t.ctx, pg->virt_addr));
	assert_int_equal(rig_peek(AT), -1);
}

static struct vm_page *offered;

static bool
try_add(void)
{
	if (vm_add_page(t.ctx, offered) != 0) {
		assert_int_equal(vm_count_pages(t.ctx), 0);
		assert_null(vm_get_page_virt(t.ctx, offered->virt_addr));
		return false;
	}
	assert_ptr_equal(vm_rm_page_virt(t.ctx, offered->virt_addr), offered);
	return true;
}

static void
test_add_refused(void **state)
{
	void *frame = frame_of('r');
	struct vm_page good = { .section = VM_SECTION_DATA, .phys_addr = frame,
		.virt_addr = (void *)AT }, pg;

	(void)state;
	assert_int_not_equal(DID(vm_add_page(t.ctx, NULL)), 0);
	pg = good;
	pg.virt_addr = (void *)(AT + 1);
	refuse(&pg);
	pg = good;
	pg.phys_addr = (char *)frame + 8;
	refuse(&pg);
	pg = good;
	pg.cow = true;
	pg.cow_src_addr = (char *)frame + 2048;
	refuse(&pg);
	pg = good;
	pg.section = VM_SECTION_UNMAPPED + 1;
	refuse(&pg);
	pg = good;
	pg.virt_addr = (void *)~(uintptr_t)(PAGE_SIZE - 1);
	refuse(&pg);
	offered = &good;
	rig_each_failure(try_add);
	assert_true(try_add());
	kfree(frame);
}

static void
test_twice(void **state)
{
	struct vm_page *a = add_memory(AT, VM_SECTION_DATA, 'a');
	struct vm_page *b = add_memory(AT, VM_SECTION_DATA, 'b');

	(void)state;
	assert_int_equal(DID(vm_count_pages(t.ctx)), 2);
	assert_ptr_equal(DID(vm_get_page_virt(t.ctx, (void *)AT)), a);
	assert_int_equal(rig_peek(AT), 'a');
	assert_ptr_equal(DID(vm_rm_page_virt(t.ctx, (void *)AT)), a);
	assert_ptr_equal(DID(vm_get_page_virt(t.ctx, (void *)AT)), b);
	assert_int_equal(rig_peek(AT), 'b');
	/* Now the first of the two is removed by the other's removal first. */
	assert_int_equal(DID(vm_add_page(t.ctx, a)), 0);
	assert_ptr_equal(DID(vm_rm_page_phys(t.ctx, a->phys_addr)), a);
	assert_int_equal(rig_peek(AT), 'b');
	kfree(a->phys_addr);
	kfree(a);
}

#define MANY 1000

static void
test_find(void **state)
{
	char *all = kmalloc(4 << 20);
	uintptr_t step;

	(void)state;
	assert_non_null(all);
	rig_watch(false);
	for (unsigned i = 0; i < MANY; i++) {
		struct vm_page *pg = vm_new_page();

		pg->section = VM_SECTION_DATA;
		pg->virt_addr = (void *)(AT + (uintptr_t)i * 2 * PAGE_SIZE);
		pg->phys_addr = all + i * PAGE_SIZE;
		assert_int_equal(vm_add_page(t.ctx, pg), 0);
	}
	rig_check();
	for (unsigned i = 0; i < MANY; i++) {
		struct vm_page *pg = vm_get_page_virt(t.ctx,
		    (void *)(AT + (uintptr_t)i * 2 * PAGE_SIZE));

		assert_ptr_equal(pg->phys_addr, all + i * PAGE_SIZE);
		assert_ptr_equal(vm_get_page_phys(t.ctx, pg->phys_addr), pg);
	}
	rig_watch(true);
	step = AT + PAGE_SIZE;
	assert_null(DID(vm_get_page_virt(t.ctx, (void *)step)));
	assert_null(DID(vm_get_page_virt(t.ctx, (void *)(AT + 1))));
	assert_null(DID(vm_get_page_phys(t.ctx, all + MANY * PAGE_SIZE)));
	while (vm_count_pages(t.ctx) != 0)
		kfree(vm_rm_page_virt(t.ctx,
		    vm_get_page(t.ctx, 0)->virt_addr));
	kfree(all);
}

static void
test_nth(void **state)
{
	struct vm_page *pg[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		pg[i] = add_stack(AT + (uintptr_t)(3 - i) * PAGE_SIZE);
	for (unsigned i = 0; i < 3; i++)
		assert_ptr_equal(DID(vm_get_page(t.ctx, i)), pg[i]);
	assert_null(DID(vm_get_page(t.ctx, 3)));
	assert_null(DID(vm_get_page(t.ctx, UINT32_MAX)));
}

static void
remove_nth(unsigned gone)
{
	struct vm_page *pg[3], *out;

	for (unsigned i = 0; i < 3; i++)
		pg[i] = add_memory(AT + i * PAGE_SIZE, VM_SECTION_DATA,
		    'a' + (int)i);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig_peek(AT + i * PAGE_SIZE), 'a' + (int)i);
	out = gone & 1 ? DID(vm_rm_page_phys(t.ctx, pg[gone]->phys_addr)) :
	    DID(vm_rm_page_virt(t.ctx, pg[gone]->virt_addr));
	assert_ptr_equal(out, pg[gone]);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig_peek(AT + i * PAGE_SIZE),
		    i == gone ? -1 : 'a' + (int)i);
	assert_null(DID(vm_rm_page_virt(t.ctx, pg[gone]->virt_addr)));
	assert_null(DID(vm_rm_page_phys(t.ctx, pg[gone]->phys_addr)));
	for (unsigned i = 0; i < 3; i++) {
		if (i != gone)
			assert_ptr_equal(vm_rm_page_virt(t.ctx,
			    pg[i]->virt_addr), pg[i]);
		kfree(pg[i]->phys_addr);
		kfree(pg[i]);
	}
}

static void
test_remove(void **state)
{
	(void)state;
	remove_nth(0);
	remove_nth(1);
	remove_nth(2);
	assert_int_equal(DID(vm_count_pages(t.ctx)), 0);
}

static unsigned visited;

static void
visit(struct vm_context *ctx, struct vm_page *pg, uint32_t i)
{
	assert_ptr_equal(ctx, t.ctx);
	assert_int_equal(i, visited++);
	assert_int_equal((uintptr_t)pg->virt_addr, AT + i * PAGE_SIZE);
}

static void
visit_and_remove(struct vm_context *ctx, struct vm_page *pg, uint32_t i)
{
	visited++;
	if (i % 2 == 0)
		kfree(DID(vm_rm_page_virt(ctx, pg->virt_addr)));
}

static void
test_iterate(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		add_stack(AT + i * PAGE_SIZE);
	visited = 0;
	assert_int_equal(DID(vm_iterate(t.ctx, visit)), 5);
	assert_int_equal(visited, 5);
	visited = 0;
	assert_int_equal(vm_iterate(t.ctx, visit_and_remove), 5);
	assert_int_equal(visited, 5);
	assert_int_equal(DID(vm_count_pages(t.ctx)), 2);
}

static void
test_dump(void **state)
{
	struct vm_page *pg = page_at(AT);

	(void)state;
	pg->section = VM_SECTION_CODE;
	pg->readonly = true;
	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	DO(vm_dump_page(pg));
	assert_string_equal(t.log, "code virt 0x08048000 phys 0x00000000 readonly");
	add_stack(AT + PAGE_SIZE);
	t.lines = 0;
	DO(vm_dump(t.ctx));
	assert_int_equal(t.lines, 2);
	assert_string_equal(t.log, "stack virt 0x08049000 phys 0x00000000");
	pg->cow = pg->allocated = true;
	DO(vm_dump_page(pg));
	assert_non_null(strstr(t.log, " readonly cow allocated"));
	pg->section = VM_SECTION_UNMAPPED + 1;
	DO(vm_dump_page(pg));
	assert_int_equal(t.log[0], '?');
}

/* ---- what programs see ---- */

static void
test_readonly(void **state)
{
	struct vm_page *pg = page_at(AT);

	(void)state;
	add_memory(AT + PAGE_SIZE, VM_SECTION_DATA, 'w');
	pg->section = VM_SECTION_CODE;
	pg->readonly = true;
	pg->allocated = true;
	pg->phys_addr = frame_of('r');
	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	assert_int_equal(rig_peek(AT), 'r');
	assert_int_equal(rig_fetch(AT), 'r');
	assert_false(rig_poke(AT, 'x'));
	assert_int_equal(rig_peek(AT), 'r');
	assert_true(rig_poke(AT + PAGE_SIZE, 'x'));
	assert_int_equal(rig_peek(AT + PAGE_SIZE), 'x');
}

static void
test_kernel_pages(void **state)
{
	struct vm_page *pg = page_at(AT);

	(void)state;
	add_memory(AT + PAGE_SIZE, VM_SECTION_KERNEL, 's');
	pg->section = VM_SECTION_KERNEL;
	pg->readonly = pg->allocated = true;
	pg->phys_addr = frame_of('k');
	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	assert_int_equal(rig_peek(AT), 'k');
	assert_false(rig_poke(AT, 'x'));
	assert_int_equal(rig_peek(AT + PAGE_SIZE), -1);
	assert_false(rig_poke(AT + PAGE_SIZE, 'x'));
}

static void
test_guard(void **state)
{
	struct vm_page *pg = page_at(AT);

	(void)state;
	pg->section = VM_SECTION_UNMAPPED;
	pg->phys_addr = frame_of('g');
	pg->allocated = true;
	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	assert_int_equal(rig_peek(AT), -1);
	assert_false(rig_poke(AT, 1));
	assert_int_equal(rig_fetch(AT), -1);
	assert_int_equal(*(char *)pg->phys_addr, 'g');
}

static void
test_sections(void **state)
{
	static const int same[] = { VM_SECTION_CODE, VM_SECTION_DATA,
		VM_SECTION_HEAP, VM_SECTION_MMAP, VM_SECTION_STACK };

	(void)state;
	for (unsigned i = 0; i < sizeof same / sizeof same[0]; i++) {
		add_memory(AT + i * PAGE_SIZE, same[i], 'a' + (int)i);
		assert_int_equal(rig_peek(AT + i * PAGE_SIZE), 'a' + (int)i);
		assert_true(rig_poke(AT + i * PAGE_SIZE, 'z'));
		assert_int_equal(rig_fetch(AT + i * PAGE_SIZE), 'z');
	}
}

static void
test_cow_reads(void **state)
{
	char *source = frame_of('s');
	struct vm_page *pg = add_cow(t.ctx, AT, source);

	(void)state;
	assert_int_equal(rig_peek(AT), 's');
	*source = 't';
	assert_int_equal(rig_peek(AT), 't');
	assert_true(pg->cow);
	assert_false(pg->allocated);
	assert_null(pg->phys_addr);
	vm_rm_page_virt(t.ctx, (void *)AT);
	kfree(pg);
	kfree(source);
}

static void
test_cow_writes(void **state)
{
	char *source = frame_of('s');
	struct vm_page *pg = add_cow(t.ctx, AT, source);

	(void)state;
	assert_int_equal(rig_peek(AT), 's');
	assert_true(rig_poke(AT + 1, 'w'));
	assert_false(pg->cow);
	assert_true(pg->allocated);
	assert_non_null(pg->phys_addr);
	assert_ptr_not_equal(pg->phys_addr, source);
	assert_int_equal(source[1], 's');
	assert_int_equal(((char *)pg->phys_addr)[0], 's');
	assert_int_equal(((char *)pg->phys_addr)[1], 'w');
	assert_int_equal(((char *)pg->phys_addr)[PAGE_SIZE - 1], 's');
	assert_ptr_equal(DID(vm_get_page_phys(t.ctx, pg->phys_addr)), pg);
	assert_null(DID(vm_get_page_phys(t.ctx, NULL)));
	/* What the source becomes does not matter any more. */
	source[0] = 'u';
	assert_int_equal(rig_peek(AT), 's');
	assert_int_equal(rig_peek(AT + 1), 'w');
	kfree(source);
}

static void
test_cow_many(void **state)
{
	char *source = frame_of('s');
	struct vm_context *other = DID(vm_new());
	struct vm_page *a = add_cow(t.ctx, AT, source);
	struct vm_page *b = add_cow(other, AT, source);
	struct vm_page *c = add_cow(other, AT + PAGE_SIZE, source);

	(void)state;
	assert_true(rig_poke(AT, 'a'));
	compat_xelix_switch(other);
	assert_int_equal(rig_peek(AT), 's');
	assert_true(rig_poke(AT, 'b'));
	assert_int_equal(rig_peek(AT + PAGE_SIZE), 's');
	assert_int_equal(*source, 's');
	assert_true(c->cow);
	assert_ptr_not_equal(a->phys_addr, b->phys_addr);
	compat_xelix_switch(t.ctx);
	assert_int_equal(rig_peek(AT), 'a');
	kfree(b->phys_addr);
	compat_xelix_free(other);
	kfree(b);
	kfree(c);
	kfree(source);
}

static void
test_cow_readonly(void **state)
{
	char *source = frame_of('s');
	struct vm_page *pg = page_at(AT);

	(void)state;
	pg->cow = pg->readonly = true;
	pg->cow_src_addr = source;
	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	assert_int_equal(rig_peek(AT), 's');
	assert_false(rig_poke(AT, 'w'));
	assert_true(pg->cow);
	assert_false(pg->allocated);
	vm_rm_page_virt(t.ctx, (void *)AT);
	kfree(pg);
	kfree(source);
}

static void
test_demand(void **state)
{
	struct vm_page *stack[2] = { add_stack(AT), add_stack(AT + PAGE_SIZE) };
	struct vm_page *heap = page_at(AT + 4 * PAGE_SIZE);
	struct vm_page *mmap = page_at(AT + 5 * PAGE_SIZE);

	(void)state;
	assert_int_equal(rig_peek(AT + PAGE_SIZE + 8), 0);
	assert_true(stack[1]->allocated);
	assert_ptr_equal(DID(vm_get_page_phys(t.ctx, stack[1]->phys_addr)),
	    stack[1]);
	assert_true(rig_poke(AT + PAGE_SIZE + 8, 1));
	assert_int_equal(((char *)stack[1]->phys_addr)[8], 1);
	assert_false(stack[0]->allocated);
	assert_null(stack[0]->phys_addr);
	assert_true(rig_poke(AT, 2));
	assert_true(stack[0]->allocated);
	heap->section = VM_SECTION_HEAP;
	mmap->section = VM_SECTION_MMAP;
	assert_int_equal(DID(vm_add_page(t.ctx, heap)), 0);
	assert_int_equal(DID(vm_add_page(t.ctx, mmap)), 0);
	assert_true(rig_poke(AT + 4 * PAGE_SIZE, 3));
	assert_int_equal(rig_peek(AT + 5 * PAGE_SIZE), 0);
	assert_true(heap->allocated && mmap->allocated);
}

static void
test_owner(void **state)
{
	struct vm_page *pg = add_stack(AT);
	char *memory;

	(void)state;
	assert_true(rig_poke(AT, 'm'));
	memory = pg->phys_addr;
	assert_ptr_equal(DID(vm_rm_page_virt(t.ctx, (void *)AT)), pg);
	assert_int_equal(rig_peek(AT), -1);
	assert_int_equal(*memory, 'm');
	assert_true(pg->allocated);
	/* It can come back, here or elsewhere. */
	pg->virt_addr = (void *)(AT + PAGE_SIZE);
	assert_int_equal(DID(vm_add_page(t.ctx, pg)), 0);
	assert_int_equal(rig_peek(AT + PAGE_SIZE), 'm');
}

static void
fail_then_work(struct vm_page *pg)
{
	struct vm_page was = *pg;
	bool written = false;

	for (uint64_t n = 1; !written; n++) {
		hosted_fail_alloc(rig.machine, NULL, n, true);
		written = rig_poke((uintptr_t)pg->virt_addr, 'w');
		hosted_fail_alloc(rig.machine, NULL, 0, false);
		if (pg->allocated)
			break;
		assert_memory_equal(pg, &was, sizeof was);
		assert_ptr_equal(vm_get_page_phys(t.ctx, was.phys_addr), pg);
	}
	assert_true(written || rig_poke((uintptr_t)pg->virt_addr, 'w'));
	assert_true(pg->allocated);
	assert_int_equal(rig_peek((uintptr_t)pg->virt_addr), 'w');
}

static void
test_no_memory(void **state)
{
	char *source = frame_of('s');
	struct vm_page *pg = add_cow(t.ctx, AT, source);

	(void)state;
	assert_int_equal(rig_peek(AT), 's');
	hosted_fail_alloc(rig.machine, NULL, 1, true);
	assert_false(rig_poke(AT, 'w'));
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	assert_true(pg->cow);
	assert_int_equal(rig_peek(AT), 's');
	fail_then_work(pg);
	assert_int_equal(*source, 's');
	pg->cow_src_addr = NULL;
	fail_then_work(add_stack(AT + 8 * PAGE_SIZE));
	kfree(source);
}

static void
test_unresolved(void **state)
{
	(void)state;
	add_memory(AT, VM_SECTION_CODE, 'c');
	assert_int_equal(rig_peek(AT + PAGE_SIZE + 3), -1);
	assert_int_equal(t.code, USER);
	assert_int_equal((uintptr_t)t.addr, AT + PAGE_SIZE + 3);
	assert_int_equal((uintptr_t)t.ip, 0x1234);
	assert_false(rig_poke(AT - 1, 1));
	assert_int_equal(t.code, USER | WRITE);
	assert_int_equal((uintptr_t)t.addr, AT - 1);
	assert_int_equal(rig_fetch(AT - 1), -1);
	assert_int_equal(t.code, USER | FETCH);
}

static void
test_fault_address(void **state)
{
	(void)state;
	vm_faultAddress = (void *)(AT + PAGE_SIZE);
	t.killed = false;
	DO(vm_handle_fault(PRESENT, (void *)(AT + PAGE_SIZE + 9), NULL));
	assert_false(t.killed);
	assert_int_equal(t.lines, 1);
	DO(vm_handle_fault(0, (void *)AT, NULL));
	assert_true(t.killed);
	assert_int_equal(t.lines, 1);
}

static struct vm_page *told;
static unsigned times;

static void
tell(struct vm_context *ctx, struct vm_page *pg)
{
	assert_ptr_equal(ctx, t.ctx);
	told = pg;
	times++;
}

static void
test_hook(void **state)
{
	char *source = frame_of('s');
	struct vm_page *pg;

	(void)state;
	times = 0;
	vm_applyPage = tell;
	pg = add_cow(t.ctx, AT, source);
	assert_ptr_equal(told, pg);
	assert_int_equal(times, 1);
	assert_int_equal(rig_peek(AT), 's');
	assert_int_equal(times, 1);
	told = NULL;
	assert_true(rig_poke(AT, 'w'));
	assert_ptr_equal(told, pg);
	assert_int_equal(times, 2);
	kfree(source);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("X1", test_new),
		TEST("X2", test_new_page),
		TEST("X3", test_layout),
		TEST("X4", test_add),
		TEST("X5", test_add_refused),
		TEST("X6", test_twice),
		TEST("X7", test_find),
		TEST("X8", test_nth),
		TEST("X9", test_remove),
		TEST("X10", test_iterate),
		TEST("X11", test_dump),
		TEST("X12", test_readonly),
		TEST("X13", test_kernel_pages),
		TEST("X14", test_guard),
		TEST("X15", test_sections),
		TEST("X16", test_cow_reads),
		TEST("X17", test_cow_writes),
		TEST("X18", test_cow_many),
		TEST("X19", test_cow_readonly),
		TEST("X20", test_demand),
		TEST("X21", test_owner),
		TEST("X22", test_no_memory),
		TEST("X23", test_unresolved),
		TEST("X24", test_fault_address),
		TEST("X25", test_cache),
		TEST("X26", test_hook),
		TEST("X27", test_globals),
		TEST("X28", test_align),
		TEST("X29", test_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
