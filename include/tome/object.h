/*
 * tome/object.h - layer 4: what can be mapped.
 *
 * An object is content addressed by page index: anonymous (memory with no
 * other home: shared memory, files that live in memory, zero to many pages
 * present), device (a range of frames), or vnode (a file's content, fetched from
 * and written to its file system: <tome/pager.h>). Objects are counted; content
 * lives as long as the object, mapped or not. Rights belong to mappings, never to
 * objects (Keyronex, UVM).
 *
 * Calls may sleep unless said otherwise; no lock may be held.
 */
#ifndef TOME_OBJECT_H
#define TOME_OBJECT_H

#include <tome/kmem.h>

struct tome_object;

enum tome_object_kind { TOME_OBJECT_ANON, TOME_OBJECT_DEVICE,
	TOME_OBJECT_VNODE };

/*
 * Anonymous memory of len bytes (its last page may be partial; 0 is legal), all
 * reading as zero, or as `parent` from page `parent_page` on where nothing was
 * written yet (one-directional copy-on-write; NULL: none; takes a reference). The
 * parent is a file, or anonymous without a parent of its own; what it has no page for
 * reads as zero. One reference is the caller's. EINVAL: another parent. ENOMEM.
 */
enum tome_err tome_object_create_anon(struct tome_vm *, uint64_t len,
    struct tome_object *parent, tome_pgoff_t parent_page,
    struct tome_object **out) TOME_NODISCARD;

/*
 * An anonymous object of the same length, parent and content as this one has now:
 * neither sees what is written to the other from then on. No page is copied before one
 * side writes to it. Somebody who writes to a mapping of it meanwhile decides, page by
 * page, whether the copy has it. EINVAL: not anonymous. ENOMEM: nothing changed.
 */
enum tome_err tome_object_copy(struct tome_object *,
    struct tome_object **out) TOME_NODISCARD;

/*
 * Frames [first, first+n), RAM or not. `claim`: RAM frames are claimed from the
 * free pool (EBUSY if one is taken) and given back at the end; else they are the
 * caller's and stay so. ENOMEM, EINVAL.
 */
enum tome_err tome_object_create_device(struct tome_vm *, tome_pfn_t first,
    tome_pgoff_t n, enum tome_memtype, bool claim,
    struct tome_object **out) TOME_NODISCARD;

void tome_object_ref(struct tome_object *);	/* any context */
void tome_object_unref(struct tome_object *);
enum tome_object_kind tome_object_kind(const struct tome_object *);
uint64_t tome_object_size(const struct tome_object *);
/* Unique in the instance, never reused: an inode number for /proc. */
uint64_t tome_object_id(const struct tome_object *);
/* What the embedder hangs on it (an inode); not interpreted. */
void tome_object_set_tag(struct tome_object *, void *);
void *tome_object_tag(const struct tome_object *);
/* From now on a mapping cannot take its content away: TOME_ADV_REMOVE is EPERM. Who has
 * the object still may. Any context. */
void tome_object_seal(struct tome_object *);

/*
 * Change an anonymous object's length. Shrinking revokes every mapping beyond
 * the new end (their touch is ENXIO from then on), drops the pages and zeroes the
 * rest of a partial last page; private copies beyond the end go too, as on Linux.
 * EINVAL: a device. ENOMEM, EIO: what is cut in two could not be; nothing changed.
 */
enum tome_err tome_object_resize(struct tome_object *,
    uint64_t len) TOME_NODISCARD;
/* Drop whole pages [first, first+n): they read as zero (or parent) again; a file's as
 * its store has them then. EIO: one of a file's is in a transfer that does not end. Of
 * memory's own, ENOMEM, EIO: as above. What the pager's punch says. */
enum tome_err tome_object_punch(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t n) TOME_NODISCARD;
/* Pages present now. */
uint64_t tome_object_resident(struct tome_object *);

/*
 * Borrow a page, pinned: present (made if `create`), not reclaimed until put.
 * For read() and write() of files in memory, page lists, page-cache clients.
 * ENXIO: beyond the end. ENOENT: a hole, and not create. ENOMEM. The caller
 * says in put whether it wrote.
 */
enum tome_err tome_object_get(struct tome_object *, tome_pgoff_t, bool create,
    tome_pfn_t *out) TOME_NODISCARD;
void tome_object_put(struct tome_object *, tome_pfn_t, bool written);

/* Copy between an object and kernel memory; stops at the object's end. *done is
 * what was copied, also on error. Holes read as zero and are not filled. */
enum tome_err tome_object_read(struct tome_object *, uint64_t off, void *buf,
    size_t n, size_t *done) TOME_NODISCARD;
enum tome_err tome_object_write(struct tome_object *, uint64_t off,
    const void *buf, size_t n, size_t *done) TOME_NODISCARD;

#endif
