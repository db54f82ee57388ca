/*
 * elf.h - ELF of the machine's words as a program loader needs it, and what loading tells.
 */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include <abi.h>
#include <stdint.h>
#include <tome/map.h>

struct file;

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	abi_ulong entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_segment {
	uint32_t type;
#if __SIZEOF_LONG__ > 4
	uint32_t flags;
	abi_ulong offset, vaddr, paddr, filesz, memsz;
#else
	abi_ulong offset, vaddr, paddr, filesz, memsz;
	uint32_t flags;
#endif
	abi_ulong align;
};
#define ELF_CLASS (ABI_WORDS_32 ? 1 : 2)
enum { ET_EXEC = 2, ET_DYN = 3 };
enum { PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

/* A program file, checked, not mapped yet. */
struct elf {
	struct file *file;
	struct elf_header header;
	struct elf_segment *segment;	/* header.phnum; kmalloc'ed */
	char *interpreter;		/* its path, or NULL; kmalloc'ed */
	bool stack_exec;
};
int elf_read(struct file *, struct elf *);
void elf_free(struct elf *);

/* Where it went. */
struct elf_place {
	uint64_t bias, entry, phdr, code_start, code_end, end, data_bytes;
};
/* Map its segments; position-independent ones at `base`. */
int elf_map(const struct elf *, struct tome_map *, const char *name,
    uint64_t base, struct elf_place *);

#endif
