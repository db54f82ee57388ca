/*
 * main.c - run demos, each on a hosted machine and instance of its own.
 *
 * Without an argument: one after the other, their words on standard output. With
 * "at-once": one after the other, then all at the same time on threads; each must
 * say the same both times. The status is 0 if every demo ended well, its instance
 * was sound, nothing leaked, and the machine found nothing wrong.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <boot.h>
#include <demo/demo.h>
#include <demo/machine.h>
#include <tome/map.h>

#define RAM ((uint64_t)64 << 20)
#define CPUS 2
#define KERNEL ((tome_va_t)64 << 20)

/* DEMOS is a list of DEMO(name), of the build. */
#define DEMO(name) extern const struct demo demo_##name;
DEMOS
#undef DEMO
#define DEMO(name) &demo_##name,
static const struct demo *const demos[] = { DEMOS };

#define NDEMOS (sizeof demos / sizeof demos[0])

struct performance {
	const struct demo *demo;
	struct tome_vm *vm;
	tome_va_t kernel;
	void *space;
	FILE *voice;
	char *said;
	size_t length;
	bool failed;
};

static _Thread_local struct performance *now;

void
demo_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(now->voice, format, args);
	va_end(args);
}

int
demo_peek(uintptr_t at)
{
	uint8_t byte;

	return hosted_read(at, &byte, 1, now->demo->fault, NULL) == TOME_OK ?
	    byte : -1;
}

bool
demo_poke(uintptr_t at, int byte)
{
	uint8_t b = (uint8_t)byte;

	return hosted_write(at, &b, 1, now->demo->fault, NULL) == TOME_OK;
}

int
demo_fetch(uintptr_t at)
{
	uint8_t byte;

	return hosted_exec(at, &byte, 1, now->demo->fault, NULL) == TOME_OK ?
	    byte : -1;
}

void
demo_switch(void *space)
{
	now->space = space;
	now->demo->enter(space);
}

void *
demo_space(void)
{
	return now->space;
}

void *
demo_file(const char *name)
{
	return now->demo->file(name);
}

uintptr_t
demo_frames(void)
{
	tome_pfn_t first;

	if (tome_frames_alloc(now->vm, TOME_PAGE_KERNEL, 2, 4, 0, 0,
	    &first) != TOME_OK)
		return 0;
	tome_frames_free(now->vm, first, 2);
	return (uintptr_t)tome_pfn_pa(first);
}

void
demo_kernel_span(tome_va_t *lo, tome_va_t *hi)
{
	*lo = now->kernel;
	*hi = now->kernel + KERNEL;
}

static void
wrong(struct performance *p, const char *what)
{
	fprintf(stderr, "%s: %s\n", p->demo->name, what);
	p->failed = true;
}

static void
perform_on(struct performance *p, struct hosted_machine *m)
{
	struct tome_vm *vm;
	const char *why;

	if (hosted_vm_create_aside(m, KERNEL, &p->kernel, &vm) != TOME_OK ||
	    tome_kmem_start(vm) != TOME_OK || tome_map_start(vm) != TOME_OK ||
	    p->demo->start(vm) != TOME_OK) {
		wrong(p, "cannot start");
		return;
	}
	p->vm = vm;
	if (p->demo->run() != 0)
		wrong(p, "ended badly");
	why = tome_vm_check(vm);
	if (why != NULL)
		wrong(p, why);
	p->demo->stop();
	tome_vm_quiesce(vm, true);
	if (hosted_vm_destroy(m, vm) != 0)
		wrong(p, "leaked");
}

static void *
perform(void *arg)
{
	struct hosted_config config = { .ram = RAM, .ncpus = CPUS,
		.quiet = true };
	struct performance *p = arg;
	struct hosted_machine *m = hosted_create(&config);
	char text[256];

	now = p;
	p->voice = open_memstream(&p->said, &p->length);
	perform_on(p, m);
	fclose(p->voice);
	if (hosted_take_violation(m, NULL, text, sizeof text))
		wrong(p, text);
	hosted_become(NULL, 0);
	hosted_destroy(m);
	return NULL;
}

static bool
one_after_another(struct performance *p, bool aloud)
{
	bool failed = false;

	for (size_t i = 0; i < NDEMOS; i++) {
		p[i].demo = demos[i];
		perform(&p[i]);
		if (aloud)
			fputs(p[i].said, stdout);
		failed |= p[i].failed;
	}
	return failed;
}

static bool
at_once(struct performance *p)
{
	pthread_t thread[NDEMOS];
	bool failed = false;

	for (size_t i = 0; i < NDEMOS; i++) {
		p[i].demo = demos[i];
		if (pthread_create(&thread[i], NULL, perform, &p[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < NDEMOS; i++) {
		pthread_join(thread[i], NULL);
		failed |= p[i].failed;
	}
	return failed;
}

static bool
same_words(struct performance *a, struct performance *b)
{
	bool same = true;

	for (size_t i = 0; i < NDEMOS; i++)
		if (strcmp(a[i].said, b[i].said) != 0) {
			wrong(&b[i], "says something else at once");
			same = false;
		}
	return same;
}

static void
forget(struct performance *p)
{
	for (size_t i = 0; i < NDEMOS; i++)
		free(p[i].said);
}

int
main(int argc, char **argv)
{
	struct performance alone[NDEMOS] = { 0 }, together[NDEMOS] = { 0 };
	bool both = argc > 1 && strcmp(argv[1], "at-once") == 0;
	bool failed = one_after_another(alone, !both);

	if (both) {
		failed |= at_once(together);
		failed |= !same_words(alone, together);
	}
	forget(alone);
	forget(together);
	return failed;
}
