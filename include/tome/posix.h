/*
 * tome/posix.h - layer 7: the memory calls of Linux and POSIX on a tome_map.
 *
 * A kernel's system call is one line: it passes the numbers it was given, in
 * the encoding of Linux's generic ABI (PROT_, MAP_, MADV_, MREMAP_, MS_,
 * MCL_, IPC_, SHM_, MFD_, F_SEAL_), and returns what comes back: a value, or
 * minus an errno. Bad arguments are refused in the order, and with the errno,
 * of Linux 6.1. User addresses are tome_va_t; user buffers are read and
 * written through tome_copyin() and tome_copyout() on the caller's map only.
 *
 * Context as tome/map.h: threads, interrupts on, no lock held, may sleep. Calls
 * on one space may come from several threads at once.
 */
#ifndef TOME_POSIX_H
#define TOME_POSIX_H

#include <tome/map.h>

struct tome_posix;		/* what one address space adds to its map */
struct tome_shm_ns;		/* System V shared memory of one instance */

/* ---- a space ---- */

struct tome_posix_config {
	struct tome_map *map;		/* takes its own reference */
	struct tome_shm_ns *shm;	/* NULL: shm calls are ENOSYS */
	tome_va_t brk_start;		/* any alignment; 0: no brk */
	uint64_t data_bytes;		/* the program's data: RLIMIT_DATA */
	uint64_t max_entries;		/* vm.max_map_count; 0: 65530 */
};
enum tome_err tome_posix_create(const struct tome_posix_config *,
    struct tome_posix **out) TOME_NODISCARD;
/* The copy that fork() makes: map, break, limits; locks are not inherited. */
enum tome_err tome_posix_fork(struct tome_posix *,
    struct tome_posix **child) TOME_NODISCARD;
/* Empties the map and drops its reference. */
void tome_posix_destroy(struct tome_posix *);
struct tome_map *tome_posix_map(struct tome_posix *);

/*
 * RLIMIT_AS, DATA, MEMLOCK, STACK in bytes, UINT64_MAX for infinity;
 * may_lock: the process has CAP_IPC_LOCK. Set at exec and when one changes.
 * None at first.
 */
struct tome_posix_limits {
	uint64_t as, data, memlock, stack;
	bool may_lock;
};
void tome_posix_set_limits(struct tome_posix *,
    const struct tome_posix_limits *);
/* Where the break began and is (for /proc/pid/stat and [heap]). */
void tome_posix_break(struct tome_posix *, tome_va_t *start, tome_va_t *now);

/* ---- mapping ---- */

/* What the caller's descriptor names; filled in for the time of the call. */
struct tome_posix_file {
	struct tome_object *object;	/* NULL: it cannot be mapped (ENODEV) */
	bool zero;			/* /dev/zero: object is not looked at */
	bool readable, writable;	/* how it was opened */
	bool append;			/* opened or marked append-only */
	bool noexec;			/* its mount forbids PROT_EXEC */
	unsigned seals;			/* F_SEAL_..., of a memfd */
	uint64_t tag;			/* for struct tome_map_request */
	const char *name;		/* likewise; NULL: none */
	struct tome_opener *opener;	/* likewise: what msync() tells, and to whom */
};

/* file NULL: the descriptor is bad (EBADF if one is needed). */
long tome_posix_mmap(struct tome_posix *, tome_va_t addr, tome_va_t len,
    int prot, unsigned flags, const struct tome_posix_file *, uint64_t offset);
long tome_posix_munmap(struct tome_posix *, tome_va_t addr, tome_va_t len);
long tome_posix_mprotect(struct tome_posix *, tome_va_t addr, tome_va_t len,
    unsigned prot);
long tome_posix_mremap(struct tome_posix *, tome_va_t old, tome_va_t old_len,
    tome_va_t new_len, unsigned flags, tome_va_t new_addr);
/* The break after the call: the one asked for, or the old one if refused. */
long tome_posix_brk(struct tome_posix *, tome_va_t);

/*
 * MADV_DONTNEED, DONTNEED_LOCKED, FREE, REMOVE, DONTFORK, DOFORK, WIPEONFORK,
 * KEEPONFORK, POPULATE_READ, POPULATE_WRITE, DONTDUMP, DODUMP have their
 * effect; NORMAL, RANDOM, SEQUENTIAL, WILLNEED, COLD, PAGEOUT, HUGEPAGE,
 * NOHUGEPAGE, MERGEABLE and UNMERGEABLE are hints; COLLAPSE, HWPOISON,
 * SOFT_OFFLINE and all else EINVAL.
 */
