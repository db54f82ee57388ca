# facade.mk - how a facade is built, tested and shown on the hosted machine. Each
# compat/<system>/compat.mk calls $(eval $(call facade,<system>)).
#
# A facade sees its own include folder and Tome's, no more. Variants: asan,
# checked, tsan and fast with link names of their own, one with plain ones
# (COMPAT_ONE_FACADE).
# test/compat/<system>/test_*.c are built under ASan and UBSan (checked), race_*.c
# under TSan.
# demo/demo.c is built twice: against demo/include, which holds the document's
# declarations and nothing else, and against the facade's own headers.

COMPAT := $(BUILD)/compat
COMPAT_FLAGS_asan = $(SANITIZE)
COMPAT_FLAGS_checked = $(SANITIZE)
COMPAT_FLAGS_tsan = -fsanitize=thread -O2
COMPAT_FLAGS_fast = -O2
COMPAT_FLAGS_one = $(SANITIZE) -DCOMPAT_ONE_FACADE
COMPAT_VARIANTS := asan checked tsan fast one
# The tests' facades tell the rig of every function that ends, so that the instance is
# recounted after every call (test/compat/rig.h). What the core calls is none.
COMPAT_CALLBACKS := file_gone,file_transfer
COMPAT_TOLD_checked = -finstrument-functions \
	-finstrument-functions-exclude-file-list=include/tome,ports/ \
	-finstrument-functions-exclude-function-list=$(COMPAT_CALLBACKS)
COMPAT_HOSTED_PATHS = $(HOSTED_PATHS) -Icompat -Itest/compat
COMPAT_SYSTEMS :=

