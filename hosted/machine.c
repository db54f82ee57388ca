/*
 * machine.c - a machine's life, its host table, and what it found wrong.
 *
 * Invariant: a violation is counted once and its text is the first untaken.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hosted_i.h"

static bool config_fill(struct hosted_machine *, const struct hosted_config *);
static void cpus_init(struct hosted_machine *);
static uint64_t host_random(void *ctx);
static void host_log(void *ctx, const char *line);
static bool host_may_alloc(void *ctx, const char *what);

/* Where a thread that expects a panic wants to be. */
struct catch {
	sigjmp_buf back;
	char *text;
	size_t size;
	struct hosted_core *core;
	unsigned preempt_off, irq_off;
};
static _Thread_local struct catch *catching;

static const char *const kinds[HOSTED_KINDS] = {
	[HOSTED_STALE] = "stale translation",
	[HOSTED_FREED] = "translation of a freed frame",
	[HOSTED_TABLE] = "bad table walk",
	[HOSTED_BBM] = "live entry replaced",
	[HOSTED_TYPES] = "conflicting memory types",
	[HOSTED_ICACHE] = "stale execution",
	[HOSTED_KPTR] = "stale kernel pointer",
	[HOSTED_MODIFIED] = "modified bit lost",
	[HOSTED_STUCK] = "no progress",
};

struct hosted_machine *
hosted_create(const struct hosted_config *config)
{
	unsigned ncpus = config->ncpus == 0 ? 1 : config->ncpus;
	struct hosted_machine *m;

	m = calloc(1, sizeof *m + ncpus * sizeof m->cpu[0]);
	if (m == NULL)
		return NULL;
	m->ncpus = ncpus;
	m->fd = -1;
	if (!config_fill(m, config) || !hosted_memory_init(m) ||
	    !hosted_kva_init(m)) {
		hosted_kva_fini(m);
		hosted_memory_fini(m);
		free(m);
		return NULL;
	}
	pthread_mutex_init(&m->sleep, NULL);
	pthread_cond_init(&m->woken, NULL);
	cpus_init(m);
	if (hosted_self == NULL)
		hosted_become(m, 0);
	return m;
}

void
hosted_destroy(struct hosted_machine *m)
{
	unsigned i;

	if (atomic_load(&m->nviolations) != 0) {
		fprintf(stderr, "hosted: untaken violation: %s\n",
		    m->first_text);
		abort();
	}
	if (hosted_current() == m)
		hosted_become(NULL, 0);
	for (i = 0; i < m->ncpus; i++)
		hosted_tlb_fini(&m->cpu[i]);
	hosted_kva_fini(m);
	hosted_memory_fini(m);
	pthread_cond_destroy(&m->woken);
	pthread_mutex_destroy(&m->sleep);
	free(m);
}

/* Each machine's RAM starts elsewhere, so that no address fits two. */
static tome_pa_t
next_base(void)
{
	static _Atomic uint32_t machines;
	uint32_t n = atomic_fetch_add(&machines, 1);

	return (tome_pa_t)0x100000 + (tome_pa_t)(n % 61) * 0x110000;
}

/* For who asks for none in particular: so that a test runs on any (HOSTED_). */
static unsigned
default_cpu(void)
{
	const char *cpu = getenv("HOSTED_CPU");

	return cpu == NULL ? 0 : (unsigned)strtoul(cpu, NULL, 0);
}

static bool
config_fill(struct hosted_machine *m, const struct hosted_config *config)
{
	m->config = *config;
	if (m->config.nranges == 0) {
		m->config.ranges[0].base = next_base();
		m->config.ranges[0].len = (tome_pa_t)(config->ram == 0 ?
		    (uint64_t)8192 << TOME_PAGE_SHIFT : config->ram);
		m->config.ranges[0].kind = TOME_RANGE_USABLE;
		m->config.nranges = 1;
	}
	if (m->config.seed == 0)
		m->config.seed = 1;
	if (m->config.cpu == 0)
		m->config.cpu = default_cpu();
	m->kernel_start = config->kernel_start;
	m->kernel_end = config->kernel_end;
	if (m->kernel_start == m->kernel_end) {
		m->kernel_start = hosted_mmu.kernel_start;
		m->kernel_end = hosted_mmu.kernel_end;
	}
	atomic_store(&m->modes, config->modes);
	m->mmu_flags = hosted_mmu.flags | config->mmu_flags;
	atomic_store(&m->dice, m->config.seed);
	return m->config.nranges <= HOSTED_RANGES;
}

