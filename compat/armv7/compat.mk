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
