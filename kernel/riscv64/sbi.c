/*
 * sbi.c - what the firmware does for us (RISC-V SBI 1.0): starting harts, interrupts
 * between them, the timer where there is no Sstc, and the end; and the clocks.
 */
#include <abi.h>
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <regs.h>
#include <riscv.h>
#include <sbi.h>
#include <sched_i.h>
#include <syscall.h>

#define SBI_TIMER 0x54494d45u
#define SBI_IPI 0x735049u
#define SBI_HSM 0x48534du
#define SBI_RESET 0x53525354u
#define FLUSH_ICACHE_LOCAL 1u
enum { RESET_SHUTDOWN = 0, RESET_REBOOT = 1 };

/* SiFive's test device, which ends QEMU with a status. */
#define TEST_PASS 0x5555u
#define TEST_FAIL 0x3333u

#define NS_PER_S 1000000000u
#define START_LIMIT_NS 120000000000u

enum { ASKED_KICK = 1, ASKED_FLUSH = 2, ASKED_STOP = 4 };

extern char boot_start[];
/* What a CPU that starts is; boot.S reads it. */
extern uint64_t ap_number, ap_satp, ap_stack;
_Noreturn void smp_ap_main(uint64_t number);

uint64_t ap_number, ap_satp, ap_stack;
/* What a CPU that starts runs as; written before it does. */
static struct thread *ap_thread;
static _Atomic bool stopping;

static bool has_sstc;
static uint64_t time_boot, ns_scale, tick_scale;	/* in 2^32 */
static uint64_t wall_base;

/* ---- clocks ---- */

/* Nanoseconds since 1970, by the board's goldfish clock; 0: it has none. */
static uint64_t
read_goldfish(void)
{
	struct dt_node n;
	uint64_t base, len;
	volatile uint32_t *rtc;
	uint32_t low;

	if (!dt_find(&n, "google,goldfish-rtc") || !dt_reg(&n, 0, &base, &len))
		return 0;
	rtc = direct(base);
	low = rtc[0];			/* latches the other half */
	return (uint64_t)rtc[1] << 32 | low;
}

void
clock_start(void)
{
	has_sstc = cpu_has("sstc");
	ns_scale = ((uint64_t)NS_PER_S << 32) / cpu_timebase();
	tick_scale = (cpu_timebase() << 32) / NS_PER_S;
	time_boot = read_time();
	wall_base = read_goldfish();
}

uint64_t
clock_ns(void)
{
	return (uint64_t)((unsigned __int128)(read_time() - time_boot) *
	    ns_scale >> 32);
}

uint64_t
clock_wall_ns(void)
{
	return wall_base + clock_ns();
}

/* ---- the timer ---- */

static void
set_timer(uint64_t at)
{
	if (has_sstc)
		CSR_WRITE(CSR_STIMECMP, at);
	else
		sbi_call(SBI_TIMER, 0, at, 0, 0);
}

/* At most a day: the handler arms it again for the rest. */
void
machine_arm(uint64_t ns)
{
	const uint64_t day = (uint64_t)86400 * NS_PER_S;

	if (ns > day)
		ns = day;
	set_timer(read_time() + 1 +
	    (uint64_t)((unsigned __int128)ns * tick_scale >> 32));
}

void
timer_quiet(void)
{
	set_timer(UINT64_MAX);
}

/* ---- other CPUs ---- */

static void
ask(unsigned cpu, uint32_t what)
{
	atomic_fetch_or(&cpus[cpu].asked, what);
	sbi_call(SBI_IPI, 0, 1, cpus[cpu].hart, 0);
}

void
machine_kick(unsigned cpu)
{
	ask(cpu, ASKED_KICK);
}

void
machine_ask_flush(unsigned cpu)
{
	ask(cpu, ASKED_FLUSH);
}

static _Noreturn void
stop(void)
{
	irq_off();
	for (;;)
		__asm__ volatile("wfi");
}

void
smp_asked(void)
{
	uint32_t asked;

	CSR_CLEAR("sip", (uint64_t)1 << IRQ_SOFTWARE);
	asked = atomic_exchange(&cpu_self()->asked, 0);
	if (asked & ASKED_STOP)
		stop();
	if (asked & ASKED_FLUSH)
		tome_vm_interrupt(the_vm);
	if (asked & ASKED_KICK)
		sched_kicked();
}

