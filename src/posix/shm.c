/*
 * shm.c - System V shared memory: the table of segments, shmget, shmat, shmdt.
 *
 * A segment is a shared object with an id. How often it is attached is the
 * count of its object's references but one: each entry of a map holds one,
 * through split and fork. So nothing is told to this file when an entry dies;
 * a segment that waits for its last detach (SHM_DEST) is looked at after
 * every call that can unmap (tome_shm_sweep()).
 */
#include <posix/shm.h>

#define SEGMENTS_DEFAULT 4096u

/* shmat's arguments, worked out. */
struct attach {
	struct tome_map_request req;
	uint32_t access;		/* rights asked of the segment */
	bool remap;
};

static long create(struct tome_shm_ns *, const struct tome_cred *, int32_t key,
    uint64_t size, int flags);
static struct tome_segment *by_key(struct tome_shm_ns *, int32_t key);
static enum tome_err check_attach(tome_va_t addr, int flags, struct attach *);
static enum tome_err find_for_attach(struct tome_shm_ns *,
    const struct tome_cred *, int id, struct attach *);
static enum tome_err enter(struct tome_posix *, struct attach *,
    tome_va_t *out);
static bool detach(struct tome_posix *, const struct tome_cred *,
    tome_va_t addr);

/* ---- the table ---- */

tome_cold enum tome_err
tome_shm_create(struct tome_vm *vm, const struct tome_shm_config *config,
    struct tome_shm_ns **out)
{
	struct tome_shm_ns *ns = tome_kzalloc(vm, sizeof *ns);

	if (ns == NULL)
		return TOME_ENOMEM;
	ns->vm = vm;
	ns->config = *config;
	if (ns->config.max_segments == 0)
		ns->config.max_segments = SEGMENTS_DEFAULT;
	if (ns->config.max_bytes == 0)	/* Linux: ULONG_MAX - 2^24 */
		ns->config.max_bytes = (uint64_t)UINTPTR_MAX - (1u << 24);
	if (ns->config.all_pages == 0)
		ns->config.all_pages = (uint64_t)UINTPTR_MAX - (1u << 24);
	ns->table = tome_kzalloc(vm, ns->config.max_segments *
	    sizeof *ns->table);
	if (ns->table == NULL || ns->config.max_segments > TOME_SHM_INDEXES) {
		tome_kfree(vm, ns->table);
		tome_kfree(vm, ns);
		return config->max_segments > TOME_SHM_INDEXES ? TOME_EINVAL :
		    TOME_ENOMEM;
	}
	*out = ns;
	return TOME_OK;
}

void
tome_shm_lock(struct tome_shm_ns *ns)
{
	tome_mutex_lock(ns->vm, &ns->lock, TOME_RANK_POSIX);
}

void
tome_shm_unlock(struct tome_shm_ns *ns)
{
	tome_mutex_unlock(ns->vm, &ns->lock, TOME_RANK_POSIX);
}

static unsigned
index_of(int id)
{
	return (unsigned)id & (TOME_SHM_INDEXES - 1);
}

struct tome_segment *
tome_shm_find(struct tome_shm_ns *ns, int id)
{
	struct tome_segment *s;

	if (id < 0 || index_of(id) >= ns->end)
		return NULL;
	s = ns->table[index_of(id)];
	return s != NULL && s->id == id ? s : NULL;
}

uint64_t
tome_shm_attached(const struct tome_segment *s)
{
	return tome_rd(&s->object->refs) - 1;
}

uint64_t
tome_shm_pages(const struct tome_segment *s)
{
	return (s->size + TOME_PAGE_MASK) >> TOME_PAGE_SHIFT;
}

static void
drop(struct tome_shm_ns *ns, struct tome_segment *s)
{
	ns->table[index_of(s->id)] = NULL;
	while (ns->end > 0 && ns->table[ns->end - 1] == NULL)
		ns->end--;
	ns->used--;
	ns->pages -= tome_shm_pages(s);
	if (s->mode & SHM_DEST)
		tome_wr_relaxed(&ns->dying, ns->dying - 1);
	tome_object_unref(s->object);
	tome_kfree(ns->vm, s);
}

