/*
 * exec.c - replacing a process's image.
 *
 * The whole new space is built first, strings and auxiliary vector included,
 * while the old one still runs; only then are the other tasks ended and the
 * spaces exchanged. So every failure leaves the caller as it was.
 */
#include <elf.h>
#include <fs/vfs.h>
#include <group.h>
#include <large.h>
#include <mm.h>
#include <oom.h>
#include <process.h>
#include <syscall.h>

#define STRINGS_MAX ((size_t)2 << 20)	/* argv and envp together */
#define SCRIPT_DEPTH 4
#define SCRIPT_LINE 256u
#define STACK_FIRST ((uint64_t)128 << 10)

/* argv's strings, then envp's, each with its NUL. */
struct strings {
	char *buf;
	size_t used, size;
	unsigned argc, envc;
};

/* What is being built. */
struct image {
	struct strings strings;
	struct elf elf;
	struct tome_map *map;
	struct elf_place program, interpreter;
	uint64_t entry, sp, arg_start, env_start, env_end;
	struct cred cred;
	bool secure;
	char *path;			/* of the program; AT_EXECFN */
};

/* ---- strings ---- */

static int
strings_grow(struct strings *s)
{
	size_t size = s->size == 0 ? TOME_PAGE_SIZE : s->size * 2;
	char *buf;

	if (size > STRINGS_MAX)
		return -E2BIG;
	buf = large_alloc(size);
	if (buf == NULL)
		return -ENOMEM;
	if (s->used > 0)
		memcpy(buf, s->buf, s->used);
	large_free(s->buf, s->size);
	s->buf = buf;
	s->size = size;
	return 0;
}

static int
strings_add(struct strings *s, const char *text)
{
	size_t n = strlen(text) + 1;
	int grown = 0;

	while (grown == 0 && s->size - s->used < n)
		grown = strings_grow(s);
	if (grown != 0)
		return grown;
	memcpy(s->buf + s->used, text, n);
	s->used += n;
	return 0;
}

static int
strings_add_user(struct strings *s, uint64_t user)
{
	enum tome_err err;
	size_t len;
	int grown;

	for (;;) {
		err = s->size == s->used ? TOME_ENAMETOOLONG :
		    tome_copyin_string(current_map(), s->buf + s->used, user,
		    s->size - s->used, &len);
		if (err != TOME_ENAMETOOLONG)
			break;
		grown = strings_grow(s);
		if (grown != 0)
			return grown;
	}
	if (err == TOME_OK)
		s->used += len + 1;
	return -(int)err;
}

/* A NULL-ended array of pointers to strings in user memory. */
static int
strings_add_array(struct strings *s, uint64_t user, unsigned *count)
{
	abi_ulong p;
	int err = 0;

	for (*count = 0; user != 0; user += sizeof p, ++*count) {
		err = copy_in(&p, user, sizeof p);
		if (err != 0 || p == 0)
			break;
		err = strings_add_user(s, p);
		if (err != 0)
			break;
	}
	return err;
}

static int
strings_add_kernel(struct strings *s, const char *const *v, unsigned *count)
{
	int err = 0;

	for (*count = 0; v[*count] != NULL && err == 0; ++*count)
		err = strings_add(s, v[*count]);
	return err;
}

/* Put words in front of argv, in place of its first (a script's). */
static int
strings_replace_first(struct strings *s, const char *const *words)
{
	struct strings out = {.envc = s->envc};
	size_t first = s->argc > 0 ? strlen(s->buf) + 1 : 0;
	unsigned count;
	int err = strings_add_kernel(&out, words, &count);

	while (err == 0 && out.size - out.used < s->used - first)
		err = strings_grow(&out);
	if (err != 0) {
		large_free(out.buf, out.size);
		return err;
	}
	memcpy(out.buf + out.used, s->buf + first, s->used - first);
	out.used += s->used - first;
	out.argc = count + (s->argc > 0 ? s->argc - 1 : 0);
	large_free(s->buf, s->size);
	*s = out;
	return 0;
}

/* ---- the file ---- */

static int
open_program(struct dentry *base, const char *path, unsigned flags,
    struct file **out)
{
	struct dentry *d;
	int err = path_lookup(base, path,
	    ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : WALK_FOLLOW) |
	    ((flags & AT_EMPTY_PATH) ? WALK_EMPTY : 0), &d);

	if (err != 0)
		return err;
	if (inode_is(d->inode, S_IFLNK))
		err = -ELOOP;
	else if (!inode_is(d->inode, S_IFREG))
		err = -EACCES;
	else
		err = inode_access(d->inode, &current_process()->cred, 1);
	if (err == 0)
		err = file_open_unasked(d, O_RDONLY, out);
	dentry_unref(d);
	return err;
}

