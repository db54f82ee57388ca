/*
 * file.h - the file system of the demo: one file of four pages, all 'f'.
 */
#ifndef KEYRONEX_DEMO_FILE_H
#define KEYRONEX_DEMO_FILE_H

#include <vm/vm.h>

vm_object_t *demo_open_file(void);
void demo_close_file(vm_object_t *);

#endif
