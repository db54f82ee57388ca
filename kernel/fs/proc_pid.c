/*
 * proc_pid.c - what /proc says of a process.
 *
 * A process is looked up by pid at each read. What is under proc_lock is copied
 * there; its space, table and names are used by a reference taken there.
 */
#include <fs/proc.h>
#include <fs/tty.h>
#include <group.h>
#include <lib.h>
#include <machine.h>
#include <mm.h>
#include <process.h>

struct process *
proc_process(int pid)
{
	struct process *p = process_find(pid);
	struct task *t;

	if (p != NULL)
		return p;
	t = task_find(pid);
	return t != NULL ? t->process : NULL;
}

int
proc_next_pid(int pid, int n)
{
	struct process *p;
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int best = -1;

	(void)pid;
	if (proc_process(n) != NULL)
		best = n;
	else
		list_each(p, &process_list, all)
			if (p->pid >= n && (best < 0 || p->pid < best))
				best = p->pid;
	spin_unlock_irq(&proc_lock, irq);
	return best;
}

struct space *
proc_space(int pid)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	struct process *p = proc_process(pid);
	struct space *s = p != NULL ? space_of(p) : NULL;

	spin_unlock_irq(&proc_lock, irq);
	return s;
}

/* ---- what a process is, copied under the lock ---- */

struct facts {
	int pid, ppid, pgid, sid, tpgid;
	unsigned tty, ntasks;
	char state, comm[17];
	uint64_t cpu_ns, start_ns, minflt, majflt;
	struct cred cred;
	sigset_t pending, shared, blocked, ignored, caught;
	struct rusage children;
	uint64_t stack_limit, files, rss_limit;
	int exit_signal, oom_score_adj;
	uint32_t cpu;
};

static char
state_of(const struct process *p, const struct task *t)
{
	if (p->zombie || t == NULL)
		return 'Z';
	if (p->stop == STOPPED)
		return 'T';
	return t->thread->state == THREAD_SLEEPING ? 'S' : 'R';
}

static void
signal_facts(struct facts *f, const struct process *p, const struct task *t)
{
	f->shared = p->pending.set;
	if (t != NULL) {
		f->pending = t->pending.set;
		f->blocked = t->blocked;
	}
	for (int s = 1; s < NSIG; s++) {
		uint64_t h = p->sighand->action[s].handler;

		if (h == SIG_IGN)
			f->ignored |= sigbit(s);
		else if (h != SIG_DFL)
			f->caught |= sigbit(s);
	}
}

static void
fill(struct facts *f, struct process *p, int pid)
{
	struct task *t = task_find(pid);
	struct rusage u;

	if (t == NULL && !list_empty(&p->tasks))
		t = container_of(p->tasks.next, struct task, peers);
	process_usage(p, &u);
	*f = (struct facts){
		.pid = p->pid, .ppid = p->parent_pid, .pgid = p->pgid,
		.sid = p->sid, .tpgid = -1, .ntasks = p->ntasks,
		.state = state_of(p, t), .cpu_ns = process_cpu_ns(p),
		.start_ns = p->start_ns, .minflt = (uint64_t)u.minflt,
		.majflt = (uint64_t)u.majflt, .cred = p->cred,
		.children = p->children_usage,
		.stack_limit = p->limit[RLIMIT_STACK].cur,
		.rss_limit = p->limit[RLIMIT_RSS].cur,
		.files = t != NULL && t->files != NULL ? t->files->size : 0,
		.exit_signal = p->exit_signal,
		.oom_score_adj = p->oom_score_adj,
		.cpu = t != NULL ? t->thread->cpu : 0,
	};
	memcpy(f->comm, t != NULL && t->tid == pid ? t->thread->name : p->comm,
	    16);
	if (p->tty != NULL) {
		f->tty = tty_number();
		f->tpgid = tty_foreground(p->tty);
	}
	signal_facts(f, p, t);
}

static bool
facts_of(int pid, struct facts *f)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	struct process *p = proc_process(pid);

	if (p != NULL)
		fill(f, p, pid);
	spin_unlock_irq(&proc_lock, irq);
	return p != NULL;
}

static uint64_t
kb(uint64_t pages)
{
	return pages << (TOME_PAGE_SHIFT - 10);
}

