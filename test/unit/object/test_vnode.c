/*
 * test_vnode.c - files: read, written, synced, truncated; errors told once.
 */
#include <stdlib.h>

#include <object/vnode.h>
#include "rig.h"
#include "../fakefile.h"

#define PAGE ((uint64_t)TOME_PAGE_SIZE)

static int
byte_at(struct fakefile *f, uint64_t off)
{
	uint8_t b;
	size_t done;

	if (tome_object_read(f->object, off, &b, 1, &done) != TOME_OK)
		return -1;
	return done == 1 ? b : -2;
}

static void
poke(struct fakefile *f, uint64_t off, uint8_t b)
{
	size_t done;

	assert_int_equal(tome_object_write(f->object, off, &b, 1, &done),
	    TOME_OK);
	assert_int_equal(done, 1);
}

static void
reads_through_the_cache(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 40 * PAGE + 10);
	assert_int_equal(tome_object_kind(f.object), TOME_OBJECT_VNODE);
	assert_int_equal(byte_at(&f, 0), 1);
	assert_int_equal(byte_at(&f, PAGE - 1), 1);
	assert_int_equal(f.reads, 1);
	assert_int_equal(byte_at(&f, 40 * PAGE + 9), 41);
	assert_int_equal(byte_at(&f, 40 * PAGE + 10), -2);	/* the end */
	assert_int_equal(byte_at(&f, 40 * PAGE + 9), 41);
	assert_int_equal(f.reads, 2);
	fakefile_close(&f, r->vm);
}

/* A reader who goes on has windows that double, up to the pager's most. */
static void
reads_ahead(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 128 * PAGE);
	for (unsigned i = 0; i < 128; i++)
		assert_int_equal(byte_at(&f, i * PAGE), i + 1);
	assert_int_equal(f.pages_read, 128);
	assert_true(f.reads <= 11);	/* 4, 8, 16, 16 ... */
	fakefile_close(&f, r->vm);
}

static void
an_opener_reads_ahead(void **state)
{
	struct rig *r = *state;
	struct tome_readahead ra = { .mode = TOME_READAHEAD_NORMAL };
	struct fakefile f;

	fakefile_open(&f, r->vm, 128 * PAGE);
	for (unsigned i = 0; i < 128; i++) {
		unsigned before = f.reads;

		tome_object_readahead(f.object, &ra, i, 1);
		tome_io_run(r->vm);
		before = f.reads;
		assert_int_equal(byte_at(&f, i * PAGE), i + 1);
		assert_int_equal(f.reads, before);	/* never missed */
	}
	assert_int_equal(f.pages_read, 128);
	assert_true(f.reads <= 11);
	fakefile_close(&f, r->vm);
}

/* Pages that leave before they were come to: there is no memory for so many. */
static void
what_is_lost_is_not_read_ahead(void **state)
{
	struct rig *r = *state;
	unsigned expected = 8, before;
	struct fakefile f;

	fakefile_open(&f, r->vm, 128 * PAGE);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(byte_at(&f, i * PAGE), i + 1);
	assert_int_equal(f.pages_read, 44);	/* the last window is 28 .. 43 */
	for (unsigned i = 30; i < 34; i++, expected /= 2) {
		(void)tome_object_discard_clean(f.object, 0, 0);
		before = f.pages_read;
		assert_int_equal(byte_at(&f, i * PAGE), i + 1);
		assert_int_equal(f.pages_read - before, expected);
	}
	before = f.pages_read;
	for (unsigned i = 34; i < 48; i++)	/* 2, 4, 8 */
		assert_int_equal(byte_at(&f, i * PAGE), i + 1);
	assert_int_equal(f.pages_read - before, 14);
	fakefile_close(&f, r->vm);
}

static unsigned
ahead(struct fakefile *f, struct tome_readahead *ra, unsigned pg)
{
	unsigned before = f->pages_read;

	tome_object_readahead(f->object, ra, pg, 1);
	tome_io_run(f->object->vm);
	assert_int_equal(byte_at(f, pg * PAGE), pg + 1);
	return f->pages_read - before;
}

