/*
 * test_posix.c - every allocation refused: the calls of layer 7.
 */
#include <errno.h>
#include <fcntl.h>

#include "world.h"

#define FAR (AT + 1024 * PG)

static const struct tome_cred me = { .pid = 1, .privileged = true };

/* ---- memory ---- */

static long
map_private(struct world *w)
{
	return tome_posix_mmap(w->p, AT, 8 * PG, RW,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

static long
map_shared(struct world *w)
{
	return tome_posix_mmap(w->p, 0, 8 * PG, RW,
	    MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
}

static long
map_file(struct world *w)
{
	struct tome_posix_file f = { .object = w->ob, .readable = true,
		.writable = true, .name = "file" };

	return tome_posix_mmap(w->p, AT, 4 * PG, RW, MAP_PRIVATE | MAP_FIXED,
	    &f, PG);
}

static long
unmap(struct world *w)
{
	return tome_posix_munmap(w->p, AT + 2 * PG, 3 * PG);
}

static long
protect(struct world *w)
{
	return tome_posix_mprotect(w->p, AT + 2 * PG, 3 * PG, PROT_READ);
}

static long
remap_grow(struct world *w)
{
	return tome_posix_mremap(w->p, AT, 8 * PG, 20 * PG, 0, 0);
}

static long
remap_move(struct world *w)
{
	return tome_posix_mremap(w->p, AT + PG, 4 * PG, 4 * PG,
	    MREMAP_MAYMOVE | MREMAP_FIXED, FAR);
}

static long
remap_shrink(struct world *w)
{
	return tome_posix_mremap(w->p, AT, 4 * PG, 2 * PG, 0, 0);
}

/* The break is told, not an error. */
static long
brk_to(struct world *w, tome_va_t to)
{
	return tome_posix_brk(w->p, to) == (long)to ? 0 : -ENOMEM;
}

static long
brk_up(struct world *w)
{
	return brk_to(w, BRK + 9 * PG);
}

static void
with_break(struct world *w)
{
	assert_int_equal(brk_up(w), 0);
	world_poke(w, BRK + PG);
	world_poke(w, BRK + 7 * PG);
}

static long
brk_down(struct world *w)
{
	return brk_to(w, BRK + 3 * PG);
}

static long
brk_more(struct world *w)
{
	return brk_to(w, BRK + 30 * PG);
}

static long
advise(struct world *w, int advice)
{
	return tome_posix_madvise(w->p, AT + 2 * PG, 3 * PG, advice);
}

static long
advise_dontneed(struct world *w)
{
	return advise(w, MADV_DONTNEED);
}

static long
advise_free(struct world *w)
{
	return advise(w, MADV_FREE);
}

static long
advise_dontfork(struct world *w)
{
	return advise(w, MADV_DONTFORK);
}

static long
advise_wipe(struct world *w)
{
	return advise(w, MADV_WIPEONFORK);
}

static long
advise_populate(struct world *w)
{
	return advise(w, MADV_POPULATE_WRITE);
}

static void
shared_file(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->ob, AT + 2 * PG, TOME_MAP_SHARED, 0);
}

static long
advise_remove(struct world *w)
{
	return advise(w, MADV_REMOVE);
}

static long
inherit(struct world *w)
{
	return tome_posix_minherit(w->p, AT + PG, 2 * PG, 3);
}

static long
sync_all(struct world *w)
{
	return tome_posix_msync(w->p, AT, 8 * PG, MS_SYNC);
}

/* The answer goes to a page that is not there yet. */
static long
incore(struct world *w)
{
	return tome_posix_mincore(w->p, AT, 8 * PG, AT + 7 * PG);
}

static long
lock(struct world *w)
{
	return tome_posix_mlock(w->p, AT + PG, 4 * PG);
}

static long
lock_on_fault(struct world *w)
{
	return tome_posix_mlock2(w->p, AT + PG, 4 * PG, 1);
}

static void
locked(struct world *w)
{
	eight_pages(w);
	assert_int_equal(tome_posix_mlock(w->p, AT, 8 * PG), 0);
}

static long
unlock(struct world *w)
{
	return tome_posix_munlock(w->p, AT + PG, 4 * PG);
}

static long
lock_all(struct world *w)
{
	return tome_posix_mlockall(w->p, MCL_CURRENT);
}

/* ---- two spaces ---- */

static void
every_kind(struct world *w)
{
	world_objects(w);
	eight_pages(w);
	world_map_object(w, w->ob, AT + 16 * PG, TOME_MAP_SHARED, 0);
	world_map_object(w, w->over, AT + 24 * PG, 0, 0);
	world_poke(w, AT + 25 * PG);
	with_break(w);
}

static long
fork_space(struct world *w)
{
	return result(tome_posix_fork(w->p, &w->child_space));
}

static long
create_space(struct world *w)
{
	struct tome_posix_config pc = { .shm = w->shm, .brk_start = BRK,
		.map = w->map };

	return result(tome_posix_create(&pc, &w->child_space));
}

/* A list of one range, in the last page; and the other space. */
static void
two_spaces(struct world *w)
{
	uint64_t v[4] = { AT, 2 * PG, AT + 4 * PG, 2 * PG };
	size_t done;

	eight_shared(w);
	assert_int_equal(tome_map_write(w->map, AT + 7 * PG, v, sizeof v,
	    false, &done), TOME_OK);
}

static long
read_other(struct world *w)
{
	return tome_posix_vm_readv(w->p, w->child, 0, AT + 7 * PG, 1,
	    AT + 7 * PG + 16, 1, 0);
}

static long
write_other(struct world *w)
{
	return tome_posix_vm_writev(w->p, w->child, 0, AT + 7 * PG, 1,
	    AT + 7 * PG + 16, 1, 0);
}

/* ---- shared memory ---- */

static long
get(struct world *w)
{
	long id = tome_posix_shmget(w->p, &me, 0, 3 * PG, 0600);

	if (id >= 0)
		w->segment = (int)id;
	return id;
}

static void
segment(struct world *w)
{
	assert_true(get(w) >= 0);
	eight_pages(w);
}

static long
attach(struct world *w)
{
	return tome_posix_shmat(w->p, &me, w->segment, FAR, 0);
}

static long
attach_over(struct world *w)
{
	return tome_posix_shmat(w->p, &me, w->segment, AT + 2 * PG, 040000);
}

static void
attached(struct world *w)
{
	segment(w);
	assert_int_equal(attach(w), FAR);
	world_poke(w, FAR + PG);
}

static long
detach(struct world *w)
{
	return tome_posix_shmdt(w->p, &me, FAR);
}

/* IPC_STAT, to a page that is not there yet. */
static long
stat_segment(struct world *w)
{
	return tome_posix_shmctl(w->p, &me, w->segment, 2, AT + PG);
}

static void
named(struct world *w)
{
	size_t done;

	eight_pages(w);
	assert_int_equal(tome_map_write(w->map, AT, "name", 5, false, &done),
	    TOME_OK);
}

static long
memfd(struct world *w)
{
	char name[TOME_MEMFD_NAME + 1];
	unsigned seals;

	return tome_posix_memfd(w->p, AT, 0, name, &seals, &w->made);
}

static const struct scenario scenarios[] = {
	{ "mmap", nothing, map_private, 0, NULL },
	{ "mmap, replacing", eight_shared, map_private, 0, NULL },
	{ "mmap, shared", nothing, map_shared, 0, NULL },
	{ "mmap of a file", shared_file, map_file, 0, NULL },
	{ "munmap", eight_shared, unmap, 0, NULL },
	{ "mprotect", eight_pages, protect, 0, NULL },
	{ "mremap, growing", eight_pages, remap_grow, 0, NULL },
	{ "mremap, moving a part", eight_shared, remap_move, 0, NULL },
	{ "mremap, shrinking", eight_pages, remap_shrink, 0, NULL },
	{ "brk", nothing, brk_up, 0, NULL },
	{ "brk, up", with_break, brk_more, 0, NULL },
	{ "brk, down", with_break, brk_down, 0, NULL },
	{ "madvise DONTNEED", eight_shared, advise_dontneed, FAIL_LAZY, NULL },
	{ "madvise FREE", eight_shared, advise_free, FAIL_LAZY, NULL },
	{ "madvise DONTFORK", eight_pages, advise_dontfork, 0, NULL },
	{ "madvise WIPEONFORK", eight_pages, advise_wipe, 0, NULL },
	{ "madvise POPULATE_WRITE", eight_shared, advise_populate,
	    FAIL_PARTIAL | FAIL_EFAULT, NULL },
	{ "madvise REMOVE", shared_file, advise_remove, 0, NULL },
	{ "minherit", eight_pages, inherit, 0, NULL },
	{ "msync", eight_pages, sync_all, 0, NULL },
	{ "mincore", eight_shared, incore, FAIL_LAZY | FAIL_EFAULT, NULL },
	{ "mlock", eight_shared, lock, FAIL_PARTIAL, NULL },
	{ "mlock2, as touched", eight_pages, lock_on_fault, 0, NULL },
	{ "munlock", locked, unlock, 0, NULL },
	{ "mlockall", eight_shared, lock_all, FAIL_PARTIAL, NULL },
	{ "fork", every_kind, fork_space, 0, NULL },
	{ "a second owner", eight_pages, create_space, 0, NULL },
	{ "process_vm_readv", two_spaces, read_other,
	    FAIL_PARTIAL | FAIL_EFAULT, NULL },
	{ "process_vm_writev", two_spaces, write_other,
	    FAIL_PARTIAL | FAIL_EFAULT, NULL },
	{ "shmget", nothing, get, 0, NULL },
	{ "shmat", segment, attach, 0, NULL },
	{ "shmat, over others", segment, attach_over, 0, NULL },
	{ "shmdt", attached, detach, 0, NULL },
	{ "shmctl IPC_STAT", segment, stat_segment, FAIL_LAZY | FAIL_EFAULT,
	    NULL },
	{ "memfd_create", named, memfd, 0, NULL },
};

FAIL_MAIN(scenarios)
