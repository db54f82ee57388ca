# machine.mk - the reference kernel's ARMv7-A.

KERNEL_SRC_MACHINE := \
	kernel/armv7/boot.S \
	kernel/armv7/entry.S \
	kernel/armv7/memory.c \
	kernel/armv7/panic.c \
	kernel/armv7/sigframe.c \
	kernel/armv7/start.c \
	kernel/armv7/switch.c \
	kernel/armv7/trap.c \
	kernel/armv7/wide.S \
	kernel/abi32.c \
	kernel/arm/clock.c \
	kernel/arm/fpu.c \
	kernel/arm/gic.c \
	kernel/arm/pl011.c \
	kernel/arm/psci.c \
	kernel/arm/smp.c kernel/arm/start.c \
	kernel/devicetree.c \
	kernel/devicetree_boot.c \
	kernel/lib/copy.c \
	kernel/lib/wide.c \
	kernel/semihosting/exit.c \
	kernel/virtio/mmio.c

KERNEL_CROSS := arm-linux-gnueabihf-
# R9 is the CPU's.
KERNEL_MACHINE_CFLAGS := -Ikernel/arm -mcpu=cortex-a15 -marm -mfloat-abi=soft \
	-ffixed-r9 -Wno-psabi
