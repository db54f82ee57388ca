/*
 * sys.c - the little of /sys that programs read.
 */
#include <fs/proc.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

#define FILE_NODE(n, fn) { .name = n, .mode = S_IFREG | 0444, .show = fn }
#define DIR_NODE(n, table)                                                     \
	{ .name = n, .mode = S_IFDIR | 0555, .children = table }

static void
show_cpus(struct text *t, int pid)
{
	(void)pid;
	if (cpu_count() == 1)
		text_add(t, "0\n");
	else
		text_add(t, "0-%u\n", cpu_count() - 1);
}

static void
show_never(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "always madvise [never]\n");
}

static void
show_tty(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "ttyS0\n");
}

static void
show_one(struct text *t, int pid)
{
	(void)pid;
	text_add(t, "1\n");
}

static const struct proc_node one_cpu[] = {
	FILE_NODE("online", show_one), { .name = NULL },
};
#define CPU_FILES 3u
/* A directory for each CPU follows, as many as there are: sysfs_root(). */
static struct proc_node cpu[CPU_FILES + KERNEL_MAX_CPUS + 1] = {
	FILE_NODE("online", show_cpus), FILE_NODE("possible", show_cpus),
	FILE_NODE("present", show_cpus),
};
static char cpu_name[KERNEL_MAX_CPUS][8];
static const struct proc_node system_dir[] = {
	DIR_NODE("cpu", cpu), { .name = NULL },
};
static const struct proc_node devices[] = {
	DIR_NODE("system", system_dir), { .name = NULL },
};
static const struct proc_node thp[] = {
	FILE_NODE("enabled", show_never), FILE_NODE("defrag", show_never),
	{ .name = NULL },
};
static const struct proc_node mm[] = {
	DIR_NODE("transparent_hugepage", thp), { .name = NULL },
};
static const struct proc_node kernel[] = {
	DIR_NODE("mm", mm), { .name = NULL },
};
static const struct proc_node console[] = {
	FILE_NODE("active", show_tty), { .name = NULL },
};
static const struct proc_node tty[] = {
	DIR_NODE("console", console), { .name = NULL },
};
static const struct proc_node class[] = {
	DIR_NODE("tty", tty), { .name = NULL },
};
static const struct proc_node top[] = {
	DIR_NODE("devices", devices), DIR_NODE("kernel", kernel),
	DIR_NODE("class", class), { .name = NULL },
};
static const struct proc_node root = DIR_NODE("", top);

struct dentry *
sysfs_root(void)
{
	static const struct filesystem sysfs = {
		.name = "sysfs", .magic = 0x62656572, .dev = 7,
		.options = "rw",
	};

	for (unsigned c = 0; c < cpu_count(); c++) {
		snprintf(cpu_name[c], sizeof cpu_name[c], "cpu%u", c);
		cpu[CPU_FILES + c] = (struct proc_node)
		    DIR_NODE(cpu_name[c], one_cpu);
	}
	return proc_tree(&sysfs, &root);
}
