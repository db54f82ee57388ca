/*
 * compress.c - what the compressed tier makes of real programs' memory, beside LZ4.
 *
 *	compress NAME PID [NAME PID ...]
 *
 * Every anonymous page that each (stopped) process has resident is stored in a tier
 * of the hosted machine, loaded again and compared. The ratio is pages to frames, all
 * told: the tier's frames and index, its scratch, and whole frames for the pages it
 * refused. LZ4 (Debian's library) fills the same pool, under the same limit for a
 * piece and with the same index, so that only the compressors differ.
 *
 * Cost is in instructions of user space, counted one by one (ptrace) over a sample of
 * the pages: those that were kept, of more than one value.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hosted.h>
#include <paging/clusters.h>
#include <paging/pool.h>
#include <paging/tier.h>
#include <paging/wk.h>
#include <tome/kmem.h>

#define PAGE ((size_t)TOME_PAGE_SIZE)
#define SAMPLE 12u		/* pages whose instructions are counted */

struct pages {
	uint8_t *at;
	size_t n, room;
};

struct cost {
	uint64_t pages, frames_bytes;	/* what they take, all told */
	uint64_t same, refused, pool_frames, pool_bytes;
	uint64_t pack, unpack;		/* instructions a page */
};

static _Noreturn void
die(const char *why)
{
	fprintf(stderr, "compress: %s\n", why);
	exit(1);
}

/* ---- pages of a process ---- */

static void
pages_add(struct pages *p, int mem, uint64_t va)
{
	if (p->n == p->room) {
		p->room = p->room == 0 ? 4096 : p->room * 2;
		p->at = realloc(p->at, p->room * PAGE);
		if (p->at == NULL)
			die("no memory");
	}
	if (pread(mem, p->at + p->n * PAGE, PAGE, (off_t)va) == (ssize_t)PAGE)
		p->n++;
}

/* Resident (bit 63), and of no file (bit 61: file page or shared). */
static void
pages_of_range(struct pages *p, int mem, int map, uint64_t start, uint64_t end)
{
	uint64_t entry;

	for (uint64_t va = start; va < end; va += PAGE)
		if (pread(map, &entry, 8, (off_t)(va / PAGE * 8)) == 8 &&
		    entry >> 63 && !(entry >> 61 & 1))
			pages_add(p, mem, va);
}

static int
open_proc(const char *pid, const char *file)
{
	char name[64];
	int fd;

	snprintf(name, sizeof name, "/proc/%s/%s", pid, file);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		die("no such process, or not ours");
	return fd;
}

static struct pages
pages_of(const char *pid)
{
	int mem = open_proc(pid, "mem"), map = open_proc(pid, "pagemap");
	FILE *maps = fdopen(open_proc(pid, "maps"), "r");
	struct pages p = { NULL, 0, 0 };
	uint64_t start, end;
	char line[512], mode[8];

	while (fgets(line, sizeof line, maps) != NULL)
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end,
		    mode) == 3 && mode[0] == 'r' && mode[3] == 'p' &&
		    strstr(line, "[v") == NULL)
			pages_of_range(&p, mem, map, start, end);
	fclose(maps);
	close(mem);
	close(map);
	if (p.n == 0)
		die("a process without pages");
	return p;
}

/* ---- counting instructions ---- */

typedef void step_fn(void *arg);

/* How many instructions fn takes in user space: a child is led through it. */
static uint64_t
instructions(step_fn *fn, void *arg)
{
	volatile int *inside = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t n = 0;
	pid_t child = fork();
	int status;

	if (child < 0)
		die("no process");
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		*inside = 1;
		fn(arg);
		*inside = 0;
		_exit(0);
	}
	waitpid(child, &status, 0);
	while (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 &&
	    waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		n += *inside;
		if (n > 0 && !*inside)
			break;
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	munmap((void *)inside, PAGE);
	return n;
}

/* A page, and what either compressor makes of it. */
struct sample {
	const uint8_t *page;
	uint8_t packed[PAGE], back[PAGE];
	size_t len;
	struct tome_wk wk;
};

static void
pack_none(void *arg)
{
	(void)arg;
}

static void
pack_wk(void *arg)
{
	struct sample *s = arg;

	s->len = tome_wk_pack(&s->wk, s->page, PAGE, s->packed,
	    TOME_PIECE_MOST);
}

