/*
 * rig.c - see rig.h.
 */
#include "rig.h"

#include <boot.h>

struct tome_posix *
rig_space(struct rig *r)
{
	struct tome_map_config config = { .lo = LOW, .hi = TOP };
	struct tome_posix_config pc = { .shm = r->shm, .brk_start = BRK,
		.data_bytes = 3 * PG };
	struct tome_posix *p;

	assert_int_equal(tome_map_create(r->vm, &config, &pc.map), TOME_OK);
	assert_int_equal(tome_posix_create(&pc, &p), TOME_OK);
	tome_map_unref(pc.map);
	return p;
}

int
rig_setup(void **state)
{
	struct hosted_config config = { .ram = 16384 * TOME_PAGE_SIZE,
		.quiet = true };
	struct tome_shm_config shm = { .max_segments = 8, .all_pages = 100 };
	struct rig *r = calloc(1, sizeof *r);

	r->machine = hosted_create(&config);
	assert_int_equal(hosted_vm_create(r->machine, &r->vm), TOME_OK);
	assert_int_equal(tome_kmem_start(r->vm), TOME_OK);
	assert_int_equal(tome_map_start(r->vm), TOME_OK);
	assert_int_equal(tome_shm_create(r->vm, &shm, &r->shm), TOME_OK);
	r->p = rig_space(r);
	r->map = tome_posix_map(r->p);
	*state = r;
	return 0;
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;
	const char *why = tome_vm_check(r->vm);
	struct tome_stats s;

	assert_string_equal(why == NULL ? "" : why, "");
	tome_posix_destroy(r->p);
	tome_shm_destroy(r->shm);
	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.maps, 0);
	assert_int_equal(s.entries, 0);
	assert_int_equal(s.anons, 0);
	assert_int_equal(s.objects, 0);
	assert_int_equal(tome_vm_destroy(r->vm), 0);
	hosted_attach(r->machine, NULL, NULL, NULL);
	hosted_destroy(r->machine);
	free(r);
	return 0;
}

void
rig_map(struct rig *r, tome_va_t va, unsigned n, int prot, int flags)
{
	assert_int_equal(tome_posix_mmap(r->p, va, n * PG, prot,
	    (unsigned)flags | MAP_FIXED, NULL, 0), va);
}

int
rig_peek(struct rig *r, tome_va_t va)
{
	uint8_t byte;
	size_t done;

	if (tome_map_read(r->map, va, &byte, 1, false, &done) != TOME_OK)
		return -1;
	return byte;
}

bool
rig_poke(struct rig *r, tome_va_t va, uint8_t byte)
{
	size_t done;

	return tome_map_write(r->map, va, &byte, 1, false, &done) == TOME_OK;
}

struct tome_region
rig_region(struct rig *r, tome_va_t va)
{
	struct tome_region region;

	if (tome_map_lookup(r->map, va, &region) != TOME_OK ||
	    region.start > va)
		memset(&region, 0, sizeof region);
	return region;
}

bool
rig_mapped(struct rig *r, tome_va_t va)
{
	return rig_region(r, va).end != 0;
}

void
rig_put(struct rig *r, tome_va_t va, const void *from, size_t n)
{
	size_t done;

	assert_int_equal(tome_map_write(r->map, va, from, n, true, &done),
	    TOME_OK);
}

void
rig_get(struct rig *r, tome_va_t va, void *to, size_t n)
{
	size_t done;

	assert_int_equal(tome_map_read(r->map, va, to, n, true, &done),
	    TOME_OK);
}

void
rig_limit(struct rig *r, uint64_t as, uint64_t data, uint64_t memlock)
{
	struct tome_posix_limits limits = { .as = as, .data = data,
		.memlock = memlock, .stack = UINT64_MAX };

	tome_posix_set_limits(r->p, &limits);
}
