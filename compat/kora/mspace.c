/*
 * mspace.c - Kora's address spaces and areas.
 *
 * A space is a map; an area is one entry of it, which is never merged, and a record
 * that the old interface shows. What is unmapped is marked dead: nobody can use it,
 * and scavenging takes it out.
 *
 * Invariant: areas and entries are the same intervals; an entry's rights are those
 *   its area's flags give (prot_of), none if it is dead; v_size, p_size and s_size
 *   are sums over the areas.
 * Locks: the space's own.
 */
#include <string.h>

#include "../print.h"
#include "kora.h"

_Static_assert(TOME_PAGE_SHIFT == 12, "Kora needs 4 KiB pages");

#define CAN_SHIFT 4
#define BLANK ((off_t)-1)

struct kora kora_vm;

static vma_t *split_at(mspace_t *, vma_t *, size_t va);

/* Every node is an area's (vma_t.node). */
#define NODE bbnode_t
#define LEFT(n) ((n)->left_)
#define RIGHT(n) ((n)->right_)
#define START(n) ((n)->value_)
#define END(n) ((n)->value_ + ((vma_t *)(n))->length)
#define SPLAY(verb) tree_##verb
#include "../splay.h"

int
kora_result(enum tome_err err)
{
	kora_vm.hooks.set_errno((int)err);
	return err == TOME_OK ? 0 : -1;
}

/* ---- spaces ---- */

mspace_t *
kora_space_new(struct tome_map *map, uintptr_t bias, size_t lo, size_t hi)
{
	mspace_t *ms = tome_kzalloc(kora_vm.vm, sizeof *ms);
	struct mspace_backing *b = tome_kzalloc(kora_vm.vm, sizeof *b);

	if (ms == NULL || b == NULL) {
		tome_kfree(kora_vm.vm, ms);
		tome_kfree(kora_vm.vm, b);
		tome_map_unref(map);
		return NULL;
	}
	b->map = map;
	b->pmap = tome_map_pmap(map);
	b->bias = bias;
	ms->pages = b;
	ms->users = 1;
	ms->lower_bound = lo;
	ms->upper_bound = hi;
	ms->directory = (page_t)(uintptr_t)b->pmap;
	return ms;
}

mspace_t *
mspace_create(void)
{
	struct tome_map_config config = { .lo = kMMU.uspace_lower_bound,
		.hi = kMMU.uspace_upper_bound };
	struct tome_map *map;
	mspace_t *ms = NULL;

	if (tome_map_create(kora_vm.vm, &config, &map) == TOME_OK)
		ms = kora_space_new(map, 0, config.lo, config.hi);
	kora_vm.hooks.set_errno(ms == NULL ? TOME_ENOMEM : TOME_OK);
	if (ms == NULL)
		return NULL;
	tome_lock(kora_vm.vm, &kora_vm.lock);
	ms->pages->next = kora_vm.spaces;
	if (kora_vm.spaces != NULL)
		kora_vm.spaces->pages->prev = ms;
	kora_vm.spaces = ms;
	tome_unlock(kora_vm.vm, &kora_vm.lock);
	return ms;
}

/* The first area that ends after va. */
static vma_t *
vma_after(mspace_t *ms, size_t va)
{
	return (vma_t *)tree_after(&ms->tree.root_, va);
}

static void
vma_insert(mspace_t *ms, vma_t *v)
{
	tree_insert(&ms->tree.root_, &v->node);
	ms->tree.count_++;
}

static void
vma_free(mspace_t *ms, vma_t *v)
{
	tree_remove(&ms->tree.root_, &v->node);
	ms->tree.count_--;
	tome_kfree(kora_vm.vm, v);
}

