/*
 * programs.c - the litmus programs. W(s,p,v) writes v at page p of space s, and so
 * on; `before` is done alone.
 *
 * Two things are not atomic, here as on Linux, and no program asks for more: a page
 * of an object is copied by the fault, a moment before the store that wanted it; and
 * while an object shrinks, what is mapped can be read after a fault was refused.
 */
#include <litmus.h>
#include <tome/types.h>

#define R(s, p) { OP_READ, s, p, 1, 0 }
#define W(s, p, v) { OP_WRITE, s, p, 1, v }
#define MAP(s, p, n) { OP_MAP, s, p, n, 0 }
#define SHARED(s, p, n, o) { OP_MAP_SHARED, s, p, n, o }
#define PRIVATE(s, p, n, o) { OP_MAP_PRIVATE, s, p, n, o }
#define UNMAP(s, p, n) { OP_UNMAP, s, p, n, 0 }
#define RDONLY(s, p, n) { OP_PROTECT, s, p, n, TOME_PROT_READ }
#define NONE(s, p, n) { OP_PROTECT, s, p, n, TOME_PROT_NONE }
#define RDWR(s, p, n) { OP_PROTECT, s, p, n, TOME_PROT_READ | TOME_PROT_WRITE }
#define DISCARD(s, p, n) { OP_DISCARD, s, p, n, 0 }
#define MOVE(s, p, n, to) { OP_MOVE, s, p, n, to }
#define FORK(s, to) { OP_FORK, s, 0, 0, to }
#define EXIT(s) { OP_END_SPACE, s, 0, 0, 0 }
#define RESIZE(n) { OP_RESIZE, 0, 0, n, 0 }
#define PUNCH(p, n) { OP_PUNCH, 0, p, n, 0 }
#define AW(s, p, v) { OP_ALIEN_WRITE, s, p, 1, v }
#define AR(s, p) { OP_ALIEN_READ, s, p, 1, 0 }
#define RUN(s) { OP_SWITCH, s, 0, 0, 0 }
#define WIRE(s, p, n) { OP_WIRE, s, p, n, 0 }
#define MIGRATE(s, p) { OP_MIGRATE, s, p, 1, 0 }
#define QUIESCE { OP_QUIESCE, 0, 0, 0, 0 }
#define CAS(s, p, v) { OP_CAS, s, p, 1, v }
#define LEAF LITMUS_LEAF

