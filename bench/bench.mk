# bench.mk - Tome measured against Debian's Linux in the same QEMU.

BENCH := $(BUILD)/bench
BENCH_PROGRAMS := $(BENCH)/vmbench $(BENCH)/coherence $(BENCH)/touch
# For ARCH, by its compiler.
BENCH_VM := $(BENCH)/vmbench$(patsubst %,-%,$(filter-out x86_64,$(ARCH)))

##: Measuring

.PHONY: bench bench-linux bench-coherence bench-compress
bench: $(KERNEL_BUILD)/tome.elf $(BENCH_VM) ## instructions per operation beside Linux's, with the ratio; ARCH=aarch64|riscv64 CPU=
	@sh bench/run $< $(BENCH_VM)

bench-linux: $(BENCH_VM) ## measure Linux's figures again (kept in bench/linux for ARCH=aarch64)
	@sh bench/run linux $<

bench-coherence: $(BUILD)/kernel/tome.elf $(BENCH)/coherence $(BENCH)/cohplug.so ## cache lines that travel between two CPUs, per operation
	@sh bench/run-coherence $< $(BENCH)/coherence $(BENCH)/cohplug.so

bench-compress: $(BENCH)/compress/compress ## compression ratio and cost over real programs' pages, beside LZ4's
	+@sh bench/run-compress $<

ifneq ($(BENCH_VM),$(BENCH)/vmbench)
$(BENCH_VM): bench/vmbench.c bench/guest.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(KERNEL_CROSS)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static \
		-pthread -o $@ $<
endif

$(BENCH)/vmbench: bench/vmbench.c bench/guest.h
$(BENCH)/touch: bench/touch.c bench/guest.h
$(BENCH)/coherence: bench/coherence.c bench/guest.h bench/magic.h
$(BENCH_PROGRAMS):
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread -o $@ $<

$(BENCH)/cohplug.so: bench/cohplug.c bench/magic.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $<

# Hosted: the tier as it is, its compressor built as the reference kernel builds it.
$(BENCH)/compress/wk.o: src/paging/wk.c src/paging/wk.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc $(WARN) -O2 $(TOME_CFLAGS_GCC) $(TOME_CFLAGS_SIZE) $(HOSTED_PATHS) \
		-c -o $@ $<

$(BENCH)/compress/compress: bench/compress.c $(BENCH)/compress/wk.o \
	$(BUILD)/hosted/fast/libtome.a
	$(call say,CC,$@)
	$(Q)gcc $(WARN) -O2 -D_GNU_SOURCE $(HOSTED_PATHS) -o $@ $^ -llz4 -lpthread

.PHONY: print-compress-sources
print-compress-sources:
	@echo $(TOME_SRC_TIER2) $(TOME_SRC_TIER5) $(TOME_SRC_FILES) $(TOME_SRC_POSIX)