void
kora_space_free(mspace_t *ms)
{
	struct mspace_backing *b = ms->pages;
	vma_t *v;

	if (ms != kora_vm.kspace) {
		tome_lock(kora_vm.vm, &kora_vm.lock);
		*(b->prev != NULL ? &b->prev->pages->next :
		    &kora_vm.spaces) = b->next;
		if (b->next != NULL)
			b->next->pages->prev = b->prev;
		tome_unlock(kora_vm.vm, &kora_vm.lock);
	}
	tome_map_unref(b->map);
	while ((v = vma_after(ms, 0)) != NULL)
		vma_free(ms, v);
	tome_kfree(kora_vm.vm, b);
	tome_kfree(kora_vm.vm, ms);
}

mspace_t *
mspace_open(mspace_t *ms)
{
	if (ms == NULL)
		return NULL;
	tome_lock(kora_vm.vm, &ms->pages->lock);
	ms->users++;
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	return ms;
}

void
mspace_close(mspace_t *ms)
{
	bool last;

	if (ms == NULL || ms == kora_vm.kspace)
		return;
	tome_lock(kora_vm.vm, &ms->pages->lock);
	last = --ms->users == 0;
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	if (last)
		mspace_sweep(ms);
}

mspace_t *
kora_space_of(mspace_t *ms, size_t va)
{
	return va >= kora_vm.kspace->lower_bound &&
	    va < kora_vm.kspace->upper_bound ? kora_vm.kspace : ms;
}

/* ---- areas ---- */

static tome_va_t
map_va(const mspace_t *ms, size_t va)
{
	return va - ms->pages->bias;
}

static size_t
end_of(const vma_t *v)
{
	return v->node.value_ + v->length;
}

vma_t *
kora_vma_at(mspace_t *ms, size_t va)
{
	return (vma_t *)tree_at(&ms->tree.root_, va);
}

vma_t *
mspace_search_vma(mspace_t *ms, size_t va)
{
	vma_t *v;

	ms = kora_space_of(ms, va);
	if (ms == NULL)
		return NULL;
	tome_lock(kora_vm.vm, &ms->pages->lock);
	v = kora_vma_at(ms, va);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	return v;
}

/* The page tables count their entries; the kernel's have others beside ours. */
void
kora_recount(mspace_t *ms)
{
	struct tome_pmap *pmap = ms->pages->pmap;
	struct tome_usage u;

	ms->pages->rounds = tome_pmap_rounds(pmap);
	if (ms != kora_vm.kspace) {
		ms->phys_pg_count = (size_t)tome_pmap_resident(pmap);
		return;
	}
	tome_map_usage(ms->pages->map, map_va(ms, ms->lower_bound),
	    map_va(ms, ms->upper_bound), &u);
	ms->phys_pg_count = (size_t)u.resident;
}

void
kora_count(mspace_t *ms)
{
	if (tome_pmap_rounds(ms->pages->pmap) != ms->pages->rounds)
		kora_recount(ms);
}

static void
account(mspace_t *ms, const vma_t *v, bool add)
{
	size_t pages = v->length / PAGE_SIZE;
	size_t *of = v->flags & VMA_SHARED ? &ms->s_size : &ms->p_size;

	ms->v_size = add ? ms->v_size + pages : ms->v_size - pages;
	*of = add ? *of + pages : *of - pages;
}

static int
type_of(int flags)
{
	return flags & VMA_TYPE;
}

/*
 * The rights that the core is to give. A copy-on-write area is written without
 * having the right: the first write gives the page a copy.
 */
static tome_prot_t
prot_of(int flags)
{
	if (flags & VMA_DEAD)
		return TOME_PROT_NONE;
	if ((flags & VMA_COPY_ON_WRITE) && (flags & VMA_CAN_WRITE))
		flags |= VMA_WRITE;
	return (flags & VMA_READ ? TOME_PROT_READ : 0) |
	    (flags & VMA_WRITE ? TOME_PROT_WRITE : 0) |
	    (flags & VMA_EXEC ? TOME_PROT_EXEC : 0);
}

/* ---- mapping ---- */

