/*
 * list.h - doubly linked lists threaded through what they hold. The head is a
 * struct list of its own; an element outside any list may be unlinked again.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void
list_add_head(struct list *head, struct list *l)
{
	l->prev = head;
	l->next = head->next;
	head->next->prev = l;
	head->next = l;
}

static inline void
list_add_tail(struct list *head, struct list *l)
{
	l->next = head;
	l->prev = head->prev;
	head->prev->next = l;
	head->prev = l;
}

static inline void
list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#define list_each(p, head, member)                                             \
	for (p = container_of((head)->next, __typeof__(*p), member);           \
	    &p->member != (head);                                              \
	    p = container_of(p->member.next, __typeof__(*p), member))

/* The same, and p may be removed from the list or freed. */
#define list_each_safe(p, n, head, member)                                     \
	for (p = container_of((head)->next, __typeof__(*p), member),           \
	    n = container_of(p->member.next, __typeof__(*p), member);          \
	    &p->member != (head);                                              \
	    p = n, n = container_of(n->member.next, __typeof__(*n), member))

#endif
