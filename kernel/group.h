/*
 * group.h - how much memory a process and its descendants may have, in the manner of
 * Linux's memory cgroups, by files of /proc/PID: memory.max and memory.swap.max are limits in bytes, or "max"; who writes one
 * of his own has a group from then on, within the one he was in. memory.current
 * and memory.swap.current are what the group has.
 */
#ifndef KERNEL_GROUP_H
#define KERNEL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group;
struct space;
struct text;
struct tome_map;

/* NULL is the group without limits. */
struct group *group_ref(struct group *);
void group_unref(struct group *);
/* The caller's map to be: it pays as the caller does. */
void group_adopt(struct tome_map *);
/* The map ends. */
void group_leave(struct tome_map *);
/* The caller's group, counted. */
struct group *group_own(void);
/* The caller's map, if it has a group: what read() and write() bring in is charged to that.
 * NULL: to nobody. */
struct tome_map *group_payer(void);
/* Does the space belong to it, or to a group within it? */
bool group_has(const struct group *, const struct space *);

void show_group_max(struct text *, int pid);
void show_group_swap_max(struct text *, int pid);
void show_group_current(struct text *, int pid);
void show_group_swap_current(struct text *, int pid);
int64_t store_group_max(int pid, const char *, size_t);
int64_t store_group_swap_max(int pid, const char *, size_t);

#endif
