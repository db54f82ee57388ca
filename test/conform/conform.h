/*
 * conform.h - what the files of the conformance suite share: a machine of CPUS
 * CPUs with one instance and one program's pmap, which all of them run (conform.c).
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <base/vm_i.h>
#include <boot.h>
#include <pmap/side.h>

#define CPUS 3
#define FEW 1024		/* pages of RAM */
#define MANY 6144
#define VA ((tome_va_t)0x40000000)
#define R TOME_PROT_READ
#define W TOME_PROT_WRITE
#define X TOME_PROT_EXEC
#define PAGE TOME_PAGE_SIZE

extern struct hosted_machine *m;
extern struct tome_vm *vm;
extern struct tome_pmap *pmap;
extern unsigned faults;

/* A machine of this kind, in these modes, and its kernel; then what its CPUs run.
 * `up` is both; `down` judges first. */
void boot(unsigned kind, unsigned modes, unsigned pages);
void programs(void);
void up(unsigned kind, unsigned modes, unsigned pages);
void down(void);
/* On each kind of CPU, in each mode by itself and in all. */
void everywhere(void (*body)(void));
/* This thread becomes that CPU, which runs p. */
void run_on(unsigned cpu, struct tome_pmap *p);
/* Nothing untrue is cached, nothing is wrong. */
void judge(void);
/* The kernel has these rights there on every CPU, and no others; then judges. */
void kernel_may(tome_va_t, tome_prot_t);

tome_pfn_t frame(void);
void enter(tome_va_t, tome_pfn_t, tome_prot_t, unsigned flags);
/* By the program of p on this CPU: may it? */
bool can(struct tome_pmap *p, tome_va_t, tome_prot_t access);
/* What a kernel of tier 0-2 does (a hosted_fault_fn of a pmap). */
enum tome_err fault(void *pmap, tome_va_t, tome_prot_t access);

/* ---- abilities.c ---- */
void abilities_are_used(void **state);
void the_kernel_runs_alone(void **state);
void what_does_not_fit_is_refused(void **state);
void all_numbers_are_apart(void **state);

/* ---- caches.c ---- */
void what_has_not_changed_stays_cached(void **state);
void what_nobody_runs_changes_too(void **state);
void what_is_entered_is_there_at_once(void **state);
void what_is_used_again_is_noted(void **state);
void a_question_changes_nothing(void **state);

/* ---- runs.c ---- */
void runs_come_apart_before_a_part_changes(void **state);

/* ---- split.c ---- */
void large_leaves_come_apart(void **state);
void a_split_that_fails_changes_nothing(void **state);

/* ---- entry.c ---- */
void entries_are_whole(void **state);
void entries_lose_no_change(void **state);

/* ---- reach.c ---- */
void programs_reach_their_last_page(void **state);
void entries_name_every_address(void **state);

#endif
