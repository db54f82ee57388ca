/*
 * rig_v.h - an instance with the ARMv7 facade on it; and what its hooks heard.
 */
#ifndef TEST_COMPAT_RIG_V_H
#define TEST_COMPAT_RIG_V_H

#include <rig.h>

#include <armv7/glue.h>
#include <vas2.h>

struct rig_v {
	char order[64];			/* what vm2_start() called */
	_Atomic unsigned warnings, fatals;
	unsigned asid;
	bool no_instance;
	size_t start, end;		/* RAM, in the linear map */
	tome_va_t window;
};
extern struct rig_v v;

/* cmocka's; start is vm2_start()ed. */
int rig_v_up(void **state);
int rig_v_down(void **state);
void rig_v_boot(void);

/* The expression makes just one warning, or one fatal error. */
#define WARNS(expression) do { \
	unsigned before_ = v.warnings + 1000 * v.fatals; \
	DO(expression); \
	assert_int_equal(v.warnings + 1000 * v.fatals, before_ + 1); \
} while (0)
#define FATAL(expression) do { \
	unsigned before_ = v.warnings + 1000 * v.fatals; \
	DO(expression); \
	assert_int_equal(v.warnings + 1000 * v.fatals, before_ + 1000); \
} while (0)

#endif
