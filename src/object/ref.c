/*
 * ref.c - names of an object: taken, and given up by those outside the library; those
 * of who has a file open.
 *
 * Locks: none; the count is atomic.
 */
#include <object/object_i.h>
#include <tome/pager.h>

void
tome_object_ref(struct tome_object *ob)
{
	tome_add(&ob->refs, 1);
}

bool
tome_object_try_ref(struct tome_object *ob)
{
	uint32_t seen = tome_rd(&ob->refs);

	while (seen > 0)
		if (tome_cas_sc(&ob->refs, &seen, seen + 1))
			return true;
	return false;
}

void
tome_object_unref(struct tome_object *ob)
{
	const struct tome_object_ops *ops;
	struct tome_vm *vm;

	if (ob == NULL)
		return;
	ops = ob->ops;
	vm = ob->vm;
	tome_object_drop(ob);
	if (ops != NULL)
		ops->settle(vm);
}

void
tome_opener_unref(struct tome_opener *o)
{
	if (o != NULL && tome_drop(&o->refs) == 0)
		tome_kfree(o->vm, o);
}
