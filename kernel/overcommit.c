/*
 * overcommit.c - see overcommit.h.
 *
 * Locks: one for the settings, so that what Tome is told agrees with them.
 */
#include <abi.h>
#include <lib.h>
#include <machine.h>
#include <overcommit.h>
#include <swap.h>
#include <sync.h>
#include <system.h>

#include <tome/map.h>

static struct mutex settings_lock;
static uint64_t setting[OVERCOMMIT_SETTINGS];

static uint64_t
all_pages(void)
{
	struct tome_stats s;

	tome_vm_stats(the_vm, &s);
	return s.frames_total;
}

static uint64_t
swap_pages(void)
{
	uint64_t pages, used;

	swap_totals(&pages, &used);
	return pages;
}

uint64_t
overcommit_limit(void)
{
	uint64_t kbytes = setting[OVERCOMMIT_KBYTES];

	if (kbytes != 0)
		return (kbytes >> (TOME_PAGE_SHIFT - 10)) + swap_pages();
	return all_pages() * setting[OVERCOMMIT_RATIO] / 100 + swap_pages();
}

static void
renew_locked(void)
{
	enum tome_overcommit mode =
	    (enum tome_overcommit)setting[OVERCOMMIT_MEMORY];

	tome_commit_set(the_vm, mode, mode == TOME_OVERCOMMIT_NEVER ?
	    overcommit_limit() : all_pages() + swap_pages());
}

void
overcommit_renew(void)
{
	mutex_lock(&settings_lock);
	renew_locked();
	mutex_unlock(&settings_lock);
}

void
overcommit_begin(void)
{
	setting[OVERCOMMIT_MEMORY] = TOME_OVERCOMMIT_HEURISTIC;
	setting[OVERCOMMIT_RATIO] = 50;
	overcommit_renew();
}

uint64_t
overcommit_get(enum overcommit_setting which)
{
	return setting[which];
}

int
overcommit_set(enum overcommit_setting which, uint64_t value)
{
	if (which == OVERCOMMIT_MEMORY && value > TOME_OVERCOMMIT_NEVER)
		return -EINVAL;
	mutex_lock(&settings_lock);
	setting[which] = value;
	if (which == OVERCOMMIT_RATIO)
		setting[OVERCOMMIT_KBYTES] = 0;
	if (which == OVERCOMMIT_KBYTES && value != 0)
		setting[OVERCOMMIT_RATIO] = 0;
	renew_locked();
	mutex_unlock(&settings_lock);
	return 0;
}
