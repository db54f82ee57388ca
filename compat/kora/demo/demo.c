/*
 * demo.c - Kora: the address space of a process, as the document lays it out.
 *
 * From 4 MiB to 3 GiB: an executable's code and data, with blank memory behind; the
 * stack of a thread; a data file; shared memory; and an anonymous area for malloc().
 * A second process shares the memory. Then areas change, die and are scavenged.
 */
#include <kernel/memory.h>

#include <demo.h>

#define PAGE ((size_t)PAGE_SIZE)
#define CODE ((size_t)0x00404000)
#define DATA ((size_t)0x00409000)
#define STACK ((size_t)0xbfff0000)
#define DATA_BYTES 0x1800	/* of the file; the rest is blank */

struct process {
	mspace_t *space;
	size_t heap, file, shm;
};

static size_t
map(mspace_t *ms, size_t at, size_t pages, const char *file, size_t offset,
    long limit, int flags)
{
	return (size_t)mspace_map(ms, at, pages * PAGE,
	    file != NULL ? demo_file(file) : NULL, (long)offset, limit, flags);
}

static struct process
process_new(void)
{
	struct process p = { .space = mspace_create() };

	map(p.space, CODE, 1, "program", 0, 0, VMA_FG_CODE | VMA_MAP_FIXED);
	map(p.space, DATA, 4, "program", PAGE, DATA_BYTES,
	    VMA_FG_DATA | VMA_MAP_FIXED);
	map(p.space, STACK, 8, NULL, 0, 0, VMA_FG_STACK | VMA_MAP_FIXED);
	p.file = map(p.space, 0, 3, "program", 0, 0, VMA_FG_RO_FILE);
	p.shm = map(p.space, 0, 2, "segment", 0, 0, VMA_FG_RW_FILE);
	p.heap = map(p.space, 0, 16, NULL, 0, 0, VMA_FG_HEAP);
	return p;
}

static void
look(const char *what, size_t at)
{
	int byte = demo_peek(at);

	if (byte < 0)
		demo_say("%s at %08lx: segmentation fault\n", what,
		    (unsigned long)at);
	else if (byte == 0)
		demo_say("%s at %08lx: blank\n", what, (unsigned long)at);
	else
		demo_say("%s at %08lx: '%c'\n", what, (unsigned long)at, byte);
}

static void
put(const char *what, size_t at, int byte)
{
	demo_say("%s at %08lx: %s\n", what, (unsigned long)at,
	    demo_poke(at, byte) ? "written" : "segmentation fault");
}

static void
use(struct process *p)
{
	demo_say("code runs '%c'\n", demo_fetch(CODE));
	put("code", CODE, 'x');
	look("data", DATA);
	put("data", DATA, 'D');
	look("data", DATA);
	look("the file", p->file + PAGE);
	look("data, its last byte,", DATA + DATA_BYTES - 1);
	look("data, behind it,", DATA + DATA_BYTES);
	look("data, its last page,", DATA + 3 * PAGE);
	put("the stack", STACK + 8 * PAGE - 8, 's');
	look("below the stack", STACK - 1);
	put("malloc's", p->heap + 5 * PAGE, 'm');
	look("malloc's", p->heap + 5 * PAGE);
	put("shared memory", p->shm, 'S');
}

static void
change(struct process *p)
{
	demo_say("protect: %d\n", mspace_protect(p->space, p->heap + 4 * PAGE,
	    2 * PAGE, VMA_READ));
	look("malloc's", p->heap + 5 * PAGE);
	put("malloc's", p->heap + 5 * PAGE, 'n');
	demo_say("unmap: %d\n", mspace_unmap(p->space, p->heap + 6 * PAGE,
	    10 * PAGE));
	look("malloc's", p->heap + 6 * PAGE);
	demo_say("its area is %s\n", mspace_search_vma(p->space,
	    p->heap + 6 * PAGE) != NULL ? "there, dead" : "gone");
	mspace_display();
	demo_say("scavenge: %d\n", mspace_scavenge(p->space));
	demo_say("its area is %s\n", mspace_search_vma(p->space,
	    p->heap + 6 * PAGE) != NULL ? "there, dead" : "gone");
	mspace_display();
}

int
main(void)
{
	struct process one = process_new(), two = process_new();

	demo_switch(one.space);
	mspace_display();
	use(&one);
	demo_switch(two.space);
	look("two: data", DATA);
	look("two: shared memory", two.shm);
	look("two: malloc's", two.heap + 5 * PAGE);
	demo_switch(one.space);
	change(&one);
	demo_switch(NULL);
	return 0;
}