static uint64_t
ticks(uint64_t ns)
{
	return ns / (1000000000u / CLK_TCK);
}

static uint64_t
tv_ticks(struct timeval tv)
{
	return (uint64_t)(tv.sec * CLK_TCK + tv.usec * CLK_TCK / 1000000);
}

static void
totals_of(int pid, struct tome_map_totals *t, struct space *layout)
{
	struct space *s = proc_space(pid);

	memset(t, 0, sizeof *t);
	memset(layout, 0, sizeof *layout);
	if (s != NULL) {
		tome_map_totals(s->map, t);
		*layout = *s;
		space_unref(s);
	}
}

static uint64_t
swapped_of(int pid)
{
	struct space *s = proc_space(pid);
	struct tome_usage u = { 0 };

	if (s != NULL) {
		tome_map_usage(s->map, 0, ~(tome_va_t)0, &u);
		space_unref(s);
	}
	return u.swapped;
}

/* ---- stat, statm, status ---- */

static void
show_stat(struct text *t, int pid)
{
	struct tome_map_totals m;
	struct space layout;
	struct facts f;

	if (!facts_of(pid, &f))
		return;
	totals_of(pid, &m, &layout);
	text_add(t, "%d (%s) %c %d %d %d %u %d 0 %ju %ju %ju %ju %ju 0 %ju 0 "
	    "20 0 %u 0 %ju %ju %ju %ju ", pid, f.comm, f.state, f.ppid,
	    f.pgid, f.sid, f.tty, f.tpgid, f.minflt,
	    (uint64_t)f.children.minflt, f.majflt,
	    (uint64_t)f.children.majflt, ticks(f.cpu_ns),
	    tv_ticks(f.children.utime), f.ntasks,
	    ticks(f.start_ns), m.virtual_pages << TOME_PAGE_SHIFT,
	    m.resident_pages, f.rss_limit);
	text_add(t, "%ju %ju %ju 0 0 %ju %ju %ju %ju 0 0 0 %d %u 0 0 0 0 0 ",
	    layout.code_start, layout.code_end, layout.stack_start,
	    f.pending & 0x7fffffff, f.blocked & 0x7fffffff,
	    f.ignored & 0x7fffffff, f.caught & 0x7fffffff, f.exit_signal,
	    f.cpu);
	text_add(t, "0 0 0 %ju %ju %ju %ju 0\n", layout.arg_start,
	    layout.arg_end, layout.env_start, layout.env_end);
}

static void
show_statm(struct text *t, int pid)
{
	struct tome_map_totals m;
	struct space layout;

	totals_of(pid, &m, &layout);
	text_add(t, "%ju %ju %ju %ju 0 %ju 0\n", m.virtual_pages,
	    m.resident_pages, m.resident_shared, m.exec_pages,
	    m.data_pages + m.stack_pages);
}

static const char *
state_name(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	default:
		return "Z (zombie)";
	}
}

static void
show_ids(struct text *t, const struct facts *f)
{
	const struct cred *c = &f->cred;

	text_add(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n"
	    "FDSize:\t%ju\nGroups:\t", c->uid, c->euid, c->suid, c->fsuid,
	    c->gid, c->egid, c->sgid, c->fsgid, f->files);
	for (unsigned i = 0; i < c->ngroups; i++)
		text_add(t, "%u ", c->group[i]);
	text_add(t, "\n");
}

static void
show_memory(struct text *t, const struct tome_map_totals *m,
    uint64_t swapped)
{
	uint64_t anon = m->resident_pages - m->resident_shared;

	text_add(t, "VmPeak:\t%8ju kB\nVmSize:\t%8ju kB\nVmLck:\t%8ju kB\n"
	    "VmPin:\t%8u kB\nVmHWM:\t%8ju kB\nVmRSS:\t%8ju kB\n"
	    "RssAnon:\t%8ju kB\nRssFile:\t%8ju kB\nRssShmem:\t%8u kB\n",
	    kb(m->peak_virtual), kb(m->virtual_pages), kb(m->locked_pages), 0,
	    kb(m->peak_resident), kb(m->resident_pages), kb(anon),
	    kb(m->resident_shared), 0);
	text_add(t, "VmData:\t%8ju kB\nVmStk:\t%8ju kB\nVmExe:\t%8ju kB\n"
	    "VmLib:\t%8u kB\nVmPTE:\t%8ju kB\nVmSwap:\t%8ju kB\n",
	    kb(m->data_pages), kb(m->stack_pages), kb(m->exec_pages), 0,
	    kb(m->table_pages), kb(swapped));
}