/*
 * "#! interpreter argument": 1 with both cut out of `line`; 0: not a script.
 */
static int
script_line(struct file *f, char line[SCRIPT_LINE], char **program, char **arg)
{
	uint64_t pos = 0;
	int64_t n = file_read(f, ubuf_kernel(line), SCRIPT_LINE - 1, &pos);
	char *p, *end;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return n < 0 ? (int)n : 0;
	line[n] = '\0';
	end = strchr(line, '\n');
	if (end != NULL)
		*end = '\0';
	end = line + strlen(line);
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	for (p = line + 2; *p == ' ' || *p == '\t'; p++)
		continue;
	if (*p == '\0')
		return -ENOEXEC;
	*program = p;
	while (*p != '\0' && *p != ' ' && *p != '\t')
		p++;
	*arg = NULL;
	if (*p != '\0') {
		*p++ = '\0';
		while (*p == ' ' || *p == '\t')
			p++;
		*arg = p;
	}
	return 1;
}

/* Follow #! lines to a binary; *out and im->path are its file and path. */
static int
resolve(struct image *im, struct dentry *base, unsigned flags,
    struct file **out)
{
	char line[SCRIPT_LINE], *program = NULL, *arg = NULL;
	struct file *f;
	int err = open_program(base, im->path, flags, &f);

	for (int depth = 0; err == 0; depth++) {
		const char *words[4];
		unsigned n = 0;

		err = script_line(f, line, &program, &arg);
		if (err == 0) {
			*out = f;
			return 0;
		}
		file_unref(f);
		if (err < 0 || depth == SCRIPT_DEPTH)
			return err < 0 ? err : -ELOOP;
		words[n++] = program;
		if (arg != NULL)
			words[n++] = arg;
		words[n++] = im->path;
		words[n] = NULL;
		err = strings_replace_first(&im->strings, words);
		if (err == 0) {
			strlcpy(im->path, program, PATH_MAX);
			err = open_program(NULL, im->path, 0, &f);
		}
	}
	return err;
}

/* ---- the new space ---- */

static bool
is_random(void)
{
	return !(current_process()->persona & ADDR_NO_RANDOMIZE);
}

static uint64_t
random_pages(unsigned bits)
{
	if (!is_random())
		return 0;
	return (machine_random() & (((uint64_t)1 << bits) - 1)) <<
	    TOME_PAGE_SHIFT;
}

#ifdef SIGRETURN_CODE
#define STACK_TOP SIGRETURN_CODE
#else
#define STACK_TOP USER_TOP
#endif
#ifndef USER_END
#define USER_END USER_TOP
#endif

static uint64_t
stack_limit(void)
{
	uint64_t limit = process_limit(current_process(), RLIMIT_STACK);
	const uint64_t most = (uint64_t)1 << 30;

	return limit < STACK_FIRST ? STACK_FIRST : limit < most ? limit : most;
}

/*
 * A map, and the stack's top in it. Unfixed mappings begin below all that the stack
 * may come to take, and a random way further down.
 */
static int
new_map(struct image *im, uint64_t *stack_top)
{
	struct tome_map_config config = {
		.lo = USER_LOW, .hi = USER_END, .unasked = USER_TOP,
		.random_bits = is_random() ? MMAP_RANDOM_BITS : 0,
	};

	*stack_top = STACK_TOP - random_pages(STACK_RANDOM_BITS);
	config.top = *stack_top - stack_limit() - STACK_GAP;
	if (tome_map_create(the_vm, &config, &im->map) != TOME_OK)
		return -ENOMEM;
	group_adopt(im->map);
	return 0;
}

static int
map_stack(struct image *im, uint64_t top)
{
	uint64_t len = STACK_FIRST + tome_page_ceil(im->strings.used);
	const struct tome_map_request rq = {
		.addr = top - len, .len = len,
		.prot = TOME_PROT_READ | TOME_PROT_WRITE |
		    (im->elf.stack_exec ? TOME_PROT_EXEC : 0),
		.flags = TOME_MAP_FIXED | TOME_MAP_GROWSDOWN,
	};
	tome_va_t at;

	return -(int)tome_map_enter(im->map, &rq, &at);
}

