/*
 * rig.c - an instance of layers 0-4 on the hosted machine.
 */
#include <stdlib.h>

#include "rig.h"

int
rig_start(void **state)
{
	struct hosted_config config = { .ncpus = 1,
		.ram = 2048 * TOME_PAGE_SIZE,
		.quiet = true };
	struct rig *r = calloc(1, sizeof *r);
	struct tome_boot boot;

	r->machine = hosted_create(&config);
	hosted_boot(r->machine, &boot);
	assert_int_equal(tome_vm_create(&boot, &r->vm), TOME_OK);
	hosted_attach(r->machine, r->vm, tome_vm_interrupt,
	    tome_frame_identity);
	assert_int_equal(tome_kmem_start(r->vm), TOME_OK);
	assert_int_equal(tome_objects_start(r->vm), TOME_OK);
	*state = r;
	return 0;
}

int
rig_end(void **state)
{
	struct rig *r = *state;

	rig_expect(r, 0, 0, 0);
	assert_null(tome_vm_check(r->vm));
	assert_int_equal(tome_vm_destroy(r->vm), 0);
	hosted_attach(r->machine, NULL, NULL, NULL);
	hosted_destroy(r->machine);
	free(r);
	return 0;
}

void
rig_expect(struct rig *r, uint64_t amaps, uint64_t chunks, uint64_t anons)
{
	struct tome_stats s;

	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.amaps, amaps);
	assert_int_equal(s.chunks, chunks);
	assert_int_equal(s.anons, anons);
	assert_int_equal(s.frames_anon, anons);
}

void
rig_recount(struct rig *r, struct tome_amap **am, unsigned n)
{
	static const enum tome_recount steps[] = { TOME_RECOUNT_SUB,
		TOME_RECOUNT_VERIFY, TOME_RECOUNT_ADD };

	tome_vm_quiesce(r->vm, false);	/* what waits for its epoch counts too */
	for (unsigned s = 0; s < 3; s++) {
		assert_null(tome_recount_objects(r->vm, steps[s]));
		for (unsigned i = 0; i < n; i++)
			assert_null(tome_recount_amap(am[i], steps[s]));
	}
}

void
rig_fill(struct tome_amap *am, uint64_t slot, uint8_t byte)
{
	struct tome_dirent d;
	struct tome_anon *an;

	tome_epoch_enter(am->vm);
	d = tome_amap_get(am, slot);
	assert_non_null(d.where);
	assert_true(tome_dirent_lock(am, &d));
	an = tome_anon_create(am, true);
	assert_non_null(an);
	*(uint8_t *)tome_frame_va(am->vm, an->pfn) = byte;
	d.chunk->anon[slot & TOME_CHUNK_MASK] = an;
	tome_anon_unlock(am, an);
	tome_chunk_unlock(am, d.chunk);
	tome_epoch_leave(am->vm);
}

int
rig_look(struct tome_amap *am, uint64_t slot)
{
	struct tome_dirent d = tome_amap_lookup(am, slot);
	struct tome_anon *an;

	if (d.chunk == NULL)
		return -1;
	an = d.chunk->anon[slot & TOME_CHUNK_MASK];
	return an == NULL ? -1 : *(uint8_t *)tome_frame_va(am->vm, an->pfn);
}