static void
show_status(struct text *t, int pid)
{
	struct tome_map_totals m;
	struct space layout;
	struct facts f;

	if (!facts_of(pid, &f))
		return;
	totals_of(pid, &m, &layout);
	text_add(t, "Name:\t%s\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n"
	    "PPid:\t%d\nTracerPid:\t0\n", f.comm, state_name(f.state), f.pid,
	    pid, f.ppid);
	show_ids(t, &f);
	if (layout.map != NULL)
		show_memory(t, &m, swapped_of(pid));
	text_add(t, "Threads:\t%u\nSigQ:\t0/0\nSigPnd:\t%016jx\n"
	    "ShdPnd:\t%016jx\nSigBlk:\t%016jx\nSigIgn:\t%016jx\n"
	    "SigCgt:\t%016jx\n", f.ntasks, f.pending, f.shared, f.blocked,
	    f.ignored, f.caught);
	text_add(t, "CapInh:\t%016jx\nCapPrm:\t%016jx\nCapEff:\t%016jx\n"
	    "CapBnd:\t%016jx\nCapAmb:\t%016x\nNoNewPrivs:\t0\nSeccomp:\t0\n"
	    "Cpus_allowed_list:\t0-%u\n", f.cred.inheritable,
	    f.cred.permitted, f.cred.effective, (uint64_t)CAP_ALL, 0,
	    cpu_count() - 1);
}

/* ---- maps and smaps ---- */

static const char *
region_name(const struct space *s, const struct tome_region *r)
{
	tome_va_t start, now;

	if (r->name[0] != '\0')
		return r->name;
	if (r->object_id != 0)
		return r->shared ? "/dev/zero (deleted)" : "";
	if (r->start <= s->stack_start && s->stack_start < r->end)
		return "[stack]";
	tome_posix_break(s->posix, &start, &now);
	if (r->start < now && r->end > start)
		return "[heap]";
	return "";
}

static void
show_region(struct text *t, const struct space *s, const struct tome_region *r)
{
	const char *name = region_name(s, r);
	char line[96];
	int n = snprintf(line, sizeof line,
	    "%08lx-%08lx %c%c%c%c %08jx %02x:%02x %ju ",
	    (unsigned long)r->start, (unsigned long)r->end,
	    r->prot & TOME_PROT_READ ? 'r' : '-',
	    r->prot & TOME_PROT_WRITE ? 'w' : '-',
	    r->prot & TOME_PROT_EXEC ? 'x' : '-', r->shared ? 's' : 'p',
	    r->object_id != 0 ? r->offset : 0, 0, r->object_id != 0 ? 1 : 0,
	    r->object_id != 0 ? OBJECT_INO | r->object_id : 0);

	if (name[0] == '\0')
		text_add(t, "%s\n", line);
	else
		text_add(t, "%s%*s%s\n", line, n < 73 ? 73 - n : 0, "", name);
}

static void
show_maps(struct text *t, int pid)
{
	struct space *s = proc_space(pid);
	struct tome_region r;
	tome_va_t cookie = t->next;

	if (s == NULL)
		return;
	while (!text_full(t) && tome_map_next(s->map, &cookie, &r))
		show_region(t, s, &r);
	if (text_full(t))
		text_stop(t, cookie);
	space_unref(s);
}

static void
show_flags(struct text *t, const struct tome_region *r)
{
	text_add(t, "VmFlags:%s%s%s%s%s%s%s%s%s%s%s\n",
	    r->prot & TOME_PROT_READ ? " rd" : "",
	    r->prot & TOME_PROT_WRITE ? " wr" : "",
	    r->prot & TOME_PROT_EXEC ? " ex" : "", r->shared ? " sh" : "",
	    r->max_prot & TOME_PROT_READ ? " mr" : "",
	    r->max_prot & TOME_PROT_WRITE ? " mw" : "",
	    r->max_prot & TOME_PROT_EXEC ? " me" : "",
	    r->growsdown ? " gd" : "", r->wired ? " lo" : "",
	    r->inherit == TOME_INHERIT_NONE ||
		r->inherit == TOME_INHERIT_NONE_ZERO ? " dc" : "",
	    r->inherit == TOME_INHERIT_ZERO ||
		r->inherit == TOME_INHERIT_NONE_ZERO ? " wf" : "");
}

