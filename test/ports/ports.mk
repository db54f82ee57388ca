# ports.mk - the pmap's unit tests on both formats: one program for each
# test/ports/pmap/test_*.c and format, on the test machine of this folder.

PMAP_TESTS := $(patsubst test/ports/pmap/%.c,%,\
	$(wildcard test/ports/pmap/test_*.c))
PMAP_FORMATS := x86_64 madeup
PMAP_LIB = $(filter src/base/% src/phys/% src/pmap/%,$(TOME_SRC_TIER2))

# tlb.c of the real port; the made-up one has its own beside its instructions.
PMAP_PORT_x86_64 := test/ports/x86_64/insn.c ports/x86_64/tlb.c
PMAP_PORT_madeup := test/ports/madeup/insn.c test/ports/madeup/tlb.c

# $(call pmap_format,FORMAT)
define pmap_format
PMAP_OBJ_$(1) = $$(patsubst %.c,$(BUILD)/ports/$(1)/%.o,$$(PMAP_LIB) \
	$$(PMAP_PORT_$(1)) test/ports/mmu.c test/ports/pmap/rig.c)

$(BUILD)/ports/$(1)/%.o: %.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(1) $$<)
	$$(Q)gcc $$(HOSTED_CFLAGS) $$(SANITIZE) -Itest/ports/$(1) \
		-Iports/$(1) -Iinclude -Isrc -Itest/ports/host -Itest/ports \
		-Itest/ports/pmap -MMD -MP -c -o $$@ $$<

$(UNIT)/pmap/%.$(1): $(BUILD)/ports/$(1)/test/ports/pmap/%.o $$$$(PMAP_OBJ_$(1))
	$$(Q)mkdir -p $$(@D)
	$$(Q)gcc $$(SANITIZE) -o $$@ $$^ -lcmocka

-include $$(wildcard $(BUILD)/ports/$(1)/*/*/*.d $(BUILD)/ports/$(1)/*/*/*/*.d)
unit: $(PMAP_TESTS:%=$(UNIT)/pmap/%.$(1))
endef
$(foreach format,$(PMAP_FORMATS),$(eval $(call pmap_format,$(format))))

# A port that is wrong: flushes of pages do nothing. What compares ports must say so.
WRONG := $(BUILD)/formats/wrong
$(WRONG)/tlb.c: ports/riscv64/tlb.c
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/tome_insn_sfence_va\(_asid\)*(.*)/(void)asid/' $< >$@
$(WRONG)/oracle: $(WRONG)/tlb.c $(BUILD)/formats/riscv64/oracle
	$(call say,CC,$@)
	$(Q)$(FORMAT_CC_riscv64) -o $@ $< $(patsubst %.c,\
		$(BUILD)/formats/riscv64/%.o,$(wildcard test/oracle/*.c)) \
		$(BUILD)/formats/riscv64/libtome.a $(HOSTED_LIBS)