void
tome_shm_remove(struct tome_shm_ns *ns, struct tome_segment *s)
{
	if (s->mode & SHM_DEST)
		return;
	if (tome_shm_attached(s) == 0) {
		drop(ns, s);
		return;
	}
	s->mode |= SHM_DEST;
	s->key = IPC_PRIVATE;
	tome_wr_relaxed(&ns->dying, ns->dying + 1);
}

void
tome_shm_sweep(struct tome_shm_ns *ns)
{
	if (tome_likely(tome_rd_relaxed(&ns->dying) == 0))
		return;
	tome_shm_lock(ns);
	for (unsigned i = ns->end; i-- > 0;) {
		struct tome_segment *s = ns->table[i];

		if (s != NULL && (s->mode & SHM_DEST) &&
		    tome_shm_attached(s) == 0)
			drop(ns, s);
	}
	tome_shm_unlock(ns);
}

void
tome_shm_destroy(struct tome_shm_ns *ns)
{
	for (unsigned i = ns->end; i-- > 0;)
		if (ns->table[i] != NULL)
			drop(ns, ns->table[i]);
	tome_kfree(ns->vm, ns->table);
	tome_kfree(ns->vm, ns);
}

/* ---- rights ---- */

static bool
in_group(const struct tome_cred *cred, uint32_t gid)
{
	unsigned i = 0;

	if (cred->egid == gid)
		return true;
	while (i < cred->ngroups && cred->groups[i] != gid)
		i++;
	return i < cred->ngroups;
}

bool
tome_shm_owns(const struct tome_segment *s, const struct tome_cred *cred)
{
	return cred->privileged || cred->euid == s->uid ||
	    cred->euid == s->cuid;
}

bool
tome_shm_permits(const struct tome_segment *s, const struct tome_cred *cred,
    uint32_t mode)
{
	uint32_t asked = mode >> 6 | mode >> 3 | mode, granted = s->mode;

	if (cred->euid == s->uid || cred->euid == s->cuid)
		granted >>= 6;
	else if (in_group(cred, s->gid) || in_group(cred, s->cgid))
		granted >>= 3;
	return cred->privileged || (asked & ~granted & 7) == 0;
}

/* ---- shmget ---- */

/* Of an existing segment. */
static long
open_segment(const struct tome_segment *s, const struct tome_cred *cred,
    uint64_t size, int flags)
{
	if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		return tome_posix_result(TOME_EEXIST);
	if (size > s->size)
		return tome_posix_result(TOME_EINVAL);
	if (!tome_shm_permits(s, cred, (uint32_t)flags & 0777))
		return tome_posix_result(TOME_EACCES);
	return s->id;
}

tome_cold long
tome_posix_shmget(struct tome_posix *p, const struct tome_cred *cred,
    int32_t key, uint64_t size, int flags)
{
	struct tome_shm_ns *ns = p->shm;
	struct tome_segment *s;
	long id;

	if (ns == NULL)
		return tome_posix_result(TOME_ENOSYS);
	tome_shm_lock(ns);
	s = key == IPC_PRIVATE ? NULL : by_key(ns, key);
	if (s != NULL)
		id = open_segment(s, cred, size, flags);
	else if (key == IPC_PRIVATE || (flags & IPC_CREAT))
		id = create(ns, cred, key, size, flags);
	else
		id = tome_posix_result(TOME_ENOENT);
	tome_shm_unlock(ns);
	return id;
}

static struct tome_segment *
by_key(struct tome_shm_ns *ns, int32_t key)
{
	for (unsigned i = 0; i < ns->end; i++)
		if (ns->table[i] != NULL && ns->table[i]->key == key)
			return ns->table[i];
	return NULL;
}

/* ENOMEM for SHM_HUGETLB: no such pages are set aside. */
static enum tome_err
check_new(const struct tome_shm_ns *ns, uint64_t size, int flags)
{
	uint64_t pages = (size >> TOME_PAGE_SHIFT) +
	    ((size & TOME_PAGE_MASK) != 0);

	if (size == 0 || size > ns->config.max_bytes)
		return TOME_EINVAL;
	if (pages > ns->config.all_pages ||
	    ns->pages > ns->config.all_pages - pages)
		return TOME_ENOSPC;
	if (flags & SHM_HUGETLB)
		return TOME_ENOMEM;
	return ns->used < ns->config.max_segments ? TOME_OK : TOME_ENOSPC;
}

