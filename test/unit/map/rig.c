/*
 * rig.c - an instance of layers 0-5 on the hosted machine.
 */
#include "rig.h"

#include <boot.h>

int
rig_setup(void **state)
{
	struct hosted_config config = { .ncpus = RIG_CPUS,
		.ram = 16384 * TOME_PAGE_SIZE,
		.quiet = true };
	struct rig *r = calloc(1, sizeof *r);

	r->machine = hosted_create(&config);
	assert_int_equal(hosted_vm_create(r->machine, &r->vm), TOME_OK);
	assert_int_equal(tome_kmem_start(r->vm), TOME_OK);
	assert_int_equal(tome_map_start(r->vm), TOME_OK);
	tome_vm_quiesce(r->vm, true);
	*state = r;
	return 0;
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;
	struct tome_stats s;

	tome_vm_quiesce(r->vm, true);
	assert_null(tome_vm_check(r->vm));
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.maps, 0);
	assert_int_equal(s.entries, 0);
	assert_int_equal(s.nodes, 0);
	assert_int_equal(s.amaps, 0);
	assert_int_equal(s.anons, 0);
	assert_int_equal(s.objects, 0);
	assert_int_equal(s.frames_anon, 0);
	assert_int_equal(tome_vm_destroy(r->vm), 0);
	hosted_attach(r->machine, NULL, NULL, NULL);
	hosted_destroy(r->machine);
	free(r);
	return 0;
}

void
rig_free_entry(struct tome_vm *vm, struct tome_retired *retired)
{
	(void)vm;
	free(tome_container(retired, struct tome_entry, retired));
}

struct tome_map *
rig_map(struct rig *r)
{
	struct tome_map *map;

	assert_int_equal(tome_map_create(r->vm, NULL, &map), TOME_OK);
	return map;
}

tome_va_t
rig_enter(struct tome_map *map, tome_va_t at, unsigned pages, tome_prot_t prot)
{
	struct tome_map_request rq = { .addr = at, .len = pages * PG,
		.prot = prot, .flags = at != 0 ? TOME_MAP_FIXED : 0 };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	return va;
}

void
rig_poke(struct tome_map *map, tome_va_t va, uint8_t byte)
{
	size_t done;

	assert_int_equal(tome_map_write(map, va, &byte, 1, false, &done),
	    TOME_OK);
}

int
rig_peek(struct tome_map *map, tome_va_t va)
{
	uint8_t byte;
	size_t done;

	if (tome_map_read(map, va, &byte, 1, false, &done) != TOME_OK)
		return -1;
	return byte;
}

void
rig_check(struct rig *r)
{
	const char *why = tome_vm_check(r->vm);

	if (why != NULL)
		fail_msg("%s", why);
}

uint64_t
rig_anon_frames(struct rig *r)
{
	struct tome_stats s;

	tome_vm_stats(r->vm, &s);
	return s.frames_anon;
}

void
rig_expect(struct tome_map *map, const char *want)
{
	struct tome_entry *en = tome_tree_find(&map->tree, 0);
	char text[512];
	int n = 0;

	text[0] = '\0';
	for (; en != NULL; en = tome_tree_next(&map->tree, en))
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%x-%x %s%s%s",
		    n > 0 ? ", " : "",
		    (unsigned)((en->start - AT) >> TOME_PAGE_SHIFT),
		    (unsigned)((en->end - AT) >> TOME_PAGE_SHIFT),
		    en->prot & TOME_PROT_READ ? "r" : "-",
		    en->prot & TOME_PROT_WRITE ? "w" : "-",
		    en->prot & TOME_PROT_EXEC ? "x" : "-");
	assert_string_equal(text, want);
}
