/*
 * glue.h - what the embedder of Xelix's facade calls.
 *
 * Xelix addresses RAM through an identity map: its "physical" addresses are also
 * pointers. Here they are pointers into the instance's direct map, which is the
 * identity where the kernel maps it so.
 */
#ifndef COMPAT_XELIX_GLUE_H
#define COMPAT_XELIX_GLUE_H

#include <tome/map.h>

struct vm_context;

struct compat_xelix_hooks {
	/* One line, without newline. */
	void (*log)(const char *line);
	/* A fault that nothing resolves: Xelix panics here. If it returns, so
	 * does vm_handle_fault(). */
	void (*unresolved)(uint32_t code, void *addr, void *ip);
};

/* The instance has layers 0-5. ENOMEM: nothing was started. */
enum tome_err compat_xelix_start(struct tome_vm *,
    const struct compat_xelix_hooks *) TOME_NODISCARD;
/* Every context that is left is freed; pages and what they name are their
 * owners'. No CPU runs one. */
void compat_xelix_stop(void);

/* Run it on this CPU, and make it vm_currentContext. NULL: none, and
 * vm_kernelContext. Preemption and interrupts off. */
void compat_xelix_switch(struct vm_context *);
/* The end of a context; its pages stay their owner's. No CPU runs it. */
void compat_xelix_free(struct vm_context *);

#endif
