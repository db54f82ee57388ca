/*
 * name.c - names on mappings: counted text, shared by the pieces of a mapping, and with
 * it who has the file open.
 */
#include <base/memory.h>
#include <map/edit.h>
#include <tome/pager.h>

enum tome_err
tome_name_create(struct tome_vm *vm, const char *text,
    struct tome_opener *opener, struct tome_name **out)
{
	struct tome_name *name;
	size_t n = 0;

	*out = NULL;
	if (text == NULL)
		return TOME_OK;
	while (n < sizeof name->text && text[n] != '\0')
		n++;
	if (n == sizeof name->text)
		return TOME_EINVAL;
	name = tome_cache_alloc(vm->maps->names);
	if (name == NULL)
		return TOME_ENOMEM;
	name->refs = 1;
	name->opener = opener;
	if (opener != NULL)
		tome_add(&opener->refs, 1);
	memset(name->text, 0, sizeof name->text);
	memcpy(name->text, text, n);
	*out = name;
	return TOME_OK;
}

struct tome_name *
tome_name_ref(struct tome_name *name)
{
	if (name != NULL)
		tome_add(&name->refs, 1);
	return name;
}

void
tome_name_unref(struct tome_vm *vm, struct tome_name *name)
{
	if (name == NULL || tome_drop(&name->refs) > 0)
		return;
	tome_opener_unref(name->opener);
	tome_cache_free(vm->maps->names, name);
}

/* ---- the operation ---- */

static bool
name_differs(const struct tome_change *ch, const struct tome_entry *en)
{
	return en->name != ch->arg;
}

static void
name_set(const struct tome_change *ch, struct tome_edit *ed,
    struct tome_entry *en)
{
	struct tome_vm *vm = ed->map->vm;

	tome_name_unref(vm, en->name);
	en->name = tome_name_ref(ch->arg);
}

enum tome_err
tome_map_set_name(struct tome_map *map, tome_va_t start, tome_va_t len,
    const char *text)
{
	struct tome_change change = { .differs = name_differs,
		.set = name_set };
	struct tome_name *name;
	enum tome_err err = tome_name_create(map->vm, text, NULL, &name);

	if (err != TOME_OK)
		return err;
	change.arg = name;
	err = tome_map_change(map, start, len, &change);
	tome_name_unref(map->vm, name);
	return err;
}
