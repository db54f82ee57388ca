/*
 * on_tome.c - streams against the library on the hosted machine.
 *
 *	on_tome [-v] [-m MODES] [-a FILE] [SEED STEPS]...
 *
 * Prints what on_syscalls.c prints, so that the answers recorded of Linux are
 * its expected output; FILE has them, for its APART lines: the steps to leave out.
 * After every step the instance recounts its invariants
 * and the machine judges every translation that a CPU could still use; what
 * they find is printed and ends the program with status 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <tome_host_inline.h>

#include <boot.h>
#include <hosted.h>
#include <tome/map.h>
#include <tome/posix.h>

#include "answer.h"
#include "seeds.h"
#include "stream.h"
#include "tome_file.h"

#define ARENA 0x1000000000ull
#define VECTOR (ARENA + (1ull << 30))	/* where mincore's answer goes */

struct world {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	struct tome_file file;
	struct tome_posix *space;	/* of the process that runs */
	struct answer answer;
};

_Noreturn static void
give_up(const char *what)
{
	printf("\nFAIL on_tome: %s\n", what);
	exit(1);
}

static void
must(enum tome_err err, const char *what)
{
	if (err != TOME_OK)
		give_up(what);
}

/* ---- what the CPU runs --------------------------------------------------- */

static void
run_space(struct world *w, struct tome_posix *space)
{
	uintptr_t irq;

	tome_host_preempt_off();
	irq = tome_host_irq_save();
	if (space != NULL)
		tome_map_switch(tome_posix_map(space));
	else
		tome_pmap_switch(tome_pmap_kernel(w->vm));
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
	w->space = space;
}

static enum tome_err
on_fault(void *ctx, tome_va_t va, tome_prot_t access)
{
	struct world *w = ctx;

	return tome_fault(tome_posix_map(w->space), va, access);
}

/* ---- the stream's space -------------------------------------------------- */

/* Steps that Linux's answers leave out. */
static struct answer told;

static int64_t
call_mremap(struct world *w, const uint64_t a[6])
{
	if (answer_is_apart(&told, a[5])) {
		answer_add_apart(&w->answer, a[5]);
		return STREAM_KEPT_APART;
	}
	return tome_posix_mremap(w->space, a[0], a[1], a[2], (unsigned)a[3],
	    a[4]);
}

static int64_t
call_mmap(struct world *w, const uint64_t a[6])
{
	const struct tome_posix_file file = {
		.object = w->file.object, .readable = true, .writable = true,
	};

	return tome_posix_mmap(w->space, a[0], a[1], (int)a[2],
	    (unsigned)a[3], a[4] ? &file : NULL, a[5]);
}

static int64_t
call_mincore(struct world *w, const uint64_t a[6])
{
	int64_t got = tome_posix_mincore(w->space, a[0], a[1], VECTOR);
	size_t done;

	if (got == 0 && a[2] != 0)
		must(tome_map_read(tome_posix_map(w->space), VECTOR,
		    (void *)(uintptr_t)a[2], (size_t)(a[1] / STREAM_PAGE),
		    false, &done), "mincore's vector");
	return got;
}

static int64_t
space_call(void *ctx, enum stream_call call, const uint64_t a[6])
{
	struct world *w = ctx;

	switch (call) {
	case STREAM_MMAP:
		return call_mmap(w, a);
	case STREAM_MUNMAP:
		return tome_posix_munmap(w->space, a[0], a[1]);
	case STREAM_MPROTECT:
		return tome_posix_mprotect(w->space, a[0], a[1],
		    (unsigned)a[2]);
	case STREAM_MREMAP:
		return call_mremap(w, a);
	case STREAM_MADVISE:
		return tome_posix_madvise(w->space, a[0], a[1], (int)a[2]);
	case STREAM_MSYNC:
		return tome_posix_msync(w->space, a[0], a[1], (int)a[2]);
	case STREAM_MINCORE:
		return call_mincore(w, a);
	case STREAM_MLOCK:
		return tome_posix_mlock(w->space, a[0], a[1]);
	case STREAM_MLOCK2:
		return tome_posix_mlock2(w->space, a[0], a[1], (unsigned)a[2]);
	case STREAM_MUNLOCK:
		return tome_posix_munlock(w->space, a[0], a[1]);
	default:
		return tome_file_call(&w->file, call, a);
	}
}

/* What the kernel would make of a fault that could not be resolved. */
static struct stream_touch
space_touch(void *ctx, uint64_t va, bool write, uint8_t byte)
{
	struct stream_touch t = { .byte = byte };
	enum tome_err err = write ?
	    hosted_write(va, &t.byte, 1, on_fault, ctx) :
	    hosted_read(va, &t.byte, 1, on_fault, ctx);

	if (err == TOME_OK)
		return t;
	t.where = va;
	t.end = err == TOME_EFAULT || err == TOME_EACCES ? STREAM_SEGV :
							    STREAM_BUS;
	t.code = err == TOME_EFAULT ? 1 : 2;	/* MAPERR; ACCERR, ADRERR */
	return t;
}

