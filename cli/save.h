/* SPDX-License-Identifier: GPL-2.0-only */
/* The summary of `save`, for people and for programs. */
#ifndef XK_CLI_SAVE_H
#define XK_CLI_SAVE_H

#include "vmcore/notes_lost.h"
#include "vmcore/save.h"

/* To standard output, or to standard error when the dump went to the former. */
enum xk_status save_show_text(const struct save_request *rq, const struct save_result *r,
	const struct notes_lost *lost) _nonnull_;
enum xk_status save_show_json(const struct save_request *rq, const struct save_result *r,
	const struct notes_lost *lost, struct diag *d) _nonnull_;

#endif
