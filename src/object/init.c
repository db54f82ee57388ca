/*
 * init.c - layer 4 of an instance: its caches, figures and end.
 */
#include <base/memory.h>
#include <object/dir.h>
#include <object/vnode.h>

static enum tome_err anon_construct(void *arg, void *object);
static size_t objects_fini(struct tome_vm *);
static const char *objects_check(struct tome_vm *);
static void objects_stats(struct tome_vm *, struct tome_stats *);

tome_cold enum tome_err
tome_objects_start(struct tome_vm *vm)
{
	struct tome_objects *all = tome_kzalloc(vm, sizeof *all);
	const struct {
		struct tome_cache **cache;
		struct tome_cache_config config;
	} make[] = {
		{ &all->anons, { .name = "anon",
		    .size = sizeof(struct tome_anon),
		    .construct = anon_construct, .stable = true } },
		/* Neighbours are different CPUs' to lock. */
		{ &all->chunks, { .name = "chunk",
		    .size = sizeof(struct tome_chunk), .align = 64 } },
		{ &all->packed, { .name = "packed chunk",
		    .size = TOME_PACKED_SIZE } },
		{ &all->nodes, { .name = "amap directory",
		    .size = sizeof(struct tome_dirnode) } },
		{ &all->amaps, { .name = "amap",
		    .size = sizeof(struct tome_amap) } },
		{ &all->objects, { .name = "object",
		    .size = sizeof(struct tome_object) } },
	};
	enum tome_err err = TOME_OK;

	if (all == NULL)
		return TOME_ENOMEM;
	vm->objects = all;
	for (size_t i = 0; i < sizeof make / sizeof make[0] && err == TOME_OK;
	    i++)
		err = tome_cache_create(vm, &make[i].config, make[i].cache);
	if (err != TOME_OK) {
		objects_fini(vm);
		return err;
	}
	all->layer.name = "object";
	all->layer.fini = objects_fini;
	all->layer.check = objects_check;
	all->layer.stats = objects_stats;
	all->layer.next = vm->layers;
	vm->layers = &all->layer;
	return TOME_OK;
}

/* An anon at rest is unlocked; who takes one takes its lock. */
static enum tome_err
anon_construct(void *arg, void *object)
{
	(void)arg;
	memset(object, 0, sizeof(struct tome_anon));
	return TOME_OK;
}

/* Files' pages; anons are recounted with the maps that name them. */
static tome_cold const char *
objects_check(struct tome_vm *vm)
{
	const char *why = NULL;

	for (struct tome_object *ob = vm->objects->list;
	    ob != NULL && why == NULL; ob = ob->next)
		if (ob->ops != NULL)
			why = ob->ops->check(ob);
	return why;
}

static tome_cold void
objects_stats(struct tome_vm *vm, struct tome_stats *out)
{
	const struct tome_files *files = vm->objects->files;

	if (files == NULL)
		return;
	out->files_dirty = tome_rd_relaxed(&files->dirty);
	out->files_writing = tome_rd_relaxed(&files->writing);
}

static tome_cold size_t
objects_fini(struct tome_vm *vm)
{
	struct tome_objects *all = vm->objects;
	struct tome_cache *caches[] = { all->anons, all->chunks, all->packed,
		all->nodes, all->amaps, all->objects, all->pagenodes };
	size_t leaked = 0;

	if (all->files != NULL)
		all->files->end(vm);
	for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++)
		if (caches[i] != NULL &&
		    tome_cache_destroy(caches[i]) != TOME_OK)
			leaked++;
	tome_kfree(vm, all);
	vm->objects = NULL;
	return leaked;
}