static void
fill_area(const struct world *w, const struct tome_region *r,
    struct stream_area *a)
{
	a->start = r->start;
	a->end = r->end;
	a->prot = r->prot;
	a->shared = r->shared;
	a->file = r->object != NULL &&
	    r->object_id == tome_object_id(w->file.object);
	a->offset = a->shared || a->file ? r->offset : 0;
	if (a->start < ARENA) {
		if (a->shared || a->file)
			a->offset += ARENA - a->start;
		a->start = ARENA;
	}
	if (a->end > ARENA + STREAM_PAGES * STREAM_PAGE)
		a->end = ARENA + STREAM_PAGES * STREAM_PAGE;
}

static size_t
space_areas(void *ctx, struct stream_area *area, size_t max)
{
	struct world *w = ctx;
	struct tome_region region;
	tome_va_t cookie = 0;
	size_t n = 0;

	while (n < max &&
	    tome_map_next(tome_posix_map(w->space), &cookie, &region)) {
		fill_area(w, &region, &area[n]);
		n += area[n].start < area[n].end;
	}
	return n;
}

static void
space_fork(void *ctx, void (*child)(void *), void *arg)
{
	struct world *w = ctx;
	struct tome_posix *parent = w->space, *copy;

	must(tome_posix_fork(parent, &copy), "fork");
	run_space(w, copy);
	child(arg);
	run_space(w, parent);
	tome_posix_destroy(copy);
}

static void
judge(struct world *w)
{
	enum hosted_kind kind;
	char text[256];
	const char *wrong;

	hosted_settle(w->machine);
	wrong = tome_vm_check(w->vm);
	if (wrong != NULL)
		give_up(wrong);
	(void)hosted_judge(w->machine);
	if (hosted_take_violation(w->machine, &kind, text, sizeof text))
		give_up(text);
}

static void
space_print(void *ctx, const char *line)
{
	struct world *w = ctx;

	answer_line(&w->answer, line);
	judge(w);
}

static void
read_apart(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];
	uint64_t key;

	if (f == NULL)
		give_up("no such file of answers");
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "APART %" SCNx64, &key) == 1)
			answer_add_apart(&told, key);
	fclose(f);
}

/* ---- a machine for each stream ------------------------------------------- */

static void
world_start(struct world *w, unsigned modes, uint64_t seed)
{
	struct tome_posix_config config = { 0 };
	enum stream_style style = stream_style(seed);
	struct tome_posix *space;

	w->machine = hosted_create(&(struct hosted_config){ .ncpus = 2,
	    .modes = modes | HOSTED_STRICT, .seed = seed, .quiet = true });
	if (w->machine == NULL)
		give_up("no machine");
	must(hosted_vm_create(w->machine, &w->vm), "the instance");
	must(tome_kmem_start(w->vm), "kernel memory");
	must(tome_map_start(w->vm), "maps");
	/* Of those whose pages leave every second has a pager. */
	must(tome_file_create(&w->file, w->vm, style == STREAM_PAGED &&
	    seed % 4 == 1), "the file");
	if (style == STREAM_PAGED)
		must(tome_file_swapon(&w->file), "a swap area");
	must(tome_file_fill(&w->file), "the file's content");
	must(tome_map_create(w->vm, NULL, &config.map), "a map");
	must(tome_posix_create(&config, &space), "a space");
	tome_map_unref(config.map);
	tome_posix_set_limits(space, &(struct tome_posix_limits){ .as = UINT64_MAX,
	    .data = UINT64_MAX, .memlock = UINT64_MAX, .stack = UINT64_MAX,
	    .may_lock = true });
	run_space(w, space);
	hosted_on_fault(on_fault, w);
	if (tome_posix_mmap(space, VECTOR, STREAM_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) !=
	    (long)VECTOR)
		give_up("a page for mincore");
}

static void
world_end(struct world *w)
{
	struct tome_posix *space = w->space;

	run_space(w, NULL);
	tome_posix_destroy(space);
	tome_file_end(&w->file);
	if (tome_vm_destroy(w->vm) != 0)
		give_up("something leaked");
	tome_file_free(&w->file);
	hosted_destroy(w->machine);
}

static void
one_stream(uint64_t seed, unsigned nsteps, unsigned modes, bool verbose)
{
	struct world w = { .answer = { .verbose = verbose } };
	const struct stream_space space = {
		.ctx = &w,
		.base = ARENA,
		.call = space_call,
		.touch = space_touch,
		.areas = space_areas,
		.fork = space_fork,
		.print = space_print,
	};

	world_start(&w, modes, seed);
	answer_begin(&w.answer, seed, nsteps);
	stream_run(&space, seed, nsteps);
	answer_end(&w.answer, seed);
	world_end(&w);
}

int
main(int argc, char **argv)
{
	static const struct stream_seed seeds[] = STREAM_SEEDS;
	unsigned modes = 0;
	bool verbose = false;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
			modes = (unsigned)strtoul(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "-a") == 0 && i + 1 < argc)
			read_apart(argv[++i]);
	}
	if (i == argc)
		for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++)
			one_stream(seeds[k].seed, seeds[k].steps, modes,
			    verbose);
	for (; i + 1 < argc; i += 2)
		one_stream(strtoull(argv[i], NULL, 0),
		    (unsigned)atoi(argv[i + 1]), modes, verbose);
	printf("STREAMS-DONE\n");
	return 0;
}
