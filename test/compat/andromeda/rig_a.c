/*
 * rig_a.c - see rig_a.h.
 */
#include <stdio.h>

#include "rig_a.h"

char a_log[64][160];
unsigned a_lines;

static void
on_log(const char *line)
{
	if (a_lines < 64)
		snprintf(a_log[a_lines++], sizeof a_log[0], "%s", line);
}

static enum tome_err
user_vector(void *arg, tome_va_t va, tome_prot_t access)
{
	(void)arg;
	return (access == TOME_PROT_WRITE ? vm_user_fault_write(va, 0) :
	    vm_user_fault_read(va, 0)) == 0 ? TOME_OK : TOME_EFAULT;
}

static enum tome_err
kernel_vector(void *arg, tome_va_t va, tome_prot_t access)
{
	addr_t p = (addr_t)tome_kva_ptr(rig.vm, va);

	(void)arg;
	return (access == TOME_PROT_WRITE ? vm_kernel_fault_write(p, 0) :
	    vm_kernel_fault_read(p, 0, 0)) == 0 ? TOME_OK : TOME_EFAULT;
}

void
a_open(bool clean_frees)
{
	static char image[4];
	struct compat_andromeda_config config = { .ncpus = 2, .log = on_log,
		.clean_frees = clean_frees,
		.code = { P((uintptr_t)image & ~(uintptr_t)0xfff), 0x5000 },
		.data = { P(0x7000000), 0x4000 },
		.pd = { P(0x7100000), 0x1000 },
		.stack = { P(0x7200000), 0x2000 } };

	a_lines = 0;
	rig_open((uint64_t)64 << 20, 2, user_vector);
	config.kernel_lo = rig.kernel_lo;
	config.kernel_hi = rig.kernel_hi;
	assert_int_equal(compat_andromeda_start(rig.vm, &config), TOME_OK);
	hosted_become(rig.machine, 1);
	compat_andromeda_cpu(1);
	hosted_become(rig.machine, 0);
	compat_andromeda_cpu(0);
}

void
a_pointers(void)
{
	hosted_on_kernel_fault(kernel_vector, NULL);
}

int
a_up(void **state)
{
	(void)state;
	a_open(false);
	assert_int_equal(DID(vm_init()), SUCCESS);
	return 0;
}

int
a_down(void **state)
{
	(void)state;
	hosted_on_kernel_fault(NULL, NULL);
	for (unsigned cpu = 2; cpu-- > 0;) {
		hosted_become(rig.machine, cpu);
		tome_pmap_switch(tome_pmap_kernel(rig.vm));
	}
	compat_andromeda_stop();
	rig_close();
	return 0;
}

struct vm_segment *
a_task(size_t n)
{
	struct vm_descriptor *d = DID(vm_new(1));
	struct vm_segment *s = DID(vm_new_segment(P(AT), n * G, d));

	assert_non_null(s);
	assert_int_equal(DID(vm_segment_load(0, s)), SUCCESS);
	return s;
}

static size_t
sum(struct vm_segment *s, struct vm_range_descriptor *r)
{
	struct vm_range_descriptor *before = NULL;
	size_t total = 0;

	for (; r != NULL; before = r, r = r->next) {
		assert_ptr_equal(r->parent, s);
		assert_ptr_equal(r->prev, before);
		assert_true((char *)r->base >= (char *)s->virt_base);
		assert_true((char *)r->base + r->size <=
		    (char *)s->virt_base + s->size);
		total += r->size;
	}
	return total;
}

/* No two ranges overlap; no two free ones touch. */
static void
disjoint(struct vm_range_descriptor *a, struct vm_range_descriptor *b,
    bool both_free)
{
	for (; a != NULL; a = a->next)
		for (struct vm_range_descriptor *o = b; o != NULL; o = o->next)
			if (o != a) {
				char *end = (char *)a->base + a->size;
				char *other = (char *)o->base + o->size;

				assert_true(end <= (char *)o->base ||
				    other <= (char *)a->base);
				assert_false(both_free && end == o->base);
			}
}

unsigned
a_count(struct vm_segment *s, struct vm_range_descriptor *list)
{
	unsigned n = 0;

	assert_int_equal(sum(s, s->free) + sum(s, s->allocated) +
	    sum(s, s->mapped), s->size);
	disjoint(s->free, s->free, true);
	disjoint(s->allocated, s->allocated, false);
	disjoint(s->mapped, s->mapped, false);
	disjoint(s->free, s->allocated, false);
	disjoint(s->free, s->mapped, false);
	disjoint(s->allocated, s->mapped, false);
	for (; list != NULL; list = list->next)
		n++;
	return n;
}
