/*
 * board.c - the Raspberry Pi 2 under the ARM document's memory manager: the hooks of
 * vm2_start(), the host's functions, and a self-test of the memory map.
 *
 * One CPU, interrupts off, no threads.
 */
#include <vas2.h>

#include <tome/vm.h>

#include "../../print.h"
#include "../glue.h"
#include "board.h"

#define MAILBOX 0xB880u			/* of the peripherals */
#define UART 0x201000u
#define MAILBOX_EMPTY (1u << 30)
#define PROPERTIES 8u			/* the mailbox's channel */
#define GET_ARM_MEMORY 0x00010005u
#define PROGRAM 0x8000u
#define MEMORY_SECTION 0x1040eu		/* as boot.S */
#define DEVICE_SECTION 0x11412u		/* region 4, never executed */

extern char image_end[], board_vectors[], board_vectors_end[];
void board_main(void);
void board_fault(uintptr_t at);

static volatile uint32_t *const table = (void *)(LINEAR + BOOT_TABLE);
static uint32_t ram_end;
static size_t peripherals;

/* ---- the console and the end ---- */

static long
semihost(unsigned operation, const void *block)
{
	register unsigned r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = block;

	__asm__ volatile("svc 0x123456" : "+r"(r0) : "r"(r1) : "memory", "lr");
	return (long)r0;
}

static volatile uint32_t *
device(uint32_t offset)
{
	return (void *)(peripherals + offset);
}

/* Before the UART is mapped, through the emulator. */
void
board_say(const char *s)
{
	if (peripherals == 0) {
		semihost(4, s);
		return;
	}
	for (; *s != '\0'; s++) {
		while (*device(UART + 0x18) & 0x20)
			;
		*device(UART) = (uint8_t)*s;
	}
}

_Noreturn void
board_stop(const char *why, int status)
{
	const uint32_t block[2] = { 0x20026, (uint32_t)status };

	board_say(why);
	board_say("\n");
	semihost(0x20, block);
	for (;;)
		__asm__ volatile("wfi");
}

void
board_fault(uintptr_t at)
{
	compat_print(board_say, "exception near 0x%08zx\n", (size_t)at);
	board_stop("failed", 1);
}

/* ---- what Tome asks of its host ---- */

unsigned
tome_host_cpu(void)
{
	return 0;
}

void
tome_host_preempt_off(void)
{
}

void
tome_host_preempt_on(void)
{
}

uintptr_t
tome_host_irq_save(void)
{
	return 0;
}

void
tome_host_irq_restore(uintptr_t was)
{
	(void)was;
}

void
tome_host_relax(void)
{
}

void *
tome_host_frame_va(uintptr_t bias, tome_pa_t pa)
{
	return (void *)(bias + pa);
}

void *
tome_host_kva(uintptr_t bias, tome_va_t va)
{
	return (void *)(bias + va);
}

void *
memset(void *at, int c, size_t n)
{
	volatile uint8_t *p = at;

	while (n-- > 0)
		*p++ = (uint8_t)c;
	return at;
}

