/*
 * main.c - the order of bring-up: Tome's layers as early as the machine allows,
 * then interrupts, the other CPUs, and the first process.
 */
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <personality.h>
#include <sched_i.h>
#include <tome/kmem.h>
#include <tome/paging.h>

struct tome_vm *the_vm;

static void
must(enum tome_err err, const char *what)
{
	if (err != TOME_OK)
		panic("%s: error %d", what, err);
}

static void
create_vm(void)
{
	struct tome_boot boot = { .host = scarce_host() };

	machine_describe_memory(&boot);
	must(tome_vm_create(&boot, &the_vm), "memory");
	must(tome_kmem_start(the_vm), "kernel memory");
}

static _Atomic bool no_paging;

static void
paging_daemon(void *arg)
{
	(void)arg;
	tome_paging_daemon(the_vm);
	atomic_store(&no_paging, true);
}

bool
paging_ended(void)
{
	return atomic_load(&no_paging);
}

static void
first_process(void *arg)
{
	(void)arg;
	personality_main();
}

void
kernel_main(void)
{
	struct thread *init, *paged;
	struct cpu_identity id;

	create_vm();
	machine_devices_start();
	must(tome_map_start(the_vm), "address spaces");
	must(tome_paging_start(the_vm), "paging");
	machine_cpus_start();
	thread_start_reaper();
	init = thread_create("init", first_process, NULL);
	paged = thread_create("paged", paging_daemon, NULL);
	if (init == NULL || paged == NULL)
		panic("no memory for the first thread");
	cpu_identify(&id);
	kprintf("Tome: %u CPU%s, %s tables, %lu MiB free, initialised in %ju ms\n",
	    cpu_count(), cpu_count() == 1 ? "" : "s", id.tables,
	    (unsigned long)tome_frames_free_count(the_vm) >>
	    (20 - TOME_PAGE_SHIFT), clock_ns() / 1000000);
	thread_start(paged);
	thread_start(init);
	sched_idle();
}
