/*
 * tome/heap.h - layer 3: kernel memory of an owner, who may be wrong about it: what he
 * gives back is taken only if he was given exactly that, and what he leaves behind goes
 * with the heap. Who needs no heap does not link it; tome_kmap_heap() is what it is
 * made of.
 *
 * Threads only, interrupts on: calls may sleep; no lock of Tome's may be held.
 */
#ifndef TOME_HEAP_H
#define TOME_HEAP_H

#include <tome/kmem.h>

struct tome_heap;

/* An empty one. ENOMEM. */
enum tome_err tome_heap_create(struct tome_vm *,
    struct tome_heap **out) TOME_NODISCARD;
/* All that was not given back goes. NULL: nothing. */
void tome_heap_destroy(struct tome_heap *);

/* Zeroed pages at contiguous addresses. EINVAL: none asked for. ENOMEM. */
enum tome_err tome_heap_alloc(struct tome_heap *, size_t npages,
    void **out) TOME_NODISCARD;
/* ENOENT: not so many pages were given out there; nothing changed. */
enum tome_err tome_heap_free(struct tome_heap *, const void *,
    size_t npages) TOME_NODISCARD;

#endif
