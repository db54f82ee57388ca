/*
 * race_fault.c - two CPUs fault on the same pages of Xelix, under TSan.
 */
#include <memory/kmalloc.h>
#include <memory/vm.h>
#include <rig.h>
#include <xelix/glue.h>

#define AT ((uintptr_t)0x8048000)
#define PAGES 64u

static struct vm_page pages[2 * PAGES];
static struct vm_context *ctx;
static char *source;
static _Atomic unsigned killed;
static unsigned wrong[2];

static void
on_log(const char *line)
{
	(void)line;
}

static void
on_unresolved(uint32_t code, void *addr, void *ip)
{
	(void)code;
	(void)addr;
	(void)ip;
	killed++;
}

static enum tome_err
vector(void *arg, tome_va_t va, tome_prot_t access)
{
	unsigned before = killed;

	(void)arg;
	vm_handle_fault(access == TOME_PROT_WRITE ? 2 : 0, (void *)va, NULL);
	return killed != before ? TOME_EFAULT : TOME_OK;
}

static int
up(void **state)
{
	static const struct compat_xelix_hooks hooks = { on_log,
		on_unresolved };

	(void)state;
	rig_open((uint64_t)32 << 20, 2, vector);
	assert_int_equal(compat_xelix_start(rig.vm, &hooks), TOME_OK);
	ctx = vm_new();
	source = kmalloc(PAGE_SIZE);
	memset(source, 's', PAGE_SIZE);
	for (unsigned i = 0; i < 2 * PAGES; i++) {
		pages[i].virt_addr = (void *)(AT + i * PAGE_SIZE);
		pages[i].cow = i % 2;
		pages[i].cow_src_addr = source;
		assert_int_equal(vm_add_page(ctx, &pages[i]), 0);
	}
	hosted_become(rig.machine, 1);
	compat_xelix_switch(ctx);
	hosted_become(rig.machine, 0);
	compat_xelix_switch(ctx);
	return 0;
}

/* Each writes a byte of its own in every page: both stay only if both CPUs were
 * given one memory. */
static void
writer(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < 2 * PAGES; i++)
		if (!rig_poke(AT + i * PAGE_SIZE + me, 'A' + (int)me))
			wrong[me]++;
}

static void
test_race(void **state)
{
	(void)state;
	hosted_start(rig.machine, 1, writer, (void *)1);
	writer((void *)0);
	hosted_join(rig.machine);
	assert_int_equal(wrong[0] + wrong[1], 0);
	for (unsigned i = 0; i < 2 * PAGES; i++) {
		const char *memory = pages[i].phys_addr;

		assert_true(pages[i].allocated && !pages[i].cow);
		assert_int_equal(memory[0], 'A');
		assert_int_equal(memory[1], 'B');
		assert_int_equal(memory[2], i % 2 ? 's' : 0);
		assert_ptr_equal(vm_get_page_phys(ctx, pages[i].phys_addr),
		    &pages[i]);
	}
	assert_int_equal(source[0], 's');
}

static int
down(void **state)
{
	(void)state;
	hosted_become(rig.machine, 1);
	compat_xelix_switch(NULL);
	hosted_become(rig.machine, 0);
	compat_xelix_switch(NULL);
	for (unsigned i = 0; i < 2 * PAGES; i++) {
		vm_rm_page_virt(ctx, pages[i].virt_addr);
		kfree(pages[i].phys_addr);
	}
	kfree(source);
	compat_xelix_stop();
	rig_close();
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CONTRACT_TEST("X30", test_race, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
