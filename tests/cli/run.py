#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The command line from outside: what is accepted, what is refused, with which words and which
exit code. Needs the built binary ($O/xenkdump) and neither root nor Xen."""
import gzip
import hashlib
import json
import lzma
import os
import pathlib
import re
import stat
import struct
import subprocess
import sys
import tempfile

from bzimage import SETUP, body, bzimage
from outside import (BAD_INPUT, IO, NO_FIT, NO_NOTES, NO_REGION, PRIVILEGE, UNSUPPORTED, USAGE,
                     XENKDUMP, Wrong, has, plan, plan_json, read, refused, run, same, sparse, write)
from save import SaveTests

# A dom0 with 1 GiB. The region is 256 MiB at 512 MiB.
FACTS = """xenkdump-facts 1
hypervisor = xen
guest = PV
control-domain = yes
xen.major = 4
xen.minor = 17
xen.bits = 64
xen.capabilities = "xen-3.0-x86_64 xen-3.0-x86_32p"
xen.command-line = "console=com1,vga com1=115200,8n1 crashkernel=256M"
kernel.bits = 64
kernel.command-line = "BOOT_IMAGE=/x root=/dev/sda1 console=hvc0 quiet crashkernel=1M"
cpu.long-mode = yes
xen.vmcoreinfo = 0x3f000000-0x3f001000
memory = 0x0-0x9f000 ram
memory = 0x100000-0x40000000 ram
crash-region = 0x20000000-0x30000000 ram
cpu-note = 0 present 0x3f100000-0x3f100164
"""


class Tests(SaveTests):
    """Every method test_* is a test, run in an empty folder that holds good inputs."""

    def __init__(self, folder):
        os.chdir(folder)
        write("facts", FACTS)
        write("vmlinuz", bzimage())
        write("initrd", b"070701" + b"i" * 995)  # 1001 bytes: not a multiple of 4

    # --- what is taken

    def test_help_and_version(self):
        for args in (["--help"], ["-h"], ["help"]):
            same(run(*args).out.split("\n")[0], "usage: xenkdump COMMAND [OPTION]... [ARGUMENT]")
        has(run("--version").out, "xenkdump ")
        for command in ("load", "unload", "status", "facts", "plan", "test-crash"):
            for option in ("--help", "-h"):
                r = run(command, option)
                same(r.code, 0)
                has(r.out, f"usage: xenkdump {command} ")
                has(r.out, "  -h, --help ")
                same(r.err, "")

    def test_options_stand_anywhere(self):
        want = plan_json("--initrd", "initrd", "--append", "one two", "vmlinuz")
        same(want["command_line"].split(" ", 1)[1], "one two")
        for args in (
            ["vmlinuz", "--initrd", "initrd", "--append", "one two"],
            ["--initrd=initrd", "vmlinuz", "--append=one two"],
            ["--ramdisk", "initrd", "--command-line", "one two", "vmlinuz"],
            ["--ramdisk=initrd", "--command-line=one two", "--", "vmlinuz"],
            ["--append", "not this one", "--initrd", "initrd", "--append", "one two", "vmlinuz"],
        ):
            same(plan_json(*args), want)

    def test_kernel_that_looks_like_an_option(self):
        write("-vmlinuz", bzimage())
        same(plan_json("--", "-vmlinuz"), plan_json("vmlinuz"))

    def test_load_dry_run_is_plan(self):
        for form in ([], ["--json"]):
            a = run("plan", "--facts", "facts", *form, "vmlinuz")
            b = run("load", "--dry-run", "--facts", "facts", *form, "vmlinuz")
            same((a.code, a.out, a.err), (0, b.out, ""))
            same((b.code, b.err), (0, ""))

    def test_segments_in_files(self):
        os.mkdir("segments")
        a = run(*plan("--initrd", "initrd", "--write-segments", "segments", "--json", "vmlinuz"))
        same((a.code, a.err), (0, ""))
        same(json.loads(a.out), plan_json("--initrd", "initrd", "vmlinuz"))
        with_content = {s["kind"]: s for s in json.loads(a.out)["segments"] if not s["map_only"]}
        same(set(with_content), {"kernel", "initrd", "bootparams", "cmdline", "elfcore", "note",
                                 "purgatory"})
        same(set(os.listdir("segments")), set(with_content))
        for kind, seg in with_content.items():
            data = pathlib.Path("segments", kind).read_bytes()
            same((kind, len(data)), (kind, seg["bytes"]))
            if kind != "purgatory":  # which holds the digests
                same((kind, hashlib.sha256(data).hexdigest()), (kind, seg["sha256"]))
            same(stat.S_IMODE(os.stat(f"segments/{kind}").st_mode), 0o600)
        same(pathlib.Path("segments/initrd").read_bytes(), pathlib.Path("initrd").read_bytes())
        # Nothing is overwritten or followed, and nothing is written for a plan that is refused.
        for f in os.listdir("segments"):
            os.unlink(f"segments/{f}")
        os.symlink("outside", "segments/kernel")
        refused(IO, plan("--write-segments", "segments", "vmlinuz"),
                "--write-segments: segments/kernel: cannot create it: File exists")
        same((os.listdir("segments"), os.path.lexists("outside")), (["kernel"], False))
        refused(IO, plan("--write-segments", "absent", "vmlinuz"), "absent/kernel: cannot create")
        refused(USAGE, plan("--write-segments=", "vmlinuz"), "--write-segments: expected a folder")
        os.mkdir("empty")
        write("facts", FACTS.replace("crash-region", "# crash-region"))
        refused(NO_REGION, plan("--write-segments", "empty", "vmlinuz"), "crash region")
        same(os.listdir("empty"), [])

    def test_plan_of_what_was_given(self):
        p = plan_json("--initrd", "initrd", "--initrd", "initrd", "vmlinuz")
        same(p["version"], 1)
        same((p["region"]["start"], p["region"]["end"]), ("0x20000000", "0x30000000"))
        same(p["core"]["class"], 64)
        same(p["core"]["machine"], "EM_X86_64")
        segs = {s["kind"]: s for s in p["segments"]}
        same(segs["kernel"]["sha256"], hashlib.sha256(body()).hexdigest())
        initrd = read("initrd") + b"\0" * 3 + read("initrd")  # each starts at a multiple of 4
        same(segs["initrd"]["sha256"], hashlib.sha256(initrd).hexdigest())
        same(segs["elfcore"]["start"], p["command_line"].split("elfcorehdr=")[1].split()[0])

    def test_command_line_options(self):
        words = plan_json("--reuse-cmdline", "vmlinuz")["command_line"].split()
        same(words[1:], ["root=/dev/sda1", "quiet"])
        words = plan_json("--console", "auto", "--append", "x", "vmlinuz")["command_line"].split()
        same(words[1:], ["console=tty0", "console=ttyS0,115200", "x"])

    def test_compressed_kernels(self):
        want = plan_json("vmlinuz")
        write("k.gz", gzip.compress(bzimage()))
        write("k.xz", lzma.compress(bzimage(), check=lzma.CHECK_CRC32))
        for name in ("k.gz", "k.xz"):
            same(plan_json(name), want)

    def test_configuration(self):
        """What is known of the dump kernel's configuration: beside it, else in it, else nothing."""
        good = b"CONFIG_CRASH_DUMP=y\nCONFIG_PROC_VMCORE=y\nCONFIG_BLK_DEV_INITRD=y\n"
        os.mkdir("boot")
        write("boot/k", bzimage())
        has(plan_json("boot/k")["dump_kernel"], "6.1.0-cli")
        has(plan_json("boot/k")["dump_kernel"], "could not be checked")
        write("boot/config-6.1.0-cli", good)
        has(plan_json("boot/k")["dump_kernel"], "was checked: config-6.1.0-cli")
        write("boot/config-6.1.0-cli", good.replace(b"CONFIG_PROC_VMCORE=y", b"# CONFIG_PROC_VMCORE is not set"))
        refused(UNSUPPORTED, plan("boot/k"), "built without CONFIG_PROC_VMCORE (config-6.1.0-cli)")
        write("boot/config-6.1.0-cli", b"no configuration")
        has(plan_json("boot/k")["dump_kernel"], "could not be checked")

    def test_embedded_configuration(self):
        text = gzip.compress(b"CONFIG_CRASH_DUMP=y\n")
        kernel = b"code" * 99 + b"IKCFG_ST" + text + b"IKCFG_ED" + b"more"
        size = struct.pack("<I", len(kernel))
        for packed in (gzip.compress(kernel), lzma.compress(kernel, check=lzma.CHECK_CRC32) + size):
            image = bzimage(payload_offset=0x100, payload_length=len(packed))
            image = image[:SETUP + 0x100] + packed + image[SETUP + 0x100 + len(packed):]
            write("k", image)
            refused(UNSUPPORTED, plan("k"), "built without CONFIG_PROC_VMCORE (embedded in it)")
            # A damaged one is no reason to refuse.
            broken = bytearray(image)
            broken[SETUP + 0x100 + len(packed) // 2] ^= 0xFF
            write("k", bytes(broken))
            has(plan_json("k")["dump_kernel"], "could not be checked")

    def test_same_plan_every_time(self):
        same(run("plan", "--facts", "facts", "vmlinuz").out, run("plan", "--facts", "facts", "vmlinuz").out)

    # --- usage

    def test_usage(self):
        r = run()
        same((r.code, r.out), (USAGE, ""))
        has(r.err, "usage: xenkdump COMMAND")
        refused(USAGE, ["lod", "vmlinuz"], "unknown command", "lod")
        refused(USAGE, ["--load"], "unknown command", "--load")
        for command in ("load", "plan"):
            refused(USAGE, [command], "which kernel?", f"xenkdump {command} --help")
            refused(USAGE, [command, "vmlinuz", "other"], "one argument too many: other")
        for command in ("unload", "status", "facts", "test-crash"):
            refused(USAGE, [command, "vmlinuz"], "one argument too many: vmlinuz")

    def test_wrong_options(self):
        for args, text in (
            (["plan", "--initrds", "x", "vmlinuz"], "option --initrds;"),
            (["plan", "vmlinuz", "--bogus=3"], "option --bogus=3;"),
            (["plan", "--dry-run", "vmlinuz"], "option --dry-run;"),  # load's
            (["plan", "--co", "x", "vmlinuz"], "ambiguous option --co;"),
            (["load", "-x", "vmlinuz"], "option -x;"),
            (["load", "-vx", "vmlinuz"], "option -x;"),  # the letter, not the word before
            (["load", "vmlinuz", "-xv"], "option -x;"),
            (["load", "--json=3", "vmlinuz"], "--json takes no value"),
            (["load", "--verbose=3", "vmlinuz"], "--verbose takes no value"),
            (["status", "--help=3"], "--help takes no value"),
            (["plan", "vmlinuz", "--initrd"], "--initrd needs a value"),
            (["facts", "-o"], "-o needs a value"),
            (["facts", "--output"], "--output needs a value"),
        ):
            refused(USAGE, args, text, f"see xenkdump {args[0]} --help")

    def test_wrong_values(self):
        for option, value, text in (
            ("--console", "ttyS0", "expected auto"),
            ("--dom0-vmcoreinfo", "maybe", "expected yes or no"),
            ("--dom0-vmcoreinfo", "", "expected yes or no"),
            ("--on-corruption", "panic", "expected reboot, halt or continue"),
            ("--corruption-delay", "soon", "expected seconds, 0 to 3600"),
            ("--corruption-delay", "-1", "expected seconds, 0 to 3600"),
            ("--corruption-delay", "3601", "expected seconds, 0 to 3600"),
            ("--corruption-delay", "10s", "expected seconds, 0 to 3600"),
            ("--corruption-delay", "99999999999999999999", "expected seconds, 0 to 3600"),
            ("--corruption-delay", "", "expected seconds, 0 to 3600"),
            ("--test-wrong-digest", "purgatory", "expected kernel, initrd"),
        ):
            for args in ([f"{option}={value}"], [option, value]):
                refused(USAGE, ["plan", "--facts", "facts", *args, "vmlinuz"], option, text)
        refused(USAGE, ["status", "--run-dir="], "--run-dir")

    def test_options_that_need_others(self):
        refused(USAGE, ["load", "--facts", "facts", "vmlinuz"], "--facts", "--dry-run")
        refused(USAGE, ["load", "--json", "vmlinuz"], "--json needs --dry-run")
        refused(USAGE, plan("--append", "elfcorehdr=1M", "vmlinuz"), "elfcorehdr=")

    # --- files

    def test_unreadable_files(self):
        os.mkdir("folder")
        os.mkfifo("pipe")
        for name, text in (
            ("absent", "No such file"),
            ("vmlinuz/x", "Not a directory"),
            ("folder", "a folder"),
            ("pipe", "a pipe"),
            ("/dev/null", "a device"),
            ("", "No such file"),
        ):
            refused(IO, plan(name), f"kernel {name}: ", text)
            refused(IO, plan("--initrd", name, "vmlinuz"), f"initrd {name}: ", text)
            refused(IO, ["plan", "--facts", name, "vmlinuz"], f"{name}: ", text)

    def test_truncated_kernels(self):
        whole = bzimage()
        for size in (0, 1, 2, 0x1F0, 0x201, 0x203, 0x206, 0x207, 0x230, 0x26B, SETUP, len(whole) - 1):
            write("cut", whole[:size])
            r = refused((BAD_INPUT, UNSUPPORTED), plan("cut"), "kernel cut: ")
            if size >= 0x206:  # known for a kernel, so it must be called cut
                same(r.code, BAD_INPUT)
                has(r.err, "truncated")
            for name, packed in (("cut.gz", gzip.compress(whole)), ("cut.xz", lzma.compress(whole))):
                write(name, packed[: len(packed) * (size + 1) // (len(whole) + 1)])
                refused((BAD_INPUT, UNSUPPORTED), plan(name), f"kernel {name}: ")

    def test_kernels_with_a_wrong_field(self):
        for fields, code, text in (
            ({"header": 0}, UNSUPPORTED, "HdrS"),
            ({"boot_flag": 0xAA54}, BAD_INPUT, "boot_flag"),
            ({"version": 0x0204}, UNSUPPORTED, "boot protocol 2.04"),
            ({"jump": 0x6AE9}, BAD_INPUT, "jump"),
            ({"jump": 0xFFEB}, BAD_INPUT, "jump"),
            ({"jump": 0x10EB}, BAD_INPUT, "setup header ends"),
            ({"loadflags": 0}, UNSUPPORTED, "LOADED_HIGH"),
            ({"relocatable_kernel": 0}, UNSUPPORTED, "relocatable_kernel"),
            ({"kernel_alignment": 0}, BAD_INPUT, "kernel_alignment"),
            ({"kernel_alignment": 3}, BAD_INPUT, "kernel_alignment"),
            ({"kernel_alignment": 1 << 31}, BAD_INPUT, "kernel_alignment"),
            ({"cmdline_size": 0}, BAD_INPUT, "cmdline_size"),
            ({"initrd_addr_max": 0}, BAD_INPUT, "initrd_addr_max"),
            ({"syssize": 0}, BAD_INPUT, "syssize"),
            ({"syssize": 0xFFFFFFFF}, BAD_INPUT, "syssize"),
            ({"payload_offset": 0xFFFFFFFF, "payload_length": 1}, BAD_INPUT, "payload_offset"),
            ({"payload_length": 0xFFFFFFFF}, BAD_INPUT, "payload_length"),
            ({"init_size": 0xFFFFFFFF}, NO_FIT, "bad needs 4095 MiB, init_size"),
            ({"pref_address": 0xFFFFFFFFFFFFFFFF}, BAD_INPUT, "pref_address"),
            ({"cmdline_size": 8}, NO_FIT, "cmdline_size"),
        ):
            write("bad", bzimage(**fields))
            r = refused(code, plan("bad"), text)
            if r.code != NO_FIT:
                has(r.err, "kernel bad: ")

    def test_every_damaged_header_byte(self):
        whole = bzimage()
        for i in range(0x1F1, 0x264):
            write("flip", whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
            r = run(*plan("flip"))
            if r.code:
                refused((BAD_INPUT, UNSUPPORTED, NO_FIT), plan("flip"))
            if r.code in (BAD_INPUT, UNSUPPORTED):
                has(r.err, "kernel flip: ")

    def test_what_is_no_kernel(self):
        write("text", "#!/bin/sh\n")
        write("elf", b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x01\0\x3e\0" + b"\0" * 600)
        for name, text in (("initrd", "swapped"), ("text", "a script"), ("elf", "an object file")):
            refused(UNSUPPORTED, plan(name), f"kernel {name}: ", text)
        write("twice.gz", gzip.compress(gzip.compress(bzimage())))
        refused(UNSUPPORTED, plan("twice.gz"), "gzip", "more than once")
        broken = bytearray(gzip.compress(bzimage()))
        broken[len(broken) // 2] ^= 0xFF
        write("broken.gz", broken)
        refused((BAD_INPUT, UNSUPPORTED), plan("broken.gz"), "kernel broken.gz: ")
        sparse("huge", 2 << 30)
        refused(BAD_INPUT, plan("huge"), "kernel huge: ", "limit")

    def test_initrds(self):
        write("empty", "")
        refused(BAD_INPUT, plan("--initrd", "empty", "vmlinuz"), "initrd empty: ", "is empty")
        sparse("huge", 4 << 30)
        refused(BAD_INPUT, plan("--initrd", "initrd", "--initrd", "huge", "vmlinuz"), "initrd huge: ", "boot protocol")
        sparse("large", 300 << 20)
        refused(NO_FIT, plan("--initrd", "large", "vmlinuz"), "initrd", "crashkernel=")

    def test_facts_files(self):
        for text, where in (
            ("", "facts.bad:"),
            ("\n", "facts.bad:1: header"),
            ("xenkdump-facts 2\n", "facts.bad:1: header"),
            (os.urandom(64), "facts.bad:"),
            (FACTS + "colour = red\n", 'facts.bad:18: unknown key "colour"'),
            (FACTS + "efi = yes\nefi = no\n", "facts.bad:19: efi: given twice"),
            (FACTS + "efi = maybe\n", "facts.bad:18: efi: expected yes or no"),
            (FACTS + "efi=yes\n", "facts.bad:18: line: expected KEY = VALUE"),
            (FACTS + "rsdp = 0x1ffffffffffffffff\n", "facts.bad:18: rsdp: expected an address"),
            (FACTS + "edd = 3\n", "facts.bad:18: edd: the file ends"),
            (FACTS + "edd = 3\n\t0102\n\t0304\n", "facts.bad:20: edd: more bytes"),
            (FACTS + "edd = 3\n\t01020g\n", "facts.bad:19: edd: expected hex"),
            (FACTS + "edd = 99999999999\n", "facts.bad:18: edd: expected a byte count"),
            (FACTS + "memory = 0x2000-0x1000 ram\n", "facts.bad:18: memory: expected"),
            (FACTS + "memory = 0x1000-0x2000 cheese\n", "facts.bad:18: memory: unknown"),
            (FACTS + "cpu-note = 1 present\n", "facts.bad:18: cpu-note: expected"),
            (FACTS + "missing = \"edd\" \"x\"\n" * 2, "facts.bad:19: missing: a second reason"),
            (FACTS + "xen.extra = \"\x1b[2J\"\n", "facts.bad:18: line: a control"),
            (FACTS + "xen.extra = \"open\n", "facts.bad:18: xen.extra: expected a quoted"),
            (FACTS + "xen.extra = \"a\\x00b\"\n", "facts.bad:18: xen.extra: expected a quoted"),
            (FACTS.replace("xen.bits = 64", "xen.bits = 7"), "xen.bits is 7"),
            (FACTS.replace("0x3f100164", "0x7f100164"), "register note of CPU 0"),
        ):
            write("facts.bad", text)
            refused(BAD_INPUT, ["plan", "--facts", "facts.bad", "vmlinuz"], where)
        sparse("facts.bad", 65 << 20)
        refused(BAD_INPUT, ["plan", "--facts", "facts.bad", "vmlinuz"], "facts.bad: ", "limit")

    def test_facts_cut_anywhere(self):
        codes = (0, BAD_INPUT, UNSUPPORTED, NO_REGION, NO_NOTES, PRIVILEGE)
        for size in range(0, len(FACTS), 5):
            write("cut", FACTS[:size])
            args = ["plan", "--facts", "cut", "vmlinuz"]
            if run(*args).code:
                refused(codes[1:], args)

    def test_hosts_that_cannot(self):
        def without(key):
            return "".join(l for l in FACTS.splitlines(True) if not l.startswith(key + " "))

        for facts, code, text in (
            ("xenkdump-facts 1\nhypervisor = none\n", UNSUPPORTED, "width of the kernel is not known"),
            ("xenkdump-facts 1\nhypervisor = none\nkernel.bits = 64\n", NO_REGION,
             "put crashkernel=256M on the kernel's command line and reboot"),
            ("xenkdump-facts 1\nhypervisor = none\nkernel.bits = 32\ncpu.long-mode = no\n"
             "crash-region = 0x10000000-0x20000000 ram\n", UNSUPPORTED, "this processor"),
            (FACTS.replace("control-domain = yes", "control-domain = no"), PRIVILEGE, "domU"),
            (FACTS.replace("guest = PV", "guest = PVH"), UNSUPPORTED, "dom0=pv"),
            (FACTS.replace("minor = 17", "minor = 3"), UNSUPPORTED, "4.4"),
            (without("crash-region"), NO_REGION, "on the Xen command line"),
            (without("cpu-note"), NO_NOTES, "--allow-missing-notes"),
            (FACTS.replace("0 present 0x3f100000-0x3f100164", "0 erange 0x0-0x0"), NO_NOTES, "low_crashinfo=min"),
            (FACTS.replace("0x20000000-0x30000000", "0x20000000-0x20400000"), NO_FIT, "crashkernel="),
        ):
            write("other", facts)
            refused(code, ["plan", "--facts", "other", "vmlinuz"], text)
            # A host that cannot is said before a kernel that is not there.
            if code in (UNSUPPORTED, PRIVILEGE, NO_REGION) and text != "this processor":
                refused(code, ["plan", "--facts", "other", "absent"], text)

    def test_32_bit_kernel_out_of_reach(self):
        write("pae", bzimage(xloadflags=0))
        write("high", FACTS.replace("0x40000000 ram", "0x240000000 ram").replace(
            "crash-region = 0x20000000-0x30000000", "crash-region = 0x100000000-0x110000000"))
        refused(NO_FIT, ["plan", "--facts", "high", "pae"], "896 MiB", "below=896M")
        same(run("plan", "--facts", "high", "vmlinuz").code, 0)

    # --- this machine

    # Nothing here loads, unloads or crashes: this may be a machine with a crash kernel, and root.

    def test_this_machine_without_xen(self):
        if pathlib.Path("/sys/hypervisor/type").exists():
            return "there is a hypervisor here"
        loaded = pathlib.Path("/sys/kernel/kexec_crash_loaded")
        want = {b"0": 1, b"1": 0}[loaded.read_bytes().strip()] if loaded.exists() else UNSUPPORTED
        r = run("status", "--run-dir", os.getcwd())
        same(r.code, want)
        if want == UNSUPPORTED:
            refused(UNSUPPORTED, ["status", "--json"], "/sys/kernel/kexec_crash_loaded")
        else:
            has(r.out, "Linux says that ")
            same(json.loads(run("status", "--json").out)["state"], "not armed" if want else "armed")
        # A plan for Linux itself, or why there is none in its own terms.
        for args in (["plan", "vmlinuz"], ["load", "--dry-run", "vmlinuz"]):
            if run(*args).code:
                r = refused((BAD_INPUT, UNSUPPORTED, NO_REGION, NO_FIT, NO_NOTES), args)
                same("Xen" in r.err, False)
            if not re.search("(^| )crashkernel=", read("/proc/cmdline").decode()):
                refused(NO_REGION, args, "no memory is reserved for a crash kernel")
        return None

    def test_system_call(self):
        for value in ("kexec_load", "", "Auto", "file "):
            refused(USAGE, ["load", "--syscall", value, "vmlinuz"], "expected load, file or auto")
        refused(USAGE, ["plan", "--syscall", "file", "vmlinuz"], "unknown or ambiguous option")
        # Under Xen it is not Linux that takes the image.
        for value in ("load", "file"):
            refused(USAGE, ["load", "--dry-run", "--facts", "facts", "--syscall", value, "vmlinuz"],
                    "--syscall: under Xen", "kexec operation")
        same(run("load", "--dry-run", "--facts", "facts", "--syscall", "auto", "vmlinuz").out,
             run("plan", "--facts", "facts", "vmlinuz").out)
        refused(UNSUPPORTED, plan("--hotplug", "vmlinuz"), "--hotplug: under Xen")

    def test_facts_of_this_machine(self):
        text = run("facts").out
        same(text.split("\n")[0], "xenkdump-facts 1")
        has(text, "hypervisor = ")
        write("mine", text)
        r = run("plan", "--facts", "mine", "vmlinuz")
        if r.code == BAD_INPUT:
            raise Wrong(f"facts of this machine cannot be read back: {r.err}")

    def test_output_file(self):
        old = os.umask(0)
        write("open", "x" * 100000)
        os.chmod("open", 0o666)
        for name in ("new", "open"):
            r = run("facts", "-o", name)
            same((r.code, r.out, r.err), (0, "", ""))
            same(stat.S_IMODE(os.stat(name).st_mode), 0o600)
            same(read(name).split(b"\n")[0], b"xenkdump-facts 1")
            has(read(name).decode(), "kernel.release")
        os.umask(old)

    def test_output_file_refused(self):
        write("target", "precious")
        os.symlink("target", "link")
        os.symlink("nowhere", "dangling")
        os.mkdir("dir")
        os.mkfifo("fifo")
        for name, text in (("link", "a symbolic link"), ("dangling", "a symbolic link"),
                           ("dir", "a folder"), ("fifo", "a pipe"), ("/dev/null", "a device"),
                           ("absent/x", "cannot create"), ("target/x", "cannot create")):
            refused(IO, ["facts", "-o", name], f"{name}: ", text)
        same(read("target"), b"precious")
        same((os.readlink("link"), os.readlink("dangling")), ("target", "nowhere"))
        same(sorted(os.listdir("dir")), [])
        same([n for n in os.listdir(".") if "." in n], [])

    # --- standard output

    def test_full_standard_output(self):
        for args in (["--help"], ["--version"], ["plan", "--help"], ["facts"],
                     plan("vmlinuz"), plan("--json", "vmlinuz")):
            with open("/dev/full", "wb") as full:
                p = subprocess.run([XENKDUMP, *args], stdout=full, stderr=subprocess.PIPE)
            same((p.returncode, p.stderr), (IO, b"xenkdump: done, but standard output could not be written\n"))

    def test_closed_streams(self):
        for closed in ([1], [0, 1]):
            p = subprocess.run([XENKDUMP, *plan("vmlinuz")], stderr=subprocess.PIPE,
                               preexec_fn=lambda c=closed: [os.close(n) for n in c])
            same(p.returncode, IO)
            has(p.stderr.decode(), "standard output could not be written")
        # The file must not end up under the number of a stream.
        p = subprocess.run([XENKDUMP, "facts", "-o", "out"], preexec_fn=lambda: [os.close(n) for n in (0, 1, 2)])
        same(p.returncode, 0)
        same(read("out").split(b"\n")[0], b"xenkdump-facts 1")

    # --- text from outside

    def test_messages_are_one_escaped_line(self):
        refused(IO, plan("no\nxenkdump: fine\x1b[2J\x7f"), r"no\x0axenkdump: fine\x1b[2J\x7f: ")
        refused(IO, plan("\u00fc"), r"\xc3\xbc: ")
        refused(USAGE, ["plan", "--\x1b[2J", "vmlinuz"], r"--\x1b[2J")
        refused(USAGE, ["\x1b]0;x\x07"], r"\x1b]0;x\x07")

    def test_plan_text_is_escaped(self):
        r = run(*plan("--append", 'a="x\ncrash region: all of it" \x1b[31mred \u00fc', "vmlinuz"))
        same(r.code, 0)
        has(r.out, r'a="x\x0acrash region: all of it" \x1b[31mred \xc3\xbc' + "\n")
        same([c for c in r.out if (c < " " and c != "\n") or c > "~"], [])

    def test_json_is_json(self):
        # Control characters as JSON has them; other bytes, which need not be UTF-8, as in the text.
        text = b'a="x\ny" \x1b[31m \\ \x7f \xc3\xbc \xff\xc0\xaf\xed\xa0\x80'
        out = run(*plan("--json", "--append", text, "vmlinuz")).out
        same([c for c in out if (c < " " and c != "\n") or c > "~"], [])
        same(json.loads(out)["command_line"].split(" ", 1)[1],
             'a="x\ny" \x1b[31m \\ ' + r"\x7f \xc3\xbc \xff\xc0\xaf\xed\xa0\x80")


def main():
    names = [n for n in dir(Tests) if n.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in n)]
    bad = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="xenkdump-cli.") as folder:
            try:
                skipped = getattr(Tests(folder), name)()
                print(f"cli: {name[5:]}: " + (f"skipped, {skipped}" if skipped else "ok"))
            except Exception as e:  # also a timeout, or output that is no UTF-8
                bad += 1
                print(f"cli: {name[5:]}: FAILED: {type(e).__name__}: {e}")
            os.chdir("/")
    if not names or bad:
        print(f"cli: {bad} of {len(names)} failed")
        return 1
    print(f"cli: {len(names)} tests passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
