/*
 * home.c - a chunk whose slot numbers are on disk has them back, for who may sleep.
 */
#include <object/object_i.h>

tome_cold enum tome_err
tome_amap_home(struct tome_amap *am, uint64_t slot)
{
	return am->vm->objects->anon_pager->home(am, slot);
}
