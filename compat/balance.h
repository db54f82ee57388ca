/*
 * balance.h - a list in order becomes a tree of least height (Stout and Warren, CACM
 * 1986). Its lowest level, if incomplete, is red, all others are black: a red-black
 * tree.
 *
 * A facade's nodes and links are its own, so this is a text for the compiler (see
 * splay.h). Who includes it defines NODE, the type; LEFT(n), RIGHT(n), its links, of
 * which RIGHT makes the list; RED(n), its colour; and BALANCE(verb), the name of
 *
 *	void tree(NODE **root, size_t n)	*root is the first of n in the list
 */

/* Turn n nodes of the list, every second one, to the left of who follows it. */
static void
BALANCE(fold)(NODE **link, size_t n, bool red)
{
	for (; n > 0; n--) {
		NODE *child = *link, *by = RIGHT(child);

		RIGHT(child) = LEFT(by);
		LEFT(by) = child;
		RED(child) = red;
		*link = by;
		link = &RIGHT(by);
	}
}

static void
BALANCE(tree)(NODE **root, size_t n)
{
	size_t full = 1;

	for (NODE *at = *root; at != NULL; at = RIGHT(at)) {
		LEFT(at) = NULL;
		RED(at) = false;
	}
	while (full <= n + 1)
		full *= 2;
	full = full / 2 - 1;
	BALANCE(fold)(root, n - full, true);
	for (; full > 1; full /= 2)
		BALANCE(fold)(root, full / 2, false);
}

#undef NODE
#undef LEFT
#undef RIGHT
#undef RED
#undef BALANCE
