/*
 * embed.c - a kernel of another shape, on frames and page tables alone: one
 * CPU, no threads, no heap, no user mode. It works in one space or the other
 * and meets its own page faults: a new page, or a copy of a shared one.
 */
#include <tome/pmap.h>
#define BASE 0xffffffff80000000u
#define PAGE ((tome_va_t)0x10000000)	/* the one page of every space */
#define AT_PAGE (*(volatile char *)PAGE)
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)
#define must(good) ((good) ? (void)0 : stop("failed: " #good, 1))

extern char boot_root[], image_end[], page_fault_entry[];
void kernel_main(const uint32_t *info), page_fault(tome_va_t, uint64_t code);
static struct tome_vm *vm;

static void
say(const char *s)
{
	for (; *s != '\0'; s++)
		__asm__ volatile("outb %b0, %w1" : : "a"(*s), "d"(0x3f8));
}

static _Noreturn void
stop(const char *why, int status)
{
	say(why), say("\n");
	__asm__ volatile("outl %0, $0xf4; cli; hlt" : : "a"(status));
	__builtin_unreachable();
}

static void host_log(void *c, const char *s) { (void)c, say(s), say("\n"); }
static _Noreturn void panic(void *c, const char *s) { (void)c; stop(s, 1); }
static uint64_t host_clock(void *c) { (void)c; return __builtin_ia32_rdtsc(); }
static const struct tome_host host = { .version = TOME_HOST_VERSION,
	.clock_ns = host_clock, .log = host_log, .panic = panic };

static tome_pfn_t
show(const char *when, struct tome_pmap *space)
{
	struct tome_translation t = { 0 };
	bool there = tome_pmap_extract(space, PAGE, &t);

	say(when), say(!there ? " none" : t.prot & TOME_PROT_WRITE ? " rw" : " r");
	say(t.accessed ? " accessed" : ""), say(t.modified ? " modified\n" : "\n");
	return tome_pa_pfn(t.pa);
}

/* Nothing there: a new page. A write to what others have too: a copy. */
void
page_fault(tome_va_t va, uint64_t code)
{
	struct tome_pmap *space = tome_pmap_current(vm);
	tome_pfn_t old = show("  fault on:", space), pfn = old;

	must(tome_page_floor(va) == PAGE);
	if (old == TOME_PFN_NONE || tome_page_mappings(vm, old) > 1)
		must(!tome_frame_alloc(vm, TOME_PAGE_ANON, TOME_FRAME_ZERO, &pfn));
	if (old != TOME_PFN_NONE && old != pfn)
		tome_frame_copy(vm, pfn, old);
	must(!tome_pmap_enter(space, PAGE, pfn, RW, TOME_MEM_WB,
	    code & 2 ? TOME_PMAP_MODIFIED : 0));
}

static void
end(struct tome_pmap *space)
{
	tome_pfn_t pfn = show("at the end:", space);

	tome_pmap_remove(space, PAGE, PAGE + TOME_PAGE_SIZE);
	show("removed:", space);
	tome_frame_free(vm, pfn);
	tome_pmap_destroy(space);
}

static void
two_spaces(void)
{
	struct tome_pmap *a, *b;

	must(!tome_pmap_create(vm, &a) && !tome_pmap_create(vm, &b));
	tome_pmap_switch(a);
	must(AT_PAGE == 0);
	show("a has read:", a);
	AT_PAGE = 'a';
	tome_pmap_protect(a, PAGE, PAGE + TOME_PAGE_SIZE, TOME_PROT_READ);
	must(!tome_pmap_enter(b, PAGE, show("a wrote, and shares:", a),
	    TOME_PROT_READ, TOME_MEM_WB, TOME_PMAP_AHEAD));
	show("b has not looked:", b);
	tome_pmap_switch(b);
	must(AT_PAGE == 'a');
	AT_PAGE = 'b';
	tome_pmap_switch(a);
	must(AT_PAGE == 'a');
	AT_PAGE = 'A';
	tome_pmap_switch(tome_pmap_kernel(vm));
	end(a), end(b);
}

void
kernel_main(const uint32_t *info)	/* PVH's start info */
{
	static struct tome_range ranges[8];
	static uint64_t idt[30];	/* two words a gate; only 14 can come */
	struct { uint16_t size; uint64_t at; } __attribute__((packed)) idtr = {
		sizeof idt - 1, (uintptr_t)idt };
	uint64_t entry = (uintptr_t)page_fault_entry;
	struct tome_boot boot = { .host = &host, .ncpus = 1, .ranges = ranges,
		.nranges = 1, .direct_bias = BASE, .direct_end = 1 << 30,
		.kernel_root = (uintptr_t)boot_root - BASE };
	const uint64_t *ram = (void *)(BASE + info[10]);	/* base, size, type */

	ranges[0] = (struct tome_range){ 0, (uintptr_t)image_end - BASE,
		TOME_RANGE_RESERVED };
	for (const uint64_t *past = ram + 3 * info[12]; ram < past; ram += 3)
		if ((uint32_t)ram[2] == 1 && boot.nranges < 8)
			ranges[boot.nranges++] = (struct tome_range){
				ram[0], ram[1], TOME_RANGE_USABLE };
	*(uint64_t *)boot_root = 0;	/* the low half is the spaces' */
	idt[28] = (entry & 0xffff) | (uint64_t)0x8e000008 << 16 | (entry >> 16) << 48;
	idt[29] = 0xffffffff;
	__asm__ volatile("lidt %0" : : "m"(idtr));
	must(!tome_vm_create(&boot, &vm));
	two_spaces();
	must(tome_vm_check(vm) == NULL);
	must(tome_vm_destroy(vm) == 0);
	stop("nothing leaked", 0);
}
