/*
 * mm.c - the memory calls, each a call of layer 7; faults; limits.
 */
#include <fs/proc.h>
#include <fs/vfs.h>
#include <mm.h>
#include <oom.h>
#include <overcommit.h>
#include <personality.h>
#include <process.h>
#include <syscall.h>

#define BRK_TRIES 8

struct tome_shm_ns *mm_shm;

void
mm_start(void)
{
	const struct tome_shm_config config = {.max_bytes = 0};

	if (tome_shm_create(the_vm, &config, &mm_shm) != TOME_OK)
		panic("no memory for shared memory");
	overcommit_begin();
	oom_start();
}

static struct tome_posix *
own(void)
{
	return current_process()->space->posix;
}

void
mm_limits_changed(struct process *p)
{
	const struct tome_posix_limits limits = {
		.as = p->limit[RLIMIT_AS].cur,
		.data = p->limit[RLIMIT_DATA].cur,
		.memlock = p->limit[RLIMIT_MEMLOCK].cur,
		.stack = p->limit[RLIMIT_STACK].cur,
		.may_lock = cred_can(&p->cred, CAP_IPC_LOCK),
	};

	tome_posix_set_limits(p->space->posix, &limits);
}

/* ---- faults ---- */

static void
post_fault(enum tome_err err, tome_va_t va)
{
	switch (err) {
	case TOME_EFAULT:
		signal_force(SIGSEGV, SEGV_MAPERR, va);
		break;
	case TOME_EACCES:
		signal_force(SIGSEGV, SEGV_ACCERR, va);
		break;
	default:
		signal_force(SIGBUS, BUS_ADRERR, va);
		break;
	}
}

static _Atomic uint64_t major_faults;

uint64_t
mm_major_faults(void)
{
	return major_faults;
}

/* Only the task itself counts, others look. */
static inline void
count(_Atomic uint64_t *of_task, uint64_t n)
{
	atomic_store_explicit(of_task, atomic_load_explicit(of_task,
	    memory_order_relaxed) + n, memory_order_relaxed);
}

void
mm_transfer(const struct tome_io *io, uint64_t bytes)
{
	struct task *t = current_task();

	if (t != NULL && io->op == TOME_IO_READ)
		count(&t->bytes_read, bytes);
}

static __attribute__((noinline)) void
count_major(struct task *t)
{
	count(&t->majflt, 1);
	atomic_fetch_add(&major_faults, 1);
}

bool
user_fault(struct trap_frame *f, tome_va_t va, tome_prot_t access)
{
	struct task *t = current_task();
	uint64_t before = t->bytes_read;
	enum tome_err err;

	err = tome_fault(t->process->space->map, va, access);
	if (__builtin_expect(t->bytes_read == before, 1))
		count(&t->minflt, 1);
	else
		count_major(t);
	if (__builtin_expect(err == TOME_OK, 1))
		return true;
	if (err == TOME_ENOMEM)
		return out_of_memory();
	if (frame_is_user(f))
		post_fault(err, va);
	return false;
}

/* ---- mappings ---- */

/* What layer 7 must know of a descriptor; counted object in *out. */
static void
describe(struct file *f, struct tome_posix_file *out, char *buf, size_t size)
{
	uint32_t mode = f->flags & O_ACCMODE;

	*out = (struct tome_posix_file){
		.readable = mode != O_WRONLY, .writable = mode != O_RDONLY,
		.seals = f->inode->seals,
	};
	if ((f->flags & O_PATH) || f->ops->object == NULL)
		return;
	if (f->ops->object(f, &out->object) == 0 && out->object == NULL)
		out->zero = true;
	if (out->object != NULL &&
	    tome_object_kind(out->object) == TOME_OBJECT_VNODE)
		out->opener = content_opener(f);
	out->name = file_path(f, current_task()->fs->root, buf, size);
}

#define MAP_ANONYMOUS 0x20u

static int64_t
map_file(const uint64_t *a)
{
	struct fd f = fd_borrow((int)a[4]);
	struct tome_posix_file file;
	char name[80];
	int64_t result;

	if (f.file == NULL || (f.file->flags & O_PATH))
		result = tome_posix_mmap(own(), a[0], a[1], (int)a[2],
		    (unsigned)a[3], NULL, a[5]);
	else {
		describe(f.file, &file, name, sizeof name);
		result = tome_posix_mmap(own(), a[0], a[1], (int)a[2],
		    (unsigned)a[3], &file, a[5]);
		if (file.object != NULL)
			tome_object_unref(file.object);
	}
	if (f.file != NULL)
		fd_return(f);
	return result;
}

SYSCALL(mmap)
{
	if (a[3] & MAP_ANONYMOUS)
		return tome_posix_mmap(own(), a[0], a[1], (int)a[2],
		    (unsigned)a[3], NULL, a[5]);
	return map_file(a);
}

SYSCALL(munmap)
{
	return tome_posix_munmap(own(), a[0], a[1]);
}

SYSCALL(mprotect)
{
	return tome_posix_mprotect(own(), a[0], a[1], (unsigned)a[2]);
}

SYSCALL(mremap)
{
	return tome_posix_mremap(own(), a[0], a[1], a[2], (unsigned)a[3], a[4]);
}

/* It has no errors: where it did not lead says why, and a lack of memory is not told
 * from a limit. */
SYSCALL(brk)
{
	int64_t at = tome_posix_brk(own(), a[0]);

	for (int i = 0; a[0] != 0 && (uint64_t)at != a[0] && i < BRK_TRIES &&
	    oom_make_room(); i++)
		at = tome_posix_brk(own(), a[0]);
	return at;
}

SYSCALL(madvise)
{
	return tome_posix_madvise(own(), a[0], a[1], (int)a[2]);
}

