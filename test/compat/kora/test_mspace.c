/*
 * test_mspace.c - Kora's spaces and areas, by the lines of contract.
 */
#include <stdlib.h>

#include <tome/paging.h>

#include "rig_k.h"

#define TEST(numbers, f) CONTRACT_TEST(numbers, f, k_up, k_down)
#define MAP_FIXED_ANON (VMA_FG_ANON | VMA_MAP_FIXED)

static void
expect(int result, int error)
{
	assert_int_equal(result, error == 0 ? 0 : -1);
	assert_int_equal(k_errno, error);
	k_count(k_ms);
}

/* ---- spaces ---- */

static bool
try_create(void)
{
	mspace_t *ms = mspace_create();

	assert_int_equal(k_errno, ms != NULL ? 0 : ENOMEM);
	if (ms == NULL)
		return false;
	mspace_close(ms);
	return true;
}

static void
test_create(void **state)
{
	mspace_t *ms = DID(mspace_create());

	(void)state;
	assert_int_equal(ms->users, 1);
	assert_int_equal(ms->lower_bound, LO);
	assert_int_equal(ms->upper_bound, HI);
	assert_null(ms->tree.root_);
	assert_int_equal(ms->v_size + ms->p_size + ms->s_size +
	    ms->phys_pg_count, 0);
	assert_int_not_equal(ms->directory, k_ms->directory);
	DO(mspace_close(ms));
	rig_each_failure(try_create);
	assert_true(try_create());
}

static void
test_users(void **state)
{
	mspace_t *ms = DID(mspace_create());
	uint64_t before = rig_free_frames();

	(void)state;
	assert_ptr_equal(DID(mspace_open(ms)), ms);
	assert_int_equal(ms->users, 2);
	assert_non_null(DID(mspace_map(ms, 0, 64 * PG, NULL, 0, 0,
	    VMA_FG_ANON | VMA_RESOLVE)));
	assert_true(rig_free_frames() + 64 <= before);
	DO(mspace_close(ms));
	assert_int_equal(ms->users, 1);
	assert_int_equal(ms->v_size, 64);
	DO(mspace_close(ms));
	assert_true(rig_free_frames() + 4 >= before);
	assert_null(DID(mspace_open(NULL)));
	DO(mspace_close(NULL));
	DO(mspace_close(kMMU.kspace));
}

static void
test_layout(void **state)
{
	static const size_t at[] = { offsetof(mspace_t, users),
		offsetof(mspace_t, tree), offsetof(mspace_t, directory),
		offsetof(mspace_t, lower_bound),
		offsetof(mspace_t, upper_bound), offsetof(mspace_t, v_size),
		offsetof(mspace_t, p_size), offsetof(mspace_t, s_size),
		offsetof(mspace_t, phys_pg_count), offsetof(mspace_t, lock) };
	static const size_t of[] = { offsetof(vma_t, node),
		offsetof(vma_t, length), offsetof(vma_t, ino),
		offsetof(vma_t, offset), offsetof(vma_t, limit),
		offsetof(vma_t, flags) };

	(void)state;
	for (unsigned i = 1; i < sizeof at / sizeof at[0]; i++)
		assert_true(at[i - 1] < at[i]);
	for (unsigned i = 1; i < sizeof of / sizeof of[0]; i++)
		assert_true(of[i - 1] < of[i]);
	assert_int_equal(at[0], 0);
	assert_int_equal(of[0], 0);
}

static void
test_apart(void **state)
{
	mspace_t *mine = k_ms, *other = DID(mspace_create());

	(void)state;
	k_map(AT, PG, NULL, 0, 0, MAP_FIXED_ANON);
	assert_true(rig_poke(AT, 'm'));
	k_ms = other;
	mmu_context(other);
	assert_int_equal(rig_peek(AT), -1);
	k_map(AT, PG, NULL, 0, 0, MAP_FIXED_ANON);
	assert_int_equal(rig_peek(AT), 0);
	assert_true(rig_poke(AT, 'o'));
	k_ms = mine;
	mmu_context(mine);
	assert_int_equal(rig_peek(AT), 'm');
}

/* ---- mapping ---- */

