# linux.mk - streams of memory calls against Debian's Linux, whose answers are
# recorded in answers.txt, and against the reference kernel.
#
# make linux-answers		record again (after the streams changed)
# make stream SEED=3 STEPS=200	the lines of one stream, on Linux and on Tome

STREAMS := $(BUILD)/test/linux
STREAM_SRC := test/linux/on_syscalls.c test/linux/stream.c \
	test/linux/stream_file.c
STREAM_CC := gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static

# The steps that Linux left out (stream.h), for whoever answers after it.
apart = $$(sed -n 's/^APART \(.*\)/0x\1,/p' $(1) | tr -d '\n')

$(STREAMS)/on_syscalls.told: $(STREAM_SRC) $(wildcard test/linux/*.h) \
		bench/guest.h test/linux/answers.txt
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(STREAM_CC) -DSTREAM_APART="$(call apart,test/linux/answers.txt)" \
		-o $@ $(STREAM_SRC)

$(STREAMS)/on_syscalls: $(STREAM_SRC) $(wildcard test/linux/*.h) bench/guest.h
	$(Q)mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(STREAM_CC) -o $@ $(STREAM_SRC)

.PHONY: linux-answers stream
linux-answers: $(STREAMS)/on_syscalls
	@sh test/linux/boot linux $< >$(STREAMS)/answers.new
	@mv $(STREAMS)/answers.new test/linux/answers.txt

SEED ?= 1
STEPS ?= 1000
stream: $(BUILD)/kernel/tome.elf ## where one stream differs: SEED= STEPS=, Linux and Tome side by side
	@mkdir -p $(STREAMS)
	@$(STREAM_CC) -DSTREAM_VERBOSE=1 -DSTREAM_SEEDS='{ { $(SEED), $(STEPS) } }' \
		-o $(STREAMS)/one $(STREAM_SRC)
	@sh test/linux/boot linux $(STREAMS)/one >$(STREAMS)/one.linux
	@$(STREAM_CC) -DSTREAM_VERBOSE=1 -DSTREAM_SEEDS='{ { $(SEED), $(STEPS) } }' \
		-DSTREAM_APART="$(call apart,$(STREAMS)/one.linux)" \
		-o $(STREAMS)/one $(STREAM_SRC)
	@sh test/linux/boot tome $(STREAMS)/one >$(STREAMS)/one.tome
	@diff -U 3 $(STREAMS)/one.linux $(STREAMS)/one.tome && echo 'no difference'

# The same streams on the hosted machine.
$(STREAMS)/%.o: test/linux/%.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)gcc $(HOSTED_CFLAGS) $(SANITIZE) $(HOSTED_PATHS) -MMD -MP -c -o $@ $<

$(STREAMS)/on_tome: $(STREAMS)/on_tome.o $(STREAMS)/stream.o \
		$(STREAMS)/stream_file.o $(STREAMS)/tome_file.o \
		$(BUILD)/hosted/asan/libtome.a
	$(Q)gcc $(SANITIZE) -o $@ $^ -lpthread

-include $(wildcard $(STREAMS)/*.d)
