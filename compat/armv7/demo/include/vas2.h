/*
 * vas2.h - the declarations that the ARMv7 document refers to: its four headers.
 */
#include <vm2.h>

struct vas2;

struct vas2 *create_vas(void);
void switch_to_vas(struct vas2 *);
void free_vas(struct vas2 *);
void allocate_page(struct vas2 *, size_t address, bool executable);
