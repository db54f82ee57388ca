/*
 * rig.c - all layers on the hosted machine, and a swap device in memory.
 */
#include <boot.h>

#include "rig.h"

int
rig_setup(void **state)
{
	return rig_setup_machine(state, (struct hosted_config){
		.ncpus = RIG_CPUS });
}

int
rig_setup_machine(void **state, struct hosted_config config)
{
	struct rig *r = calloc(1, sizeof *r);

	config.ram = 2048 * TOME_PAGE_SIZE;
	config.quiet = true;
	r->machine = hosted_create(&config);
	assert_int_equal(hosted_vm_create(r->machine, &r->vm), TOME_OK);
	assert_int_equal(tome_kmem_start(r->vm), TOME_OK);
	assert_int_equal(tome_map_start(r->vm), TOME_OK);
	assert_int_equal(tome_paging_start(r->vm), TOME_OK);
	*state = r;
	return 0;
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;
	struct tome_stats s;

	rig_check(r);
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.anons, 0);
	assert_int_equal(s.frames_anon, 0);
	assert_int_equal(hosted_vm_destroy(r->machine, r->vm), 0);
	hosted_destroy(r->machine);
	for (unsigned d = 0; d < 2; d++)
		free(r->disk[d].bytes);
	free(r);
	return 0;
}

/* ---- the device ---- */

static bool
counts_down(_Atomic unsigned *n)
{
	unsigned now = *n;

	while (now > 0)
		if (atomic_compare_exchange_strong(n, &now, now - 1))
			return now == 1;
	return false;
}

static void
disk_transfer(struct disk *d, struct tome_io *io)
{
	uint64_t at = io->at;
	bool read = io->op == TOME_IO_READ;

	if (counts_down(read ? &d->fail_read : &d->fail_write) ||
	    (!read && d->bad >= at / PG && d->bad < at / PG + io->n)) {
		tome_io_done(io, TOME_EIO);
		return;
	}
	for (unsigned i = 0; i < io->n; i++, at += PG) {
		uint8_t *page = tome_frame_window(io->vm, io->vec[i].pfn);

		assert_true(at + PG <= d->pages * PG);
		if (read)
			memcpy(page, d->bytes + at, PG);
		else
			memcpy(d->bytes + at, page, PG);
		tome_frame_window_end(io->vm, io->vec[i].pfn, page);
	}
	tome_io_done(io, TOME_OK);
}

static void
disk_start(void *ctx, struct tome_io *io)
{
	struct disk *d = ctx;

	if (io->op == TOME_IO_READ)
		d->reads++;
	else
		d->writes++;
	if (!d->queued) {
		disk_transfer(d, io);
		return;
	}
	assert_true(d->nqueue < RIG_QUEUE);
	d->queue[d->nqueue++] = io;
}

static void
disk_cancel(void *ctx, struct tome_io *io)
{
	struct disk *d = ctx;

	(void)io;
	d->cancelled++;
}

unsigned
disk_run(struct disk *d, bool reversed)
{
	unsigned n = d->nqueue;

	d->nqueue = 0;
	for (unsigned i = 0; i < n; i++)
		disk_transfer(d, d->queue[reversed ? n - 1 - i : i]);
	return n;
}

void
rig_swapon(struct rig *r, unsigned d, uint64_t pages, int priority)
{
	struct disk *disk = &r->disk[d];

	disk->bytes = malloc((size_t)(pages * PG));
	assert_non_null(disk->bytes);
	disk->pages = pages;
	disk->bad = UINT64_MAX;
	disk->device = (struct tome_swap_device){ .max_pages = 8,
		.start = disk_start, .cancel = disk_cancel };
	assert_int_equal(tome_swap_add(r->vm, &disk->device, disk, pages, 1,
	    priority, &disk->id), TOME_OK);
}

/* ---- spaces ---- */

struct tome_map *
rig_map(struct rig *r)
{
	struct tome_map *map;

	assert_int_equal(tome_map_create(r->vm, NULL, &map), TOME_OK);
	return map;
}

void
rig_enter(struct tome_map *map, unsigned first, unsigned pages, unsigned flags)
{
	struct tome_map_request rq = { .addr = AT + first * PG,
		.len = pages * PG, .prot = RW, .flags = TOME_MAP_FIXED | flags };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
}

void
rig_poke(struct tome_map *map, unsigned n, uint8_t byte)
{
	size_t done;

	assert_int_equal(tome_map_write(map, AT + n * PG, &byte, 1, false,
	    &done), TOME_OK);
}

int
rig_peek(struct tome_map *map, unsigned n)
{
	enum tome_err err = tome_fault(map, AT + n * PG, TOME_PROT_READ);
	uint8_t byte;
	size_t done;

	if (err == TOME_OK)
		err = tome_map_read(map, AT + n * PG, &byte, 1, false, &done);
	return err == TOME_OK ? byte : -(int)err;
}

void
rig_page_out(struct rig *r, struct tome_map *map, unsigned first,
    unsigned pages)
{
	(void)tome_map_page_out(map, AT + first * PG, pages * PG);
	tome_vm_quiesce(r->vm, true);
}

void
rig_check(struct rig *r)
{
	tome_io_run(r->vm);
	tome_vm_quiesce(r->vm, true);
	assert_null(tome_vm_check(r->vm));
}

struct tome_swap_stats
rig_swap(struct rig *r, unsigned d)
{
	struct tome_swap_stats s;

	assert_true(tome_swap_stats(r->vm, r->disk[d].id, &s));
	return s;
}

uint64_t
rig_anon_frames(struct rig *r)
{
	struct tome_stats s;

	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	return s.frames_anon;
}
