/*
 * proc.c - the machinery of generated file systems, and what /proc says of the
 * system.
 *
 * Nodes have no dentries of their own: a lookup makes one that lives as long as
 * somebody holds it.
 */
#include <block.h>
#include <caches.h>
#include <fs/proc.h>
#include <large.h>
#include <lib.h>
#include <machine.h>
#include <overcommit.h>
#include <process.h>
#include <mm.h>
#include <swap.h>
#include <system.h>
#include <tome/paging.h>

#define TEXT_MAX ((size_t)4 << 20)

static int proc_lookup(struct dentry *, const char *, struct dentry **);
static int proc_readdir(struct dentry *, struct dir_sink *, uint64_t *);
static int proc_readlink(struct dentry *, char *, size_t, struct dentry **);
static int proc_open(struct inode *, struct file *);
static int64_t proc_read(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t proc_write(struct file *, struct ubuf, size_t, uint64_t *);
static void proc_release(struct file *);

static const struct file_ops proc_file = {
	.read = proc_read, .write = proc_write, .release = proc_release,
	.seekable = true,
};
static const struct file_ops proc_directory = { .seekable = true };
static const struct inode_ops proc_ops = {
	.file = &proc_file, .lookup = proc_lookup, .readdir = proc_readdir,
	.readlink = proc_readlink, .open = proc_open,
};

/* ---- text ---- */

static bool
text_room(struct text *t, size_t n)
{
	size_t size = t->size == 0 ? 1024 : t->size;
	char *buf;

	while (size - t->len < n)
		size *= 2;
	if (size == t->size)
		return true;
	buf = size > TEXT_MAX ? NULL : large_alloc(size);
	if (buf == NULL) {
		t->failed = true;
		return false;
	}
	if (t->len > 0)
		memcpy(buf, t->buf, t->len);
	large_free(t->buf, t->size);
	t->buf = buf;
	t->size = size;
	return true;
}

void
text_bytes(struct text *t, const void *p, size_t n)
{
	if (t->failed || n == 0 || !text_room(t, n))
		return;
	memcpy(t->buf + t->len, p, n);
	t->len += n;
}

void
text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (t->failed || n <= 0)
		return;
	if ((size_t)n >= t->size - t->len) {
		if (!text_room(t, (size_t)n + 1))
			return;
		va_start(ap, fmt);
		(void)vsnprintf(t->buf + t->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)n;
}

/* ---- nodes as inodes and dentries ---- */

static struct inode *
node_inode(const struct filesystem *fs, const struct proc_node *node, int pid,
    int fd)
{
	struct inode *i = inode_new(fs, &proc_ops, node->mode);

	if (i == NULL)
		return NULL;
	i->node = node;
	i->pid = pid;
	i->fd = fd;
	/* The same file has the same number each time. */
	i->ino = ((uintptr_t)node & 0xffffff) | (uint64_t)(uint32_t)pid << 24 |
	    (uint64_t)(uint32_t)(fd + 1) << 44;
	return i;
}

struct dentry *
proc_tree(const struct filesystem *fs, const struct proc_node *root)
{
	struct inode *i = node_inode(fs, root, 0, -1);

	return i == NULL ? NULL : dentry_new(NULL, "", i);
}

static int
node_dentry(struct dentry *dir, const char *name, const struct proc_node *node,
    int pid, int fd, struct dentry **out)
{
	struct inode *i = node_inode(dir->inode->fs, node, pid, fd);

	*out = i == NULL ? NULL : dentry_new(dir, name, i);
	return *out == NULL ? -ENOMEM : 0;
}

/* -1: not a number. */
static int
number_of(const char *name)
{
	int n = 0;

	if (*name == '\0' || (*name == '0' && name[1] != '\0'))
		return -1;
	for (; *name != '\0'; name++) {
		if (*name < '0' || *name > '9' || n > 100000000)
			return -1;
		n = n * 10 + (*name - '0');
	}
	return n;
}

static int
proc_lookup(struct dentry *dir, const char *name, struct dentry **out)
{
	const struct proc_node *node = dir->inode->node, *c;
	int pid = dir->inode->pid, n;

	for (c = node->children; c != NULL && c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return node_dentry(dir, name, c, pid, -1, out);
	n = node->next != NULL ? number_of(name) : -1;
	if (n < 0 || node->next(pid, n) != n)
		return -ENOENT;
	/* Numbered directories are processes, numbered links descriptors. */
	return (node->numbered->mode & S_IFMT) == S_IFDIR ?
	    node_dentry(dir, name, node->numbered, n, -1, out) :
	    node_dentry(dir, name, node->numbered, pid, n, out);
}

/* Positions: the index of a child; then, from NUMBERED on, numbers. */
#define NUMBERED 1024u

static bool
emit_children(const struct proc_node *node, struct dir_sink *s, uint64_t *pos)
{
	const struct proc_node *c = node->children;

	for (uint64_t n = 0; c != NULL && c->name != NULL; c++, n++) {
		if (n < *pos)
			continue;
		if (!dir_emit(s, c->name, (uintptr_t)c & 0xffffff, c->mode,
		    ((uint64_t)1 << 40) + n + 1))
			return false;
		*pos = n + 1;
	}
	return true;
}

static int
proc_readdir(struct dentry *dir, struct dir_sink *s, uint64_t *pos)
{
	const struct proc_node *node = dir->inode->node;
	char name[16];
	int n;

	if (*pos < NUMBERED) {
		if (!emit_children(node, s, pos))
			return 0;
		*pos = NUMBERED;
	}
	while (node->next != NULL) {
		n = node->next(dir->inode->pid, (int)(*pos - NUMBERED));
		if (n < 0)
			break;
		snprintf(name, sizeof name, "%d", n);
		if (!dir_emit(s, name, (uint64_t)n + NUMBERED,
		    node->numbered->mode, ((uint64_t)1 << 40) + NUMBERED +
		    (uint64_t)n + 1))
			break;
		*pos = NUMBERED + (uint64_t)n + 1;
	}
	return 0;
}

static int
proc_readlink(struct dentry *d, char *buf, size_t size, struct dentry **jump)
{
	buf[0] = '\0';
	return d->inode->node->link(d->inode, buf, size, jump);
}

/* ---- files ---- */

static int
proc_open(struct inode *i, struct file *f)
{
	if (inode_is(i, S_IFDIR)) {
		f->ops = &proc_directory;
		return 0;
	}
	f->data = tome_kzalloc(the_vm, sizeof(struct text));
	return f->data == NULL ? -ENOMEM : 0;
}

static void
proc_release(struct file *f)
{
	struct text *t = f->data;

	if (t != NULL)
		large_free(t->buf, t->size);
	tome_kfree(the_vm, t);
}

/* The window that holds this position, or where the text ends. */
static void
text_seek(struct text *t, const struct inode *i, uint64_t pos)
{
	if (pos == 0 || pos < t->base || !t->begun || t->failed) {
		t->base = t->next = t->len = 0;
		t->failed = false;
		t->begun = t->more = true;
	}
	while (t->more && !t->failed && pos >= t->base + t->len) {
		t->base += t->len;
		t->len = 0;
		t->more = false;
		i->node->show(t, i->pid);
	}
}

/* Under a lock of the inode, because readers may share the file. */
static int64_t
proc_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	struct inode *i = f->inode;
	struct text *t = f->data;
	uint64_t at;
	int64_t err = 0;

	if (i->node->read != NULL)
		return i->node->read(i->pid, to, n, pos);
	if (i->node->show == NULL)
		return -EINVAL;
	mutex_lock(&i->lock);
	text_seek(t, i, *pos);
	at = *pos - t->base;
	if (t->failed)
		err = -ENOMEM;
	else if (at >= t->len)
		n = 0;
	else {
		if (n > t->len - at)
			n = t->len - at;
		err = ubuf_put(to, 0, t->buf + at, n);
	}
	mutex_unlock(&i->lock);
	if (err != 0)
		return err;
	*pos += n;
	return (int64_t)n;
}

static int64_t
proc_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	char buf[64];
	int64_t err;

	if (f->inode->node->store == NULL)
		return -EACCES;
	if (n >= sizeof buf)
		return -EINVAL;
	err = ubuf_get(from, 0, buf, n);
	if (err != 0)
		return err;
	buf[n] = '\0';
	err = f->inode->node->store(f->inode->pid, buf, n);
	if (err != 0)
		return err;
	*pos += n;
	return (int64_t)n;
}