static void
unpack_wk(void *arg)
{
	struct sample *s = arg;

	if (tome_wk_unpack(&s->wk, s->packed, s->len, s->back, PAGE) !=
	    TOME_OK)
		die("a page does not come back");
}

static void
pack_lz4(void *arg)
{
	struct sample *s = arg;
	int len = LZ4_compress_default((const char *)s->page,
	    (char *)s->packed, (int)PAGE, (int)TOME_PIECE_MOST);

	s->len = (size_t)len;
}

static void
unpack_lz4(void *arg)
{
	struct sample *s = arg;

	if (LZ4_decompress_safe((const char *)s->packed, (char *)s->back,
	    (int)s->len, (int)PAGE) != (int)PAGE)
		die("a page does not come back");
}

static void
measure(const struct pages *p, step_fn *pack, step_fn *unpack, struct cost *c)
{
	static struct sample s;
	uint64_t none = instructions(pack_none, NULL), n = 0, value;

	for (size_t i = 0; i < SAMPLE; i++) {
		s.page = p->at + p->n * i / SAMPLE * PAGE;
		pack(&s);
		if (s.len == 0 || tome_wk_same(s.page, PAGE, &value))
			continue;
		unpack(&s);
		if (memcmp(s.back, s.page, PAGE) != 0)
			die("a page comes back otherwise");
		c->pack += instructions(pack, &s) - none;
		c->unpack += instructions(unpack, &s) - none;
		n++;
	}
	if (n > 0) {
		c->pack /= n;
		c->unpack /= n;
	}
}

/* ---- the machine that the tier runs on ---- */

static struct tome_vm *
machine_begin(struct hosted_machine **m, size_t pages)
{
	struct hosted_config config = { .ncpus = 1, .quiet = true,
		.ram = (uint64_t)(pages + 8192) * PAGE };
	struct tome_boot boot;
	struct tome_vm *vm;

	*m = hosted_create(&config);
	if (*m == NULL)
		die("no memory");
	hosted_boot(*m, &boot);
	if (tome_vm_create(&boot, &vm) != TOME_OK)
		die("no instance");
	hosted_attach(*m, vm, tome_vm_interrupt, tome_frame_identity);
	if (tome_kmem_start(vm) != TOME_OK)
		die("no instance");
	return vm;
}

static void
machine_end(struct hosted_machine *m, struct tome_vm *vm)
{
	if (tome_vm_destroy(vm) != 0)
		die("frames are lost");
	hosted_attach(m, NULL, NULL, NULL);
	hosted_destroy(m);
}

static void
load_all(struct tome_tier *t, const struct pages *p, uint8_t *page,
    tome_pfn_t pfn)
{
	for (size_t i = 0; i < p->n; i++)
		if (tome_tier_has(t, (uint32_t)i + 1) &&
		    (tome_tier_load(t, (uint32_t)i + 1, pfn) != TOME_OK ||
		    memcmp(page, p->at + i * PAGE, PAGE) != 0))
			die("a page does not come back");
}

static void
keep_wk(const struct pages *p, struct cost *c)
{
	struct hosted_machine *m;
	struct tome_vm *vm = machine_begin(&m, p->n);
	tome_pfn_t before = tome_frames_free_count(vm), pfn;
	struct tome_compress_stats s;
	struct tome_tier *t;
	uint8_t *page;

	if (tome_tier_start(vm, (tome_pfn_t)p->n, &t) != TOME_OK ||
	    tome_frame_alloc(vm, TOME_PAGE_KERNEL, TOME_FRAME_DIRECT, &pfn) !=
	    TOME_OK)
		die("no tier");
	page = tome_frame_va(vm, pfn);
	for (size_t i = 0; i < p->n; i++) {
		memcpy(page, p->at + i * PAGE, PAGE);
		(void)tome_tier_store(t, (uint32_t)i + 1, pfn);
	}
	load_all(t, p, page, pfn);
	tome_frame_free(vm, pfn);
	tome_tier_stats(t, &s);
	if (s.full > 0 || tome_tier_check(t) != NULL)
		die("the tier is unsound");
	c->pages = p->n;
	c->same = s.same_value;
	c->refused = s.refused;
	c->pool_frames = s.frames;
	c->pool_bytes = s.bytes;
	/* Everything that starting and filling it took; the frames it refused. */
	c->frames_bytes = (before - tome_frames_free_count(vm) + s.refused) *
	    PAGE;
	tome_tier_stop(t);
	machine_end(m, vm);
}

