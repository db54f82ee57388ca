/*
 * quiesce.c - what an instance does when nothing presses: frees that waited for
 * their epoch, and caches given back.
 */
#include <phys/phys.h>
#include <pmap/pmap_i.h>

void
tome_vm_quiesce(struct tome_vm *vm, bool drain)
{
	const struct tome_layer *layer;

	tome_epoch_drain(vm);
	for (layer = vm->layers; layer != NULL; layer = layer->next)
		if (layer->quiesce != NULL)
			layer->quiesce(vm, drain);
	tome_epoch_drain(vm);
	if (drain)
		tome_frames_drain(vm, false);
}
