# oracle.mk - random operations against the naive VM: build/oracle/oracle, and
# the same without sanitizers, for long runs: build/oracle/fast. (unit.mk has the
# variables; they are expanded late.)

ORACLE := $(BUILD)/oracle
ORACLE_SRC := $(wildcard test/oracle/*.c)

$(ORACLE)/oracle: $(ORACLE_SRC) $(wildcard test/oracle/*.h) \
	$(BUILD)/hosted/asan/libtome.a
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc $(HOSTED_CFLAGS) $(SANITIZE) $(HOSTED_PATHS) -o $@ \
		$(ORACLE_SRC) $(BUILD)/hosted/asan/libtome.a $(HOSTED_LIBS)

$(ORACLE)/fast: $(ORACLE_SRC) $(wildcard test/oracle/*.h) \
	$(BUILD)/hosted/fast/libtome.a
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc $(HOSTED_CFLAGS) -O2 $(HOSTED_PATHS) -o $@ \
		$(ORACLE_SRC) $(BUILD)/hosted/fast/libtome.a $(HOSTED_LIBS)

.PHONY: oracle
oracle: $(ORACLE)/oracle ## build the oracle (build/oracle/oracle --help)
