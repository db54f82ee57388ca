/*
 * commit.c - what has been promised: how much memory all mappings together could
 * come to need, and whether more may be promised.
 *
 * Each CPU keeps its own part of the sum, so that mappings made at once on two CPUs
 * share no line. So the strict mode can be overdrawn by what is being entered on
 * other CPUs at the very moment, as on Linux.
 *
 * Locks: the caller's map. Invariant: the sum is what CHARGED entries cover, and
 *   what objects were charged.                          [tome_maps_check()]
 */
#include <base/text.h>
#include <map/edit.h>

void
tome_commit_set(struct tome_vm *vm, enum tome_overcommit mode, uint64_t limit)
{
	tome_wr(&vm->maps->commit_limit, limit);
	tome_wr(&vm->maps->overcommit, (uint32_t)mode);
}

uint64_t
tome_commit_pages(struct tome_vm *vm)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < vm->ncpus; i++)
		sum += tome_rd_relaxed(&vm->cpu[i].count[TOME_N_COMMITTED]);
	return sum > 0 ? (uint64_t)sum : 0;
}

bool
tome_commit_applies(const struct tome_map *map, uint32_t flags,
    tome_prot_t prot)
{
	if ((prot & TOME_PROT_WRITE) == 0 || map->kernel ||
	    (flags & (TOME_ENTRY_SHARED | TOME_ENTRY_GUARD)) != 0)
		return false;
	return (flags & TOME_ENTRY_NORESERVE) == 0 ||
	    tome_rd_relaxed(&map->vm->maps->overcommit) == TOME_OVERCOMMIT_NEVER;
}

bool
tome_commit_allows(struct tome_vm *vm, uint64_t pages, uint64_t back)
{
	uint64_t limit = tome_rd_relaxed(&vm->maps->commit_limit);

	switch ((enum tome_overcommit)tome_rd_relaxed(&vm->maps->overcommit)) {
	case TOME_OVERCOMMIT_HEURISTIC:
		return pages <= limit;
	case TOME_OVERCOMMIT_NEVER:
		return pages <= limit &&
		    tome_commit_pages(vm) - back <= limit - pages;
	case TOME_OVERCOMMIT_ALWAYS:
		break;
	}
	return true;
}

const char *
tome_commit_check(struct tome_vm *vm)
{
	const struct tome_object *ob;
	const struct tome_map *map;
	uint64_t sum = 0;

	for (map = vm->maps->list; map != NULL; map = map->next)
		sum += map->charged_pages;
	for (ob = vm->objects->list; ob != NULL; ob = ob->next)
		sum += ob->charged;
	return sum == tome_commit_pages(vm) ? NULL :
	    tome_why(vm, "11: pages promised", 0, tome_commit_pages(vm), sum);
}
