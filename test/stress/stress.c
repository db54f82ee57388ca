/*
 * stress.c - threads that work on one map at once, each in a slice of its own.
 *
 *	stress [--seconds N] [--seed S] [--threads N]
 *
 * A thread is a CPU. It maps, unmaps, protects, discards, moves and writes pages
 * of its slice, of which it knows every byte; it reads other slices, where it may
 * find nothing, or zero, or a byte that their owner writes; and it forks the
 * whole map, runs the child, and expects its slice there as it was. Slices are
 * smaller than chunks and leaf tables, so these are everybody's. For
 * ThreadSanitizer above all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <boot.h>
#include <tome/map.h>
#include <tome_host_inline.h>

#define MAX_THREADS 4
#define SLICE 10
/* The middle of all slices lies on a leaf table's edge. */
#define BASE ((tome_va_t)((1u << 30) - 20 * 4096u))
#define MARKS 60		/* values that one owner writes */

struct own_page {
	bool mapped, writable;
	uint8_t value;		/* of all its bytes that matter */
};

struct worker {
	struct stress *st;
	unsigned id;
	uint64_t dice, ops;
	uint8_t next;
	struct own_page page[SLICE];
};

struct stress {
	struct hosted_machine *m;
	struct tome_vm *vm;
	struct tome_map *map;
	time_t end;
	_Atomic uint32_t failed;
	struct worker worker[MAX_THREADS];
	unsigned nthreads;
};

/* ---- what goes wrong ---- */

static void
wrong(struct worker *w, const char *what, unsigned page, int got, int want)
{
	if (atomic_exchange(&w->st->failed, 1) == 0)
		printf("FAIL stress: CPU %u: %s, page %u: %d, not %d\n", w->id,
		    what, page, got, want);
}

static void
expect(struct worker *w, const char *what, unsigned page, enum tome_err got)
{
	if (got != TOME_OK)
		wrong(w, what, page, got, TOME_OK);
}

/* ---- small things ---- */

static uint32_t
roll(struct worker *w, uint32_t n)
{
	uint64_t z = w->dice += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z ^= z >> 27;
	return (uint32_t)((z >> 32) * n >> 32);
}

static tome_va_t
va_of(unsigned owner, unsigned page)
{
	return BASE + (tome_va_t)(owner * SLICE + page) * TOME_PAGE_SIZE;
}

static enum tome_err
on_fault(void *map, tome_va_t va, tome_prot_t access)
{
	return tome_fault(map, va, access);
}

static void
run_map(struct tome_vm *vm, struct tome_map *map)
{
	uintptr_t irq;

	tome_host_preempt_off();
	irq = tome_host_irq_save();
	if (map != NULL)
		tome_map_switch(map);
	else
		tome_pmap_switch(tome_pmap_kernel(vm));
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
}

/* ---- one page of one's own ---- */

static void
check_page(struct worker *w, struct tome_map *map, unsigned i)
{
	struct own_page *p = &w->page[i];
	enum tome_err err;
	uint8_t b = 0;

	err = hosted_read(va_of(w->id, i) + 8, &b, 1, on_fault, map);
	if (!p->mapped) {
		if (err != TOME_EFAULT)
			wrong(w, "read of nothing", i, err, TOME_EFAULT);
		return;
	}
	if (err != TOME_OK || b != p->value)
		wrong(w, "read", i, err != TOME_OK ? -(int)err : b, p->value);
}

static void
do_write(struct worker *w, unsigned i)
{
	struct own_page *p = &w->page[i];
	uint8_t value = (uint8_t)(1 + w->id * MARKS + w->next++ % MARKS);
	enum tome_err err, want;

	err = hosted_write(va_of(w->id, i) + 8, &value, 1, on_fault,
	    w->st->map);
	want = !p->mapped ? TOME_EFAULT : !p->writable ? TOME_EACCES :
	    TOME_OK;
	if (err != want)
		wrong(w, "write", i, err, want);
	if (err == TOME_OK)
		p->value = value;
}

