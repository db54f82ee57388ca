/*
 * audit.h - is everything accounted for?
 */
#ifndef KERNEL_AUDIT_H
#define KERNEL_AUDIT_H

/* If the command line wants it: end all processes but the caller's, recount. Panics if
 * something is wrong. */
void audit(void);

#endif
