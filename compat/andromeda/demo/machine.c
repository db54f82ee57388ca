/*
 * machine.c - Andromeda's demo on the hosted machine: its fault vector.
 */
#include <andromeda/glue.h>
#include <demo/machine.h>
#include <mm/vm.h>

int demo_main_andromeda(void);

static struct tome_vm *instance;

static void
on_log(const char *line)
{
	(void)line;
}

static enum tome_err
on_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	(void)arg;
	return (access == TOME_PROT_WRITE ? vm_user_fault_write(va, 0) :
	    vm_user_fault_read(va, 0)) == 0 ? TOME_OK : TOME_EFAULT;
}

static enum tome_err
start(struct tome_vm *vm)
{
	struct compat_andromeda_config config = { .ncpus = 1, .log = on_log };
	enum tome_err err;

	instance = vm;
	demo_kernel_span(&config.kernel_lo, &config.kernel_hi);
	err = compat_andromeda_start(vm, &config);
	if (err != TOME_OK || vm_init() != SUCCESS)
		return TOME_ENOMEM;
	compat_andromeda_cpu(0);
	return TOME_OK;
}

static void
stop(void)
{
	tome_pmap_switch(tome_pmap_kernel(instance));
	compat_andromeda_stop();
}

const struct demo demo_andromeda = { .name = "andromeda", .start = start,
	.run = demo_main_andromeda, .fault = on_fault, .stop = stop };