static void
do_map(struct worker *w, unsigned i, unsigned n)
{
	struct tome_map_request r = { .addr = va_of(w->id, i),
		.len = (tome_va_t)n * TOME_PAGE_SIZE,
		.prot = TOME_PROT_READ | TOME_PROT_WRITE,
		.flags = TOME_MAP_FIXED };
	tome_va_t at;

	expect(w, "map", i, tome_map_enter(w->st->map, &r, &at));
	for (; n-- > 0; i++)
		w->page[i] = (struct own_page){ true, true, 0 };
}

static void
do_unmap(struct worker *w, unsigned i, unsigned n)
{
	expect(w, "unmap", i, tome_map_remove(w->st->map, va_of(w->id, i),
	    (tome_va_t)n * TOME_PAGE_SIZE));
	for (; n-- > 0; i++)
		w->page[i] = (struct own_page){ false, false, 0 };
}

static void
do_protect(struct worker *w, unsigned i)
{
	bool writable = roll(w, 2);

	if (!w->page[i].mapped)
		return;
	expect(w, "protect", i, tome_map_protect(w->st->map, va_of(w->id, i),
	    TOME_PAGE_SIZE, TOME_PROT_READ |
	    (writable ? TOME_PROT_WRITE : 0)));
	w->page[i].writable = writable;
}

static void
do_discard(struct worker *w, unsigned i)
{
	if (!w->page[i].mapped)
		return;
	expect(w, "discard", i, tome_map_advise(w->st->map, va_of(w->id, i),
	    TOME_PAGE_SIZE, TOME_ADV_DONTNEED));
	w->page[i].value = 0;
}

static void
do_move(struct worker *w, unsigned i, unsigned to)
{
	tome_va_t at;

	if (!w->page[i].mapped || i == to)
		return;
	expect(w, "move", i, tome_map_move(w->st->map, va_of(w->id, i),
	    TOME_PAGE_SIZE, TOME_PAGE_SIZE, TOME_MOVE_MAY | TOME_MOVE_FIXED,
	    va_of(w->id, to), &at));
	w->page[to] = w->page[i];
	w->page[i] = (struct own_page){ false, false, 0 };
}

static void
do_wire(struct worker *w, unsigned i)
{
	if (!w->page[i].mapped)
		return;
	expect(w, "wire", i, tome_map_wire(w->st->map, va_of(w->id, i),
	    TOME_PAGE_SIZE, false));
	check_page(w, w->st->map, i);
	expect(w, "unwire", i, tome_map_unwire(w->st->map, va_of(w->id, i),
	    TOME_PAGE_SIZE));
}

/* ---- others' pages, and children ---- */

static void
do_snoop(struct worker *w)
{
	unsigned owner = roll(w, w->st->nthreads), i = roll(w, SLICE);
	enum tome_err err;
	uint8_t b = 0;

	err = hosted_read(va_of(owner, i) + 8, &b, 1, on_fault, w->st->map);
	if (err != TOME_OK && err != TOME_EFAULT)
		wrong(w, "snoop", i, err, TOME_EFAULT);
	else if (b != 0 && (b - 1) / MARKS != (int)owner)
		wrong(w, "snoop", i, b, (int)owner * MARKS + 1);
}

static void
do_fork(struct worker *w)
{
	struct tome_map *child;
	uint8_t b = 255;
	unsigned i;

	expect(w, "fork", 0, tome_map_fork(w->st->map, &child));
	run_map(w->st->vm, child);
	for (i = 0; i < SLICE; i++)
		check_page(w, child, i);
	/* What the child writes is its own. */
	for (i = 0; i < SLICE; i++)
		if (w->page[i].mapped && w->page[i].writable && roll(w, 2))
			expect(w, "child's write", i, hosted_write(
			    va_of(w->id, i) + 8, &b, 1, on_fault, child));
	run_map(w->st->vm, w->st->map);
	for (i = 0; i < SLICE; i++)
		check_page(w, w->st->map, i);
	tome_map_unref(child);
}

static void
one_op(struct worker *w)
{
	unsigned i = roll(w, SLICE), n = 1 + roll(w, SLICE - i);
	uint32_t r = roll(w, 100);

	if (r < 30)
		do_write(w, i);
	else if (r < 50)
		check_page(w, w->st->map, i);
	else if (r < 65)
		do_snoop(w);
	else if (r < 73)
		do_map(w, i, n);
	else if (r < 77)
		do_unmap(w, i, n);
	else if (r < 83)
		do_protect(w, i);
	else if (r < 88)
		do_discard(w, i);
	else if (r < 93)
		do_move(w, i, roll(w, SLICE));
	else if (r < 96)
		do_wire(w, i);
	else
		do_fork(w);
}