SYSCALL(msync)
{
	return tome_posix_msync(own(), a[0], a[1], (int)a[2]);
}

SYSCALL(mincore)
{
	return tome_posix_mincore(own(), a[0], a[1], a[2]);
}

SYSCALL(mlock)
{
	return tome_posix_mlock(own(), a[0], a[1]);
}

SYSCALL(mlock2)
{
	return tome_posix_mlock2(own(), a[0], a[1], (unsigned)a[2]);
}

SYSCALL(munlock)
{
	return tome_posix_munlock(own(), a[0], a[1]);
}

SYSCALL(mlockall)
{
	return tome_posix_mlockall(own(), (int)a[0]);
}

SYSCALL(munlockall)
{
	return tome_posix_munlockall(own());
}

/* ---- other spaces ---- */

/* The space of a process the caller may look into; or why not. */
static struct space *
other_space(int pid, long *why)
{
	const struct cred *c = &current_process()->cred;
	struct space *s = NULL;
	struct process *p;
	struct task *t;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	t = task_find(pid);
	p = t != NULL ? t->process : process_find(pid);
	*why = -ESRCH;
	if (p != NULL && p->space != NULL) {
		if (cred_can(c, CAP_SYS_PTRACE) || (c->uid == p->cred.uid &&
		    c->uid == p->cred.euid && c->uid == p->cred.suid))
			s = space_of(p);
		else
			*why = -EPERM;
	}
	spin_unlock_irq(&proc_lock, irq);
	return s;
}

typedef long vm_fn(struct tome_posix *, struct tome_map *, long, tome_va_t,
    uint64_t, tome_va_t, uint64_t, uint64_t);

static int64_t
vm_call(const uint64_t *a, vm_fn *fn)
{
	long why, result;
	struct space *s = other_space((int)a[0], &why);

	result = fn(own(), s != NULL ? s->map : NULL, why, a[1], a[2], a[3],
	    a[4], a[5]);
	space_unref(s);
	return result;
}

SYSCALL(process_vm_readv)
{
	return vm_call(a, tome_posix_vm_readv);
}

SYSCALL(process_vm_writev)
{
	return vm_call(a, tome_posix_vm_writev);
}

/* ---- System V shared memory ---- */

static struct tome_cred
shm_cred(void)
{
	const struct process *p = current_process();

	return (struct tome_cred){
		.euid = p->cred.euid, .egid = p->cred.egid, .pid = p->pid,
		.privileged = cred_can(&p->cred, CAP_IPC_OWNER), .groups = p->cred.group,
		.ngroups = p->cred.ngroups,
		.now = (int64_t)(clock_wall_ns() / 1000000000u),
	};
}

SYSCALL(shmget)
{
	const struct tome_cred c = shm_cred();

	return tome_posix_shmget(own(), &c, (int32_t)a[0], a[1], (int)a[2]);
}

SYSCALL(shmat)
{
	const struct tome_cred c = shm_cred();

	return tome_posix_shmat(own(), &c, (int)a[0], a[1], (int)a[2]);
}

SYSCALL(shmdt)
{
	const struct tome_cred c = shm_cred();

	return tome_posix_shmdt(own(), &c, a[0]);
}

SYSCALL(shmctl)
{
	const struct tome_cred c = shm_cred();

	return tome_posix_shmctl(own(), &c, (int)a[0], (int)a[1], a[2]);
}

/* ---- memfd ---- */

static struct file *
memfd_file(const char *name, struct tome_object *object, unsigned seals)
{
	struct inode *i = tmpfs_inode_of(object);
	struct dentry *d;
	struct file *f;

	if (i == NULL)
		return NULL;
	i->nlink = 0;
	i->seals = seals;
	d = dentry_new(nowhere_dentry, name, i);
	if (d == NULL)
		return NULL;
	d->unlinked = true;
	f = file_new(i->ops->file, i, d, O_RDWR);
	dentry_unref(d);
	return f;
}

SYSCALL(memfd_create)
{
	char name[6 + TOME_MEMFD_NAME + 1] = "memfd:";
	struct tome_object *object;
	unsigned seals;
	struct file *f;
	int64_t result;
	int fd;

	result = tome_posix_memfd(own(), a[0], (unsigned)a[1], name + 6,
	    &seals, &object);
	if (result != 0)
		return result;
	f = memfd_file(name, object, seals);
	if (f == NULL)
		return -ENOMEM;
	fd = fd_install(f, 0, a[1] & MFD_CLOEXEC);
	if (fd < 0)
		file_unref(f);
	return fd;
}

/* Shared mappings of the object that may write, in one space and in all. */
static bool
may_write(struct tome_map *map, uint64_t id)
{
	struct tome_region r;
	tome_va_t cookie = 0;

	while (tome_map_next(map, &cookie, &r))
		if (r.object_id == id && r.shared &&
		    (r.max_prot & TOME_PROT_WRITE))
			return true;
	return false;
}

static bool
has_writers(struct tome_object *object)
{
	uint64_t id = tome_object_id(object);
	bool found = false;
	int pid = 0;

	while (!found && (pid = proc_next_pid(0, pid + 1)) > 0) {
		struct space *s = proc_space(pid);

		if (s == NULL)
			continue;
		found = may_write(s->map, id);
		space_unref(s);
	}
	return found;
}

int64_t
inode_add_seals(struct inode *i, unsigned seals, bool writable)
{
	int64_t result;

	if (!inode_is(i, S_IFREG) || i->ops->resize == NULL)
		return -EINVAL;
	mutex_lock(&i->lock);
	result = tome_posix_add_seals(&i->seals, seals, writable,
	    has_writers(i->object));
	if (i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		tome_object_seal(i->object);
	mutex_unlock(&i->lock);
	return result;
}
