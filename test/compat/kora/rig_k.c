/*
 * rig_k.c - see rig_k.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rig_k.h"

_Thread_local int k_errno;
char k_log[64][160];
unsigned k_lines;
mspace_t *k_ms;

static struct tome_object *
content(struct inode *ino)
{
	return ino->content;
}

static void
set_errno(int e)
{
	k_errno = e;
}

static void
on_log(const char *line)
{
	if (k_lines < 64)
		snprintf(k_log[k_lines++], sizeof k_log[0], "%s", line);
}

const struct compat_kora_hooks k_hooks = { .content = content,
	.set_errno = set_errno, .log = on_log };

static enum tome_err
vector(void *arg, tome_va_t va, tome_prot_t access)
{
	int reason = access == TOME_PROT_WRITE ? PGFLT_WRITE : PGFLT_MISSING;

	(void)arg;
	if (access == TOME_PROT_EXEC && mmu_read(va, false, false) != 0)
		reason = PGFLT_ERROR;
	return page_fault(k_ms, va, reason) == 0 ? TOME_OK : TOME_EFAULT;
}

static enum tome_err
kernel_vector(void *arg, tome_va_t va, tome_prot_t access)
{
	return vector(arg, (tome_va_t)(uintptr_t)tome_kva_ptr(rig.vm, va),
	    access);
}

void
k_pointers(void)
{
	hosted_on_kernel_fault(kernel_vector, NULL);
}

int
k_up(void **state)
{
	struct compat_kora_hooks hooks = k_hooks;

	(void)state;
	k_lines = 0;
	rig_open((uint64_t)64 << 20, 2, vector);
	hooks.kernel_lo = rig.kernel_lo;
	hooks.kernel_hi = rig.kernel_hi;
	assert_int_equal(compat_kora_start(rig.vm, &hooks), TOME_OK);
	k_ms = DID(mspace_create());
	assert_non_null(k_ms);
	for (unsigned cpu = 2; cpu-- > 0;) {
		hosted_become(rig.machine, cpu);
		mmu_context(k_ms);
	}
	return 0;
}

int
k_down(void **state)
{
	(void)state;
	hosted_on_kernel_fault(NULL, NULL);
	for (unsigned cpu = 2; cpu-- > 0;) {
		hosted_become(rig.machine, cpu);
		mmu_context(NULL);
	}
	compat_kora_stop();
	rig_close();
	return 0;
}

inode_t *
k_file(size_t n)
{
	struct inode *ino = malloc(sizeof *ino);
	char page[PAGE_SIZE];
	size_t done;

	assert_int_equal(tome_object_create_anon(rig.vm, n * PG, NULL, 0,
	    &ino->content), TOME_OK);
	for (size_t i = 0; i < n; i++) {
		memset(page, 'a' + (int)i, sizeof page);
		assert_int_equal(tome_object_write(ino->content, i * PG, page,
		    sizeof page, &done), TOME_OK);
	}
	return ino;
}

int
k_file_byte(inode_t *ino, size_t at)
{
	unsigned char byte;
	size_t done;

	assert_int_equal(tome_object_read(ino->content, at, &byte, 1, &done),
	    TOME_OK);
	return byte;
}

void
k_file_end(inode_t *ino)
{
	tome_object_unref(ino->content);
	free(ino);
}

#define AREAS 1000

/* In order: a search moves what it finds to the root. */
static void
list(bbnode_t *n, vma_t **areas, int *count)
{
	if (n == NULL)
		return;
	list(n->left_, areas, count);
	assert_true(*count < AREAS);
	areas[(*count)++] = (vma_t *)n;
	list(n->right_, areas, count);
}

void
k_count(mspace_t *ms)
{
	vma_t *areas[AREAS];
	size_t v = 0, s = 0, end = 0;
	int count = 0;

	list(ms->tree.root_, areas, &count);
	for (int i = 0; i < count; i++) {
		vma_t *vma = areas[i];
		size_t start = vma->node.value_;

		assert_true(start >= end);
		end = start + vma->length;
		assert_ptr_equal(mspace_search_vma(ms, start), vma);
		assert_ptr_equal(mspace_search_vma(ms, end - 1), vma);
		v += vma->length / PG;
		s += vma->flags & VMA_SHARED ? vma->length / PG : 0;
	}
	assert_int_equal(ms->v_size, v);
	assert_int_equal(ms->s_size, s);
	assert_int_equal(ms->p_size, v - s);
	assert_int_equal(ms->tree.count_, count);
	if (ms == kMMU.kspace)
		return;
	/* By the page tables of the space, not by the facade's own sums. */
	assert_int_equal(ms->phys_pg_count, tome_pmap_resident(
	    (struct tome_pmap *)(uintptr_t)ms->directory));
}

size_t
k_map(size_t at, size_t len, inode_t *ino, off_t offset, off_t limit,
    int flags)
{
	void *p = DID(mspace_map(k_ms, at, len, ino, offset, limit, flags));

	assert_non_null(p);
	assert_int_equal(k_errno, 0);
	k_count(k_ms);
	return (size_t)p;
}

void
k_refused(int error, size_t at, size_t len, inode_t *ino, off_t offset,
    off_t limit, int flags)
{
	mspace_t before = *k_ms;

	k_errno = 0;
	assert_null(DID(mspace_map(k_ms, at, len, ino, offset, limit,
	    flags)));
	assert_int_equal(k_errno, error);
	assert_memory_equal(k_ms, &before, sizeof before);
	k_count(k_ms);
}