/* ---- what /proc says of the system ---- */

static uint64_t
kb(uint64_t pages)
{
	return pages << (TOME_PAGE_SHIFT - 10);
}

/* As Linux estimates it: what is free, and of files what need not be kept for
 * whoever uses it. */
static uint64_t
available(const struct tome_stats *s, const struct tome_census *c)
{
	uint64_t low = 0, high = 0, wired = c->wired, files = s->frames_cache;
	struct tome_zone_stats z;

	for (int kind = 0; kind < TOME_ZONES; kind++)
		if (tome_zone_stats(the_vm, (enum tome_zone_kind)kind, &z)) {
			low += z.low;
			high += z.high;
		}
	files -= wired < files ? wired : files;
	files -= files / 2 < low ? files / 2 : low;
	files += s->frames_free;
	return files > high ? files - high : 0;
}

/* There are no two lists of pages here: what is used, and what is not. */
static void
show_meminfo(struct text *t, int pid)
{
	struct tome_census c;
	struct tome_stats s;
	uint64_t swap, used;

	(void)pid;
	tome_paging_census(the_vm, &c);
	tome_vm_stats(the_vm, &s);
	swap_totals(&swap, &used);
	if (c.shared > s.frames_anon)
		c.shared = s.frames_anon;
	text_add(t, "MemTotal:       %8ju kB\nMemFree:        %8ju kB\n"
	    "MemAvailable:   %8ju kB\nBuffers:        %8u kB\n"
	    "Cached:         %8ju kB\nSwapCached:     %8ju kB\n"
	    "Active:         %8ju kB\nInactive:       %8u kB\n",
	    kb(s.frames_total), kb(s.frames_free), kb(available(&s, &c)), 0,
	    kb(s.frames_cache + c.shared), kb(c.with_slot),
	    kb(s.frames_anon + s.frames_cache), 0);
	text_add(t, "Unevictable:    %8ju kB\nMlocked:        %8ju kB\n"
	    "SwapTotal:      %8ju kB\nSwapFree:       %8ju kB\n"
	    "Dirty:          %8ju kB\nWriteback:      %8ju kB\n"
	    "AnonPages:      %8ju kB\nMapped:         %8ju kB\n"
	    "Shmem:          %8ju kB\n", kb(c.wired), kb(c.wired), kb(swap),
	    kb(swap - used), kb(s.files_dirty), kb(s.files_writing),
	    kb(s.frames_anon - c.shared), kb(c.mapped), kb(c.shared));
	text_add(t, "Slab:           %8ju kB\nSReclaimable:   %8u kB\n"
	    "SUnreclaim:     %8ju kB\nPageTables:     %8ju kB\n"
	    "CommitLimit:    %8ju kB\nCommitted_AS:   %8ju kB\n"
	    "HugePages_Total:   %5u\nHugePages_Free:    %5u\n"
	    "HugePages_Rsvd:    %5u\nHugePages_Surp:    %5u\n"
	    "Hugepagesize:   %8u kB\n",
	    kb(s.frames_kernel), 0, kb(s.frames_kernel), kb(s.frames_table),
	    kb(overcommit_limit()), kb(tome_commit_pages(the_vm)), 0, 0, 0, 0,
	    2048);
}