# The page-table format that facade $(1) is built for in variant $(2): its demo may
# have another (COMPAT_PORT_<system>), with a library of COMPAT_LIB_<system>.
compat_port = $(if $(filter one,$(2)),$(or $(COMPAT_PORT_$(1)),x86_64),x86_64)
# The objects of facade $(2) in variant $(1); of its demo.
compat_facade = $(patsubst compat/%.c,$(COMPAT)/$(1)/%.o,\
	$(wildcard compat/$(2)/*.c))
compat_demo = $(addprefix $(COMPAT)/$(1)/,$(2)/demo/demo.o $(2)/demo/machine.o)

# $(call facade_variant,SYSTEM,VARIANT)
define facade_variant
$(COMPAT)/$(2)/$(1)/%.o: compat/$(1)/%.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(2) $$<)
	$$(Q)gcc $$(HOSTED_CFLAGS) $$(COMPAT_FLAGS_$(2)) $$(COMPAT_TOLD_$(2)) \
		-Icompat/$(1)/include -Iinclude \
		-Iports/$(call compat_port,$(1),$(2)) -MMD -MP -c -o $$@ $$<

$(COMPAT)/$(2)/$(1)/demo/demo.o: compat/$(1)/demo/demo.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(2) $$<)
	$$(Q)gcc $$(HOSTED_CFLAGS) $$(COMPAT_FLAGS_$(2)) \
		$(if $(filter one,$(2)),-Icompat/$(1)/demo/include,-Icompat/$(1)/include) \
		-Icompat/demo -Dmain=demo_main_$(1) -MMD -MP -c -o $$@ $$<

$(COMPAT)/$(2)/$(1)/demo/machine.o: compat/$(1)/demo/machine.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(2) $$<)
	$$(Q)gcc $$(HOSTED_CFLAGS) $$(COMPAT_FLAGS_$(2)) -Icompat/$(1)/include \
		-Iports/$(call compat_port,$(1),$(2)) $$(COMPAT_HOSTED_PATHS) \
		-MMD -MP -c -o $$@ $$<

$(COMPAT)/$(2)/test/$(1)/%.o: test/compat/$(1)/%.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(2) $$<)
	$$(Q)gcc $$(HOSTED_CFLAGS) $$(COMPAT_FLAGS_$(2)) -Icompat/$(1)/include \
		$$(COMPAT_HOSTED_PATHS) -MMD -MP -c -o $$@ $$<

-include $$(wildcard $(COMPAT)/$(2)/$(1)/*.d $(COMPAT)/$(2)/$(1)/demo/*.d \
	$(COMPAT)/$(2)/test/$(1)/*.d)
endef

# $(call facade_tests,SYSTEM,VARIANT,PREFIX)
define facade_tests
COMPAT_TESTS += $(patsubst test/compat/%.c,$(COMPAT)/%,\
	$(wildcard test/compat/$(1)/$(3)_*.c))
$(patsubst test/compat/%.c,$(COMPAT)/%,$(wildcard test/compat/$(1)/$(3)_*.c)): \
$(COMPAT)/%: $(COMPAT)/$(2)/test/%.o $(call compat_facade,$(2),$(1)) \
	$(patsubst test/compat/%.c,$(COMPAT)/$(2)/test/%.o,\
	$(filter-out test/compat/$(1)/test_% test/compat/$(1)/race_%,\
	$(wildcard test/compat/$(1)/*.c))) \
	$(COMPAT)/$(2)/rig.o \
	$(BUILD)/hosted/$(patsubst checked,asan,$(2))/libtome.a
	$$(Q)mkdir -p $$(@D)
	$$(Q)gcc $$(COMPAT_FLAGS_$(2)) -o $$@ $$^ $$(HOSTED_LIBS)
endef

define facade
COMPAT_SYSTEMS += $(1)
$(foreach v,$(COMPAT_VARIANTS),$(call facade_variant,$(1),$(v))
)
$(call facade_tests,$(1),checked,test)
$(call facade_tests,$(1),tsan,race)

$(COMPAT)/demo-$(1): $(call compat_facade,one,$(1)) \
	$(call compat_demo,one,$(1)) $(COMPAT)/one/main-$(1).o \
	$(or $(COMPAT_LIB_$(1)),$(BUILD)/hosted/asan/libtome.a)
	$$(Q)gcc $$(SANITIZE) -o $$@ $$^ $$(HOSTED_LIBS)

$(COMPAT)/one/main-$(1).o: compat/demo/main.c compat/demo/demo.h \
	compat/demo/machine.h
	$$(Q)mkdir -p $$(@D)
	$$(Q)gcc $$(HOSTED_CFLAGS) $$(SANITIZE) \
		-Iports/$(call compat_port,$(1),one) $$(COMPAT_HOSTED_PATHS) \
		-D'DEMOS=DEMO($(1))' -c -o $$@ $$<

.PHONY: demo-$(1)
demo-$(1): $(COMPAT)/demo-$(1)
	@$$<
endef

$(COMPAT)/%/rig.o: test/compat/rig.c test/compat/rig.h
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(HOSTED_CFLAGS) $(COMPAT_FLAGS_$*) $(COMPAT_HOSTED_PATHS) \
		-c -o $@ $<

# All facades in one program: their demos one after another, then at once.
.SECONDEXPANSION:
COMPAT_ALL_OBJ = $(foreach s,$(COMPAT_SYSTEMS),\
	$(call compat_facade,$(1),$(s)) $(call compat_demo,$(1),$(s)))

$(COMPAT)/all-%: $$(call COMPAT_ALL_OBJ,%) $(COMPAT)/%/main-all.o \
	$(BUILD)/hosted/%/libtome.a
	$(Q)gcc $(COMPAT_FLAGS_$*) -o $@ $^ $(HOSTED_LIBS)

$(COMPAT)/%/main-all.o: compat/demo/main.c compat/demo/demo.h \
	compat/demo/machine.h
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(HOSTED_CFLAGS) $(COMPAT_FLAGS_$*) $(COMPAT_HOSTED_PATHS) \
		-D'DEMOS=$(foreach s,$(COMPAT_SYSTEMS),DEMO($(s)))' -c -o $@ $<

.PHONY: compat print-compat
compat: $$(COMPAT_TESTS) $$(addprefix $(COMPAT)/demo-,$$(COMPAT_SYSTEMS)) \
	$(COMPAT)/all-asan $(COMPAT)/all-tsan ## build the facades, their tests and demos (demo-SYSTEM runs one)
print-compat:
	@echo $(COMPAT_SYSTEMS)
