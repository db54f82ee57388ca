# unit.mk - the unit tests: one program for each test/unit/<layer>/test_*.c.
#
# Each is linked with the other .c files of its folder, those of test/unit
# itself, and the library on the hosted machine, in a debug build under ASan and
# UBSan. (Included last: second expansion holds for every rule after it.)

UNIT := $(BUILD)/unit
HOSTED_CFLAGS := $(WARN) $(TOME_CFLAGS_GCC) -O1 -g1 -fno-omit-frame-pointer -DTOME_DEBUG \
	-D_GNU_SOURCE -fno-strict-aliasing -DTOME_X86_INVLPGB=1
HOSTED_PATHS := -Ihosted -Iinclude -Isrc -Iports/x86_64
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
HOSTED_LIBS := -lcmocka -lpthread

# The library without a port, and the machine without a format's MMU.
HOSTED_TOME = $(TOME_SRC_TIER2) $(TOME_SRC_TIER5) $(TOME_SRC_POSIX) \
	$(TOME_SRC_FILES) $(TOME_SRC_PAGING) $(TOME_SRC_LOOK)
HOSTED_MACHINE := $(filter-out hosted/mmu_% hosted/radix.c,$(wildcard hosted/*.c))
HOSTED_SRC = $(HOSTED_TOME) $(TOME_PORT_SRC_x86_64) $(HOSTED_MACHINE) \
	hosted/mmu_x86_64.c

# $(call hosted_library,NAME,FLAGS): build/hosted/NAME/libtome.a
define hosted_library
$(BUILD)/hosted/$(1)/%.o: %.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(1) $$<)
	$$(Q)gcc $$(HOSTED_CFLAGS) $(2) $$(HOSTED_PATHS) -MMD -MP -c -o $$@ $$<

$(BUILD)/hosted/$(1)/libtome.a: $$(addprefix $(BUILD)/hosted/$(1)/,\
	$$(HOSTED_SRC:.c=.o))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^

-include $$(addprefix $(BUILD)/hosted/$(1)/,$$(HOSTED_SRC:.c=.d))
endef
$(eval $(call hosted_library,asan,$(SANITIZE)))
$(eval $(call hosted_library,tsan,-fsanitize=thread -O2))
$(eval $(call hosted_library,fast,-O2))

UNIT_TESTS := $(patsubst test/unit/%.c,$(UNIT)/%,\
	$(wildcard test/unit/*/test_*.c))
UNIT_SUPPORT := $(patsubst test/unit/%.c,$(UNIT)/%.o,$(wildcard test/unit/*.c))

# The helpers of the folder $(1), as objects.
unit_helpers = $(patsubst test/unit/%.c,$(UNIT)/%.o,\
	$(filter-out test/unit/$(1)/test_%,$(wildcard test/unit/$(1)/*.c)))

$(UNIT)/%.o: test/unit/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)gcc $(HOSTED_CFLAGS) $(SANITIZE) $(HOSTED_PATHS) -Itest/unit \
		-I$(dir $<) -MMD -MP -c -o $@ $<

# The reference kernel's functions that need no kernel.
$(UNIT)/kernel/%.o: HOSTED_PATHS += -Ikernel

.SECONDEXPANSION:
$(UNIT_TESTS): $(UNIT)/%: $(UNIT)/%.o $(UNIT_SUPPORT) \
	$$(call unit_helpers,$$(notdir $$(@D))) \
	$(BUILD)/hosted/asan/libtome.a
	$(Q)gcc $(SANITIZE) -o $@ $^ $(HOSTED_LIBS)

-include $(wildcard $(UNIT)/*.d $(UNIT)/*/*.d)

.PHONY: unit
unit: $(UNIT_TESTS) ## build the unit tests (build/unit/LAYER/test_NAME)