bool
smp_stopping(void)
{
	return atomic_load(&stopping);
}

void
smp_stop_others(void)
{
	atomic_store(&stopping, true);
	for (unsigned cpu = 0; cpu < KERNEL_MAX_CPUS; cpu++)
		if (cpu != cpu_number() && atomic_load(&cpus[cpu].online))
			ask(cpu, ASKED_STOP);
}

static void
start_one(unsigned cpu)
{
	uint64_t begun = clock_ns();

	ap_thread = sched_create_idle(cpu);
	if (ap_thread == NULL)
		panic("no memory for the idle thread of CPU %u", cpu);
	ap_number = cpu;
	ap_stack = (uintptr_t)ap_thread->frame;
	atomic_thread_fence(memory_order_seq_cst);
	sbi_call(SBI_HSM, 0, cpus[cpu].hart,
	    (uintptr_t)boot_start - KERNEL_OFFSET, 0);
	while (!atomic_load(&cpus[cpu].online))
		if (clock_ns() - begun > START_LIMIT_NS)
			panic("CPU %u does not start", cpu);
}

void
smp_start(void)
{
	/* Where the stacks are; without a tag. */
	ap_satp = CSR_READ("satp") & ~TOME_SATP_ASID;
	atomic_store(&cpus[0].online, 1);
	for (unsigned cpu = 1; cpu < KERNEL_MAX_CPUS && cpus[cpu].hart !=
	    UINT64_MAX; cpu++)
		start_one(cpu);
}

/* Another CPU's first C code. */
void
smp_ap_main(uint64_t number)
{
	unsigned cpu = (unsigned)number;

	cpu_start(cpu, ap_thread);
	cpus[cpu].stack_top = (uintptr_t)ap_thread;
	tome_pmap_cpu_start(the_vm);
	machine_cpu_ready();
	sched_adopt_idle(ap_thread);
	atomic_store(&cpus[cpu].online, 1);
	sched_idle();
}

/* ---- code ---- */

/* Of every hart: where the caller runs next, who knows? (Linux: of the range's, or with
 * LOCAL as far as the calling thread can tell.) */
SYSCALL(riscv_flush_icache)
{
	if (a[2] & ~(uint64_t)FLUSH_ICACHE_LOCAL)
		return -EINVAL;
	__asm__ volatile("fence.i\n\tfence" : : : "memory");
	sbi_call(TOME_SBI_RFENCE, TOME_SBI_FENCE_I, 0, TOME_SBI_EVERY_HART, 0);
	return 0;
}

/* ---- the end ---- */

static void
tell_test_device(int status)
{
	struct dt_node n;
	uint64_t base, len;

	if (dt_find(&n, "sifive,test0") && dt_reg(&n, 0, &base, &len))
		*(volatile uint32_t *)direct(base) = status == 0 ? TEST_PASS :
		    (uint32_t)status << 16 | TEST_FAIL;
}

void
machine_off(int status)
{
	smp_stop_others();
	tell_test_device(status & 0xff);
	sbi_call(SBI_RESET, 0, RESET_SHUTDOWN, 0, 0);
	stop();
}

void
machine_reboot(void)
{
	smp_stop_others();
	sbi_call(SBI_RESET, 0, RESET_REBOOT, 0, 0);
	stop();
}

/* What the loader drew (chosen's rng-seed), and the time, stirred. */
uint64_t
machine_random(void)
{
	static _Atomic uint64_t state;
	uint64_t v = atomic_load(&state);

	if (v == 0) {
		DT_EACH(n) {
			uint32_t cell = 0;

			if (dt_cell(&n, "rng-seed", 0, &cell))
				atomic_fetch_add(&state, (uint64_t)cell << 32);
			if (dt_cell(&n, "rng-seed", 1, &cell))
				atomic_fetch_add(&state, cell);
		}
	}
	v = atomic_fetch_add(&state, 0x9e3779b97f4a7c15u) + read_time();
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}