static void
test_map(void **state)
{
	size_t at = k_map(0, 4 * PG, NULL, 0, 0, VMA_FG_ANON);

	(void)state;
	assert_int_equal(k_ms->v_size, 4);
	assert_int_equal(k_ms->phys_pg_count, 0);
	assert_int_equal(rig_peek(at + 5), 0);
	assert_int_equal(k_ms->phys_pg_count, 1);
	assert_true(rig_poke(at + 3 * PG, 'x'));
	assert_int_equal(rig_peek(at + 3 * PG), 'x');
	assert_int_equal(k_ms->phys_pg_count, 2);
	k_count(k_ms);
	assert_int_equal(rig_peek(at + 4 * PG), -1);
}

static void
test_map_refused(void **state)
{
	inode_t *f = k_file(1);

	(void)state;
	k_refused(EINVAL, 0, 0, NULL, 0, 0, VMA_FG_ANON);
	k_refused(EINVAL, 0, kMMU.max_vma_size + PG, NULL, 0, 0, VMA_FG_ANON);
	k_refused(EINVAL, 0, SIZE_MAX & ~(PG - 1), NULL, 0, 0, VMA_FG_ANON);
	k_refused(EINVAL, AT + 1, PG, NULL, 0, 0, VMA_FG_ANON);
	k_refused(EINVAL, 0, PG + 1, NULL, 0, 0, VMA_FG_ANON);
	k_refused(EINVAL, 0, PG, f, 5, 0, VMA_FG_RO_FILE);
	k_refused(EINVAL, 0, PG, f, -(off_t)PG, 0, VMA_FG_RO_FILE);
	k_refused(EINVAL, 0, PG, f, 0, -2, VMA_FG_RO_FILE);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_RW);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_RW | VMA_TYPE);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_FG_ANON | 0x100000);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_FG_ANON | VMA_DEAD);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_ANON | VMA_READ);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_FG_ANON | VMA_EXEC);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_FG_ANON | VMA_CAN_EXEC);
	k_refused(EINVAL, 0, PG, NULL, 0, 0,
	    VMA_FG_ANON | VMA_COPY_ON_WRITE);
	k_refused(EINVAL, 0, PG, f, 0, 0, VMA_FG_ANON);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_FG_CODE);
	k_refused(EINVAL, 0, PG, NULL, 0, 5, VMA_FG_ANON);
	k_refused(EINVAL, 0, PG, f, 0, 5, VMA_FG_RW_FILE);
	k_refused(EINVAL, 0, PG, NULL, 0, 0, MAP_FIXED_ANON);
	f->content = (tome_object_unref(f->content), NULL);
	k_refused(EINVAL, 0, PG, f, 0, 0, VMA_FG_RO_FILE);
	free(f);
	assert_null(DID(mspace_map(NULL, 0, PG, NULL, 0, 0, VMA_FG_ANON)));
	assert_int_equal(k_errno, EINVAL);
}

static void
test_places(void **state)
{
	(void)state;
	assert_int_equal(k_map(AT, 2 * PG, NULL, 0, 0, VMA_FG_ANON), AT);
	assert_true(rig_poke(AT, 'k'));
	assert_int_equal(k_map(AT + PG, PG, NULL, 0, 0, VMA_FG_ANON), LO);
	assert_int_equal(k_map(HI, PG, NULL, 0, 0, VMA_FG_ANON), LO + PG);
	assert_int_equal(k_map(PG, PG, NULL, 0, 0, VMA_FG_ANON), LO + 2 * PG);
	k_refused(ERANGE, AT + PG, PG, NULL, 0, 0, MAP_FIXED_ANON);
	k_refused(ERANGE, AT - PG, 4 * PG, NULL, 0, 0, MAP_FIXED_ANON);
	k_refused(ERANGE, HI - PG, 2 * PG, NULL, 0, 0, MAP_FIXED_ANON);
	k_refused(ERANGE, LO - PG, PG, NULL, 0, 0, MAP_FIXED_ANON);
	assert_int_equal(rig_peek(AT), 'k');
	assert_int_equal(k_map(AT + 2 * PG, PG, NULL, 0, 0, MAP_FIXED_ANON),
	    AT + 2 * PG);
}