/* Enter a new segment at the lowest free index. */
static void
enlist(struct tome_shm_ns *ns, struct tome_segment *s)
{
	unsigned i = 0;

	while (ns->table[i] != NULL)
		i++;
	ns->table[i] = s;
	if (i >= ns->end)
		ns->end = i + 1;
	s->id = (int)(ns->seq << TOME_SHM_INDEX_BITS | i);
	ns->seq = ns->seq == TOME_SHM_SEQ_MAX ? 0 : ns->seq + 1;
	ns->used++;
	ns->pages += tome_shm_pages(s);
}

static long
create(struct tome_shm_ns *ns, const struct tome_cred *cred, int32_t key,
    uint64_t size, int flags)
{
	enum tome_err err = check_new(ns, size, flags);
	struct tome_segment *s;

	if (err != TOME_OK)
		return tome_posix_result(err);
	s = tome_kzalloc(ns->vm, sizeof *s);
	if (s == NULL)
		return tome_posix_result(TOME_ENOMEM);
	*s = (struct tome_segment){ .key = key, .size = size,
		.mode = (uint32_t)flags & 0777, .uid = cred->euid,
		.cuid = cred->euid, .gid = cred->egid, .cgid = cred->egid,
		.cpid = cred->pid, .ctime = cred->now };
	err = tome_object_create_anon(ns->vm,
	    tome_shm_pages(s) << TOME_PAGE_SHIFT, NULL, 0, &s->object);
	if (err != TOME_OK) {
		tome_kfree(ns->vm, s);
		return tome_posix_result(err);
	}
	s->object_id = tome_object_id(s->object);
	enlist(ns, s);
	return s->id;
}

/* ---- shmat ---- */

long
tome_posix_shmat(struct tome_posix *p, const struct tome_cred *cred, int id,
    tome_va_t addr, int flags)
{
	struct attach a = { .req = { .flags = TOME_MAP_SHARED | TOME_MAP_KEEP |
	    tome_posix_future_flags(p) } };
	tome_va_t at;
	enum tome_err err;

	if (p->shm == NULL)
		return tome_posix_result(TOME_ENOSYS);
	err = id < 0 ? TOME_EINVAL : check_attach(addr, flags, &a);
	if (err == TOME_OK)
		err = find_for_attach(p->shm, cred, id, &a);
	if (err != TOME_OK)
		return tome_posix_result(err);
	err = enter(p, &a, &at);
	tome_object_unref(a.req.object);
	tome_shm_sweep(p->shm);
	return err == TOME_OK ? (long)at : tome_posix_result(err);
}

static enum tome_err
check_attach(tome_va_t addr, int flags, struct attach *a)
{
	a->remap = (flags & SHM_REMAP) != 0;
	if (!tome_posix_aligned(addr)) {
		if (!(flags & SHM_RND))
			return TOME_EINVAL;
		addr = tome_page_floor(addr);
	}
	if (addr == 0 && a->remap)
		return TOME_EINVAL;
	if (addr != 0)
		a->req.flags |= TOME_MAP_FIXED;
	a->req.addr = addr;
	a->req.prot = TOME_PROT_READ;
	a->req.max_prot = TOME_PROT_ALL;
	a->access = 0444;
	if (flags & SHM_RDONLY) {
		a->req.max_prot &= ~TOME_PROT_WRITE;
	} else {
		a->req.prot |= TOME_PROT_WRITE;
		a->access |= 0222;
	}
	if (flags & SHM_EXEC) {
		a->req.prot |= TOME_PROT_EXEC;
		a->access |= 0111;
	}
	return TOME_OK;
}

/* On success the request holds a reference of the object. */
static enum tome_err
find_for_attach(struct tome_shm_ns *ns, const struct tome_cred *cred, int id,
    struct attach *a)
{
	enum tome_err err = TOME_OK;
	struct tome_segment *s;