#ifdef SIGRETURN_CODE
/* Where handlers return to, on machines whose C libraries bring no such code. */
static int
map_sigreturn(struct image *im)
{
	static const uint32_t code[] = SIGRETURN_INSTRUCTIONS;
	const struct tome_map_request rq = {
		.addr = SIGRETURN_CODE, .len = TOME_PAGE_SIZE,
		.prot = TOME_PROT_READ | TOME_PROT_WRITE,
		.flags = TOME_MAP_FIXED,
	};
	tome_va_t at;
	int err = -(int)tome_map_enter(im->map, &rq, &at);

	if (err == 0)
		err = -(int)tome_copyout(im->map, at, code, sizeof code);
	return err != 0 ? err : -(int)tome_map_protect(im->map, at,
	    TOME_PAGE_SIZE, TOME_PROT_READ | TOME_PROT_EXEC);
}
#else
static int
map_sigreturn(struct image *im)
{
	(void)im;
	return 0;
}
#endif

static int
map_interpreter(struct image *im)
{
	struct elf elf;
	struct file *f;
	int err;

	if (im->elf.interpreter == NULL)
		return 0;
	err = open_program(NULL, im->elf.interpreter, 0, &f);
	if (err != 0)
		return err;
	err = elf_read(f, &elf);
	if (err == 0) {
		/* Far from the program, so that its break can grow. */
		err = elf_map(&elf, im->map, im->elf.interpreter,
		    ((USER_TOP / 3) & ~(uint64_t)TOME_PAGE_MASK) +
		    random_pages(PIE_RANDOM_BITS), &im->interpreter);
		im->entry = im->interpreter.entry;
		elf_free(&elf);
	}
	file_unref(f);
	return err;
}

/* ---- the stack's contents ---- */

struct aux {
	abi_ulong key, value;
};

static size_t
fill_aux(const struct image *im, struct aux *v, uint64_t execfn,
    uint64_t platform, uint64_t random)
{
	struct cpu_identity cpu;
	size_t n = 0;

	cpu_identify(&cpu);
	v[n++] = (struct aux){AT_HWCAP, cpu.hwcap};
	v[n++] = (struct aux){AT_PAGESZ, TOME_PAGE_SIZE};
	v[n++] = (struct aux){AT_CLKTCK, CLK_TCK};
	v[n++] = (struct aux){AT_PHDR, im->program.phdr};
	v[n++] = (struct aux){AT_PHENT, sizeof(struct elf_segment)};
	v[n++] = (struct aux){AT_PHNUM, im->elf.header.phnum};
	v[n++] = (struct aux){AT_BASE, im->interpreter.bias};
	v[n++] = (struct aux){AT_FLAGS, 0};
	v[n++] = (struct aux){AT_ENTRY, im->program.entry};
	v[n++] = (struct aux){AT_UID, im->cred.uid};
	v[n++] = (struct aux){AT_EUID, im->cred.euid};
	v[n++] = (struct aux){AT_GID, im->cred.gid};
	v[n++] = (struct aux){AT_EGID, im->cred.egid};
	v[n++] = (struct aux){AT_SECURE, im->secure};
	v[n++] = (struct aux){AT_RANDOM, random};
	v[n++] = (struct aux){AT_HWCAP2, 0};
	v[n++] = (struct aux){AT_EXECFN, execfn};
	v[n++] = (struct aux){AT_PLATFORM, platform};
	v[n++] = (struct aux){AT_MINSIGSTKSZ, sigframe_size()};
	v[n++] = (struct aux){AT_NULL, 0};
	return n;
}

/* Addresses of count strings that lie one after the other from *at. */
static void
fill_pointers(abi_ulong *out, const char *text, uint64_t *at, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t n = strlen(text) + 1;

		out[i] = (abi_ulong)*at;
		*at += n;
		text += n;
	}
	out[count] = 0;
}

static int
put(struct image *im, uint64_t at, const void *src, size_t n)
{
	return -(int)tome_copyout(im->map, at, src, n);
}

