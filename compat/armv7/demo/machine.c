/*
 * machine.c - the ARMv7 demo on the hosted machine: its board, which has all of RAM
 * mapped, and its context switch.
 */
#include <demo/demo.h>
#include <demo/machine.h>
#include <vas2.h>
#include <armv7/glue.h>

int demo_main_armv7(void);

static struct tome_vm *instance;

static void
map_ram(void)
{
	demo_say("start: all RAM is mapped\n");
}

static void
drop_identity(void)
{
	demo_say("start: the identity map is gone\n");
}

static struct tome_vm *
create(void)
{
	demo_say("start: the instance is created\n");
	return instance;
}

static void
on_warn(const char *line)
{
	demo_say("   warning: %s\n", line);
}

static void
on_fatal(const char *line)
{
	demo_say("   fatal: %s\n", line);
}

static void
on_running(uint8_t asid)
{
	demo_say("number %u runs\n", (unsigned)asid);
}

static void
span(struct compat_armv7_hooks *hooks)
{
	uintptr_t bias = (uintptr_t)tome_frame_va(instance,
	    tome_zero_frame(instance)) -
	    (uintptr_t)tome_pfn_pa(tome_zero_frame(instance));
	struct tome_zone_stats ram;
	tome_va_t end;

	tome_ram_stats(instance, &ram);
	hooks->pmm_start = (size_t)ram.base + bias;
	hooks->pmm_end = (size_t)ram.limit + bias;
	demo_kernel_span(&hooks->window, &end);
	if (sizeof(tome_va_t) == 4)
		hooks->window = (tome_va_t)KERNEL_HEAP_BASE;
}

static enum tome_err
start(struct tome_vm *vm)
{
	instance = vm;
	return TOME_OK;
}

static int
run(void)
{
	struct compat_armv7_hooks hooks = { .map_ram = map_ram,
		.drop_identity = drop_identity, .create = create,
		.warn = on_warn, .fatal = on_fatal, .running = on_running };

	span(&hooks);
	compat_armv7_boot(&hooks);
	return demo_main_armv7();
}

static enum tome_err
on_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	(void)arg;
	(void)va;
	(void)access;
	return TOME_EFAULT;
}

static void
enter(void *space)
{
	if (space != NULL)
		switch_to_vas(space);
	else
		vm2_set_user_pagetable(NULL);
}

const struct demo demo_armv7 = { .name = "armv7", .start = start, .run = run,
	.fault = on_fault, .enter = enter, .stop = compat_armv7_stop };
