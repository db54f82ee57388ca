/*
 * tome_file.h - the file of a stream on the hosted machine, and what is swapped to:
 * what a kernel has between its calls and the library, no more.
 *
 * The file is one in memory, as Linux's own is, or one with a pager, whose store is a
 * span of this process: no program can tell.
 */
#ifndef TEST_LINUX_TOME_FILE_H
#define TEST_LINUX_TOME_FILE_H

#include <tome/paging.h>

#include "stream.h"

struct tome_file {
	struct tome_vm *vm;
	struct tome_object *object;
	uint8_t *store;		/* of a pager's; NULL: it has none */
	uint8_t *swap;		/* NULL: nothing is swapped */
};

enum tome_err tome_file_create(struct tome_file *, struct tome_vm *,
    bool paged) TOME_NODISCARD;
enum tome_err tome_file_swapon(struct tome_file *) TOME_NODISCARD;
/* Its content, from stream_file_byte(). */
enum tome_err tome_file_fill(struct tome_file *) TOME_NODISCARD;
/* TRUNCATE to PRESSURE; as struct stream_space's `call`. */
int64_t tome_file_call(struct tome_file *, enum stream_call,
    const uint64_t arg[6]);
/* The last name of it goes. */
void tome_file_end(struct tome_file *);
/* After the instance. */
void tome_file_free(struct tome_file *);

#endif