/* SwapPss counts a shared page whole: how many share it is not kept. */
static void
show_usage(struct text *t, const struct tome_region *r,
    const struct tome_usage *u)
{
	text_add(t, "Size:           %8ju kB\nKernelPageSize: %8u kB\n"
	    "MMUPageSize:    %8u kB\nRss:            %8ju kB\n"
	    "Pss:            %8ju kB\n",
	    kb((r->end - r->start) >> TOME_PAGE_SHIFT),
	    (unsigned)(TOME_PAGE_SIZE >> 10), (unsigned)(TOME_PAGE_SIZE >> 10),
	    kb(u->resident), u->proportional >> 10);
	text_add(t, "Shared_Clean:   %8ju kB\nShared_Dirty:   %8ju kB\n"
	    "Private_Clean:  %8ju kB\nPrivate_Dirty:  %8ju kB\n"
	    "Referenced:     %8ju kB\nAnonymous:      %8ju kB\n",
	    kb(u->shared_clean), kb(u->shared_dirty), kb(u->private_clean),
	    kb(u->private_dirty), kb(u->referenced), kb(u->anonymous));
	text_add(t, "LazyFree:       %8u kB\nAnonHugePages:  %8u kB\n"
	    "Swap:           %8ju kB\nSwapPss:        %8ju kB\n"
	    "Locked:         %8ju kB\nTHPeligible:    0\n", 0, 0,
	    kb(u->swapped + u->swapped_shared),
	    kb(u->swapped + u->swapped_shared), kb(u->locked));
}

static void
show_smaps(struct text *t, int pid)
{
	struct space *s = proc_space(pid);
	struct tome_region r;
	struct tome_usage u;
	tome_va_t cookie = t->next;

	if (s == NULL)
		return;
	while (!text_full(t) && tome_map_next(s->map, &cookie, &r)) {
		show_region(t, s, &r);
		tome_map_usage(s->map, r.start, r.end, &u);
		show_usage(t, &r, &u);
		show_flags(t, &r);
	}
	if (text_full(t))
		text_stop(t, cookie);
	space_unref(s);
}

/* ---- strings the process began with ---- */

static void
show_span(struct text *t, struct space *s, uint64_t start, uint64_t end)
{
	char buf[256];
	size_t n, done;

	while (start < end) {
		n = end - start < sizeof buf ? end - start : sizeof buf;
		if (tome_map_read(s->map, start, buf, n, false, &done) !=
		    TOME_OK && done == 0)
			break;
		text_bytes(t, buf, done);
		start += done;
	}
}

static void
show_cmdline(struct text *t, int pid)
{
	struct space *s = proc_space(pid);

	if (s != NULL)
		show_span(t, s, s->arg_start, s->arg_end);
	space_unref(s);
}

static void
show_environ(struct text *t, int pid)
{
	struct space *s = proc_space(pid);

	if (s != NULL)
		show_span(t, s, s->env_start, s->env_end);
	space_unref(s);
}

static void
show_comm(struct text *t, int pid)
{
	struct facts f;

	if (facts_of(pid, &f))
		text_add(t, "%s\n", f.comm);
}

static void
show_oom_score_adj(struct text *t, int pid)
{
	struct facts f;

	if (facts_of(pid, &f))
		text_add(t, "%d\n", f.oom_score_adj);
}

static int64_t
store_oom_score_adj(int pid, const char *s, size_t n)
{
	bool minus = n > 0 && *s == '-';
	struct process *p;
	uintptr_t irq;
	int v = 0;

	for (s += minus; *s >= '0' && *s <= '9' && v <= 1000; s++)
		v = v * 10 + (*s - '0');
	if ((*s != '\0' && *s != '\n') || v > 1000)
		return -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	p = proc_process(pid);
	if (p != NULL)
		p->oom_score_adj = minus ? -v : v;
	spin_unlock_irq(&proc_lock, irq);
	return p != NULL ? 0 : -ESRCH;
}

