# SPDX-License-Identifier: GPL-2.0-only
# Two flat blobs from one source, both in every build. Included by the top Makefile.
#
# Their flags are their own: neither SAN nor ARCH nor a distribution's hardening CFLAGS may reach
# code that runs without a C library, a thread pointer or an enabled vector unit.
LD ?= ld
OBJCOPY ?= objcopy
READELF ?= readelf

purg_c := main console machine traps map sha256 sha256-ni
purg_flags := -std=gnu11 -O2 $(WARN) $(if $(WERROR),-Werror) -I. -ffreestanding -fpie \
	-fvisibility=hidden -fno-stack-protector -fcf-protection=none -fno-common \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -mno-red-zone -U_FORTIFY_SOURCE
purg_flags_i386 := -m32 -march=i686
purg_flags_x86_64 := -m64 -march=x86-64
purg_emul_i386 := elf_i386
purg_emul_x86_64 := elf_x86_64
purg_ni_flags := -msse4.1 -msha
# every object but one is kept from vector registers
purg_vector = $(if $(filter sha256-ni,$*),$(purg_ni_flags),-mgeneral-regs-only)

define purg_width
$(O)/purgatory/%-$(1).o: purgatory/%.c
	$$(call say,CC$(1),$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(purg_flags) $$(purg_flags_$(1)) $$(purg_vector) -MMD -MP -c $$< -o $$@

$(O)/purgatory/entry-$(1).o: purgatory/entry-$(1).S
	$$(call say,AS$(1),$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(purg_flags_$(1)) -I. -MMD -MP -c $$< -o $$@

$(O)/purgatory/purgatory-$(1).elf: $(O)/purgatory/link.lds \
		$(foreach c,entry $(purg_c),$(O)/purgatory/$(c)-$(1).o)
	$$(call say,LD$(1),$$@)
	$$(Q)$$(LD) -m $$(purg_emul_$(1)) -pie --no-dynamic-linker -z text -z noexecstack \
		--build-id=none --no-undefined -T $$< $$(filter %.o,$$^) -o $$@.tmp
	$$(Q)LC_ALL=C $$(READELF) -rW $$@.tmp | grep -q 'There are no relocations' || \
		{ echo 'purgatory-$(1): not relocation-free:' >&2; $$(READELF) -rW $$@.tmp >&2; exit 1; }
	$$(Q)mv $$@.tmp $$@
endef
$(foreach w,i386 x86_64,$(eval $(call purg_width,$(w))))

$(O)/purgatory/link.lds: purgatory/link.lds.S
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -undef -D__ASSEMBLER__ -I. -MMD -MP -MT $@ -MF $(@:%=%.d) -x assembler-with-cpp $< -o $@

$(O)/purgatory/%.bin: $(O)/purgatory/%.elf
	$(Q)$(OBJCOPY) -O binary $< $@

$(O)/purgatory/blob.o: purgatory/blob.S $(O)/purgatory/purgatory-i386.bin \
		$(O)/purgatory/purgatory-x86_64.bin
	$(call say,AS,$<)
	$(Q)$(CC) $(WIDTH) -I. -DBLOB_I386='"$(O)/purgatory/purgatory-i386.bin"' \
		-DBLOB_X86_64='"$(O)/purgatory/purgatory-x86_64.bin"' -c $< -o $@

# The same digest code, hosted, for the loader.
lib_obj += $(O)/purgatory/sha256.o $(O)/purgatory/sha256-ni.o
$(O)/purgatory/sha256-ni.o: XCFLAGS += $(purg_ni_flags)

# The digest objects of the blobs in a hosted program: do they agree, and how fast are they?
# To compare: PEER_SHA256_OBJ=x.o (and _32 for -m32), an object that exports
#   void peer_sha256(const void *data, size_t len, unsigned char *digest);
purg_bench_peer_x86_64 = $(PEER_SHA256_OBJ)
purg_bench_peer_i386 = $(PEER_SHA256_OBJ_32)
sha256_bench := $(O)/bench/sha256-x86_64 $(O)/bench/sha256-i386

$(O)/bench/sha256-%: tests/bench/sha256_bench.c $(O)/purgatory/sha256-%.o \
		$(O)/purgatory/sha256-ni-%.o FORCE
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 $(WARN) $(if $(WERROR),-Werror) -I. -D_GNU_SOURCE \
		$(if $(filter i386,$*),-m32,-m64) $(if $(purg_bench_peer_$*),-DPEER) \
		$(filter %.c %.o,$^) $(purg_bench_peer_$*) -o $@

bench-sha256: $(sha256_bench)
	$(Q)set -e; for b in $^; do $$b; done

# The blobs by themselves in QEMU, entered in the states that Xen and Linux leave.
purg_test := $(foreach w,i386 x86_64,$(O)/tests/purgatory/kernel-$(w).bin) \
	$(foreach w,i386 x86_64,$(O)/tests/purgatory/sse-$(w).bin) $(O)/tests/purgatory/loader.bin
purg_test_flags = -O1 $(WARN) $(if $(WERROR),-Werror) -I. -ffreestanding -fpie \
	-fvisibility=hidden -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -mgeneral-regs-only -mno-red-zone

$(O)/tests/purgatory/kernel-%.bin: tests/purgatory/kernel.c tests/purgatory/kernel-entry.S \
		tests/purgatory/flat.lds
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(purg_test_flags) $(purg_flags_$*) -c tests/purgatory/kernel.c -o $(@:.bin=.o)
	$(Q)$(CC) $(purg_flags_$*) -c tests/purgatory/kernel-entry.S -o $(@:.bin=-entry.o)
	$(Q)$(LD) -m $(purg_emul_$*) -pie --no-dynamic-linker -z text -z noexecstack --build-id=none \
		-T tests/purgatory/flat.lds $(@:.bin=-entry.o) $(@:.bin=.o) -o $(@:.bin=.elf)
	$(Q)$(OBJCOPY) -O binary $(@:.bin=.elf) $@

# A blob that takes the SHA-NI path on any CPU.
$(O)/tests/purgatory/sse-%.bin: tests/purgatory/fake-ni.S $(O)/purgatory/purgatory-%.elf
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(purg_flags_$*) -c $< -o $(@:.bin=.o)
	$(Q)$(OBJCOPY) --weaken-symbol=sha256_has_ni $(O)/purgatory/sha256-$*.o $(@:.bin=-weak.o)
	$(Q)$(LD) -m $(purg_emul_$*) -pie --no-dynamic-linker -z text -z noexecstack --build-id=none \
		-T $(O)/purgatory/link.lds $(@:.bin=.o) $(@:.bin=-weak.o) $(foreach c,entry \
		$(filter-out sha256%,$(purg_c)),$(O)/purgatory/$(c)-$*.o) -o $(@:.bin=.elf)
	$(Q)$(OBJCOPY) -O binary $(@:.bin=.elf) $@

$(O)/tests/purgatory/loader.bin: tests/purgatory/loader.S
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -m64 -c $< -o $(@:.bin=.o)
	$(Q)$(LD) -m elf_x86_64 -z noexecstack --build-id=none -Ttext=0x100000 -e start \
		$(@:.bin=.o) -o $(@:.bin=.elf)
	$(Q)$(OBJCOPY) -O binary -j .text $(@:.bin=.elf) $@

check-purgatory: $(O)/purgatory/purgatory-i386.bin $(O)/purgatory/purgatory-x86_64.bin \
		$(purg_test) $(sha256_bench)
	$(Q)set -e; for b in $(sha256_bench); do $$b --check; done
	$(Q)tests/purgatory/run.py $(O) $(CASES)

FORCE:
.PHONY: bench-sha256 check-purgatory FORCE
