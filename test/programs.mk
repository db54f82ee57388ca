# programs.mk - all that the parts of the suite build (test/parts), in one make: no CPU
# waits while there is something to compile. A part that is run by itself builds its own.

# $(call test_kernel,NAME,ARCH,VARIABLES[,SUITE]): the reference kernel of another machine
# or mode, build/kernel-NAME, by a make of its own; what it boots from.
define test_kernel
TEST_KERNELS += test-kernel-$(1)
.PHONY: test-kernel-$(1)
test-kernel-$(1): $(FOLDERS_TOME)
	$$(Q)$$(MAKE) ARCH=$(2) $(3) $(BUILD)/kernel-$(1)/tome.elf \
		$(4:%=$(BUILD)/test/user/memsuite-%)
endef
$(eval $(call test_kernel,riscv64,riscv64,,riscv64))
$(eval $(call test_kernel,aarch64,aarch64,,aarch64))
$(eval $(call test_kernel,aarch64-14,aarch64,GRANULE=14,aarch64-14))
$(eval $(call test_kernel,aarch64-16,aarch64,GRANULE=16,aarch64-16))
$(eval $(call test_kernel,aarch64-52,aarch64,WIDTH=52,aarch64-52))
$(eval $(call test_kernel,armv7,armv7,,armv7))
$(eval $(call test_kernel,i386,i386,,i386))
$(eval $(call test_kernel,i386-2level,i386,PAE=0))

# What is fetched, or built from what is: each lies in a folder of its own.
TEST_FETCHED := $(patsubst %,test-busybox-%,aarch64 armv7 i386 riscv64)
.PHONY: $(TEST_FETCHED) test-armv7
$(TEST_FETCHED): test-busybox-%:
	$(Q)env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS ARCH=$* sh tools/busybox \
		>/dev/null
test-armv7: test-busybox-i386 $(FOLDERS_TOME)
	$(Q)$(MAKE) format-$$(sh test/ports/armv7)

.PHONY: test-programs
test-programs: $(TEST_FETCHED) test-armv7 $(TEST_KERNELS) \
	$(foreach variant,$(LIB_VARIANTS),\
	$(LIB_TIERS:%=$(BUILD)/lib/$(variant)/tier%.o)) \
	unit compat $(COST)/count raspi2b embed litmus \
	$(ORACLE)/oracle $(patsubst %,format-slice-%,$(filter-out armv7,$(FORMATS))) \
	$(BUILD)/formats/x86_64/conform $(WRONG)/oracle \
	$(BUILD)/stress/tsan $(BUILD)/kernel/tome.elf $(BENCH)/touch \
	$(BUILD)/test/user/memsuite torture-programs $(STREAMS)/on_tome \
	$(STREAMS)/on_syscalls $(STREAMS)/on_syscalls.told \
	$(TRACES)/traceplug.so $(TRACES)/policies
