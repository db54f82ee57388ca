# machine.mk - the reference kernel's AArch64. GRANULE: 12, 14 or 16, log2 of a page.
# WIDTH: 48 or 52, the bits of an address.

KERNEL_SRC_MACHINE := \
	kernel/aarch64/boot.S \
	kernel/aarch64/entry.S \
	kernel/aarch64/memory.c \
	kernel/aarch64/panic.c \
	kernel/aarch64/sigframe.c \
	kernel/aarch64/start.c \
	kernel/aarch64/switch.c \
	kernel/aarch64/trap.c \
	kernel/arm/clock.c \
	kernel/arm/fpu.c \
	kernel/arm/gic.c \
	kernel/arm/pl011.c \
	kernel/arm/psci.c \
	kernel/arm/smp.c kernel/arm/start.c \
	kernel/devicetree.c \
	kernel/devicetree_boot.c \
	kernel/lib/copy.c \
	kernel/semihosting/exit.c \
	kernel/virtio/mmio.c

KERNEL_CROSS := aarch64-linux-gnu-
# X18 is the CPU's.
KERNEL_MACHINE_CFLAGS := -Ikernel/arm -mgeneral-regs-only -ffixed-x18 \
	-mno-outline-atomics
# A call costs more here than on x86-64: what is small is in line.
KERNEL_MACHINE_GCC := -finline-functions
ifneq ($(GRANULE),)
KERNEL_MACHINE_CFLAGS += -DTOME_A64_GRANULE=$(GRANULE)
KERNEL_BUILD := $(KERNEL_BUILD)-$(GRANULE)
endif
ifneq ($(WIDTH),)
KERNEL_MACHINE_CFLAGS += -DTOME_A64_WIDTH=$(WIDTH)
KERNEL_BUILD := $(KERNEL_BUILD)-$(WIDTH)
endif
# The first code runs with the MMU off, which aligns all accesses.
%/kernel/aarch64/memory.o %/ports/aarch64/tlb.o: KERNEL_CFLAGS += -mstrict-align