void *
memcpy(void *to, const void *from, size_t n)
{
	volatile uint8_t *p = to;
	const uint8_t *q = from;

	while (n-- > 0)
		*p++ = *q++;
	return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
	volatile uint8_t *p = to;
	const uint8_t *q = from;

	if (p <= q || p >= q + n)
		return memcpy(to, from, n);
	while (n-- > 0)
		p[n] = q[n];
	return to;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n > 0; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

static uint64_t
host_clock(void *ctx)
{
	(void)ctx;
	return 0;
}

static void
host_log(void *ctx, const char *line)
{
	(void)ctx;
	board_say(line);
	board_say("\n");
}

static _Noreturn void
host_panic(void *ctx, const char *why)
{
	(void)ctx;
	board_stop(why, 1);
}

static const struct tome_host host = { .version = TOME_HOST_VERSION,
	.clock_ns = host_clock, .log = host_log, .panic = host_panic };

/* ---- the hooks of vm2_start() ---- */

static void
flush_tlb(void)
{
	__asm__ volatile("dsb\n mcr p15, 0, %0, c8, c7, 0\n dsb\n isb"
	    : : "r"(0) : "memory");
}

/* A line of the data cache, to memory and out. */
static void
flush_line(const volatile void *at)
{
	__asm__ volatile("dsb\n mcr p15, 0, %0, c7, c14, 1\n dsb"
	    : : "r"(at) : "memory");
}

/* What the firmware leaves to the CPU: asked through the mailbox. */
static uint32_t
ask_ram(void)
{
	static volatile uint32_t ask[8] __attribute__((aligned(32)));
	volatile uint32_t *box = device(MAILBOX);
	uint32_t message = ((uint32_t)(uintptr_t)ask - LINEAR) | PROPERTIES;

	ask[0] = sizeof ask;
	ask[2] = GET_ARM_MEMORY;
	ask[3] = 8;
	flush_line(ask);
	while (box[6] >> 31)
		;
	box[8] = message;
	do
		while (box[6] & MAILBOX_EMPTY)
			;
	while (box[0] != message);
	flush_line(ask);
	must(ask[5] == 0);
	return ask[6];
}

/* The peripherals are at their own place for as long as the identity map is. */
static void
map_ram(void)
{
	uint32_t at;

	table[PERIPHERALS / MIB] = PERIPHERALS | DEVICE_SECTION;
	flush_tlb();
	peripherals = PERIPHERALS;
	ram_end = ask_ram() & ~(MIB - 1);
	if (ram_end > PERIPHERALS)
		ram_end = PERIPHERALS;
	must(ram_end >= 64 * MIB);
	for (at = 0; at < ram_end; at += MIB)
		table[(LINEAR + at) / MIB] = at | MEMORY_SECTION;
	flush_tlb();
}

static void
drop_identity(void)
{
	peripherals = 0;
	for (unsigned i = 0; i < LINEAR / MIB; i++)
		table[i] = 0;
	flush_tlb();
}

/* Its own addresses are between RAM and the heap. */
static struct tome_vm *
create(void)
{
	struct tome_range ranges[] = {
		{ 0, ram_end, TOME_RANGE_USABLE },
		{ 0, (tome_pa_t)((uintptr_t)image_end - LINEAR),
		    TOME_RANGE_RESERVED },
	};
	struct tome_boot boot = { .host = &host, .ncpus = 1,
		.ranges = ranges, .nranges = 2, .direct_bias = LINEAR,
		.direct_end = ram_end,
		.kernel_start = LINEAR + PERIPHERALS,
		.kernel_end = KERNEL_HEAP_BASE, .kernel_root = BOOT_TABLE };
	struct tome_vm *vm;

	if (tome_vm_create(&boot, &vm) != TOME_OK ||
	    tome_kmem_start(vm) != TOME_OK)
		return NULL;
	return vm;
}

static void
on_warn(const char *line)
{
	board_say("   warning: ");
	board_say(line);
	board_say("\n");
}

static void
on_fatal(const char *line)
{
	board_stop(line, 1);
}

static const struct compat_armv7_hooks hooks = { .map_ram = map_ram,
	.drop_identity = drop_identity, .create = create, .warn = on_warn,
	.fatal = on_fatal, .pmm_start = (size_t)image_end,
	.pmm_end = LINEAR + PERIPHERALS, .window = KERNEL_HEAP_BASE };

/* ---- the self-test ---- */

static void *
kernel_page(size_t at, bool executable)
{
	struct PagePermission perm = { KernelRW, executable };

	return vm2_allocate_page(kernell1PageTable, at, false, perm, NULL);
}

static void
high_vectors(void)
{
	uint32_t sctlr, r = 41;

	must(kernel_page(HIGH_VECTOR_LOCATION, true) != NULL);
	memcpy((void *)HIGH_VECTOR_LOCATION, board_vectors,
	    (size_t)(board_vectors_end - board_vectors));
	__asm__ volatile("dsb\n mcr p15, 0, %0, c7, c11, 1\n dsb\n"
	    "mcr p15, 0, %1, c7, c5, 0\n dsb\n isb"
	    : : "r"(HIGH_VECTOR_LOCATION), "r"(0) : "memory");
	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	__asm__ volatile("mcr p15, 0, %0, c1, c0, 0\n isb"
	    : : "r"(sctlr | 1u << 13));
	__asm__ volatile("mov r0, %0\n svc 0\n mov %0, r0"
	    : "+r"(r) : : "r0", "lr", "memory");
	must(r == 42);
	board_say("high vectors answer\n");
}

/* As a program would: 0, or what was written; false: refused. */
static bool
user_poke(uint32_t at, uint32_t v)
{
	register uint32_t r0 __asm__("r0") = 1;

	__asm__ volatile("strt %2, [%1]" : "+r"(r0) : "r"(at), "r"(v) :
	    "memory", "lr");
	return r0 != 0;
}

static uint32_t
user_peek(uint32_t at)
{
	register uint32_t r0 __asm__("r0") = 1;
	uint32_t v = 0;

	__asm__ volatile("ldrt %1, [%2]" : "+r"(r0), "+&r"(v) : "r"(at) :
	    "memory", "lr");
	return r0 != 0 ? v : 0;
}

static struct vas2 *
process(uint32_t mark)
{
	struct vas2 *vas = create_vas();

	must(vas != NULL);
	allocate_page(vas, PROGRAM, false);
	switch_to_vas(vas);
	must(user_poke(PROGRAM, mark));
	must(*(uint32_t *)vas->pages.at[0] == mark);
	return vas;
}

static void
processes(void)
{
	struct vas2 *one = process(111), *two = process(222);

	switch_to_vas(one);
	must(user_peek(PROGRAM) == 111);
	must(!user_poke(PROGRAM + PAGE_SIZE, 1));
	must(!user_poke(LINEAR + 0x80000, 1));
	must(!user_poke(KERNEL_HEAP_BASE, 1));
	switch_to_vas(two);
	must(user_peek(PROGRAM) == 222);
	vm2_set_user_pagetable(NULL);
	must(!user_poke(PROGRAM, 1));
	free_vas(one);
	free_vas(two);
	board_say("two processes have memory of their own, and the kernel its\n");
}

static void
upper_gigabyte(void)
{
	volatile uint32_t *heap = (void *)KERNEL_HEAP_BASE;

	must(kernel_page(KERNEL_HEAP_BASE, false) != NULL);
	must(kernel_page(KERNEL_HEAP_BASE + PAGE_SIZE, false) != NULL);
	heap[0] = 5;
	heap[1024] = 6;
	must(heap[0] == 5 && heap[1024] == 6);
	/* The local peripherals: timers and mailboxes of each CPU. */
	must(vm2_map_peripheral(0x40000000u, 1) != 0);
	must(vm2_map_peripheral(PERIPHERALS - MIB * 512, 1) == 0);
}

void
board_main(void)
{
	compat_armv7_boot(&hooks);
	vm2_start();
	peripherals = vm2_map_peripheral(PERIPHERALS, 16);
	must(peripherals == KERNEL_MMIO_BASE - 16 * MIB);
	high_vectors();
	upper_gigabyte();
	processes();
	compat_print(board_say, "RAM ends at 0x%08zx\n", (size_t)ram_end);
	board_say("the memory map:\n");
	map_show();
	board_stop("all is well", 0);
}