/* The same pages in the same pool, and the same room for an index. */
static void
keep_lz4(const struct pages *p, const struct cost *wk, struct cost *c)
{
	struct tome_pieces_budget budget = { .limit = (uint32_t)p->n };
	struct hosted_machine *m;
	struct tome_vm *vm = machine_begin(&m, p->n);
	tome_pfn_t *at = calloc(p->n, sizeof *at);
	uint64_t overhead = wk->frames_bytes - (wk->pool_frames + wk->refused) *
	    PAGE;
	struct tome_pieces pool;
	struct sample s;

	tome_pieces_init(&pool, vm, &budget);
	for (size_t i = 0; i < p->n; i++) {
		uint64_t value;

		s.page = p->at + i * PAGE;
		if (tome_wk_same(s.page, PAGE, &value) &&
		    value >> 32 == (uint32_t)value) {
			c->same++;
			continue;
		}
		pack_lz4(&s);
		if (s.len == 0)
			c->refused++;
		else if (tome_pieces_put(&pool, (uint32_t)i, s.packed, s.len,
		    &at[i]) != TOME_OK)
			die("no room");
	}
	c->pages = p->n;
	c->pool_frames = pool.frames;
	c->pool_bytes = pool.bytes;
	c->frames_bytes = overhead + (c->pool_frames + c->refused) * PAGE;
	for (size_t i = 0; i < p->n; i++)
		if (at[i] != TOME_PFN_NONE)
			tome_pieces_drop(&pool, (uint32_t)i, at[i]);
	free(at);
	machine_end(m, vm);
}

/* ---- the table ---- */

static void
row(const char *name, const char *how, const struct cost *c)
{
	double bytes = (double)c->pages * (double)PAGE;

	printf("%-10s %-4s %7" PRIu64 " %6" PRIu64 " %8" PRIu64 "   %5.2f   "
	    "%5.1f%%   %7" PRIu64 " %7" PRIu64 "\n", name, how, c->pages,
	    c->same, c->refused, bytes / (double)c->frames_bytes,
	    100.0 * (double)c->pool_bytes /
	    ((double)c->pool_frames * (double)PAGE), c->pack, c->unpack);
}

static void
program(const char *name, const char *pid, struct cost total[2])
{
	struct pages p = pages_of(pid);
	struct cost c[2] = { { 0 }, { 0 } };

	keep_wk(&p, &c[0]);
	keep_lz4(&p, &c[0], &c[1]);
	measure(&p, pack_wk, unpack_wk, &c[0]);
	measure(&p, pack_lz4, unpack_lz4, &c[1]);
	row(name, "Tome", &c[0]);
	row(name, "LZ4", &c[1]);
	for (unsigned i = 0; i < 2; i++) {
		total[i].pages += c[i].pages;
		total[i].frames_bytes += c[i].frames_bytes;
		total[i].same += c[i].same;
		total[i].refused += c[i].refused;
		total[i].pool_frames += c[i].pool_frames;
		total[i].pool_bytes += c[i].pool_bytes;
		/* Of pages, not of programs. */
		total[i].pack += c[i].pack * c[i].pages;
		total[i].unpack += c[i].unpack * c[i].pages;
	}
	free(p.at);
}

int
main(int argc, char **argv)
{
	struct cost total[2] = { { 0 }, { 0 } };

	if (argc < 3 || argc % 2 == 0)
		die("usage: compress NAME PID [NAME PID ...]");
	printf("%-10s %-4s %7s %6s %8s   %5s   %6s   %7s %7s\n", "program", "",
	    "pages", "same", "refused", "ratio", "full", "pack", "unpack");
	for (int i = 1; i < argc; i += 2)
		program(argv[i], argv[i + 1], total);
	for (unsigned i = 0; i < 2; i++) {
		total[i].pack /= total[i].pages;
		total[i].unpack /= total[i].pages;
		row("all", i == 0 ? "Tome" : "LZ4", &total[i]);
	}
	return 0;
}
