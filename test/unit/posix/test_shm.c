/*
 * test_shm.c - System V shared memory: shmget, shmat, shmdt, shmctl.
 */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "rig.h"

#define BUF (AT - 4 * PG)
#define KEY 0x1234
#define SHM_STAT_ANY_ 15

static const struct tome_cred root = { .pid = 1, .privileged = true,
	.now = 1000 };
static const struct tome_cred ann = { .euid = 10, .egid = 20, .pid = 2,
	.now = 2000 };
static const struct tome_cred bob = { .euid = 11, .egid = 20, .pid = 3,
	.now = 3000 };
static const struct tome_cred eve = { .euid = 12, .egid = 21, .pid = 4,
	.now = 4000 };

static int
get(struct rig *r, const struct tome_cred *c, int key, size_t size, int flags)
{
	return (int)tome_posix_shmget(r->p, c, key, size, flags);
}

static long
attach(struct rig *r, int id, tome_va_t at, int flags)
{
	return tome_posix_shmat(r->p, &ann, id, at, flags);
}

static long
control(struct rig *r, const struct tome_cred *c, int id, int cmd)
{
	return tome_posix_shmctl(r->p, c, id, cmd, BUF);
}

static struct shmid_ds
status(struct rig *r, int id)
{
	struct shmid_ds ds;

	assert_int_equal(control(r, &root, id, IPC_STAT), 0);
	rig_get(r, BUF, &ds, sizeof ds);
	return ds;
}

static void
test_get(void **state)
{
	struct rig *r = *state;
	int id, other;

	assert_int_equal(get(r, &ann, KEY, PG, 0600), -ENOENT);
	assert_int_equal(get(r, &ann, KEY, 0, IPC_CREAT | 0600), -EINVAL);
	id = get(r, &ann, KEY, 3 * PG - 1, IPC_CREAT | 0640);
	assert_true(id >= 0);
	assert_int_equal(get(r, &ann, KEY, PG, IPC_CREAT | 0600), id);
	assert_int_equal(get(r, &ann, KEY, 0, 0), id);
	assert_int_equal(get(r, &ann, KEY, PG, IPC_CREAT | IPC_EXCL), -EEXIST);
	assert_int_equal(get(r, &ann, KEY, 3 * PG, 0), -EINVAL);
	assert_int_equal(get(r, &bob, KEY, 1, 0400), id);
	assert_int_equal(get(r, &bob, KEY, 1, 0600), -EACCES);
	assert_int_equal(get(r, &eve, KEY, 1, 0400), -EACCES);
	assert_int_equal(get(r, &eve, KEY, 3 * PG, 0400), -EINVAL);
	assert_int_equal(get(r, &root, KEY, 1, 0600), id);
	assert_int_equal(get(r, &ann, 7, PG, IPC_CREAT | SHM_HUGETLB),
	    -ENOMEM);
	/* Private ones are new each time. */
	other = get(r, &ann, IPC_PRIVATE, PG, 0600);
	assert_true(other >= 0 && other != id);
	assert_true(get(r, &ann, IPC_PRIVATE, PG, 0600) != other);
}

static void
test_table_is_full(void **state)
{
	struct rig *r = *state;
	int id[8];

	assert_int_equal(get(r, &ann, 1, 101 * PG, IPC_CREAT), -ENOSPC);
	for (int i = 0; i < 8; i++)
		assert_true((id[i] = get(r, &ann, i + 1, PG, IPC_CREAT)) >= 0);
	assert_int_equal(get(r, &ann, 99, PG, IPC_CREAT), -ENOSPC);
	assert_int_equal(control(r, &ann, id[3], IPC_RMID), 0);
	assert_int_equal(get(r, &ann, 99, 94 * PG, IPC_CREAT), -ENOSPC);
	id[0] = get(r, &ann, 99, 93 * PG, IPC_CREAT);
	assert_true(id[0] >= 0 && id[0] != id[3]);
	assert_int_equal(control(r, &ann, id[3], IPC_RMID), -EINVAL);
}

