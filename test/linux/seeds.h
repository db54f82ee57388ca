/*
 * seeds.h - the streams whose answers are recorded (test/linux/answers.txt).
 */
#ifndef TEST_LINUX_SEEDS_H
#define TEST_LINUX_SEEDS_H

#include <stdint.h>

struct stream_seed {
	uint64_t seed;
	unsigned steps;
};

#ifndef STREAM_SEEDS
#define STREAM_SEEDS { \
	{ 1, 1000 }, { 2, 1000 }, { 3, 1000 }, { 4, 1000 }, \
	{ 5, 1000 }, { 6, 1000 }, { 7, 1000 }, { 8, 1000 }, \
	{ 100, 1000 }, { 101, 1000 }, { 102, 1000 }, { 103, 1000 }, \
	{ 104, 1000 }, { 105, 1000 }, { 106, 1000 }, { 107, 1000 }, \
}
#endif

/* -DSTREAM_APART='0x1,0x2,': the steps that Linux left out (its APART lines). */

/* Built with -DSTREAM_VERBOSE=1, an /init prints lines instead of hashes. */
#ifndef STREAM_VERBOSE
#define STREAM_VERBOSE 0
#endif

#endif
