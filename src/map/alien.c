/*
 * alien.c - memory of a space that does not run here: /proc, ptrace,
 * process_vm_readv, arguments of a new program.
 *
 * Page by page, under the locks that hold the page where it is: read and write are
 * as a fault's look at the same memory, but nothing is entered. A write first has
 * the page made the space's own, by a fault, and looks whether it still is.
 */
#include <base/memory.h>
#include <map/fault.h>

/* One page's worth of the copy; ends with the part done. */
struct alien {
	struct tome_attempt f;
	size_t at, n;			/* in the page */
	uint8_t *in;			/* read to; NULL: write */
	const uint8_t *from;
	const uint32_t *want;		/* compare and swap; NULL: copy */
	uint32_t *seen;
};

static enum tome_err alien_copy(struct tome_map *, tome_va_t, size_t n,
    struct alien *, size_t *done) TOME_NODISCARD;
static enum tome_err alien_run(struct tome_map *, tome_va_t,
    struct alien *) TOME_NODISCARD;
static enum tome_err alien_try(struct tome_attempt *) TOME_NODISCARD;
static enum tome_err alien_private(struct alien *) TOME_NODISCARD;
static enum tome_err alien_below(struct alien *) TOME_NODISCARD;
static enum tome_err alien_object(struct alien *) TOME_NODISCARD;
static void alien_touch(struct alien *, tome_pfn_t);

static inline bool
alien_writes(const struct alien *a)
{
	return a->in == NULL;
}

enum tome_err
tome_map_read(struct tome_map *map, tome_va_t src, void *dst, size_t n,
    bool force, size_t *done)
{
	struct alien a = { .f.force = force, .in = dst };

	return alien_copy(map, src, n, &a, done);
}

enum tome_err
tome_map_write(struct tome_map *map, tome_va_t dst, const void *src, size_t n,
    bool force, size_t *done)
{
	struct alien a = { .f.force = force, .from = src };

	return alien_copy(map, dst, n, &a, done);
}

enum tome_err
tome_alien_in(struct tome_map *map, void *dst, tome_va_t src, size_t n)
{
	size_t done;
	struct alien a = { .in = dst };

	return alien_copy(map, src, n, &a, &done) == TOME_OK ? TOME_OK :
	    TOME_EFAULT;
}

enum tome_err
tome_alien_out(struct tome_map *map, tome_va_t dst, const void *src, size_t n)
{
	size_t done;
	struct alien a = { .from = src };

	return alien_copy(map, dst, n, &a, &done) == TOME_OK ? TOME_OK :
	    TOME_EFAULT;
}

enum tome_err
tome_alien_cas_u32(struct tome_map *map, tome_va_t va, uint32_t want,
    uint32_t *seen)
{
	struct alien a = { .n = sizeof want, .want = &want, .seen = seen };

	return alien_run(map, va, &a) == TOME_OK ? TOME_OK : TOME_EFAULT;
}

/* A failure ends it; what lies before was copied. */
static enum tome_err
alien_copy(struct tome_map *map, tome_va_t va, size_t n, struct alien *a,
    size_t *done)
{
	enum tome_err err = TOME_OK;

	for (*done = 0; *done < n && err == TOME_OK; *done += a->n) {
		a->n = (size_t)(TOME_PAGE_SIZE - (va & TOME_PAGE_MASK));
		if (a->n > n - *done)
			a->n = n - *done;
		err = va == 0 && *done > 0 ? TOME_EFAULT :
		    alien_run(map, va, a);
		if (err != TOME_OK)
			break;
		va += a->n;
		if (alien_writes(a))
			a->from += a->n;
		else
			a->in += a->n;
	}
	return err == TOME_EACCES ? TOME_EFAULT : err;
}

static enum tome_err
alien_run(struct tome_map *map, tome_va_t va, struct alien *a)
{
	bool force = a->f.force;
	enum tome_err err;

	if (va < map->lo || va >= map->hi)
		return TOME_EFAULT;
	tome_attempt_begin(&a->f, map, va,
	    alien_writes(a) ? TOME_PROT_WRITE : TOME_PROT_READ);
	a->f.force = force;
	a->at = (size_t)(va & TOME_PAGE_MASK);
	/* Somebody may take the page away again: that is a race like others. */
	while ((err = tome_attempt_run(&a->f, alien_try)) == TOME_RETRY) {
		err = tome_fault_run(&a->f);
		if (err != TOME_OK)
			break;
	}
	return err;
}

