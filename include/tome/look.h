/*
 * tome/look.h - what objects and frames hold, page by page: for debuggers, for files
 * like /proc/kpageflags, for whoever shows memory in terms of his own. Nothing is
 * changed by looking; who does not look does not link it.
 *
 * What is told was so at some moment of the call. Calls may wait for a spinning lock, but
 * do not sleep; no lock may be held.
 */
#ifndef TOME_LOOK_H
#define TOME_LOOK_H

#include <tome/object.h>

struct tome_object_look {
	tome_pgoff_t page;		/* of the object */
	tome_pfn_t pfn;			/* where it is; NONE: swapped out */
	uint32_t slot;			/* its swap slot, 0: none, or that is on disk */
	/*
	 * A number for the anon that holds it: two pages have the same exactly when
	 * they are one, until it is written. Odd: it is known by its slot, or by where
	 * that is on disk, as long as it is swapped out there. 0: a file's page.
	 */
	uint64_t anon;
	bool dirty;			/* a file's page: to be written */
	/* How many objects have it as their content here. */
	unsigned names;
};

/*
 * The first page from `from` on that is an object's own content, not its parent's.
 * False: there is none; never any of a device.
 */
bool tome_object_look(struct tome_object *, tome_pgoff_t from,
    struct tome_object_look *out);

/*
 * An object that has the anon of this number as its content, and where; valid while
 * the caller knows it is. Looks at every page of every object. False: none has.
 */
bool tome_anon_home(struct tome_vm *, uint64_t anon,
    struct tome_object **object, tome_pgoff_t *page);

struct tome_page_look {
	enum tome_identity identity;
	bool pageable;			/* ANON or CACHE: what maps show, */
	bool accessed;			/* was used since it was last asked to forget, */
	bool dirty;			/* differs from its slot or file */
	bool busy;			/* a transfer uses it */
	unsigned wired;			/* pins, and wired translations */
	uint64_t anon;			/* ANON: as above; 0: its owner has gone */
	/* CACHE: valid while the caller knows it is. NULL: it left its file. */
	struct tome_object *object;
	tome_pgoff_t page;		/* of the object */
};
/* False: the frame is not Tome's: no RAM, or RAM that the embedder keeps. */
bool tome_page_look(struct tome_vm *, tome_pfn_t, struct tome_page_look *out);

#endif
