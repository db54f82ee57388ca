/*
 * meet.c - getting what was lacking, with nothing locked.
 */
#include <object/object_i.h>

enum tome_err
tome_fill_meet(struct tome_vm *vm, struct tome_fill *fill)
{
	const struct tome_anon_pager *pager = vm->objects->anon_pager;
	struct tome_pagein *pagein = fill->pagein;

	switch ((enum tome_lack)fill->lack) {
	case TOME_LACK_PREPARE:
		return pager->prepare(vm, fill->pages, &fill->pagein);
	case TOME_LACK_RUN:
		fill->pagein = NULL;
		return pager->run(vm, pagein);
	case TOME_LACK_WAIT:
		return pager->wait(vm, fill);
	case TOME_LACK_READ:
	case TOME_LACK_NOTIFY:
		return fill->object->ops->meet(fill);
	case TOME_LACK_AGAIN:
		break;
	}
	return TOME_OK;
}
