# lib.mk - the library by itself, for every compiler and word size, with
# nothing but its headers: what an embedder gets. Each variant is linked tier by
# tier with -r, so that what a tier leaves undefined can be compared with what
# <tome/host.h> promises (tools/names).
#
# tools/bare/tome_host_inline.h declares the inline half of the host contract
# as plain functions, so that these too show up as undefined.

LIB_FLAGS := $(WARN) -O2 -ffreestanding -fno-pic -fno-stack-protector \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -Iinclude -Isrc
LIB_TIERS := 2 57 all

LIB_SRC_2 = $(TOME_SRC_TIER2)
LIB_SRC_57 = $(TOME_SRC_TIER2) $(TOME_SRC_TIER5) $(TOME_SRC_POSIX)
LIB_SRC_all = $(LIB_SRC_57) $(TOME_SRC_FILES) $(TOME_SRC_PAGING) \
	$(TOME_SRC_LOOK)

# $(call lib_variant,NAME,PORT,COMPILER,TOOLS,FLAGS); PORT is a folder, TOOLS the
# prefix of ld and nm; a sixth argument is for ld, a seventh another ld.
define lib_variant
LIB_VARIANTS += $(1)
.PHONY: print-lib-nm-$(1)
print-lib-nm-$(1):
	@echo $(4)nm
$(BUILD)/lib/$(1)/%.o: %.c tools/lib.mk
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(1) $$<)
	$$(Q)$(3) $$(LIB_FLAGS) -I$(2) $(5) -Itools/bare -MMD -MP \
		-c -o $$@ $$<

$(BUILD)/lib/$(1)/tier2.o: $$(addprefix $(BUILD)/lib/$(1)/,\
	$$(LIB_SRC_2:.c=.o) $$(TOME_PORT_SRC_$$(notdir $(2)):.c=.o))
	$$(Q)$(or $(7),$(4)ld) $(6) -r -o $$@ $$^

$(BUILD)/lib/$(1)/tier57.o: $$(addprefix $(BUILD)/lib/$(1)/,\
	$$(LIB_SRC_57:.c=.o) $$(TOME_PORT_SRC_$$(notdir $(2)):.c=.o))
	$$(Q)$(or $(7),$(4)ld) $(6) -r -o $$@ $$^

$(BUILD)/lib/$(1)/tierall.o: $$(addprefix $(BUILD)/lib/$(1)/,\
	$$(LIB_SRC_all:.c=.o) $$(TOME_PORT_SRC_$$(notdir $(2)):.c=.o))
	$$(Q)$(or $(7),$(4)ld) $(6) -r -o $$@ $$^

-include $$(addprefix $(BUILD)/lib/$(1)/,$$(LIB_SRC_all:.c=.d) \
	$$(TOME_PORT_SRC_$$(notdir $(2)):.c=.d))
endef

X86_64_FLAGS := -mno-red-zone -mgeneral-regs-only -mcmodel=kernel
# Without SSE nothing asks for a stack aligned to 16 bytes.
$(eval $(call lib_variant,x86_64-gcc,ports/x86_64,gcc,,$(X86_64_FLAGS) \
	-mpreferred-stack-boundary=3 $(TOME_CFLAGS_GCC) $(TOME_CFLAGS_SIZE) \
	-fstack-usage -fcallgraph-info=su))
$(eval $(call lib_variant,x86_64-clang,ports/x86_64,clang,,$(X86_64_FLAGS) \
	-Wthread-safety))

$(eval $(call lib_variant,aarch64-clang,ports/aarch64,clang --target=aarch64 \
	-march=armv8-a,llvm-,-mgeneral-regs-only -mno-outline-atomics,,ld.lld))
$(eval $(call lib_variant,riscv64-clang,ports/riscv64,clang --target=riscv64 \
	-march=rv64gc,llvm-,-mcmodel=medany -mno-relax,,ld.lld))

# Words of 32 bits. i386: atomic words of 64 bits want their natural alignment; and
# without the FPU gcc calls a library for them, where clang uses cmpxchg8b.
$(eval $(call lib_variant,i386-clang,ports/i386,\
	clang --target=i686-linux-gnu,,-DTOME_I386_PAE=1 -march=i686 \
	-mgeneral-regs-only -malign-double,-m elf_i386))
$(eval $(call lib_variant,armv7-gcc,ports/armv7,arm-linux-gnueabihf-gcc,\
	arm-linux-gnueabihf-,$(TOME_CFLAGS_GCC) \
	-march=armv7-a+fp -marm -Wno-psabi))

.PHONY: print-lib-variants
print-lib-variants:
	@echo $(LIB_VARIANTS)
