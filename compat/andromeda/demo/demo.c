/*
 * demo.c - Andromeda: a task's life, and two tasks that share a frame.
 *
 * The task is created with a text, a heap and a stack segment, loaded, its heap is
 * allocated from and grown, it is unloaded and freed. Then two tasks map one
 * frame; one unmaps it, the other still reads it.
 */
#include <mm/vm.h>

#include <demo.h>

#define FACTOR ((uintptr_t)PAGE_ALLOC_FACTOR)
#define TEXT ((uintptr_t)0x08000000)
#define HEAP ((uintptr_t)0x10000000)
#define STACK ((uintptr_t)0x7f000000)

struct task {
	struct vm_descriptor *vm;
	struct vm_segment *text, *heap, *stack;
};

static struct task
task_new(unsigned pid)
{
	struct task t = { .vm = vm_new(pid) };

	t.text = vm_new_segment((void *)TEXT, 2 * FACTOR, t.vm);
	t.heap = vm_new_segment((void *)HEAP, 4 * FACTOR, t.vm);
	t.stack = vm_new_segment((void *)STACK, FACTOR, t.vm);
	demo_say("task %u: %s\n", pid, t.text && t.heap && t.stack ?
	    "text, heap and stack" : "no memory");
	return t;
}

static void
try_at(const char *what, uintptr_t at)
{
	int byte = demo_peek(at);

	if (byte < 0)
		demo_say("   %s at 0x%08lx: a fault\n", what,
		    (unsigned long)at);
	else
		demo_say("   %s at 0x%08lx: '%c'\n", what, (unsigned long)at,
		    byte != 0 ? byte : '0');
}

static void
use_heap(struct task *t)
{
	char *a = vm_segment_alloc(t->heap, 3 * FACTOR);
	char *b = vm_segment_alloc(t->heap, 2 * FACTOR);

	demo_say("   three units of the heap at 0x%08lx\n",
	    (unsigned long)(uintptr_t)a);
	demo_say("   two more: %s\n", b == NULL ? "no room" : "given");
	demo_say("   the heap grows by two: %d\n",
	    vm_segment_grow(t->heap, 2 * FACTOR));
	b = vm_segment_alloc(t->heap, 2 * FACTOR);
	demo_say("   two more at 0x%08lx\n", (unsigned long)(uintptr_t)b);
	demo_poke((uintptr_t)b, 'b');
	try_at("heap", (uintptr_t)b);
	demo_say("   freed: %d\n", vm_segment_free(t->heap, a));
	demo_say("   again: %s\n", vm_segment_free(t->heap, a) == 0 ? "yes" :
	    "refused");
}

static void
life(void)
{
	struct task t = task_new(1);

	try_at("text, not loaded,", TEXT);
	demo_say("   loaded: %d\n", vm_load_task(0, t.vm));
	demo_poke(TEXT, 't');
	demo_poke(STACK, 's');
	try_at("text", TEXT);
	try_at("stack", STACK);
	use_heap(&t);
	demo_say("   unloaded: %d\n", vm_unload_task(0, t.vm));
	try_at("text", TEXT);
	demo_say("   loaded: %d\n", vm_load_task(0, t.vm));
	try_at("text", TEXT);
	demo_say("   unloaded: %d\n", vm_unload_task(0, t.vm));
	demo_say("   freed: %d\n", vm_free(t.vm));
}

/* Both have the first unit of their heap on the frame behind `phys`. */
static void
share(struct task *one, struct task *two, void *phys)
{
	void *a = vm_segment_alloc(one->heap, FACTOR);
	void *b = vm_segment_alloc(two->heap, FACTOR);

	demo_say("one maps: %s\n", vm_map(a, phys, one->heap) == a ? "yes" :
	    "no");
	demo_say("two maps: %s\n", vm_map(b, phys, two->heap) == b ? "yes" :
	    "no");
	vm_load_task(0, one->vm);
	demo_poke((uintptr_t)a, 'x');
	try_at("one", (uintptr_t)a);
	demo_say("one unmaps: %d\n", vm_unmap(a, one->heap));
	try_at("one", (uintptr_t)a);
	vm_unload_task(0, one->vm);
	vm_load_task(0, two->vm);
	try_at("two", (uintptr_t)b);
	demo_say("two unmaps: %d\n", vm_unmap(b, two->heap));
	vm_unload_task(0, two->vm);
}

static void
sharing(void)
{
	struct task one = task_new(1), two = task_new(2);
	char *page = vm_get_kernel_heap_pages(FACTOR);

	share(&one, &two, (void *)demo_frames());
	demo_say("the kernel's heap gives a page: %s\n", page != NULL ?
	    "yes" : "no");
	demo_say("and takes it: %d\n", vm_free_kernel_heap_pages(page));
	demo_say("task 1 freed: %d\n", vm_free(one.vm));
	demo_say("task 2 freed: %d\n", vm_free(two.vm));
}

int
main(void)
{
	life();
	sharing();
	return 0;
}
