/*
 * generations.c - the default policy: a page's class is how often it was used, the
 * more the later.
 *
 * The hand alternates between two ways round. Aging, it asks of every page whether it
 * was used: the page's score falls by a share and rises by one if it was. Then it
 * knows how many pages are in each class, and up to which class (the cut) a 32nd of
 * them lies. Taking, it asks only of pages up to the cut; one that was not used since
 * leaves. When a round has found too few the cut rises; when an eighth of all has
 * left, it ages again.
 *
 * So a page that is read once goes before one that was used in many rounds, however
 * late, which a list by last use does not know. (A loop larger than memory gains
 * nothing: all its pages have one score.) Two things keep it from holding on to what
 * is over. A page that comes back has the score it left with, less what it would have
 * lost, so that it need not earn it again while others live on theirs. And the share
 * that scores fall by grows with the share of pages that were never here: new pages
 * are a new phase of the program, pages that come back are the old one.
 *
 * (LRFU's score: Lee et al., IEEE ToC 2001, here from bits by epoch. Weighed, with the
 * traces of bench/policies.c: two orders, by last use and by score, and whichever errs
 * less (LeCaR): half as good, as both err most of the time. Aging whenever a round has
 * found too few: so often that scores forget, and no better than LRU.)
 */
#include <paging/policy.h>

/* What one epoch's use adds. At most ONE / (1 - MOST / 256) = 65,536, the
 * most a word holds. */
#define ONE 1024u
#define CLASS_SHIFT 7
/* What is kept of a score by epoch, of 256, when all pages have come back, and how
 * much less of it when all are new. */
#define MOST 252u
#define NEW_LESS 140u
/* MOST/256 to this power is a half. */
#define HALF_LIFE 44u
/* Each cut takes on so much of all pages. */
#define CUT_SHARE 32u
#define SCORE_MAX TOME_WORD_LOW
/* Of a word: used since it was last aged, and asked. */
#define USED 0x10000u

static bool
generations_asks(struct tome_policy *p, uint32_t word)
{
	return p->aging || (!(word & USED) &&
	    (word & TOME_WORD_LOW) >> CLASS_SHIFT <= p->cut);
}

static bool
look_aging(struct tome_policy *p, uint32_t *word, bool used)
{
	uint32_t score = (*word & TOME_WORD_LOW) * p->keep >> 8;

	if (used || (*word & USED))
		score += ONE;
	if (score > SCORE_MAX)
		score = SCORE_MAX;
	p->count[score >> CLASS_SHIFT]++;
	p->seen++;
	*word = TOME_WORD_KNOWN | score;
	return false;
}

static bool
generations_look(struct tome_policy *p, uint32_t *word, bool used)
{
	if (*word == 0)
		p->came_new++;
	if (p->aging)
		return look_aging(p, word, used);
	if (!used)
		return true;
	*word |= TOME_WORD_KNOWN | USED;
	return false;
}

static void
begin_aging(struct tome_policy *p)
{
	uint32_t less = NEW_LESS, all = p->came_new + p->came_back;

	/* came_new / all, in eighths, without dividing by a variable. */
	for (unsigned i = 0; i < 8; i++)
		if (p->came_new < (all >> 3) * (8 - i))
			less -= NEW_LESS / 8;
	p->keep = MOST - less;
	p->came_new = p->came_back = 0;
	p->seen = 0;
	for (unsigned i = 0; i < TOME_POLICY_CLASSES; i++)
		p->count[i] = 0;
	p->aging = true;
}

/* So many classes more, from this one on, that they hold a share of all pages. */
static void
raise_cut(struct tome_policy *p, uint32_t from)
{
	uint32_t more = 0;

	p->cut = from;
	while (p->cut < TOME_POLICY_CLASSES - 1) {
		more += p->count[p->cut];
		if (more >= p->seen / CUT_SHARE + 1)
			break;
		p->cut++;
	}
}

/* Taking, round after round, more classes each time; when all are used, age. */
static void
generations_round(struct tome_policy *p)
{
	if (p->aging) {
		p->aging = false;
		p->eighth = p->seen / 8 + 1;
		raise_cut(p, 0);
	} else if (p->cut < TOME_POLICY_CLASSES - 1) {
		raise_cut(p, p->cut + 1);
	} else {
		begin_aging(p);
	}
}

static uint32_t
generations_left(struct tome_policy *p, uint32_t word)
{
	if (p->gone + 1 >= p->eighth) {
		p->passed = 0;
		begin_aging(p);
	}
	return word;
}

static uint32_t
generations_back(struct tome_policy *p, uint32_t score, uint32_t age)
{
	(void)p;
	for (; age >= HALF_LIFE && score > 0; age -= HALF_LIFE)
		score >>= 1;
	return score - score * age / (2 * HALF_LIFE);
}

const struct tome_policy_ops tome_policy_generations = {
	.name = "generations", .asks = generations_asks,
	.look = generations_look, .round = generations_round,
	.left = generations_left, .back = generations_back,
};
