/*
 * daemon.c - the paging daemon: free frames between the marks, old pages written.
 *
 * Locks: none of its own; sleeps on `kick`.
 */
#include <paging/paging_i.h>

#define PERIOD_NS 1000000000u		/* looks at least so often */
#define OLD_NS 5000000000u		/* modified pages older than this are written */
#define WRITE_PAGES 1024u

/* Pages that a zone lacks to its high mark, once it is below the low one. */
static uint64_t
zone_lacks(struct tome_vm *vm, enum tome_zone_kind kind)
{
	struct tome_zone_stats z;

	if (!tome_zone_stats(vm, kind, &z) || z.free >= z.low)
		return 0;
	return z.high - z.free;
}

/* False: nothing lacked. *scarce: less was found than lacked. */
static bool
balance(struct tome_paging *p, bool *scarce)
{
	bool any = false;
	uint64_t n;

	for (int kind = 0; kind < TOME_ZONES; kind++) {
		n = zone_lacks(p->vm, (enum tome_zone_kind)kind);
		if (n == 0)
			continue;
		any = true;
		if (tome_sweep(p, (enum tome_zone_kind)kind, n, false) < n)
			*scarce |= tome_shrink(p, n) < n;
		tome_swap_settle(p);
	}
	tome_vm_quiesce(p->vm, false);
	tome_pack_some(p);
	return any;
}

void
tome_paging_daemon(struct tome_vm *vm)
{
	struct tome_paging *p = vm->paging;
	uint64_t now, next = 0;
	uint32_t seen;
	bool scarce;

	while (!tome_rd(&p->stop)) {
		seen = tome_rd(&p->kick);
		tome_io_run(vm);
		scarce = false;
		if (balance(p, &scarce))
			tome_add(&p->daemon, 1);
		tome_behind(p, scarce);
		if (tome_desk_bury(p, false))
			tome_add(&p->kick, 1);	/* the others in a moment */
		tome_pressure_look(p);
		now = vm->host->clock_ns(vm->ctx);
		if (now >= next) {
			(void)tome_writeback(vm, WRITE_PAGES,
			    now > OLD_NS ? now - OLD_NS : 0);
			next = now + PERIOD_NS;
		}
		if (vm->host->wait == NULL)
			break;
		vm->host->wait(vm->ctx, &p->kick, seen, next);
	}
}

void
tome_paging_stop(struct tome_vm *vm)
{
	struct tome_paging *p = vm->paging;

	tome_wr(&p->stop, 1);
	tome_add(&p->kick, 1);
	if (vm->host->wake != NULL)
		vm->host->wake(vm->ctx, &p->kick, UINT32_MAX);
}
