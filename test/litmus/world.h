/*
 * world.h - a litmus program on Tome: an instance, its spaces, and what was seen.
 */
#ifndef LITMUS_WORLD_H
#define LITMUS_WORLD_H

#include <hosted.h>
#include <litmus.h>
#include <tome/map.h>
#include <tome/paging.h>

/* Slots of the swap area: a run, and the first, which is not used. */
#define LITMUS_SLOTS 9u
#define LITMUS_FAR_SLOTS 64u

struct world {
	const struct litmus *litmus;
	struct hosted_machine *machine;
	struct tome_vm *vm;
	struct tome_map *space[LITMUS_SPACES];
	struct tome_object *object;
	uint8_t *store;			/* LITMUS_FILE */
	_Atomic unsigned reads[LITMUS_OBJECT_PAGES];
	uint8_t *disk;			/* LITMUS_SWAP */
	unsigned swap_area;
	tome_va_t base;
	_Atomic uint64_t clock;
	struct litmus_done done[LITMUS_CPUS * LITMUS_OPS + 1];
	unsigned ndone[LITMUS_CPUS];
};

/* As struct hosted_program wants them; `current` is the program that runs. */
void litmus_program(const struct litmus *, struct hosted_program *out);

#endif
