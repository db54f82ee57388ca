/*
 * list.c - where a page is mapped, as a list (see tome_page_list()), and whose that is.
 */
#include <pmap/reverse.h>

struct listing {
	struct tome_reverse reverse;
	struct tome_mapping *list;
	size_t n, max;
};

/* A walk may come twice to what it has seen. */
static tome_cold bool
act_list(struct tome_reverse *r, struct tome_leaf *l, size_t i)
{
	struct listing *w = tome_container(r, struct listing, reverse);
	tome_va_t va = l->base + ((tome_va_t)i << TOME_PAGE_SHIFT);

	for (size_t k = 0; k < w->n && k < w->max; k++)
		if (w->list[k].pmap == l->pmap && w->list[k].va == va)
			return false;
	if (w->n < w->max)
		w->list[w->n] = (struct tome_mapping){ .pmap = l->pmap,
			.tag = l->pmap->tag, .va = va,
			.prot = tome_leaf_read(l, va).prot };
	w->n++;
	return false;
}

size_t
tome_page_list(struct tome_vm *vm, tome_pfn_t pfn, struct tome_mapping *out,
    size_t max)
{
	struct listing w = {.reverse = {.vm = vm, .act = act_list},
		.list = out, .max = max};

	tome_reverse_walk(&w.reverse, &pfn, 1);
	return w.n;
}

void
tome_pmap_set_tag(struct tome_pmap *pmap, void *tag)
{
	pmap->tag = tag;
}