static void
what_an_opener_loses_he_reads_later(void **state)
{
	struct rig *r = *state;
	struct tome_readahead ra = { .mode = TOME_READAHEAD_NORMAL };
	struct fakefile f;
	unsigned pg;

	fakefile_open(&f, r->vm, 128 * PAGE);
	for (pg = 0; ra.start < 64 || pg <= ra.start; pg++)
		(void)ahead(&f, &ra, pg);
	assert_int_equal(ra.size, 16);
	(void)tome_object_discard_clean(f.object, 0, 0);
	assert_int_equal(ahead(&f, &ra, pg), 8);
	(void)tome_object_discard_clean(f.object, 0, 0);
	assert_int_equal(ahead(&f, &ra, pg + 1), 4);
	assert_int_equal(ra.size, 4);
	/* While it is still being read it is not lost. */
	f.queued = true;
	(void)tome_object_discard_clean(f.object, 0, 0);
	tome_object_readahead(f.object, &ra, pg + 2, 1);
	tome_object_readahead(f.object, &ra, pg + 2, 1);
	assert_int_equal(ra.start, pg + 2);
	assert_int_equal(ra.size, 2);
	(void)fakefile_run(&f, false);
	tome_io_run(r->vm);
	f.queued = false;
	fakefile_close(&f, r->vm);
}

static void
writes_reach_the_store(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 20 * PAGE + 100);
	poke(&f, 3 * PAGE + 1, 0xaa);
	poke(&f, 4 * PAGE, 0xab);
	poke(&f, 20 * PAGE + 99, 0xac);
	assert_int_equal(f.notified, 3);
	poke(&f, 4 * PAGE + 1, 0xad);		/* dirty already */
	assert_int_equal(f.notified, 3);
	assert_int_equal(fakefile_pages(&f).dirty, 3);
	assert_int_equal(f.store[3 * PAGE + 1], 4);
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(fakefile_pages(&f).dirty, 0);
	assert_int_equal(f.writes, 2);		/* neighbours together */
	assert_int_equal(f.store[3 * PAGE + 1], 0xaa);
	assert_int_equal(f.store[4 * PAGE + 1], 0xad);
	assert_int_equal(f.store[20 * PAGE + 99], 0xac);
	assert_int_equal(f.len, 20 * PAGE + 100);	/* not beyond the end */
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(f.writes, 2);
	fakefile_close(&f, r->vm);
}

static void
syncs_a_range_only(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 20 * PAGE);
	for (unsigned i = 0; i < 6; i++)
		poke(&f, i * PAGE, 0x77);
	assert_int_equal(tome_object_sync(f.object, 2, 2, true), TOME_OK);
	assert_int_equal(f.pages_written, 2);
	assert_int_equal(fakefile_pages(&f).dirty, 4);
	assert_int_equal(f.store[PAGE], 2);
	assert_int_equal(f.store[2 * PAGE], 0x77);
	fakefile_close(&f, r->vm);			/* the rest, before the end */
	assert_int_equal(f.pages_written, 6);
}

/* Waiting starts nothing; what never ends is an error each time, and is told once when
 * it has ended badly. */
static void
waiting_writes_nothing(void **state)
{
	struct rig *r = *state;
	struct fakefile f;
	uint32_t seen;

	fakefile_open(&f, r->vm, 4 * PAGE);
	seen = tome_object_error_now(f.object);
	poke(&f, 0, 0x77);
	poke(&f, 2 * PAGE, 0x78);
	assert_int_equal(tome_object_sync_wait(f.object, 0, 0), TOME_OK);
	assert_int_equal(f.writes, 0);
	f.queued = true;
	f.object->vnode->pager.patience = 1000000;
	assert_int_equal(tome_object_sync(f.object, 0, 1, false), TOME_OK);
	assert_int_equal(tome_object_sync_wait(f.object, 1, 3), TOME_OK);
	assert_int_equal(tome_object_sync_wait(f.object, 0, 1), TOME_EIO);
	assert_int_equal(tome_object_sync(f.object, 0, 1, true), TOME_EIO);
	assert_int_equal(tome_object_error(f.object, &seen), TOME_OK);
	f.fail_write = 1;
	assert_int_equal(fakefile_run(&f, false), 1);
	assert_int_equal(tome_object_sync_wait(f.object, 0, 0), TOME_OK);
	assert_int_equal(tome_object_error(f.object, &seen), TOME_EIO);
	assert_int_equal(tome_object_error(f.object, &seen), TOME_OK);
	assert_int_equal(fakefile_pages(&f).dirty, 1);
	f.queued = false;
	fakefile_close(&f, r->vm);
}

