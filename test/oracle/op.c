/*
 * op.c - making, printing and reading operations.
 */
#include <inttypes.h>
#include <string.h>

#include "model.h"
#include "op.h"

static const char *const names[OP_KINDS] = {
#define X(name) #name,
	OP_LIST(X)
#undef X
};

/* How often each comes, of the sum. */
static const unsigned char weight[OP_KINDS] = {
	[OP_SPACE] = 2, [OP_MAP] = 14, [OP_MAP_OBJECT] = 8, [OP_UNMAP] = 6,
	[OP_PROTECT] = 9, [OP_MAX_PROT] = 1, [OP_NAME] = 2, [OP_LIMIT] = 2, [OP_ADVISE] = 7,
	[OP_INHERIT] = 4, [OP_WIRE] = 3, [OP_UNWIRE] = 3, [OP_MOVE] = 9,
	[OP_FORK] = 5, [OP_EXIT] = 3, [OP_CLEAR] = 1, [OP_READ] = 34,
	[OP_WRITE] = 40, [OP_EXEC] = 3, [OP_COPYIN] = 5, [OP_COPYOUT] = 6,
	[OP_FETCH] = 2, [OP_CAS] = 3, [OP_ALIEN_READ] = 5,
	[OP_ALIEN_WRITE] = 5, [OP_OBJECT] = 4, [OP_DEVICE] = 2, [OP_OBJECT_DROP] = 2,
	[OP_OBJECT_RESIZE] = 4, [OP_OBJECT_PUNCH] = 3, [OP_OBJECT_READ] = 3,
	[OP_OBJECT_WRITE] = 4, [OP_INCORE] = 2,
	[OP_KEY] = 2, [OP_LEAVE] = 3, [OP_QUIESCE] = 1,
	[OP_FILE] = 4, [OP_OBJECT_SYNC] = 3, [OP_PAGE_OUT] = 8, [OP_RECLAIM] = 3,
	[OP_SWAPOFF] = 1,
};

struct dice {
	uint64_t x;
};

/* Steele, Lea and Flood's splitmix64. */
static uint64_t
roll64(struct dice *d)
{
	uint64_t z = d->x += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint32_t
roll(struct dice *d, uint32_t n)
{
	return (uint32_t)((roll64(d) >> 32) * n >> 32);
}

static uint32_t
roll_kind(struct dice *d)
{
	unsigned sum = 0, k;
	uint32_t r;

	for (k = 0; k < OP_KINDS; k++)
		sum += weight[k];
	r = roll(d, sum);
	for (k = 0; r >= weight[k]; k++)
		r -= weight[k];
	return k;
}

/* Mostly short, now and then a page or two. */
static uint32_t
roll_len(struct dice *d)
{
	if (roll(d, 8) == 0)
		return 1 + roll(d, 2 * M_BYTES);
	return 1 + roll(d, 64);
}

void
op_random(struct op *op, uint64_t seed, uint64_t i, bool failing)
{
	static const uint8_t prots[] = { 3, 3, 3, 3, 1, 7, 5, 0 };
	struct dice d = { seed * UINT64_C(0xd1342543de82ef95) + i * 977 };

	op->kind = roll_kind(&d);
	op->cpu = roll(&d, 3);
	op->space = roll(&d, M_SPACES);
	op->other = roll(&d, M_SPACES);
	op->page = roll(&d, M_PAGES);
	op->npages = 1 + (roll(&d, 3) ? roll(&d, 6) : roll(&d, 24));
	op->to = roll(&d, M_PAGES);
	op->nto = 1 + (roll(&d, 3) ? roll(&d, 6) : roll(&d, 24));
	op->prot = prots[roll(&d, sizeof prots)];
	op->flags = (uint32_t)roll64(&d);
	op->off = roll(&d, M_BYTES);
	op->len = roll_len(&d);
	op->value = (uint32_t)roll64(&d);
	op->fail = failing && roll(&d, 3) == 0 ? 1 + roll(&d, 10) : 0;
}

void
op_print(FILE *to, const struct op *op)
{
	fprintf(to, "%s cpu %" PRIu32 " space %" PRIu32 " other %" PRIu32
	    " page %" PRIu32 " n %" PRIu32 " to %" PRIu32 " n %" PRIu32
	    " prot %" PRIu32 " flags %#" PRIx32 " off %" PRIu32 " len %" PRIu32
	    " value %#" PRIx32 " fail %" PRIu32 "\n", names[op->kind],
	    op->cpu, op->space, op->other, op->page, op->npages, op->to,
	    op->nto, op->prot, op->flags, op->off, op->len, op->value,
	    op->fail);
}

bool
op_parse(const char *line, struct op *op)
{
	char name[32];
	unsigned k;

	if (sscanf(line, "%31s cpu %" SCNu32 " space %" SCNu32 " other %" SCNu32
	    " page %" SCNu32 " n %" SCNu32 " to %" SCNu32 " n %" SCNu32
	    " prot %" SCNu32 " flags %" SCNx32 " off %" SCNu32 " len %" SCNu32
	    " value %" SCNx32 " fail %" SCNu32, name, &op->cpu, &op->space,
	    &op->other, &op->page, &op->npages, &op->to, &op->nto, &op->prot,
	    &op->flags, &op->off, &op->len, &op->value, &op->fail) !=
	    OP_FIELDS)
		return false;
	for (k = 0; k < OP_KINDS; k++)
		if (strcmp(name, names[k]) == 0)
			break;
	op->kind = k;
	return k < OP_KINDS;
}