static void
show_swaps(struct text *t, int pid)
{
	struct swap_info s;

	(void)pid;
	text_add(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (unsigned n = 0; swap_look(n, &s); n++)
		text_add(t, "%-39s %s\t%ju\t\t%ju\t\t%d\n", s.path,
		    s.file ? "file\t" : "partition", kb(s.pages),
		    kb(s.used), s.priority);
}

static void
show_partitions(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "major minor  #blocks  name\n\n");
	for (unsigned n = 0; block_get(n) != NULL; n++)
		text_add(t, "%4u %8u %10lu %s\n", BLOCK_MAJOR, n,
		    (unsigned long)block_get(n)->bytes / 1024,
		    block_get(n)->name);
}

/* Linux's names where there is such a thing, and Tome's own figures. */
/* Slots: allocated = used + retired + those that ended, in one of four ways. */
static void
show_ledger(struct text *t)
{
	struct tome_swap_stats s;

	swap_ledger(&s);
	text_add(t, "tome_swap_allocated %ju\ntome_swap_used %ju\n"
	    "tome_swap_retired %ju\ntome_swap_superseded %ju\n"
	    "tome_swap_dropped %ju\ntome_swap_unwritten %ju\n"
	    "tome_swap_home %ju\ntome_swap_written %ju\n"
	    "tome_swap_read %ju\ntome_swap_read_errors %ju\n"
	    "tome_swap_write_errors %ju\n", s.allocated, s.used, s.retired,
	    s.superseded, s.dropped, s.unwritten, s.home, s.written, s.read,
	    s.read_errors, s.write_errors);
}

