/*
 * programs.h - how programs are written: W(s,p,v) writes v at page p of space s, and
 * so on.
 */
#ifndef LITMUS_PROGRAMS_H
#define LITMUS_PROGRAMS_H

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
#define OUT(s, p, n) { OP_PAGE_OUT, s, p, n, 0 }
#define AWAY { OP_AWAY, 0, 0, 0, 0 }
#define PACK { OP_PACK, 0, 0, 0, 0 }
#define SWAPOFF { OP_SWAP_OFF, 0, 0, 0, 0 }
#define UNTIER { OP_UNTIER, 0, 0, 0, 0 }
#define BEHIND { OP_BEHIND, 2, 0, 0, 0 }	/* by who runs no space at first */
#define SHARE(s, p, n) { OP_SHARE, s, p, n, 0 }
#define QUIESCE { OP_QUIESCE, 0, 0, 0, 0 }
#define CAS(s, p, v) { OP_CAS, s, p, 1, v }
#define LEAF LITMUS_LEAF
/* msync of n pages; fsync of n of the object's; its page leaves, if it can; read() and
 * write() of it. */
#define SYNC(s, p, n) { OP_SYNC, s, p, n, 0 }
#define FSYNC(p, n) { OP_FILE_SYNC, 0, p, n, 0 }
#define EVICT(p) { OP_EVICT, 0, p, 1, 0 }
#define FR(p) { OP_FILE_READ, 0, p, 1, 0 }
#define FW(p, v) { OP_FILE_WRITE, 0, p, 1, v }

#endif
