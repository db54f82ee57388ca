/*
 * op_access.c - what CPUs read, write and execute.
 */
#include "operate.h"

/* Run it; again without the injected failure if that was what it met. */
static enum tome_err
access(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	enum tome_err err = TOME_OK;
	unsigned try;

	for (try = 0; try < 2; try++) {
		if (op->kind == OP_WRITE)
			err = hosted_write(target(op), bytes, op->len, op_fault,
			    map);
		else if (op->kind == OP_EXEC)
			err = hosted_exec(target(op), bytes, op->len, op_fault,
			    map);
		else
			err = hosted_read(target(op), bytes, op->len, op_fault,
			    map);
		if (!is_shortage(err) || op->fail == 0)
			break;
		hosted_fail_alloc(w->m, NULL, 0, false);
	}
	return err;
}

/* A CPU without the right to forbid it goes on through what is present and readable, and
 * is refused where a reader would be. */
static bool
executed_what_it_read(struct world *w, const struct op *op, enum tome_err want,
    enum tome_err got)
{
	enum tome_err reader;

	if (op->kind != OP_EXEC || want != TOME_EACCES || !w->executes_all)
		return false;
	(void)reach(space_of(w, op), op, TOME_PROT_READ, &reader);
	return got == reader;
}

bool
op_access(struct world *w, const struct op *op)
{
	tome_prot_t right = op->kind == OP_WRITE ? TOME_PROT_WRITE :
	    op->kind == OP_EXEC ? TOME_PROT_EXEC : TOME_PROT_READ;
	struct m_space *s = space_of(w, op);
	enum tome_err want, got;
	size_t n;

	w_run(w, op->cpu, op->space);
	n = reach(s, op, right, &want);
	make_pattern(op);
	got = access(w, op);
	w_answer(w, want, n);
	if (got != want && !executed_what_it_read(w, op, want, got))
		return w_differ(w, "access: %d, not %d", got, want);
	if (op->kind != OP_WRITE)
		return bytes_agree(w, s, op, n);
	store_pattern(s, op, n);
	return true;
}
