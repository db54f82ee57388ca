/*
 * backtrace.c - who called whom, without frame pointers (which would cost every
 * function three instructions).
 *
 * The stack is searched upwards for return addresses: words that point into the
 * text just behind a call instruction. A direct call also tells whom it calls,
 * so a word is believed when that is the function found last; one behind an
 * indirect call, or into a function that jumped on (a tail call), is shown with
 * a question mark.
 */
#include <lib.h>
#include <machine.h>
#include <sched.h>
#include <x86.h>

#define MAX_WORDS 1024
#define MAX_LINES 32
#define PAGE_WORDS 512

/* Written by symbols.sh, sorted by address; empty in the first link. */
struct symbol {
	uint32_t offset;		/* from text_start */
	uint32_t name;			/* in symbol_names */
};
extern const struct symbol symbol_table[];
extern const uint32_t symbol_count;
extern const char symbol_names[];

static bool
in_text(uintptr_t ip)
{
	return ip >= (uintptr_t)text_start && ip < (uintptr_t)text_end;
}

/* The symbol that holds ip; NULL: none. */
static const struct symbol *
find(uintptr_t ip)
{
	uint32_t lo = 0, hi = symbol_count;

	if (!in_text(ip))
		return NULL;
	ip -= (uintptr_t)text_start;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (symbol_table[mid].offset <= ip)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? &symbol_table[lo - 1] : NULL;
}

enum call { NO_CALL, DIRECT, INDIRECT };

/* What stands before a possible return address. */
static enum call
call_before(uintptr_t ret, uintptr_t *target)
{
	const uint8_t *p = (const uint8_t *)ret;
	int32_t distance;

	if (!in_text(ret - 7) || !in_text(ret))
		return NO_CALL;
	if (p[-5] == 0xe8) {
		memcpy(&distance, p - 4, sizeof distance);
		*target = ret + (uintptr_t)(intptr_t)distance;
		return in_text(*target) ? DIRECT : INDIRECT;
	}
	/* FF /2 with a register, a displacement of 0, 1 or 4 bytes, or a SIB. */
	for (unsigned n = 2; n <= 7; n++)
		if (p[-(int)n] == 0xff && (p[1 - (int)n] & 0x38) == 0x10)
			return INDIRECT;
	return NO_CALL;
}

static void
print_line(uintptr_t ip, bool sure)
{
	const struct symbol *s = find(ip);

	if (s == NULL)
		kprintf("  %016lx\n", ip);
	else
		kprintf("  %016lx %s%s+%#lx\n", ip, sure ? "" : "? ",
		    symbol_names + s->name,
		    ip - (uintptr_t)text_start - s->offset);
}

static bool
is_start_of(uintptr_t target, const struct symbol *s)
{
	return s != NULL && target - (uintptr_t)text_start == s->offset;
}

void
backtrace(uintptr_t ip, uintptr_t sp)
{
	const uint64_t *word = (const uint64_t *)(sp & ~(uintptr_t)7);
	const uint64_t *end = (const uint64_t *)cpu_self()->stack_top;
	const uint64_t *low = (const uint64_t *)current()->stack_low;
	const struct symbol *inner = find(ip);
	unsigned lines = 1;

	kprintf("backtrace:\n");
	print_line(ip, true);
	/* After an overflow the stack pointer is in the guard page. */
	if (word < low && low - word < PAGE_WORDS)
		word = low;
	if (end <= word || end > word + MAX_WORDS * 2)
		end = word + MAX_WORDS;
	for (; word < end && lines < MAX_LINES; word++) {
		uintptr_t target = 0;
		enum call call = call_before(*word, &target);
		bool sure = call == DIRECT && is_start_of(target, inner);

		if (call == NO_CALL)
			continue;
		if (sure)
			inner = find(*word);
		print_line(*word, sure);
		lines++;
	}
}
