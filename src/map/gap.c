/*
 * gap.c - finding room in O(log n): the highest or lowest gap that fits.
 *
 * The gap of an entry lies below it. A search visits the gap at the window's edge
 * first, then walks from gap to gap in order, skipping every subtree whose cached
 * largest gap is too small.
 *
 * Locks: the map's.
 */
#include <map/node.h>

struct want {
	tome_va_t len, align, lo, hi;
	uint32_t need;			/* pages, saturated */
};

static bool search_highest(struct tome_tree *, struct want *, tome_va_t room,
    tome_va_t *out);
static bool search_lowest(struct tome_tree *, struct want *, tome_va_t room,
    tome_va_t *out);
static bool prev_big(struct tome_path *, uint32_t need);
static bool next_big(struct tome_path *, uint32_t need);

/* A window of the tree's bounds and the caller's; false: too small. */
static bool
want_init(struct tome_tree *tr, struct want *w, tome_va_t len, tome_va_t align,
    tome_va_t lo, tome_va_t hi)
{
	w->len = len;
	w->align = align < TOME_PAGE_SIZE ? TOME_PAGE_SIZE : align;
	w->lo = lo > tr->lo ? lo : tr->lo;
	w->hi = hi < tr->hi ? hi : tr->hi;
	return w->lo < w->hi && len <= w->hi - w->lo;
}

/*
 * With an alignment, a gap that fits whatever its place comes first; only if
 * there is none are all gaps tried that may fit.
 */
bool
tome_tree_gap_highest(struct tome_tree *tr, tome_va_t len, tome_va_t align,
    tome_va_t lo, tome_va_t hi, tome_va_t *out)
{
	struct want w;

	if (!want_init(tr, &w, len, align, lo, hi))
		return false;
	if (w.align > TOME_PAGE_SIZE && len + w.align > len &&
	    search_highest(tr, &w, len + w.align - TOME_PAGE_SIZE, out))
		return true;
	return search_highest(tr, &w, len, out);
}

bool
tome_tree_gap_lowest(struct tome_tree *tr, tome_va_t len, tome_va_t align,
    tome_va_t lo, tome_va_t hi, tome_va_t *out)
{
	struct want w;

	if (!want_init(tr, &w, len, align, lo, hi))
		return false;
	if (w.align > TOME_PAGE_SIZE && len + w.align > len &&
	    search_lowest(tr, &w, len + w.align - TOME_PAGE_SIZE, out))
		return true;
	return search_lowest(tr, &w, len, out);
}

static bool
fits_high(const struct want *w, tome_va_t from, tome_va_t to, tome_va_t *out)
{
	from = from > w->lo ? from : w->lo;
	to = to < w->hi ? to : w->hi;
	if (from >= to || to - from < w->len)
		return false;
	*out = (to - w->len) & ~(w->align - 1);
	return *out >= from;
}

static bool
fits_low(const struct want *w, tome_va_t from, tome_va_t to, tome_va_t *out)
{
	from = from > w->lo ? from : w->lo;
	to = to < w->hi ? to : w->hi;
	*out = (from + w->align - 1) & ~(w->align - 1);
	return *out >= from && *out < to && to - *out >= w->len;
}

/* The gap below the path's entry. */
static tome_va_t
path_gap(const struct tome_path *pa, tome_va_t *to)
{
	*to = pa->node[0]->start[pa->at[0]];
	return leaf_gap_start(pa->node[0], pa->at[0]);
}

static bool
search_highest(struct tome_tree *tr, struct want *w, tome_va_t room,
    tome_va_t *out)
{
	struct tome_path pa;
	tome_va_t from, to;

	w->need = gap_pages(0, room);
	if (fits_high(w, tr->last_end, tr->hi, out))
		return true;
	/* The first entry at or above hi has the gap at the edge below it. */
	tome_path_to(tr, w->hi - 1, &pa);
	if (pa.height == 0)
		return false;
	if (pa.at[0] < pa.node[0]->n || tome_path_next_leaf(&pa)) {
		from = path_gap(&pa, &to);
		if (fits_high(w, from, to, out))
			return true;
	}
	while (prev_big(&pa, w->need)) {
		from = path_gap(&pa, &to);
		if (to <= w->lo)
			break;
		if (fits_high(w, from, to, out))
			return true;
	}
	return false;
}

static bool
search_lowest(struct tome_tree *tr, struct want *w, tome_va_t room,
    tome_va_t *out)
{
	struct tome_path pa;
	tome_va_t from, to;
	bool some;

	w->need = gap_pages(0, room);
	/* The first entry that starts above lo; the window begins in its gap, or
	 * in the entry before. */
	tome_path_to(tr, w->lo, &pa);
	some = pa.height > 0 &&
	    (pa.at[0] < pa.node[0]->n || tome_path_next_leaf(&pa));
	for (; some; some = next_big(&pa, w->need)) {
		from = path_gap(&pa, &to);
		if (from >= w->hi)
			return false;
		if (fits_low(w, from, to, out))
			return true;
	}
	return fits_low(w, tr->last_end, tr->hi, out);
}

/* ---- from gap to gap ---- */

static bool
leaf_big(const struct tome_node *nd, unsigned i, uint32_t need)
{
	return gap_pages(leaf_gap_start(nd, i), nd->start[i]) >= need;
}

/* The last child of node[l] before the path's whose gap may do; false: none. */
static bool
prev_child(struct tome_path *pa, unsigned l, uint32_t need)
{
	unsigned i = pa->at[l];

	while (i-- > 0)
		if (l > 0 ? pa->node[l]->gap[i] >= need :
		    leaf_big(pa->node[0], i, need)) {
			pa->at[l] = i;
			return true;
		}
	return false;
}

static bool
next_child(struct tome_path *pa, unsigned l, uint32_t need, unsigned from)
{
	for (unsigned i = from; i < pa->node[l]->n; i++)
		if (l > 0 ? pa->node[l]->gap[i] >= need :
		    leaf_big(pa->node[0], i, need)) {
			pa->at[l] = i;
			return true;
		}
	return false;
}

/* To the entry before the path's with a gap of `need` pages below it. */
static bool
prev_big(struct tome_path *pa, uint32_t need)
{
	unsigned l = 0;

	for (;;) {
		while (!prev_child(pa, l, need))
			if (++l >= pa->height)
				return false;
		if (l == 0)
			return true;
		pa->node[l - 1] = pa->node[l]->child[pa->at[l]];
		l--;
		pa->at[l] = pa->node[l]->n;
	}
}

static bool
next_big(struct tome_path *pa, uint32_t need)
{
	unsigned l = 0, from = pa->at[0] + 1;

	for (;;) {
		while (!next_child(pa, l, need, from)) {
			if (++l >= pa->height)
				return false;
			from = pa->at[l] + 1;
		}
		if (l == 0)
			return true;
		pa->node[l - 1] = pa->node[l]->child[pa->at[l]];
		l--;
		from = 0;
	}
}
