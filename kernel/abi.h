/*
 * abi.h - numbers and structures of Linux's system-call interface that are the
 * same on every CPU, but for the size of its words. What differs by CPU is
 * <linux_abi.h>.
 *
 * Nothing here is Tome's: it is what user space's libraries were compiled for.
 */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

#include <stddef.h>
#include <stdint.h>

#include <linux_abi.h>

enum {
	EPERM = 1, ENOENT, ESRCH, EINTR, EIO, ENXIO, E2BIG, ENOEXEC, EBADF,
	ECHILD, EAGAIN, ENOMEM, EACCES, EFAULT, ENOTBLK, EBUSY, EEXIST, EXDEV,
	ENODEV, ENOTDIR, EISDIR, EINVAL, ENFILE, EMFILE, ENOTTY, ETXTBSY, EFBIG,
	ENOSPC, ESPIPE, EROFS, EMLINK, EPIPE, EDOM, ERANGE, EDEADLK,
	ENAMETOOLONG, ENOLCK, ENOSYS, ENOTEMPTY, ELOOP, ENOMSG = 42, EIDRM,
	ENODATA = 61, EOVERFLOW = 75, ENOTSOCK = 88, EDESTADDRREQ, EMSGSIZE,
	EPROTOTYPE, ENOPROTOOPT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP,
	EAFNOSUPPORT = 97, EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH = 101,
	ECONNRESET = 104, EISCONN = 106, ENOTCONN, ETOOMANYREFS = 109,
	ETIMEDOUT, ECONNREFUSED,
	/*
	 * Never seen by user space: the call was interrupted before it did
	 * anything. RESTART runs it again unless a handler without SA_RESTART
	 * ran; RESTART_NOHAND only if no handler ran at all; RESTART_BLOCK as
	 * that, by restart_syscall(2), with what remained of its time.
	 */
	ERESTART = 512, ERESTARTNOHAND = 514, ERESTART_BLOCK = 516,
};

/* C's long, as programs see it: a word. */
typedef long abi_long;
typedef unsigned long abi_ulong;
#define ABI_LONG_BITS (8 * sizeof(abi_long))
#define ABI_WORDS_32 (sizeof(abi_long) == 4)

/* Numbers of 64 bits in structures; where Linux packs such structures, _packed. */
#ifndef ABI_WIDE_ALIGN
#define ABI_WIDE_ALIGN 8
#endif
typedef uint64_t abi_u64 __attribute__((aligned(ABI_WIDE_ALIGN)));
typedef int64_t abi_s64 __attribute__((aligned(ABI_WIDE_ALIGN)));
typedef uint64_t abi_u64_packed __attribute__((aligned(4)));

/* What follows a time in struct semid64_ds. */
#ifndef ABI_SEM_GAP
#define ABI_SEM_GAP(n)
#endif

/* Wide on every CPU; the calls of old with words of 32 bits: abi32.c. */
struct timespec {
	int64_t sec, nsec;
};
struct timeval {
	abi_long sec, usec;
};
struct itimerval {
	struct timeval interval, value;
};
struct itimerspec {
	struct timespec interval, value;
};
struct iovec {
	abi_ulong base, len;
};
struct rlimit {
	uint64_t cur, max;
};
#define RLIM_INFINITY UINT64_MAX
enum {
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE,
	RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS,
	RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE,
	RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMITS,
};
struct rusage {
	struct timeval utime, stime;
	abi_long maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock,
	    oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
struct tms {
	abi_long utime, stime, cutime, cstime;
};
#define CLK_TCK 100
struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65],
	    domainname[65];
};
struct sysinfo {
	abi_long uptime;
	abi_ulong loads[3], totalram, freeram, sharedram, bufferram, totalswap,
	    freeswap;
	uint16_t procs, pad[sizeof(abi_long) / 2 - 1];
	abi_ulong totalhigh, freehigh;
	uint32_t mem_unit, pad2[ABI_WORDS_32 ? 2 : 1];
};
struct statfs {
	abi_long type, bsize;
	abi_u64_packed blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	abi_long namelen, frsize, flags, spare[4];
};
struct statx_timestamp {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};
struct statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_timestamp atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id, spare[13];
};
#define STATX_BASIC_STATS 0x7ffu

/* getdents64(2): the name follows, padded to 8 bytes. */
struct dirent64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __attribute__((packed));

struct flock {
	int16_t type, whence;
	abi_s64 start, len;
	int32_t pid;
};
enum { F_RDLCK, F_WRLCK, F_UNLCK };
struct pollfd {
	int32_t fd;
	int16_t events, revents;
};
enum {
	POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 16,
	POLLNVAL = 32, POLLRDNORM = 64, POLLRDBAND = 128, POLLWRNORM = 256,
	POLLRDHUP = 0x2000,
};

/* ---- files ---- */

enum {
	S_IFMT = 0170000, S_IFSOCK = 0140000, S_IFLNK = 0120000,
	S_IFREG = 0100000, S_IFBLK = 0060000, S_IFDIR = 0040000,
	S_IFCHR = 0020000, S_IFIFO = 0010000,
	S_ISUID = 04000, S_ISGID = 02000, S_ISVTX = 01000,
};
enum { DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_REG = 8, DT_LNK = 10 };
enum {
	O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3,
	O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400, O_TRUNC = 01000,
	O_APPEND = 02000, O_NONBLOCK = 04000,
	O_DIRECTORY = ABI_O_DIRECTORY, O_NOFOLLOW = 2 * ABI_O_DIRECTORY,
	O_CLOEXEC = 02000000, O_PATH = 010000000,
	O_TMPFILE = 020000000 | O_DIRECTORY,
};
enum {
	F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
	F_SETOWN, F_GETOWN,
	F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032,
	F_ADD_SEALS = 1033, F_GET_SEALS = 1034,
};
enum {
	F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8,
	F_SEAL_FUTURE_WRITE = 16,
};
enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };
#define AT_FDCWD (-100)
enum {
	AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200,
	AT_SYMLINK_FOLLOW = 0x400, AT_EMPTY_PATH = 0x1000,
};
enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 };
enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };
enum { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2 };
#define PATH_MAX 4096
#define NAME_MAX 255

