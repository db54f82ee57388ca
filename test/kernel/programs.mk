# programs.mk - programs that try the reference kernel's patience, as its /init.

TORTURE := $(BUILD)/test/kernel
TORTURE_PROGRAMS := $(addprefix $(TORTURE)/,cycles storm hostile hog paging \
	vast groups far store)

$(TORTURE_PROGRAMS): $(TORTURE)/%: test/kernel/%.c test/kernel/counts.c \
		test/kernel/counts.h bench/guest.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc -std=gnu11 -O1 -Wall -Wextra -Werror -static -pthread -o $@ \
		$(filter %.c,$^)

.PHONY: leaks vast torture-programs
torture-programs: $(TORTURE_PROGRAMS)
leaks: $(TORTURE_PROGRAMS) $(BUILD)/kernel/tome.elf ## ten thousand fork/exec/exit cycles and long storms leave nothing
	@CYCLES=10000 ROUNDS=40 TIMEOUT=3600 sh test/kernel/run cycles storm
vast: $(TORTURE)/vast $(BUILD)/kernel/tome.elf ## 16 GiB of memory that differs, swapped out, in 64 MiB
	@MIB=16384 TIMEOUT=3600 sh test/kernel/run vast
