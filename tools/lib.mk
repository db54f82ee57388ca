# lib.mk - the library by itself, for every compiler and word size, with
# nothing but its headers: what an embedder gets. Each variant is linked tier by
# tier with -r, so that what a tier leaves undefined can be compared with what
# <tome/host.h> promises (tools/names).
#
# tools/bare/tome_host_inline.h declares the inline half of the host contract
# as plain functions, so that these too show up as undefined.

LIB_FLAGS := $(WARN) -O2 -g -ffreestanding -fno-pic -fno-stack-protector \
	-fno-strict-aliasing -Iinclude -Isrc
LIB_TIERS := 2 57

LIB_SRC_2 = $(TOME_SRC_TIER2)
LIB_SRC_57 = $(TOME_SRC_TIER2) $(TOME_SRC_TIER5) $(TOME_SRC_POSIX)

# $(call lib_variant,NAME,PORT,COMPILER,TOOLS,FLAGS); TOOLS is the prefix of ld
# and nm.
define lib_variant
LIB_VARIANTS += $(1)
.PHONY: print-lib-nm-$(1)
print-lib-nm-$(1):
	@echo $(4)nm
$(BUILD)/lib/$(1)/%.o: %.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(1) $$<)
	$$(Q)$(3) $$(LIB_FLAGS) $(5) -Iports/$(2) -Itools/bare -MMD -MP \
		-c -o $$@ $$<

$(BUILD)/lib/$(1)/tier2.o: $$(addprefix $(BUILD)/lib/$(1)/,\
	$$(LIB_SRC_2:.c=.o) $$(TOME_PORT_SRC_$(2):.c=.o))
	$$(Q)$(4)ld -r -o $$@ $$^

$(BUILD)/lib/$(1)/tier57.o: $$(addprefix $(BUILD)/lib/$(1)/,\
	$$(LIB_SRC_57:.c=.o) $$(TOME_PORT_SRC_$(2):.c=.o))
	$$(Q)$(4)ld -r -o $$@ $$^

-include $$(addprefix $(BUILD)/lib/$(1)/,$$(LIB_SRC_57:.c=.d) \
	$$(TOME_PORT_SRC_$(2):.c=.d))
endef

X86_64_FLAGS := -mno-red-zone -mgeneral-regs-only -mcmodel=kernel
$(eval $(call lib_variant,x86_64-gcc,x86_64,gcc,,$(X86_64_FLAGS) \
	-fstack-usage -fcallgraph-info=su))
$(eval $(call lib_variant,x86_64-clang,x86_64,clang,,$(X86_64_FLAGS) \
	-Wthread-safety))

.PHONY: print-lib-variants
print-lib-variants:
	@echo $(LIB_VARIANTS)
