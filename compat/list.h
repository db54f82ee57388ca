/*
 * list.h - lists with two ends, whose nodes know both their neighbours.
 *
 * A facade's nodes and links are its own, so this is a text for the compiler (see
 * splay.h). Who includes it defines NODE, the type; NEXT(n), PREV(n), its links; and
 * LIST(verb), the names of two functions:
 *
 *	void append(NODE **first, NODE **last, NODE *)
 *	void unlink(NODE **first, NODE **last, NODE *)
 */

static void
LIST(append)(NODE **first, NODE **last, NODE *n)
{
	NEXT(n) = NULL;
	PREV(n) = *last;
	*(*last != NULL ? &NEXT(*last) : first) = n;
	*last = n;
}

static void
LIST(unlink)(NODE **first, NODE **last, NODE *n)
{
	*(NEXT(n) != NULL ? &PREV(NEXT(n)) : last) = PREV(n);
	*(PREV(n) != NULL ? &NEXT(PREV(n)) : first) = NEXT(n);
	NEXT(n) = PREV(n) = NULL;
}

#undef NODE
#undef NEXT
#undef PREV
#undef LIST
