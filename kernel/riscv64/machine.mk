# machine.mk - the reference kernel's RISC-V, 64 bits.

KERNEL_SRC_MACHINE := \
	kernel/devicetree.c \
	kernel/devicetree_boot.c \
	kernel/lib/copy.c \
	kernel/riscv/plic.c \
	kernel/riscv/uart.c \
	kernel/riscv64/bits.c \
	kernel/riscv64/boot.S \
	kernel/riscv64/cpu.c \
	kernel/riscv64/entry.S \
	kernel/riscv64/memory.c \
	kernel/riscv64/panic.c \
	kernel/riscv64/sbi.c \
	kernel/riscv64/sigframe.c \
	kernel/riscv64/start.c \
	kernel/riscv64/switch.c \
	kernel/riscv64/trap.c \
	kernel/virtio/mmio.c

KERNEL_CROSS := riscv64-linux-gnu-
# No floating point in the kernel: the user's registers stay where they are.
KERNEL_MACHINE_CFLAGS := -march=rv64imac_zicsr_zifencei -mabi=lp64 \
	-mcmodel=medany
