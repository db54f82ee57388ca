/*
 * test_policy.c - the policies and their shadows, over a made-up memory.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <paging/policy.h>
#include <paging/shadow.h>

#define FRAMES 64u
#define PAGES 1024u
#define NOWHERE UINT32_MAX

/* Frames that hold pages; a use sets a bit, a miss asks the policy for a frame. */
struct toy {
	struct tome_policy policy;
	struct tome_shadows shadows;
	struct tome_shadow row[FRAMES];
	uint32_t hand, resident;
	uint32_t page[FRAMES], word[FRAMES], frame[PAGES];
	bool used[FRAMES], left[PAGES];
	unsigned misses, steps;
};

static struct toy toy;

static void
begin(const struct tome_policy_ops *ops)
{
	memset(&toy, 0, sizeof toy);
	for (unsigned i = 0; i < PAGES; i++)
		toy.frame[i] = NOWHERE;
	tome_shadows_init(&toy.shadows, toy.row,
	    tome_shadow_rows(4 * FRAMES));
	tome_policy_init(&toy.policy, ops, FRAMES);
}

static uint32_t
victim(void)
{
	for (toy.steps = 0; toy.steps < 2000 * FRAMES; toy.steps++) {
		uint32_t f = toy.hand = (toy.hand + 1) % FRAMES;
		bool used;

		if (tome_policy_step(&toy.policy))
			tome_policy_round(&toy.policy);
		if (!tome_policy_asks(&toy.policy, toy.word[f]))
			continue;
		used = toy.used[f];
		toy.used[f] = false;
		if (!tome_policy_look(&toy.policy, &toy.word[f], used))
			continue;
		tome_shadow_put(&toy.shadows, toy.page[f],
		    tome_policy_left(&toy.policy, toy.word[f]));
		toy.frame[toy.page[f]] = NOWHERE;
		toy.left[toy.page[f]] = true;
		return f;
	}
	fail_msg("no page leaves");
	return 0;
}

static void
touch(uint32_t page)
{
	uint32_t f = toy.frame[page];

	if (f == NOWHERE) {
		toy.misses++;
		f = toy.resident < FRAMES ? toy.resident++ : victim();
		toy.page[f] = page;
		toy.frame[page] = f;
		toy.word[f] = toy.left[page] ? tome_policy_back(&toy.policy,
		    tome_shadow_take(&toy.shadows, page)) : 0;
	}
	toy.used[f] = true;
}

static const struct tome_policy_ops *const all[] = {
	&tome_policy_generations, &tome_policy_second_chance,
	&tome_policy_clock_pro,
};
#define ALL (sizeof all / sizeof all[0])

/* Whatever is used, a page is found, and what fits is never missed twice. */
static void
test_always_a_victim(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		begin(all[i]);
		for (unsigned k = 0; k < 20000; k++) {
			x = x * 1664525 + 1013904223;
			touch((x >> 16) % PAGES);
		}
		assert_true(toy.misses > 10000 && toy.misses < 20000);
		begin(all[i]);
		for (unsigned k = 0; k < 10 * FRAMES; k++)
			touch(k % FRAMES);
		assert_int_equal(toy.misses, FRAMES);
	}
}

/* Every page used between any two looks: still one leaves. */
static void
test_all_used(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		begin(all[i]);
		for (uint32_t page = 0; page < PAGES; page++) {
			touch(page);
			memset(toy.used, true, sizeof toy.used);
		}
		assert_int_equal(toy.misses, PAGES);
	}
}

/* Half of memory in steady use, and a long scan beside it, every page once. */
static unsigned
misses_beside_scan(const struct tome_policy_ops *ops)
{
	unsigned lost = 0;

	begin(ops);
	for (unsigned round = 0; round < 40; round++)
		for (uint32_t page = 0; page < FRAMES / 2; page++)
			touch(page);
	for (uint32_t page = FRAMES; page < PAGES; page++) {
		touch(page);
		if (page % 24 != 0)
			continue;
		for (uint32_t own = 0; own < FRAMES / 2; own++) {
			lost += toy.frame[own] == NOWHERE;
			touch(own);
		}
	}
	return lost;
}

static void
test_scan(void **state)
{
	unsigned second = misses_beside_scan(&tome_policy_second_chance);
	unsigned ours = misses_beside_scan(&tome_policy_generations);

	(void)state;
	assert_true(second > 0);
	assert_true(ours < second / 2);
}

/* A freed page's word is 0 again: the policy does not count on what it knew. */
static void
test_freed_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		begin(all[i]);
		for (uint32_t page = 0; page < PAGES; page++) {
			touch(page);
			touch(page / 2);
			if (page % 3 == 0)
				toy.word[page % FRAMES] = 0;
		}
		assert_true(toy.misses >= PAGES);
	}
}

static void
test_shadows(void **state)
{
	struct tome_shadow row[2];
	struct tome_shadows s;
	unsigned known = 0;

	(void)state;
	memset(row, 0, sizeof row);
	tome_shadows_init(&s, row, 2);
	assert_int_equal(tome_shadow_rows(8), 2);
	assert_int_equal(tome_shadow_rows(9), 4);
	tome_shadow_put(&s, 7, 70);
	assert_int_equal(tome_shadow_take(&s, 8), 0);
	assert_int_equal(tome_shadow_take(&s, 7), 70);
	assert_int_equal(tome_shadow_take(&s, 7), 0);
	/* The latest are known, no more than there is room for. */
	for (uint32_t key = 0; key < 100; key++)
		tome_shadow_put(&s, key, key + 1);
	assert_int_equal(tome_shadow_take(&s, 99), 100);
	for (uint32_t key = 0; key < 99; key++)
		known += tome_shadow_take(&s, key) == key + 1;
	assert_int_equal(known, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_always_a_victim),
		cmocka_unit_test(test_all_used),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_freed_pages),
		cmocka_unit_test(test_shadows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
