# kernel.mk - the reference kernel: build/kernel/tome.elf, from all of Tome, one
# port, and what lies under kernel/. Linked twice: the second time with the
# table of symbols for backtraces, made from the first.
#
# build/kernel-debug/tome.elf is the same with all of Tome's assertions.

# ARCH says which machine: kernel/ARCH, whose machine.mk has its sources, flags and
# compiler. Of another than x86_64 the kernel is build/kernel-ARCH/tome.elf.

ARCH ?= x86_64
KERNEL_BUILD := $(BUILD)/kernel$(patsubst %,-%,$(filter-out x86_64,$(ARCH)))

include kernel/$(ARCH)/machine.mk
KERNEL_CC ?= $(KERNEL_CROSS)gcc

KERNEL_SRC_GENERIC := \
	kernel/backtrace.c \
	kernel/host.c \
	kernel/lib/log.c \
	kernel/lib/printf.c \
	kernel/lib/string.c \
	kernel/main.c \
	kernel/option.c \
	kernel/panic.c \
	kernel/sched.c \
	kernel/sync.c \
	kernel/thread.c \
	kernel/timer.c \
	kernel/virtio/blk.c \
	kernel/virtio/p9.c \
	kernel/virtio/queue.c

# The personality's.
-include kernel/personality.mk

KERNEL_SRC_TOME = $(TOME_SRC_TIER2) $(TOME_SRC_TIER5) $(TOME_SRC_POSIX) \
	$(TOME_SRC_FILES) $(TOME_SRC_PAGING) \
	$(TOME_PORT_SRC_$(ARCH))

# A machine's further modes (GRANULE=, WIDTH=, PAE=0) are tried, not measured: their
# library is compiled by the folder, all for the compiler's haste.
KERNEL_OPTIMISE := -O2 -g
ifneq ($(strip $(GRANULE)$(WIDTH)$(filter 0,$(PAE))),)
KERNEL_OPTIMISE := -O1 -g1
KERNEL_SRC_TOME = $(FOLDERS_TOME) $(TOME_PORT_SRC_$(ARCH))
endif

KERNEL_CFLAGS := $(WARN) $(KERNEL_OPTIMISE) -ffreestanding -fno-pic -fno-pie \
	-fno-stack-protector -fno-strict-aliasing -fno-common \
	-fno-asynchronous-unwind-tables -fomit-frame-pointer \
	-ffunction-sections -fdata-sections -Iinclude -Iports/$(ARCH) \
	$(KERNEL_MACHINE_CFLAGS)
ifneq ($(TOME_KERNEL_DEBUG),)
KERNEL_CFLAGS += -DTOME_DEBUG
KERNEL_BUILD := $(KERNEL_BUILD)-debug
endif
ifneq ($(findstring clang,$(KERNEL_CC)),)
KERNEL_CFLAGS += $(KERNEL_MACHINE_CLANG)
KERNEL_NO_IDIOMS := -fno-builtin
else
KERNEL_NO_IDIOMS := -fno-builtin -fno-tree-loop-distribute-patterns
KERNEL_CFLAGS += $(TOME_CFLAGS_GCC) $(TOME_CFLAGS_SIZE) $(KERNEL_MACHINE_GCC) \
	$(if $(filter -O1,$(KERNEL_OPTIMISE)),-Wno-maybe-uninitialized)
endif

KERNEL_OBJ_KERNEL = $(patsubst %,$(KERNEL_BUILD)/%.o,$(basename \
	$(KERNEL_SRC_MACHINE) $(KERNEL_SRC_GENERIC) $(KERNEL_SRC_PERSONALITY)))
KERNEL_OBJ_TOME = $(patsubst %,$(KERNEL_BUILD)/%.o,$(basename \
	$(KERNEL_SRC_TOME)))
KERNEL_OBJ = $(KERNEL_OBJ_KERNEL) $(KERNEL_OBJ_TOME)

# The kernel sees public headers only; the library its own.
$(KERNEL_BUILD)/kernel/%.o: KERNEL_INCLUDE := -Ikernel -Ikernel/$(ARCH)
$(KERNEL_BUILD)/src/%.o $(KERNEL_BUILD)/ports/%.o $(KERNEL_BUILD)/$(FOLDERS)/%.o: \
	KERNEL_INCLUDE := -Isrc -Ikernel/$(ARCH)
# Not into calls of the functions that these are.
$(KERNEL_BUILD)/kernel/lib/string.o $(KERNEL_BUILD)/kernel/lib/copy.o: KERNEL_INCLUDE += $(KERNEL_NO_IDIOMS)

$(KERNEL_BUILD)/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(KERNEL_CC) $(KERNEL_CFLAGS) $(KERNEL_INCLUDE) -MMD -MP -c \
		-o $@ $<

$(KERNEL_BUILD)/%.o: %.S
	$(Q)mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(KERNEL_CC) $(KERNEL_MACHINE_CFLAGS) -Ikernel/$(ARCH) \
		-Iports/$(ARCH) -fno-pic -g -MMD -MP -c -o $@ $<

KERNEL_LINK = $(KERNEL_CROSS)ld $(KERNEL_MACHINE_LDFLAGS) -nostdlib -static -z max-page-size=4096 \
	-z noexecstack --no-warn-rwx-segments -T kernel/$(ARCH)/linker.ld

$(KERNEL_BUILD)/symbols0.S: kernel/symbols.sh
	$(Q)mkdir -p $(@D)
	$(Q)sh $< >$@

$(KERNEL_BUILD)/symbols1.S: $(KERNEL_BUILD)/first.elf kernel/symbols.sh
	$(Q)$(KERNEL_CROSS)nm -n $< >$(KERNEL_BUILD)/first.nm
	$(Q)sh kernel/symbols.sh $(KERNEL_BUILD)/first.nm >$@

$(KERNEL_BUILD)/symbols%.o: $(KERNEL_BUILD)/symbols%.S
	$(Q)$(KERNEL_CC) $(KERNEL_MACHINE_CFLAGS) -fno-pic -c -o $@ $<

$(KERNEL_BUILD)/first.elf: $(KERNEL_OBJ) $(KERNEL_BUILD)/symbols0.o \
		kernel/$(ARCH)/linker.ld
	$(call say,LD,$@)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJ) $(KERNEL_BUILD)/symbols0.o

$(KERNEL_BUILD)/tome.elf: $(KERNEL_BUILD)/first.elf $(KERNEL_BUILD)/symbols1.o
	$(call say,LD,$@)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJ) $(KERNEL_BUILD)/symbols1.o
	$(Q)$(KERNEL_CROSS)objcopy -O binary $@ $(@:.elf=.bin)

-include $(KERNEL_OBJ:.o=.d)

.PHONY: kernel-debug
kernel-debug: ## build the reference kernel with Tome's assertions
	@$(MAKE) TOME_KERNEL_DEBUG=1 $(KERNEL_BUILD)-debug/tome.elf
