/*
 * fixup.h - where a fault in a copy to or from user memory goes on, from the table
 * that a port's access.c has made. Included once, where START and END are defined: the
 * names of the table's bounds.
 */
#include <tome/port.h>

/* Relative to the field, so that the table needs no relocation. */
struct fixup {
	int32_t at, resume;
};

extern const struct fixup START[], END[];

static inline uintptr_t
address(const int32_t *field)
{
	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

uintptr_t
tome_user_fixup(uintptr_t ip)
{
	const struct fixup *f;

	for (f = START; f != END; f++)
		if (address(&f->at) == ip)
			return address(&f->resume);
	return 0;
}
