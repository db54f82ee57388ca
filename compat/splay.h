/*
 * splay.h - splay trees (Sleator and Tarjan, JACM 1985): nodes that cover intervals, in
 * order. What was asked for last is at the root, which is what a client that looks at a
 * root finds.
 *
 * A facade's nodes and links are its own, so this is a text for the compiler. Who
 * includes it defines NODE, the type; LEFT(n), RIGHT(n), its links; START(n), END(n),
 * what it covers: [START, END); and SPLAY(verb), the names of four functions:
 *
 *	NODE *after(NODE **root, uint64_t at)	the first that ends after it; NULL: none
 *	NODE *at(NODE **root, uint64_t at)	the one that covers it; NULL: none
 *	void insert(NODE **root, NODE *)	it covers nothing that another does
 *	void remove(NODE **root, NODE *)
 */

/* Bring what holds `at`, or a neighbour of where it would be, to the root. */
static NODE *
SPLAY(splay)(NODE *root, uint64_t at)
{
	NODE split, *below = &split, *above = &split, *next;

	LEFT(&split) = RIGHT(&split) = NULL;
	while (at < START(root) || at >= END(root)) {
		bool left = at < START(root);

		next = left ? LEFT(root) : RIGHT(root);
		if (next == NULL)
			break;
		if (left && at < START(next) && LEFT(next) != NULL) {
			LEFT(root) = RIGHT(next);
			RIGHT(next) = root;
			root = next;
			next = LEFT(root);
		} else if (!left && at >= END(next) && RIGHT(next) != NULL) {
			RIGHT(root) = LEFT(next);
			LEFT(next) = root;
			root = next;
			next = RIGHT(root);
		}
		if (left) {
			LEFT(above) = root;
			above = root;
		} else {
			RIGHT(below) = root;
			below = root;
		}
		root = next;
	}
	RIGHT(below) = LEFT(root);
	LEFT(above) = RIGHT(root);
	LEFT(root) = RIGHT(&split);
	RIGHT(root) = LEFT(&split);
	return root;
}

/* As it is, if that holds it: one is often asked for again. */
static inline NODE *
SPLAY(top)(NODE **root, uint64_t at)
{
	if (at < START(*root) || at >= END(*root))
		*root = SPLAY(splay)(*root, at);
	return *root;
}

static inline NODE *
SPLAY(after)(NODE **root, uint64_t at)
{
	NODE *n;

	if (*root == NULL)
		return NULL;
	n = SPLAY(top)(root, at);
	if (END(n) > at)
		return n;
	n = RIGHT(n);
	while (n != NULL && LEFT(n) != NULL)
		n = LEFT(n);
	return n;
}

static inline NODE *
SPLAY(at)(NODE **root, uint64_t at)
{
	NODE *n;

	if (*root == NULL)
		return NULL;
	n = SPLAY(top)(root, at);
	return START(n) <= at && END(n) > at ? n : NULL;
}

static inline void
SPLAY(insert)(NODE **root, NODE *n)
{
	NODE *old = *root;

	LEFT(n) = RIGHT(n) = NULL;
	*root = n;
	if (old == NULL)
		return;
	old = SPLAY(splay)(old, START(n));
	if (START(old) > START(n)) {
		LEFT(n) = LEFT(old);
		RIGHT(n) = old;
		LEFT(old) = NULL;
	} else {
		RIGHT(n) = RIGHT(old);
		LEFT(n) = old;
		RIGHT(old) = NULL;
	}
}

static inline void
SPLAY(remove)(NODE **root, NODE *n)
{
	NODE *left;

	(void)SPLAY(top)(root, START(n));
	left = LEFT(n);
	if (left == NULL || RIGHT(n) == NULL) {
		*root = left == NULL ? RIGHT(n) : left;
		return;
	}
	left = SPLAY(splay)(left, START(n));
	RIGHT(left) = RIGHT(n);
	*root = left;
}

#undef NODE
#undef LEFT
#undef RIGHT
#undef START
#undef END
#undef SPLAY