static void
cpus_init(struct hosted_machine *m)
{
	unsigned i;

	for (i = 0; i < m->ncpus; i++) {
		struct hosted_cpu *c = &m->cpu[i];

		c->core.id = i;
		c->m = m;
		c->rng = hosted_mix(m->config.seed + i + 1) | 1;
		hosted_mmu.reset(c);
	}
	m->host = (struct tome_host){
		.version = TOME_HOST_VERSION,
		.wait = hosted_wait,
		.wake = hosted_wake,
		.ipi = hosted_ipi,
		.clock_ns = hosted_clock,
		.random = host_random,
		.log = host_log,
		.panic = hosted_panic,
		.window_enter = hosted_window_enter,
		.window_leave = hosted_window_leave,
		.may_alloc = host_may_alloc,
	};
}

void
hosted_boot(struct hosted_machine *m, struct tome_boot *boot)
{
	*boot = (struct tome_boot){
		.host = &m->host,
		.ctx = m,
		.ncpus = m->ncpus,
		.ranges = m->config.ranges,
		.nranges = m->config.nranges,
		.direct_bias = (uintptr_t)m->direct - (uintptr_t)m->lo,
		.direct_end = m->direct_end,
		.kva_bias = hosted_kva_bias(m),
		.kernel_start = m->kernel_start,
		.kernel_end = m->kernel_end,
	};
}

void
hosted_leave_stale(struct hosted_machine *m)
{
	unsigned i;

	for (i = 0; i < m->ncpus; i++)
		hosted_tlb_leave(&m->cpu[i]);
}

struct tome_host *
hosted_host(struct hosted_machine *m)
{
	return &m->host;
}

void
hosted_attach(struct hosted_machine *m, struct tome_vm *vm,
    hosted_interrupt_fn *interrupt, hosted_identity_fn *identity)
{
	m->interrupt = interrupt;
	m->identity = identity;
	m->vm = vm;
	hosted_kva_trap();
}

void
hosted_set_modes(struct hosted_machine *m, unsigned modes)
{
	atomic_store(&m->modes, modes);
}

unsigned
hosted_cpu_variant(uint64_t n)
{
	return hosted_mmu.variants[n % hosted_mmu.nvariants];
}

/* ---- dice ---- */

/* splitmix64's finaliser (Steele, Lea, Flood, OOPSLA 2014). */
uint64_t
hosted_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* The dice are the thread's, whichever CPU's TLB it plays with. */
uint32_t
hosted_roll(struct hosted_cpu *c, uint32_t n)
{
	if (hosted_cpu() != NULL)
		c = hosted_cpu();
	c->rng = hosted_mix(c->rng);
	return (uint32_t)((c->rng >> 32) * n >> 32);
}

uint64_t
hosted_random(struct hosted_machine *m)
{
	return hosted_mix(atomic_fetch_add(&m->dice, 1) << 20);
}

static uint64_t
host_random(void *ctx)
{
	return hosted_random(ctx);
}

/* ---- the rest of the host table ---- */

