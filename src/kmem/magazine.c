/*
 * magazine.c - per-CPU magazines and the depot behind them.
 *
 * After Bonwick and Adams (USENIX 2001): a CPU holds two magazines, so that it
 * goes to the depot once per `capacity` calls at most, whatever the pattern.
 * The depot keeps a bounded number of full ones: what a burst freed returns to
 * the slabs, and from there to the frames.
 *
 * Invariants: loaded NULL implies spare NULL; spare holds 0 or `capacity`
 *   rounds; every magazine in depot->full holds `capacity`.
 * Locks: a CPU's pair is touched with preemption off by that CPU (or by anyone
 *   when the CPU is outside the VM); the depot under mag->lock.
 */
#include <kmem/kmem_i.h>

/* Full magazines a depot keeps: 64 * 31 objects, some 2,000. */
#define DEPOT_FULL 64u

static bool refill(struct tome_magazines *, struct tome_magazine_cpu *);
static bool make_room(struct tome_magazines *, struct tome_magazine_cpu *,
    struct tome_magazine **spill);
static struct tome_magazine *empty_magazine(struct tome_magazines *);

size_t
tome_magazines_size(unsigned ncpus)
{
	return sizeof(struct tome_magazines) +
	    ncpus * sizeof(struct tome_magazine_cpu);
}

void
tome_magazines_init(struct tome_magazines *m, struct tome_kmem *km,
    uint32_t capacity)
{
	memset(m, 0, tome_magazines_size(km->vm->ncpus));
	m->kmem = km;
	m->capacity = capacity;
}

void *
tome_magazines_pop(struct tome_magazines *m)
{
	struct tome_magazine_cpu *cpu = &m->cpu[tome_host_cpu()];

	if (cpu->rounds == 0 && !refill(m, cpu))
		return NULL;
	return cpu->loaded->round[--cpu->rounds];
}

bool
tome_magazines_push(struct tome_magazines *m, void *round,
    struct tome_magazine **spill)
{
	struct tome_magazine_cpu *cpu = &m->cpu[tome_host_cpu()];

	*spill = NULL;
	if (cpu->rounds == cpu->room && !make_room(m, cpu, spill))
		return false;
	cpu->loaded->round[cpu->rounds++] = round;
	return true;
}

static void
swap(struct tome_magazine_cpu *cpu)
{
	struct tome_magazine *was = cpu->loaded;
	uint32_t rounds = cpu->rounds;

	cpu->loaded = cpu->spare;
	cpu->rounds = cpu->spare_rounds;
	cpu->spare = was;
	cpu->spare_rounds = rounds;
}

static struct tome_magazine *
depot_pop(struct tome_magazine **list, uint32_t *n)
{
	struct tome_magazine *mg = *list;

	if (mg != NULL) {
		tome_wr_relaxed(list, mg->next);
		(*n)--;
	}
	return mg;
}

static void
depot_push(struct tome_magazine **list, uint32_t *n, struct tome_magazine *mg)
{
	mg->next = *list;
	tome_wr_relaxed(list, mg);
	(*n)++;
}

/* The loaded magazine is empty: bring rounds. */
static bool
refill(struct tome_magazines *m, struct tome_magazine_cpu *cpu)
{
	struct tome_magazine *full, *empty = cpu->loaded;
	uintptr_t irq;

	if (cpu->spare_rounds > 0) {
		swap(cpu);
		return true;
	}
	if (tome_rd_relaxed(&m->full) == NULL)
		return false;
	irq = tome_spin_lock(m->kmem->vm, &m->lock, TOME_RANK_SLAB);
	full = depot_pop(&m->full, &m->nfull);
	if (full != NULL && cpu->spare != NULL)
		depot_push(&m->empty, &m->nempty, empty);
	tome_spin_unlock(m->kmem->vm, &m->lock, TOME_RANK_SLAB, irq);
	if (full == NULL)
		return false;
	if (cpu->spare == NULL)
		cpu->spare = empty;
	cpu->loaded = full;
	cpu->rounds = cpu->room = m->capacity;
	return true;
}

struct tome_magazine *
tome_magazines_unload(struct tome_magazines *m)
{
	struct tome_magazine_cpu *cpu = &m->cpu[tome_host_cpu()];
	struct tome_magazine *mg = cpu->spare;

	if (m->capacity == 0)
		return NULL;
	if (mg != NULL) {
		cpu->spare = NULL;
	} else if (cpu->loaded != NULL) {
		mg = cpu->loaded;
		cpu->loaded = NULL;
		cpu->room = 0;
	} else {
		mg = empty_magazine(m);
	}
	return mg;
}

