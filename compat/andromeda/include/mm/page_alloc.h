/*
 * mm/page_alloc.h - Andromeda's frames: counted units of PAGE_ALLOC_FACTOR bytes,
 * by physical address.
 */
#ifndef ANDROMEDA_MM_PAGE_ALLOC_H
#define ANDROMEDA_MM_PAGE_ALLOC_H

#include "../../../link.h"

typedef unsigned long addr_t;

/* A free unit, counted once; 0: none. */
addr_t page_alloc(void) COMPAT_LINK(andromeda, page_alloc);
/* Count the unit at this address once more, if it is counted; else take it, if it
 * is free or no RAM. -NOMEM, -OUT_OF_RESOURCES: it is neither. */
int page_claim(addr_t) COMPAT_LINK(andromeda, page_claim);
/* Once more; 0: it is not counted. */
addr_t page_realloc(addr_t) COMPAT_LINK(andromeda, page_realloc);
/* Once less; free when nobody counts it. -INVALID_ARG: it is not counted. */
int page_free(addr_t) COMPAT_LINK(andromeda, page_free);
/* Keep a unit from being handed out, and undo that. */
int page_mark(addr_t) COMPAT_LINK(andromeda, page_mark);
int page_unmark(addr_t) COMPAT_LINK(andromeda, page_unmark);

#endif