static void
test_lowest(void **state)
{
	size_t big = (size_t)1 << 30;

	(void)state;
	assert_int_equal(k_map(0, PG, NULL, 0, 0, VMA_FG_ANON), LO);
	assert_int_equal(k_map(0, 8 * PG, NULL, 0, 0, VMA_FG_ANON), LO + PG);
	assert_int_equal(k_map(0, PG, NULL, 0, 0, VMA_FG_ANON), LO + 9 * PG);
	expect(DID(mspace_unmap(k_ms, LO + 2 * PG, 3 * PG)), 0);
	expect(DID(mspace_scavenge(k_ms)), 0);
	assert_int_equal(k_map(0, 4 * PG, NULL, 0, 0, VMA_FG_ANON),
	    LO + 10 * PG);
	assert_int_equal(k_map(0, 2 * PG, NULL, 0, 0, VMA_FG_ANON),
	    LO + 2 * PG);
	/* Large ones are not placed otherwise. */
	assert_int_equal(k_map(0, 4 << 20, NULL, 0, 0, VMA_FG_ANON),
	    LO + 14 * PG);
	k_map(0, big, NULL, 0, 0, VMA_FG_ANON);
	k_map(0, big, NULL, 0, 0, VMA_FG_ANON);
	k_refused(ENOMEM, 0, big, NULL, 0, 0, VMA_FG_ANON);
}

static void
test_resolve_flag(void **state)
{
	size_t at = k_map(0, 8 * PG, NULL, 0, 0, VMA_FG_ANON | VMA_RESOLVE);
	size_t locked = k_map(0, 3 * PG, NULL, 0, 0, VMA_FG_HEAP | VMA_LOCKED);

	(void)state;
	assert_int_equal(k_ms->phys_pg_count, 11);
	assert_int_not_equal(DID(mmu_read(at + 7 * PG, false, false)), 0);
	assert_int_not_equal(DID(mmu_read(locked, false, false)), 0);
	assert_true(mspace_search_vma(k_ms, locked)->flags & VMA_LOCKED);
	assert_false(mspace_search_vma(k_ms, at)->flags & VMA_RESOLVE);
}

static void
test_rights(void **state)
{
	static const int rights[] = { VMA_RO, VMA_RW, VMA_RX,
		VMA_CAN_READ | VMA_CAN_WRITE };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		size_t at = k_map(0, PG, NULL, 0, 0, rights[i] | VMA_ANON);

		assert_int_equal(rig_peek(at) >= 0,
		    (rights[i] & VMA_READ) != 0);
		assert_int_equal(rig_poke(at, 1),
		    (rights[i] & VMA_WRITE) != 0);
		assert_int_equal(rig_fetch(at) >= 0,
		    (rights[i] & VMA_EXEC) != 0);
		k_count(k_ms);
	}
}

static void
test_never_merged(void **state)
{
	vma_t *v[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		size_t at = k_map(AT + i * PG, PG, NULL, 0, 0,
		    MAP_FIXED_ANON);

		v[i] = DID(mspace_search_vma(k_ms, at));
	}
	expect(DID(mspace_protect(k_ms, AT, 6 * PG, VMA_READ)), 0);
	expect(DID(mspace_protect(k_ms, AT, 6 * PG, VMA_READ | VMA_WRITE)),
	    0);
	expect(DID(mspace_unmap(k_ms, AT + 2 * PG, PG)), 0);
	expect(DID(mspace_scavenge(k_ms)), 0);
	for (size_t i = 0; i < 6; i++) {
		vma_t *now = DID(mspace_search_vma(k_ms, AT + i * PG));

		assert_ptr_equal(now, i == 2 ? NULL : v[i]);
		if (now != NULL) {
			assert_int_equal(now->node.value_, AT + i * PG);
			assert_int_equal(now->length, PG);
		}
	}
}

/* ---- changing ---- */