static void
work(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;

	run_map(st->vm, st->map);
	while (atomic_load(&st->failed) == 0 && time(NULL) < st->end) {
		one_op(w);
		w->ops++;
		if (w->ops % 64 == 0)
			tome_vm_quiesce(st->vm, false);
	}
	run_map(st->vm, NULL);
}

/* ---- all ---- */

static void
must(enum tome_err err, const char *what)
{
	if (err != TOME_OK) {
		printf("FAIL stress: %s: %d\n", what, err);
		exit(1);
	}
}

static void
finish(struct stress *st, uint64_t seed, unsigned modes)
{
	const char *bad = tome_vm_check(st->vm);
	uint64_t ops = 0;
	char text[256];
	size_t leaked;
	unsigned i;

	for (i = 0; i < st->nthreads; i++)
		ops += st->worker[i].ops;
	(void)hosted_judge(st->m);
	if (bad == NULL && hosted_take_violation(st->m, NULL, text,
	    sizeof text))
		bad = text;
	tome_map_unref(st->map);
	tome_vm_quiesce(st->vm, true);
	leaked = hosted_vm_destroy(st->m, st->vm);
	if (bad != NULL)
		printf("FAIL stress: %s\n", bad);
	else if (leaked != 0)
		printf("FAIL stress: leaked %zu\n", leaked);
	else if (st->failed == 0)
		printf("ok stress: modes %#x seed %" PRIu64 ": %" PRIu64
		    " operations on %u CPUs\n", modes, seed, ops,
		    st->nthreads);
	if (bad != NULL || leaked != 0 || st->failed != 0)
		exit(1);
	hosted_destroy(st->m);
}

static void
run(unsigned modes, unsigned cpu, uint64_t seed, unsigned nthreads,
    unsigned seconds)
{
	struct stress st = { .nthreads = nthreads };
	unsigned i;

	st.m = hosted_create(&(struct hosted_config){ .ncpus = nthreads,
	    .modes = modes, .cpu = cpu, .seed = seed });
	must(hosted_vm_create(st.m, &st.vm), "vm_create");
	must(tome_kmem_start(st.vm), "kmem_start");
	must(tome_map_start(st.vm), "map_start");
	must(tome_map_create(st.vm, NULL, &st.map), "map_create");
	st.end = time(NULL) + (time_t)seconds;
	hosted_become(NULL, 0);
	for (i = 0; i < nthreads; i++) {
		st.worker[i] = (struct worker){ .st = &st, .id = i,
			.dice = seed * 1000 + i };
		hosted_start(st.m, i, work, &st.worker[i]);
	}
	hosted_join(st.m);
	hosted_become(st.m, 0);
	finish(&st, seed, modes);
}

int
main(int argc, char **argv)
{
	static const unsigned modes[] = { 0, HOSTED_NEVER_EVICT |
		HOSTED_WALK_CACHE, HOSTED_NEVER_EVICT | HOSTED_SPECULATE,
		HOSTED_MODES };
	unsigned seconds = 2, nthreads = 3, i;
	uint64_t seed = 1;

	for (i = 1; i + 1 < (unsigned)argc; i += 2) {
		uint64_t v = strtoull(argv[i + 1], NULL, 0);

		if (strcmp(argv[i], "--seconds") == 0)
			seconds = (unsigned)v;
		else if (strcmp(argv[i], "--seed") == 0)
			seed = v;
		else if (strcmp(argv[i], "--threads") == 0 && v >= 1 &&
		    v <= MAX_THREADS)
			nthreads = (unsigned)v;
	}
	for (i = 0; i < sizeof modes / sizeof modes[0]; i++)
		run(modes[i], 0, seed + i, nthreads, seconds);
	run(HOSTED_NEVER_EVICT | HOSTED_SPECULATE, HOSTED_X86_INVLPGB, seed + i,
	    nthreads, seconds);
	return 0;
}