static void
dirty_pages_outlive_the_last_name(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PAGE);
	poke(&f, PAGE, 0x55);
	f.queued = true;
	tome_object_unref(f.object);
	assert_false(f.gone);
	assert_int_equal(fakefile_run(&f, false), 1);
	tome_io_run(r->vm);
	assert_true(f.gone);
	assert_int_equal(f.store[PAGE], 0x55);
	free(f.store);
}

static void
a_page_modified_while_written_is_written_again(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PAGE);
	poke(&f, 0, 0x01);
	f.queued = true;
	assert_int_equal(tome_object_sync(f.object, 0, 0, false), TOME_OK);
	assert_int_equal(fakefile_pages(&f).writing, 1);
	poke(&f, 0, 0x02);
	assert_int_equal(fakefile_pages(&f).dirty, 1);
	assert_int_equal(fakefile_run(&f, false), 1);
	tome_io_run(r->vm);
	assert_int_equal(fakefile_pages(&f).writing, 0);
	f.queued = false;
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(f.store[0], 0x02);
	fakefile_close(&f, r->vm);
}

static void
a_failed_read_is_told_and_forgotten(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 40 * PAGE);
	/* The window fails; the page alone is read. */
	f.fail_read = 1;
	assert_int_equal(byte_at(&f, 0), 1);
	assert_int_equal(fakefile_pages(&f).resident, 1);
	/* So does the page. */
	f.object->vnode->pager.max_pages = 1;
	f.fail_read = 1;
	assert_int_equal(byte_at(&f, 5 * PAGE), -1);
	assert_int_equal(fakefile_pages(&f).resident, 1);
	assert_int_equal(byte_at(&f, 5 * PAGE), 6);
	fakefile_close(&f, r->vm);
}

static void
each_opener_hears_of_an_error_once(void **state)
{
	struct rig *r = *state;
	struct fakefile f;
	uint32_t a, b, c;

	fakefile_open(&f, r->vm, 4 * PAGE);
	a = tome_object_error_now(f.object);
	b = tome_object_error_now(f.object);
	assert_int_equal(tome_object_error(f.object, &a), TOME_OK);
	poke(&f, 0, 9);
	f.fail_write = 1;
	f.fail_with = TOME_ENOSPC;
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_ENOSPC);
	c = tome_object_error_now(f.object);	/* nobody was told yet */
	assert_int_equal(tome_object_error(f.object, &a), TOME_ENOSPC);
	assert_int_equal(tome_object_error(f.object, &a), TOME_OK);
	assert_int_equal(tome_object_error(f.object, &b), TOME_ENOSPC);
	assert_int_equal(tome_object_error(f.object, &b), TOME_OK);
	assert_int_equal(tome_object_error(f.object, &c), TOME_ENOSPC);
	c = tome_object_error_now(f.object);	/* a late one is not */
	assert_int_equal(tome_object_error(f.object, &c), TOME_OK);
	/* The same error again is another one. */
	poke(&f, 0, 9);
	f.fail_write = 1;
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_ENOSPC);
	assert_int_equal(tome_object_error(f.object, &a), TOME_ENOSPC);
	assert_int_equal(tome_object_error(f.object, &a), TOME_OK);
	assert_int_equal(tome_object_error(f.object, &b), TOME_ENOSPC);
	fakefile_close(&f, r->vm);
}

static void
a_refused_write_changes_nothing(void **state)
{
	struct rig *r = *state;
	struct fakefile f;
	uint8_t b = 7;
	size_t done;

	fakefile_open(&f, r->vm, 4 * PAGE);
	f.notify = TOME_ENOSPC;
	assert_int_equal(tome_object_write(f.object, 0, &b, 1, &done),
	    TOME_ENOSPC);
	assert_int_equal(done, 0);
	assert_int_equal(byte_at(&f, 0), 1);
	assert_int_equal(fakefile_pages(&f).dirty, 0);
	f.object->vnode->pager.write = NULL;
	assert_int_equal(tome_object_write(f.object, 0, &b, 1, &done),
	    TOME_EACCES);
	assert_int_equal(byte_at(&f, 0), 1);
	fakefile_close(&f, r->vm);
}