	tome_shm_lock(ns);
	s = tome_shm_find(ns, id);
	if (s == NULL)
		err = TOME_EINVAL;
	else if (!tome_shm_permits(s, cred, a->access))
		err = TOME_EACCES;
	if (err == TOME_OK) {
		tome_object_ref(s->object);
		a->req.object = s->object;
		a->req.len = (tome_va_t)tome_shm_pages(s) << TOME_PAGE_SHIFT;
		s->atime = cred->now;
		s->lpid = cred->pid;
	}
	tome_shm_unlock(ns);
	return err;
}

/* Somebody else's memory there is EINVAL, not EEXIST as for mmap. */
static enum tome_err
enter(struct tome_posix *p, struct attach *a, tome_va_t *out)
{
	struct tome_map_request *req = &a->req;
	enum tome_err err;

	if ((req->flags & TOME_MAP_FIXED) && !a->remap)
		req->flags |= TOME_MAP_NOREPLACE;
	if (req->addr + req->len < req->addr)
		return TOME_EINVAL;
	if (!tome_posix_in_space(p, req->addr, req->len))
		return TOME_ENOMEM;
	if ((req->flags & TOME_MAP_FIXED) && req->addr < p->map->lo)
		return TOME_EPERM;
	err = tome_map_enter(p->map, req, out);
	return err == TOME_EEXIST ? TOME_EINVAL : err;
}

/* ---- shmdt ---- */

long
tome_posix_shmdt(struct tome_posix *p, const struct tome_cred *cred,
    tome_va_t addr)
{
	if (p->shm == NULL)
		return tome_posix_result(TOME_ENOSYS);
	if (!tome_posix_aligned(addr) || !detach(p, cred, addr))
		return tome_posix_result(TOME_EINVAL);
	tome_shm_sweep(p->shm);
	return 0;
}

/* The segment that a region maps, and its size in bytes; NULL: none. */
static bool
segment_of(struct tome_shm_ns *ns, const struct tome_region *r,
    const struct tome_cred *cred, uint64_t *size)
{
	bool found = false;

	tome_shm_lock(ns);
	for (unsigned i = 0; i < ns->end && !found; i++) {
		struct tome_segment *s = ns->table[i];

		if (s == NULL || s->object_id != r->object_id)
			continue;
		found = true;
		*size = tome_shm_pages(s) << TOME_PAGE_SHIFT;
		s->dtime = cred->now;
		s->lpid = cred->pid;
	}
	tome_shm_unlock(ns);
	return found;
}

/*
 * Linux: the first mapped piece, anywhere above, whose place in its segment is
 * its distance from addr names the segment; that piece and its like within the
 * segment's size go.
 */
static bool
detach(struct tome_posix *p, const struct tome_cred *cred, tome_va_t addr)
{
	struct tome_region r;
	tome_va_t at = addr;
	uint64_t size = 0, id = 0;

	while (tome_map_next(p->map, &at, &r)) {
		if (size != 0 && r.end - addr > size)
			break;
		if (!r.shared || r.object == NULL ||
		    r.start < addr || r.start - addr != r.offset)
			continue;
		if (size == 0 && segment_of(p->shm, &r, cred, &size))
			id = r.object_id;
		if (size != 0 && r.object_id == id && tome_map_remove(p->map,
		    r.start, r.end - r.start) != TOME_OK)
			break;
	}
	return size != 0;
}

/* ---- for /proc ---- */

bool
tome_shm_next(struct tome_shm_ns *ns, unsigned *cookie,
    struct tome_shm_info *out)
{
	struct tome_segment *s = NULL;

	tome_shm_lock(ns);
	while (s == NULL && *cookie < ns->end)
		s = ns->table[(*cookie)++];
	if (s != NULL)
		*out = (struct tome_shm_info){ .key = s->key, .id = s->id,
			.mode = s->mode, .uid = s->uid, .gid = s->gid,
			.cuid = s->cuid, .cgid = s->cgid, .size = s->size,
			.attached = tome_shm_attached(s),
			.resident_pages = tome_object_resident(s->object),
			.cpid = s->cpid, .lpid = s->lpid, .atime = s->atime,
			.dtime = s->dtime, .ctime = s->ctime };
	tome_shm_unlock(ns);
	return s != NULL;
}
