/*
 * op_bytes.c - the bytes that an access moves, on both sides.
 */
#include "operate.h"

unsigned char bytes[BUFFER];

/* Bytes of [page:off, len) before the first page that refuses, and why. */
size_t
reach(struct m_space *s, const struct op *op, tome_prot_t access,
    enum tome_err *err)
{
	size_t done = 0;

	*err = TOME_OK;
	while (done < op->len) {
		unsigned page = op->page +
		    (unsigned)((op->off + done) / M_BYTES);

		model_touch(s, page);
		*err = model_access(s, page, access);
		if (*err != TOME_OK)
			break;
		done += M_BYTES - (op->off + done) % M_BYTES;
	}
	return done < op->len ? done : op->len;
}

bool
bytes_agree(struct world *w, const struct m_space *s, const struct op *op,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned page = op->page +
		    (unsigned)((op->off + i) / M_BYTES);
		size_t at = (op->off + i) % M_BYTES;
		unsigned char want = model_bytes(&s->page[page])[at];

		if (bytes[i] != want)
			return w_differ(w, "page %u byte %zu: %#x, not %#x",
			    page, at, bytes[i], want);
	}
	return true;
}

void
make_pattern(const struct op *op)
{
	size_t i;

	for (i = 0; i < op->len; i++)
		bytes[i] = (unsigned char)(op->value + i * 7 + (i >> 8));
}

void
store_pattern(struct m_space *s, const struct op *op, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		model_own(&s->page[op->page + (op->off + i) / M_BYTES])
		    [(op->off + i) % M_BYTES] = bytes[i];
}
