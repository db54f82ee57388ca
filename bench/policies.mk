# policies.mk - replacement policies over traces of real programs.

TRACES := $(BUILD)/traces
POLICY_SRC := $(addprefix src/paging/,policy.c shadow.c generations.c \
	second_chance.c clock_pro.c)

.PHONY: bench-traces bench-policies
bench-traces: $(TRACES)/traceplug.so ## record the pages that python3, gcc and redis use, in build/traces
	@sh bench/run-traces $<

bench-policies: $(TRACES)/policies bench-traces ## misses of the replacement policies over those traces
	@$< $(TRACES)/redis $(TRACES)/cc1 $(TRACES)/sort

$(TRACES)/traceplug.so: bench/traceplug.c bench/trace.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $<

$(TRACES)/policies: bench/policies.c bench/trace.h $(POLICY_SRC) \
	src/paging/policy.h src/paging/shadow.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -Isrc -o $@ $< $(POLICY_SRC)
