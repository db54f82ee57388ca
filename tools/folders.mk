# folders.mk - the library by the folder, for what is built to be tried and not measured:
# each of build/folders/*.c is all of src/NAME. What its files include is read once, not
# once a file: a quarter of the compiler's time.

FOLDERS := $(BUILD)/folders
FOLDERS_SRC = $(TOME_SRC_TIER2) $(TOME_SRC_TIER5) $(TOME_SRC_POSIX) \
	$(TOME_SRC_FILES) $(TOME_SRC_PAGING) $(TOME_SRC_LOOK)
FOLDERS_TOME := $(patsubst src/%/,$(FOLDERS)/%.c,$(sort $(dir $(FOLDERS_SRC))))

$(FOLDERS_TOME): $(FOLDERS)/%.c: sources.mk tools/folders.mk
	$(Q)mkdir -p $(@D)
	$(Q)printf '#include "../../%s"\n' $(filter src/$*/%,$(FOLDERS_SRC)) >$@
