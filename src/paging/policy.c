/*
 * policy.c - what the policies share: time, in eighths of memory that left; shadows.
 *
 * A shadow is KNOWN, the epoch in which the page left (15 bits), and 16 bits of the
 * policy's own.
 */
#include <paging/policy.h>

#define EPOCH_SHIFT 16
#define EPOCH_MASK 0x7fffu

void
tome_policy_init(struct tome_policy *p, const struct tome_policy_ops *ops,
    uint32_t frames)
{
	p->ops = ops;
	p->frames = p->resident = frames;
	p->eighth = frames / 8 + 1;
	p->cold_target = p->eighth;
	p->keep = 256;
	p->aging = true;
}

uint32_t
tome_policy_left(struct tome_policy *p, uint32_t word)
{
	uint32_t low = p->ops->left(p, word) & TOME_WORD_LOW;

	if (++p->gone >= p->eighth) {
		p->gone = 0;
		p->epoch++;
	}
	return TOME_WORD_KNOWN | (p->epoch & EPOCH_MASK) << EPOCH_SHIFT | low;
}

uint32_t
tome_policy_back(struct tome_policy *p, uint32_t shadow)
{
	uint32_t age = (p->epoch - (shadow >> EPOCH_SHIFT)) & EPOCH_MASK;

	p->came_back++;
	if (shadow == 0)
		return TOME_WORD_KNOWN;
	return TOME_WORD_KNOWN | p->ops->back(p, shadow & TOME_WORD_LOW, age);
}
