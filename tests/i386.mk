# SPDX-License-Identifier: GPL-2.0-only
# What ARCH=i386 adds. Included by the top Makefile.
#
# The libraries are the compiler's own where it has them: on an i386 Debian, or with i386 as foreign
# architecture. Otherwise they are unpacked into SYSROOT, by tests/sysroot-i386.sh unless it is
# there, and linked statically, so that the program needs only a 32-bit C library to run. The C
# library and its headers are gcc-multilib's.
i386_missing := $(foreach l,z zstd lzma json-c,$(filter lib%,$(shell $(CC) -m32 -print-file-name=lib$l.a)))
SYSROOT ?= $(if $(i386_missing),$(O)/sysroot-i386)

ifneq ($(SYSROOT),)
i386_lib := $(abspath $(SYSROOT))/usr/lib/i386-linux-gnu
XCFLAGS += -isystem $(SYSROOT)/usr/include
XLDFLAGS += -L$(i386_lib)
LIBS := -Wl,-Bstatic -lz -lzstd -llzma -ljson-c -Wl,-Bdynamic -lpthread -ldl
TESTLIBS += -Wl,-rpath,$(i386_lib)

$(SYSROOT)/done:
	$(call say,SYSROOT,$(SYSROOT))
	$(Q)tests/sysroot-i386.sh $(SYSROOT)

$(cli_obj) $(lib_obj) $(O)/xenkdump $(tests) $(fuzzers) $(O)/tests/mkkernel: | $(SYSROOT)/done
endif
