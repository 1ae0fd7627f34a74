/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading VMCOREINFO, a kernel's or Xen's, from a live system and from a core. Untrusted text. */
#ifndef XK_VMCOREINFO_H
#define XK_VMCOREINFO_H

#include "common/bytes.h"
#include "common/range.h"

/* VMCOREINFO text: KEY=value a line. false: no such key, or not a number of that base (symbols are
 * hexadecimal without 0x, the rest decimal). Of two lines with one key the first counts. */
bool vmcoreinfo_symbol(struct bytes text, const char *name, vaddr_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_size(struct bytes text, const char *name, uint64_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_offset(struct bytes text, const char *name, uint64_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_length(struct bytes text, const char *name, uint64_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_number(struct bytes text, const char *name, int64_t *ret) _must_check_ _nonnull_;
/* The hexadecimal value of a key without a kind ("KERNELOFFSET"). */
bool vmcoreinfo_hex(struct bytes text, const char *key, uint64_t *ret) _must_check_ _nonnull_;
/* The value of any key ("OSRELEASE"); empty: none. */
struct bytes vmcoreinfo_value(struct bytes text, const char *key) _nonnull_;

#endif
