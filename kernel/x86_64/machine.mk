# machine.mk - the reference kernel's x86-64.

KERNEL_SRC_MACHINE := \
	kernel/x86/acpi.c \
	kernel/x86/apic.c \
	kernel/x86_64/boot.S \
	kernel/x86/callers.c \
	kernel/x86/clock.c \
	kernel/x86/exceptions.c \
	kernel/x86/identity.c \
	kernel/x86/copy.c \
	kernel/x86_64/cpu.c \
	kernel/x86_64/entry.S \
	kernel/x86/fpu.c \
	kernel/x86_64/memory.c \
	kernel/x86_64/panic.c \
	kernel/x86/power.c \
	kernel/x86/pvh.c \
	kernel/x86/serial.c \
	kernel/x86/sigfpu.c \
	kernel/x86_64/sigframe.c \
	kernel/x86/smp.c \
	kernel/x86/start.c \
	kernel/x86_64/switch.c \
	kernel/x86_64/trap.c \
	kernel/virtio/pci.c \
	kernel/virtio/pci_device.c

KERNEL_CROSS :=
KERNEL_MACHINE_CFLAGS := -Ikernel/x86 -mno-red-zone -mgeneral-regs-only -mcmodel=kernel
# No SSE, so no need for a stack aligned to 16 bytes at each call.
KERNEL_MACHINE_GCC := -mpreferred-stack-boundary=3
KERNEL_MACHINE_CLANG := -mstack-alignment=8
