/*
 * board.h - what the files of the Raspberry Pi 2's self-test share.
 */
#ifndef RASPI2B_BOARD_H
#define RASPI2B_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEAR 0x80000000u
#define PERIPHERALS 0x3F000000u		/* physical, to 0x40000000 */
#define BOOT_TABLE 0x4000u		/* physical */
#define MIB 0x100000u

void board_say(const char *);
_Noreturn void board_stop(const char *why, int status);

#define must(good) ((good) ? (void)0 : board_stop("failed: " #good, 1))

/* Say what the kernel's table maps; stop if an attribute is wrong. */
void map_show(void);

#endif
