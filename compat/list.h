/*
 * list.h - lists with two ends, whose nodes know both their neighbours.
 *
 * A facade's nodes and links are its own, so this is a text for the compiler (see
 * splay.h). Who includes it defines OWNER, the type of what has a list; FIRST(o),
 * LAST(o), its ends; COUNT(o), of how many; NODE, the type of what is in it; NEXT(n),
 * PREV(n), its links; and LIST(verb), the names of two functions:
 *
 *	void append(OWNER *, NODE *)
 *	void unlink(OWNER *, NODE *)
 */

static void
LIST(append)(OWNER *o, NODE *n)
{
	NEXT(n) = NULL;
	PREV(n) = LAST(o);
	*(LAST(o) != NULL ? &NEXT(LAST(o)) : &FIRST(o)) = n;
	LAST(o) = n;
	COUNT(o)++;
}

static void
LIST(unlink)(OWNER *o, NODE *n)
{
	*(NEXT(n) != NULL ? &PREV(NEXT(n)) : &LAST(o)) = PREV(n);
	*(PREV(n) != NULL ? &NEXT(PREV(n)) : &FIRST(o)) = NEXT(n);
	NEXT(n) = PREV(n) = NULL;
	COUNT(o)--;
}

#undef OWNER
#undef FIRST
#undef LAST
#undef COUNT
#undef NODE
#undef NEXT
#undef PREV
#undef LIST
