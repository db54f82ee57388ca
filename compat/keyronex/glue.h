/*
 * glue.h - what the embedder of Keyronex's facade calls, and what it is asked for.
 *
 * The library comes whole: TOME_SRC_TIER2, TIER5, FILES, PAGING and LOOK.
 */
#ifndef COMPAT_KEYRONEX_GLUE_H
#define COMPAT_KEYRONEX_GLUE_H

#include <vm/vm.h>
#include <tome/paging.h>

/* A place for pages that leave (<tome/swap.h>). */
struct compat_keyronex_swap {
	struct tome_swap_device device;
	void *ctx;
	uint64_t pages;
};

struct compat_keyronex_hooks {
	/* kmap's addresses: a span of the kernel half beside the instance's own, but
	 * under the same entries of the root table, which all processes have. 0, 0:
	 * nothing can be mapped in kmap. */
	tome_va_t kmap_start, kmap_end;
	/* One line, without newline. */
	void (*log)(const char *line);
	/* Somebody waits for a page and none can be freed. False: he waits no more, and
	 * gets none; true: he tries again. */
	bool (*starved)(void);
	/* vm_swapon() of this name. 0, or a negative errno number. */
	int (*swap_open)(const char *name, struct compat_keyronex_swap *out);
};

/* The instance has layers 0-5; this starts layer 6. Objects' tags are the facade's, of all
 * of the instance. ENOMEM: no facade was started. */
enum tome_err compat_keyronex_start(struct tome_vm *,
    const struct compat_keyronex_hooks *) TOME_NODISCARD;
/* Pages and memory that are left are given back; maps, objects, page lists and amaps
 * must have been. Swap areas are there until the instance ends. No CPU runs a map. */
void compat_keyronex_stop(void);

#endif