static void
test_protect(void **state)
{
	size_t at = k_map(AT, 6 * PG, NULL, 0, 0, MAP_FIXED_ANON);
	vma_t *left = DID(mspace_search_vma(k_ms, at)), *v;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_true(rig_poke(at + i * PG, 'a' + (int)i));
	expect(DID(mspace_protect(k_ms, at + 2 * PG, 2 * PG, VMA_READ)), 0);
	assert_int_equal(k_ms->tree.count_, 3);
	assert_int_equal(left->length, 2 * PG);
	v = DID(mspace_search_vma(k_ms, at + 3 * PG));
	assert_int_equal(v->node.value_, at + 2 * PG);
	assert_int_equal(v->length, 2 * PG);
	assert_int_equal(v->flags, VMA_FG_ANON & ~VMA_WRITE);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(rig_poke(at + i * PG, 'A' + (int)i),
		    i != 2 && i != 3);
		assert_int_equal(rig_peek(at + i * PG),
		    (i != 2 && i != 3 ? 'A' : 'a') + (int)i);
	}
	expect(DID(mspace_protect(k_ms, at, 6 * PG, 0)), 0);
	assert_int_equal(rig_peek(at), -1);
	expect(DID(mspace_protect(k_ms, at, 6 * PG, VMA_READ)), 0);
	assert_int_equal(rig_peek(at + 5 * PG), 'F');
	expect(DID(mspace_protect(NULL, at, PG, VMA_READ)), EINVAL);
	expect(DID(mspace_protect(k_ms, 0, PG, VMA_READ)), EINVAL);
	expect(DID(mspace_protect(k_ms, at, 0, VMA_READ)), EINVAL);
	expect(DID(mspace_protect(k_ms, at + 1, PG, VMA_READ)), EINVAL);
	expect(DID(mspace_protect(k_ms, at, PG - 1, VMA_READ)), EINVAL);
	expect(DID(mspace_protect(k_ms, at, kMMU.max_vma_size + PG,
	    VMA_READ)), EINVAL);
	expect(DID(mspace_protect(k_ms, at, PG, VMA_READ | VMA_SHARED)),
	    EINVAL);
	expect(DID(mspace_protect(k_ms, at, PG, VMA_DEAD | VMA_READ)),
	    EINVAL);
	assert_int_equal(k_ms->tree.count_, 3);
}

static void
test_protect_stops(void **state)
{
	inode_t *f = k_file(4);

	(void)state;
	k_map(AT, 2 * PG, NULL, 0, 0, MAP_FIXED_ANON);
	k_map(AT + 3 * PG, PG, NULL, 0, 0, MAP_FIXED_ANON);
	k_map(AT + 4 * PG, 2 * PG, f, 0, 0, VMA_FG_RO_FILE | VMA_MAP_FIXED);
	expect(DID(mspace_protect(k_ms, AT + PG, 3 * PG, VMA_READ)), ENOENT);
	assert_true(rig_poke(AT, 1));
	assert_false(rig_poke(AT + PG, 1));
	assert_true(rig_poke(AT + 3 * PG, 1));
	expect(DID(mspace_protect(k_ms, AT + 3 * PG, 2 * PG, VMA_WRITE)),
	    EPERM);
	assert_true(rig_poke(AT + 3 * PG, 2));
	assert_false(rig_poke(AT + 4 * PG, 2));
	assert_int_equal(mspace_search_vma(k_ms, AT + 3 * PG)->flags &
	    VMA_RIGHTS, VMA_WRITE);
	expect(DID(mspace_protect(k_ms, AT + 4 * PG, PG, VMA_EXEC)), EPERM);
	assert_int_equal(mspace_search_vma(k_ms, AT + 4 * PG)->length,
	    2 * PG);
	expect(DID(mspace_protect(k_ms, AT + 2 * PG, PG, VMA_READ)), ENOENT);
	k_file_end(f);
}

static void
test_unmap(void **state)
{
	size_t at = k_map(AT, 4 * PG, NULL, 0, 0, MAP_FIXED_ANON);

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(rig_poke(at + i * PG, 'a'));
	expect(DID(mspace_unmap(k_ms, at + PG, 2 * PG)), 0);
	assert_int_equal(rig_peek(at), 'a');
	assert_int_equal(rig_peek(at + PG), -1);
	assert_false(rig_poke(at + 2 * PG, 1));
	assert_int_equal(rig_peek(at + 3 * PG), 'a');
	assert_true(mspace_search_vma(k_ms, at + PG)->flags & VMA_DEAD);
	assert_int_equal(k_ms->v_size, 4);
	k_refused(ERANGE, at + PG, PG, NULL, 0, 0, MAP_FIXED_ANON);
	expect(DID(mspace_unmap(k_ms, at + PG, PG)), ENOENT);
	expect(DID(mspace_protect(k_ms, at + PG, PG, VMA_READ)), ENOENT);
	expect(DID(mspace_unmap(k_ms, 0, PG)), EINVAL);
	expect(DID(mspace_unmap(k_ms, at, 0)), EINVAL);
	expect(DID(mspace_unmap(k_ms, at + 64 * PG, PG)), ENOENT);
}