static void
show_vmstat(struct text *t, int pid)
{
	struct tome_paging_stats p;
	struct tome_stats s;

	(void)pid;
	tome_paging_stats(the_vm, &p);
	/* What only waits for an epoch to end is not in use. */
	tome_vm_quiesce(the_vm, false);
	tome_vm_stats(the_vm, &s);
	text_add(t, "nr_free_pages %ju\nnr_anon_pages %ju\nnr_file_pages %ju\n"
	    "nr_page_table_pages %ju\nnr_slab_unreclaimable %ju\n"
	    "pgfault %ju\npgmajfault %ju\npswpin %ju\npswpout %ju\n"
	    "nr_dirty %ju\nnr_writeback %ju\npgscan %ju\n",
	    s.frames_free, s.frames_anon, s.frames_cache, s.frames_table,
	    s.frames_kernel, s.faults, mm_major_faults(), p.swapped_in, p.swapped_out,
	    s.files_dirty, s.files_writing, p.looked);
	text_add(t, "tome_faults_zero %ju\ntome_faults_cow %ju\n"
	    "tome_faults_reuse %ju\ntome_faults_file %ju\n"
	    "tome_faults_retry %ju\ntome_faults_spurious %ju\n"
	    "tome_flush_page %ju\ntome_flush_asid %ju\ntome_flush_all %ju\n"
	    "tome_ipis %ju\ntome_rounds %ju\n", s.faults_zero, s.faults_cow,
	    s.faults_reuse, s.faults_file, s.faults_retry, s.faults_spurious,
	    s.flush_page, s.flush_asid, s.flush_all, s.ipis, s.rounds);
	text_add(t, "tome_packs_written %ju\ntome_packs_read %ju\n"
	    "tome_slots_lost %ju\n", p.packs_written, p.packs_read,
	    p.slots_lost);
	text_add(t, "tome_maps %ju\ntome_entries %ju\ntome_nodes %ju\n"
	    "tome_amaps %ju\ntome_chunks %ju\ntome_anons %ju\n"
	    "tome_objects %ju\ntome_pmaps %ju\ntome_deferred %ju\n"
	    "tome_frames_total %ju\ntome_frames_reserved %ju\n"
	    "tome_frames_kernel %ju\ntome_frames_other %ju\n"
	    "tome_frames_bootstrap %ju\n", s.maps, s.entries, s.nodes, s.amaps,
	    s.chunks, s.anons, s.objects, s.pmaps, s.deferred, s.frames_total,
	    s.frames_reserved, s.frames_kernel, s.frames_other,
	    s.frames_bootstrap);
	show_ledger(t);
}

