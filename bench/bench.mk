# bench.mk - Tome measured against Debian's Linux in the same QEMU.

BENCH := $(BUILD)/bench
BENCH_PROGRAMS := $(BENCH)/vmbench $(BENCH)/coherence $(BENCH)/touch

##: Measuring

.PHONY: bench bench-coherence
bench: $(BUILD)/kernel/tome.elf $(BENCH)/vmbench ## instructions per operation beside Linux's, with the ratio
	@sh bench/run $< $(BENCH)/vmbench

bench-coherence: $(BUILD)/kernel/tome.elf $(BENCH)/coherence $(BENCH)/cohplug.so ## cache lines that travel between two CPUs, per operation
	@sh bench/run-coherence $< $(BENCH)/coherence $(BENCH)/cohplug.so

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
