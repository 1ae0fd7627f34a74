# SPDX-License-Identifier: GPL-2.0-only
"""xenkdump save; for run.py."""
import json
import os
import struct
import subprocess

from outside import XENKDUMP, has, read, refused, run, same, write


class SaveTests:
    """As Tests of run.py."""

    def core(self):
        """64 pages at 1 MiB, each full of its number, every fourth one zero."""
        pages = b"".join(bytes([i if i % 4 else 0]) * 4096 for i in range(64))
        head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        load = struct.pack("<IIQQQQQQ", 1, 7, 4096, 0, 1 << 20, len(pages), len(pages), 0)
        write("vmcore", (head + load).ljust(4096, b"\0") + pages)

    def test_save(self):
        self.core()
        for form in ("kdump", "elf", "flat"):
            r = run("save", "--format", form, "-o", form, "--json", "vmcore")
            same((r.code, r.err), (0, ""))
            said = json.loads(r.out)
            same((said["pages-written"], said["pages-zero"], said["whole"]), (64, 16, True))
            same(os.stat(form).st_mode & 0o7777, 0o600)
            refused(4, ["save", "--format", form, "-o", form, "vmcore"], "is there already")
            r = run("save", "--format", "elf", "-o", form + ".elf", form)
            same((r.code, r.err), (0, ""))
            # whatever it went through, as ELF it is one run of pages again, at the file's end
            same(read(form + ".elf")[-64 * 4096:], read("vmcore")[4096:])
        has(run("save", "--dry-run", "vmcore").out, "estimated size")

    def test_save_split(self):
        self.core()
        r = run("save", "--split", "3", "-o", "part", "--json", "vmcore")
        same((r.code, r.err), (0, ""))
        same(json.loads(r.out)["parts"], 3)
        same(sorted(f for f in os.listdir(".") if f.startswith("part")),
             ["part.1", "part.2", "part.3", "part.dmesg", "part.notes", "part.report"])
        r = run("save", "--format", "elf", "-o", "joined", "part.2", "part.3", "part.1")
        same((r.code, r.err), (0, ""))
        same(read("joined")[-64 * 4096:], read("vmcore")[4096:])
        has(run("save", "--split", "2", "-o", "more", "vmcore").out, "in 2 files, numbered from .1 on: more")
        # a part of an earlier try stands in the way, and nothing else is left behind
        os.rename("more.2", "again.2")
        refused(4, ["save", "--split", "2", "-o", "again", "vmcore"], "again.2: is there already")
        same([f for f in os.listdir(".") if f.startswith("again")], ["again.2"])
        for n in ("0", "1", "65", "-1", "2x"):
            refused(2, ["save", f"--split={n}", "-o", "x", "vmcore"], f"--split {n}: expected a number, 2 to 64")
        refused(2, ["save", "--split", "2", "--format", "elf", "-o", "x", "vmcore"], "an ELF core has no parts")
        refused(2, ["save", "--split", "2", "--format", "flat", "-o", "x", "vmcore"], "a stream is one")
        refused(2, ["save", "--split", "2", "-o", "-", "vmcore"], "a stream is one")
        same([f for f in os.listdir(".") if f.startswith("x")], [])

    def test_save_bad_pages(self):
        """The core ends two pages early: they are at 1 MiB + 62 pages."""
        self.core()
        write("short", read("vmcore")[:-2 * 4096])
        r = run("save", "-o", "dump", "--json", "short")
        same(r.code, 13)
        has(r.err, "pages that cannot be read and are not in the dump: 2, the first at 0x13e000")
        said = json.loads(r.out)
        same((said["pages-bad"], said["first-bad-address"], said["pages-written"], said["whole"]), (2, 0x13E000, 62, True))
        same(struct.unpack_from("<I", read("dump"), 424)[0] & 8, 8)
        has(run("save", "-o", "dump2", "short").out, "not in the dump; the first is at 0x13e000")

    def test_save_stream(self):
        self.core()
        with open("stream", "wb") as f:
            p = subprocess.run([XENKDUMP, "save", "-o", "-", "vmcore"], stdout=f, stderr=subprocess.PIPE, timeout=60)
        same(p.returncode, 0)
        has(p.stderr.decode(), "written")
        same(read("stream")[:12], b"makedumpfile")
        same(run("save", "--format", "elf", "-o", "elf", "stream").code, 0)
        same(read("elf")[-64 * 4096:], read("vmcore")[4096:])
        with open("/dev/full", "wb") as f:
            p = subprocess.run([XENKDUMP, "save", "-o", "-", "vmcore"], stdout=f, stderr=subprocess.PIPE, timeout=60)
        same(p.returncode, 4)
        has(p.stderr.decode(), "No space left on device")

    def pipe(self, data, *args):
        """save with standard input from a pipe."""
        p = subprocess.run([XENKDUMP, "save", *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return p.returncode, p.stdout, p.stderr.decode()

    def test_save_from_pipe(self):
        self.core()
        stream = self.pipe(b"", "-o", "-", "vmcore")[1]
        same(stream[:12], b"makedumpfile")
        # flattened, and as it is; the folder holds nothing else afterwards
        os.mkdir("to")
        for name, data in (("flat", stream), ("elf", read("vmcore"))):
            same(self.pipe(data, "--format", "elf", "--no-small", "-o", "to/" + name, "-")[0], 0)
            same(read("to/" + name)[-64 * 4096:], read("vmcore")[4096:])
        same(sorted(os.listdir("to")), ["elf", "flat"])
        same(self.pipe(stream, "-o", "-", "-")[0], 0)
        # a file needs no copy
        with open("vmcore", "rb") as f:
            p = subprocess.run([XENKDUMP, "save", "-o", "file", "-"], stdin=f, stdout=subprocess.PIPE, timeout=60)
        same(p.returncode, 0)
        # cut short: what is there is saved, and it is said; the header comes last of all
        for cut, want in ((50, 0), (5000, 5)):
            code, _, err = self.pipe(stream[:-cut], "--format", "elf", "-o", f"cut-{cut}", "-")
            same(code, want)
            has(err, "standard input, a flattened file, is cut short")

    def test_save_from_pipe_refused(self):
        self.core()
        for data, args, code, text in (
                (b"", ["-o", "x", "-"], 4, "standard input is empty"),
                (b"text" * 99, ["-o", "x", "-"], 5, "standard input is no dump"),
                (b"", ["-o", "x", "-", "-"], 2, "can be given once"),
                (b"x", ["-o", "none/x", "-"], 4, "none: making a file there for standard input"),
                (read("vmcore"), ["-o", "vmcore", "-"], 4, "is there already")):
            got, out, err = self.pipe(data, *args)
            same((got, out), (code, b""))
            has(err, text)
        same(os.path.exists("x"), False)

    def test_save_small_files(self):
        self.core()
        small = ["dump.dmesg", "dump.notes", "dump.report"]
        made = lambda: sorted(n for n in os.listdir(".") if n.startswith("dump"))
        r = run("save", "--dry-run", "-o", "dump", "vmcore")
        same((r.code, made()), (0, []))
        r = run("save", "--no-small", "-o", "dump", "vmcore")
        same((r.code, made()), (0, ["dump"]))
        os.remove("dump")
        r = run("save", "-o", "dump", "vmcore")
        same((r.code, made()), (0, ["dump", *small]))
        for name in small:
            has(r.out, f"KiB to {name}\n")
            same(os.stat(name).st_mode & 0o7777, 0o600)
        has(read("dump.dmesg").decode(), "[xenkdump: ")
        has(read("dump.report").decode(), "Linux, without Xen")
        os.remove("dump")
        # one of them is in the way: nothing is begun
        for name in small:
            for other in small:
                if os.path.exists(other):
                    os.remove(other)
            os.symlink("elsewhere", name)
            refused(4, ["save", "-o", "dump", "vmcore"], name + ": is there already")
            same(made(), [name])
            os.remove(name)
        sizes = json.loads(run("save", "--json", "-o", "dump", "vmcore").out)
        for name in small:
            same(sizes["bytes." + name.split(".")[1]], os.path.getsize(name))
        same("bytes.xen" in sizes, False)

    def test_save_unfiltered(self):
        self.core()
        r = run("save", "-d", "16", "-o", "dump", "vmcore")
        same(r.code, 13)
        has(r.err, "NOT filtered as asked, and holds more: pages of Linux")
        same(os.path.exists("dump"), True)

    def test_save_refusals(self):
        self.core()
        save = lambda *args: ["save", *args, "vmcore"]
        refused(2, save(), "where to?")
        refused(2, save("-o", "-", "--json"), "standard output is the dump")
        refused(2, save("-o", "x", "--format", "lkcd"), "expected kdump, elf or flat")
        refused(2, save("-o", "x", "--compress", "lz4"), "expected zlib, zstd")
        refused(2, save("-o", "x", "--compress", "zlib", "--format", "elf"), "is not compressed")
        for level in ("32", "-1", "", "3x", "99999999999999999999"):
            refused(2, save("-o", "x", "-d", level), "expected a number, 0 to 31")
        refused(2, save("-o", "x", "--threads", "0"), "1 to 64")
        refused(2, save("-o", "x", "--keep-domain", "32752"), "0 to 32751")
        refused(2, save("-o", "x", "--only-dom0", "--all-domains"), "leave out --all-domains")
        refused(2, save("-o", "x", "--only-dom0", "--keep-domain", "1"), "leave out --keep-domain")
        refused(6, save("-o", "x", "--only-dom0"), "the core is not one of Xen")
        refused(2, save("-o", "folder/"), "names a folder")
        refused(4, save("-o", "none/x"), "No such file")
        refused(4, ["save", "-o", "x", "none"], "none")
        write("text", "this is no core")
        refused(5, ["save", "-o", "x", "text"], "is no dump")
        same(sorted(n for n in os.listdir(".") if n.startswith("x")), [])
