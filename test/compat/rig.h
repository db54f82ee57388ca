/*
 * rig.h - a machine and an instance for a facade's tests.
 *
 * After every call of a facade the instance is recounted: its functions tell the rig
 * when they end (rig_watch). DID() and DO() recount too, where that says what is
 * meant, and where a call is not told of: of another build, or a macro. A test is named by the lines of contract it shows (docs/compat/), which
 * tools/contracts compares.
 */
#ifndef TEST_COMPAT_RIG_H
#define TEST_COMPAT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <boot.h>
#include <hosted.h>
#include <tome/map.h>

#define RIG_KERNEL ((tome_va_t)64 << 20)

struct rig {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	/* Kernel addresses for a map of the facade's. */
	tome_va_t kernel_lo, kernel_hi;
	hosted_fault_fn *fault;		/* resolves the program's faults */
};
/* The one the running test uses. */
extern struct rig rig;

/* Layers 0-5 on ncpus CPUs; this thread is CPU 0. */
void rig_open(uint64_t ram, unsigned ncpus, hosted_fault_fn *);
/* The instance is sound, nothing leaked, the machine found nothing wrong. */
void rig_close(void);
/* The recount says nothing. */
void rig_check(void);

/* Whether calls of this thread are recounted, as they are at first: not while another
 * CPU is at work, nor in a loop of thousands. */
void rig_watch(bool);

/* A byte read, written or fetched by the program in the space that is loaded;
 * -1, false: killed. */
int rig_peek(uintptr_t);
bool rig_poke(uintptr_t, int byte);
int rig_fetch(uintptr_t);

/* Frames that are free, with nothing deferred. */
uint64_t rig_free_frames(void);

/*
 * Call attempt(n) with the n-th allocation failing, n = 1, 2, ..., until one
 * asks for fewer. It returns true if its call succeeded.
 */
void rig_each_failure(bool (*attempt)(void));

#define DID(expression) __extension__({ \
	__auto_type did_ = (expression); \
	rig_check(); \
	did_; })
#define DO(statement) do { \
	statement; \
	rig_check(); \
} while (0)

/* numbers: "X1 X2 ..." */
#define CONTRACT_TEST(numbers, f, up, down) \
	{ numbers " " #f, f, up, down, NULL }

#endif
