# SPDX-License-Identifier: GPL-2.0-only
"""Builds the two initramfs of a case: the host's, driven over its console, and the dump kernel's.

Archives are newc cpio written here, which needs no root and no mknod, and left uncompressed:
under an emulated CPU unpacking costs more than loading the bytes.
"""
import lzma
import pathlib
import re
import struct
import subprocess

from errors import HarnessError

HOST_LIBS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64",
             "/usr/local/lib")
APPLETS = ("sh", "cat", "ls", "mount", "insmod", "stty", "dmesg", "poweroff", "reboot",
           "grep", "mkdir", "sleep", "sync", "stat", "sed", "tail", "head", "kill", "free",
           "sha256sum", "uname", "time", "wc", "test", "rm", "cut", "ps", "nproc", "taskset", "cp", "mv", "umount", "df")

# Runs what the harness sends, one line a command: "<seq> <length> <command>". Xen drops console
# input when its small ring is full, so the length is checked and a bad line asked for again.
HOST_INIT = r"""#!/bin/sh
export PATH=/bin LD_LIBRARY_PATH=/lib:/lib32
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
for m in /modules/*; do
	[ ! -e $m ] || insmod $m || echo "e2e: insmod $m failed"
done
[ ! -d /proc/xen ] || mount -t xenfs xen /proc/xen
dmesg -n 4
echo 1 > /proc/sys/kernel/sysrq
stty -echo
echo "@@ready $(uname -r) @@"
while read -r seq len cmd; do
	[ -n "$seq" ] || continue
	if [ "${#cmd}" != "$len" ]; then echo "@@again $seq@@"; continue; fi
	sh -c "$cmd" </dev/null 2>&1
	echo "@@end $seq $?@@"
done
echo "@@console closed@@"
sleep 1000
"""

# Saves what the dump kernel exports, says so in lines that the harness reads, and ends.
DUMP_INIT = r"""#!/bin/sh
export PATH=/bin LD_LIBRARY_PATH=/lib:/lib32
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
dmesg -n 1
echo "@@dump-kernel $(uname -r) $(uname -m)@@"
dmesg | grep -iE 'vmcore|elfcorehdr|PT_NOTE|Command line|crash|kdump' | sed 's/^/dump: /'
for m in /modules/*; do insmod $m || echo "@@insmod $m failed@@"; done
if [ ! -s /proc/vmcore ]; then echo "@@no-vmcore@@"; poweroff -f; fi
sed 's/^/iomem: /' /proc/iomem
echo "@@vmcore $(stat -c %s /proc/vmcore)@@"
n=0
while [ ! -b /dev/vda ] && [ $n -lt 20 ]; do sleep 1; n=$((n + 1)); done
[ ! -e /save ] || . /save
vmcopy /proc/vmcore /dev/vda
echo "@@saved $?@@"
poweroff -f
"""


class Cpio:
    """Just enough of a newc archive: folders, files, links, device nodes."""

    def __init__(self):
        self.blob = bytearray()
        self.names = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        ino = len(self.names) + 1
        raw = name.encode() + b"\0"
        fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(raw), 0)
        self.blob += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self.blob += bytes(-len(self.blob) % 4)
        self.blob += data
        self.blob += bytes(-len(self.blob) % 4)
        self.names.add(name)

    def folder(self, name):
        path = ""
        for part in name.strip("/").split("/"):
            path = f"{path}/{part}" if path else part
            if path and path not in self.names:
                self._entry(path, 0o040755)

    def file(self, name, data, mode=0o644):
        name = name.strip("/")
        if "/" in name:
            self.folder(name.rsplit("/", 1)[0])
        self._entry(name, 0o100000 | mode, data)

    def link(self, name, target):
        self._entry(name.strip("/"), 0o120777, target.encode())

    def node(self, name, major, minor):
        self._entry(name.strip("/"), 0o020600, rdev=(major, minor))

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        pathlib.Path(path).write_bytes(self.blob)
        return pathlib.Path(path)


# -- kernel modules --------------------------------------------------------------------------

def module_data(path):
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq"], input=data, check=True, capture_output=True).stdout
    return data


XEN_MODULES = ("xen-privcmd", "xenfs", "xen-evtchn")


def modules_in_order(moddir, wanted):
    """[(name, bytes)] of the wanted modules and what they need, in the order to insert them."""
    norm = lambda s: s.replace("-", "_")
    files = {norm(p.name.split(".ko")[0]): p for p in moddir.glob("kernel/**/*.ko*")}
    builtin = {norm(pathlib.Path(line).name.split(".ko")[0])
               for line in (moddir / "modules.builtin").read_text("ascii").splitlines()}
    done = {}

    def add(name):
        name = norm(name)
        if name in done or name in builtin:
            return
        if name not in files:
            raise HarnessError(f"{moddir.name} has no module {name}, built in or not")
        data = module_data(files[name])
        deps = re.search(rb"\0depends=([^\0]*)\0", data)
        for dep in filter(None, deps.group(1).decode().split(",") if deps else ()):
            add(dep)
        done[name] = data

    for name in wanted:
        add(name)
    return list(done.items())


# -- shared libraries ------------------------------------------------------------------------

def elf_width(data):
    """32 or 64; None: not an ELF file."""
    return {1: 32, 2: 64}.get(data[4]) if data[:4] == b"\x7fELF" else None


def need_width(path, arch):
    with open(path, "rb") as f:
        width = elf_width(f.read(16))
    want = 32 if arch == "i386" else 64
    if width != want:
        raise HarnessError(f"{path} is a {width}-bit program; wanted a {want}-bit one"
                           if width else f"{path} is not an ELF file")


