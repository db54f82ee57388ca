/*
 * tome/types.h - the scalars everything shares.
 *
 * tome_va_t, tome_pa_t and tome_pfn_t are the port's: <format.h> is found by
 * include path (-Iports/<cpu>). A tome_va_t is never cast to a pointer and a
 * tome_pa_t never is either; see tome_kva_ptr() and tome_frame_va().
 */
#ifndef TOME_TYPES_H
#define TOME_TYPES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rights; a set. */
typedef unsigned tome_prot_t;
#define TOME_PROT_NONE 0u
#define TOME_PROT_READ 1u
#define TOME_PROT_WRITE 2u
#define TOME_PROT_EXEC 4u
#define TOME_PROT_ALL 7u

/* Memory types, weakest ordering first. A port maps each to the nearest
 * stronger one that it has. */
enum tome_memtype {
	TOME_MEM_WB,		/* write-back: ordinary memory */
	TOME_MEM_WC,		/* write-combining: frame buffers */
	TOME_MEM_UC,		/* uncached */
	TOME_MEM_DEVICE,	/* uncached, no speculation, no reordering */
	TOME_MEMTYPES,
};

#include <format.h>		/* uses the two above */

#define TOME_PAGE_SIZE ((tome_va_t)1 << TOME_PAGE_SHIFT)
#define TOME_PAGE_MASK (TOME_PAGE_SIZE - 1)

/* Offsets in objects and amaps, in pages. */
typedef uint64_t tome_pgoff_t;

#if defined(__GNUC__)
#define TOME_NODISCARD __attribute__((warn_unused_result))
#else
#define TOME_NODISCARD
#endif

/*
 * Every call that can fail returns one of these. Values are the errno numbers
 * of Linux's generic ABI, so that layer 7 needs no translation.
 */
enum tome_err {
	TOME_OK = 0,
	TOME_EPERM = 1,
	TOME_ENOENT = 2,
	TOME_ESRCH = 3,
	TOME_EINTR = 4,
	TOME_EIO = 5,
	TOME_ENXIO = 6,
	TOME_E2BIG = 7,
	TOME_EBADF = 9,
	TOME_EAGAIN = 11,
	TOME_ENOMEM = 12,
	TOME_EACCES = 13,
	TOME_EFAULT = 14,
	TOME_EBUSY = 16,
	TOME_EEXIST = 17,
	TOME_ENODEV = 19,
	TOME_EINVAL = 22,
	TOME_EFBIG = 27,
	TOME_ENOSPC = 28,
	TOME_ERANGE = 34,
	TOME_ENAMETOOLONG = 36,
	TOME_ENOSYS = 38,
	TOME_EIDRM = 43,
	TOME_EOVERFLOW = 75,
	TOME_EOPNOTSUPP = 95,
	TOME_ETIMEDOUT = 110,
	TOME_ECANCELED = 125,
	/* Internal: what was missing has been named; never leaves the API. */
	TOME_RETRY = 4096,
};

struct tome_vm;

static inline tome_va_t
tome_page_floor(tome_va_t va)
{
	return va & ~TOME_PAGE_MASK;
}

/* Wraps to 0 when va lies in the last page; callers check. */
static inline tome_va_t
tome_page_ceil(tome_va_t va)
{
	return (va + TOME_PAGE_MASK) & ~TOME_PAGE_MASK;
}

static inline tome_pa_t
tome_pfn_pa(tome_pfn_t pfn)
{
	return (tome_pa_t)pfn << TOME_PAGE_SHIFT;
}

static inline tome_pfn_t
tome_pa_pfn(tome_pa_t pa)
{
	return (tome_pfn_t)(pa >> TOME_PAGE_SHIFT);
}

#endif
