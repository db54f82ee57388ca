/*
 * callers.c - how a call looks, for the search of callers (backtrace.c).
 */
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <x86.h>

/* What stands before a possible return address. */
enum call
machine_call_before(uintptr_t ret, uintptr_t *target)
{
	const uint8_t *p = (const uint8_t *)ret;
	int32_t distance;

	if (!is_text(ret - 7) || !is_text(ret))
		return NO_CALL;
	if (p[-5] == 0xe8) {
		memcpy(&distance, p - 4, sizeof distance);
		*target = ret + (uintptr_t)(intptr_t)distance;
		return is_text(*target) ? DIRECT : INDIRECT;
	}
	/* FF /2 with a register, a displacement of 0, 1 or 4 bytes, or a SIB. */
	for (unsigned n = 2; n <= 7; n++)
		if (p[-(int)n] == 0xff && (p[1 - (int)n] & 0x38) == 0x10)
			return INDIRECT;
	return NO_CALL;
}
