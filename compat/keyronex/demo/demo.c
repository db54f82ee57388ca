/*
 * demo.c - the two examples of Keyronex's document: anonymous memory of PID 1 and its
 * child PID 2, and a MAP_PRIVATE mapping of a vnode.
 */
#include <vm/vm.h>

#include <demo.h>

#include "file.h"

static vm_map_t *pid[3];

static vm_object_t *
object_of(vm_map_t *map, vaddr_t at)
{
	return vm_map_lookup(map, at)->obj;
}

static int
number_of(vm_map_t *map)
{
	return map == pid[1] ? 1 : map == pid[2] ? 2 : 0;
}

/* Who maps the page: the lowest number first. */
static void
say_mappings(vm_page_t *page)
{
	for (int n = 1; n <= 2; n++)
		for (pv_entry_t *pv = page->pv_map; pv != NULL; pv = pv->next)
			if (number_of(pv->map) == n)
				demo_say(", mapped by PID %d", n);
}

static void
say_anon(const char *whose, vm_object_t *object, unsigned page)
{
	vm_anon_t *anon = amap_anon_at(object->anon.amap, page);

	if (anon == NULL) {
		demo_say("  %s, page %u: no vm_anon_t\n", whose, page + 1);
		return;
	}
	demo_say("  %s, page %u: refcnt %d, %s", whose, page + 1, anon->refcnt,
	    anon->resident ? "resident" : "swapped out");
	if (anon->resident) {
		demo_say(", page %s it", anon->physpage->is_anon &&
		    anon->physpage->anon == anon ? "points to" : "lost");
		say_mappings(anon->physpage);
	}
	demo_say("\n");
}

static void
say_both(vm_object_t *one, vm_object_t *two)
{
	for (unsigned page = 0; page < 2; page++) {
		say_anon("PID 1", one, page);
		say_anon("PID 2", two, page);
		demo_say("  %s vm_anon_t\n",
		    amap_anon_at(one->anon.amap, page) ==
		    amap_anon_at(two->anon.amap, page) ? "the same" :
		    "each its own");
	}
}

static void
say_read(int n, vaddr_t at)
{
	demo_switch(pid[n]);
	demo_say("  PID %d reads '%c' '%c'\n", n, demo_peek(at),
	    demo_peek(at + PGSIZE));
}

static bool
write_page(int n, vaddr_t at, unsigned page, char c)
{
	demo_switch(pid[n]);
	demo_say("PID %d writes '%c' to page %u\n", n, c, page + 1);
	return demo_poke(at + page * PGSIZE, c);
}

static bool
anonymous(void)
{
	vaddr_t at = VADDR_MAX;
	vm_object_t *one, *two;
	bool good;

	pid[1] = vm_map_new();
	if (pid[1] == NULL || vm_allocate(pid[1], &one, &at, 4 * PGSIZE) != 0)
		return false;
	demo_say("PID 1 allocates a region of four pages\n");
	say_anon("PID 1", one, 0);
	good = write_page(1, at, 0, 'a');
	say_anon("PID 1", one, 0);
	good &= write_page(1, at, 1, 'b');
	say_anon("PID 1", one, 1);
	pid[2] = vm_map_fork(pid[1]);
	if (pid[2] == NULL)
		return false;
	two = object_of(pid[2], at);
	demo_say("PID 1 forks into PID 2, which has %s object and %s amap\n",
	    two != one ? "a new" : "the same",
	    two->anon.amap != one->anon.amap ? "a new" : "the same");
	say_both(one, two);
	good &= write_page(2, at, 1, 'c');
	say_both(one, two);
	say_read(1, at);
	say_read(2, at);
	good &= write_page(1, at, 0, 'd');
	say_both(one, two);
	say_read(1, at);
	say_read(2, at);
	demo_switch(NULL);
	vm_map_release(pid[2]);
	vm_map_release(pid[1]);
	return good;
}

/* ---- a MAP_PRIVATE mapping ---- */

static void
say_private(vaddr_t shared, vaddr_t private)
{
	demo_say("  the file reads '%c' '%c', the private mapping '%c' '%c'\n",
	    demo_peek(shared), demo_peek(shared + PGSIZE), demo_peek(private),
	    demo_peek(private + PGSIZE));
}

static bool
anonymous_on_vnode(void)
{
	vaddr_t shared = VADDR_MAX, private = VADDR_MAX;
	vm_object_t *vnode = demo_open_file(), *over;
	vm_map_t *map = pid[1] = vm_map_new();
	bool good;

	if (map == NULL || vnode == NULL ||
	    vm_map_object(map, vnode, &shared, 4 * PGSIZE, 0, false) != 0)
		return false;
	over = vm_object_copy(vnode);
	if (over == NULL ||
	    vm_map_object(map, over, &private, 4 * PGSIZE, 0, false) != 0)
		return false;
	demo_say("A vnode is mapped, and MAP_PRIVATE above it an anonymous "
	    "object whose parent is %s\n",
	    over->anon.parent == vnode ? "the vnode's" : "lost");
	demo_switch(map);
	say_private(shared, private);
	say_anon("private", over, 0);
	demo_say("The private mapping is written: 'p' to page 1\n");
	good = demo_poke(private, 'p');
	say_anon("private", over, 0);
	say_private(shared, private);
	demo_say("The file is written: 'F' to pages 1 and 2\n");
	good &= demo_poke(shared, 'F') && demo_poke(shared + PGSIZE, 'F');
	say_private(shared, private);
	say_anon("private", over, 1);
	demo_switch(NULL);
	vm_map_release(map);
	demo_close_file(over);
	demo_close_file(vnode);
	return good;
}

int
main(void)
{
	return anonymous() && anonymous_on_vnode() ? 0 : 1;
}
