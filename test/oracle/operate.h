/*
 * operate.h - what the files of operations share (op_*.c, one noun or verb each).
 */
#ifndef ORACLE_OPERATE_H
#define ORACLE_OPERATE_H

#include <tome_host_inline.h>

#include "world.h"

#define BUFFER (3 * M_BYTES)

typedef bool operate_fn(struct world *, const struct op *);
operate_fn op_space, op_map, op_map_object, op_unmap, op_protect,
    op_max_prot, op_advise, op_inherit, op_name, op_limit, op_wire, op_unwire,
    op_move, op_fork, op_exit, op_clear, op_access,
    op_copy, op_word, op_alien, op_object, op_device, op_object_drop,
    op_object_resize, op_object_punch, op_object_io, op_incore, op_key,
    op_leave, op_quiesce, op_file, op_object_sync, op_page_out, op_reclaim,
    op_swapoff;

/* ---- what all need ---- */

bool is_shortage(enum tome_err);
/* Results agree; *apply: the model does it too. */
bool agree(struct world *, const struct op *, enum tome_err got,
    enum tome_err want, bool *apply);
bool all_access(const struct m_space *, unsigned first, unsigned n,
    tome_prot_t access);
/* Bytes [from, to) of a file's store are gone, as its file system would have it. */
void file_forget(struct m_object *, uint64_t from, uint64_t to);
/* The hosted machine's faults; arg: the map. */
enum tome_err op_fault(void *arg, tome_va_t va, tome_prot_t access);

static inline struct m_space *
space_of(struct world *w, const struct op *op)
{
	return &w->model.space[op->space];
}

/* Pages of op's range that the space can have. */
static inline unsigned
span(const struct op *op)
{
	return op->npages < M_PAGES - op->page ? op->npages :
	    M_PAGES - op->page;
}

static inline tome_va_t
bytes_of(unsigned npages)
{
	return (tome_va_t)npages << TOME_PAGE_SHIFT;
}

/* Some bits of op->flags. */
static inline unsigned
flag(const struct op *op, unsigned shift, unsigned bits)
{
	return op->flags >> shift & ((1u << bits) - 1);
}

static inline tome_va_t
target(const struct op *op)
{
	return w_va(op->page) + op->off;
}

/* Pages that op's bytes lie in. */
static inline unsigned
pages_of(const struct op *op)
{
	return (unsigned)((op->off + op->len - 1) / M_BYTES) + 1;
}

/* ---- the bytes of an access ---- */

extern unsigned char bytes[BUFFER];

/* Bytes of [page:off, len) before the first page that refuses, and why.
 * Stacks grow. */
size_t reach(struct m_space *, const struct op *, tome_prot_t access,
    enum tome_err *err);
bool bytes_agree(struct world *, const struct m_space *, const struct op *,
    size_t n);
void make_pattern(const struct op *);
void store_pattern(struct m_space *, const struct op *, size_t n);

#endif