static void
test_attach(void **state)
{
	struct rig *r = *state;
	int id = get(r, &ann, KEY, 3 * PG, IPC_CREAT | 0600);
	tome_va_t a = (tome_va_t)attach(r, id, 0, 0), b;

	assert_true(a < TOP);
	b = (tome_va_t)attach(r, id, 0, SHM_RDONLY);
	assert_true(rig_poke(r, a + 2 * PG, 5));
	assert_int_equal(rig_peek(r, b + 2 * PG), 5);
	assert_false(rig_poke(r, b, 1));
	assert_int_equal(tome_posix_mprotect(r->p, b, PG, RW), -EACCES);
	assert_int_equal(rig_region(r, a).end, a + 3 * PG);
	assert_int_equal(tome_posix_shmdt(r->p, &ann, a), 0);
	assert_false(rig_mapped(r, a));
	assert_true(rig_mapped(r, b));
	assert_int_equal(tome_posix_shmdt(r->p, &ann, b), 0);
	assert_int_equal(attach(r, id, AT, SHM_EXEC), -EACCES);
	assert_int_equal(attach(r, id, AT + 5, SHM_RND), AT);
	assert_int_equal(rig_peek(r, AT + 2 * PG), 5);
}

static void
test_attach_errors(void **state)
{
	struct rig *r = *state;
	int id = get(r, &ann, KEY, 3 * PG, IPC_CREAT | 0600);

	rig_map(r, BUF, 1, RW, ANON);
	rig_map(r, AT + PG, 1, RW, ANON);
	assert_int_equal(attach(r, -1, 0, 0), -EINVAL);
	assert_int_equal(attach(r, id + 1, 0, 0), -EINVAL);
	assert_int_equal(attach(r, id + 32768, 0, 0), -EINVAL);
	assert_int_equal(attach(r, id, AT + 1, 0), -EINVAL);
	assert_int_equal(attach(r, id, 0, SHM_REMAP), -EINVAL);
	assert_int_equal(attach(r, id, 5, SHM_REMAP | SHM_RND), -EINVAL);
	assert_int_equal(attach(r, id, AT, 0), -EINVAL);
	assert_int_equal(attach(r, id, -PG, 0), -EINVAL);
	assert_int_equal(attach(r, id, TOP, 0), -ENOMEM);
	assert_int_equal(attach(r, id, PG, 0), -EPERM);
	assert_int_equal(tome_posix_shmat(r->p, &eve, id, 0, 0), -EACCES);
	assert_int_equal(tome_posix_shmat(r->p, &eve, id, AT + 1, 0),
	    -EINVAL);
	assert_int_equal(status(r, id).shm_nattch, 0);
	assert_int_equal(attach(r, id, AT, SHM_REMAP), AT);
	assert_int_equal(rig_region(r, AT).end, AT + 3 * PG);
}

/* A segment attached in pieces goes as one; others stay. */
static void
test_detach(void **state)
{
	struct rig *r = *state;
	int id = get(r, &ann, KEY, 6 * PG, IPC_CREAT | 0600);
	int next = get(r, &ann, 2, 2 * PG, IPC_CREAT | 0600);

	rig_map(r, BUF, 1, RW, ANON);
	assert_int_equal(attach(r, id, AT, 0), AT);
	assert_int_equal(attach(r, next, AT + 6 * PG, 0), AT + 6 * PG);
	assert_int_equal(tome_posix_munmap(r->p, AT + PG, PG), 0);
	assert_int_equal(tome_posix_mprotect(r->p, AT + 3 * PG, PG,
	    PROT_READ), 0);
	assert_true(status(r, id).shm_nattch > 1);
	assert_int_equal(tome_posix_shmdt(r->p, &ann, AT + 1), -EINVAL);
	assert_int_equal(tome_posix_shmdt(r->p, &ann, AT + 2 * PG), -EINVAL);
	assert_int_equal(tome_posix_shmdt(r->p, &ann, AT), 0);
	for (unsigned i = 0; i < 6; i++)
		assert_false(rig_mapped(r, AT + i * PG));
	assert_true(rig_mapped(r, AT + 6 * PG));
	assert_int_equal(status(r, id).shm_nattch, 0);
	assert_int_equal(tome_posix_shmdt(r->p, &ann, AT), -EINVAL);
	/* Memory that is no segment. */
	rig_map(r, AT, 1, RW, SHANON);
	assert_int_equal(tome_posix_shmdt(r->p, &ann, AT), -EINVAL);
	assert_true(rig_mapped(r, AT));
}

