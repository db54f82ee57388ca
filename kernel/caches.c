/*
 * caches.c - the personality's object caches.
 */
#include <caches.h>
#include <machine.h>

#define CACHES_MAX 16

static struct {
	const char *name;
	struct tome_cache *cache;
} caches[CACHES_MAX];
static unsigned ncaches;

struct tome_cache *
cache_new(const char *name, size_t size)
{
	const struct tome_cache_config config = {.name = name, .size = size};

	if (ncaches == CACHES_MAX || tome_cache_create(the_vm, &config,
	    &caches[ncaches].cache) != TOME_OK)
		panic("no memory for the cache of %s", name);
	caches[ncaches].name = name;
	return caches[ncaches++].cache;
}

bool
cache_look(unsigned n, const char **name, struct tome_cache_stats *s)
{
	if (n >= ncaches)
		return false;
	*name = caches[n].name;
	tome_cache_stats(caches[n].cache, s);
	return true;
}
