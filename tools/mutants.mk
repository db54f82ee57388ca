# mutants.mk - the hosted tests on a shared library, so that a mutant is one link.
#
# Without debug information and with the source's own path in the text, a mutant that
# changes nothing is the very same object (tools/mutants).

MUTANTS := $(BUILD)/mutants
MUTANT_FLAGS := -g0 -fPIC -ftrivial-auto-var-init=pattern -fmacro-prefix-map=$(MUTANTS)/=
MUTANT_LIB := -L$(MUTANTS) -ltome
MUTANT_PIC := $(BUILD)/hosted/pic

$(eval $(call hosted_library,pic,-O2 $(MUTANT_FLAGS)))

$(MUTANTS)/libtome.so: $(MUTANT_PIC)/libtome.a
	$(Q)mkdir -p $(@D)
	$(Q)gcc -shared -o $@ -Wl,--whole-archive $^ -Wl,--no-whole-archive

$(MUTANTS)/test/%.o: test/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,mutants $<)
	$(Q)gcc $(HOSTED_CFLAGS) -O2 $(MUTANT_FLAGS) $(HOSTED_PATHS) -Itest/unit -Itest/litmus \
		-Itest/oracle -I$(dir $<) -MMD -MP -c -o $@ $<

# $(call mutant_program,NAME,SOURCES)
define mutant_program
MUTANT_PROGRAMS += $(MUTANTS)/$(1)
$(MUTANTS)/$(1): $(patsubst %.c,$(MUTANTS)/%.o,$(2)) $(MUTANTS)/libtome.so
	$$(Q)gcc -o $$@ $$(filter %.o,$$^) $$(MUTANT_LIB) $$(HOSTED_LIBS)
endef
MUTANT_UNITS := $(filter-out %/test_race %/test_threads %/test_sched,\
	$(patsubst test/unit/%.c,%,$(wildcard $(foreach layer,pmap object map \
	posix paging storage kmem hosted,test/unit/$(layer)/test_*.c))))
unit_parts = test/unit/$(1).c $(wildcard test/unit/*.c \
	$(dir test/unit/$(1))*.c)
unit_others = $(filter-out test/unit/$(1).c,\
	$(wildcard test/unit/$(dir $(1))test_*.c))
$(foreach unit,$(MUTANT_UNITS),$(eval $(call mutant_program,$(subst /,.,$(unit)),\
	$(sort $(filter-out $(call unit_others,$(unit)),\
	$(call unit_parts,$(unit)))))))
$(eval $(call mutant_program,litmus,$(wildcard test/litmus/*.c)))
$(eval $(call mutant_program,oracle,$(wildcard test/oracle/*.c)))

# The pmap's own tests, on both formats.
mutant_port_flags = $(MUTANT_FLAGS) -O1 -Itest/ports/$(1) -Iports/$(1) \
	-Iinclude -Itest/ports/host -Itest/ports -Itest/ports/pmap
mutant_objects = $(patsubst %.c,$(MUTANTS)/$(1)/%.o,$(PMAP_LIB) \
	$(PMAP_PORT_$(1)) test/ports/mmu.c test/ports/pmap/rig.c)
# $(call mutant_format,FORMAT)
define mutant_format
$(MUTANTS)/$(1)/%.o: %.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,mutants $(1) $$<)
	$$(Q)gcc $$(HOSTED_CFLAGS) $$(call mutant_port_flags,$(1)) -Isrc -MMD \
		-MP -c -o $$@ $$<
$(MUTANTS)/lib$(1).so: $(call mutant_objects,$(1))
	$$(Q)gcc -shared -o $$@ $$^
$(MUTANTS)/%.$(1): $(MUTANTS)/$(1)/test/ports/pmap/%.o $(MUTANTS)/lib$(1).so
	$$(Q)gcc -o $$@ $$< -L$(MUTANTS) -l$(1) -lcmocka
MUTANT_PROGRAMS += $(PMAP_TESTS:%=$(MUTANTS)/%.$(1))
endef
$(foreach format,$(PMAP_FORMATS),$(eval $(call mutant_format,$(format))))

-include $(shell find $(MUTANTS) -name "*.d" -not -path "*/tries/*" 2>/dev/null)

.PHONY: mutants mutants-build mutant-flags
mutants: mutants-build ## leave out flushes, drops, checks one by one (hours)
	@BUILD=$(BUILD) sh tools/mutants; all=$$?; \
		$(MAKE) -s port-mutants && [ $$all = 0 ]

mutants-build: $(MUTANT_PROGRAMS)

mutant-flags:
	@echo $(HOSTED_CFLAGS) -O2 $(MUTANT_FLAGS) -Ihosted -Iinclude \
		-Iports/x86_64
mutant-flags-%:
	@echo $(HOSTED_CFLAGS) $(call mutant_port_flags,$*)
mutant-objects-tome:
	@echo $(HOSTED_SRC:%.c=$(MUTANT_PIC)/%.o)
mutant-objects-%:
	@echo $(call mutant_objects,$*)