uint64_t
hosted_clock(void *ctx)
{
	struct hosted_machine *m = ctx;
	struct timespec now;

	if (m->config.virtual_clock)
		return atomic_load(&m->clock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void
hosted_clock_advance(struct hosted_machine *m, uint64_t ns)
{
	atomic_fetch_add(&m->clock, ns);
	hosted_wake(m, NULL, UINT32_MAX);
}

static void
host_log(void *ctx, const char *line)
{
	struct hosted_machine *m = ctx;

	if (!m->config.quiet)
		fprintf(stderr, "tome: %s\n", line);
}

static bool
host_may_alloc(void *ctx, const char *what)
{
	struct hosted_machine *m = ctx;
	uint64_t n, at;

	if (m->fail_kind[0] != '\0' && strcmp(m->fail_kind, what) != 0)
		return true;
	n = atomic_fetch_add(&m->allocs, 1) + 1;
	at = atomic_load(&m->fail_at);
	return at == 0 || (m->fail_forever ? n < at : n != at);
}

void
hosted_fail_alloc(struct hosted_machine *m, const char *kind, uint64_t n,
    bool forever)
{
	snprintf(m->fail_kind, sizeof m->fail_kind, "%s",
	    kind == NULL ? "" : kind);
	m->fail_forever = forever;
	atomic_store(&m->allocs, 0);
	atomic_store(&m->fail_at, n);
}

uint64_t
hosted_allocs(struct hosted_machine *m)
{
	return atomic_load(&m->allocs);
}

/* ---- panics ---- */

void
hosted_panic(void *ctx, const char *why)
{
	struct catch *c = catching;

	(void)ctx;
	if (c != NULL) {
		snprintf(c->text, c->size, "%s", why);
		siglongjmp(c->back, 1);
	}
	if (hosted_cpu() != NULL)
		hosted_sched_panic(hosted_cpu(), why);
	fprintf(stderr, "hosted: panic on CPU %u: %s\n", tome_host_cpu(), why);
	abort();
}

bool
hosted_catch(void (*fn)(void *arg), void *arg, char *text, size_t size)
{
	struct catch *outer = catching;
	struct catch here = { .text = text, .size = size,
		.core = hosted_self };

	if (here.core != NULL) {
		here.preempt_off = here.core->preempt_off;
		here.irq_off = here.core->irq_off;
	}
	if (sigsetjmp(here.back, 1) != 0) {
		catching = outer;
		hosted_self = here.core;
		if (here.core != NULL) {
			here.core->preempt_off = here.preempt_off;
			here.core->irq_off = here.irq_off;
		}
		return true;
	}
	catching = &here;
	fn(arg);
	catching = outer;
	return false;
}

/* ---- violations ---- */

void
hosted_violation(struct hosted_machine *m, enum hosted_kind kind,
    const char *format, ...)
{
	va_list ap;
	int n;

	hosted_lock(&m->note_lock);
	if (atomic_fetch_add(&m->nviolations, 1) == 0) {
		m->first_kind = kind;
		n = snprintf(m->first_text, sizeof m->first_text,
		    "%s (CPU %u): ", kinds[kind], tome_host_cpu());
		va_start(ap, format);
		vsnprintf(m->first_text + n, sizeof m->first_text - (size_t)n,
		    format, ap);
		va_end(ap);
	}
	hosted_unlock(&m->note_lock);
}

void
hosted_mmu_violation(struct hosted_cpu *c, enum hosted_kind kind,
    const char *text, tome_va_t va, uint64_t raw)
{
	hosted_violation(c->m, kind, "%s, va %#" PRIx64 " entry %#" PRIx64,
	    text, (uint64_t)va, raw);
}

bool
hosted_take_violation(struct hosted_machine *m, enum hosted_kind *kind,
    char *text, size_t size)
{
	bool any;

	hosted_lock(&m->note_lock);
	any = atomic_load(&m->nviolations) != 0;
	if (any) {
		if (kind != NULL)
			*kind = m->first_kind;
		snprintf(text, size, "%s", m->first_text);
		atomic_store(&m->nviolations, 0);
	}
	hosted_unlock(&m->note_lock);
	return any;
}

uint64_t
hosted_violations(struct hosted_machine *m)
{
	return atomic_load(&m->nviolations);
}

void
hosted_counts(struct hosted_machine *m, struct hosted_counts *out)
{
	*out = (struct hosted_counts){
		.flush_page = atomic_load(&m->n.flush_page),
		.flush_asid = atomic_load(&m->n.flush_asid),
		.flush_all = atomic_load(&m->n.flush_all),
		.ipis = atomic_load(&m->n.ipis),
		.served = atomic_load(&m->n.served),
		.fills = atomic_load(&m->n.fills),
		.hits = atomic_load(&m->n.hits),
		.walks = atomic_load(&m->n.walks),
		.speculated = atomic_load(&m->n.speculated),
		.kva_fills = atomic_load(&m->n.kva_fills),
	};
}