/* Rights within what they may become, and what each type of area allows. */
static bool
flags_good(const mspace_t *ms, int flags, off_t limit, bool file)
{
	int rights = flags & VMA_RIGHTS, can = flags >> CAN_SHIFT & VMA_RIGHTS;
	bool shared = flags & VMA_SHARED, cow = flags & VMA_COPY_ON_WRITE;

	if ((flags & ~(VMA_RIGHTS | VMA_RIGHTS << CAN_SHIFT | VMA_SHARED |
	    VMA_COPY_ON_WRITE | VMA_TYPE | VMA_LOCKED | VMA_MAP_FIXED |
	    VMA_RESOLVE)) != 0 || (rights & ~can) != 0 ||
	    ((can & VMA_WRITE) && (can & VMA_EXEC)))
		return false;
	if (type_of(flags) == VMA_FILE)
		return file && !(shared && (cow || limit != 0));
	if (file || cow || limit != 0)
		return false;
	switch (type_of(flags)) {
	case VMA_HEAP:
	case VMA_STACK:
		return !shared && (flags & VMA_RW) == VMA_RW;
	case VMA_PHYS:
		return ms == kora_vm.kspace;
	default:
		return type_of(flags) == VMA_ANON;
	}
}

static struct tome_map_request
request(const vma_t *v, struct tome_object *content)
{
	bool shared = (v->flags & VMA_SHARED) || type_of(v->flags) == VMA_PHYS;
	struct tome_map_request rq = { .len = v->length, .align = PAGE_SIZE,
		.prot = prot_of(v->flags), .flags = TOME_MAP_KEEP |
		    TOME_MAP_BOTTOMUP | (shared ? TOME_MAP_SHARED : 0),
		.tag = (uintptr_t)v };

	if (v->flags & VMA_LOCKED)
		rq.flags |= TOME_MAP_LOCKED;
	rq.max_prot = prot_of(v->flags >> CAN_SHIFT & VMA_RIGHTS);
	if (v->limit == BLANK)
		return rq;
	if (type_of(v->flags) == VMA_PHYS)
		rq.object = kora_vm.memory;
	else if (type_of(v->flags) == VMA_FILE)
		rq.object = content;
	if (rq.object != NULL)
		rq.offset = (uint64_t)v->offset;
	if (v->limit > 0 && (size_t)v->limit < v->length)
		rq.limit = (uint64_t)v->limit;
	return rq;
}

/* At the place that was asked for, or, unless that is all that will do, the lowest
 * that fits. */
static enum tome_err
enter(mspace_t *ms, vma_t *v, size_t address, int flags,
    struct tome_object *content)
{
	struct tome_map_request rq = request(v, content);
	enum tome_err err = TOME_ERANGE;
	tome_va_t at;

	if (address >= ms->lower_bound && address <= ms->upper_bound -
	    v->length) {
		rq.addr = map_va(ms, address);
		rq.flags |= TOME_MAP_FIXED | TOME_MAP_NOREPLACE;
		err = tome_map_enter(ms->pages->map, &rq, &at);
		if (err == TOME_EEXIST)
			err = TOME_ERANGE;
	}
	if (err == TOME_ERANGE && !(flags & VMA_MAP_FIXED)) {
		rq.addr = 0;
		rq.flags &= ~(TOME_MAP_FIXED | TOME_MAP_NOREPLACE);
		err = tome_map_enter(ms->pages->map, &rq, &at);
	}
	if (err == TOME_OK)
		v->node.value_ = (size_t)at + ms->pages->bias;
	return err;
}

/* Pages that are not there yet; best effort, as the core's own populating is. */
static void
populate(mspace_t *ms, const vma_t *v)
{
	(void)!tome_map_advise(ms->pages->map, map_va(ms, v->node.value_),
	    v->length, prot_of(v->flags) & TOME_PROT_WRITE &&
	    !(v->flags & VMA_COPY_ON_WRITE) ? TOME_ADV_POPULATE_WRITE :
	    TOME_ADV_POPULATE_READ);
	kora_recount(ms);
}

static enum tome_err
map_locked(mspace_t *ms, vma_t *v, size_t address, int flags,
    struct tome_object *content)
{
	enum tome_err err = enter(ms, v, address, flags, content);

