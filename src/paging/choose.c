/*
 * choose.c - the policy of each zone (policy.h), over the pages that there are.
 *
 * A page's word is in `prev`, a link that pages in use have no need of and that is 0
 * in a frame just allocated. It is written while its owner is locked, so the frame is
 * still that page's; or before anybody knows the page. Most pages that the hand comes
 * to are passed by for their word alone, which is then read without any lock: it may
 * be anything, and is advice.
 *
 * A shadow's key is the anon's address, so a page that comes back is known however
 * often its slot has changed; of a file's page, its file and index.
 *
 * Locks: `sweep` over what the hand does; the choice's, leaf side, too where a page
 * that comes back may change it: rounds, what left, shadows.
 */
#include <base/memory.h>
#include <paging/paging_i.h>
#include <phys/phys_i.h>

#define SHADOWS 2u			/* for each frame, unless they are many */
#define BYTES_MAX ((size_t)1 << 21)

static uintptr_t
choice_lock(struct tome_paging *p)
{
	return tome_spin_lock(p->vm, &p->choice.lock, TOME_RANK_QUEUE);
}

static void
choice_unlock(struct tome_paging *p, uintptr_t irq)
{
	tome_spin_unlock(p->vm, &p->choice.lock, TOME_RANK_QUEUE, irq);
}

/* Where nothing can be swapped out nothing need be remembered of it. */
enum tome_err
tome_choice_remember(struct tome_paging *p)
{
	struct tome_phys *phys = p->vm->phys;
	uint32_t rows = tome_shadow_rows(SHADOWS * (uint32_t)phys->usable);
	struct tome_shadow *row;
	uintptr_t irq;

	if (tome_rd(&p->choice.shadows.row) != NULL)
		return TOME_OK;
	while (rows * sizeof *row > BYTES_MAX)
		rows /= 2;
	row = tome_kzalloc(p->vm, rows * sizeof *row);
	if (row == NULL)
		return TOME_ENOMEM;
	irq = choice_lock(p);
	if (p->choice.shadows.row == NULL) {
		tome_shadows_init(&p->choice.shadows, row, rows);
		row = NULL;
	}
	choice_unlock(p, irq);
	tome_kfree(p->vm, row);
	return TOME_OK;
}

void
tome_choice_end(struct tome_paging *p)
{
	tome_kfree(p->vm, p->choice.shadows.row);
}

void
tome_paging_policy(struct tome_vm *vm, enum tome_policy_name name)
{
	static const struct tome_policy_ops *const all[] = {
		[TOME_POLICY_GENERATIONS] = &tome_policy_generations,
		[TOME_POLICY_SECOND_CHANCE] = &tome_policy_second_chance,
		[TOME_POLICY_CLOCK_PRO] = &tome_policy_clock_pro,
	};
	struct tome_paging *p = vm->paging;
	uintptr_t irq = choice_lock(p);

	for (unsigned kind = 0; kind < TOME_ZONES; kind++) {
		const struct tome_zone *z = &vm->phys->zone[kind];

		memset(&p->choice.policy[kind], 0,
		    sizeof p->choice.policy[kind]);
		tome_policy_init(&p->choice.policy[kind], all[name],
		    (uint32_t)tome_zone_span(vm, z));
	}
	choice_unlock(p, irq);
}

/* A zone's end may lie beyond the last frame. */
tome_pfn_t
tome_zone_span(struct tome_vm *vm, const struct tome_zone *z)
{
	tome_pfn_t end = z->end < vm->npfn ? z->end : vm->npfn;

	return z->total > 0 && end > z->first ? end - z->first : 0;
}

static tome_noinline void
choice_round(struct tome_paging *p, struct tome_policy *policy)
{
	uintptr_t irq = choice_lock(p);

	tome_policy_round(policy);
	choice_unlock(p, irq);
}

/* What seems to be a page that may leave, and that the policy wants to look at. In a
 * hurry no page is spared for what it was. */