static void
truncation_drops_pages(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 10 * PAGE);
	for (unsigned i = 0; i < 10; i++)
		poke(&f, i * PAGE + 50, 0xee);
	assert_int_equal(tome_object_resize(f.object, 2 * PAGE + 20), TOME_OK);
	f.len = 2 * PAGE + 20;
	assert_int_equal(fakefile_pages(&f).resident, 3);
	assert_int_equal(fakefile_pages(&f).dirty, 3);
	assert_int_equal(byte_at(&f, 2 * PAGE + 20), -2);
	assert_int_equal(tome_object_resize(f.object, 10 * PAGE), TOME_OK);
	assert_int_equal(byte_at(&f, 2 * PAGE + 50), 0);
	assert_int_equal(byte_at(&f, 5 * PAGE + 50), 0);
	assert_int_equal(byte_at(&f, 50), 0xee);
	fakefile_close(&f, r->vm);
}

static void
a_hole_is_read_again(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 10 * PAGE);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(byte_at(&f, i * PAGE), i + 1);
	memset(f.store + 4 * PAGE, 0, 2 * PAGE);
	assert_int_equal(tome_object_punch(f.object, 4, 2), TOME_OK);
	assert_int_equal(byte_at(&f, 4 * PAGE), 0);
	assert_int_equal(byte_at(&f, 5 * PAGE), 0);
	assert_int_equal(byte_at(&f, 6 * PAGE), 7);
	fakefile_close(&f, r->vm);
}

static void
clean_pages_can_be_dropped(void **state)
{
	struct rig *r = *state;
	struct fakefile f;
	tome_pfn_t held;

	fakefile_open(&f, r->vm, 16 * PAGE);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(byte_at(&f, i * PAGE), i + 1);
	poke(&f, 3 * PAGE, 1);
	assert_int_equal(tome_object_get(f.object, 5, false, &held), TOME_OK);
	assert_int_equal(tome_object_discard_clean(f.object, 0, 0), 14);
	assert_int_equal(fakefile_pages(&f).resident, 2);
	tome_object_put(f.object, held, false);
	assert_int_equal(tome_object_discard_clean(f.object, 0, 0), 1);
	fakefile_close(&f, r->vm);
}

/* Borrowed while the file shrinks: the frame is the borrower's until he is done. */
static void
a_borrowed_page_survives_truncation(void **state)
{
	struct rig *r = *state;
	struct tome_stats s;
	struct fakefile f;
	tome_pfn_t held;

	fakefile_open(&f, r->vm, 4 * PAGE);
	assert_int_equal(tome_object_get(f.object, 2, false, &held), TOME_OK);
	assert_int_equal(tome_object_resize(f.object, PAGE), TOME_OK);
	tome_vm_quiesce(r->vm, true);
	assert_int_equal(tome_frame_identity(r->vm, held), TOME_PAGE_CACHE);
	assert_int_equal(*(uint8_t *)tome_frame_va(r->vm, held), 3);
	tome_object_put(f.object, held, true);
	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.frames_cache, fakefile_pages(&f).resident);
	fakefile_close(&f, r->vm);
}

/* As a hand meets it between its allocation and its file. */
static void
a_page_in_the_making_stays(void **state)
{
	struct rig *r = *state;
	tome_pfn_t pfn;

	assert_int_equal(tome_frame_alloc(r->vm, TOME_PAGE_CACHE, 0, &pfn),
	    TOME_OK);
	assert_int_equal(tome_cache_evict(r->vm, tome_page(r->vm, pfn),
	    TOME_EVICT_ANY), TOME_EVICT_KEPT);
	tome_frame_free(r->vm, pfn);
}