	if (err != TOME_OK)
		return err;
	vma_insert(ms, v);
	account(ms, v, true);
	if (flags & (VMA_RESOLVE | VMA_LOCKED))
		populate(ms, v);
	return TOME_OK;
}

static bool
page_aligned(size_t x)
{
	return x % PAGE_SIZE == 0;
}

static enum tome_err
map_check(const mspace_t *ms, size_t address, size_t length, inode_t *ino,
    off_t offset, off_t limit, int flags, struct tome_object **content)
{
	*content = NULL;
	if (ms == NULL || length == 0 || length > KORA_MAX_VMA ||
	    !page_aligned(address) || !page_aligned(length) || offset < 0 ||
	    !page_aligned((size_t)offset) || limit < BLANK ||
	    !flags_good(ms, flags, limit, ino != NULL) ||
	    (address == 0 && (flags & VMA_MAP_FIXED)))
		return TOME_EINVAL;
	if (ino != NULL)
		*content = kora_vm.hooks.content(ino);
	return ino != NULL && *content == NULL ? TOME_EINVAL : TOME_OK;
}

void *
mspace_map(mspace_t *ms, size_t address, size_t length, inode_t *ino,
    off_t offset, off_t limit, int flags)
{
	struct tome_object *content;
	enum tome_err err = map_check(ms, address, length, ino, offset, limit,
	    flags, &content);
	vma_t *v = err == TOME_OK ? tome_kmalloc(kora_vm.vm, sizeof *v) : NULL;

	if (v == NULL) {
		(void)kora_result(err == TOME_OK ? TOME_ENOMEM : err);
		return NULL;
	}
	*v = (vma_t){ .length = length, .ino = ino, .offset = offset,
		.limit = limit, .flags = flags & ~(VMA_MAP_FIXED |
		    VMA_RESOLVE) };
	tome_lock(kora_vm.vm, &ms->pages->lock);
	err = map_locked(ms, v, address, flags, content);
	kora_count(ms);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	if (err != TOME_OK)
		tome_kfree(kora_vm.vm, v);
	return kora_result(err) == 0 ? (void *)v->node.value_ : NULL;
}

/* ---- changing ---- */

/* The part of an area from va on becomes an area of its own; NULL: no memory. */
static vma_t *
split_at(mspace_t *ms, vma_t *v, size_t va)
{
	size_t left = va - v->node.value_;
	vma_t *right = tome_kmalloc(kora_vm.vm, sizeof *right);

	if (right == NULL)
		return NULL;
	*right = *v;
	right->node.value_ = va;
	right->length = v->length - left;
	if (type_of(v->flags) == VMA_FILE || type_of(v->flags) == VMA_PHYS)
		right->offset += (off_t)left;
	v->length = left;
	if (v->limit > 0 && (size_t)v->limit > left) {
		right->limit = v->limit - (off_t)left;
		v->limit = 0;
	} else if (v->limit != 0) {
		right->limit = BLANK;
	}
	vma_insert(ms, right);
	return right;
}

/* Exactly [va, end) of an area, by splitting it where needed. */
static vma_t *
isolate(mspace_t *ms, vma_t *v, size_t va, size_t end)
{
	if (v->node.value_ < va)
		v = split_at(ms, v, va);
	if (v != NULL && end_of(v) > end && split_at(ms, v, end) == NULL)
		return NULL;
	return v;
}

/* One area's part of the range; *va moves behind it. */
static enum tome_err
change_one(mspace_t *ms, size_t *va, size_t end, int flags)
{
	vma_t *v = kora_vma_at(ms, *va);
	enum tome_err err;
	int now;

	if (v == NULL || (v->flags & VMA_DEAD))
		return TOME_ENOENT;
	if ((flags & VMA_RIGHTS & ~(v->flags >> CAN_SHIFT)) != 0)
		return TOME_EPERM;
	now = flags & VMA_DEAD ? v->flags | VMA_DEAD :
	    (v->flags & ~VMA_RIGHTS) | flags;
	v = isolate(ms, v, *va, end);
	if (v == NULL)
		return TOME_ENOMEM;
	err = tome_map_protect(ms->pages->map, map_va(ms, v->node.value_),
	    v->length, prot_of(now));
	if (err == TOME_OK) {
		v->flags = now;
		*va = end_of(v);
	}
	if (err == TOME_OK && (now & VMA_DEAD)) {
		v->dead_ = ms->pages->dead;
		ms->pages->dead = v;
	}
	return err;
}

