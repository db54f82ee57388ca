/*
 * file.c - cases: mappings of files and of shared memory.
 */
#include "suite.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/shm.h>

static void
file_private_write_stays_private(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	char *q = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0), byte;

	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	p[PAGE] = 'X';
	REQUIRE(q[PAGE] == 'b' && p[PAGE + 1] == 'b');
	REQUIRE(pread(fd, &byte, 1, PAGE) == 1 && byte == 'b');
}

static void
file_private_sees_until_it_writes(void)
{
	int fd = suite_file(2);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);

	REQUIRE(p[0] == 'a');
	p[PAGE] = 'P';
	REQUIRE(pwrite(fd, "N", 1, 0) == 1 && pwrite(fd, "N", 1, PAGE) == 1);
	REQUIRE(p[0] == 'N');
	REQUIRE(p[PAGE] == 'P');
}

static void
file_shared_is_coherent(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0), byte;

	p[3 * PAGE + 5] = 'S';
	REQUIRE(pread(fd, &byte, 1, 3 * PAGE + 5) == 1 && byte == 'S');
	REQUIRE(pwrite(fd, "W", 1, 7) == 1);
	REQUIRE(p[7] == 'W');
}

static void
file_shared_between_processes(void)
{
	int fd = suite_file(2), status;
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	pid_t pid = fork();

	if (pid == 0) {
		p[0] = 'C';
		_exit(p[PAGE] == 'b' ? 0 : 1);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	REQUIRE(p[0] == 'C');
}

static void
file_offset_is_honoured(void)
{
	int fd = suite_file(8);
	char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 4 * PAGE);

	for (int i = 0; i < 3; i++)
		REQUIRE(suite_filled(p + i * PAGE, 'e' + i, PAGE));
}

static void
file_beyond_its_end_is_sigbus(void)
{
	int fd = suite_file(2);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	REQUIRE(suite_read(p + 2 * PAGE - 1).byte == 'b');
	REQUIRE(traps(suite_read(p + 2 * PAGE), SIGBUS, BUS_ADRERR,
	    p + 2 * PAGE));
	REQUIRE(traps(suite_write(p + 3 * PAGE + 9, 1), SIGBUS, BUS_ADRERR,
	    p + 3 * PAGE + 9));
}

static void
file_last_page_ends_in_zeroes(void)
{
	int fd = suite_file(1);
	char *p;

	REQUIRE(ftruncate(fd, 1000) == 0);
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(suite_filled(p, 'a', 1000));
	REQUIRE(suite_filled(p + 1000, 0, PAGE - 1000));
}

static void
file_shrinks_under_a_mapping(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	p[3 * PAGE] = 'x';
	q[3 * PAGE] = 'y';
	REQUIRE(ftruncate(fd, PAGE) == 0);
	REQUIRE(traps(suite_read(p + 3 * PAGE), SIGBUS, BUS_ADRERR,
	    p + 3 * PAGE));
	REQUIRE(suite_read(q + 3 * PAGE).sig == SIGBUS);
	REQUIRE(p[0] == 'a' && q[0] == 'a');
	REQUIRE(ftruncate(fd, 4 * PAGE) == 0);
	REQUIRE(suite_filled(p + PAGE, 0, 3 * PAGE));
	REQUIRE(suite_filled(q + PAGE, 0, 3 * PAGE));
}

static void
file_survives_close_and_unlink(void)
{
	char name[] = "/tmp/suite-gone", *p;
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);

	REQUIRE(fd >= 0 && write(fd, "hello", 5) == 5);
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	REQUIRE(close(fd) == 0 && unlink(name) == 0);
	REQUIRE(memcmp(p, "hello", 5) == 0);
	p[0] = 'j';
	REQUIRE(p[0] == 'j');
}

static void
file_read_into_its_own_mapping(void)
{
	int fd = suite_file(2);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	REQUIRE(pread(fd, p, PAGE, PAGE) == (ssize_t)PAGE);
	REQUIRE(suite_filled(p, 'b', 2 * PAGE));
}

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#endif
#define PUNCH (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)

