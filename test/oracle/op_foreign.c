/*
 * op_foreign.c - the kernel's accesses: copies, words, other spaces.
 */
#include <string.h>

#include "operate.h"

bool
op_copy(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	bool out = op->kind == OP_COPYOUT;
	struct m_space *s = space_of(w, op);
	enum tome_err want, got;
	size_t n;

	/* Beyond the map's bounds nothing need be copied at all. */
	if (op->page + (op->off + op->len - 1) / M_BYTES >= M_PAGES)
		return true;
	/* From where it runs, and from where it does not. */
	if (op->flags & 1)
		w_run(w, op->cpu, op->space);
	else if (model_shows_device(s, op->page, pages_of(op)))
		return true;
	hosted_on_fault(op_fault, map);
	n = reach(s, op, out ? TOME_PROT_WRITE : TOME_PROT_READ, &want);
	make_pattern(op);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	got = out ? tome_copyout(map, target(op), bytes, op->len) :
	    tome_copyin(map, bytes, target(op), op->len);
	hosted_on_fault(NULL, NULL);
	w_answer(w, got, 0);
	if ((got == TOME_OK) != (want == TOME_OK) ||
	    (got != TOME_OK && got != TOME_EFAULT))
		return w_differ(w, "copy: %d, not %d", got, want);
	if (!out)
		return bytes_agree(w, s, op, n);
	store_pattern(s, op, n);
	return true;
}

bool
op_alien(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	bool write = op->kind == OP_ALIEN_WRITE;
	struct m_space *s = space_of(w, op);
	enum tome_err want, got;
	size_t n, done = 0;

	/* A device is not memory to others. */
	if (model_shows_device(s, op->page, pages_of(op)))
		return true;
	n = reach(s, op, write ? TOME_PROT_WRITE : TOME_PROT_READ, &want);
	make_pattern(op);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	got = write ? tome_map_write(map, target(op), bytes, op->len, false,
	    &done) : tome_map_read(map, target(op), bytes, op->len, false,
	    &done);
	w_answer(w, got, done);
	if ((got == TOME_OK) != (want == TOME_OK) || done != n)
		return w_differ(w, "alien: %d after %zu, not %d after %zu",
		    got, done, want, n);
	if (!write)
		return bytes_agree(w, s, op, n);
	store_pattern(s, op, n);
	return true;
}

static uint32_t
model_word(const struct m_space *s, const struct op *op)
{
	uint32_t v;

	memcpy(&v, model_bytes(&s->page[op->page]) + (op->off & ~3u), 4);
	return v;
}

bool
op_word(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	tome_va_t va = w_va(op->page) + (op->off & ~3u);
	struct m_space *s = space_of(w, op);
	bool cas = op->kind == OP_CAS;
	uint32_t was = 0, seen = 0, expect;
	enum tome_err want, got;

	if (op->flags & 1)
		w_run(w, op->cpu, op->space);
	else if (model_shows_device(s, op->page, 1))
		return true;
	hosted_on_fault(op_fault, map);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	model_touch(s, op->page);
	want = model_access(s, op->page, cas ? TOME_PROT_WRITE :
	    TOME_PROT_READ) == TOME_OK ? TOME_OK : TOME_EFAULT;
	if (want == TOME_OK)
		was = model_word(s, op);
	expect = op->flags & 2 ? was : was + 1;
	got = cas ? tome_cas_u32(map, va, expect, op->value, &seen) :
	    tome_fetch_u32(map, va, &seen);
	hosted_on_fault(NULL, NULL);
	w_answer(w, got, seen);
	if (got != want || (got == TOME_OK && seen != was))
		return w_differ(w, "word: %d %#x, not %d %#x", got, seen,
		    want, was);
	if (want == TOME_OK && cas) {
		unsigned char *own = model_own(&s->page[op->page]);

		if (expect == was)
			memcpy(own + (op->off & ~3u), &op->value, 4);
	}
	return true;
}