static void
show_oom_score(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "0\n");
}

static void
show_limits(struct text *t, int pid)
{
	static const char *const names[RLIMITS] = {
		"Max cpu time", "Max file size", "Max data size",
		"Max stack size", "Max core file size", "Max resident set",
		"Max processes", "Max open files", "Max locked memory",
		"Max address space", "Max file locks", "Max pending signals",
		"Max msgqueue size", "Max nice priority",
		"Max realtime priority", "Max realtime timeout",
	};
	struct rlimit limit[RLIMITS];
	struct process *p;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	p = proc_process(pid);
	if (p != NULL)
		memcpy(limit, p->limit, sizeof limit);
	spin_unlock_irq(&proc_lock, irq);
	for (int i = 0; p != NULL && i < RLIMITS; i++) {
		text_add(t, "%-25s ", names[i]);
		if (limit[i].cur == RLIM_INFINITY)
			text_add(t, "%-20s ", "unlimited");
		else
			text_add(t, "%-20ju ", limit[i].cur);
		if (limit[i].max == RLIM_INFINITY)
			text_add(t, "unlimited\n");
		else
			text_add(t, "%ju\n", limit[i].max);
	}
}

/* ---- mounts ---- */

static bool
show_mount(void *arg, struct dentry *root)
{
	struct text *t = arg;
	const struct filesystem *fs = root->inode->fs;
	char buf[512], *path = dentry_path_locked(root, root_dentry, buf,
	    sizeof buf);

	text_add(t, "%s %s %s %s 0 0\n", fs->name, path != NULL ? path : "?",
	    fs->name, fs->options);
	return true;
}

static void
show_mounts(struct text *t, int pid)
{
	(void)pid;
	vfs_mounts(show_mount, t);
}

/* Numbers of mounts are those of their devices; each lies in the first. */
static bool
show_mount_more(void *arg, struct dentry *root)
{
	struct text *t = arg;
	const struct filesystem *fs = root->inode->fs;
	char buf[512], *path = dentry_path_locked(root, root_dentry, buf,
	    sizeof buf);

	text_add(t, "%u 1 0:%u / %s %s - %s %s %s\n", fs->dev + 20, fs->dev,
	    path != NULL ? path : "?", fs->options, fs->name, fs->name,
	    fs->options);
	return true;
}

static void
show_mountinfo(struct text *t, int pid)
{
	(void)pid;
	vfs_mounts(show_mount_more, t);
}

/* ---- links ---- */

static int
link_exe(struct inode *i, char *buf, size_t size, struct dentry **jump)
{
	struct space *s = proc_space(i->pid);

	(void)buf, (void)size;
	if (s == NULL || s->exe == NULL) {
		space_unref(s);
		return -ENOENT;
	}
	dentry_ref(s->exe);
	*jump = s->exe;
	space_unref(s);
	return 0;
}

/* Of a task's fs. NULL: it has none any more. */
static struct fs *
fs_of(int pid)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	struct process *p = proc_process(pid);
	struct task *t = task_find(pid);
	struct fs *fs = NULL;

	if (t == NULL && p != NULL && !list_empty(&p->tasks))
		t = container_of(p->tasks.next, struct task, peers);
	if (t != NULL && t->fs != NULL) {
		fs = t->fs;
		atomic_fetch_add(&fs->refs, 1);
	}
	spin_unlock_irq(&proc_lock, irq);
	return fs;
}

static int
link_cwd(struct inode *i, char *buf, size_t size, struct dentry **jump)
{
	struct fs *fs = fs_of(i->pid);

	(void)buf, (void)size;
	if (fs == NULL)
		return -ENOENT;
	dentry_ref(*jump = fs->cwd);
	fs_unref(fs);
	return 0;
}

static int
link_root(struct inode *i, char *buf, size_t size, struct dentry **jump)
{
	struct fs *fs = fs_of(i->pid);

	(void)buf, (void)size;
	if (fs == NULL)
		return -ENOENT;
	dentry_ref(*jump = fs->root);
	fs_unref(fs);
	return 0;
}

static struct files *
files_of(int pid)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	struct process *p = proc_process(pid);
	struct task *t = task_find(pid);
	struct files *files = NULL;

	if (t == NULL && p != NULL && !list_empty(&p->tasks))
		t = container_of(p->tasks.next, struct task, peers);
	if (t != NULL && t->files != NULL)
		files_ref(files = t->files);
	spin_unlock_irq(&proc_lock, irq);
	return files;
}