static void
pages_are_evicted(void **state)
{
	struct rig *r = *state;
	struct tome_page *page;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PAGE);
	assert_int_equal(byte_at(&f, 0), 1);
	page = tome_page(r->vm, tome_pagetree_find(
	    &f.object->vnode->tree, 0).pfn);
	assert_int_equal(tome_cache_evict(r->vm, page, TOME_EVICT_ANY), TOME_EVICT_FREED);
	assert_int_equal(tome_cache_evict(r->vm, page, TOME_EVICT_ANY), TOME_EVICT_KEPT);
	assert_int_equal(byte_at(&f, 0), 1);
	poke(&f, 0, 0x99);
	page = tome_page(r->vm, tome_pagetree_find(
	    &f.object->vnode->tree, 0).pfn);
	assert_int_equal(tome_cache_evict(r->vm, page, TOME_EVICT_ANY), TOME_EVICT_STARTED);
	tome_io_run(r->vm);
	assert_int_equal(f.store[0], 0x99);
	assert_int_equal(tome_cache_evict(r->vm, page, TOME_EVICT_ANY), TOME_EVICT_FREED);
	assert_int_equal(byte_at(&f, 0), 0x99);
	fakefile_close(&f, r->vm);
}

static struct tome_page *
page_at(struct fakefile *f, tome_pgoff_t pg)
{
	return tome_page(f->object->vm, tome_pagetree_find(
	    &f->object->vnode->tree, pg).pfn);
}

static void
a_borrowed_page_is_not_evicted(void **state)
{
	struct rig *r = *state;
	struct fakefile f;
	tome_pfn_t held;

	fakefile_open(&f, r->vm, 4 * PAGE);
	assert_int_equal(tome_object_get(f.object, 0, false, &held), TOME_OK);
	assert_int_equal(tome_cache_evict(r->vm, tome_page(r->vm, held),
	    TOME_EVICT_ANY), TOME_EVICT_KEPT);
	tome_object_put(f.object, held, false);
	assert_int_equal(tome_cache_evict(r->vm, tome_page(r->vm, held),
	    TOME_EVICT_ANY), TOME_EVICT_FREED);
	fakefile_close(&f, r->vm);
}

/* What a transfer uses stays: it is not written twice at once, dropped or evicted. */
static void
a_page_in_a_transfer_is_left_alone(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PAGE);
	poke(&f, 0, 0x01);
	f.queued = true;
	assert_int_equal(tome_object_sync(f.object, 0, 0, false), TOME_OK);
	poke(&f, 0, 0x02);
	assert_int_equal(tome_object_sync(f.object, 0, 0, false), TOME_OK);
	assert_int_equal(f.writes, 1);
	assert_int_equal(fakefile_pages(&f).dirty, 1);
	assert_int_equal(tome_cache_evict(r->vm, page_at(&f, 0),
	    TOME_EVICT_ANY), TOME_EVICT_BUSY);
	assert_int_equal(tome_object_discard_clean(f.object, 0, 1), 0);
	assert_int_equal(fakefile_run(&f, false), 1);
	tome_io_run(r->vm);
	f.queued = false;
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(f.store[0], 0x02);
	fakefile_close(&f, r->vm);
}

/* Who was told to modify a page that left, and is being read again, has not yet. */
static void
a_page_being_read_is_not_dirty(void **state)
{
	struct rig *r = *state;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PAGE);
	f.queued = true;
	tome_object_willneed(f.object, 0, 1);
	assert_int_equal(tome_vnode_notify(f.object, 0), TOME_OK);
	assert_int_equal(fakefile_pages(&f).dirty, 0);
	assert_false(f.object->ops->present(f.object, 0));
	assert_int_equal(fakefile_run(&f, false), 1);
	tome_io_run(r->vm);
	assert_true(f.object->ops->present(f.object, 0));
	assert_int_equal(tome_vnode_notify(f.object, 0), TOME_OK);
	assert_int_equal(fakefile_pages(&f).dirty, 1);
	fakefile_close(&f, r->vm);
}

