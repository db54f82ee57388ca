# formats.mk - the hosted machine on every other page-table format: for each, the
# library, the conformance suite, the oracle and the unit tests, under
# build/formats/NAME. (unit.mk has the variables; they are expanded late.)

# $(call hosted_format,NAME,PORT,FLAGS[,32]): with 32, as programs of 32 bits.
define hosted_format
FORMATS$(4) += $(1)
FORMAT_LINK_$(1) = $$(FORMAT_GCC$(4)) $$(FORMAT_SANITIZE)
FORMAT_LIBS_$(1) = $$(FORMAT_LIBS$(4))
FORMAT_LIB_$(1) = $$(addprefix $(BUILD)/formats/$(1)/,$$(patsubst %.c,%.o,\
	$$(FOLDERS_TOME) ports/$(2)/tlb.c $$(HOSTED_MACHINE) hosted/radix.c \
	hosted/mmu_$(2).c))
FORMAT_CC_$(1) = $$(FORMAT_GCC$(4)) $$(HOSTED_CFLAGS) $(3) $$(FORMAT_SANITIZE) -Ihosted \
	-Iinclude -Isrc -Iports/$(2) -Itest/unit

$(BUILD)/formats/$(1)/%.o: %.c
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$(1) $$<)
	$$(Q)$$(FORMAT_CC_$(1)) -I$$(dir $$<) -MMD -MP -c -o $$@ $$<

$(BUILD)/formats/$(1)/libtome.a: $$$$(FORMAT_LIB_$(1))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^

$(BUILD)/formats/$(1)/oracle: $$(patsubst %.c,$(BUILD)/formats/$(1)/%.o,\
	$(wildcard test/oracle/*.c)) $(BUILD)/formats/$(1)/libtome.a
	$$(Q)$$(FORMAT_LINK_$(1)) -o $$@ $$^ $$(FORMAT_LIBS_$(1))

$(BUILD)/formats/$(1)/conform: \
	$(CONFORM:%.c=$(BUILD)/formats/$(1)/%.o) \
	$(BUILD)/formats/$(1)/libtome.a
	$$(Q)$$(FORMAT_LINK_$(1)) -o $$@ $$^ $$(FORMAT_LIBS_$(1))

$(BUILD)/formats/$(1)/unit/%: $(BUILD)/formats/$(1)/test/unit/%.o \
	$$(patsubst %.c,$(BUILD)/formats/$(1)/%.o,$(wildcard test/unit/*.c)) \
	$$$$(call format_helpers,$(1),$$$$(notdir $$$$(@D))) \
	$(BUILD)/formats/$(1)/libtome.a
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(FORMAT_LINK_$(1)) -o $$@ $$^ $$(FORMAT_LIBS_$(1))

.PHONY: format-$(1) format-slice-$(1)
format-$(1): $(BUILD)/formats/$(1)/conform $(BUILD)/formats/$(1)/oracle \
	$$(FORMAT_TESTS:%=$(BUILD)/formats/$(1)/unit/%)
format-slice-$(1): $(BUILD)/formats/$(1)/conform $(BUILD)/formats/$(1)/oracle \
	$$(FORMAT_SLICE:%=$(BUILD)/formats/$(1)/unit/%)
-include $$(wildcard $$(addprefix $(BUILD)/formats/$(1)/,*/*.d */*/*.d \
	*/*/*/*.d))
endef

FORMAT_GCC := gcc
CONFORM := $(wildcard test/conform/*.c)
FORMAT_LIBS = $(HOSTED_LIBS)
# Of 32 bits with the cross compiler and libraries that Debian has for i386; cmocka is
# unpacked beside them. They run on this machine; the path is for the libraries of
# libraries too, the sanitizers' (so the old kind of tag).
CMOCKA32 := $(BUILD)/deb/i386/libcmocka
FORMAT_CMOCKA32 := $(CMOCKA32)0/usr/lib/i386-linux-gnu
FORMAT_GCC32 := i686-linux-gnu-gcc -Wno-psabi -isystem $(CMOCKA32)-dev/usr/include
FORMAT_LIBS32 := $(FORMAT_CMOCKA32)/libcmocka.so.0 -Wl,--disable-new-dtags \
	-Wl,-rpath,/usr/i686-linux-gnu/lib:$(CURDIR)/$(FORMAT_CMOCKA32) \
	-Wl,--dynamic-linker=/usr/i686-linux-gnu/lib/ld-linux.so.2 -lpthread
# What C says of pointers alone is the same on every format, and looked at in all that is
# built for x86-64; here it would be a quarter of the compiler's time.
FORMAT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-sanitize=null,alignment,object-size
# All but those of the x86-64 machine itself, and of what knows no pages.
FORMAT_TESTS := $(filter-out hosted/test_mmu hosted/test_vm hosted/test_cpu \
	hosted/test_sched kernel/%,$(patsubst \
	test/unit/%.c,%,$(wildcard test/unit/*/test_*.c)))