/* A file without a name in the tree leads to a name made for it. */
static int
link_fd(struct inode *i, char *buf, size_t size, struct dentry **jump)
{
	struct files *files = files_of(i->pid);
	struct file *f = files != NULL ?
	    files_get(files, (unsigned)i->fd) : NULL;
	int err = 0;

	files_unref(files);
	if (f == NULL)
		return -ENOENT;
	if (f->dentry != NULL) {
		dentry_ref(*jump = f->dentry);
	} else {
		file_name(f, buf, size);
		inode_ref(f->inode);
		*jump = dentry_new(nowhere_dentry, buf, f->inode);
		err = *jump == NULL ? -ENOMEM : 0;
	}
	file_unref(f);
	return err;
}

static int
next_fd(int pid, int n)
{
	struct files *files = files_of(pid);
	int found = -1;

	if (files == NULL)
		return -1;
	spin_lock(&files->lock);
	for (unsigned fd = (unsigned)n; fd < files->size && found < 0; fd++)
		if (files->slot[fd] != NULL)
			found = (int)fd;
	spin_unlock(&files->lock);
	files_unref(files);
	return found;
}

static int
next_task(int pid, int n)
{
	struct process *p;
	struct task *t;
	int best = -1;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	p = proc_process(pid);
	if (p != NULL)
		list_each(t, &p->tasks, peers)
			if (t->tid >= n && (best < 0 || t->tid < best))
				best = t->tid;
	spin_unlock_irq(&proc_lock, irq);
	return best;
}

/* ---- the directories ---- */

#define FILE_NODE(n, fn) { .name = n, .mode = S_IFREG | 0444, .show = fn }
#define LINK_NODE(n, fn) { .name = n, .mode = S_IFLNK | 0777, .link = fn }
#define OWN_NODES                                                              \
	FILE_NODE("stat", show_stat), FILE_NODE("statm", show_statm),          \
	    FILE_NODE("status", show_status), FILE_NODE("maps", show_maps),    \
	    FILE_NODE("smaps", show_smaps), FILE_NODE("comm", show_comm),      \
	    { .name = "pagemap", .mode = S_IFREG | 0444,                       \
	      .read = pagemap_read },                                          \
	    FILE_NODE("cmdline", show_cmdline),                                \
	    FILE_NODE("environ", show_environ),                                \
	    FILE_NODE("limits", show_limits),                                  \
	    FILE_NODE("mounts", show_mounts),                                  \
	    FILE_NODE("mountinfo", show_mountinfo),                            \
	    FILE_NODE("oom_score", show_oom_score),                            \
	    { .name = "oom_score_adj", .mode = S_IFREG | 0644,                 \
	      .show = show_oom_score_adj, .store = store_oom_score_adj },      \
	    { .name = "memory.max", .mode = S_IFREG | 0644,                    \
	      .show = show_group_max, .store = store_group_max },              \
	    { .name = "memory.swap.max", .mode = S_IFREG | 0644,               \
	      .show = show_group_swap_max, .store = store_group_swap_max },    \
	    FILE_NODE("memory.current", show_group_current),                   \
	    FILE_NODE("memory.swap.current", show_group_swap_current),         \
	    LINK_NODE("exe", link_exe), LINK_NODE("cwd", link_cwd),            \
	    LINK_NODE("root", link_root),                                      \
	    { .name = "fd", .mode = S_IFDIR | 0500, .next = next_fd,           \
	      .numbered = &fd_link }

static const struct proc_node fd_link = LINK_NODE("", link_fd);
static const struct proc_node task_nodes[] = { OWN_NODES, { .name = NULL } };
static const struct proc_node task_dir = {
	.name = "", .mode = S_IFDIR | 0555, .children = task_nodes,
};
static const struct proc_node pid_nodes[] = {
	OWN_NODES,
	{ .name = "task", .mode = S_IFDIR | 0555, .next = next_task,
	  .numbered = &task_dir },
	{ .name = NULL },
};
const struct proc_node proc_pid = {
	.name = "", .mode = S_IFDIR | 0555, .children = pid_nodes,
};