/* Truncation has no more patience than the pager: the page goes with its transfer. */
static void
a_transfer_ends_beyond_the_end(void **state)
{
	struct rig *r = *state;
	struct tome_files *files;
	struct fakefile f;

	fakefile_open(&f, r->vm, 40 * PAGE);
	files = r->vm->objects->files;
	f.object->vnode->pager.patience = 1000000;
	poke(&f, 2 * PAGE, 0x01);
	f.queued = true;
	assert_int_equal(tome_object_sync(f.object, 0, 0, false), TOME_OK);
	tome_object_willneed(f.object, 20, 1);
	assert_int_equal(f.nqueue, 2);
	assert_int_equal(files->writing, 1);
	assert_int_equal(tome_object_resize(f.object, PAGE), TOME_OK);
	assert_int_equal(fakefile_pages(&f).resident, 3);
	assert_null(tome_vm_check(r->vm));	/* these may be there */
	assert_int_equal(fakefile_run(&f, false), 2);
	tome_io_run(r->vm);
	assert_int_equal(fakefile_pages(&f).resident, 1);
	assert_int_equal(files->writing, 0);
	fakefile_close(&f, r->vm);
}

/* Written out between being borrowed and being given back: that is dirty again, and
 * new code. */
static void
a_borrower_may_write_late(void **state)
{
	struct rig *r = *state;
	struct tome_page *page;
	struct fakefile f;
	tome_pfn_t held;

	fakefile_open(&f, r->vm, 4 * PAGE);
	assert_int_equal(tome_object_get(f.object, 1, true, &held), TOME_OK);
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(fakefile_pages(&f).dirty, 0);
	page = tome_page(r->vm, held);
	tome_and(&page->state, ~(TOME_PAGE_STALE_CODE | TOME_PAGE_ACCESSED));
	*(uint8_t *)tome_frame_va(r->vm, held) = 0x66;
	tome_object_put(f.object, held, true);
	assert_int_equal(fakefile_pages(&f).dirty, 1);
	assert_true(tome_vpage_is(page, TOME_PAGE_STALE_CODE));
	assert_true(tome_vpage_is(page, TOME_PAGE_ACCESSED));
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(f.store[PAGE], 0x66);
	fakefile_close(&f, r->vm);
}

/* The recount of files' pages sees what it is for. */
static void
the_recount_sees(void **state)
{
	struct rig *r = *state;
	struct tome_page *page;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PAGE);
	assert_int_equal(byte_at(&f, 0), 1);
	page = page_at(&f, 0);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t bit = i == 0 ? TOME_PAGE_STRAY : TOME_PAGE_LOCK;

		tome_or(&page->state, bit);
		assert_string_equal(tome_vm_check(r->vm),
		    "3: a file's page is not its own");
		tome_and(&page->state, ~bit);
	}
	f.object->vnode->tree.resident++;
	assert_string_equal(tome_vm_check(r->vm),
	    "11: a file's pages are not as many as counted");
	f.object->vnode->tree.resident--;
	poke(&f, 0, 1);
	f.object->vnode->tree.tagged[TOME_PAGETAG_DIRTY]--;
	assert_string_equal(tome_vm_check(r->vm),
	    "11: a file's pages are not as many as counted");
	f.object->vnode->tree.tagged[TOME_PAGETAG_DIRTY]++;
	assert_null(tome_vm_check(r->vm));
	fakefile_close(&f, r->vm);
}

/* The instance knows how much there is to be written, whatever becomes of it. */
static void
the_dirty_are_counted(void **state)
{
	struct rig *r = *state;
	struct tome_files *files;
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PAGE);
	files = r->vm->objects->files;
	for (unsigned i = 0; i < 8; i++)
		poke(&f, i * PAGE, 0x01);
	assert_int_equal(files->dirty, 8);
	assert_int_equal(tome_object_punch(f.object, 0, 2), TOME_OK);
	assert_int_equal(files->dirty, 6);
	assert_int_equal(tome_object_sync(f.object, 2, 2, true), TOME_OK);
	assert_int_equal(files->dirty, 4);
	assert_int_equal(tome_object_resize(f.object, 5 * PAGE), TOME_OK);
	assert_int_equal(files->dirty, 1);
	fakefile_close(&f, r->vm);
	assert_int_equal(files->dirty, 0);
	assert_int_equal(files->writing, 0);
}