const struct litmus litmus_table[] = {
	{ "first touch of one page by two", 2, 0,
	    { MAP(0, 0, 4) },
	    { { W(0, 0, 1), R(0, 0) }, { W(0, 0, 2), R(0, 0) } } },
	{ "first table, first chunk", 2, 0,
	    { MAP(0, 0, 4) },
	    { { W(0, 0, 1), R(0, 1) }, { W(0, 1, 2), R(0, 0) } } },
	{ "zero page read against first write", 2, 0,
	    { MAP(0, 0, 4), R(0, 1) },
	    { { R(0, 0), R(0, 0) }, { W(0, 0, 3), R(0, 0) } } },
	{ "fault against unmap", 2, 0,
	    { MAP(0, 0, 4), W(0, 1, 9) },
	    { { W(0, 0, 1), R(0, 0) }, { UNMAP(0, 0, 4), R(0, 0) } } },
	{ "fault against unmap, page present", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) }, { UNMAP(0, 0, 4), R(0, 0) } } },
	{ "fault against unmap of its half", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { W(0, 1, 1), R(0, 1) }, { UNMAP(0, 1, 3), R(0, 1), R(0, 0) } } },
	{ "fault against replace", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) }, { MAP(0, 0, 4), R(0, 0) } } },
	{ "fault against unmap, then map", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { R(0, 0), W(0, 0, 1) },
	      { UNMAP(0, 0, 4), MAP(0, 0, 4), R(0, 0) } } },
	{ "fault against mprotect", 2, 0,
	    { MAP(0, 0, 4), W(0, 1, 9) },
	    { { W(0, 0, 1), W(0, 0, 2) }, { RDONLY(0, 0, 4), R(0, 0) } } },
	{ "present page against mprotect, and back", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { W(0, 0, 1), W(0, 0, 2) },
	      { RDONLY(0, 0, 1), R(0, 0), RDWR(0, 0, 1) } } },
	{ "fault against DONTNEED", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) },
	      { DISCARD(0, 0, 4), R(0, 0) } } },
	{ "first touch against DONTNEED", 2, 0,
	    { MAP(0, 0, 4) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) },
	      { DISCARD(0, 0, 4), R(0, 0) } } },
	{ "fault against fork", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { W(0, 0, 1), W(0, 1, 2), R(0, 0) },
	      { FORK(0, 1), RUN(1), R(1, 0), R(1, 1), W(1, 0, 7) } } },
	{ "first touch against fork", 2, 0,
	    { MAP(0, 0, 4) },
	    { { W(0, 0, 1), R(0, 0), W(0, 0, 2) },
	      { FORK(0, 1), RUN(1), R(1, 0), R(1, 0) } } },
	{ "after fork, one page from both sides", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) },
	      { RUN(1), R(1, 0), W(1, 0, 2), R(1, 0) } } },
	{ "after fork, one chunk from both sides", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), W(0, 1, 8), FORK(0, 1) },
	    { { W(0, 0, 1), R(0, 1), R(0, 0) },
	      { RUN(1), W(1, 1, 2), R(1, 0), R(1, 1) } } },
	{ "after fork, two writers of one side", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1) },
	    { { R(0, 0), W(0, 0, 1) }, { W(0, 0, 2), R(0, 0) } } },
	{ "after fork, DONTNEED against the sibling", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), W(0, 1, 8), FORK(0, 1) },
	    { { DISCARD(0, 0, 1), R(0, 0), R(0, 1) },
	      { RUN(1), R(1, 0), W(1, 0, 2), R(1, 0) } } },
	{ "shared chunk, DONTNEED against a reader", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), W(0, 1, 7) },
	    { { DISCARD(0, 0, 4), R(0, 0) }, { R(0, 0), R(0, 0), R(0, 1) } } },
	{ "after fork, exit against a writer", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) }, { RUN(1), R(1, 0), EXIT(1) } } },
	{ "fault against mremap", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { R(0, 0), W(0, 0, 1), W(0, 1, 2) },
	      { MOVE(0, 0, 4, 6), R(0, 6), R(0, 7) } } },
	{ "fault against mremap of a whole table", 2, 0,
	    { MAP(0, 0, LEAF), W(0, 0, 9) },
	    { { W(0, 0, 1), R(0, 0) }, { MOVE(0, 0, LEAF, LEAF), R(0, LEAF) } } },
	{ "at the new place of mremap", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { R(0, 6), W(0, 6, 1) }, { MOVE(0, 0, 4, 6), R(0, 6) } } },
	{ "table freed beside a fault in it", 2, 0,
	    { MAP(0, 0, 2), MAP(0, 4, 2), W(0, 0, 9) },
	    { { W(0, 4, 1), R(0, 4) }, { UNMAP(0, 0, 2), R(0, 4) } } },
	{ "rounds under a map's and a chunk's lock", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), W(0, 1, 8), W(0, 2, 7) },
	    { { UNMAP(0, 0, 1), R(0, 1) }, { DISCARD(0, 1, 1), R(0, 2) } } },
	{ "two unmaps at once", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), W(0, 3, 8) },
	    { { UNMAP(0, 0, 2), R(0, 3) }, { UNMAP(0, 2, 2), R(0, 0) } } },
	{ "unmap against lazy switches", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), FORK(0, 2) },
	    { { UNMAP(0, 0, 1), R(0, 0) },
	      { R(0, 0), RUN(1), R(1, 0), RUN(0), R(0, 0) } } },
	{ "unmap against numbers running out", 2, LITMUS_FEW_ASIDS,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), FORK(0, 2) },
	    { { R(0, 0), UNMAP(0, 0, 1), R(0, 0) },
	      { RUN(1), R(1, 0), RUN(2), R(2, 0), RUN(0), R(0, 0) } } },
	{ "shared object, first page by two", 2, 0,
	    { SHARED(0, 0, 2, 0), SHARED(0, 6, 2, 0) },
	    { { W(0, 0, 1), R(0, 6) }, { W(0, 6, 2), R(0, 0) } } },
	{ "object shrunk under a fault", 2, 0,
	    { SHARED(0, 0, 4, 0), W(0, 1, 9) },
	    { { R(0, 1), W(0, 1, 1) }, { RESIZE(1), R(0, 1), R(0, 0) } } },
	{ "object shrunk under a private copy", 2, 0,
	    { PRIVATE(0, 0, 4, 0), SHARED(0, 6, 4, 0), W(0, 7, 9) },
	    { { R(0, 1), W(0, 1, 1) }, { RESIZE(1), R(0, 1), R(0, 7) } } },
	{ "private copy against a write below", 2, 0,
	    { PRIVATE(0, 0, 4, 0), SHARED(0, 6, 4, 0), W(0, 6, 9) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) }, { W(0, 6, 5), R(0, 6) } } },
	{ "hole punched under a fault", 2, 0,
	    { SHARED(0, 0, 4, 0), W(0, 1, 9) },
	    { { R(0, 1), W(0, 1, 1), R(0, 1) }, { PUNCH(1, 1), R(0, 1) } } },
	{ "foreign write against fork", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { AW(0, 0, 1), R(0, 0) },
	      { FORK(0, 1), RUN(1), R(1, 0), R(1, 0) } } },
	{ "foreign read against DONTNEED and a write", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { AR(0, 0), AR(0, 0) }, { DISCARD(0, 0, 1), W(0, 0, 2) } } },
	{ "compare and swap by two", 2, 0,
	    { MAP(0, 0, 4) },
	    { { CAS(0, 0, 1), R(0, 0) }, { CAS(0, 0, 2), R(0, 0) } } },
	{ "wire against fault and unmap", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { WIRE(0, 0, 2), R(0, 0) }, { W(0, 1, 2), UNMAP(0, 0, 1) } } },
	{ "fault against page-out's first half", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), RDONLY(0, 0, 4), RDWR(0, 0, 4) },
	    { { W(0, 0, 1), R(0, 0), W(0, 0, 2) },
	      { MIGRATE(0, 0), MIGRATE(0, 0) } } },
	{ "copy-on-write against page-out's first half", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1) },
	    { { R(0, 0), W(0, 0, 1), R(0, 0) },
	      { MIGRATE(0, 0), RUN(1), R(1, 0) } } },
	{ "first write against page-out's first half and a reader", 3, 0,
	    { MAP(0, 0, 4) },
	    { { W(0, 0, 1) }, { R(0, 0), R(0, 0) }, { MIGRATE(0, 0) } } },
	{ "three writers of one chunk", 3, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1) },
	    { { W(0, 0, 1) }, { W(0, 0, 2), R(0, 0) }, { RUN(1), R(1, 0) } } },
	/* CPU 0 comes with the page in its TLB: one preemption shows what it still
	 * translates to. */
	{ "a copy written to, and a reader of the original", 3, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), R(0, 0) },
	    { { R(0, 0) }, { W(0, 0, 1) }, { W(0, 0, 2) } } },
	{ "the original written to, and a reader before its copy", 3, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), R(0, 0) },
	    { { R(0, 0) }, { W(0, 0, 1) }, { W(1, 0, 7) } } },
	{ "DONTNEED, and readers before and after", 3, 0,
	    { MAP(0, 0, 4), W(0, 0, 9) },
	    { { R(0, 0) }, { DISCARD(0, 0, 4) }, { R(0, 0) } } },
	/* CPU 0 runs another space, so that no round hands it the turn. */
	{ "a chunk's first page against the end of its amap", 2, 0,
	    { MAP(0, 0, LEAF + 4), W(0, 0, 9), FORK(0, 1), W(0, 0, 8) },
	    { { RUN(1), AW(0, LEAF, 1) }, { UNMAP(0, 0, LEAF + 4) } } },
	{ "page-out's first half against the last reference", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), W(0, 0, 8) },
	    { { RUN(1), MIGRATE(0, 0) }, { DISCARD(0, 0, 4), R(0, 0) } } },
	{ "shared chunk of a resolved copy, read and written", 2, 0,
	    { MAP(0, 0, LEAF + 4), W(0, 0, 9), W(0, LEAF, 8), FORK(0, 1),
	      W(0, 0, 1), MIGRATE(0, LEAF) },
	    { { R(0, LEAF), W(0, LEAF, 5) }, { R(1, LEAF), R(1, LEAF) } } },
	{ "unmap against a switch back", 2, 0,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), R(0, 0), RUN(1) },
	    { { R(0, 0), R(0, 0) }, { UNMAP(0, 0, 1) } } },
	{ "table freed against a switch away", 2, LITMUS_SPECULATE,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1) },
	    { { R(0, 0), RUN(1), R(1, 0) },
	      { R(1, 0), UNMAP(0, 0, 4), QUIESCE, R(1, 1), W(1, 1, 3) } } },
	/* Space 2 runs first when the numbers 1 to 3 are given. */
	{ "numbers run out beside another CPU's reads", 2,
	    LITMUS_FEW_ASIDS | LITMUS_SPECULATE,
	    { MAP(0, 0, 4), W(0, 0, 9), FORK(0, 1), RUN(1), FORK(0, 2), RUN(2),
	      EXIT(2), RUN(0), W(0, 0, 5), FORK(0, 2) },
	    { { R(0, 0), R(0, 1), R(0, 0), R(0, 1), R(0, 0) },
	      { R(1, 0), RUN(2), R(2, 0) } } },
};

const unsigned litmus_count = sizeof litmus_table / sizeof litmus_table[0];