/* The personality's own caches; objects in per-CPU magazines count as free. */
static void
show_slabinfo(struct text *t, int pid)
{
	struct tome_cache_stats s;
	const char *name;

	(void)pid;
	text_add(t, "slabinfo - version: 2.1\n# name            "
	    "<active_objs> <num_slabs> <objsize> <frames>\n");
	for (unsigned n = 0; cache_look(n, &name, &s); n++)
		text_add(t, "%-17s %6zu %6zu %6zu %6zu\n", name, s.live,
		    s.slabs, s.size, s.frames);
}

static uint64_t
ticks(uint64_t ns)
{
	return ns / (1000000000u / CLK_TCK);
}

static void
show_stat(struct text *t, int pid)
{
	uint64_t now = ticks(clock_ns()), idle, all = 0;
	unsigned n = cpu_count();

	(void)pid;
	for (unsigned c = 0; c < n; c++)
		all += ticks(cpu_idle_ns(c));
	text_add(t, "cpu  %ju 0 0 %ju 0 0 0 0 0 0\n",
	    now * n > all ? now * n - all : 0, all);
	for (unsigned c = 0; c < n; c++) {
		idle = ticks(cpu_idle_ns(c));
		text_add(t, "cpu%u %ju 0 0 %ju 0 0 0 0 0 0\n", c,
		    now > idle ? now - idle : 0, idle);
	}
	text_add(t, "intr 0\nctxt 0\nbtime %ju\nprocesses %u\n"
	    "procs_running %u\nprocs_blocked 0\n",
	    (clock_wall_ns() - clock_ns()) / 1000000000u, system_processes(),
	    sched_runnable());
}

static void
show_uptime(struct text *t, int pid)
{
	uint64_t idle = 0, now = clock_ns() / 10000000u;

	(void)pid;
	for (unsigned c = 0; c < cpu_count(); c++)
		idle += cpu_idle_ns(c);
	idle /= 10000000u;
	text_add(t, "%ju.%02ju %ju.%02ju\n", now / 100, now % 100, idle / 100,
	    idle % 100);
}

/* No average is kept: what runs now stands for all three. */
static void
show_loadavg(struct text *t, int pid)
{
	unsigned n = sched_runnable();

	(void)pid;
	text_add(t, "%u.00 %u.00 %u.00 %u/%u %d\n", n, n, n, n,
	    system_processes(), current_process()->pid);
}

static void
show_cpuinfo(struct text *t, int pid)
{
	struct cpu_identity id;

	(void)pid;
	cpu_identify(&id);
	for (unsigned c = 0; c < cpu_count(); c++)
		text_add(t, "processor\t: %u\nvendor_id\t: %s\n"
		    "cpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
		    "stepping\t: %u\ncpu MHz\t\t: %ju.%03ju\n"
		    "cpu cores\t: %u\nflags\t\t:\n\n", c, id.vendor,
		    id.family, id.model, id.model_name, id.stepping,
		    id.hz / 1000000, id.hz / 1000 % 1000, cpu_count());
}

static void
show_filesystems(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n"
	    "nodev\tdevtmpfs\nnodev\tpipefs\n");
}

static void
show_version(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "Linux version %s (tome) %s\n", SYSTEM_RELEASE,
	    SYSTEM_VERSION);
}

static void
show_cmdline(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "%s\n", boot_cmdline());
}

static void
show_hostname(struct text *t, int pid)
{
	char name[65];

	(void)pid;
	system_hostname(name);
	text_add(t, "%s\n", name);
}

