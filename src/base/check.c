/*
 * check.c - the end of the road for a broken invariant.
 *
 * Locks: none, and none taken: whoever calls may hold any.
 */
#include <base/check.h>
#include <base/text.h>
#include <base/vm_i.h>

_Noreturn void
tome_panic_at(struct tome_vm *vm, const char *what, const char *file,
    unsigned line)
{
	struct tome_text t = tome_text_begin(vm->why, sizeof vm->why);

	tome_text_str(&t, file);
	tome_text_str(&t, ":");
	tome_text_dec(&t, line);
	tome_text_str(&t, ": ");
	tome_text_str(&t, what);
	vm->host->panic(vm->ctx, vm->why);
}

const char *
tome_why(struct tome_vm *vm, const char *what, uint64_t which, uint64_t is,
    uint64_t should)
{
	struct tome_text t = tome_text_begin(vm->why, sizeof vm->why);

	tome_text_str(&t, what);
	tome_text_str(&t, " (");
	tome_text_hex(&t, which);
	tome_text_str(&t, "): is ");
	tome_text_dec(&t, is);
	tome_text_str(&t, ", recounted ");
	tome_text_dec(&t, should);
	return vm->why;
}

void
tome_log_count(struct tome_vm *vm, const char *before, uint64_t n,
    const char *after)
{
	char line[120];
	struct tome_text t = tome_text_begin(line, sizeof line);

	if (vm->host->log == NULL)
		return;
	tome_text_str(&t, before);
	tome_text_dec(&t, n);
	tome_text_str(&t, after);
	vm->host->log(vm->ctx, line);
}