static void
test_removal_waits(void **state)
{
	struct rig *r = *state;
	struct tome_posix *child;
	int id = get(r, &ann, KEY, PG, IPC_CREAT | 0600);

	assert_int_equal(attach(r, id, AT, 0), AT);
	assert_true(rig_poke(r, AT, 6));
	rig_map(r, BUF, 1, RW, ANON);
	assert_int_equal(tome_posix_fork(r->p, &child), TOME_OK);
	assert_int_equal(status(r, id).shm_nattch, 2);
	assert_int_equal(control(r, &ann, id, IPC_RMID), 0);
	assert_int_equal(get(r, &ann, KEY, PG, 0), -ENOENT);
	assert_true(status(r, id).shm_perm.mode & SHM_DEST);
	/* It can still be attached by its id. */
	assert_int_equal(attach(r, id, AT + PG, 0), AT + PG);
	assert_int_equal(rig_peek(r, AT + PG), 6);
	assert_int_equal(tome_posix_munmap(r->p, AT, 2 * PG), 0);
	assert_int_equal(status(r, id).shm_nattch, 1);
	tome_posix_destroy(child);
	assert_int_equal(control(r, &root, id, IPC_STAT), -EINVAL);
}

static void
test_status(void **state)
{
	struct rig *r = *state;
	int id = get(r, &ann, KEY, 2 * PG + 1, IPC_CREAT | 0640);
	struct shmid_ds ds;

	rig_map(r, BUF, 1, RW, ANON);
	assert_int_equal(attach(r, id, AT, 0), AT);
	ds = status(r, id);
	assert_int_equal(ds.shm_perm.__key, KEY);
	assert_int_equal(ds.shm_perm.uid, 10);
	assert_int_equal(ds.shm_perm.cgid, 20);
	assert_int_equal(ds.shm_perm.mode, 0640);
	assert_int_equal(ds.shm_segsz, 2 * PG + 1);
	assert_int_equal(ds.shm_nattch, 1);
	assert_int_equal(ds.shm_cpid, 2);
	assert_int_equal(ds.shm_lpid, 2);
	assert_int_equal(ds.shm_ctime, 2000);
	assert_int_equal(ds.shm_atime, 2000);
	assert_int_equal(ds.shm_dtime, 0);
	assert_int_equal(control(r, &bob, id, IPC_STAT), 0);
	assert_int_equal(control(r, &eve, id, IPC_STAT), -EACCES);
	assert_int_equal(control(r, &ann, 0, SHM_STAT), id);
	assert_int_equal(control(r, &eve, 0, SHM_STAT), -EACCES);
	assert_int_equal(control(r, &eve, 0, SHM_STAT_ANY_), id);
	assert_int_equal(control(r, &ann, 1, SHM_STAT), -EINVAL);
	assert_int_equal(tome_posix_shmctl(r->p, &ann, id, IPC_STAT, AT +
	    64 * PG), -EFAULT);
}

static void
test_set(void **state)
{
	struct rig *r = *state;
	int id = get(r, &ann, KEY, PG, IPC_CREAT | 0600);
	struct shmid_ds ds;

	rig_map(r, BUF, 1, RW, ANON);
	ds = status(r, id);
	ds.shm_perm.uid = 12;
	ds.shm_perm.mode = 07400;
	rig_put(r, BUF, &ds, sizeof ds);
	assert_int_equal(control(r, &eve, id, IPC_SET), -EPERM);
	assert_int_equal(control(r, &ann, id + 1, IPC_SET), -EINVAL);
	assert_int_equal(tome_posix_shmctl(r->p, &eve, id, IPC_SET, 0),
	    -EFAULT);
	assert_int_equal(control(r, &ann, id, IPC_SET), 0);
	assert_int_equal(status(r, id).shm_perm.mode, 0400);
	assert_int_equal(tome_posix_shmat(r->p, &eve, id, AT, SHM_RDONLY), AT);
	assert_int_equal(control(r, &bob, id, IPC_RMID), -EPERM);
	assert_int_equal(control(r, &eve, id, IPC_RMID), 0);
}