/* argc, argv, envp and the auxiliary vector, below what they point to. */
static int
put_vectors(struct image *im, uint64_t strings, uint64_t execfn,
    uint64_t platform, uint64_t random)
{
	const struct strings *s = &im->strings;
	size_t words = 1 + s->argc + 1 + s->envc + 1, bytes;
	uint64_t at = strings;
	abi_ulong *v;
	struct aux aux[24];
	size_t naux = fill_aux(im, aux, execfn, platform, random);
	int err;

	bytes = words * sizeof *v;
	v = tome_kmalloc(the_vm, bytes);
	if (v == NULL)
		return -ENOMEM;
	v[0] = s->argc;
	im->arg_start = at;
	fill_pointers(v + 1, s->buf, &at, s->argc);
	im->env_start = at;
	fill_pointers(v + 2 + s->argc, s->buf + (at - strings), &at, s->envc);
	im->env_end = at;
	im->sp = (random - bytes - naux * sizeof aux[0]) & ~(uint64_t)15;
	err = put(im, im->sp, v, bytes);
	if (err == 0)
		err = put(im, im->sp + bytes, aux, naux * sizeof aux[0]);
	tome_kfree(the_vm, v);
	return err;
}

static int
put_stack(struct image *im, uint64_t top)
{
	size_t path = strlen(im->path) + 1;
	uint64_t execfn = top - 8 - path;
	uint64_t strings = execfn - im->strings.used;
	uint64_t platform = strings - sizeof ABI_MACHINE;
	uint64_t random = (platform - 16) & ~(uint64_t)15;
	uint64_t bits[2] = {machine_random(), machine_random()};
	int err = put(im, execfn, im->path, path);

	/* The stack grows to what the vectors need, within its limit. */
	if ((im->strings.argc + (uint64_t)im->strings.envc) *
	    sizeof(abi_long) +
	    im->strings.used > stack_limit() / 4 * 3)
		return -E2BIG;
	if (err == 0)
		err = put(im, strings, im->strings.buf, im->strings.used);
	if (err == 0)
		err = put(im, platform, ABI_MACHINE, sizeof ABI_MACHINE);
	if (err == 0)
		err = put(im, random, bits, sizeof bits);
	return err != 0 ? err :
	    put_vectors(im, strings, execfn, platform, random);
}

/* ---- the whole ---- */

static void
set_ids(struct image *im, struct inode *i)
{
	struct cred *c = &im->cred;

	*c = current_process()->cred;
	if (i->mode & S_ISUID)
		c->euid = c->fsuid = i->uid;
	if ((i->mode & (S_ISGID | 010)) == (S_ISGID | 010))
		c->egid = c->fsgid = i->gid;
	c->suid = c->euid;
	c->sgid = c->egid;
	im->secure = c->euid != c->uid || c->egid != c->gid;
	c->keep = false;
	c->permitted = c->euid == 0 || c->uid == 0 ? CAP_ALL : 0;
	c->effective = c->euid == 0 ? CAP_ALL : 0;
}

static int
build(struct image *im, struct file *f)
{
	char name[80];
	const char *path = dentry_path(f->dentry, current_task()->fs->root,
	    name, sizeof name);
	uint64_t top;
	int err = elf_read(f, &im->elf);

	if (err == 0)
		err = new_map(im, &top);
	if (err == 0)
		err = elf_map(&im->elf, im->map, path,
		    PIE_BASE + random_pages(PIE_RANDOM_BITS), &im->program);
	if (err == 0) {
		im->entry = im->program.entry;
		err = map_interpreter(im);
	}
	if (err == 0)
		err = map_stack(im, top);
	if (err == 0)
		err = map_sigreturn(im);
	return err == 0 ? put_stack(im, top) : err;
}

static struct space *
make_space(struct image *im, struct file *f)
{
	const struct mm_start start = {
		.map = im->map,
		.brk = tome_page_ceil(im->program.end) +
		    random_pages(BRK_RANDOM_BITS),
		.data_bytes = im->program.data_bytes,
	};
	struct space *s = space_new(&start);

	if (s == NULL)
		return NULL;
	s->exe = f->dentry;
	dentry_ref(s->exe);
	s->arg_start = im->arg_start;
	s->arg_end = s->env_start = im->env_start;
	s->env_end = im->env_end;
	s->code_start = im->program.code_start;
	s->code_end = im->program.code_end;
	s->stack_start = im->sp;
	return s;
}

static void
set_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct process *p = current_process();

	path = slash != NULL ? slash + 1 : path;
	strlcpy(p->comm, path, sizeof p->comm);
	strlcpy(current()->name, path, sizeof current()->name);
}

/* Of its own, if somebody else has it as well. */
static bool
own_sighand(struct process *p)
{
	struct sighand *old = p->sighand, *own;
	uintptr_t irq;

	if (old->refs == 1)
		return true;
	own = sighand_copy(old);
	if (own == NULL)
		return false;
	irq = spin_lock_irq(&proc_lock);
	p->sighand = own;
	spin_unlock_irq(&proc_lock, irq);
	sighand_unref(old);
	return true;
}

