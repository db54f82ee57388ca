/*
 * andromeda/error.h - Andromeda's errors; calls return them negated.
 */
#ifndef ANDROMEDA_ERROR_H
#define ANDROMEDA_ERROR_H

enum {
	SUCCESS = 0,
	NOMEM = 1,
	NOFUNCTION = 2,
	GENERIC = 4,
	HEAP_GENERIC = 0x40,
	NULL_PTR = 0x41,
	ALREADY_INITIALISED = 0x42,
	NOT_YET_INITIALISED = 0x43,
	INVALID_ARG = 0x60,
	OUTOFBOUNDS = 0x62,
	LOCKED = 0x70,
	OUT_OF_RESOURCES = 0x72,
};

#endif
