/*
 * tome/pmap.h - layer 2: the hardware translations of one address space.
 *
 * The contract follows pmap(9) of NetBSD. One radix walker serves every CPU;
 * what differs is stated by <format.h> and ports/<cpu>/tlb.c (docs/porting.md).
 *
 * A *managed* frame has a descriptor of identity ANON, CACHE or DEVICE; each
 * valid user translation of it has one pv record (invariant 4). Frames without
 * one (device memory) and the zero page are mapped unmanaged.
 *
 * Nothing here sleeps but where a flush round waits: those calls say "flushes",
 * and need interrupts on and no leaf-side lock. Calls that may need a table
 * allocate from phys only and can fail with ENOMEM having changed nothing.
 */
#ifndef TOME_PMAP_H
#define TOME_PMAP_H

#include <tome/phys.h>

struct tome_pmap;

/* With a translation, beside rights and type. A set. */
#define TOME_PMAP_WIRED 1u	/* counts in the frame's wire count */
#define TOME_PMAP_MODIFIED 2u	/* a write is what asks: born modified. Faults
				 * pass it on every write: where hardware sets no
				 * modified bit, WRITE is withheld without it */
#define TOME_PMAP_AHEAD 4u	/* nobody asked yet: not born accessed */

/*
 * Each CPU but the creating one, before anything else it does with the instance:
 * programs its MMU and runs the kernel's pmap. Interrupts off.
 */
void tome_pmap_cpu_start(struct tome_vm *);

enum tome_err tome_pmap_create(struct tome_vm *,
    struct tome_pmap **out) TOME_NODISCARD;
/* No CPU runs it any more (checked); its translations are dropped, without a
 * round. Tables go back when their epoch has ended. */
void tome_pmap_destroy(struct tome_pmap *);
/* The kernel's own; shared by all user pmaps' upper half or second root. */
struct tome_pmap *tome_pmap_kernel(struct tome_vm *);
/* Bounds of user addresses: [min, max). */
void tome_pmap_user_span(struct tome_vm *, tome_va_t *min, tome_va_t *max);

/*
 * Run `next` on this CPU from now on (the kernel's pmap: no user space). Called
 * by the context switch; preemption off, interrupts off. Order as DESIGN
 * section 6: announce, read generation, move the MMU, leave the old.
 */
void tome_pmap_switch(struct tome_pmap *next);
struct tome_pmap *tome_pmap_current(struct tome_vm *);

/*
 * Translate va to pfn with these rights. An existing translation of another
 * frame is cleared and flushed first. EINVAL: outside the span or unaligned.
 * ENOMEM: no table. Flushes if it replaces or narrows.
 */
enum tome_err tome_pmap_enter(struct tome_pmap *, tome_va_t, tome_pfn_t,
    tome_prot_t, enum tome_memtype, unsigned flags) TOME_NODISCARD;
/*
 * Kernel leaves, large where alignment allows (the direct map), and, where the CPU
 * knows such, aligned runs of leaves that a TLB may hold as one. A large leaf is removed
 * or protected whole (checked); what is to change a part of one splits it first. A run
 * comes apart when a part of it is removed, protected or entered anew: all of it is away
 * for a moment, and whose mapping it is sees to it that no CPU uses the rest then.
 */
enum tome_err tome_pmap_enter_range(struct tome_pmap *, tome_va_t, tome_pa_t,
    tome_pa_t len, tome_prot_t, enum tome_memtype) TOME_NODISCARD;
/*
 * Kernel leaves: none goes on across va afterwards. A large one there comes apart into
 * tables of smaller ones, which is as when a run does. ENOMEM: no table, and every page
 * translates as before. EINVAL: unaligned, or one of the boot code's. Flushes.
 */
enum tome_err tome_pmap_split(struct tome_pmap *, tome_va_t) TOME_NODISCARD;
/* Drop all translations of [start, end); empty tables are collected. Flushes.
 * Of a user pmap: no spinning lock is held. */
void tome_pmap_remove(struct tome_pmap *, tome_va_t start, tome_va_t end);
/* Narrow or widen every translation of [start, end) to at most prot. Never
 * grants a right to a translation that is there for a read-only reason: it only
 * takes rights away. Flushes. */
void tome_pmap_protect(struct tome_pmap *, tome_va_t start, tome_va_t end,
    tome_prot_t);

struct tome_translation {
	tome_pa_t pa;
	tome_prot_t prot;
	enum tome_memtype type;
	bool wired, accessed, modified;
	unsigned page_shift;		/* size of the leaf, or of its run */
};
bool tome_pmap_extract(struct tome_pmap *, tome_va_t,
    struct tome_translation *out);

/* Resident translations (user leaves), a recount over the leaf tables. */
uint64_t tome_pmap_resident(struct tome_pmap *);
/* As long as this stays the same, nobody has taken or narrowed a translation: page-out
 * and who shrinks an object do so unasked. */
uint64_t tome_pmap_rounds(struct tome_pmap *);
uint64_t tome_pmap_tables(struct tome_pmap *);

/* ---- from the page side: all its translations, wherever ---- */

/* Hardware and saved bits together; clear resets both (flushes if it cleared
 * one that hardware may have cached). Inside no lock. */
bool tome_page_modified(struct tome_vm *, tome_pfn_t, bool clear);
bool tome_page_accessed(struct tome_vm *, tome_pfn_t, bool clear);
/* Take WRITE (TOME_PROT_READ|EXEC) or everything (NONE) from all. Flushes. */
void tome_page_protect(struct tome_vm *, tome_pfn_t, tome_prot_t);
/* Take everything from n of them, each a frame of RAM. Flushed at the end, as a
 * rule with one round for each address space. Inside no lock. */
void tome_pages_unmap(struct tome_vm *, const tome_pfn_t *, unsigned n);
/* Number of translations. */
unsigned tome_page_mappings(struct tome_vm *, tome_pfn_t);
/* List up to max of them; returns how many there are (or were, if they change). */
struct tome_mapping {
	struct tome_pmap *pmap;
	void *tag;			/* the pmap's */
	tome_va_t va;
	tome_prot_t prot;
};
/* What the embedder hangs on it (a process); not interpreted. */
void tome_pmap_set_tag(struct tome_pmap *, void *);
size_t tome_page_list(struct tome_vm *, tome_pfn_t, struct tome_mapping *out,
    size_t max);

#endif