static void
test_scavenge(void **state)
{
	size_t at = k_map(AT, 64 * PG, NULL, 0, 0,
	    MAP_FIXED_ANON | VMA_RESOLVE);
	uint64_t before = rig_free_frames();

	(void)state;
	expect(DID(mspace_scavenge(k_ms)), 0);
	assert_int_equal(k_ms->v_size, 64);
	expect(DID(mspace_unmap(k_ms, at + PG, 60 * PG)), 0);
	expect(DID(mspace_scavenge(k_ms)), 0);
	assert_int_equal(k_ms->v_size, 4);
	assert_int_equal(k_ms->phys_pg_count, 4);
	assert_int_equal(k_ms->tree.count_, 2);
	assert_null(DID(mspace_search_vma(k_ms, at + PG)));
	assert_true(rig_free_frames() >= before + 59);
	/* What is mapped there next is new. */
	k_map(at + PG, PG, NULL, 0, 0, MAP_FIXED_ANON);
	assert_int_equal(rig_peek(at + PG), 0);
	assert_int_equal(DID(mspace_scavenge(NULL)), -1);
	assert_int_equal(k_errno, EINVAL);
}

static void
test_sweep(void **state)
{
	mspace_t *ms = DID(mspace_create());
	uint64_t before = rig_free_frames();

	(void)state;
	assert_non_null(DID(mspace_map(ms, AT, 8 * PG, NULL, 0, 0,
	    VMA_FG_ANON | VMA_RESOLVE)));
	assert_int_equal(DID(mspace_unmap(ms, AT, 2 * PG)), 0);
	DO(mspace_sweep(ms));
	assert_int_equal(ms->v_size, 6);
	assert_int_equal(ms->users, 1);
	ms->users = 0;
	DO(mspace_sweep(ms));
	assert_true(rig_free_frames() + 4 >= before);
	DO(mspace_sweep(NULL));
}

static void
test_search(void **state)
{
	size_t at = k_map(AT, 2 * PG, NULL, 0, 0, MAP_FIXED_ANON);
	vma_t *v = DID(mspace_search_vma(k_ms, at));
	char *kernel = DID(kmap(PG, NULL, 0, VMA_FG_ANON));

	(void)state;
	assert_int_equal(v->node.value_, at);
	assert_int_equal(v->length, 2 * PG);
	assert_null(v->ino);
	assert_ptr_equal(DID(mspace_search_vma(k_ms, at + 2 * PG - 1)), v);
	assert_null(DID(mspace_search_vma(k_ms, at - 1)));
	assert_null(DID(mspace_search_vma(k_ms, at + 2 * PG)));
	assert_null(DID(mspace_search_vma(k_ms, 0)));
	assert_null(DID(mspace_search_vma(NULL, at)));
	v = DID(mspace_search_vma(k_ms, (size_t)kernel + 5));
	assert_int_equal(v->node.value_, (size_t)kernel);
	assert_ptr_equal(DID(mspace_search_vma(NULL, (size_t)kernel)), v);
}