static void
test_whole_system(void **state)
{
	struct rig *r = *state;
	struct shminfo info;
	struct shm_info used;
	int id;

	rig_map(r, BUF, 1, RW, ANON);
	assert_int_equal(control(r, &ann, 0, IPC_INFO), 0);
	rig_get(r, BUF, &info, sizeof info);
	assert_int_equal(info.shmmni, 8);
	assert_int_equal(info.shmmin, 1);
	assert_int_equal(info.shmall, 100);
	get(r, &ann, 1, PG, IPC_CREAT | 0600);
	id = get(r, &ann, 2, 5 * PG, IPC_CREAT | 0600);
	assert_int_equal(attach(r, id, AT, 0), AT);
	assert_true(rig_poke(r, AT, 1));
	assert_int_equal(control(r, &ann, 0, SHM_INFO), 1);
	rig_get(r, BUF, &used, sizeof used);
	assert_int_equal(used.used_ids, 2);
	assert_int_equal(used.shm_tot, 6);
	assert_int_equal(used.shm_rss, 1);
	assert_int_equal(tome_posix_shmctl(r->p, &ann, 0, SHM_INFO, 0),
	    -EFAULT);
	assert_int_equal(control(r, &ann, id, 99), -EINVAL);
	assert_int_equal(control(r, &ann, id, -1), -EINVAL);
	assert_int_equal(control(r, &ann, -1, IPC_STAT), -EINVAL);
}

static void
test_lock(void **state)
{
	struct rig *r = *state;
	int id = get(r, &ann, KEY, PG, IPC_CREAT | 0600);

	rig_map(r, BUF, 1, RW, ANON);
	assert_int_equal(control(r, &eve, id, SHM_LOCK), -EPERM);
	assert_int_equal(control(r, &ann, id + 1, SHM_LOCK), -EINVAL);
	assert_int_equal(control(r, &ann, id, SHM_LOCK), 0);
	assert_true(status(r, id).shm_perm.mode & SHM_LOCKED);
	rig_limit(r, UINT64_MAX, UINT64_MAX, 0);
	assert_int_equal(control(r, &ann, id, SHM_LOCK), -EPERM);
	assert_int_equal(control(r, &ann, id, SHM_UNLOCK), 0);
	assert_false(status(r, id).shm_perm.mode & SHM_LOCKED);
}

static void
test_without_segments(void **state)
{
	struct rig *r = *state;
	struct tome_posix_config config = { .map = r->map };
	struct tome_posix *p;

	assert_int_equal(tome_posix_create(&config, &p), TOME_OK);
	assert_int_equal(tome_posix_shmget(p, &root, 1, 1, 0), -ENOSYS);
	assert_int_equal(tome_posix_shmat(p, &root, 1, 0, 0), -ENOSYS);
	assert_int_equal(tome_posix_shmdt(p, &root, AT), -ENOSYS);
	assert_int_equal(tome_posix_shmctl(p, &root, 1, 0, 0), -ENOSYS);
	assert_int_equal(tome_posix_brk(p, AT), 0);
	tome_posix_destroy(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_get),
		RIG_TEST(test_table_is_full),
		RIG_TEST(test_attach),
		RIG_TEST(test_attach_errors),
		RIG_TEST(test_detach),
		RIG_TEST(test_removal_waits),
		RIG_TEST(test_status),
		RIG_TEST(test_set),
		RIG_TEST(test_whole_system),
		RIG_TEST(test_lock),
		RIG_TEST(test_without_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
