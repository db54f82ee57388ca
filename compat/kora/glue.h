/*
 * glue.h - what the embedder of Kora's facade gives and calls.
 */
#ifndef COMPAT_KORA_GLUE_H
#define COMPAT_KORA_GLUE_H

#include <tome/lock.h>
#include <tome/map.h>

struct inode;

struct compat_kora_hooks {
	/* The content of a file; the facade takes references of its own. NULL: it
	 * cannot be mapped. */
	struct tome_object *(*content)(struct inode *);
	/* errno of the calling thread; 0 too. */
	void (*set_errno)(int);
	/* One line, without newline. */
	void (*log)(const char *line);
	/* page_initialize() has made an instance, of which this CPU is the first; NULL:
	 * nobody needs to know. */
	void (*created)(struct tome_vm *);
	/* It could not; must not return. May be NULL where there is an instance. */
	void (*panic)(const char *why);
	/* The kernel's addresses that are the facade's: outside the span of the
	 * instance, page aligned. */
	tome_va_t kernel_lo, kernel_hi;
};

/* On an instance with layers 0-5. ENOMEM: nothing was started. */
enum tome_err compat_kora_start(struct tome_vm *,
    const struct compat_kora_hooks *) TOME_NODISCARD;
/* Or without one: RAM is what page_range() tells, and page_initialize() makes the
 * instance. `boot` without its ranges; it and the hooks must last until then. */
void compat_kora_boot(const struct tome_boot *boot,
    const struct compat_kora_hooks *);
/* Every space is left by its CPUs; all that remain are freed. The instance stays. */
void compat_kora_stop(void);

#endif
