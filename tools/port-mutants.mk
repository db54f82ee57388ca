# port-mutants.mk - the hosted machine on every page-table format, ready for a mutant
# of the port: all but the port and the pmap is in rest.a, and each test is one object
# (tools/port-mutants).

PORT_MUTANTS := $(MUTANTS)/ports
PORT_MUTANT_UNITS := map/test_fork map/test_ops kmem/test_kmap
PORT_MUTANT_TESTS := conform oracle $(notdir $(PORT_MUTANT_UNITS))
PORT_MUTANT_CFLAGS := $(HOSTED_CFLAGS) -O1 -w -g0 -Itest/unit

# $(call port_mutant_base,NAME,PORT,FLAGS)
define port_mutant_base
PORT_MUTANT_BASES += $(1)
PORT_MUTANT_FLAGS_$(1) = $$(PORT_MUTANT_CFLAGS) $(3) -Ihosted -Iinclude -Isrc \
	-Iports/$(2) -I.
PORT_MUTANT_REST_$(1) = $$(addprefix $(PORT_MUTANTS)/$(1)/,$$(patsubst %.c,%.o,\
	$$(filter-out src/pmap/%,$$(HOSTED_TOME)) $$(HOSTED_MACHINE) \
	$(if $(filter x86_64,$(2)),,hosted/radix.c) hosted/mmu_$(2).c))

$(PORT_MUTANTS)/$(1)/%.o: %.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,mutants $(1) $$<)
	$$(Q)gcc $$(PORT_MUTANT_FLAGS_$(1)) -I$$(dir $$<) -MMD -MP -c -o $$@ $$<

$(PORT_MUTANTS)/$(1)/rest.a: $$$$(PORT_MUTANT_REST_$(1))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^

$(PORT_MUTANTS)/$(1)/conform.o: $(patsubst %.c,$(PORT_MUTANTS)/$(1)/%.o,\
	$(wildcard test/conform/*.c))
	$$(Q)ld -r -o $$@ $$^
$(PORT_MUTANTS)/$(1)/oracle.o: $(patsubst %.c,$(PORT_MUTANTS)/$(1)/%.o,\
	$(wildcard test/oracle/*.c))
	$$(Q)ld -r -o $$@ $$^
$(foreach unit,$(PORT_MUTANT_UNITS),$(call port_mutant_unit,$(1),$(unit)))
endef
define port_mutant_unit
$(PORT_MUTANTS)/$(1)/$(notdir $(2)).o: $(patsubst %.c,$(PORT_MUTANTS)/$(1)/%.o,\
	test/unit/$(2).c $(wildcard test/unit/*.c) $(filter-out test/unit/$(dir \
	$(2))test_%,$(wildcard test/unit/$(dir $(2))*.c)))
	$$(Q)ld -r -o $$@ $$^

endef

$(eval $(call port_mutant_base,x86_64,x86_64,))
$(eval $(call port_mutant_base,i386,i386,))
$(eval $(call port_mutant_base,i386-pae,i386,-DTOME_I386_PAE=1))
$(eval $(call port_mutant_base,armv7,armv7,))
$(eval $(call port_mutant_base,aarch64,aarch64,))
$(eval $(call port_mutant_base,aarch64-52,aarch64,-DTOME_A64_WIDTH=52))
$(eval $(call port_mutant_base,riscv64,riscv64,))

.PHONY: port-mutants
port-mutants: ## the same of every port: flushes, barriers, bits of entries (an hour)
	@BUILD=$(BUILD) sh tools/port-mutants $(PORT_MUTANT_BASES)

port-mutants-build-%: $(addprefix $(PORT_MUTANTS)/%/,rest.a \
	$(PORT_MUTANT_TESTS:=.o)) ;

print-port-mutants-flags-%:
	@echo $(PORT_MUTANT_FLAGS_$*)
print-port-mutants-pmap:
	@echo $(filter src/pmap/%,$(HOSTED_TOME))
print-port-mutants-tests:
	@echo $(PORT_MUTANT_TESTS)
