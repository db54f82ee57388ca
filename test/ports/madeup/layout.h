/* layout.h - where the tests put things in the made-up CPU's address space. */
#define RIG_KERNEL_START ((tome_va_t)0xa0000000)
#define RIG_KERNEL_END ((tome_va_t)0xb0000000)
#define RIG_USER ((tome_va_t)0x10000000)	/* leaf-aligned */
#define RIG_BOOT_VA ((tome_va_t)0xb0005000)	/* the boot code's own */
#define RIG_FEATURES 8u				/* numbers; 0 is no tags */
#define RIG_FEATURES_BROADCAST 24u	/* 8, and flushes that reach all */
#define RIG_FEATURES_UNTAGGED 0u
#define RIG_FEATURE_SETS {8u, 7u, 0u, RIG_FEATURES_BROADCAST}
#define RIG_TYPES_READY() true
