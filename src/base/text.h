/*
 * text.h - the few sentences Tome says: logs, panics, what a check found.
 *
 * A text is cut where its buffer ends and always terminated. No division: some
 * CPUs have none for 64 bits.
 */
#ifndef TOME_BASE_TEXT_H
#define TOME_BASE_TEXT_H

#include <tome/types.h>

struct tome_text {
	char *at, *last;	/* where the terminator is; where it must stop */
};

/* size at least 1. */
struct tome_text tome_text_begin(char *buf, size_t size);
void tome_text_str(struct tome_text *, const char *);
void tome_text_dec(struct tome_text *, uint64_t);
/* With 0x before it. */
void tome_text_hex(struct tome_text *, uint64_t);

/*
 * The usual sentence of tome_vm_check(), in vm->why:
 * "what (0xwhich): is N, recounted M".
 */
const char *tome_why(struct tome_vm *, const char *what, uint64_t which,
    uint64_t is, uint64_t should);
/* Log one line: "before N after". */
void tome_log_count(struct tome_vm *, const char *before, uint64_t n,
    const char *after);

#endif
