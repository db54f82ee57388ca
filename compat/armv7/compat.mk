# The demo and a second build of the tests run on ARMv7's own page tables.
COMPAT_PORT_armv7 := armv7
COMPAT_LIB_armv7 := $(BUILD)/formats/armv7/libtome.a
$(eval $(call facade,armv7))

ARMV7_FORMAT := $(COMPAT)/armv7-format
$(ARMV7_FORMAT)/%.o: test/compat/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,armv7 $<)
	$(Q)gcc $(HOSTED_CFLAGS) $(COMPAT_FLAGS_one) -Icompat/armv7/include \
		-Iports/armv7 $(COMPAT_HOSTED_PATHS) -MMD -MP -c -o $@ $<

COMPAT_TESTS += $(COMPAT)/armv7/test_vm2_format
$(COMPAT)/armv7/test_vm2_format: $(ARMV7_FORMAT)/armv7/test_vm2.o \
	$(ARMV7_FORMAT)/armv7/rig_v.o $(ARMV7_FORMAT)/rig.o \
	$(call compat_facade,one,armv7) $(COMPAT_LIB_armv7)
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(SANITIZE) -o $@ $^ $(HOSTED_LIBS)

-include $(wildcard $(ARMV7_FORMAT)/*.d $(ARMV7_FORMAT)/*/*.d)

# The document's board: a kernel of its own (raspi2b/README), for QEMU.
RASPI2B := $(BUILD)/raspi2b
RASPI2B_CC := arm-linux-gnueabihf-gcc -march=armv7-a+fp -marm
RASPI2B_OBJ := $(addprefix $(RASPI2B)/,raspi2b/boot.o raspi2b/board.o \
	raspi2b/map.o asid.o pmm.o vm2.o vas2.o)

$(RASPI2B)/%.o: compat/armv7/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,raspi2b $<)
	$(Q)$(RASPI2B_CC) $(WARN) -O2 -ffreestanding -fno-pic \
		-fno-tree-loop-distribute-patterns -fno-stack-protector \
		-fno-asynchronous-unwind-tables -Icompat/armv7/include \
		-Iinclude -Iports/armv7 -Itools/bare -DCOMPAT_ONE_FACADE \
		-MMD -MP -c -o $@ $<
$(RASPI2B)/%.o: compat/armv7/%.S
	$(Q)mkdir -p $(@D)
	$(Q)$(RASPI2B_CC) -c -o $@ $<

$(RASPI2B)/board.elf: $(RASPI2B_OBJ) $(BUILD)/lib/armv7-gcc/tier57.o \
	compat/armv7/raspi2b/board.ld
	$(call say,LD,$@)
	$(Q)$(RASPI2B_CC) -nostdlib -static -Wl,--build-id=none \
		-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments \
		-T compat/armv7/raspi2b/board.ld -o $@ $(RASPI2B_OBJ) \
		$(BUILD)/lib/armv7-gcc/tier57.o -lgcc
-include $(RASPI2B_OBJ:.o=.d)

.PHONY: raspi2b run-raspi2b
raspi2b: $(RASPI2B)/board.elf
run-raspi2b: $(RASPI2B)/board.elf ## boot the ARM document's board to its self-test
	@timeout 60 qemu-system-arm -M raspi2b -display none -serial stdio \
		-semihosting-config enable=on,target=native -kernel $<
