/*
 * second_chance.c - FIFO that looks once more: a page that was used since the hand
 * last came stays for another round.
 */
#include <paging/policy.h>

static bool
second_asks(struct tome_policy *p, uint32_t word)
{
	(void)p, (void)word;
	return true;
}

static bool
second_look(struct tome_policy *p, uint32_t *word, bool used)
{
	(void)p;
	*word = TOME_WORD_KNOWN;
	return !used;
}

static void
second_round(struct tome_policy *p)
{
	(void)p;
}

static uint32_t
second_left(struct tome_policy *p, uint32_t word)
{
	(void)p, (void)word;
	return 0;
}

static uint32_t
second_back(struct tome_policy *p, uint32_t low, uint32_t age)
{
	(void)p, (void)low, (void)age;
	return 0;
}

const struct tome_policy_ops tome_policy_second_chance = {
	.name = "second-chance", .asks = second_asks, .look = second_look,
	.round = second_round, .left = second_left, .back = second_back,
};
