/*
 * debug.c - what debug builds keep behind each object: state, owner, poison.
 *
 * A free object is filled with FREED and a new one with FRESH (constructed
 * objects keep their contents). The trailer behind it is the red zone: an
 * overrun breaks its state first. kmalloc's slack, from what was asked to the
 * end of the object, is red too.
 */
#include <kmem/kmem_i.h>
#include <base/text.h>

#ifdef TOME_DEBUG

#define STATE_FREE 0xf4eeda17u
#define STATE_LIVE 0xa110c8edu
#define FREED 0xdf
#define FRESH 0xa5
#define RED 0xbb

static void
complain(struct tome_cache *c, void *object, const char *what)
{
	char line[128];
	struct tome_text t = tome_text_begin(line, sizeof line);

	tome_text_str(&t, c->config.name);
	tome_text_str(&t, ": ");
	tome_text_str(&t, what);
	tome_text_str(&t, "; last by ");
	tome_text_hex(&t, (uintptr_t)tome_trailer(c, object)->who);
	if (c->vm->host->log != NULL)
		c->vm->host->log(c->vm->ctx, line);
	tome_panic_at(c->vm, what, __FILE__, __LINE__);
}

static bool
filled(const void *p, int with, size_t from, size_t to)
{
	const unsigned char *b = p;

	while (from < to && b[from] == with)
		from++;
	return from >= to;
}

void
tome_debug_born(struct tome_cache *c, void *object)
{
	struct tome_trailer *t = tome_trailer(c, object);

	if (c->config.construct == NULL)
		memset(object, FREED, c->size);
	t->state = STATE_FREE;
	t->asked = 0;
	t->who = NULL;
}

void
tome_debug_alloc(struct tome_cache *c, void *object, void *who)
{
	struct tome_trailer *t = tome_trailer(c, object);

	if (t->state != STATE_FREE)
		complain(c, object, "a free object's trailer is broken");
	if (c->config.construct == NULL) {
		if (!filled(object, FREED, 0, c->size))
			complain(c, object, "written after it was freed");
		memset(object, FRESH, c->size);
	}
	t->state = STATE_LIVE;
	t->who = who;
}

void
tome_debug_free(struct tome_cache *c, void *object, void *who)
{
	struct tome_trailer *t = tome_trailer(c, object);

	if (tome_page(c->vm, tome_object_pfn(c->vm, object))->owner != c)
		tome_panic_at(c->vm, "freed to a cache it is not from",
		    __FILE__, __LINE__);
	if (t->state == STATE_FREE)
		complain(c, object, "double free");
	if (t->state != STATE_LIVE)
		complain(c, object, "written beyond its end");
	if (t->asked != 0 && !filled(object, RED, t->asked, c->size))
		complain(c, object, "written beyond what was asked");
	if (c->config.construct == NULL)
		memset(object, FREED, c->size);
	t->state = STATE_FREE;
	t->asked = 0;
	t->who = who;
}

void
tome_debug_asked(struct tome_cache *c, void *object, uint32_t asked)
{
	tome_trailer(c, object)->asked = asked;
	memset((char *)object + asked, RED, c->size - asked);
}

#else
typedef int tome_debug_is_empty;
#endif
