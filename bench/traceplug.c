/*
 * traceplug.c - a plugin for QEMU's user mode that records which pages a program
 * uses: data and instructions, its threads and the children it forks (trace.h).
 *
 *	qemu-x86_64 -plugin traceplug.so,out=FILE PROGRAM
 *
 * The file is mapped shared, so that children go on writing to it; a record's place
 * is taken with one atomic addition. Time is the instructions of one process.
 *
 * Debian ships no header for plugins of this QEMU; what is used of the interface is
 * declared here (version 1).
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace.h"

/* ---- QEMU's plugin interface, as much as is used ------------------------- */

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_MEM_RW = 3 };
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *,
    size_t);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
    void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *), int, int,
    void *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *,
    void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int,
    void *, uint64_t);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* ---- records --------------------------------------------------------------- */

#define PAGE_SHIFT 12
#define THREADS 64

static struct trace *trace;
static uint64_t insns;

/* The pages that a thread used last, latest first. */
static struct recent {
	uint64_t page[TRACE_RECENT];
} recents[THREADS];

static void
record(uint64_t page)
{
	uint64_t i = __atomic_fetch_add(&trace->n, 1, __ATOMIC_RELAXED);

	if (i < TRACE_MAX)
		trace->record[i] = insns >> TRACE_TIME_SHIFT <<
		    TRACE_PAGE_BITS | (page & TRACE_PAGE_MASK);
}

static void __attribute__((noinline))
used_again(struct recent *r, uint64_t page)
{
	unsigned i = 1;

	while (i < TRACE_RECENT && r->page[i] != page)
		i++;
	if (i == TRACE_RECENT) {
		record(page);
		i--;
	}
	memmove(&r->page[1], &r->page[0], i * sizeof r->page[0]);
	r->page[0] = page;
}

static void
used(unsigned cpu, uint64_t page)
{
	struct recent *r = &recents[cpu % THREADS];

	if (r->page[0] != page)
		used_again(r, page);
}

/* ---- what QEMU calls ------------------------------------------------------- */

static void
on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t va, void *none)
{
	(void)info, (void)none;
	used(cpu, va >> PAGE_SHIFT);
}

static void
on_block(unsigned cpu, void *va)
{
	used(cpu, (uint64_t)(uintptr_t)va >> PAGE_SHIFT);
}

static void
on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	size_t n = qemu_plugin_tb_n_insns(block);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(block,
	    QEMU_PLUGIN_INLINE_ADD_U64, &insns, n);
	qemu_plugin_register_vcpu_tb_exec_cb(block, on_block,
	    QEMU_PLUGIN_CB_NO_REGS,
	    (void *)(uintptr_t)qemu_plugin_tb_vaddr(block));
	for (size_t i = 0; i < n; i++)
		qemu_plugin_register_vcpu_mem_cb(
		    qemu_plugin_tb_get_insn(block, i), on_access,
		    QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
}

static bool
map_trace(const char *name)
{
	size_t size = sizeof *trace + TRACE_MAX * sizeof trace->record[0];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);
	void *at = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED) {
		perror(name);
		return false;
	}
	trace = at;
	trace->magic = TRACE_MAGIC;
	return true;
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
    char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
		fprintf(stderr, "traceplug: wants out=FILE\n");
		return -1;
	}
	if (!map_trace(argv[0] + 4))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
