/*
 * machine.c - Xelix's demo on the hosted machine: its fault vector and its context
 * switch.
 */
#include <memory/vm.h>
#include <demo/machine.h>
#include <xelix/glue.h>

int demo_main_xelix(void);

static _Thread_local bool killed;

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
	killed = true;
}

static enum tome_err
on_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	(void)arg;
	killed = false;
	vm_handle_fault(access == TOME_PROT_WRITE ? 6 :
	    access == TOME_PROT_EXEC ? 20 : 4, (void *)va, NULL);
	return killed ? TOME_EFAULT : TOME_OK;
}

static enum tome_err
start(struct tome_vm *vm)
{
	static const struct compat_xelix_hooks hooks = { on_log,
		on_unresolved };

	return compat_xelix_start(vm, &hooks);
}

static void
enter(void *space)
{
	compat_xelix_switch(space);
}

const struct demo demo_xelix = { .name = "xelix", .start = start,
	.run = demo_main_xelix, .fault = on_fault, .enter = enter,
	.stop = compat_xelix_stop };