bool
tome_magazines_load(struct tome_magazines *m, struct tome_magazine *mg,
    uint32_t rounds)
{
	struct tome_magazine_cpu *cpu = &m->cpu[tome_host_cpu()];

	if (cpu->rounds > 0 || cpu->spare != NULL)
		return false;
	cpu->spare = cpu->loaded;
	cpu->loaded = mg;
	cpu->rounds = rounds;
	cpu->room = m->capacity;
	return true;
}

static struct tome_magazine *
empty_magazine(struct tome_magazines *m)
{
	struct tome_magazine *mg;
	void *fresh;
	uintptr_t irq;

	irq = tome_spin_lock(m->kmem->vm, &m->lock, TOME_RANK_SLAB);
	mg = depot_pop(&m->empty, &m->nempty);
	tome_spin_unlock(m->kmem->vm, &m->lock, TOME_RANK_SLAB, irq);
	if (mg == NULL && tome_slab_take(m->kmem->magazines, &fresh, 1) == 1)
		mg = fresh;
	return mg;
}

/* A full magazine to the depot; false: it has enough. */
static bool
depot_keep(struct tome_magazines *m, struct tome_magazine *full)
{
	uintptr_t irq = tome_spin_lock(m->kmem->vm, &m->lock, TOME_RANK_SLAB);
	bool keep = m->nfull < DEPOT_FULL;

	if (keep)
		depot_push(&m->full, &m->nfull, full);
	tome_spin_unlock(m->kmem->vm, &m->lock, TOME_RANK_SLAB, irq);
	return keep;
}

/* The loaded magazine is full, or there is none: bring room. */
static bool
make_room(struct tome_magazines *m, struct tome_magazine_cpu *cpu,
    struct tome_magazine **spill)
{
	struct tome_magazine *mg;

	if (m->capacity == 0)
		return false;
	if (cpu->spare != NULL && cpu->spare_rounds == 0) {
		swap(cpu);
		return true;
	}
	mg = empty_magazine(m);
	if (mg == NULL)
		return false;
	if (cpu->spare != NULL && !depot_keep(m, cpu->spare))
		*spill = cpu->spare;
	cpu->spare = cpu->loaded;
	cpu->spare_rounds = cpu->rounds;
	cpu->loaded = mg;
	cpu->rounds = 0;
	cpu->room = m->capacity;
	return true;
}

void
tome_magazine_free(struct tome_kmem *km, struct tome_magazine *mg)
{
	void *object = mg;

	tome_slab_give(km->magazines, &object, 1);
}

bool
tome_magazines_strip_cpu(struct tome_magazines *m, unsigned n,
    struct tome_magazine **out, uint32_t *rounds)
{
	struct tome_magazine_cpu *cpu = &m->cpu[n];

	if (cpu->spare != NULL)
		swap(cpu);
	*out = cpu->loaded;
	*rounds = cpu->rounds;
	cpu->loaded = cpu->spare;
	cpu->rounds = cpu->spare_rounds;
	cpu->spare = NULL;
	cpu->spare_rounds = 0;
	if (cpu->loaded == NULL)
		cpu->room = 0;
	return *out != NULL;
}

bool
tome_magazines_strip_depot(struct tome_magazines *m,
    struct tome_magazine **out, uint32_t *rounds)
{
	uintptr_t irq = tome_spin_lock(m->kmem->vm, &m->lock, TOME_RANK_SLAB);

	*rounds = m->capacity;
	*out = depot_pop(&m->full, &m->nfull);
	if (*out == NULL) {
		*rounds = 0;
		*out = depot_pop(&m->empty, &m->nempty);
	}
	tome_spin_unlock(m->kmem->vm, &m->lock, TOME_RANK_SLAB, irq);
	return *out != NULL;
}

uint64_t
tome_magazines_rounds(struct tome_magazines *m, unsigned ncpus)
{
	uint64_t n = (uint64_t)m->nfull * m->capacity;

	for (unsigned i = 0; i < ncpus; i++)
		n += m->cpu[i].rounds + m->cpu[i].spare_rounds;
	return n;
}
