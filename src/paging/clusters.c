/*
 * clusters.c - a hash table that its owner grows, and a list by age.
 *
 * Locks: the owner's.
 */
#include <base/memory.h>
#include <paging/clusters.h>

_Static_assert(sizeof(tome_pfn_t) >= sizeof(uint32_t), "a word fits");

static inline unsigned
bucket(const struct tome_clusters *cs, uint32_t number)
{
	return number * 0x9e3779b1u >> (32 - cs->bits);
}

void
tome_clusters_init(struct tome_clusters *cs)
{
	*cs = (struct tome_clusters){ .bits = TOME_CLUSTERS_FEW_BITS };
	cs->table = cs->few;
}

struct tome_cluster *
tome_clusters_find(const struct tome_clusters *cs, uint32_t number)
{
	struct tome_cluster *c = cs->table[bucket(cs, number)];

	while (c != NULL && c->number != number)
		c = c->next;
	return c;
}

void
tome_clusters_add(struct tome_clusters *cs, struct tome_cluster *c)
{
	struct tome_cluster **list = &cs->table[bucket(cs, c->number)];

	c->next = *list;
	*list = c;
	cs->count++;
}

/* ---- ages ---- */

static bool
is_aged(const struct tome_clusters *cs, const struct tome_cluster *c)
{
	return c->older != NULL || cs->oldest == c;
}

static void
age_unlink(struct tome_clusters *cs, struct tome_cluster *c)
{
	if (c->older != NULL)
		c->older->newer = c->newer;
	else
		cs->oldest = c->newer;
	if (c->newer != NULL)
		c->newer->older = c->older;
	else
		cs->newest = c->older;
	c->older = c->newer = NULL;
}

void
tome_clusters_renew(struct tome_clusters *cs, struct tome_cluster *c,
    uint32_t age)
{
	if (is_aged(cs, c))
		age_unlink(cs, c);
	c->age = age;
	c->older = cs->newest;
	if (cs->newest != NULL)
		cs->newest->newer = c;
	else
		cs->oldest = c;
	cs->newest = c;
}

void
tome_clusters_settle(struct tome_clusters *cs, struct tome_cluster *c)
{
	if ((c->held & ~c->same) == 0 && is_aged(cs, c))
		age_unlink(cs, c);
}

void
tome_clusters_remove(struct tome_clusters *cs, struct tome_cluster *c)
{
	struct tome_cluster **at = &cs->table[bucket(cs, c->number)];

	tome_clusters_settle(cs, c);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	cs->count--;
}

/* ---- the table ---- */

/* Halved only when it is a quarter full, so that it does not go to and fro. */
unsigned
tome_clusters_bits(const struct tome_clusters *cs)
{
	uint32_t size = (uint32_t)1 << cs->bits;

	if (cs->count > 2 * size && cs->bits < 28)
		return cs->bits + 1;
	if (cs->count < size / 4 && cs->bits > TOME_CLUSTERS_FEW_BITS)
		return cs->bits - 1;
	return cs->bits;
}

struct tome_cluster **
tome_clusters_rehash(struct tome_clusters *cs, struct tome_cluster **table,
    unsigned bits)
{
	struct tome_cluster **old = cs->table, *c, *next;
	uint32_t old_size = (uint32_t)1 << cs->bits;

	cs->table = table != NULL ? table : cs->few;
	cs->bits = bits;
	cs->count = 0;
	memset(cs->table, 0, sizeof *table << bits);
	for (uint32_t i = 0; i < old_size; i++)
		for (c = old[i]; c != NULL; c = next) {
			next = c->next;
			tome_clusters_add(cs, c);
		}
	return old != cs->few ? old : NULL;
}

struct tome_cluster *
tome_clusters_next(const struct tome_clusters *cs, const struct tome_cluster *c)
{
	uint32_t i = 0;

	if (c != NULL && c->next != NULL)
		return c->next;
	if (c != NULL)
		i = bucket(cs, c->number) + 1;
	while (i < (uint32_t)1 << cs->bits && cs->table[i] == NULL)
		i++;
	return i < (uint32_t)1 << cs->bits ? cs->table[i] : NULL;
}
