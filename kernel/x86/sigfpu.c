/*
 * sigfpu.c - the FPU state in a signal frame, in Linux's layout: FXSAVE's part or
 * XSAVE's, on a multiple of 64; on i386 (SIGFPU_FSAVE) FSAVE's old header before it.
 *
 * What comes back was in the user's hands: fpu_set() drops what would fault.
 */
#include <lib.h>
#include <linux_abi.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <sigfpu.h>

#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u
#define SW_BYTES 464u		/* offset of struct sw_bytes in FXSAVE's part */

struct sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t xstate_size, pad[7];
};

size_t
sigfpu_bytes(void)
{
	return SIGFPU_FSAVE + fpu_size() +
	    (fpu_features() != 0 ? sizeof(uint32_t) : 0);
}

/* A buffer whose byte SIGFPU_FSAVE is 64-byte aligned, in p, which is to be freed. */
static uint8_t *
fpu_buffer(void **p)
{
	*p = patient_alloc(sigfpu_bytes() + 128);
	return *p == NULL ? NULL : (uint8_t *)((((uintptr_t)*p + SIGFPU_FSAVE +
	    63) & ~(uintptr_t)63) - SIGFPU_FSAVE);
}

static void
fill_fpu(uint8_t *state)
{
	const uint32_t magic2 = MAGIC2;
	const struct sw_bytes sw = {
		.magic1 = MAGIC1,
		.extended_size = (uint32_t)sigfpu_bytes(),
		.features = fpu_features(),
		.xstate_size = (uint32_t)fpu_size(),
	};
	uint8_t *fx = state + SIGFPU_FSAVE;

	fpu_get(fx);
	if (SIGFPU_FSAVE != 0) {
		memset(state, 0, SIGFPU_FSAVE);
		/* Control and status words, where FSAVE has them. */
		memcpy(state, fx, 2);
		memcpy(state + 4, fx + 2, 2);
	}
	if (fpu_features() == 0)
		return;
	memcpy(fx + SW_BYTES, &sw, sizeof sw);
	memcpy(fx + fpu_size(), &magic2, sizeof magic2);
}

int
sigfpu_put(uint64_t at)
{
	uint8_t *state;
	void *p;
	int err;

	state = fpu_buffer(&p);
	if (state == NULL)
		return -ENOMEM;
	fill_fpu(state);
	err = copy_out(at, state, sigfpu_bytes());
	tome_kfree(the_vm, p);
	return err;
}

int
sigfpu_get(uint64_t at)
{
	uint8_t *state;
	void *p;
	int err;

	if (at == 0) {
		fpu_reset();
		return 0;
	}
	state = fpu_buffer(&p);
	if (state == NULL)
		return -ENOMEM;
	err = copy_in(state, at, SIGFPU_FSAVE + fpu_size());
	if (err == 0)
		fpu_set(state + SIGFPU_FSAVE);
	tome_kfree(the_vm, p);
	return err;
}
