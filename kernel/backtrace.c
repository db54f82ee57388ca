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
#include <backtrace.h>
#include <lib.h>
#include <machine.h>
#include <sched.h>

#define MAX_WORDS 1024
#define MAX_LINES 32
#define PAGE_WORDS (TOME_PAGE_SIZE / sizeof(uintptr_t))

/* Written by symbols.sh, sorted by address; empty in the first link. */
struct symbol {
	uint32_t offset;		/* from text_start */
	uint32_t name;			/* in symbol_names */
};
extern const struct symbol symbol_table[];
extern const uint32_t symbol_count;
extern const char symbol_names[];

bool
is_text(uintptr_t ip)
{
	return ip >= (uintptr_t)text_start && ip < (uintptr_t)text_end;
}

/* The symbol that holds ip; NULL: none. */
static const struct symbol *
find(uintptr_t ip)
{
	uint32_t lo = 0, hi = symbol_count;

	if (!is_text(ip))
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

static void
print_line(uintptr_t ip, bool sure)
{
	const struct symbol *s = find(ip);

	if (s == NULL)
		kprintf("  %016lx\n", (unsigned long)ip);
	else
		kprintf("  %016lx %s%s+%#lx\n", (unsigned long)ip, sure ? "" : "? ",
		    symbol_names + s->name,
		    (unsigned long)(ip - (uintptr_t)text_start - s->offset));
}

static bool
is_start_of(uintptr_t target, const struct symbol *s)
{
	return s != NULL && target - (uintptr_t)text_start == s->offset;
}

void
backtrace(uintptr_t ip, uintptr_t sp)
{
	const uintptr_t *word = (const uintptr_t *)(sp & ~(sizeof sp - 1));
	const uintptr_t *end = (const uintptr_t *)cpu_self()->stack_top;
	const uintptr_t *low = (const uintptr_t *)current()->stack_low;
	const struct symbol *inner = find(ip);
	unsigned lines = 1;

	kprintf("backtrace:\n");
	print_line(ip, true);
	/* After an overflow the stack pointer is in the guard page. */
	if (word < low && (uintptr_t)(low - word) < PAGE_WORDS)
		word = low;
	if (end <= word || end > word + MAX_WORDS * 2)
		end = word + MAX_WORDS;
	for (; word < end && lines < MAX_LINES; word++) {
		uintptr_t target = 0;
		enum call call = machine_call_before(*word, &target);
		bool sure = call == DIRECT && is_start_of(target, inner);

		if (call == NO_CALL)
			continue;
		if (sure)
			inner = find(*word);
		print_line(*word, sure);
		lines++;
	}
}
