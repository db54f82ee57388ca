/*
 * mmu.h - the test machine: RAM, and per CPU an MMU with a TLB that keeps what
 * it has seen until it is told to forget: a missing flush is a stale answer.
 */
#ifndef TEST_PORTS_MMU_H
#define TEST_PORTS_MMU_H

#include <tome/port.h>
#include <tome_host_inline.h>

#define TEST_CPUS 3
#define TEST_RAM_FRAMES 2048u
#define TEST_TLB 512

struct test_tlb_entry {
	bool used, global;
	unsigned asid;
	tome_va_t va;			/* page */
	tome_pa_t pa;			/* frame */
	tome_prot_t prot;
	bool user, modified;		/* modified: it has set the bit */
};

/* Flush operations since they were last zeroed, over all CPUs. */
struct test_flushes {
	unsigned page, asid, all, switches, broadcast;
};

struct test_mmu_cpu {
	tome_pa_t root, kernel_root;
	unsigned asid;
	uint64_t control[3];		/* what the port's instructions keep */
	struct test_tlb_entry tlb[TEST_TLB];
};

extern struct test_mmu_cpu test_mmu[TEST_CPUS];
extern struct test_flushes test_flushes;
extern unsigned char *test_ram;
/* The MMU's own view of tables where stores must be made visible; else RAM. */
extern unsigned char *test_seen_ram;
extern unsigned test_icache_syncs;
/* The features the CPU reports; a port's own meaning. */
extern unsigned test_features;

/* Fresh RAM and CPUs. */
void test_machine_start(void);
void test_machine_end(void);

/*
 * What CPU test_cpu's MMU answers to an access to va with these rights, from
 * user mode: false, a fault; else the physical address. As a CPU would, it fills
 * its TLB and, where the hardware does so, sets accessed and modified.
 */
bool test_access(const struct tome_mmu *, tome_va_t, tome_prot_t,
    tome_pa_t *out);
/* The same from the kernel, to its own memory. */
bool test_kernel_access(const struct tome_mmu *, tome_va_t, tome_prot_t,
    tome_pa_t *out);

/* For the ports' instructions. */
void test_tlb_drop_page(tome_va_t, bool every_asid);
void test_tlb_drop_asid(unsigned asid);
void test_tlb_drop_all(void);
/* On every CPU; the page under this number, or if `every` under all. */
void test_broadcast_page(tome_va_t, unsigned asid, bool every);
void test_broadcast_asid(unsigned asid);
void test_broadcast_all(void);

#endif
