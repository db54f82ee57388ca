/*
 * io_run.c - finish what has been completed, in a thread.
 *
 * Locks: none. The list of what is done is taken whole.
 */
#include <base/io.h>

/* Oldest first. */
void
tome_io_run(struct tome_vm *vm)
{
	struct tome_io *io, *next, *list = NULL;

	if (tome_rd(&vm->io.done) == 0)
		return;
	io = (struct tome_io *)tome_swap_sc(&vm->io.done, (uintptr_t)0);
	for (; io != NULL; io = next) {
		next = io->next;
		io->next = list;
		list = io;
	}
	for (; list != NULL; list = next) {
		next = list->next;
		list->finish(list);
	}
}
