# cost.mk - the facades' calls counted (cost.h). COMPAT_COSTS: those of which
# test/compat/cost has a file.

COST := $(BUILD)/compat/cost
COMPAT_COSTS := $(filter-out main,$(patsubst test/compat/cost/%.c,%,\
	$(wildcard test/compat/cost/*.c)))
COST_FLAGS := $(WARN) $(TOME_CFLAGS_GCC) $(TOME_CFLAGS_SIZE) -O2 -D_GNU_SOURCE \
	-fno-strict-aliasing -fno-pic -mno-red-zone -mgeneral-regs-only \
	-Itest/compat/cost -Iports/x86_64 -Iinclude -Itest/ports/host
COST_LIB := $(addprefix $(COST)/,$(patsubst %.c,%.o,$(TOME_SRC_TIER2) \
	$(TOME_SRC_TIER5) $(TOME_SRC_FILES) $(TOME_SRC_PAGING) $(TOME_SRC_LOOK) \
	ports/x86_64/tlb.c))
COST_OBJ := $(COST_LIB) $(COST)/test/compat/cost/main.o \
	$(foreach s,$(COMPAT_COSTS),$(COST)/test/compat/cost/$(s).o \
	$(patsubst %.c,$(COST)/%.o,$(wildcard compat/$(s)/*.c)))

$(COST)/src/%.o: COST_FLAGS += -Isrc
$(COST)/test/compat/cost/main.o: COST_FLAGS += \
	-D'COSTS=$(foreach s,$(COMPAT_COSTS),COST($(s)))'
$(COST)/test/compat/cost/main.o: $(wildcard test/compat/cost/*.c)
$(foreach s,$(COMPAT_COSTS),$(eval $(COST)/compat/$(s)/%.o \
	$(COST)/test/compat/cost/$(s).o: COST_FLAGS += \
	-Icompat -Icompat/$(s)/include))

$(COST)/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)gcc $(COST_FLAGS) -MMD -MP -c -o $@ $<

$(COST)/count: $(COST_OBJ)
	$(Q)gcc -no-pie -o $@ $^

-include $(COST_OBJ:.o=.d)