def elf_needed(data, what):
    """The DT_NEEDED names of an ELF file; none for a static one."""
    width = elf_width(data)
    if not width:
        raise HarnessError(f"{what} is not an ELF file")
    if width == 64:
        phoff, = struct.unpack_from("<Q", data, 32)
        phentsize, phnum = struct.unpack_from("<HH", data, 54)
        layout, order, dyn_entry = "<IIQQQQ", (0, 2, 3, 5), "<QQ"
    else:
        phoff, = struct.unpack_from("<I", data, 28)
        phentsize, phnum = struct.unpack_from("<HH", data, 42)
        layout, order, dyn_entry = "<IIIII", (0, 1, 2, 4), "<II"
    loads, dyn = [], None
    for i in range(phnum):
        fields = struct.unpack_from(layout, data, phoff + i * phentsize)
        p_type, off, va, filesz = (fields[j] for j in order)
        if p_type == 1:
            loads.append((va, off, filesz))
        elif p_type == 2:
            dyn = (off, filesz // struct.calcsize(dyn_entry) * struct.calcsize(dyn_entry))
    if dyn is None:
        return []
    tags = list(struct.iter_unpack(dyn_entry, data[dyn[0]:sum(dyn)]))
    strtab = next(v for t, v in tags if t == 5)
    base = next(strtab - va + off for va, off, size in loads if va <= strtab < va + size)
    return [data[base + v:data.index(b"\0", base + v)].decode() for t, v in tags if t == 1]


def with_libraries(binaries, lib_dirs, extra=(), arch="amd64"):
    """{soname: path} of all that the binaries (and the extra sonames, for what is bound at run
    time) need, from the packages' folders, and for 64-bit ones the rest from this machine."""
    found = {}
    todo = [n for b in binaries for n in elf_needed(b.read_bytes(), b)] + list(extra)
    dirs = [*lib_dirs, *(map(pathlib.Path, HOST_LIBS) if arch == "amd64" else ())]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        path = next((d / name for d in dirs if (d / name).exists()), None)
        if path is None:
            raise HarnessError(f"library {name} is neither in the packages nor on this machine")
        need_width(path, arch)
        found[name] = path
        todo += elf_needed(path.read_bytes(), path)
    return found


# -- the archives ----------------------------------------------------------------------------

def _base(busybox, modules, init):
    cpio = Cpio()
    for d in ("bin", "dev", "lib", "lib32", "lib64", "proc", "sys", "run", "tmp", "modules"):
        cpio.folder(d)
    cpio.node("dev/console", 5, 1)
    cpio.node("dev/null", 1, 3)
    cpio.file("bin/busybox", busybox.read_bytes(), 0o755)
    for applet in APPLETS:
        cpio.link(f"bin/{applet}", "busybox")
    for i, (name, data) in enumerate(modules):
        cpio.file(f"modules/{i:02}-{name}.ko", data)
    cpio.file("init", init.encode(), 0o755)
    return cpio


def lib_folder(name, arch):
    """Where the dynamic loader of either width looks, and neither finds the other's."""
    if name.startswith("ld-linux"):
        return "lib64" if arch == "amd64" else "lib"
    return "lib" if arch == "amd64" else "lib32"


def host(path, busybox, modules, programs, libs, files):
    """A host's archive. programs: {path: source}, executable; libs: {(soname, architecture):
    source}; files: {path: source}."""
    cpio = _base(busybox, modules, HOST_INIT)
    for name, src in programs.items():
        cpio.file(name, src.read_bytes(), 0o755)
    for (name, arch), src in libs.items():
        cpio.file(f"{lib_folder(name, arch)}/{name}", src.read_bytes(), 0o755)
    for name, src in files.items():
        cpio.file(name, src.read_bytes())
    return cpio.write(path)


def dom0(path, busybox, moddir, binaries, libs, files, more=({}, {}), modules=XEN_MODULES):
    """binaries: {name: path} put in /bin; libs: {soname: path}, all 64-bit; files: {name: path};
    more: further programs and libs as host() takes them."""
    mods = modules_in_order(moddir, modules)
    return host(path, busybox, mods, {**{f"bin/{n}": p for n, p in binaries.items()}, **more[0]},
                {**{(n, "amd64"): p for n, p in libs.items()}, **more[1]}, files)


def guest(path, marker):
    """A domU's archive: one program, which is its init."""
    cpio = Cpio()
    for d in ("dev", "proc"):
        cpio.folder(d)
    cpio.node("dev/console", 5, 1)
    cpio.file("init", marker.read_bytes(), 0o755)
    return cpio.write(path)


SAVE_MODULES = ("virtio_pci", "virtio_blk")
FS_MODULES = ("crc32c_generic", "ext4")


def dump(path, busybox, moddir, vmcopy):
    mods = modules_in_order(moddir, SAVE_MODULES)
    cpio = _base(busybox, mods, DUMP_INIT)
    cpio.file("bin/vmcopy", vmcopy.read_bytes(), 0o755)
    return cpio.write(path)


def dump_and_save(path, busybox, moddir, programs, libs, script):
    """The dump kernel's with a saver in it, whose script runs first; programs and libs as host()
    takes them."""
    cpio = _base(busybox, modules_in_order(moddir, SAVE_MODULES + FS_MODULES), DUMP_INIT)
    cpio.folder("mnt")
    for name, src in programs.items():
        cpio.file(name, src.read_bytes(), 0o755)
    for (name, arch), src in libs.items():
        cpio.file(f"{lib_folder(name, arch)}/{name}", src.read_bytes(), 0o755)
    cpio.file("save", script.encode())
    return cpio.write(path)