/* Everybody who has the file sees the hole, but for private copies. */
static void
file_hole_is_seen(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0), byte;

	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	REQUIRE(q[PAGE] == 'b');
	q[2 * PAGE] = 'Q';
	REQUIRE(fallocate(fd, PUNCH, PAGE, 2 * PAGE) == 0);
	REQUIRE(p[PAGE - 1] == 'a' && p[3 * PAGE] == 'd');
	REQUIRE(suite_filled(p + PAGE, 0, 2 * PAGE));
	REQUIRE(suite_filled(q + PAGE, 0, PAGE));
	REQUIRE(q[2 * PAGE] == 'Q' && q[2 * PAGE + 1] == 'c');
	REQUIRE(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 0);
	p[PAGE + 3] = 'N';
	REQUIRE(pread(fd, &byte, 1, PAGE + 3) == 1 && byte == 'N');
	/* Parts of pages; the size stays. */
	REQUIRE(fallocate(fd, PUNCH, PAGE - 2, 4) == 0);
	REQUIRE(p[PAGE - 3] == 'a' && p[PAGE - 2] == 0 && p[PAGE + 3] == 'N');
	REQUIRE(fallocate(fd, PUNCH, 3 * PAGE + 1, 9 * PAGE) == 0);
	REQUIRE(lseek(fd, 0, SEEK_END) == (off_t)(4 * PAGE));
	REQUIRE(p[3 * PAGE] == 'd' && suite_filled(p + 3 * PAGE + 1, 0,
	    PAGE - 1));
	/* By a mapping. */
	REQUIRE(madvise(p, PAGE, MADV_REMOVE) == 0);
	REQUIRE(suite_filled(p, 0, PAGE) && suite_filled(q, 0, PAGE));
	REQUIRE(pread(fd, &byte, 1, 0) == 1 && byte == 0);
}

/* A last page that is not whole goes too. */
static void
file_hole_to_the_end(void)
{
	int fd = suite_file(2);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	REQUIRE(ftruncate(fd, PAGE + 100) == 0);
	REQUIRE(p[PAGE + 99] == 'b');
	REQUIRE(fallocate(fd, PUNCH, PAGE, PAGE) == 0);
	REQUIRE(suite_filled(p + PAGE, 0, PAGE) && p[PAGE - 1] == 'a');
	REQUIRE(ftruncate(fd, 2 * PAGE) == 0);
	REQUIRE(suite_filled(p + PAGE, 0, PAGE));
}

static void
shm_hole(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);

	REQUIRE(shmctl(id, IPC_RMID, NULL) == 0);
	memset(p, 7, 3 * PAGE);
	REQUIRE(q[2 * PAGE] == 7);
	REQUIRE(madvise(p + PAGE, PAGE, MADV_REMOVE) == 0);
	REQUIRE(suite_filled(q + PAGE, 0, PAGE) && q[2 * PAGE] == 7);
	REQUIRE_ERRNO(madvise(q, PAGE, MADV_REMOVE), EACCES);
	REQUIRE(q[0] == 7);
}

static void
hole_errors(void)
{
	int fd = suite_file(2), sealed = (int)syscall(SYS_memfd_create, "seals",
	    2u /* MFD_ALLOW_SEALING */);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);

	REQUIRE_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE),
	    EOPNOTSUPP);
	REQUIRE_ERRNO(fallocate(fd, PUNCH, 0, 0), EINVAL);
	REQUIRE_ERRNO(fallocate(fd, PUNCH, -1, PAGE), EINVAL);
	REQUIRE(fallocate(fd, PUNCH, 9 * PAGE, PAGE) == 0);
	REQUIRE_ERRNO(madvise(q, PAGE, MADV_REMOVE), EACCES);
	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	REQUIRE(madvise(p, PAGE, MADV_REMOVE) == 0);	/* it may be written */
	REQUIRE(mlock(p + PAGE, PAGE) == 0);
	REQUIRE_ERRNO(madvise(p + PAGE, PAGE, MADV_REMOVE), EINVAL);
	REQUIRE(p[0] == 0 && p[PAGE] == 'b');
	REQUIRE(ftruncate(sealed, PAGE) == 0);
	REQUIRE(fcntl(sealed, 1033 /* F_ADD_SEALS */, 8 /* F_SEAL_WRITE */) ==
	    0);
	REQUIRE_ERRNO(fallocate(sealed, PUNCH, 0, PAGE), EPERM);
	REQUIRE(fallocate(sealed, FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0);
}

/* Who mapped it before may still write, but takes nothing away. */
static void
hole_in_what_is_sealed(void)
{
	int fd = (int)syscall(SYS_memfd_create, "seals",
	    2u /* MFD_ALLOW_SEALING */);
	char *p;

	REQUIRE(ftruncate(fd, 2 * PAGE) == 0);
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	memset(p, 7, 2 * PAGE);
	REQUIRE(madvise(p, PAGE, MADV_REMOVE) == 0 && p[0] == 0);
	REQUIRE(fcntl(fd, 1033 /* F_ADD_SEALS */, 16 /* F_SEAL_FUTURE_WRITE */) ==
	    0);
	p[PAGE + 1] = 8;
	REQUIRE_ERRNO(madvise(p + PAGE, PAGE, MADV_REMOVE), EPERM);
	REQUIRE(p[PAGE] == 7 && p[PAGE + 1] == 8);
}

