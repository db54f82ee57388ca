/*
 * policy.h - which pages leave: a table of functions over one word a page.
 *
 * A hand goes round the frames of a zone. Of each page the policy has a word, 0 when
 * the page is new, and learns no more than whether it was used since it was last
 * asked. So nothing is done when a page is made, mapped or freed. What left is
 * remembered as a word too, its shadow, which whoever keeps it gives back if the page
 * returns.
 *
 * Whoever moves the hand calls, for each frame: tome_policy_step(), and
 * tome_policy_round() if that says so; if it is a page and tome_policy_asks(), he
 * clears its accessed bits, tells tome_policy_look(), and evicts it if that says so; if
 * it left, tome_policy_left(). The simulator (bench/policies.c) does so too, with this
 * very source.
 *
 * Locks: the caller's two. One hand moves at a time. With it, or without, others may call
 * tome_policy_back(): it, tome_policy_round() and tome_policy_left() exclude each other. What
 * it changes and asks() or look() use beside it is _Atomic.
 */
#ifndef TOME_PAGING_POLICY_H
#define TOME_PAGING_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct tome_policy;

struct tome_policy_ops {
	const char *name;
	/* Whether it has to know if this page was used. */
	bool (*asks)(struct tome_policy *, uint32_t word);
	/* True: it shall leave. */
	bool (*look)(struct tome_policy *, uint32_t *word, bool used);
	/* The hand has been round since the last such call, or restart. */
	void (*round)(struct tome_policy *);
	/* A page left: its shadow's lower half. */
	uint32_t (*left)(struct tome_policy *, uint32_t word);
	/* It is here again, `age` eighths of memory later: its first word. */
	uint32_t (*back)(struct tome_policy *, uint32_t shadow, uint32_t age);
};

/* By use now and before, and by what came back (the default); FIFO with a second
 * chance; hot and cold pages and a test (Jiang, Chen and Zhang, USENIX 2005). */
extern const struct tome_policy_ops tome_policy_generations;
extern const struct tome_policy_ops tome_policy_second_chance;
extern const struct tome_policy_ops tome_policy_clock_pro;

#define TOME_POLICY_CLASSES 512u

struct tome_policy {
	const struct tome_policy_ops *ops;
	uint32_t frames;		/* that the hand goes round */
	uint32_t passed;		/* of them, since the last round */
	uint32_t eighth;		/* of what is resident, 1 at least */
	uint32_t epoch;			/* eighths that left */
	uint32_t gone;			/* pages that left in this one */
	uint32_t came_new, came_back;	/* arrivals */
	uint32_t seen;			/* pages, in this round */
	/* Generations. */
	bool aging;			/* or taking */
	uint32_t keep;			/* of a score, in 1/256, by epoch */
	uint32_t cut;			/* pages of this class or below leave */
	uint32_t count[TOME_POLICY_CLASSES];
	/* Clock-pro. */
	_Atomic uint32_t hot;		/* pages now, */
	uint32_t hot_seen;		/* and in this round */
	_Atomic uint32_t cold_target;
	uint32_t resident;		/* as of the last round */
};

/* Of a zeroed one. */
void tome_policy_init(struct tome_policy *, const struct tome_policy_ops *,
    uint32_t frames);

/* The hand is at the next frame. True: it has been round. */
static inline bool
tome_policy_step(struct tome_policy *p)
{
	return ++p->passed >= p->frames;
}

static inline void
tome_policy_round(struct tome_policy *p)
{
	p->passed = 0;
	p->ops->round(p);
}

static inline bool
tome_policy_asks(struct tome_policy *p, uint32_t word)
{
	return p->ops->asks(p, word);
}

static inline bool
tome_policy_look(struct tome_policy *p, uint32_t *word, bool used)
{
	return p->ops->look(p, word, used);
}

/* Its shadow, never 0. */
uint32_t tome_policy_left(struct tome_policy *, uint32_t word);
/* The first word of a page that was here before; its shadow, or 0: forgotten. */
uint32_t tome_policy_back(struct tome_policy *, uint32_t shadow);

/* ---- for the policies ---- */

#define TOME_WORD_KNOWN 0x80000000u	/* not new any more */
#define TOME_WORD_LOW 0x0000ffffu	/* what a shadow keeps of it */

#endif
