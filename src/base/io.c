/*
 * io.c - completing transfers, and who waits for them.
 *
 * Locks: none. The list of what is done is pushed to by compare-and-swap.
 */
#include <base/io.h>

void
tome_io_done(struct tome_io *io, enum tome_err err)
{
	struct tome_vm *vm = io->vm;
	unsigned bucket = io->bucket;
	uintptr_t head = tome_rd_relaxed(&vm->io.done);

	io->err = err;
	do {
		io->next = (struct tome_io *)head;
	} while (!tome_cas_sc(&vm->io.done, &head, (uintptr_t)io));
	tome_io_progress(vm, bucket);
}

void
tome_io_progress(struct tome_vm *vm, unsigned bucket)
{
	tome_add(&vm->io.bucket[bucket], 1);
	if (vm->host->wake != NULL)
		vm->host->wake(vm->ctx, &vm->io.bucket[bucket], UINT32_MAX);
}

/* A host without threads cannot sleep: it polls. */
void
tome_io_wait(struct tome_vm *vm, unsigned bucket, uint32_t seen,
    uint64_t deadline)
{
	tome_io_run(vm);
	if (tome_io_seen(vm, bucket) != seen)
		return;
	if (vm->host->wait != NULL)
		vm->host->wait(vm->ctx, &vm->io.bucket[bucket], seen, deadline);
	else
		tome_host_relax();
	tome_io_run(vm);
}