/* Against writing: not as long as anybody's mapping may, in whichever process. */
static void
seal_where_a_child_writes(void)
{
	int fd = (int)syscall(SYS_memfd_create, "seals",
	    2u /* MFD_ALLOW_SEALING */), end[2], status;
	char *p, byte;
	pid_t pid;

	REQUIRE(ftruncate(fd, PAGE) == 0 && pipe(end) == 0);
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	pid = fork();
	if (pid == 0) {
		close(end[1]);
		_exit(read(end[0], &byte, 1) != 0 || *p != 0);
	}
	REQUIRE(munmap(p, PAGE) == 0);
	REQUIRE_ERRNO(fcntl(fd, 1033 /* F_ADD_SEALS */, 8 /* F_SEAL_WRITE */),
	    EBUSY);
	close(end[1]);
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	REQUIRE(fcntl(fd, 1033, 8) == 0);
	REQUIRE(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED);
}

static void
dev_zero_maps(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	char *q = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	REQUIRE(fd >= 0 && p != MAP_FAILED && q != MAP_FAILED);
	REQUIRE(suite_filled(p, 0, 2 * PAGE) && suite_filled(q, 0, 2 * PAGE));
	*p = *q = 1;
}

static void
shared_anon_with_a_child(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, SHARED_ANON, -1, 0);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		memset(p, 3, 4 * PAGE);
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	REQUIRE(suite_filled(p, 3, 4 * PAGE));
}

static void
shm_attach_and_detach(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	struct shmid_ds info;
	char *p, *q;

	REQUIRE(id >= 0);
	p = shmat(id, NULL, 0);
	q = shmat(id, NULL, SHM_RDONLY);
	REQUIRE(p != (void *)-1 && q != (void *)-1 && p != q);
	p[2 * PAGE] = 4;
	REQUIRE(q[2 * PAGE] == 4);
	REQUIRE(traps(suite_write(q, 1), SIGSEGV, SEGV_ACCERR, q));
	REQUIRE(shmctl(id, IPC_STAT, &info) == 0);
	REQUIRE(info.shm_nattch == 2 && info.shm_segsz == 3 * PAGE);
	REQUIRE(shmdt(q) == 0);
	REQUIRE(shmctl(id, IPC_RMID, NULL) == 0);
	REQUIRE(p[2 * PAGE] == 4);
	REQUIRE(shmdt(p) == 0);
	REQUIRE_ERRNO((long)shmat(id, NULL, 0), EINVAL);
}

static void
shm_errors(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);

	REQUIRE(id >= 0);
	REQUIRE_ERRNO((long)shmat(id, (void *)123, 0), EINVAL);
	REQUIRE_ERRNO(shmdt((void *)PAGE), EINVAL);
	REQUIRE_ERRNO(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
	REQUIRE_ERRNO(shmget(0x7e57, PAGE, 0600), ENOENT);
	REQUIRE(shmctl(id, IPC_RMID, NULL) == 0);
	REQUIRE_ERRNO(shmctl(id, IPC_RMID, NULL), EINVAL);
}

static void
readahead_errors(void)
{
	int ends[2], fd = open("/dev/null", O_RDWR);

	REQUIRE(readahead(suite_file(2), 0, 2 * PAGE) == 0);
	REQUIRE_ERRNO(readahead(-1, 0, PAGE), EBADF);
	REQUIRE_ERRNO(readahead(fd, 0, PAGE), EINVAL);
	REQUIRE(pipe(ends) == 0);
	REQUIRE_ERRNO(readahead(ends[0], 0, PAGE), EINVAL);
	REQUIRE_ERRNO(readahead(ends[1], 0, PAGE), EBADF);
}

static void
devices_without_end_have_no_position(void)
{
	int fd = open("/dev/zero", O_RDWR);

	REQUIRE(fd >= 0);
	REQUIRE(lseek(fd, 5, SEEK_SET) == 0);
	REQUIRE(lseek(fd, -5, SEEK_END) == 0);
	REQUIRE(lseek(fd, 0, SEEK_CUR) == 0);
	close(fd);
}

const struct suite_case cases_file[] = {
	CASE(file_private_write_stays_private),
	CASE(file_private_sees_until_it_writes),
	CASE(file_shared_is_coherent),
	CASE(file_shared_between_processes),
	CASE(file_offset_is_honoured),
	CASE(file_beyond_its_end_is_sigbus),
	CASE(file_last_page_ends_in_zeroes),
	CASE(file_shrinks_under_a_mapping),
	CASE(file_survives_close_and_unlink),
	CASE(file_read_into_its_own_mapping),
	CASE(file_hole_is_seen),
	CASE(file_hole_to_the_end),
	CASE(shm_hole),
	CASE(hole_errors),
	CASE(hole_in_what_is_sealed),
	CASE(seal_where_a_child_writes),
	CASE(dev_zero_maps),
	CASE(shared_anon_with_a_child),
	CASE(shm_attach_and_detach),
	CASE(shm_errors),
	CASE(readahead_errors),
	CASE(devices_without_end_have_no_position),
	{ NULL, NULL },
};
