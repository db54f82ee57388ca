/*
 * window.c - reaching a frame's contents, in the direct map or through one of
 * the host's windows.
 *
 * Locks: none. Preemption is off while a window is open.
 */
#include <phys/phys_i.h>

void *
tome_frame_va(struct tome_vm *vm, tome_pfn_t pfn)
{
	if (!tome_frame_is_direct(vm, pfn))
		return NULL;
	return tome_host_frame_va(vm->direct_bias, tome_pfn_pa(pfn));
}

/* Outside the direct map only a host with windows has RAM (tome_vm_create). */
void *
tome_frame_window(struct tome_vm *vm, tome_pfn_t pfn)
{
	tome_host_preempt_off();
	if (tome_frame_is_direct(vm, pfn))
		return tome_frame_va(vm, pfn);
	return vm->host->window_enter(vm->ctx, tome_pfn_pa(pfn));
}

void
tome_frame_window_end(struct tome_vm *vm, tome_pfn_t pfn, void *va)
{
	if (!tome_frame_is_direct(vm, pfn))
		vm->host->window_leave(vm->ctx, va);
	tome_host_preempt_on();
}

static void
frame_fill(struct tome_vm *vm, tome_pfn_t pfn, int byte)
{
	void *va = tome_frame_window(vm, pfn);

	__builtin_memset(va, byte, TOME_PAGE_SIZE);
	tome_frame_window_end(vm, pfn, va);
}

void
tome_frame_zero(struct tome_vm *vm, tome_pfn_t pfn)
{
	if (tome_likely(tome_frame_is_direct(vm, pfn)))
		__builtin_memset(tome_host_frame_va(vm->direct_bias,
		    tome_pfn_pa(pfn)), 0, TOME_PAGE_SIZE);
	else
		frame_fill(vm, pfn, 0);
}

#ifdef TOME_DEBUG
/* A byte that is no address, no small number and no text. */
void
tome_frame_poison(struct tome_vm *vm, tome_pfn_t pfn)
{
	frame_fill(vm, pfn, 0xdb);
}
#endif

void
tome_frame_copy(struct tome_vm *vm, tome_pfn_t to, tome_pfn_t from)
{
	void *dst = tome_frame_window(vm, to);
	void *src = tome_frame_window(vm, from);

	__builtin_memcpy(dst, src, TOME_PAGE_SIZE);
	tome_frame_window_end(vm, from, src);
	tome_frame_window_end(vm, to, dst);
}
