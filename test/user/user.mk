# user.mk - the user-space suite: memory calls in named cases, one static
# program for Linux and the reference kernel; for ARCH, by its compiler, and for
# pages of GRANULE bits and addresses of WIDTH.

MEMSUITE := $(BUILD)/test/user/memsuite$(patsubst %,-%,$(filter-out \
	x86_64,$(ARCH)))$(patsubst %,-%,$(GRANULE))$(patsubst %,-%,$(WIDTH))
$(MEMSUITE): $(wildcard test/user/*.c) test/user/suite.h bench/guest.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(or $(KERNEL_USER_CC),$(KERNEL_CROSS)gcc) -std=gnu11 -O1 -Wall -Wextra -Werror -Wno-array-bounds \
		-Wno-infinite-recursion -static -pthread \
		$(patsubst %,'-DPAGE=(1ul << %)',$(GRANULE)) \
		$(patsubst %,-DWIDTH=%,$(WIDTH)) -o $@ $(filter %.c,$^)

.PHONY: memsuite
memsuite: $(MEMSUITE) $(KERNEL_BUILD)/tome.elf ## the user-space suite on the reference kernel
	@sh test/linux/boot tome $<
