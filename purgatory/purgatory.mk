# SPDX-License-Identifier: GPL-2.0-only
# Two flat blobs from one source. Included by the top Makefile.
