/* layout.h - where the tests put things in x86-64's address space. */
#define RIG_KERNEL_START ((tome_va_t)0xffffc00000000000)
#define RIG_KERNEL_END ((tome_va_t)0xffffc00040000000)
#define RIG_USER ((tome_va_t)0x40000000)	/* leaf-aligned */
#define RIG_FEATURES TEST_X86_ALL
#define RIG_FEATURES_UNTAGGED (TEST_X86_ALL & ~TEST_X86_PCID)
