/*
 * identity.c - what a CPU says of itself.
 */
#include <lib.h>
#include <machine.h>
#include <x86.h>

static void
copy_words(char *to, const uint32_t *words, unsigned n)
{
	memcpy(to, words, n * 4);
	to[n * 4] = '\0';
}

static void
read_model_name(char *name)
{
	uint32_t words[12];

	name[0] = '\0';
	if (cpuid(0x80000000, 0).a < 0x80000004)
		return;
	for (unsigned i = 0; i < 3; i++) {
		struct cpuid r = cpuid(0x80000002 + i, 0);

		memcpy(words + 4 * i, &r, sizeof r);
	}
	copy_words(name, words, 12);
}

static const char *
tables_now(void)
{
	uintptr_t cr4 = read_cr4();

	if (sizeof(void *) == 8)
		return cr4 & CR4_LA57 ? "5-level" : "4-level";
	return cr4 & CR4_PAE ? "PAE" : "2-level";
}

void
cpu_identify(struct cpu_identity *id)
{
	struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0);
	uint32_t vendor[3] = { zero.b, zero.d, zero.c };
	unsigned family = one.a >> 8 & 15;

	copy_words(id->vendor, vendor, 3);
	read_model_name(id->model_name);
	strlcpy(id->tables, tables_now(), sizeof id->tables);
	id->stepping = one.a & 15;
	id->model = (one.a >> 4 & 15) | (one.a >> 12 & 0xf0);
	id->family = family == 15 ? family + (one.a >> 20 & 255) : family;
	id->hwcap = one.d;
	id->hz = clock_tsc_hz();
}
