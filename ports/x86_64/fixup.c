/*
 * fixup.c - x86-64: where an access to user memory goes on after a fault that
 * could not be resolved. access.S writes the table.
 */
#include <tome/port.h>

struct fixup {
	uint64_t at, resume;
};

extern const struct fixup tome_x86_fixups[], tome_x86_fixups_end[];

uintptr_t
tome_user_fixup(uintptr_t ip)
{
	const struct fixup *f;

	for (f = tome_x86_fixups; f != tome_x86_fixups_end; f++)
		if (f->at == ip)
			return (uintptr_t)f->resume;
	return 0;
}
