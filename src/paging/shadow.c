/*
 * shadow.c - the table of shadows (shadow.h).
 *
 * Locks: the caller's.
 */
#include <paging/shadow.h>

static struct tome_shadow *
row_of(struct tome_shadows *s, uint64_t key, uint16_t *tag)
{
	uint64_t h = (key + 1) * 0x9e3779b97f4a7c15u;

	*tag = (uint16_t)(h >> 48);
	return &s->row[(uint32_t)(h >> 16) & s->mask];
}

uint32_t
tome_shadow_rows(uint32_t frames)
{
	uint32_t rows = 1;

	while (rows * TOME_SHADOW_ROW < frames)
		rows *= 2;
	return rows;
}

void
tome_shadows_init(struct tome_shadows *s, struct tome_shadow *row,
    uint32_t rows)
{
	s->row = row;
	s->mask = rows - 1;
}

void
tome_shadow_put(struct tome_shadows *s, uint64_t key, uint32_t shadow)
{
	uint16_t tag;
	struct tome_shadow *row = row_of(s, key, &tag);

	for (unsigned i = TOME_SHADOW_ROW - 1; i > 0; i--) {
		row->tag[i] = row->tag[i - 1];
		row->word[i] = row->word[i - 1];
	}
	row->tag[0] = tag;
	row->word[0] = shadow;
}

uint32_t
tome_shadow_take(struct tome_shadows *s, uint64_t key)
{
	uint16_t tag;
	struct tome_shadow *row = row_of(s, key, &tag);
	uint32_t shadow;

	for (unsigned i = 0; i < TOME_SHADOW_ROW; i++) {
		if (row->word[i] == 0 || row->tag[i] != tag)
			continue;
		shadow = row->word[i];
		row->word[i] = 0;
		return shadow;
	}
	return 0;
}
