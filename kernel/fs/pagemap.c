/*
 * pagemap.c - /proc/PID/pagemap: a word for each page of a space, which says where the
 * page is. (Linux, Documentation/admin-guide/mm/pagemap.rst.)
 *
 * Frames are told to who may administer. Where in swap a page is, is told to nobody.
 */
#include <fs/proc.h>
#include <lib.h>
#include <process.h>

#define PRESENT ((uint64_t)1 << 63)
#define SWAPPED ((uint64_t)1 << 62)
#define FILE_OR_SHARED ((uint64_t)1 << 61)
#define MAPPED_ONCE ((uint64_t)1 << 56)
#define FRAME_MASK (((uint64_t)1 << 55) - 1)

#define AT_ONCE 32u			/* words */

static uint64_t
word_of(struct tome_map *map, tome_va_t va, bool frames)
{
	struct tome_translation t;
	struct tome_usage u;
	uint64_t word = PRESENT;

	tome_map_usage(map, va, va + TOME_PAGE_SIZE, &u);
	if (u.swapped != 0)
		return SWAPPED;
	if (!tome_pmap_extract(tome_map_pmap(map), va, &t))
		return u.swapped_shared != 0 ? SWAPPED | FILE_OR_SHARED : 0;
	if (frames)
		word |= (t.pa >> TOME_PAGE_SHIFT) & FRAME_MASK;
	if (u.resident != 0 && u.anonymous == 0)
		word |= FILE_OR_SHARED;
	if (u.private_clean + u.private_dirty != 0)
		word |= MAPPED_ONCE;
	return word;
}

/* Of so many pages: what is mapped nowhere has zeroes, and is not looked at singly. */
static void
words_of(struct tome_map *map, uint64_t first, unsigned n, bool frames,
    uint64_t *words)
{
	tome_va_t va = (tome_va_t)first << TOME_PAGE_SHIFT;
	struct tome_region r;

	memset(words, 0, n * sizeof *words);
	if (tome_map_lookup(map, va, &r) != TOME_OK)
		return;
	for (unsigned i = 0; i < n; i++, va += TOME_PAGE_SIZE)
		if (va >= r.start)
			words[i] = word_of(map, va, frames);
}

static bool
may_look(const struct space *s)
{
	return s == current_process()->space ||
	    cred_can(&current_process()->cred, CAP_SYS_PTRACE);
}

int64_t
pagemap_read(int pid, struct ubuf to, size_t n, uint64_t *pos)
{
	bool frames = cred_can(&current_process()->cred, CAP_SYS_ADMIN);
	struct space *s = proc_space(pid);
	uint64_t first = *pos / sizeof(uint64_t), words[AT_ONCE];
	uint64_t end = USER_TOP >> TOME_PAGE_SHIFT;
	size_t left = n / sizeof(uint64_t), done = 0;
	int64_t err = 0;

	if (s == NULL)
		return 0;
	if (!may_look(s))
		err = -EACCES;
	else if ((*pos | n) % sizeof(uint64_t) != 0)
		err = -EINVAL;
	if (first >= end)
		left = 0;
	else if (left > end - first)
		left = (size_t)(end - first);
	while (err == 0 && done < left) {
		unsigned k = left - done < AT_ONCE ? (unsigned)(left - done) :
		    AT_ONCE;

		words_of(s->map, first + done, k, frames, words);
		err = ubuf_put(to, done * sizeof *words, words,
		    k * sizeof *words);
		done += err == 0 ? k : 0;
	}
	space_unref(s);
	if (err != 0 && done == 0)
		return err;
	*pos += done * sizeof *words;
	return (int64_t)(done * sizeof *words);
}
