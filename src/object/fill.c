/*
 * fill.c - noting what is lacking, under locks (met in meet.c, without).
 */
#include <object/fill.h>
#include <object/object_i.h>

enum tome_err
tome_fill_anon(struct tome_fill *fill, struct tome_amap *am,
    struct tome_chunk *ch, unsigned i)
{
	const struct tome_anon_pager *pager = am->vm->objects->anon_pager;
	struct tome_anon *an = ch->anon[i];

	TOME_CHECK(am->vm, pager != NULL && an->slot != 0);
	if (tome_rd_relaxed(&an->word) & TOME_ANON_READING) {
		fill->lack = TOME_LACK_WAIT;
		fill->slot = an->slot;
		fill->bucket = (uint8_t)tome_io_bucket(an);
		fill->seen = tome_io_seen(am->vm, fill->bucket);
	} else if (fill->pagein == NULL) {
		fill->lack = TOME_LACK_PREPARE;
		fill->pages = pager->window(am, ch, i);
	} else {
		pager->claim(fill->pagein, am, ch, i);
		fill->lack = TOME_LACK_RUN;
	}
	return TOME_RETRY;
}

void
tome_fill_abandon(struct tome_vm *vm, struct tome_fill *fill)
{
	vm->objects->anon_pager->abandon(vm, fill->pagein);
	fill->pagein = NULL;
}
