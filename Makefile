# SPDX-License-Identifier: GPL-2.0-only
# xenkdump. Out of tree: O=build is the default. V=1 shows commands. Local settings: config.mak.
#   make                      build/xenkdump
#   make ARCH=i386 O=build-i386   build-i386/xenkdump, a 32-bit program, for 32-bit dom0s
#   make check                unit tests, golden hosts, command line, fuzz corpora, documentation, lint
#   make check-i386           all of it that needs no machine for the 32-bit program, in build-i386;
#                             and that it plans the same bytes as the 64-bit one
#   make O=build-asan SAN=1   the same under AddressSanitizer and UBSan
#   make print-VAR            any variable
-include config.mak

VERSION := 0.1
O ?= build
ARCH ?= x86_64
ifeq ($(origin CC),default)
CC := gcc
endif
DESTDIR ?=
PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
LIBEXECDIR ?= $(PREFIX)/libexec
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-7s %s\n' $(1) $(2))

ifeq ($(ARCH),i386)
WIDTH := -m32
endif

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wcast-qual -Wwrite-strings -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wundef
XCFLAGS := -std=gnu11 $(WIDTH) $(WARN) $(if $(WERROR),-Werror) -I. -I$(O)/gen \
	-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-DXENKDUMP_VERSION='"$(VERSION)"' -DXENKDUMP_LIBEXEC='"$(LIBEXECDIR)/xenkdump"' -fstack-protector-strong
XLDFLAGS := $(WIDTH) -Wl,-z,relro,-z,now
ifneq ($(SAN),)
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
# json-c and xz are linked statically where the archives exist: an initramfs then needs only
# zlib and zstd.
LIBS := -lz -lzstd -Wl,-Bstatic -llzma -ljson-c -Wl,-Bdynamic -lpthread -ldl
TESTLIBS := -lcmocka

