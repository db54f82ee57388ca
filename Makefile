# Makefile - every target of Tome. `make help` (or ./tome) names them;
# ./tome TARGET installs what is missing and comes here. V=1 shows commands.

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/sh

# Whatever -j was asked for, or one job per CPU. (While it reads, GNU make 4.3 knows of the
# make above it by its environment alone.)
ifeq ($(findstring jobserver,$(MAKEFLAGS)$(shell echo "$$MAKEFLAGS")),)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory --no-builtin-rules

ifeq ($(V),)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)'
else
Q :=
say = @:
endif

BUILD := build
WARN := -std=c11 -Wall -Wextra -Werror

include sources.mk
include tools/lib.mk
include tools/folders.mk
-include kernel/kernel.mk
-include test/user/user.mk
-include test/kernel/programs.mk
-include test/linux/linux.mk
-include bench/bench.mk
-include bench/policies.mk
include compat/facade.mk
-include $(wildcard examples/*/example.mk compat/*/compat.mk)
-include test/compat/cost/cost.mk
-include test/oracle/oracle.mk
-include test/stress/stress.mk
-include test/litmus/litmus.mk
-include test/unit/unit.mk
-include test/ports/ports.mk
-include test/ports/formats.mk
-include tools/mutants.mk
-include tools/port-mutants.mk
-include test/models/models.mk
-include test/programs.mk

# A target that ends with the status of what it ran writes that status to
# $(LEFT) and has a second target, which ends make with it: GNU make by itself would turn it
# into 2 (tools/leave.c).
LEFT := $(BUILD)/left
STATUS_GOALS := $(filter run debug test test-% check soak,$(MAKECMDGOALS))
ifneq ($(and $(STATUS_GOALS),$(filter load,$(.FEATURES))),)
-load $(BUILD)/tools/leave.so
$(BUILD)/tools/leave.so: tools/leave.c
	$(Q)mkdir -p $(@D)
	$(Q)gcc -O2 -Wall -Wextra -shared -fPIC -o $@ $<
endif

# $(call ending,COMMAND): run it, keep its status.
ending = @mkdir -p $(BUILD); $(1) && echo 0 >$(LEFT) || echo $$? >$(LEFT)

export ARCH
# The command of `make run` is taken as written: no $ in it is make's.
export TOME_CMD := $(value CMD)
unexport CMD

.PHONY: help
help: ## the targets (this list)
	@sh tools/help $(MAKEFILE_LIST)

##: Running

.PHONY: run debug kernel
run: run.begin ## boot to a busybox shell; ARCH= CPUS= MEM= CPU= CMD= ROOT= SHARE= SWAP= INIT= INITRAMFS= ICOUNT=1
run.begin: $(KERNEL_BUILD)/tome.elf
	$(call ending,sh tools/run $<)

debug: debug.begin ## the same, stopped until gdb attaches (localhost:1234)
debug.begin: $(KERNEL_BUILD)/tome.elf
	$(call ending,DEBUG=1 sh tools/run $<)

kernel: $(KERNEL_BUILD)/tome.elf ## build the reference kernel

##: Testing

.PHONY: test check soak
test: test.begin ## everything (docs/testing.md); test-PART runs one part
test.begin:
	$(call ending,sh test/run)

test-%: test-%.begin
	$(leave $(LEFT))
	@exit $$(cat $(LEFT))
test-%.begin:
	$(call ending,sh test/run $*)

check: check.begin ## layers, names, stack use and recursion of the sources alone
check.begin:
	$(call ending,sh test/run checks)

run debug test check soak:
	$(leave $(LEFT))
	@exit $$(cat $(LEFT))

soak: soak.begin ## the same programs for HOURS= (1), on fresh seeds; a line in docs/soak.md
soak.begin:
	$(call ending,HOURS=$(HOURS) sh tools/soak)

##: Measuring

.PHONY: size
size: ## code size, metadata per page, deepest stack
	@sh tools/size
	@sh tools/stack
	@sh tools/metadata

##: Housekeeping

.PHONY: linux clean distclean
linux: ## fetch Debian's 6.1 kernel into build/ (never installed)
	@sh tools/linux >/dev/null

clean: ## remove what was built, but not the fetched kernel
	$(Q)find $(BUILD) -mindepth 1 -maxdepth 1 ! -name linux \
		-exec rm -rf {} + 2>/dev/null || true

distclean: ## remove build/ altogether
	$(Q)rm -rf $(BUILD)