int
mspace_protect(mspace_t *ms, size_t address, size_t length, int flags)
{
	enum tome_err err = TOME_OK;
	size_t va = address;

	if (ms == NULL || address == 0 || length == 0 ||
	    length > KORA_MAX_VMA || !page_aligned(address) ||
	    !page_aligned(length) || address + length < address ||
	    (flags != VMA_DEAD && (flags & ~VMA_RIGHTS) != 0))
		return kora_result(TOME_EINVAL);
	tome_lock(kora_vm.vm, &ms->pages->lock);
	while (err == TOME_OK && va < address + length)
		err = change_one(ms, &va, address + length, flags);
	kora_count(ms);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	return kora_result(err);
}

int
mspace_unmap(mspace_t *ms, size_t address, size_t length)
{
	return mspace_protect(ms, address, length, VMA_DEAD);
}

/* ---- the dead ---- */

static enum tome_err
destroy(mspace_t *ms, vma_t *v)
{
	enum tome_err err = tome_map_remove(ms->pages->map,
	    map_va(ms, v->node.value_), v->length);

	if (err != TOME_OK)
		return err;
	account(ms, v, false);
	vma_free(ms, v);
	return TOME_OK;
}

int
mspace_scavenge(mspace_t *ms)
{
	enum tome_err err = TOME_OK, one;
	vma_t **at, *v;

	if (ms == NULL)
		return kora_result(TOME_EINVAL);
	tome_lock(kora_vm.vm, &ms->pages->lock);
	for (at = &ms->pages->dead; (v = *at) != NULL;) {
		vma_t *next = v->dead_;

		one = destroy(ms, v);
		if (one == TOME_OK) {
			*at = next;
		} else {
			at = &v->dead_;
			err = one;
		}
	}
	kora_count(ms);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
	return kora_result(err);
}

void
mspace_sweep(mspace_t *ms)
{
	if (ms == NULL)
		return;
	(void)mspace_scavenge(ms);
	if (ms->users <= 0 && ms != kora_vm.kspace)
		kora_space_free(ms);
}

/* ---- showing ---- */

static void
display_vma(const vma_t *v)
{
	static const char *const type[16] = { "?", "heap", "stack", "file",
		"phys", "anon", "?", "?", "?", "?",
		"?", "?", "?", "?", "?", "?" };

	compat_print(kora_vm.hooks.log, "%08zx-%08zx %s%s%s%s %08zx %s%s",
	    v->node.value_, end_of(v), v->flags & VMA_READ ? "r" : "-",
	    v->flags & VMA_WRITE ? "w" : "-", v->flags & VMA_EXEC ? "x" : "-",
	    v->flags & VMA_SHARED ? "S" :
	    v->flags & VMA_COPY_ON_WRITE ? "w" : "p", (size_t)v->offset,
	    type[type_of(v->flags) >> 8], v->flags & VMA_DEAD ? " dead" : "");
}

/* The pages that left since are seen here: page-out tells nobody. */
void
mspace_display(void)
{
	mspace_t *ms = kora_space_now();
	vma_t *v;

	tome_lock(kora_vm.vm, &ms->pages->lock);
	kora_recount(ms);
	for (v = vma_after(ms, 0); v != NULL; v = vma_after(ms, end_of(v)))
		display_vma(v);
	compat_print(kora_vm.hooks.log, "virtual %zu private %zu shared %zu "
	    "physical %zu", ms->v_size, ms->p_size, ms->s_size,
	    ms->phys_pg_count);
	tome_unlock(kora_vm.vm, &ms->pages->lock);
}