lib_src := $(wildcard common/*.c xen/*.c native/*.c vmcore/*.c)
cli_src := $(wildcard cli/*.c)
test_src := $(wildcard tests/unit/test_*.c)
test_lib := $(filter-out $(test_src),$(wildcard tests/unit/*.c))
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
lib_obj := $(lib_src:%.c=$(O)/%.o) $(O)/purgatory/blob.o
cli_obj := $(cli_src:%.c=$(O)/%.o)
# The parts of cli/ that unit tests reach.
test_cli := $(O)/cli/reexec.o
tests := $(test_src:tests/unit/%.c=$(O)/tests/%)
fuzzers := $(fuzz_src:tests/fuzz/%.c=$(O)/fuzz/%)

all: $(O)/xenkdump

include purgatory/purgatory.mk
ifeq ($(ARCH),i386)
include tests/i386.mk
endif

$(O)/xenkdump: $(cli_obj) $(O)/libxenkdump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(XLDFLAGS) $(SANFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(O)/libxenkdump.a: $(lib_obj)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(XCFLAGS) $(SANFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(O)/tests/%: tests/unit/%.c $(test_lib) $(test_cli) $(O)/libxenkdump.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(XCFLAGS) $(SANFLAGS) $(CFLAGS) -MMD -MP $(filter %.c %.o %.a,$^) $(XLDFLAGS) $(TESTLIBS) $(LIBS) -o $@

$(O)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(O)/libxenkdump.a
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(XCFLAGS) $(SANFLAGS) $(CFLAGS) -MMD -MP $(filter %.c %.a,$^) $(XLDFLAGS) $(LIBS) -o $@

# Looks for new inputs until stopped; FUZZARGS=-max_total_time=60 stops by itself.
fuzz-%: tests/fuzz/fuzz_%.c $(patsubst %,$(O)/purgatory/%.o,blob sha256 sha256-ni)
	@mkdir -p $(O)/libfuzzer/$*
	clang $(XCFLAGS) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		$< $(lib_src) $(filter %.o,$^) $(LIBS) -o $(O)/libfuzzer/fuzz_$*
	$(O)/libfuzzer/fuzz_$* $(FUZZARGS) $(O)/libfuzzer/$* tests/fuzz/corpus/fuzz_$*

check: check-unit check-abi check-hosts check-cli check-fuzz check-docs lint

check-unit: $(tests)
	$(Q)set -e; for t in $(sort $(tests)); do echo "== $$t"; $$t; done

$(O)/tests/mkkernel: tests/hosts/mkkernel.c tests/unit/mkbz.c tests/unit/mkelf.c $(O)/libxenkdump.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(XCFLAGS) $(SANFLAGS) $(CFLAGS) -MMD -MP $(filter %.c %.a,$^) $(XLDFLAGS) $(LIBS) -o $@

check-hosts: $(O)/xenkdump $(O)/tests/mkkernel
	$(Q)O=$(O) tests/hosts/run.sh

check-update: $(O)/xenkdump $(O)/tests/mkkernel
	$(Q)O=$(O) tests/hosts/run.sh --update

$(O)/tests/abi-sizes: tests/abi/sizes.c
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(XCFLAGS) $(CFLAGS) -MMD -MP $< $(XLDFLAGS) -o $@

check-abi: $(O)/tests/abi-sizes
	$(Q)O=$(O) tests/abi/run.sh

# The 32-bit build: the tests that need no machine, and that it plans the very bytes that this one
# does.
O_I386 ?= $(O)-i386
check-i386: $(O)/xenkdump $(O)/tests/mkkernel
	$(Q)$(MAKE) ARCH=i386 O=$(O_I386) all check-unit check-abi check-hosts check-cli check-fuzz
	$(Q)O=$(O) tests/hosts/run.sh --same-as $(O_I386)

check-cli: $(O)/xenkdump
	$(Q)O=$(O) python3 -B tests/cli/run.py

# What save leaves when its device fails, it is ended, its core is damaged or very large. Damaged
# cores are for the sanitizers: make O=build-asan CC=clang SAN=1 check-save.
SAVE_CASES ?= $(if $(SAN),damage,self faults ends big)
check-save: $(O)/xenkdump $(O)/save/failio.so $(O)/save/usage
	$(Q)O=$(O) python3 -B tests/save/run.py $(SAVE_CASES)

$(O)/save/failio.so: tests/save/failio.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WIDTH) $(WARN) $(if $(WERROR),-Werror) $(CFLAGS) -shared -fPIC $< -ldl -o $@

$(O)/save/usage: tests/e2e/usage.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WIDTH) $(WARN) $(CFLAGS) $< -o $@

# The cores that save is measured with: bench-a, bench-b, tib and others; see tests/save/synth.py.
core-%:
	@mkdir -p $(O)/save
	$(Q)tests/save/synth.py $* $(O)/save/$*.core

check-docs: $(O)/xenkdump
	$(Q)O=$(O) tests/manpages.sh

# The first inputs of the targets that read cores, after a change to what the formats are.
$(O)/tests/mkseeds: tests/fuzz/mkseeds.c tests/unit/mkcore.c tests/unit/mkkdump.c tests/unit/mkprb.c $(O)/libxenkdump.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(XCFLAGS) $(SANFLAGS) $(CFLAGS) -MMD -MP $(filter %.c %.a,$^) $(XLDFLAGS) $(TESTLIBS) $(LIBS) -o $@

fuzz-seeds: $(O)/tests/mkseeds
	$(Q)$< tests/fuzz/corpus

check-fuzz: $(fuzzers)
	$(Q)set -e; for f in $(sort $(fuzzers)); do $$f tests/fuzz/corpus/$$(basename $$f)/*; done

lint:
	$(Q)tests/lint.sh

# Against kexec-tools and makedumpfile, side by side; the figures of doc/bench.md.
bench: $(O)/xenkdump
	$(Q)O=$(O) tests/bench/run.sh
	$(Q)$(MAKE) bench-save

bench-save: $(O)/xenkdump $(O)/save/usage
	$(Q)O=$(O) tests/bench/save.py

install: $(O)/xenkdump
	install -D -m 0755 $(O)/xenkdump $(DESTDIR)$(SBINDIR)/xenkdump
	$(Q)for m in doc/man/*.8; do install -D -m 0644 $$m $(DESTDIR)$(MANDIR)/man8/$${m##*/}; done

clean:
	rm -rf $(O)

print-%:
	@echo '$($*)'

.PHONY: all bench bench-save check check-unit check-abi check-hosts check-update check-i386 check-cli check-docs \
	check-save check-fuzz fuzz-seeds lint install clean
.SECONDARY:
-include $(shell [ -d $(O) ] && find $(O) -path $(O)/e2e -prune -o -type f -name '*.d' -print)
