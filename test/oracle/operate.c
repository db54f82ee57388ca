/*
 * operate.c - each operation, on the instance and on the model.
 *
 * An operation that means nothing here (no such space, say) is skipped: so any
 * part of a stream is a stream. What the contracts leave open is not tried.
 * With an injected failure ENOMEM and EAGAIN are right too, and then nothing may
 * have changed.
 */
#include "operate.h"

bool
is_shortage(enum tome_err err)
{
	return err == TOME_ENOMEM || err == TOME_EAGAIN;
}

/* Results agree; *apply: the model does it too. */
bool
agree(struct world *w, const struct op *op, enum tome_err got,
    enum tome_err want, bool *apply)
{
	*apply = want == TOME_OK;
	w_answer(w, got, 0);
	if (got == want)
		return true;
	*apply = false;
	if (op->fail != 0 && is_shortage(got))
		return true;
	return w_differ(w, "result %d, not %d", got, want);
}

bool
all_access(const struct m_space *s, unsigned first, unsigned n,
    tome_prot_t access)
{
	unsigned i;

	for (i = first; i < first + n; i++)
		if (model_access(s, i, access) != TOME_OK)
			return false;
	return true;
}

enum tome_err
op_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	return tome_fault(arg, va, access);
}

static operate_fn *const operations[OP_KINDS] = {
	[OP_SPACE] = op_space, [OP_MAP] = op_map,
	[OP_MAP_OBJECT] = op_map_object, [OP_UNMAP] = op_unmap,
	[OP_PROTECT] = op_protect, [OP_MAX_PROT] = op_max_prot,
	[OP_ADVISE] = op_advise, [OP_INHERIT] = op_inherit,
	[OP_NAME] = op_name, [OP_LIMIT] = op_limit,
	[OP_WIRE] = op_wire, [OP_UNWIRE] = op_unwire, [OP_MOVE] = op_move,
	[OP_FORK] = op_fork, [OP_EXIT] = op_exit, [OP_CLEAR] = op_clear,
	[OP_READ] = op_access, [OP_WRITE] = op_access, [OP_EXEC] = op_access,
	[OP_COPYIN] = op_copy, [OP_COPYOUT] = op_copy, [OP_FETCH] = op_word,
	[OP_CAS] = op_word, [OP_ALIEN_READ] = op_alien,
	[OP_ALIEN_WRITE] = op_alien, [OP_OBJECT] = op_object,
	[OP_DEVICE] = op_device,
	[OP_OBJECT_DROP] = op_object_drop,
	[OP_OBJECT_RESIZE] = op_object_resize,
	[OP_OBJECT_PUNCH] = op_object_punch, [OP_OBJECT_READ] = op_object_io,
	[OP_OBJECT_WRITE] = op_object_io, [OP_INCORE] = op_incore,
	[OP_KEY] = op_key, [OP_LEAVE] = op_leave,
	[OP_QUIESCE] = op_quiesce, [OP_FILE] = op_file,
	[OP_OBJECT_SYNC] = op_object_sync, [OP_PAGE_OUT] = op_page_out,
	[OP_RECLAIM] = op_reclaim, [OP_SWAPOFF] = op_swapoff,
};

static bool
needs_space(uint32_t kind)
{
	return kind != OP_SPACE && kind != OP_LEAVE && kind < OP_QUIESCE &&
	    !(kind >= OP_OBJECT && kind <= OP_OBJECT_WRITE);
}

bool
w_operate(struct world *w, const struct op *op)
{
	bool ok;

	if (needs_space(op->kind) && w->map[op->space] == NULL)
		return true;
	hosted_become(w->m, op->cpu);
	hosted_fail_alloc(w->m, NULL, op->fail, false);
	ok = operations[op->kind](w, op);
	hosted_fail_alloc(w->m, NULL, 0, false);
	return ok;
}