/* The caller is the process's only task, the others have ended: give up what exec does
 * not keep. */
static int
unshare_for_exec(struct task *t)
{
	while (!task_own_files(t) || !own_sighand(t->process))
		if (!oom_insist(-ENOMEM))
			return -ENOMEM;
	return 0;
}

static void
reset_task(struct task *t)
{
	futex_exit(t);
	sighand_exec(t->process->sighand);
	files_exec(t->files);
	t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	t->restart.code = 0;
	t->set_tid = 0;
}

/* No failure from here. */
static void
commit(struct image *im, struct space *s, struct trap_frame *f)
{
	struct process *p = current_process();

	reset_task(current_task());
	process_set_space(s);
	spin_lock(&p->limit_lock);
	p->cred = im->cred;
	spin_unlock(&p->limit_lock);
	p->execed = true;
	p->dumpable = !im->secure;
	p->exit_signal = SIGCHLD;
	mm_limits_changed(p);
	set_name(im->path);
	fpu_reset();
	current()->fs_base = current()->gs_base = 0;
	thread_load_bases();
	frame_init_user(f, im->entry, im->sp);
}

static int
exec(struct image *im, struct dentry *base, unsigned flags,
    struct trap_frame *frame)
{
	struct space *s = NULL;
	struct file *f = NULL;
	int err = resolve(im, base, flags, &f);

	if (err == 0) {
		set_ids(im, f->inode);
		err = build(im, f);
	}
	if (err == 0 && (s = make_space(im, f)) == NULL)
		err = -ENOMEM;
	if (err == 0 && !process_single())
		err = -EINTR;	/* a group exit came first: never seen */
	if (err == 0)
		err = unshare_for_exec(current_task());
	if (err == 0)
		commit(im, s, frame);
	else
		space_unref(s);
	if (im->map != NULL)
		tome_map_unref(im->map);
	elf_free(&im->elf);
	file_unref(f);
	return err;
}

int
exec_user(struct dentry *base, char *path, uint64_t argv, uint64_t envp,
    unsigned flags)
{
	struct image im = {.path = path};
	int err = strings_add_array(&im.strings, argv, &im.strings.argc);

	/* A program may count on argv[0]. */
	if (err == 0 && im.strings.argc == 0) {
		im.strings.argc = 1;
		err = strings_add(&im.strings, "");
	}
	if (err == 0)
		err = strings_add_array(&im.strings, envp, &im.strings.envc);
	if (err == 0)
		err = exec(&im, base, flags, current()->frame);
	large_free(im.strings.buf, im.strings.size);
	if (err == 0)
		atomic_fetch_or(&current()->work, WORK_FRAME);
	return err;
}

int
exec_kernel(const char *path, const char *const *argv,
    const char *const *envp, struct trap_frame *frame)
{
	char *copy = tome_kmalloc(the_vm, PATH_MAX);
	struct image im = {.path = copy};
	int err = copy == NULL ? -ENOMEM : 0;

	if (err == 0) {
		strlcpy(copy, path, PATH_MAX);
		err = strings_add_kernel(&im.strings, argv, &im.strings.argc);
	}
	if (err == 0)
		err = strings_add_kernel(&im.strings, envp, &im.strings.envc);
	if (err == 0)
		err = exec(&im, NULL, 0, frame);
	large_free(im.strings.buf, im.strings.size);
	tome_kfree(the_vm, copy);
	return err;
}

static int64_t
exec_call(struct dentry *base, uint64_t path_user, uint64_t argv,
    uint64_t envp, unsigned flags)
{
	char *path;
	int64_t err = path_in(path_user, &path);

	if (err != 0)
		return err;
	err = exec_user(base, path, argv, envp, flags);
	path_free(path);
	return err;
}

SYSCALL(execve)
{
	return exec_call(NULL, a[0], a[1], a[2], 0);
}

SYSCALL(execveat)
{
	struct fd f = {NULL, false};
	int64_t err;

	if (a[4] & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if ((int)a[0] != AT_FDCWD) {
		f = fd_borrow((int)a[0]);
		if (f.file == NULL)
			return -EBADF;
	}
	err = exec_call(f.file != NULL ? f.file->dentry : NULL, a[1], a[2],
	    a[3], (unsigned)a[4]);
	if (f.file != NULL)
		fd_return(f);
	return err;
}
