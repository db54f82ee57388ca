# litmus.mk - the litmus programs on the deterministic scheduler.

LITMUS_OBJ := $(patsubst test/litmus/%.c,$(BUILD)/litmus/%.o,\
	$(wildcard test/litmus/*.c))

$(BUILD)/litmus/%.o: test/litmus/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)gcc $(HOSTED_CFLAGS) -O2 $(HOSTED_PATHS) -Itest/litmus -MMD -MP \
		-c -o $@ $<

$(BUILD)/litmus/litmus: $(LITMUS_OBJ) $(BUILD)/hosted/fast/libtome.a
	$(Q)gcc -o $@ $^ -lpthread

-include $(LITMUS_OBJ:.o=.d)

.PHONY: litmus
litmus: $(BUILD)/litmus/litmus ## build the litmus programs (build/litmus/litmus)

# What a flawed copy of a source is compiled with (test/flaws/run).
.PHONY: flaw-flags
flaw-flags:
	@echo $(HOSTED_CFLAGS) -O2 -Ihosted -Iinclude -Iports/x86_64