/* Far apart, so that the tree has several levels; and back to nothing. */
static void
the_tree_grows_and_shrinks(void **state)
{
	struct rig *r = *state;
	static const tome_pgoff_t at[] = { 0, 63, 64, 4095, 4096, 300000,
		16777216, 4294967290u };
	const unsigned n = sizeof at / sizeof at[0];
	struct tome_pagetree t = { 0 };
	struct fakefile f;
	uint64_t index = 0;

	fakefile_open(&f, r->vm, PAGE);		/* makes the node cache */
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(tome_pagetree_insert(r->vm, &t,
		    at[n - 1 - i], (tome_pfn_t)(n - i)), TOME_OK);
	assert_int_equal(tome_pagetree_insert(r->vm, &t, 64, 5), TOME_EEXIST);
	for (unsigned i = 0; i < n; i++, index++) {
		assert_true(tome_pagetree_next(&t, &index, UINT64_MAX,
		    TOME_PAGETAGS));
		assert_int_equal(index, at[i]);
		assert_int_equal(tome_pagetree_find(&t, at[i]).pfn, i + 1);
	}
	assert_false(tome_pagetree_next(&t, &index, UINT64_MAX,
	    TOME_PAGETAGS));
	tome_pagetree_lock(r->vm, &t);
	assert_true(tome_pagetree_tag(&t, 300000, TOME_PAGETAG_DIRTY, true));
	assert_false(tome_pagetree_tag(&t, 300000, TOME_PAGETAG_DIRTY, true));
	index = 0;
	assert_true(tome_pagetree_next(&t, &index, UINT64_MAX,
	    TOME_PAGETAG_DIRTY));
	assert_int_equal(index, 300000);
	assert_true(tome_pagetree_tag(&t, 300000, TOME_PAGETAG_DIRTY, false));
	index = 0;
	assert_false(tome_pagetree_next(&t, &index, UINT64_MAX,
	    TOME_PAGETAG_DIRTY));
	for (unsigned i = 0; i < n; i++)
		tome_pagetree_remove(r->vm, &t, at[i]);
	tome_pagetree_unlock(r->vm, &t);
	assert_null(t.root);
	fakefile_close(&f, r->vm);
}

/* Nodes made for a page that there was no memory to go on to: they go with the tree. */
static void
what_was_made_for_nothing_goes(void **state)
{
	struct rig *r = *state;
	struct tome_pagetree t = { 0 };
	enum tome_err err = TOME_ENOMEM;
	struct fakefile f;
	unsigned n = 0;

	fakefile_open(&f, r->vm, PAGE);
	while (err != TOME_OK) {
		hosted_fail_alloc(r->machine, "object", ++n, false);
		/* Two pages far from each other: nodes between. */
		err = tome_pagetree_insert(r->vm, &t, 0, 1);
		if (err == TOME_OK) {
			err = tome_pagetree_insert(r->vm, &t, 1 << 20, 2);
			tome_pagetree_lock(r->vm, &t);
			if (err == TOME_OK)
				tome_pagetree_remove(r->vm, &t, 1 << 20);
			tome_pagetree_remove(r->vm, &t, 0);
			tome_pagetree_unlock(r->vm, &t);
		}
		tome_pagetree_end(r->vm, &t);
		assert_null(t.root);
	}
	assert_true(n > 3);
	fakefile_close(&f, r->vm);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_end)
	const struct CMUnitTest tests[] = {
		T(reads_through_the_cache),
		T(reads_ahead),
		T(an_opener_reads_ahead),
		T(what_is_lost_is_not_read_ahead),
		T(what_an_opener_loses_he_reads_later),
		T(writes_reach_the_store),
		T(syncs_a_range_only),
		T(waiting_writes_nothing),
		T(dirty_pages_outlive_the_last_name),
		T(a_page_modified_while_written_is_written_again),
		T(a_failed_read_is_told_and_forgotten),
		T(each_opener_hears_of_an_error_once),
		T(a_refused_write_changes_nothing),
		T(truncation_drops_pages),
		T(a_hole_is_read_again),
		T(clean_pages_can_be_dropped),
		T(a_borrowed_page_survives_truncation),
		T(a_page_in_the_making_stays),
		T(pages_are_evicted),
		T(a_borrowed_page_is_not_evicted),
		T(a_page_in_a_transfer_is_left_alone),
		T(a_page_being_read_is_not_dirty),
		T(a_transfer_ends_beyond_the_end),
		T(a_borrower_may_write_late),
		T(the_recount_sees),
		T(the_dirty_are_counted),
		T(the_tree_grows_and_shrinks),
		T(what_was_made_for_nothing_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