# Of these, in every run of the suite: one or two of each layer.
FORMAT_SLICE := fail/test_map kmem/test_kmap map/test_fork map/test_ops pmap/test_run \
	object/test_content posix/test_mmap
format_helpers = $(patsubst test/unit/%.c,$(BUILD)/formats/$(1)/test/unit/%.o,\
	$(filter-out test/unit/$(2)/test_%,$(wildcard test/unit/$(2)/*.c)))

$(eval $(call hosted_format,riscv64,riscv64,))
$(eval $(call hosted_format,aarch64-4k,aarch64,))
$(eval $(call hosted_format,aarch64-16k,aarch64,-DTOME_A64_GRANULE=14))
$(eval $(call hosted_format,aarch64-64k,aarch64,-DTOME_A64_GRANULE=16))
$(eval $(call hosted_format,aarch64-4k-52,aarch64,-DTOME_A64_WIDTH=52))
$(eval $(call hosted_format,aarch64-16k-52,aarch64,-DTOME_A64_GRANULE=14 \
	-DTOME_A64_WIDTH=52))
$(eval $(call hosted_format,aarch64-64k-52,aarch64,-DTOME_A64_GRANULE=16 \
	-DTOME_A64_WIDTH=52))
$(eval $(call hosted_format,i386,i386,))
$(eval $(call hosted_format,i386-pae,i386,-DTOME_I386_PAE=1))
$(eval $(call hosted_format,armv7,armv7,))
$(eval $(call hosted_format,armv7-32,armv7,,32))
$(eval $(call hosted_format,i386-32,i386,,32))
$(eval $(call hosted_format,i386-pae-32,i386,-DTOME_I386_PAE=1,32))
# Without EVERY=1 these are left to `make soak`.
ifeq ($(EVERY),)
FORMATS := $(filter-out aarch64-16k-52 aarch64-64k-52,$(FORMATS))
endif

# x86-64 has the rest of the suite; the conformance suite comes from here as well.
$(BUILD)/formats/x86_64/conform: $(CONFORM) $(BUILD)/hosted/asan/libtome.a \
	test/conform/conform.h
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(HOSTED_CFLAGS) $(SANITIZE) $(HOSTED_PATHS) -o $@ \
		$(filter-out %.h,$^) $(HOSTED_LIBS)

.PHONY: format-x86_64
format-x86_64: $(BUILD)/formats/x86_64/conform $(ORACLE)/oracle \
	$(FORMAT_TESTS:%=$(UNIT)/%)

.PHONY: print-formats print-formats-32 print-format-tests print-format-slice
print-formats:
	@echo $(FORMATS)
print-formats-32:
	@echo $(FORMATS32)
print-format-tests:
	@echo $(FORMAT_TESTS)
print-format-slice:
	@echo $(FORMAT_SLICE)