static inline bool
choice_asks(struct tome_paging *p, struct tome_policy *policy,
    const struct tome_page *page)
{
	uint32_t state = tome_rd_relaxed(&page->state);
	uint32_t identity = state & TOME_PAGE_IDENTITY;

	return (identity == TOME_PAGE_ANON || identity == TOME_PAGE_CACHE) &&
	    state < TOME_PAGE_WIRE_ONE &&
	    (p->choice.hurry || tome_policy_asks(policy,
	    (uint32_t)tome_rd_relaxed(&page->prev)));
}

tome_noinline struct tome_page *
tome_choice_next(struct tome_paging *p, enum tome_zone_kind kind,
    uint64_t *steps)
{
	const struct tome_zone *z = &p->vm->phys->zone[kind];
	struct tome_policy *policy = &p->choice.policy[kind];
	tome_pfn_t pfn = p->choice.hand[kind], end = z->first +
	    tome_zone_span(p->vm, z);
	struct tome_page *page, *found = NULL;

	for (; *steps > 0 && found == NULL; --*steps) {
		if (++pfn >= end || pfn < z->first)
			pfn = z->first;
		if (tome_policy_step(policy))
			choice_round(p, policy);
		page = tome_page_try(p->vm, pfn);
		if (page != NULL && choice_asks(p, policy, page))
			found = page;
	}
	p->choice.hand[kind] = pfn;
	return found;
}

static struct tome_policy *
policy_of(struct tome_paging *p, tome_pfn_t pfn)
{
	return &p->choice.policy[tome_zone_of(p->vm, pfn)->kind];
}

/* Of an anon, of a file's page. */
static uint64_t
choice_key(const void *owner, const struct tome_page *page)
{
	uint64_t key = (uintptr_t)owner;

	if (tome_page_identity(page) == TOME_PAGE_CACHE)
		key += ((uint64_t)page->index + 1) * 0x9e3779b97f4a7c15u;
	return key;
}

bool
tome_choice_spares(struct tome_vm *vm, struct tome_page *page, tome_pfn_t pfn)
{
	struct tome_paging *p = vm->paging;
	uint32_t word = (uint32_t)page->prev;
	bool used = tome_page_accessed(vm, pfn, true), leaves;

	leaves = tome_policy_look(policy_of(p, pfn), &word, used) ||
	    (p->choice.hurry && !used);
	tome_wr_relaxed(&page->prev, (tome_pfn_t)word);
	if (leaves) {
		p->choice.word = word;
		p->choice.key = choice_key(tome_rd(&page->owner), page);
	}
	return !leaves;
}

/* As one that was used in no round. */
void
tome_choice_cool(struct tome_vm *vm, struct tome_page *page, tome_pfn_t pfn)
{
	(void)tome_page_accessed(vm, pfn, true);
	tome_wr_relaxed(&page->prev, (tome_pfn_t)TOME_WORD_KNOWN);
}

void
tome_choice_left(struct tome_paging *p, enum tome_zone_kind kind)
{
	struct tome_choice *c = &p->choice;
	uintptr_t irq = choice_lock(p);
	uint32_t shadow;

	shadow = tome_policy_left(&c->policy[kind], c->word);
	if (c->shadows.row != NULL)
		tome_shadow_put(&c->shadows, c->key, shadow);
	choice_unlock(p, irq);
}

void
tome_choice_back(struct tome_vm *vm, tome_pfn_t pfn, const void *owner)
{
	struct tome_paging *p = vm->paging;
	struct tome_shadows *s = &p->choice.shadows;
	struct tome_page *page = tome_page(vm, pfn);
	uintptr_t irq = choice_lock(p);
	uint32_t shadow = s->row == NULL ? 0 :
	    tome_shadow_take(s, choice_key(owner, page));

	/* A file's page that nothing is known of may well be new. */
	if (shadow != 0 || tome_page_identity(page) == TOME_PAGE_ANON)
		tome_wr_relaxed(&page->prev, (tome_pfn_t)tome_policy_back(
		    policy_of(p, pfn), shadow));
	choice_unlock(p, irq);
}
