/*
 * test_text.c - sentences.
 */
#include <base/text.h>
#include <inttypes.h>
#include <stdio.h>

#include "support.h"

static void
test_numbers(void **state)
{
	static const uint64_t n[] = { 0, 1, 9, 10, 11, 99, 100, 4096,
		UINT32_MAX, (uint64_t)UINT32_MAX + 1, 9999999999999999999u,
		10000000000000000000u, UINT64_MAX };
	char got[64], want[64];
	struct tome_text t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof n / sizeof n[0]; i++) {
		t = tome_text_begin(got, sizeof got);
		tome_text_dec(&t, n[i]);
		tome_text_str(&t, " ");
		tome_text_hex(&t, n[i]);
		snprintf(want, sizeof want, "%" PRIu64 " 0x%" PRIx64, n[i],
		    n[i]);
		assert_string_equal(got, want);
	}
}

static void
test_cut(void **state)
{
	char buf[8] = "ZZZZZZZ", one[1] = "Z";
	struct tome_text t = tome_text_begin(buf, 5);

	(void)state;
	tome_text_str(&t, "ab");
	tome_text_dec(&t, 12345);
	assert_string_equal(buf, "ab12");
	assert_int_equal(buf[5], 'Z');
	t = tome_text_begin(one, 1);
	tome_text_str(&t, "x");
	assert_int_equal(one[0], '\0');
}

static void
test_why(void **state)
{
	static const struct tome_range r[] = {
		{ 1 * MIB, 1 * MIB, TOME_RANGE_USABLE },
	};
	struct support s;

	(void)state;
	support_start(&s, r, 1);
	assert_string_equal(tome_why(s.vm, "wire count", 0x123, 2, 1),
	    "wire count (0x123): is 2, recounted 1");
	tome_log_count(s.vm, "lost ", 3, " things");
	assert_string_equal(s.log, "lost 3 things");
	s.host.log = NULL;
	tome_log_count(s.vm, "lost ", 4, " things");
	assert_string_equal(s.log, "lost 3 things");
	support_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