static enum tome_err
alien_try(struct tome_attempt *f)
{
	struct alien *a = tome_container(f, struct alien, f);
	uint64_t epoch = tome_epoch_enter(f->vm);
	enum tome_err err = tome_attempt_lookup(f, epoch);

	if (err == TOME_OK) {
		if (f->flags & TOME_ENTRY_SHARED)
			err = alien_object(a);
		else
			err = alien_private(a);
	}
	tome_epoch_leave(f->vm);
	return err;
}

static enum tome_err
alien_private(struct alien *a)
{
	struct tome_attempt *f = &a->f;
	struct tome_dirent d = { NULL, NULL };
	struct tome_anon *an = NULL;
	enum tome_err err = TOME_OK;

	if (f->amap != NULL)
		d = tome_amap_lookup(f->amap, f->slot);
	if (tome_unlikely(d.chunk == NULL && d.where != NULL))
		return tome_attempt_open(f);
	if (d.chunk != NULL) {
		if (!tome_dirent_lock(f->amap, &d))
			return tome_attempt_needs(f, TOME_NEED_AGAIN);
		an = d.chunk->anon[f->slot & TOME_CHUNK_MASK];
	}
	if (!tome_attempt_holds(f)) {
		err = tome_attempt_needs(f, TOME_NEED_AGAIN);
	} else if (an != NULL) {
		tome_anon_lock(f->amap, an);
		if (alien_writes(a) && (tome_anon_shared(d.chunk, an) ||
		    (f->flags & TOME_ENTRY_NEEDS_COPY)))
			err = tome_attempt_needs(f, TOME_NEED_PAGE);
		else if (tome_unlikely(!tome_anon_resident(an)))
			err = tome_attempt_lacks(f, d.chunk);
		else
			alien_touch(a, an->pfn);
		tome_anon_unlock(f->amap, an);
	} else if (alien_writes(a)) {
		err = tome_attempt_needs(f, TOME_NEED_PAGE);
	} else {
		err = alien_below(a);
	}
	if (d.chunk != NULL)
		tome_chunk_unlock(f->amap, d.chunk);
	return err;
}

/* A read where the space has no page of its own. */
static enum tome_err
alien_below(struct alien *a)
{
	switch (a->f.object == NULL ? TOME_BELOW_ZERO :
	    tome_attempt_below(&a->f)) {
	case TOME_BELOW_END:
		return TOME_ENXIO;
	case TOME_BELOW_ZERO:
		memset(a->in, 0, a->n);
		return TOME_OK;
	case TOME_BELOW_PART:
		return tome_attempt_needs(&a->f, TOME_NEED_PAGE);
	case TOME_BELOW_PAGE:
		break;
	}
	return alien_object(a);
}

static enum tome_err
alien_object(struct alien *a)
{
	struct tome_attempt *f = &a->f;
	struct tome_object *ob = f->object;
	struct tome_held h = { .fill = &f->fill };
	enum tome_err err;

	if (ob->kind == TOME_OBJECT_DEVICE)
		return TOME_EFAULT;	/* as ptrace: not memory */
	if (f->force && alien_writes(a) && !(f->prot & TOME_PROT_WRITE))
		return TOME_EFAULT;	/* force makes private copies only */
	err = tome_object_hold(ob, f->page,
	    alien_writes(a) ? TOME_HOLD_WRITE : TOME_HOLD_LOOK, &h);
	if (err == TOME_RETRY)
		return tome_attempt_needs(f, TOME_NEED_FILL);
	if (err == TOME_ENOMEM)
		return tome_attempt_needs(f, TOME_NEED_MEMORY);
	if (err == TOME_ENOENT) {
		memset(a->in, 0, a->n);
		return TOME_OK;
	}
	if (err != TOME_OK)
		return err;
	alien_touch(a, tome_held_pfn(&h));
	tome_held_release(&h);
	return TOME_OK;
}

static void
alien_touch(struct alien *a, tome_pfn_t pfn)
{
	struct tome_vm *vm = a->f.vm;
	uint8_t *page = tome_frame_window(vm, pfn);

	if (a->in != NULL)
		memcpy(a->in, page + a->at, a->n);
	else if (a->want != NULL)
		(void)__atomic_compare_exchange_n(
		    (uint32_t *)(void *)(page + a->at), a->seen, *a->want,
		    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	else
		memcpy(page + a->at, a->from, a->n);
	if (alien_writes(a))
		tome_or(&tome_page(vm, pfn)->state,
		    TOME_PAGE_MODIFIED | TOME_PAGE_STALE_CODE);
	tome_frame_window_end(vm, pfn, page);
}
