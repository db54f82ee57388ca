/*
 * machine.c - Kora's demo on the hosted machine: its fault vector, and two files.
 */
#include <stdlib.h>
#include <string.h>

#include <demo/demo.h>
#include <demo/machine.h>
#include <kernel/memory.h>
#include <kora/glue.h>

int demo_main_kora(void);

struct inode {
	struct tome_object *content;
};

static struct inode program, segment;
static struct tome_vm *instance;

static struct tome_object *
content(struct inode *ino)
{
	return ino->content;
}

static void
set_errno(int e)
{
	(void)e;
}

static void
on_log(const char *line)
{
	demo_say("   %s\n", line);
}

static enum tome_err
on_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	int reason = access == TOME_PROT_WRITE ? PGFLT_WRITE : PGFLT_MISSING;
	struct tome_translation t;

	(void)arg;
	/* Present, and no write: what the rights forbid. */
	if (access == TOME_PROT_EXEC && tome_pmap_extract(
	    tome_pmap_current(instance), va, &t) && t.prot != 0)
		reason = PGFLT_ERROR;
	return page_fault(demo_space(), va, reason) == 0 ? TOME_OK :
	    TOME_EFAULT;
}

/* An "ELF" of three pages, text then data, and a segment of shared memory. */
static enum tome_err
make_files(void)
{
	char page[PAGE_SIZE];
	size_t done;
	enum tome_err err = tome_object_create_anon(instance, 3 * PAGE_SIZE,
	    NULL, 0, &program.content);

	for (int i = 0; i < 3 && err == TOME_OK; i++) {
		memset(page, "Tdd"[i], sizeof page);
		err = tome_object_write(program.content,
		    (uint64_t)i * PAGE_SIZE, page, sizeof page, &done);
	}
	if (err == TOME_OK)
		err = tome_object_create_anon(instance, 2 * PAGE_SIZE, NULL,
		    0, &segment.content);
	return err;
}

static enum tome_err
start(struct tome_vm *vm)
{
	struct compat_kora_hooks hooks = { .content = content,
		.set_errno = set_errno, .log = on_log };
	enum tome_err err;

	instance = vm;
	demo_kernel_span(&hooks.kernel_lo, &hooks.kernel_hi);
	err = compat_kora_start(vm, &hooks);
	return err == TOME_OK ? make_files() : err;
}

static void *
file(const char *name)
{
	return strcmp(name, "program") == 0 ? &program : &segment;
}

static void
enter(void *space)
{
	mmu_context(space);
}

static void
stop(void)
{
	compat_kora_stop();
	tome_object_unref(program.content);
	tome_object_unref(segment.content);
}

const struct demo demo_kora = { .name = "kora", .start = start,
	.run = demo_main_kora, .fault = on_fault, .enter = enter,
	.file = file, .stop = stop };
