/*
 * elf.c - reading a program's headers and mapping its segments.
 *
 * A segment is one private mapping of the file's object; what lies beyond its
 * file bytes reads as zero (the mapping's limit), so that there is nothing to
 * clear and no second mapping for bss.
 */
#include <elf.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

#define SEGMENTS_MAX 64u

static int
read_at(struct file *f, uint64_t pos, void *buf, size_t n)
{
	int64_t got = file_read(f, ubuf_kernel(buf), n, &pos);

	return got < 0 ? (int)got : (size_t)got == n ? 0 : -ENOEXEC;
}

static bool
header_is_good(const struct elf_header *h)
{
	return memcmp(h->ident, "\177ELF", 4) == 0 &&
	    h->ident[4] == ELF_CLASS && memcmp(h->ident + 5, "\1\1", 2) == 0 &&
	    h->machine == ELF_MACHINE &&
	    (h->type == ET_EXEC || h->type == ET_DYN) &&
	    h->phentsize == sizeof(struct elf_segment) && h->phnum > 0 &&
	    h->phnum <= SEGMENTS_MAX;
}

/* Sizes and addresses that no later sum can overflow. */
static bool
segment_is_good(const struct elf_segment *s)
{
	if (s->type != PT_LOAD)
		return true;
	return s->filesz <= s->memsz && s->memsz < USER_TOP &&
	    s->vaddr < USER_TOP && (uint64_t)s->offset >> 62 == 0 &&
	    ((s->vaddr ^ s->offset) & TOME_PAGE_MASK) == 0;
}

static int
read_interpreter(struct elf *e, const struct elf_segment *s)
{
	int err;

	if (s->filesz < 2 || s->filesz > PATH_MAX || e->interpreter != NULL)
		return -ENOEXEC;
	e->interpreter = tome_kmalloc(the_vm, s->filesz);
	if (e->interpreter == NULL)
		return -ENOMEM;
	err = read_at(e->file, s->offset, e->interpreter, s->filesz);
	if (err == 0 && e->interpreter[s->filesz - 1] != '\0')
		err = -ENOEXEC;
	return err;
}

static int
look_at_segments(struct elf *e)
{
	bool load = false;
	int err = 0;

	for (unsigned i = 0; i < e->header.phnum && err == 0; i++) {
		const struct elf_segment *s = &e->segment[i];

		if (!segment_is_good(s))
			err = -ENOEXEC;
		else if (s->type == PT_INTERP)
			err = read_interpreter(e, s);
		else if (s->type == PT_GNU_STACK)
			e->stack_exec = (s->flags & PF_X) != 0;
		load |= s->type == PT_LOAD;
	}
	return err == 0 && !load ? -ENOEXEC : err;
}

int
elf_read(struct file *f, struct elf *e)
{
	size_t bytes;
	int err;

	*e = (struct elf){.file = f};
	err = read_at(f, 0, &e->header, sizeof e->header);
	if (err == 0 && !header_is_good(&e->header))
		err = -ENOEXEC;
	if (err != 0)
		return err;
	bytes = e->header.phnum * sizeof *e->segment;
	e->segment = tome_kmalloc(the_vm, bytes);
	if (e->segment == NULL)
		return -ENOMEM;
	err = read_at(f, e->header.phoff, e->segment, bytes);
	if (err == 0)
		err = look_at_segments(e);
	if (err != 0)
		elf_free(e);
	return err;
}

void
elf_free(struct elf *e)
{
	tome_kfree(the_vm, e->segment);
	tome_kfree(the_vm, e->interpreter);
	e->segment = NULL;
	e->interpreter = NULL;
}

static tome_prot_t
prot_of(uint32_t flags)
{
	return ((flags & PF_R) ? TOME_PROT_READ : 0) |
	    ((flags & PF_W) ? TOME_PROT_WRITE : 0) |
	    ((flags & PF_X) ? TOME_PROT_EXEC : 0);
}

static int
map_segment(const struct elf_segment *s, struct tome_map *map,
    struct tome_object *object, const char *name, uint64_t bias)
{
	uint64_t in_page = s->vaddr & TOME_PAGE_MASK;
	struct tome_map_request rq = {
		.addr = bias + s->vaddr - in_page,
		.len = tome_page_ceil(in_page + s->memsz),
		.prot = prot_of(s->flags),
		.flags = TOME_MAP_FIXED | TOME_MAP_NOREPLACE,
		.name = name,
	};
	tome_va_t at;
	enum tome_err err;

	if (s->memsz == 0)
		return 0;
	if (s->filesz > 0) {
		rq.object = object;
		rq.offset = s->offset - in_page;
		if (tome_page_ceil(in_page + s->filesz) < rq.len ||
		    s->filesz < s->memsz)
			rq.limit = in_page + s->filesz;
	}
	err = tome_map_enter(map, &rq, &at);
	return err == TOME_EEXIST ? -ENOEXEC : -(int)err;
}

/* What /proc and the break want to know of it. */
static void
note_segment(const struct elf_segment *s, struct elf_place *p)
{
	uint64_t start = p->bias + s->vaddr, end = start + s->memsz;

	if (s->flags & PF_X) {
		if (p->code_start == 0 || start < p->code_start)
			p->code_start = start;
		if (start + s->filesz > p->code_end)
			p->code_end = start + s->filesz;
	}
	if (s->flags & PF_W)
		p->data_bytes += s->memsz;
	if (end > p->end)
		p->end = end;
}

static uint64_t
lowest(const struct elf *e)
{
	uint64_t low = UINT64_MAX;

	for (unsigned i = 0; i < e->header.phnum; i++)
		if (e->segment[i].type == PT_LOAD && e->segment[i].vaddr < low)
			low = e->segment[i].vaddr;
	return low & ~(uint64_t)TOME_PAGE_MASK;
}

int
elf_map(const struct elf *e, struct tome_map *map, const char *name,
    uint64_t base, struct elf_place *p)
{
	const struct elf_header *h = &e->header;
	struct tome_object *object;
	int err;

	*p = (struct elf_place){
		.bias = h->type == ET_DYN ? base - lowest(e) : 0,
	};
	if (e->file->ops->object == NULL ||
	    e->file->ops->object(e->file, &object) != 0 || object == NULL)
		return -ENOEXEC;
	err = 0;
	for (unsigned i = 0; i < h->phnum && err == 0; i++) {
		const struct elf_segment *s = &e->segment[i];

		if (s->type != PT_LOAD)
			continue;
		err = map_segment(s, map, object, name, p->bias);
		note_segment(s, p);
		/* The headers, seen by the program, lie in a segment. */
		if (h->phoff >= s->offset &&
		    h->phoff < s->offset + s->filesz)
			p->phdr = p->bias + s->vaddr + h->phoff - s->offset;
	}
	p->entry = p->bias + h->entry;
	tome_object_unref(object);
	return err;
}
