/*
 * kx.h - a small kernel around Keyronex's facade: its fault vector, a swap device in
 * memory, and a file.
 */
#ifndef TEST_KEYRONEX_KX_H
#define TEST_KEYRONEX_KX_H

#include <vm/vm.h>
#include <rig.h>
#include <keyronex/glue.h>

#define KMAP ((vaddr_t)0xffffc91000000000)
#define KMAP_END (KMAP + 0x1000000)
#define DISK_PAGES 512u
#define FILE_PAGES 40u

struct kx {
	vm_map_t *map;			/* the one that runs */
	vm_fault_ret_t fault;		/* what the last one said */
	char log[160];			/* the last line, */
	unsigned lines;			/* and how many */
	unsigned starved;		/* asked; says yes so often: */
	unsigned patience;
	uint8_t disk[DISK_PAGES * PGSIZE];
	unsigned reads, writes;		/* of the disk, */
	bool broken;			/* which cannot be read */
	uint8_t file[FILE_PAGES * PGSIZE];
	unsigned gets, puts;		/* pages, of the file */
	int file_error;
};
extern struct kx kx;

int kx_up(void **state);
int kx_down(void **state);
#define TEST(numbers, f) CONTRACT_TEST(numbers, f, kx_up, kx_down)

/* Run it from now on. */
void kx_run(vm_map_t *);
/* A new one, running, with n pages allocated at *at (0: anywhere). */
vm_map_t *kx_space(vaddr_t *at, size_t n, vm_object_t **);
void kx_end(vm_map_t *);
extern const vm_pagerops_t kx_ops;
vm_object_t *kx_file(bool writable);
/* The anon of an object's page. */
vm_anon_t *kx_anon(vm_object_t *, size_t page);
/* The translation of an address: rights; 0: none. */
unsigned kx_rights(vm_map_t *, vaddr_t);
void *kx_contents(vm_page_t *);
/* The entries agree with the core's, which never merges them. */
void kx_entries(vm_map_t *, unsigned n);

#endif
