/*
 * lock.c - the contended halves of the locks, the sleeping lock, and the check
 * of ranks (docs/locking.md).
 *
 * Invariant (debug): held[0..nheld) are the spinning locks this CPU's thread
 *   and its interrupt handlers hold. Preemption is off while one is held, so
 *   the stack is the CPU's; a handler leaves it as it found it.
 */
#include <base/vm_i.h>

/* Read until it looks free before writing: the line stays shared meanwhile. */
void
tome_bit_spin(_Atomic uint32_t *word, uint32_t bit)
{
	do {
		while (tome_rd_relaxed(word) & bit)
			tome_host_relax();
	} while (!tome_bit_try_raw(word, bit));
}

/* ---- the sleeping lock ---- */

enum { MUTEX_FREE, MUTEX_HELD, MUTEX_CONTENDED };

static void mutex_wait(struct tome_vm *, struct tome_mutex *);

void
tome_mutex_lock(struct tome_vm *vm, struct tome_mutex *m, enum tome_rank rank)
{
	uint32_t seen = MUTEX_FREE;

	(void)rank;
	tome_rank_none(vm, TOME_RANK_ENTRY);
	if (!tome_cas_sc(&m->word, &seen, MUTEX_HELD))
		mutex_wait(vm, m);
}

/* Whoever slept takes it as contended: others may still sleep. */
static void
mutex_wait(struct tome_vm *vm, struct tome_mutex *m)
{
	while (tome_swap_sc(&m->word, MUTEX_CONTENDED) != MUTEX_FREE) {
		if (vm->host->wait != NULL)
			vm->host->wait(vm->ctx, &m->word, MUTEX_CONTENDED,
			    TOME_FOREVER);
		else
			tome_host_relax();
	}
}

/*
 * Every operation that retires things ends here, with nothing else to do and no
 * spinning lock held: the place to free what is ripe. Not in retire itself,
 * which frees call too.
 */
void
tome_mutex_unlock(struct tome_vm *vm, struct tome_mutex *m,
    enum tome_rank rank)
{
	uint32_t was = tome_swap_sc(&m->word, MUTEX_FREE);

	(void)rank;
	TOME_CHECK(vm, was != MUTEX_FREE);
	if (was == MUTEX_CONTENDED && vm->host->wake != NULL)
		vm->host->wake(vm->ctx, &m->word, 1);
	if (tome_unlikely(tome_rd_relaxed(&tome_this_cpu(vm)->epoch.pending) >=
	    TOME_EPOCH_BATCH))
		tome_epoch_poll(vm);
}

void
tome_lock(struct tome_vm *vm, struct tome_mutex *m)
{
	tome_mutex_lock(vm, m, TOME_RANK_POSIX);
}

bool
tome_try_lock(struct tome_vm *vm, struct tome_mutex *m)
{
	uint32_t seen = MUTEX_FREE;

	(void)vm;
	return tome_cas_sc(&m->word, &seen, MUTEX_HELD);
}

void
tome_unlock(struct tome_vm *vm, struct tome_mutex *m)
{
	tome_mutex_unlock(vm, m, TOME_RANK_POSIX);
}

#ifdef TOME_DEBUG

/* ---- ranks ---- */

#define HELD_MAX \
	(sizeof ((struct tome_cpu *)0)->held /                           \
	    sizeof ((struct tome_cpu *)0)->held[0])

static bool rank_orders(const struct tome_cpu *, enum tome_rank);
static bool rank_repeats(enum tome_rank);

void
tome_rank_acquire(struct tome_vm *vm, enum tome_rank rank, const void *lock,
    bool trying)
{
	struct tome_cpu *cpu = tome_this_cpu(vm);
	unsigned n = cpu->nheld;

	TOME_CHECK(vm, n < HELD_MAX);
	if (!trying)
		TOME_CHECK(vm, rank_orders(cpu, rank));
	if (rank <= TOME_RANK_FLUSH_LAST)
		TOME_CHECK(vm, cpu->interrupts == 0);
	cpu->held[n].lock = lock;
	cpu->held[n].rank = (uint8_t)rank;
	tome_wr_relaxed(&cpu->nheld, n + 1);
}

/* Every lock held is of a lower rank, or of this one where two may be held. */
static bool
rank_orders(const struct tome_cpu *cpu, enum tome_rank rank)
{
	unsigned i;

	for (i = 0; i < cpu->nheld; i++)
		if (cpu->held[i].rank > rank ||
		    (cpu->held[i].rank == rank && !rank_repeats(rank)))
			return false;
	return true;
}

/* See enum tome_rank for the order between the two. */
static bool
rank_repeats(enum tome_rank rank)
{
	return rank == TOME_RANK_ENTRY || rank == TOME_RANK_CHUNK ||
	    rank == TOME_RANK_OBJECT || rank == TOME_RANK_TABLE;
}

/* Mostly the youngest; hand-over-hand release takes one from below. */
void
tome_rank_release(struct tome_vm *vm, enum tome_rank rank, const void *lock)
{
	struct tome_cpu *cpu = tome_this_cpu(vm);
	unsigned i = cpu->nheld;

	while (i > 0 && (cpu->held[i - 1].lock != lock ||
	    cpu->held[i - 1].rank != rank))
		i--;
	TOME_CHECK(vm, i > 0);
	for (; i < cpu->nheld; i++)
		cpu->held[i - 1] = cpu->held[i];
	tome_wr_relaxed(&cpu->nheld, cpu->nheld - 1);
}

void
tome_rank_none(struct tome_vm *vm, enum tome_rank from)
{
	struct tome_cpu *cpu;
	unsigned i;

	tome_host_preempt_off();
	cpu = tome_this_cpu(vm);
	for (i = 0; i < cpu->nheld; i++)
		TOME_CHECK(vm, cpu->held[i].rank < from);
	tome_host_preempt_on();
}

void
tome_rank_interrupt(struct tome_vm *vm, bool enter)
{
	struct tome_cpu *cpu = tome_this_cpu(vm);

	cpu->interrupts += enter ? 1 : -1u;
}

void
tome_rank_section(struct tome_vm *vm)
{
	TOME_CHECK(vm, tome_this_cpu(vm)->epoch.depth > 0);
}

#endif