long tome_posix_madvise(struct tome_posix *, tome_va_t addr, tome_va_t len,
    int advice);
/* BSD's: INHERIT_SHARE 0, COPY 1, NONE 2, ZERO 3. */
long tome_posix_minherit(struct tome_posix *, tome_va_t addr, tome_va_t len,
    int inherit);
long tome_posix_msync(struct tome_posix *, tome_va_t addr, tome_va_t len,
    int flags);
long tome_posix_mincore(struct tome_posix *, tome_va_t addr, tome_va_t len,
    tome_va_t vec);

long tome_posix_mlock(struct tome_posix *, tome_va_t addr, tome_va_t len);
long tome_posix_mlock2(struct tome_posix *, tome_va_t addr, tome_va_t len,
    unsigned flags);
long tome_posix_munlock(struct tome_posix *, tome_va_t addr, tome_va_t len);
long tome_posix_mlockall(struct tome_posix *, int flags);
long tome_posix_munlockall(struct tome_posix *);

/* ---- other spaces ---- */

/*
 * process_vm_readv and process_vm_writev. other NULL: the process could not be
 * had, for the reason `why` (-ESRCH or -EPERM), which is told when it is that
 * reason's turn. Counts may be anything; the arrays are in the caller's space.
 */
long tome_posix_vm_readv(struct tome_posix *, struct tome_map *other, long why,
    tome_va_t local, uint64_t nlocal, tome_va_t remote, uint64_t nremote,
    uint64_t flags);
long tome_posix_vm_writev(struct tome_posix *, struct tome_map *other,
    long why, tome_va_t local, uint64_t nlocal, tome_va_t remote,
    uint64_t nremote, uint64_t flags);

/* ---- System V shared memory ---- */

/* kernel.shmmax (bytes), shmall (pages), shmmni (segments); 0: as Linux. */
struct tome_shm_config {
	uint64_t max_bytes, all_pages;
	unsigned max_segments;		/* at most 32768; 0: 4096 */
};
enum tome_err tome_shm_create(struct tome_vm *, const struct tome_shm_config *,
    struct tome_shm_ns **out) TOME_NODISCARD;
/* Every space that used it is gone. Segments left are removed. */
void tome_shm_destroy(struct tome_shm_ns *);

struct tome_cred {
	uint32_t euid, egid;
	int32_t pid;
	bool privileged;		/* CAP_IPC_OWNER, CAP_SYS_ADMIN */
	/* Supplementary groups; NULL: none. */
	const uint32_t *groups;
	unsigned ngroups;
	int64_t now;			/* seconds since 1970 */
};
long tome_posix_shmget(struct tome_posix *, const struct tome_cred *,
    int32_t key, uint64_t size, int flags);
long tome_posix_shmat(struct tome_posix *, const struct tome_cred *, int id,
    tome_va_t addr, int flags);
long tome_posix_shmdt(struct tome_posix *, const struct tome_cred *,
    tome_va_t addr);
/* buf in the layout of 64-bit Linux. */
long tome_posix_shmctl(struct tome_posix *, const struct tome_cred *, int id,
    int cmd, tome_va_t buf);

/* One segment, for /proc/sysvipc/shm; start with 0. False: no more. */
struct tome_shm_info {
	int32_t key;
	int id;
	uint32_t mode, uid, gid, cuid, cgid;
	uint64_t size, attached, resident_pages;
	int32_t cpid, lpid;
	int64_t atime, dtime, ctime;
};
bool tome_shm_next(struct tome_shm_ns *, unsigned *cookie,
    struct tome_shm_info *);

/* ---- memfd ---- */

#define TOME_MEMFD_NAME 249		/* most bytes of a name, without NUL */

/*
 * The checks and the object of memfd_create(2); the descriptor is the kernel's
 * own. name: TOME_MEMFD_NAME + 1 bytes. *seals: what it is born with. The
 * object has one reference, for the caller. Returns 0.
 */
long tome_posix_memfd(struct tome_posix *, tome_va_t uname, unsigned flags,
    char *name, unsigned *seals, struct tome_object **out);
/*
 * F_ADD_SEALS: what *seals becomes. writable: how it was opened.
 * shared_writers: shared mappings of it that may write.
 */
long tome_posix_add_seals(unsigned *seals, unsigned add, bool writable,
    bool shared_writers);
/* May it be written; may its length change? 0 or -EPERM. */
long tome_posix_may_write(unsigned seals, uint64_t end, uint64_t size);
long tome_posix_may_resize(unsigned seals, uint64_t size, uint64_t want);

#endif