static void
show_shm(struct text *t, int pid)
{
	struct tome_shm_info i;
	unsigned cookie = 0;

	(void)pid;
	text_add(t, "       key      shmid perms                  size  cpid  "
	    "lpid nattch   uid   gid  cuid  cgid      atime      dtime"
	    "      ctime                   rss                  swap\n");
	while (tome_shm_next(mm_shm, &cookie, &i))
		text_add(t, "%10d %10d  %4o %21ju %5d %5d  %5ju %5u %5u %5u "
		    "%5u %10jd %10jd %10jd %21ju %21u\n", i.key, i.id, i.mode,
		    i.size, i.cpid, i.lpid, i.attached, i.uid, i.gid, i.cuid,
		    i.cgid, i.atime, i.dtime, i.ctime,
		    i.resident_pages << TOME_PAGE_SHIFT, 0);
}

/* A decimal number and at most a newline. */
static bool
text_number(const char *s, uint64_t *out)
{
	const char *from = s;
	uint64_t n = 0;

	for (; *s >= '0' && *s <= '9' && n <= UINT64_MAX / 10 - 1; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	*out = n;
	return s != from && (*s == '\0' || *s == '\n');
}

#define OVERCOMMIT(name, which)                                                \
	static void show_##name(struct text *t, int pid)                       \
	{                                                                      \
		(void)pid;                                                     \
		text_add(t, "%ju\n", overcommit_get(which));                   \
	}                                                                      \
	static int64_t store_##name(int pid, const char *s, size_t n)          \
	{                                                                      \
		uint64_t value;                                                \
                                                                               \
		(void)pid, (void)n;                                            \
		return text_number(s, &value) ? overcommit_set(which, value) : \
		    -EINVAL;                                                   \
	}

OVERCOMMIT(overcommit_memory, OVERCOMMIT_MEMORY)
OVERCOMMIT(overcommit_ratio, OVERCOMMIT_RATIO)
OVERCOMMIT(overcommit_kbytes, OVERCOMMIT_KBYTES)

/* Settings that are constants here. */
#define CONSTANT(fn, value)                                                    \
	static void fn(struct text *t, int pid)                                \
	{                                                                      \
		(void)pid;                                                     \
		text_add(t, "%s\n", value);                                    \
	}

CONSTANT(show_pid_max, "32768")
CONSTANT(show_ngroups_max, "32")
CONSTANT(show_osrelease, SYSTEM_RELEASE)
CONSTANT(show_ostype, "Linux")
CONSTANT(show_os_version, SYSTEM_VERSION)
CONSTANT(show_shmmax, "18446744073692774399")
CONSTANT(show_shmall, "18446744073692774399")
CONSTANT(show_shmmni, "4096")
CONSTANT(show_msgmni, "32000")
CONSTANT(show_core_pattern, "core")
CONSTANT(show_tainted, "0")
CONSTANT(show_threads_max, "32768")
CONSTANT(show_randomize, "2")
CONSTANT(show_max_map_count, "65530")
CONSTANT(show_zero, "0")
CONSTANT(show_mmap_min_addr, "65536")
CONSTANT(show_swappiness, "60")
CONSTANT(show_pipe_max_size, "1048576")
CONSTANT(show_file_max, "65536")
CONSTANT(show_nr_open, "65536")
CONSTANT(show_somaxconn, "4096")
CONSTANT(show_cap_last_cap, "40")

#define FILE_NODE(n, fn) { .name = n, .mode = S_IFREG | 0444, .show = fn }
#define SETTING(f)                                                             \
	{ .name = #f, .mode = S_IFREG | 0644, .show = show_##f,                \
	  .store = store_##f }
#define DIR_NODE(n, table)                                                     \
	{ .name = n, .mode = S_IFDIR | 0555, .children = table }

static const struct proc_node sys_kernel[] = {
	FILE_NODE("pid_max", show_pid_max),
	FILE_NODE("ngroups_max", show_ngroups_max),
	FILE_NODE("osrelease", show_osrelease),
	FILE_NODE("ostype", show_ostype),
	FILE_NODE("version", show_os_version),
	FILE_NODE("hostname", show_hostname),
	FILE_NODE("shmmax", show_shmmax),
	FILE_NODE("shmall", show_shmall),
	FILE_NODE("shmmni", show_shmmni),
	FILE_NODE("msgmni", show_msgmni),
	FILE_NODE("core_pattern", show_core_pattern),
	FILE_NODE("tainted", show_tainted),
	FILE_NODE("threads-max", show_threads_max),
	FILE_NODE("randomize_va_space", show_randomize),
	FILE_NODE("cap_last_cap", show_cap_last_cap),
	{ .name = NULL },
};
static const struct proc_node sys_vm[] = {
	FILE_NODE("max_map_count", show_max_map_count),
	SETTING(overcommit_memory),
	SETTING(overcommit_ratio),
	SETTING(overcommit_kbytes),
	FILE_NODE("nr_hugepages", show_zero),
	FILE_NODE("nr_overcommit_hugepages", show_zero),
	FILE_NODE("mmap_min_addr", show_mmap_min_addr),
	FILE_NODE("swappiness", show_swappiness),
	FILE_NODE("panic_on_oom", show_zero),
	{ .name = NULL },
};
static const struct proc_node sys_fs[] = {
	FILE_NODE("pipe-max-size", show_pipe_max_size),
	FILE_NODE("file-max", show_file_max),
	FILE_NODE("nr_open", show_nr_open),
	{ .name = NULL },
};
static const struct proc_node net_core[] = {
	FILE_NODE("somaxconn", show_somaxconn), { .name = NULL },
};
static const struct proc_node sys_net[] = {
	DIR_NODE("core", net_core), { .name = NULL },
};
static const struct proc_node sys[] = {
	DIR_NODE("kernel", sys_kernel), DIR_NODE("vm", sys_vm),
	DIR_NODE("fs", sys_fs), DIR_NODE("net", sys_net), { .name = NULL },
};
static const struct proc_node sysvipc[] = {
	FILE_NODE("shm", show_shm), { .name = NULL },
};

static int
link_self(struct inode *i, char *buf, size_t size, struct dentry **jump)
{
	(void)i, (void)jump;
	snprintf(buf, size, "%d", current_process()->pid);
	return 0;
}

static int
link_thread_self(struct inode *i, char *buf, size_t size, struct dentry **jump)
{
	(void)i, (void)jump;
	snprintf(buf, size, "%d/task/%d", current_process()->pid,
	    current_task()->tid);
	return 0;
}

static int
link_mounts(struct inode *i, char *buf, size_t size, struct dentry **jump)
{
	(void)i, (void)jump;
	strlcpy(buf, "self/mounts", size);
	return 0;
}

#define LINK_NODE(n, fn) { .name = n, .mode = S_IFLNK | 0777, .link = fn }

static const struct proc_node top[] = {
	LINK_NODE("self", link_self),
	LINK_NODE("thread-self", link_thread_self),
	LINK_NODE("mounts", link_mounts),
	FILE_NODE("meminfo", show_meminfo),
	FILE_NODE("vmstat", show_vmstat),
	FILE_NODE("slabinfo", show_slabinfo),
	FILE_NODE("swaps", show_swaps),
	FILE_NODE("partitions", show_partitions),
	FILE_NODE("stat", show_stat),
	FILE_NODE("uptime", show_uptime),
	FILE_NODE("loadavg", show_loadavg),
	FILE_NODE("cpuinfo", show_cpuinfo),
	FILE_NODE("filesystems", show_filesystems),
	FILE_NODE("version", show_version),
	FILE_NODE("cmdline", show_cmdline),
	DIR_NODE("sys", sys),
	DIR_NODE("sysvipc", sysvipc),
	{ .name = NULL },
};
static const struct proc_node root = {
	.name = "", .mode = S_IFDIR | 0555, .children = top,
	.next = proc_next_pid, .numbered = &proc_pid,
};

struct dentry *
procfs_root(void)
{
	static const struct filesystem procfs = {
		.name = "proc", .magic = 0x9fa0, .dev = 6, .options = "rw",
	};

	return proc_tree(&procfs, &root);
}
