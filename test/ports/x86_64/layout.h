/* layout.h - where the tests put things in x86-64's address space. */
#define RIG_KERNEL_START ((tome_va_t)0xffffc00000000000)
#define RIG_KERNEL_END ((tome_va_t)0xffffc00040000000)
#define RIG_USER ((tome_va_t)0x40000000)	/* leaf-aligned */
#define RIG_FEATURES TEST_X86_ALL
#define RIG_FEATURES_BROADCAST (TEST_X86_ALL | TEST_X86_INVLPGB)
#define RIG_FEATURES_UNTAGGED (TEST_X86_ALL & ~TEST_X86_PCID)
/* What CPUs there are, or could be. */
#define RIG_FEATURE_SETS                                                 \
	{                                                                \
		TEST_X86_ALL, TEST_X86_ALL | TEST_X86_LA57,              \
		TEST_X86_ALL & ~TEST_X86_INVPCID,                        \
		TEST_X86_ALL & ~TEST_X86_PCID,                           \
		TEST_X86_ALL & ~TEST_X86_PGE,                            \
		RIG_FEATURES_BROADCAST,                                  \
		TEST_X86_PGE | TEST_X86_NX, TEST_X86_PGE, 0,             \
	}
/* This CPU's PAT entry for write-combining (index 4) says so. */
#define RIG_TYPES_READY() ((test_mmu[test_cpu].control[1] >> 32 & 0xff) == 1)
#define RIG_BOOT_VA ((tome_va_t)0xffffffff80005000)	/* the boot code's own */
