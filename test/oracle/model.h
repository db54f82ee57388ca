/*
 * model.h - the naive VM: an array of pages for each space, each page its bytes
 * and its rights. Fork copies; nothing is lazy, shared by counting, or fast.
 *
 * A page's bytes live in a cell. A private page without a cell reads as the
 * object's page beneath it, or zero. A shared page always goes to the object's.
 */
#ifndef ORACLE_MODEL_H
#define ORACLE_MODEL_H

#include <tome/map.h>

#define M_PAGES 96		/* of a space */
#define M_SPACES 4
#define M_OBJECTS 3
#define M_OBJECT_PAGES 24
#define M_BYTES ((size_t)TOME_PAGE_SIZE)

struct cell {
	unsigned char bytes[M_BYTES];
};

struct m_object {
	uint64_t len;			/* bytes */
	uint64_t id;			/* the instance's, 0: not seen yet */
	bool device;			/* its frames are its content */
	unsigned char *store;		/* a file's, the pager's; NULL: no file */
	bool common;			/* made by INHERIT_SHARE, for one page */
	struct m_object *parent;	/* what holes show, from parent_page on */
	unsigned parent_page;
	struct cell *page[M_OBJECT_PAGES];
	unsigned refs;			/* pages mapping it, and the driver */
};

struct m_page {
	bool mapped, shared, guard, wired, onfault, keep, grows;
	unsigned char name;		/* 0: none */
	tome_prot_t prot, max_prot;
	enum tome_inherit inherit;
	uint64_t tag;
	struct m_object *object;
	unsigned index;			/* in the object */
	struct cell *cell;
};

struct m_space {
	bool live;
	unsigned as, data;		/* limits in pages, 0: none */
	struct m_page page[M_PAGES];
};

struct model {
	struct m_space space[M_SPACES];
	struct m_object *object[M_OBJECTS];
};

void model_init(struct model *);
void model_fini(struct model *);

/* ---- what a page says ---- */

/* TOME_OK, or what a fault for this access answers. */
enum tome_err model_access(const struct m_space *, unsigned page,
    tome_prot_t access);
/* What a read sees; zeroes where nothing was written. */
const unsigned char *model_bytes(const struct m_page *);
/* Where a write goes, copying first if it must. */
unsigned char *model_own(struct m_page *);
/* Does a page of the range show a device, not a copy? */
bool model_shows_device(const struct m_space *, unsigned first, unsigned n);
bool model_all_mapped(const struct m_space *, unsigned first, unsigned n);
bool model_none_mapped(const struct m_space *, unsigned first, unsigned n);
/* Where an unfixed mapping of n pages goes; M_PAGES: nowhere. */
unsigned model_place(const struct m_space *, unsigned n, bool bottom_up);

/* Would so many pages more be beyond a limit? data: they would count as such. */
bool model_exceeds(const struct m_space *, unsigned more, bool data);
/* Private memory that was or is to be writable, and no stack. */
bool model_is_data(const struct m_page *, tome_prot_t);
unsigned model_data(const struct m_space *);
/* Does a stack begin next, above the first n pages from page on? */
bool model_below_stack(const struct m_space *, unsigned page, unsigned n);

/* ---- what operations do ---- */

/* A touch: a stack above grows down to it, if it may. */
void model_touch(struct m_space *, unsigned page);

/* Makes page empty. */
void model_unmap(struct m_page *);
/* A new mapping of [first, first+n) like `proto`, whose index counts up. */
void model_map(struct m_space *, unsigned first, unsigned n,
    const struct m_page *proto);
void model_fork(struct m_space *parent, struct m_space *child);
/* Drop what is private (DONTNEED). */
void model_discard(struct m_page *);
void model_move(struct m_space *, unsigned from, unsigned to, unsigned n,
    bool keep_old);
/* Made present for good: a private writable page becomes the space's own. */
void model_fill(struct m_page *);
/* As far as it may be read. */
void model_fill_range(struct m_space *, unsigned first, unsigned n);
struct m_object *model_object(uint64_t len);
/* Holes of o show the parent's pages; takes a reference. */
void model_adopt(struct m_object *o, struct m_object *parent, unsigned page);
void model_object_unref(struct m_object *);
void model_resize(struct model *, struct m_object *, uint64_t len);
void model_punch(struct m_object *, unsigned first, unsigned n);

#endif
