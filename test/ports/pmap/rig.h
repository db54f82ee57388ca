/*
 * rig.h - an instance of layers 0 to 2 on the test machine of test/ports.
 */
#ifndef TEST_PORTS_PMAP_RIG_H
#define TEST_PORTS_PMAP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pmap/pmap_i.h>
#include <tome/pmap.h>

#include <layout.h>
#include <mmu.h>

struct rig {
	struct tome_host host;
	struct tome_boot boot;
	struct tome_vm *vm;
	unsigned ipis;
	unsigned ipi_to[TEST_CPUS];
	/* Delivered only while somebody waits. */
	bool hold_ipis;
	bool held[TEST_CPUS];
	/* Runs on the target before an interrupt is served. */
	void (*before_ipi)(unsigned cpu);
	/* Makes the tables of the boot code in RAM beyond what is usable; NULL: none. */
	tome_pa_t (*boot_tables)(void);
	/* Allocations of tables and frames allowed; -1: any number. */
	long allowed;
	char log[160];			/* last line */
	const char *why;		/* last panic, with catch set */
	jmp_buf out;
	bool catch;
};

/* The last frames, which Tome is not given. */
#define RIG_BOOT_FRAMES 8u
#define RIG_BOOT_PFN ((tome_pfn_t)(TEST_RAM_FRAMES - RIG_BOOT_FRAMES))

/* One per program: cmocka runs tests one after the other. */
extern struct rig rig;

/* All CPUs started, CPU 0 current. */
void rig_start(unsigned ncpus, unsigned features);
/* The recount, then teardown without a leak. */
void rig_end(void);
void rig_cpu(unsigned);

/* cmocka setup and teardown: one CPU, or three, every feature. */
int rig_setup_1(void **);
int rig_setup_3(void **);
int rig_setup_broadcast(void **);	/* 3 */
int rig_teardown(void **);

struct tome_pmap *rig_pmap(void);
tome_pfn_t rig_anon(void);
/* Enter an anonymous frame through the public call, which must succeed. */
void rig_enter(struct tome_pmap *, tome_va_t, tome_pfn_t, tome_prot_t);
/* The leaf, found, created and locked. */
struct tome_leaf rig_lock(struct tome_pmap *, tome_va_t);
void rig_unlock(struct tome_leaf *);

/* The MMU's answer on this CPU: the frame, or TOME_PFN_NONE for a fault. */
tome_pfn_t rig_access(tome_va_t, tome_prot_t);
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)
#define R TOME_PROT_READ
#define W TOME_PROT_WRITE
#define X TOME_PROT_EXEC

/* True if fn panics; the text is then in rig.why. */
bool rig_panics(void (*fn)(void *), void *arg);

#define assert_sound() assert_string_equal(rig_sound(), "")
const char *rig_sound(void);

#define PAGE TOME_PAGE_SIZE

#endif