static void
test_display(void **state)
{
	inode_t *f = k_file(4);

	(void)state;
	k_map(AT, 2 * PG, NULL, 0, 0, VMA_FG_STACK | VMA_MAP_FIXED);
	k_map(AT + 4 * PG, PG, f, PG, 0, VMA_FG_CODE | VMA_MAP_FIXED);
	k_map(AT + 5 * PG, PG, f, 2 * PG, 0, VMA_FG_DATA | VMA_MAP_FIXED);
	k_map(AT + 6 * PG, PG, f, 0, 0, VMA_FG_RW_FILE | VMA_MAP_FIXED);
	assert_true(rig_poke(AT, 1));
	expect(DID(mspace_unmap(k_ms, AT + PG, PG)), 0);
	DO(mspace_display());
	assert_int_equal(k_lines, 6);
	assert_string_equal(k_log[0], "10000000-10001000 rw-p 00000000 stack");
	assert_string_equal(k_log[1],
	    "10001000-10002000 rw-p 00000000 stack dead");
	assert_string_equal(k_log[2], "10004000-10005000 r-xp 00001000 file");
	assert_string_equal(k_log[3], "10005000-10006000 r--w 00002000 file");
	assert_string_equal(k_log[4], "10006000-10007000 rw-S 00000000 file");
	assert_string_equal(k_log[5],
	    "virtual 5 private 4 shared 1 physical 1");
	k_file_end(f);
}

static void
test_counters(void **state)
{
	inode_t *f = k_file(16);
	size_t s = k_map(0, 16 * PG, f, 0, 0, VMA_FG_RW_FILE);
	size_t p = k_map(0, 16 * PG, f, 0, 0, VMA_FG_DATA);
	size_t a = k_map(0, 16 * PG, NULL, 0, 0, VMA_FG_ANON | VMA_SHARED);
	uint32_t seed = 3;

	(void)state;
	assert_int_equal(k_ms->v_size, 48);
	assert_int_equal(k_ms->p_size, 16);
	assert_int_equal(k_ms->s_size, 32);
	for (unsigned i = 0; i < 200; i++) {
		size_t of[] = { s, p, a }, at;

		seed = seed * 1664525 + 1013904223;
		at = of[seed >> 16 & 3 ? seed % 3 : 0] +
		    (seed >> 20 & 15) * PG;
		if (seed >> 28 == 0)
			page_sweep(at, PG, false);
		else if (seed & 0x1000)
			assert_true(rig_peek(at) >= 0);
		else
			assert_true(rig_poke(at, 1));
		k_count(k_ms);
	}
	expect(DID(mspace_unmap(k_ms, s, 8 * PG)), 0);
	expect(DID(mspace_unmap(k_ms, p + 4 * PG, 8 * PG)), 0);
	expect(DID(mspace_scavenge(k_ms)), 0);
	assert_int_equal(k_ms->v_size, 32);
	assert_int_equal(k_ms->p_size, 8);
	assert_int_equal(k_ms->s_size, 24);
	k_file_end(f);
}

#define DISK_PAGES 64u

static char disk[DISK_PAGES * PG];

static void
disk_start(void *ctx, struct tome_io *io)
{
	char *at = disk + io->at;

	assert_null(ctx);
	for (unsigned i = 0; i < io->n; i++, at += PG) {
		char *page = tome_frame_va(rig.vm, io->vec[i].pfn);

		memcpy(io->op == TOME_IO_WRITE ? at : page,
		    io->op == TOME_IO_WRITE ? page : at, PG);
	}
	tome_io_done(io, TOME_OK);
}

/* Every page leaves; then some come back, one by one. */
static void
test_swapped(void **state)
{
	static const struct tome_swap_device device = { .max_pages = 8,
		.start = disk_start };
	struct tome_paging_stats stats;
	size_t a, other;
	unsigned id;

	(void)state;
	assert_int_equal(tome_paging_start(rig.vm), TOME_OK);
	assert_int_equal(tome_swap_add(rig.vm, &device, NULL, DISK_PAGES, 0, 0,
	    &id), TOME_OK);
	a = k_map(0, 32 * PG, NULL, 0, 0, VMA_FG_ANON);
	for (unsigned i = 0; i < 32; i++)
		assert_true(rig_poke(a + i * PG, 'a' + (int)i));
	assert_int_equal(k_ms->phys_pg_count, 32);
	while (tome_reclaim(rig.vm, 8) > 0)
		;
	tome_paging_stats(rig.vm, &stats);
	assert_int_equal(stats.swapped_out, 32);
	assert_int_equal(k_ms->v_size, 32);
	assert_int_equal(k_ms->p_size, 32);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(rig_peek(a + i * PG), 'a' + (int)i);
		k_count(k_ms);
	}
	other = k_map(0, PG, NULL, 0, 0, VMA_FG_ANON);
	assert_true(rig_poke(other, 1));
	while (tome_reclaim(rig.vm, 8) > 0)
		;
	expect(DID(mspace_protect(k_ms, other, PG, VMA_READ)), 0);
	k_count(k_ms);
	assert_int_equal(k_ms->phys_pg_count, 0);
	assert_int_equal(k_ms->p_size, 33);
	assert_int_equal(rig_peek(a + 31 * PG), 'a' + 31);
	k_count(k_ms);
	assert_int_equal(tome_swap_remove(rig.vm, id), TOME_OK);
}

