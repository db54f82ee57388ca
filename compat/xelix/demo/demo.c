/*
 * demo.c - Xelix: a page that is copied on write, and a stack that grows.
 *
 * Two programs are started from one file's data page. Each reads it; one writes.
 * The stack of the first then grows page by page until it meets its guard.
 */
#include <string.h>

#include <memory/kmalloc.h>
#include <memory/vm.h>

#include <demo.h>

#define DATA ((uintptr_t)0x08050000)
#define STACK_TOP ((uintptr_t)0xa0000000)
#define STACK_PAGES 3

static void
add(struct vm_context *ctx, struct vm_page like)
{
	struct vm_page *page = vm_new_page();

	*page = like;
	if (vm_add_page(ctx, page) != 0)
		demo_say("a page is refused\n");
}

static struct vm_context *
start_program(void *data)
{
	struct vm_context *ctx = vm_new();
	uintptr_t at = STACK_TOP - STACK_PAGES * PAGE_SIZE;

	add(ctx, (struct vm_page){ .section = VM_SECTION_DATA, .cow = true,
	    .cow_src_addr = data, .virt_addr = (void *)DATA });
	add(ctx, (struct vm_page){ .section = VM_SECTION_UNMAPPED,
	    .virt_addr = (void *)(at - PAGE_SIZE) });
	for (; at < STACK_TOP; at += PAGE_SIZE)
		add(ctx, (struct vm_page){ .section = VM_SECTION_STACK,
		    .virt_addr = (void *)at });
	return ctx;
}

static void
show(struct vm_context *ctx, struct vm_page *page, uint32_t i)
{
	static const char *const section[] = { "stack", "code", "data", "heap",
		"mmap", "kernel", "unmapped" };

	(void)ctx;
	demo_say("   %u: %-8s at 0x%08lx%s%s\n", (unsigned)i,
	    section[page->section], (unsigned long)(uintptr_t)page->virt_addr,
	    page->cow ? ", copy-on-write" : "",
	    page->allocated ? ", allocated" : "");
}

static void
show_all(const char *what, struct vm_context *ctx)
{
	demo_say("%s\n", what);
	demo_say("   %d pages\n", vm_iterate(ctx, show));
}

static void
copy_on_write(struct vm_context *one, struct vm_context *two, char *data)
{
	demo_switch(one);
	demo_say("one reads '%c'\n", demo_peek(DATA));
	demo_say("one writes 'w': %s\n", demo_poke(DATA, 'w') ? "yes" : "no");
	demo_say("one reads '%c'\n", demo_peek(DATA));
	demo_switch(two);
	demo_say("two reads '%c', the source is '%c'\n", demo_peek(DATA),
	    *data);
	demo_say("one's page is %sthe source\n",
	    vm_get_page_virt(one, (void *)DATA)->phys_addr == data ? "" :
	    "not ");
}

static void
grow_stack(struct vm_context *ctx)
{
	uintptr_t at;

	demo_switch(ctx);
	for (at = STACK_TOP - 16; demo_poke(at, 's'); at -= PAGE_SIZE)
		demo_say("the stack is used at 0x%08lx\n", (unsigned long)at);
	demo_say("at 0x%08lx is the guard\n", (unsigned long)at);
}

static void
end_program(struct vm_context *ctx)
{
	static const uintptr_t ends[][2] = { { DATA, DATA + PAGE_SIZE },
		{ STACK_TOP - (STACK_PAGES + 1) * PAGE_SIZE, STACK_TOP } };
	unsigned freed = 0;

	for (unsigned i = 0; i < 2; i++)
		for (uintptr_t at = ends[i][0]; at < ends[i][1];
		    at += PAGE_SIZE) {
			struct vm_page *page = vm_rm_page_virt(ctx,
			    (void *)at);

			if (page->allocated) {
				kfree(page->phys_addr);
				freed++;
			}
			kfree(page);
		}
	demo_say("a program ends: %u pages of memory freed\n", freed);
}

int
main(void)
{
	char *data = kmalloc(PAGE_SIZE);
	struct vm_context *one, *two;

	memset(data, 'd', PAGE_SIZE);
	one = start_program(data);
	two = start_program(data);
	show_all("one, as started:", one);
	copy_on_write(one, two, data);
	grow_stack(one);
	show_all("one:", one);
	show_all("two:", two);
	demo_switch(NULL);
	end_program(one);
	end_program(two);
	kfree(data);
	return 0;
}
