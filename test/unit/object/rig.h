/*
 * rig.h - an instance of layers 0-4 on the hosted machine.
 */
#ifndef TEST_OBJECT_RIG_H
#define TEST_OBJECT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hosted.h>
#include <object/dir.h>
#include <pmap/pmap_i.h>

struct rig {
	struct hosted_machine *machine;
	struct tome_vm *vm;
};

int rig_start(void **state);
/* Expects that nothing leaked and nothing was violated. */
int rig_end(void **state);
/* Counts of anons, chunks and amaps alive, deferred frees done. */
void rig_expect(struct rig *, uint64_t amaps, uint64_t chunks,
    uint64_t anons);
/* Recount invariant 1 over objects and these amaps, each named once. */
void rig_recount(struct rig *, struct tome_amap **, unsigned n);
/* A page in a slot, with this byte first; the chunk ends unlocked. */
void rig_fill(struct tome_amap *, uint64_t slot, uint8_t byte);
/* What is in a slot: its byte, or -1. */
int rig_look(struct tome_amap *, uint64_t slot);

#endif