/* ---- files ---- */

static void
test_limit(void **state)
{
	inode_t *f = k_file(4);
	off_t limit = (off_t)PG + 100;
	size_t at = k_map(0, 4 * PG, f, PG, limit, VMA_FG_DATA);

	(void)state;
	assert_int_equal(rig_peek(at), 'b');
	assert_int_equal(rig_peek(at + PG + 99), 'c');
	assert_int_equal(rig_peek(at + PG + 100), 0);
	assert_int_equal(rig_peek(at + 2 * PG - 1), 0);
	assert_int_equal(rig_peek(at + 2 * PG), 0);
	assert_true(rig_poke(at + 3 * PG, 'w'));
	assert_true(rig_poke(at + PG + 200, 'w'));
	assert_int_equal(rig_peek(at + PG + 99), 'c');
	assert_int_equal(k_file_byte(f, 2 * PG + 200), 'c');
	at = k_map(0, 2 * PG, f, 0, -1, VMA_FG_DATA);
	assert_int_equal(rig_peek(at), 0);
	at = k_map(0, 2 * PG, f, 0, 2 * (off_t)PG, VMA_FG_RO_FILE);
	assert_int_equal(rig_peek(at + 2 * PG - 1), 'b');
	k_count(k_ms);
	k_file_end(f);
}

static void
test_limit_split(void **state)
{
	inode_t *f = k_file(8);
	size_t at = k_map(AT, 8 * PG, f, 0, 3 * (off_t)PG + 8, VMA_FG_DATA |
	    VMA_MAP_FIXED);
	vma_t *l = DID(mspace_search_vma(k_ms, at)), *m, *r;

	(void)state;
	expect(DID(mspace_protect(k_ms, at + 2 * PG, 3 * PG, VMA_READ)), 0);
	m = DID(mspace_search_vma(k_ms, at + 2 * PG));
	r = DID(mspace_search_vma(k_ms, at + 5 * PG));
	assert_int_equal(l->limit, 0);
	assert_int_equal(m->limit, PG + 8);
	assert_int_equal(r->limit, -1);
	assert_int_equal(l->offset, 0);
	assert_int_equal(m->offset, 2 * PG);
	assert_int_equal(r->offset, 5 * PG);
	assert_int_equal(rig_peek(at + PG), 'b');
	assert_int_equal(rig_peek(at + 3 * PG + 7), 'd');
	assert_int_equal(rig_peek(at + 3 * PG + 8), 0);
	assert_int_equal(rig_peek(at + 6 * PG), 0);
	/* Exactly at the limit's page: all of the left is the file's. */
	expect(DID(mspace_protect(k_ms, at + PG, PG, VMA_READ)), 0);
	assert_int_equal(mspace_search_vma(k_ms, at + PG)->limit, 0);
	expect(DID(mspace_protect(k_ms, at + 7 * PG, PG, VMA_READ)), 0);
	assert_int_equal(mspace_search_vma(k_ms, at + 7 * PG)->limit, -1);
	k_file_end(f);
}

static void
test_program(void **state)
{
	inode_t *f = k_file(4);
	size_t code = k_map(AT, PG, f, 0, 0, VMA_FG_CODE);
	size_t data = k_map(AT + PG, 3 * PG, f, PG, 0, VMA_FG_DATA);

	(void)state;
	assert_int_equal(rig_fetch(code), 'a');
	assert_false(rig_poke(code, 'x'));
	assert_int_equal(rig_fetch(data), -1);
	assert_int_equal(rig_peek(data + PG), 'c');
	assert_true(rig_poke(data + PG, 'W'));
	assert_int_equal(rig_peek(data + PG), 'W');
	assert_int_equal(rig_peek(data + PG + 1), 'c');
	assert_int_equal(k_file_byte(f, 2 * PG), 'c');
	assert_int_equal(rig_peek(data), 'b');
	assert_int_equal(rig_peek(data + 2 * PG), 'd');
	k_count(k_ms);
	k_file_end(f);
}

