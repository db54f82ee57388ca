/*
 * kora.c - Kora's calls, against the core's.
 */
#include <kernel/memory.h>
#include <kora/glue.h>

#include "cost.h"

#define PG ((size_t)PAGE_SIZE)
#define KERNEL UINT64_C(0xffffc90010000000)
#define KERNEL_LEN ((tome_va_t)64 << 20)

static struct tome_vm *vm;
static mspace_t *ms;
static struct tome_map *map;
static size_t mine;
static tome_va_t at;
static void *block, *cores;

static void
set_errno(int e)
{
	(void)e;
}

static void
on_log(const char *line)
{
	(void)line;
}

static struct tome_object *
content(struct inode *ino)
{
	(void)ino;
	return NULL;
}

static void
enter(void)
{
	mine = (size_t)mspace_map(ms, 0, 4 * PG, NULL, 0, 0, VMA_FG_ANON);
	MUST(mine != 0);
}

static void
enter_core(void)
{
	struct tome_map_request rq = { .len = 4 * PG, .align = PG,
		.prot = TOME_PROT_READ | TOME_PROT_WRITE,
		.max_prot = TOME_PROT_READ | TOME_PROT_WRITE,
		.flags = TOME_MAP_KEEP | TOME_MAP_BOTTOMUP, .tag = 1 };

	MUST(tome_map_enter(map, &rq, &at) == TOME_OK);
}

static void
fault(void)
{
	MUST(page_fault(ms, mine, PGFLT_WRITE) == 0);
}

static void
fault_core(void)
{
	MUST(tome_fault(map, at, TOME_PROT_WRITE) == TOME_OK);
}

static void
narrow(void)
{
	MUST(mspace_protect(ms, mine, 4 * PG, VMA_READ) == 0);
}

static void
narrow_core(void)
{
	MUST(tome_map_protect(map, at, 4 * PG, TOME_PROT_READ) ==
	    TOME_OK);
}

static void
leave(void)
{
	MUST(mspace_unmap(ms, mine, 4 * PG) == 0 &&
	    mspace_scavenge(ms) == 0);
}

static void
leave_core(void)
{
	MUST(tome_map_protect(map, at, 4 * PG, TOME_PROT_NONE) ==
	    TOME_OK && tome_map_remove(map, at, 4 * PG) == TOME_OK);
}

static void
get(void)
{
	block = kalloc(100);
}

static void
get_core(void)
{
	cores = tome_kzalloc(vm, 100);
}

static void
put(void)
{
	kfree(block);
}

static void
put_core(void)
{
	tome_kfree(vm, cores);
}

/* Each space has neighbours mapped. */
static void
start(struct tome_vm *instance)
{
	struct compat_kora_hooks hooks = { .content = content,
		.set_errno = set_errno, .log = on_log, .kernel_lo = KERNEL,
		.kernel_hi = KERNEL + KERNEL_LEN };
	struct tome_map_config config = { .lo = 0x400000, .hi = 0xc0000000 };

	vm = instance;
	MUST(compat_kora_start(vm, &hooks) == TOME_OK);
	ms = mspace_create();
	MUST(ms != NULL);
	MUST(tome_map_create(vm, &config, &map) == TOME_OK);
	for (unsigned i = 0; i < 20; i++) {
		enter();
		enter_core();
	}
}

static const struct cost_call calls[] = {
	{ .what = "mspace_map", .core = enter_core, .core_undo = leave_core,
	    .facade = enter, .facade_undo = leave },
	{ .what = "mspace_unmap, mspace_scavenge", .core_first = enter_core,
	    .core = leave_core, .facade_first = enter, .facade = leave,
	    .allowed = 20 },
	{ .what = "mspace_protect", .core_first = enter_core,
	    .core = narrow_core, .core_undo = leave_core,
	    .facade_first = enter, .facade = narrow, .facade_undo = leave,
	    .allowed = 20 },
	{ .what = "page_fault", .core_first = enter_core, .core = fault_core,
	    .core_undo = leave_core, .facade_first = enter, .facade = fault,
	    .facade_undo = leave, .allowed = 25 },
	{ .what = "kalloc", .core = get_core, .core_undo = put_core,
	    .facade = get, .facade_undo = put },
	{ .what = "kfree", .core_first = get_core, .core = put_core,
	    .facade_first = get, .facade = put },
	{ .what = NULL },
};

const struct cost cost_kora = { "kora", start, calls };
