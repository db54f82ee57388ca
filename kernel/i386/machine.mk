# machine.mk - the reference kernel's i386: PAE, or two levels with PAE=0.

KERNEL_SRC_MACHINE := \
	kernel/i386/boot.S \
	kernel/x86/copy.c \
	kernel/i386/cpu.c \
	kernel/i386/entry.S \
	kernel/x86/fpu.c \
	kernel/i386/memory.c \
	kernel/i386/panic.c \
	kernel/i386/sigframe.c \
	kernel/x86/start.c \
	kernel/i386/switch.c \
	kernel/i386/calls.c \
	kernel/i386/trap.c \
	kernel/i386/wide.c \
	kernel/x86/acpi.c \
	kernel/x86/apic.c \
	kernel/x86/callers.c \
	kernel/x86/clock.c \
	kernel/x86/exceptions.c \
	kernel/x86/identity.c \
	kernel/x86/power.c \
	kernel/x86/pvh.c \
	kernel/x86/serial.c \
	kernel/x86/sigfpu.c \
	kernel/x86/smp.c \
	kernel/abi32.c \
	kernel/lib/wide.c \
	kernel/virtio/pci.c \
	kernel/virtio/pci_device.c

# Atomic words of 64 bits want their natural alignment, and are wide.c's: clang can
# be told that the CPU has none.
KERNEL_CC := clang --target=i686-linux-gnu
KERNEL_CROSS :=
KERNEL_USER_CC := i686-linux-gnu-gcc
KERNEL_MACHINE_CFLAGS := -Ikernel/x86 -march=i686 -mgeneral-regs-only \
	-malign-double -Xclang -target-feature -Xclang -cx8 \
	-Wno-atomic-alignment -DTOME_I386_PAE=$(if $(filter 0,$(PAE)),0,1)
ifeq ($(PAE),0)
KERNEL_BUILD := $(KERNEL_BUILD)-2level
endif
KERNEL_MACHINE_CLANG := -mstack-alignment=4
KERNEL_MACHINE_LDFLAGS := -m elf_i386
