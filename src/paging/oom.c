/*
 * oom.c - nothing can be freed: whose memory goes is the embedder's to say; what is
 * here helps him to choose, and to have it at once.
 *
 * Badness is as proc(5) describes oom_score: pages resident, swapped and of page
 * tables, and thousandths of all memory by oom_score_adj.
 *
 * Locks: the map's, while its pages go.
 */
#include <map/map_i.h>
#include <paging/paging_i.h>

#define NEVER (-1000)

void
tome_oom_hook(struct tome_vm *vm, bool (*kill)(void *arg), void *arg)
{
	vm->paging->oom_arg = arg;
	tome_wr(&vm->paging->oom_kill, kill);
}

bool
tome_oom(struct tome_paging *p)
{
	bool (*kill)(void *) = tome_rd(&p->oom_kill);

	tome_add(&p->failed, 1);
	if (kill == NULL || !kill(p->oom_arg))
		return false;
	tome_add(&p->oom_kills, 1);
	return true;
}

uint64_t
tome_oom_score(const struct tome_oom_candidate *c)
{
	struct tome_map_totals t;
	struct tome_usage u;
	struct tome_stats s;
	int64_t points;

	if (c->adjust <= NEVER)
		return 0;
	tome_map_totals(c->map, &t);
	tome_map_usage(c->map, 0, ~(tome_va_t)0, &u);
	tome_vm_stats(c->map->vm, &s);
	points = (int64_t)(t.resident_pages + t.table_pages + u.swapped) +
	    (int64_t)((uint32_t)s.frames_total / 1000) * c->adjust;
	return points > 0 ? (uint64_t)points : 1;
}

void
tome_oom_doom(struct tome_map *map)
{
	tome_wr(&map->doomed, true);
}

static tome_noinline uint64_t
resident(struct tome_map *map)
{
	struct tome_map_totals t;

	tome_map_totals(map, &t);
	return t.resident_pages;
}

/* The next private region from *at on, which moves to its end. */
static tome_noinline bool
next_private(struct tome_map *map, tome_va_t *at, tome_va_t *start)
{
	struct tome_region r;

	while (tome_map_next(map, at, &r))
		if (!r.shared) {
			*start = r.start;
			return true;
		}
	return false;
}

/* What cannot go without memory of its own stays. */
uint64_t
tome_oom_reap(struct tome_map *map)
{
	uint64_t before = resident(map), after;
	tome_va_t at = 0, start;

	while (next_private(map, &at, &start))
		if (tome_map_advise(map, start, at - start,
		    TOME_ADV_DONTNEED_LOCKED) != TOME_OK)
			continue;
	tome_vm_quiesce(map->vm, false);
	after = resident(map);
	return before > after ? before - after : 0;
}
