/*
 * inherit.c - what a range will be in a child.
 */
#include <map/edit.h>

static bool
inherit_differs(const struct tome_change *ch, const struct tome_entry *en)
{
	return en->inherit != ch->value;
}

static void
inherit_set(const struct tome_change *ch, struct tome_edit *ed,
    struct tome_entry *en)
{
	(void)ed;
	en->inherit = (uint8_t)ch->value;
}

enum tome_err
tome_map_inherit(struct tome_map *map, tome_va_t start, tome_va_t len,
    enum tome_inherit inherit)
{
	struct tome_change change = { .differs = inherit_differs,
		.set = inherit_set, .value = (uint32_t)inherit };

	if ((uint32_t)inherit > TOME_INHERIT_NONE_ZERO)
		return TOME_EINVAL;
	return tome_map_change(map, start, len, &change);
}
