/*
 * link.h - link names of the facades.
 *
 * Five systems call their functions by the same names, so a facade's header gives
 * each an assembler name of its own: vm_new() of Xelix links as
 * compat_xelix_vm_new. A kernel that links one facade, and perhaps has assembly
 * that calls it, defines COMPAT_ONE_FACADE: then names link as they are written.
 */
#ifndef COMPAT_LINK_H
#define COMPAT_LINK_H

#ifdef COMPAT_ONE_FACADE
#define COMPAT_LINK(system, name)
#else
#define COMPAT_LINK(system, name) __asm__("compat_" #system "_" #name)
#endif

#endif
