/*
 * dir.h - nodes of an amap's directory; private to dir.c and amap.c.
 *
 * A node of height h covers the chunk keys whose upper part (key >> h * 6) is its
 * own; its children are nodes of height h - 1, or chunks where h is 1.
 */
#ifndef TOME_OBJECT_DIR_H
#define TOME_OBJECT_DIR_H

#include <object/object_i.h>

#define TOME_DIR_SHIFT 6
#define TOME_DIR_FANOUT (1u << TOME_DIR_SHIFT)

struct tome_dirnode {
	uint64_t upper;			/* key >> height * TOME_DIR_SHIFT */
	uint32_t height;		/* 1 .. */
	_Atomic uintptr_t child[TOME_DIR_FANOUT];
};

static inline uint64_t
tome_slot_key(uint64_t slot)
{
	return slot >> TOME_CHUNK_SHIFT;
}

static inline uint64_t
tome_chunk_key(const struct tome_chunk *ch)
{
	return ch->key & ~TOME_CHUNK_PACKED;
}

static inline struct tome_dirnode *
tome_root_node(uintptr_t root)
{
	return (root & 1) ? (struct tome_dirnode *)(root - 1) : NULL;
}

/* NULL: the root is a node, or empty. */
static inline struct tome_chunk *
tome_root_chunk(uintptr_t root)
{
	return (root & 1) ? NULL : (struct tome_chunk *)root;
}

static inline unsigned
tome_dir_index(uint64_t key, uint32_t height)
{
	return (unsigned)(key >> (height - 1) * TOME_DIR_SHIFT) &
	    (TOME_DIR_FANOUT - 1);
}

/*
 * Publish `ch` (its key set, the reference given over) where nothing hangs yet.
 * *out says what hangs there now: ch, or what somebody else put first (then ch is
 * still the caller's). ENOMEM: no node.
 */
enum tome_err tome_dir_publish(struct tome_amap *, struct tome_chunk *ch,
    struct tome_dirent *out) TOME_NODISCARD;
/* The chunk named by d is locked: make the directory name `by` (NULL: nothing)
 * instead. */
void tome_dir_replace(struct tome_amap *, struct tome_dirent *d,
    struct tome_chunk *by);
/* Free every node of a dead amap, handing each chunk to fn. */
void tome_dir_destroy(struct tome_amap *,
    void (*fn)(struct tome_amap *, struct tome_chunk *));

/* chunk.c: an empty chunk for `key`, count 1. NULL: no memory. */
struct tome_chunk *tome_chunk_create(struct tome_amap *, uint64_t key);
/* Never published. */
void tome_chunk_discard(struct tome_amap *, struct tome_chunk *);
/* No directory names it any more. */
void tome_chunk_retire(struct tome_amap *, struct tome_chunk *);
/* packed.c, for layer 6's table: see struct tome_anon_pager. */
enum tome_err tome_packed_open(struct tome_amap *, uint64_t slot,
    struct tome_fill *, struct tome_dirent *out) TOME_NODISCARD;
void tome_packed_empty(struct tome_amap *, struct tome_chunk *, unsigned lo,
    unsigned hi);
bool tome_packed_share(struct tome_amap *from, struct tome_amap *to,
    struct tome_dirent *, uint64_t slot, uint64_t first, uint64_t last,
    enum tome_err *);
enum tome_err tome_packed_clone(struct tome_amap *, struct tome_dirent *,
    unsigned lo, unsigned hi, struct tome_chunk **old) TOME_NODISCARD;
uint32_t tome_packed_pages(const struct tome_dirent *, uint64_t *id);
void tome_packed_ended(struct tome_vm *, struct tome_chunk *);
const char *tome_packed_recount(struct tome_vm *, struct tome_chunk *,
    enum tome_recount, struct tome_chunk **next);
/* Drop one amap's count of a chunk nobody has locked for this amap. */
void tome_chunk_unref(struct tome_amap *, struct tome_chunk *);

#endif
