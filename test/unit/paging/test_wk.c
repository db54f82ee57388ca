/*
 * test_wk.c - packing pages of every kind and size, and unpacking what is no packed
 * page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <paging/wk.h>

#define MOST 65536u

static const size_t sizes[] = { 4096, 8192, 16384, 65536 };
#define SIZES (sizeof sizes / sizeof sizes[0])

static struct tome_wk wk;
static uint64_t seed;

static uint32_t
roll(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 32);
}

/* ---- kinds of page, a word at a time ---- */

typedef uint32_t word_fn(size_t i);

static uint32_t
word_random(size_t i)
{
	(void)i;
	return roll();
}

static uint32_t
word_small(size_t i)
{
	(void)i;
	return roll() % 200;
}

static uint32_t
word_pointer(size_t i)
{
	return i % 2 ? 0x7f3a : 0x51230000u + roll() % 4096 * 8;
}

static uint32_t
word_sparse(size_t i)
{
	return i % 97 == 5 ? roll() : 0;
}

static uint32_t
word_record(size_t i)
{
	static const uint32_t record[] = { 1, 0, 0x5040, 0x5566, 0, 0, 7, 9 };

	return i % 8 == 4 ? (uint32_t)i : record[i % 8];
}

static uint32_t
word_counter(size_t i)
{
	return (uint32_t)i;
}

/* Alike in the upper 22 bits, and in nothing else. */
static uint32_t
word_near(size_t i)
{
	(void)i;
	return 0xabcde000u | (roll() & 0x3ff);
}

/* Eight values, in turns. */
static uint32_t
word_few(size_t i)
{
	return (uint32_t)(i * 7 % 8 + 1) * 0x01000193u;
}

static word_fn *const kinds[] = { word_small, word_pointer, word_sparse,
	word_record, word_counter, word_near, word_few };
#define KINDS (sizeof kinds / sizeof kinds[0])

static uint32_t page[MOST / 4], back[MOST / 4];
static uint8_t packed[MOST];

static void
fill(word_fn *kind, size_t size)
{
	seed = 1;
	for (size_t i = 0; i < size / 4; i++)
		page[i] = kind(i);
}

static void
expect_back(size_t len, size_t size)
{
	/* Of exactly this length, so that the sanitizer sees a byte too far. */
	uint8_t *in = malloc(len);

	memcpy(in, packed, len);
	memset(back, 0xee, size);
	assert_int_equal(tome_wk_unpack(&wk, in, len, back, size), TOME_OK);
	assert_memory_equal(back, page, size);
	free(in);
}

static void
every_kind_comes_back(void **state)
{
	(void)state;
	for (size_t s = 0; s < SIZES; s++)
		for (size_t k = 0; k < KINDS; k++) {
			size_t size = sizes[s], len;

			fill(kinds[k], size);
			len = tome_wk_pack(&wk, page, size, packed, size);
			assert_in_range(len, 1, size * 3 / 4);
			expect_back(len, size);
		}
}

/* What a kind of word is packed to: the figures of wk.h. */
static void
sizes_are_as_told(void **state)
{
	const size_t fixed = 8 + 64 * 4;	/* a 4 KiB page: bits, tags */
	size_t len;

	(void)state;
	fill(word_few, 4096);			/* all foreseen, in the end */
	len = tome_wk_pack(&wk, page, 4096, packed, 4096);
	assert_in_range(len, fixed, fixed + 64);
	fill(word_near, 4096);
	len = tome_wk_pack(&wk, page, 4096, packed, 4096);
	assert_in_range(len, fixed + 1024, fixed + 2048 + 4);
	memset(page, 0, 4096);
	page[1000] = 0xdeadbeef;		/* one group of 64 bytes */
	len = tome_wk_pack(&wk, page, 4096, packed, 4096);
	assert_in_range(len, 8 + 4 + 4, 8 + 4 + 4 + 4);
	expect_back(len, 4096);
}

static void
random_pages_are_refused(void **state)
{
	(void)state;
	for (size_t s = 0; s < SIZES; s++) {
		fill(word_random, sizes[s]);
		assert_int_equal(tome_wk_pack(&wk, page, sizes[s], packed,
		    sizes[s]), 0);
	}
}

/* A refusal is early: of a page that is hopeless at first, the rest is not read. */
static void
a_hopeless_page_is_refused_early(void **state)
{
	(void)state;
	fill(word_random, 4096);
	memset(page + 256, 0, 3072);
	assert_int_equal(tome_wk_pack(&wk, page, 4096, packed, 4096), 0);
	fill(word_small, 4096);			/* the other way round */
	for (unsigned i = 768; i < 1024; i++)
		page[i] = roll();
	assert_true(tome_wk_pack(&wk, page, 4096, packed, 4096) > 0);
}

/* No limit is passed by a byte, whatever it is. */
static void
limits_hold(void **state)
{
	(void)state;
	for (size_t limit = 0; limit <= 4096; limit += 31) {
		uint8_t *out = malloc(limit);

		for (size_t k = 0; k < KINDS; k++) {
			size_t len;

			fill(kinds[k], 4096);
			len = tome_wk_pack(&wk, page, 4096, out, limit);
			assert_true(len <= limit);
			if (len == 0)
				continue;
			memcpy(packed, out, len);
			expect_back(len, 4096);
		}
		free(out);
	}
}

/* Cut anywhere it is told; and nothing is read beyond the cut. */
static void
what_is_cut_is_told(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		size_t len;

		fill(kinds[k], 4096);
		len = tome_wk_pack(&wk, page, 4096, packed, 4096);
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *in = malloc(cut);

			memcpy(in, packed, cut);
			assert_int_equal(tome_wk_unpack(&wk, in, cut, back,
			    4096), TOME_EIO);
			free(in);
		}
	}
}

/* Bytes changed at will: something comes out or nothing does, and no more. */
static void
any_input_is_safe(void **state)
{
	unsigned told = 0;

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		size_t len, size = sizes[round % SIZES];
		uint8_t *in;

		fill(kinds[round % KINDS], size);
		len = tome_wk_pack(&wk, page, size, packed, size);
		in = malloc(len);
		memcpy(in, packed, len);
		seed = round;
		for (unsigned i = 0; i <= round % 9; i++)
			in[roll() % len] = (uint8_t)roll();
		if (round % 5 == 0)
			for (size_t i = 0; i < len; i++)
				in[i] = (uint8_t)roll();
		told += tome_wk_unpack(&wk, in, len, back, size) == TOME_EIO;
		free(in);
	}
	assert_true(told > 400);
}

static void
one_value_throughout(void **state)
{
	static const uint64_t values[] = { 0, 1, 0x0101010101010101u,
		0x7f00deadbeef0000u, UINT64_MAX };
	uint64_t value;

	(void)state;
	for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
		for (size_t s = 0; s < SIZES; s++) {
			tome_wk_fill(page, sizes[s], values[v]);
			assert_true(tome_wk_same(page, sizes[s], &value));
			assert_true(value == values[v]);
			page[sizes[s] / 4 - 1] ^= 0x100;
			assert_false(tome_wk_same(page, sizes[s], &value));
			page[sizes[s] / 4 - 1] ^= 0x100;
			page[0] ^= 1;
			assert_false(tome_wk_same(page, sizes[s], &value));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back),
		cmocka_unit_test(sizes_are_as_told),
		cmocka_unit_test(random_pages_are_refused),
		cmocka_unit_test(a_hopeless_page_is_refused_early),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(what_is_cut_is_told),
		cmocka_unit_test(any_input_is_safe),
		cmocka_unit_test(one_value_throughout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
