# example.mk - the embedding example: a kernel of its own on tier 0-2.

EMBED := $(BUILD)/embed
EMBED_CFLAGS := $(WARN) -O2 -ffreestanding -fno-pic -fno-pie \
	-fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -mno-red-zone -mgeneral-regs-only \
	-mcmodel=kernel -Iinclude -Iports/x86_64 -Iexamples/embed
EMBED_TOME := $(addprefix $(EMBED)/,$(TOME_SRC_TIER2:.c=.o) \
	$(TOME_PORT_SRC_x86_64:.c=.o))
EMBED_OBJ := $(EMBED)/examples/embed/boot.o $(EMBED)/examples/embed/embed.o

# The kernel sees public headers only; the library its own.
$(EMBED_TOME): EMBED_CFLAGS += -Isrc

$(EMBED)/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)gcc $(EMBED_CFLAGS) -MMD -MP -c -o $@ $<

$(EMBED)/%.o: %.S
	$(Q)mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)gcc -c -o $@ $<

$(EMBED)/embed.elf: $(EMBED_OBJ) $(EMBED_TOME) examples/embed/embed.ld
	$(call say,LD,$@)
	$(Q)ld -nostdlib -static -z max-page-size=4096 -z noexecstack \
		--no-warn-rwx-segments -T examples/embed/embed.ld -o $@ \
		$(EMBED_OBJ) $(EMBED_TOME)

-include $(EMBED_TOME:.o=.d) $(EMBED_OBJ:.o=.d)

.PHONY: embed run-embed
embed: $(EMBED)/embed.elf ## build the embedding example (examples/embed)

# The kernel's 0 is QEMU's 1.
run-embed: $(EMBED)/embed.elf ## boot it (expected: examples/embed/transcript.txt)
	@qemu-system-x86_64 -accel tcg -cpu max -m 64 -display none -vga none \
		-nic none -no-reboot -serial stdio -kernel $< \
		-device isa-debug-exit,iobase=0xf4,iosize=4; test $$? = 1
