# The one list of Tome's sources; any build system can read it. Paths from the
# root of the tree. Tiers: an embedder takes TIER2 alone (frames and page
# tables), TIER2 + TIER5 + POSIX (no paging), and one port.

# GCC 12's -fipa-modref overlooks stores through a pointer that its loop
# optimizer has rewritten: tome_tree_next() then goes on with the leaf that it
# came from. Whoever builds with GCC adds this.
TOME_CFLAGS_GCC = -fno-ipa-modref

# What is measured here, in bytes and in instructions, is built so, the reference
# kernel too: on the paths that matter the sources themselves say what is inline, and
# neither copies of the rest nor padding pays for itself.
TOME_CFLAGS_SIZE = -fno-inline-functions -falign-functions=1 -falign-jumps=1 \
	-falign-loops=1 -falign-labels=1

TOME_SRC_TIER2 = \
	src/base/check.c \
	src/base/epoch.c \
	src/base/io.c \
	src/base/io_run.c \
	src/base/lock.c \
	src/base/text.c \
	src/phys/buddy.c \
	src/phys/cache.c \
	src/phys/count.c \
	src/phys/frames.c \
	src/phys/init.c \
	src/phys/page.c \
	src/phys/queue.c \
	src/phys/ranges.c \
	src/phys/stray.c \
	src/phys/window.c \
	src/phys/zone.c \
	src/pmap/asid.c \
	src/pmap/check.c \
	src/pmap/flush.c \
	src/pmap/init.c \
	src/pmap/kernel.c \
	src/pmap/leaf.c \
	src/pmap/move.c \
	src/pmap/pmap.c \
	src/pmap/pool.c \
	src/pmap/pv.c \
	src/pmap/quiesce.c \
	src/pmap/range.c \
	src/pmap/reverse.c \
	src/pmap/run.c \
	src/pmap/side.c \
	src/pmap/vm.c \
	src/pmap/walk.c

TOME_SRC_TIER5 = \
	src/kmem/arena.c \
	src/kmem/cache.c \
	src/kmem/debug.c \
	src/kmem/init.c \
	src/kmem/kmalloc.c \
	src/kmem/kmap.c \
	src/kmem/magazine.c \
	src/kmem/slab.c \
	src/kmem/tags.c \
	src/map/access.c \
	src/map/advise.c \
	src/map/alien.c \
	src/map/check.c \
	src/map/commit.c \
	src/map/copy.c \
	src/map/discard.c \
	src/map/edit.c \
	src/map/enter.c \
	src/map/entry.c \
	src/map/fault.c \
	src/map/fork.c \
	src/map/gap.c \
	src/map/grow.c \
	src/map/hint.c \
	src/map/inherit.c \
	src/map/iterate.c \
	src/map/map.c \
	src/map/move.c \
	src/map/name.c \
	src/map/need.c \
	src/map/place.c \
	src/map/populate.c \
	src/map/protect.c \
	src/map/remove.c \
	src/map/share.c \
	src/map/snapshot.c \
	src/map/start.c \
	src/map/tree.c \
	src/map/tree_build.c \
	src/map/tree_check.c \
	src/map/tree_edit.c \
	src/map/truncate.c \
	src/map/usage.c \
	src/map/wire.c \
	src/object/amap.c \
	src/object/anon.c \
	src/object/check.c \
	src/object/chunk.c \
	src/object/clone.c \
	src/object/content.c \
	src/object/dir.c \
	src/object/fill.c \
	src/object/home.c \
	src/object/init.c \
	src/object/meet.c \
	src/object/object.c \
	src/object/ref.c \
	src/object/resize.c

# Files: who maps none but memory's own needs none of it.
TOME_SRC_FILES = \
	src/object/pagetree.c \
	src/object/vnode.c \
	src/object/vnode_drop.c \
	src/object/vnode_io.c \
	src/object/vnode_read.c \
	src/object/vnode_write.c

# More memory than there is; with TOME_SRC_FILES.
TOME_SRC_PAGING = \
	src/object/far.c \
	src/object/packed.c \
	src/paging/advise.c \
	src/paging/ahead.c \
	src/paging/behind.c \
	src/paging/census.c \
	src/paging/choose.c \
	src/paging/clock_pro.c \
	src/paging/clusters.c \
	src/paging/compress.c \
	src/paging/daemon.c \
	src/paging/desk.c \
	src/paging/each.c \
	src/paging/far.c \
	src/paging/generations.c \
	src/paging/home.c \
	src/paging/ledger.c \
	src/paging/oom.c \
	src/paging/pack.c \
	src/paging/pagein.c \
	src/paging/pageout.c \
	src/paging/payer.c \
	src/paging/pin.c \
	src/paging/policy.c \
	src/paging/pool.c \
	src/paging/pressure.c \
	src/paging/reclaim.c \
	src/paging/second_chance.c \
	src/paging/shadow.c \
	src/paging/slots.c \
	src/paging/start.c \
	src/paging/swap.c \
	src/paging/swap_io.c \
	src/paging/tier.c \
	src/paging/wk.c

# Objects copied, and looked at page by page; where pages are mapped; physical memory
# as a whole, and counted by the unit, the kernel's by who has it: facades ask.
TOME_SRC_LOOK = \
	src/kmem/heap.c \
	src/map/may.c \
	src/phys/ram.c \
	src/pmap/list.c \
	src/object/claim.c \
	src/object/copy.c \
	src/object/look.c

TOME_SRC_POSIX = \
	src/posix/advise.c \
	src/posix/lock.c \
	src/posix/memfd.c \
	src/posix/mmap.c \
	src/posix/mremap.c \
	src/posix/shm.c \
	src/posix/shmctl.c \
	src/posix/space.c \
	src/posix/sync.c \
	src/posix/vmcopy.c

TOME_PORT_SRC_aarch64 = \
	ports/aarch64/access.c \
	ports/aarch64/tlb.c

TOME_PORT_SRC_armv7 = \
	ports/armv7/access.c \
	ports/armv7/tlb.c

TOME_PORT_SRC_i386 = \
	ports/i386/access.c \
	ports/i386/tlb.c

TOME_PORT_SRC_riscv64 = \
	ports/riscv64/access.c \
	ports/riscv64/tlb.c

TOME_PORT_SRC_x86_64 = \
	ports/x86_64/access.c \
	ports/x86_64/tlb.c
