# stress.mk - threads on one map, under ThreadSanitizer (build/stress/tsan) and
# under the others (build/stress/asan).

$(BUILD)/stress/tsan: test/stress/stress.c $(BUILD)/hosted/tsan/libtome.a
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc $(HOSTED_CFLAGS) -fsanitize=thread $(HOSTED_PATHS) -o $@ $^ \
		-lpthread

$(BUILD)/stress/asan: test/stress/stress.c $(BUILD)/hosted/asan/libtome.a
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc $(HOSTED_CFLAGS) $(SANITIZE) $(HOSTED_PATHS) -o $@ $^ -lpthread

.PHONY: stress
stress: $(BUILD)/stress/tsan $(BUILD)/stress/asan ## build the stress programs
