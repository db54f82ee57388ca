/*
 * op.h - one operation of a random stream: plain numbers, so that a stream can
 * be cut down, printed, and run again from a file.
 */
#ifndef ORACLE_OP_H
#define ORACLE_OP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define OP_LIST(X)                                                          \
	X(SPACE) X(MAP) X(MAP_OBJECT) X(UNMAP) X(PROTECT) X(MAX_PROT)       \
	X(NAME) X(LIMIT)                                                    \
	X(ADVISE) X(INHERIT) X(WIRE) X(UNWIRE) X(MOVE) X(FORK) X(EXIT)      \
	X(CLEAR) X(READ) X(WRITE) X(EXEC) X(COPYIN) X(COPYOUT) X(FETCH)     \
	X(CAS) X(ALIEN_READ) X(ALIEN_WRITE) X(OBJECT) X(DEVICE) X(OBJECT_DROP)        \
	X(FILE) X(OBJECT_SYNC)                                              \
	X(OBJECT_RESIZE) X(OBJECT_PUNCH) X(OBJECT_READ) X(OBJECT_WRITE)     \
	X(INCORE) X(KEY) X(PAGE_OUT) X(LEAVE) X(QUIESCE) X(RECLAIM) X(SWAPOFF)

enum op_kind {
#define X(name) OP_##name,
	OP_LIST(X)
#undef X
	OP_KINDS,
};

struct op {
	uint32_t kind;
	uint32_t cpu, space, other;	/* other: a second space, or an object */
	uint32_t page, npages, to, nto;
	uint32_t prot, flags, off, len, value;
	uint32_t fail;			/* fail this allocation from now; 0 none */
};
#define OP_FIELDS 14

/* The stream of a seed: op number i is the same whatever came before. */
void op_random(struct op *, uint64_t seed, uint64_t i, bool failing);
void op_print(FILE *, const struct op *);
/* False: no op on this line. */
bool op_parse(const char *line, struct op *);

#endif