static void
test_shared(void **state)
{
	inode_t *f = k_file(2);
	mspace_t *one = k_ms, *two = DID(mspace_create());
	size_t a = k_map(AT, 2 * PG, f, 0, 0, VMA_FG_RW_FILE), b;

	(void)state;
	assert_true(rig_poke(a + PG, 's'));
	assert_int_equal(k_file_byte(f, PG), 's');
	k_ms = two;
	mmu_context(two);
	b = k_map(AT + 16 * PG, PG, f, PG, 0, VMA_FG_RW_FILE);
	assert_int_equal(rig_peek(b), 's');
	assert_true(rig_poke(b, 't'));
	k_ms = one;
	mmu_context(one);
	assert_int_equal(rig_peek(a + PG), 't');
	k_file_end(f);
}

static void
test_heap_stack(void **state)
{
	static const int types[] = { VMA_HEAP, VMA_STACK };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		size_t at = k_map(0, 2 * PG, NULL, 0, 0, VMA_RW | types[i]);

		assert_true(rig_poke(at + PG, 'h'));
		assert_int_equal(rig_peek(at), 0);
		assert_int_equal(rig_fetch(at), -1);
		k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_RO | types[i]);
		k_refused(EINVAL, 0, PG, NULL, 0, 0,
		    VMA_RW | VMA_SHARED | types[i]);
		k_refused(EINVAL, 0, PG, NULL, 0, 0, VMA_RX | types[i]);
	}
}

/* ---- allocations that fail ---- */

static bool
try_map(void)
{
	void *p = mspace_map(k_ms, AT, 4 * PG, NULL, 0, 0, MAP_FIXED_ANON);

	assert_int_equal(k_errno, p != NULL ? 0 : ENOMEM);
	k_count(k_ms);
	if (p == NULL)
		return false;
	assert_int_equal(mspace_unmap(k_ms, AT, 4 * PG), 0);
	while (mspace_scavenge(k_ms) != 0)
		assert_int_equal(k_errno, ENOMEM);
	return true;
}

/* Of the three parts, those before the failure may have changed. */
static bool
try_protect(void)
{
	bool done = mspace_protect(k_ms, AT + PG, 2 * PG, VMA_READ) == 0;

	assert_int_equal(k_errno, done ? 0 : ENOMEM);
	k_count(k_ms);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(rig_peek(AT + i * PG), 'a');
	return done;
}

static void
test_failing(void **state)
{
	(void)state;
	rig_each_failure(try_map);
	k_map(AT, 4 * PG, NULL, 0, 0, MAP_FIXED_ANON);
	for (size_t i = 0; i < 4; i++)
		assert_true(rig_poke(AT + i * PG, 'a'));
	rig_each_failure(try_protect);
	expect(DID(mspace_protect(k_ms, AT + PG, 2 * PG, VMA_READ)), 0);
	assert_true(rig_poke(AT, 'b'));
	assert_false(rig_poke(AT + PG, 'b'));
	assert_true(rig_poke(AT + 3 * PG, 'b'));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("R1", test_create),
		TEST("R2", test_users),
		TEST("R3", test_layout),
		TEST("R4", test_map),
		TEST("R5", test_map_refused),
		TEST("R6", test_places),
		TEST("R7", test_lowest),
		TEST("R8", test_resolve_flag),
		TEST("R9", test_rights),
		TEST("R10", test_never_merged),
		TEST("R11", test_protect),
		TEST("R12", test_protect_stops),
		TEST("R13", test_unmap),
		TEST("R14", test_scavenge),
		TEST("R15", test_sweep),
		TEST("R16", test_search),
		TEST("R17", test_display),
		TEST("R18", test_counters),
		TEST("R18", test_swapped),
		TEST("R19", test_limit),
		TEST("R20", test_limit_split),
		TEST("R21", test_program),
		TEST("R22", test_shared),
		TEST("R23", test_apart),
		TEST("R24", test_heap_stack),
		TEST("R36", test_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
