/*
 * clock_pro.c - hot pages and cold ones; a cold one that is used again within a test
 * becomes hot, whether it is still here or came back (after CLOCK-Pro: Jiang, Chen and
 * Zhang, USENIX 2005).
 *
 * Differences: one hand, by frame, does the work of the cold and of the hot one; it
 * passes hot pages by as long as there are not too many. A test of a page that left
 * ends with its age, not by a third hand. How many pages are hot is recounted each
 * round, as nobody tells when a page is freed.
 *
 * How many cold pages there shall be grows with each test that is passed by a page
 * that had left, and falls with each page that leaves in its test.
 */
#include <paging/policy.h>

#define HOT 1u
#define TEST 2u
/* A test lasts until as many pages have left as there are, in eighths. */
#define TEST_EPOCHS 8u

static bool
too_hot(const struct tome_policy *p)
{
	return p->hot + p->cold_target > p->resident;
}

static bool
clock_pro_asks(struct tome_policy *p, uint32_t word)
{
	p->seen++;
	if (!(word & HOT))
		return true;
	p->hot_seen++;
	return too_hot(p);
}

static bool
look_hot(struct tome_policy *p, uint32_t *word, bool used)
{
	if (used)
		return false;
	*word &= ~HOT;
	if (p->hot > 0)
		p->hot--;
	return false;
}

static bool
clock_pro_look(struct tome_policy *p, uint32_t *word, bool used)
{
	/* The use of a new page is its arrival. */
	if (*word == 0) {
		*word = TOME_WORD_KNOWN | TEST;
		return false;
	}
	if (*word & HOT)
		return look_hot(p, word, used);
	if (!used)
		return true;
	if (*word & TEST) {
		*word = TOME_WORD_KNOWN | HOT;
		p->hot++;
	} else {
		*word = TOME_WORD_KNOWN | TEST;
	}
	return false;
}

/* Those that were freed while hot do not count any more. */
static void
clock_pro_round(struct tome_policy *p)
{
	p->hot = p->hot_seen;
	p->resident = p->seen;
	p->eighth = p->seen / 8 + 1;
	p->hot_seen = p->seen = 0;
}

static uint32_t
clock_pro_left(struct tome_policy *p, uint32_t word)
{
	if (word & TEST && p->cold_target > 1)
		p->cold_target--;
	return word & TEST;
}

static uint32_t
clock_pro_back(struct tome_policy *p, uint32_t low, uint32_t age)
{
	uint32_t most = p->eighth * 7;

	if (!(low & TEST) || age > TEST_EPOCHS)
		return TEST;
	p->cold_target = p->cold_target + 2 < most ? p->cold_target + 2 : most;
	p->hot++;
	return HOT;
}

const struct tome_policy_ops tome_policy_clock_pro = {
	.name = "clock-pro", .asks = clock_pro_asks, .look = clock_pro_look,
	.round = clock_pro_round, .left = clock_pro_left,
	.back = clock_pro_back,
};