/* ---- processes ---- */

enum {
	CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400,
	CLONE_SIGHAND = 0x800, CLONE_PIDFD = 0x1000, CLONE_VFORK = 0x4000,
	CLONE_PARENT = 0x8000, CLONE_THREAD = 0x10000, CLONE_SETTLS = 0x80000,
	CLONE_PARENT_SETTID = 0x100000, CLONE_CHILD_CLEARTID = 0x200000,
	CLONE_CHILD_SETTID = 0x1000000,
};
#define CLONE_NAMESPACES 0x7e020000u
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CSIGNAL 0xffu
struct clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
	    stack_size, tls;
};
enum {
	WNOHANG = 1, WUNTRACED = 2, WEXITED = 4, WCONTINUED = 8,
	WNOWAIT = 0x1000000,
};
#define WAIT_THREADS_FLAGS 0xe0000000u	/* __WNOTHREAD, __WALL, __WCLONE */
#define WALL 0x40000000u
#define WCLONE 0x80000000u
enum { P_ALL, P_PID, P_PGID, P_PIDFD };

/* The auxiliary vector. */
enum {
	AT_NULL, AT_PHDR = 3, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS,
	AT_ENTRY, AT_UID = 11, AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP,
	AT_CLKTCK, AT_SECURE = 23, AT_RANDOM = 25, AT_HWCAP2, AT_EXECFN = 31,
	AT_MINSIGSTKSZ = 51,
};

enum {
	FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE,
	FUTEX_WAKE_OP, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET,
	FUTEX_PRIVATE_FLAG = 128, FUTEX_CLOCK_REALTIME = 256,
};
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu

enum {
	CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
};
#define TIMER_ABSTIME 1
#define NSEC_PER_SEC 1000000000ll

/* ---- signals ---- */

enum {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
	SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM,
	SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
	SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
	SIGRTMIN, NSIG = 65,
};
typedef uint64_t sigset_t;
typedef abi_u64_packed sigset_packed;	/* words of 32 bits, there */
static inline sigset_t
sigbit(int sig)
{
	return (sigset_t)1 << (sig - 1);
}
#define SIG_DFL 0ull
#define SIG_IGN 1ull
#define SA_NOCLDSTOP 1u
#define SA_NOCLDWAIT 2u
#define SA_SIGINFO 4u
#define SA_RESTORER 0x04000000u
#define SA_ONSTACK 0x08000000u
#define SA_RESTART 0x10000000u
#define SA_NODEFER 0x40000000u
#define SA_RESETHAND 0x80000000u
struct sigaction {
	abi_ulong handler, flags;
#ifndef ABI_NO_RESTORER
	abi_ulong restorer;
#endif
	sigset_packed mask;
};
enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };
enum { SS_ONSTACK = 1, SS_DISABLE = 2 };
#define SS_AUTODISARM 0x80000000u
struct sigaltstack {
	abi_ulong sp;
	int32_t flags;
	abi_ulong size;
};
enum {
	SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2,
	SI_TKILL = -6,
	ILL_ILLOPN = 2, FPE_INTDIV = 1, FPE_INTOVF = 2, FPE_FLTDIV = 3,
	FPE_FLTOVF = 4, FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7,
	SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRALN = 1, BUS_ADRERR = 2,
	TRAP_BRKPT = 1, TRAP_TRACE = 2,
	CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED,
	CLD_CONTINUED,
};
struct siginfo {
	int32_t signo, err, code;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			abi_ulong value;
		} kill;
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status;
			abi_long utime, stime;
		} child;
		struct {
			int32_t timer, overrun;
			abi_ulong value;
		} timer;
		struct {
			abi_ulong addr;
		} fault;
		uint8_t bytes[ABI_WORDS_32 ? 116 : 112];
	};
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo is 128 bytes");

/* ---- terminals ---- */

#define NCCS 19
struct termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[NCCS];
};
struct winsize {
	uint16_t row, col, xpixel, ypixel;
};
enum {
	VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP,
	VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2,
};
enum {
	ISTRIP = 040, INLCR = 0100, IGNCR = 0200, ICRNL = 0400, IXON = 02000,
	OPOST = 1, ONLCR = 4,
	ISIG = 1, ICANON = 2, ECHO = 010, ECHOE = 020, ECHOK = 040,
	ECHONL = 0100, NOFLSH = 0200, TOSTOP = 0400, ECHOCTL = 01000,
	ECHOKE = 04000, IEXTEN = 0100000,
};
enum {
	TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TCSBRK = 0x5409,
	TCXONC = 0x540a, TCFLSH = 0x540b, TIOCSCTTY = 0x540e,
	TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410, TIOCGWINSZ = 0x5413,
	TIOCSWINSZ = 0x5414, FIONREAD = 0x541b, FIONBIO = 0x5421,
	TIOCNOTTY = 0x5422, TIOCGSID = 0x5429, FIONCLEX = 0x5450,
	FIOCLEX = 0x5451,
};

#endif
