/*
 * cohplug.c - a QEMU plugin that counts coherence events of kernel code.
 *
 * Model: caches are infinite and a line is 64 bytes. An event is a read of a
 * line that another CPU wrote since this one last saw it, or a write to a line
 * that another CPU holds. Only accesses to the upper half of the address space
 * count: those are the kernel's. The guest says where to start and stop
 * (magic.h). At each stop one line
 *
 *	TEST n EVENTS reads writes INSNS n FIRST events
 *
 * goes to the file given as out=FILE, and after it the lines most travelled:
 *
 *	LINE events ADDRESS LAST-CODE-OF-CPU-0 LAST-CODE-OF-CPU-1 FIRST events
 *
 * FIRST is what CPU 0 met of them.
 *
 * Needs single-threaded TCG: callbacks of two CPUs never overlap, so there
 * are no locks. Debian ships no header for plugins of this QEMU; what is used
 * of the interface is declared here (version 1).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "magic.h"

/* ---- QEMU's plugin interface, as much as is used ------------------------- */

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;

enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_MEM_RW = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *,
    size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
    void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *), int, int,
    void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
    void (*)(unsigned, void *), int, void *);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t,
    uint64_t);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* ---- lines ---------------------------------------------------------------- */

#define LINE_SHIFT 6
#define TABLE_BITS 20
#define TABLE_SIZE (1u << TABLE_BITS)
#define KERNEL_HALF ((uint64_t)1 << 63)
#define HOTTEST 14

struct line {
	uint64_t key;		/* physical line number + 1; 0: free */
	uint64_t va;		/* where it was last touched */
	uint64_t code[2];	/* who last touched it, on each CPU */
	uint32_t holders;	/* CPUs that hold it, a bit each */
	int32_t writer;		/* who wrote it last, or -1 */
	uint32_t events, first;
};

static struct line *table;
static FILE *out;
static bool counting;
static unsigned test;
static uint64_t reads, writes, insns, first;

/* Open addressing; the table is far larger than what a test touches. */
static struct line *
line_of(uint64_t pa)
{
	uint64_t key = (pa >> LINE_SHIFT) + 1;
	uint64_t i = key * 0x9e3779b97f4a7c15u >> (64 - TABLE_BITS);

	while (table[i].key != key) {
		if (table[i].key == 0) {
			table[i].key = key;
			table[i].writer = -1;
			break;
		}
		i = (i + 1) % TABLE_SIZE;
	}
	return &table[i];
}

static bool
store_travels(struct line *l, unsigned cpu)
{
	bool travels = (l->holders & ~(1u << cpu)) != 0;

	l->holders = 1u << cpu;
	l->writer = (int32_t)cpu;
	writes += travels;
	return travels;
}

static bool
load_travels(struct line *l, unsigned cpu)
{
	bool travels = l->writer >= 0 && l->writer != (int32_t)cpu &&
	    !(l->holders & 1u << cpu);

	l->holders |= 1u << cpu;
	reads += travels;
	return travels;
}

/* ---- what QEMU calls ------------------------------------------------------ */

static void
on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t va, void *code)
{
	struct qemu_plugin_hwaddr *where;
	struct line *l;
	bool travels;

	if (!counting || va < KERNEL_HALF)
		return;
	where = qemu_plugin_get_hwaddr(info, va);
	if (where == NULL)
		return;
	l = line_of(qemu_plugin_hwaddr_phys_addr(where));
	travels = qemu_plugin_mem_is_store(info) ? store_travels(l, cpu) :
						   load_travels(l, cpu);
	l->events += travels;
	l->first += travels && cpu == 0;
	first += travels && cpu == 0;
	l->va = va;
	l->code[cpu & 1] = (uint64_t)(uintptr_t)code;
}

static void
on_insn(unsigned cpu, void *unused)
{
	(void)cpu;
	(void)unused;
	insns += counting;
}

static void
reset_counts(void)
{
	reads = writes = insns = first = 0;
	for (size_t i = 0; i < TABLE_SIZE; i++)
		table[i].events = table[i].first = 0;
}

static struct line *
hottest(void)
{
	struct line *hot = NULL;

	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (table[i].events > (hot ? hot->events : 0))
			hot = &table[i];
	return hot;
}

static void
write_down(void)
{
	struct line *l;

	fprintf(out, "TEST %u EVENTS %lu %lu INSNS %lu FIRST %lu\n", test, reads,
	    writes, insns, first);
	for (int i = 0; i < HOTTEST && (l = hottest()) != NULL; i++) {
		fprintf(out, "LINE %u %lx %lx %lx FIRST %u\n", l->events,
		    l->va, l->code[0], l->code[1], l->first);
		l->events = 0;
	}
	fflush(out);
}

static void
on_magic(unsigned cpu, void *word)
{
	uint32_t message = (uint32_t)(uintptr_t)word;

	(void)cpu;
	switch ((enum magic)(message >> 8 & 0xff)) {
	case MAGIC_START:
		memset(table, 0, sizeof *table * TABLE_SIZE);
		reset_counts();
		test = message >> 16 & 0xff;
		counting = true;
		break;
	case MAGIC_RESET:
		reset_counts();
		break;
	case MAGIC_STOP:
		counting = false;
		write_down();
		break;
	}
}

static bool
is_magic(const struct qemu_plugin_insn *insn, uint32_t *message)
{
	static const uint8_t opcode[] = MAGIC_OPCODE;
	const uint8_t *bytes = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) != MAGIC_LEN ||
	    memcmp(bytes, opcode, sizeof opcode) != 0)
		return false;
	memcpy(message, bytes + sizeof opcode, sizeof *message);
	return *message >> 24 == 0x6d;
}

static void
on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	size_t n = qemu_plugin_tb_n_insns(block);
	uint32_t message;

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn =
		    qemu_plugin_tb_get_insn(block, i);
		uint64_t code = qemu_plugin_insn_vaddr(insn);

		if (code >= KERNEL_HALF) {
			qemu_plugin_register_vcpu_mem_cb(insn, on_access,
			    QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
			    (void *)(uintptr_t)code);
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_insn,
			    QEMU_PLUGIN_CB_NO_REGS, NULL);
		} else if (is_magic(insn, &message)) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_magic,
			    QEMU_PLUGIN_CB_NO_REGS,
			    (void *)(uintptr_t)message);
		}
	}
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
    char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0)
		return 1;
	out = fopen(argv[0] + 4, "w");
	table = calloc(TABLE_SIZE, sizeof *table);
	if (out == NULL || table == NULL)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
