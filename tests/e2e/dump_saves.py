# SPDX-License-Identifier: GPL-2.0-only
"""`xenkdump save` in the dump kernel itself, from its /proc/vmcore to a file system on a second disk."""
import re
import subprocess

import initramfs
import loaders
from errors import HarnessError

DISK = "512M"
PEAK = 64 << 10  # KiB: what save may use at any size of memory
SCRIPT = r"""n=0
while [ ! -b /dev/vdb ] && [ $n -lt 20 ]; do sleep 1; n=$((n + 1)); done
mount -t ext4 /dev/vdb /mnt || echo "@@save-disk failed@@"
free | sed 's/^/free: /'
save() {
	name=$1
	shift
	echo "@@save begin $name $(cut -d' ' -f1 /proc/uptime)@@"
	usage %s save "$@" -o /mnt/$name /proc/vmcore
	echo "@@save end $name $? $(cut -d' ' -f1 /proc/uptime)@@"
}
"""


def host_tool(*argv):
    """Runs e2fsprogs' tools, which may lie where only root looks."""
    env = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin", "LC_ALL": "C"}
    try:
        res = subprocess.run([str(a) for a in argv], env=env, capture_output=True, text=True,
                             check=False)
    except FileNotFoundError as exc:
        raise HarnessError(f"{argv[0]} is not installed (e2fsprogs)") from exc
    if res.returncode:
        raise HarnessError(f"{argv[0]}: {res.stderr}")


class Saves:
    """commands: {name of the file: save's options}, in the order in which they run. full: they have
    this little room instead, and are to end incomplete."""
    full = None

    def __init__(self, run, commands, full=None):
        self.run, self.commands, self.full = run, commands, full
        self.copy = True  # then the core as a whole
        self.disk = run.env.work / f"{run.name}.saves"
        self.files = {name: run.env.work / f"{run.name}.saved-{name}" for name in commands}

    def initrd(self):
        """In place of the dump kernel's plain one."""
        run, env = self.run, self.run.env
        if not isinstance(run.loader, loaders.Xenkdump):
            run.loader.needs_own("save command")
        _, moddir = env.pk.kernel(run.arch)
        programs, libs = run.loader.native_files(run.arch)
        path, = programs
        programs = {**programs, "bin/vmcopy": env.helper("vmcopy", run.arch),
                    "bin/usage": env.helper("usage", run.arch)}
        script = SCRIPT % f"/{path}" + "".join(
            f"save {name} {options}\n" for name, options in self.commands.items()) + "umount /mnt\n"
        if not self.copy:
            script += "echo @@saved 0@@; poweroff -f\n"
        return initramfs.dump_and_save(
            env.work / f"{run.name}-dump.cpio", env.pk.busybox(run.arch), moddir, programs,
            {(n, run.arch): p for n, p in libs.items()}, script)

    def hardware(self):
        """The second disk, empty, as QEMU's arguments."""
        self.disk.unlink(missing_ok=True)
        host_tool("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-E",
                  "lazy_itable_init=1", self.disk, self.full or DISK)
        return ("-drive", f"file={self.disk},format=raw,if=virtio,cache=unsafe")

    def fetch(self, said):
        """Judges what each save said of itself, and brings the files here."""
        rep = self.run.rep
        for name, path in self.files.items():
            hit = re.search(rf"@@save begin {name} (\S+)@@\n(.*?)usage user (\d+) sys (\d+) peak (\d+)\n"
                            rf"@@save end {name} (\d+) (\S+)@@", said, re.S)
            rep.ok(hit, f"save {name} in the dump kernel comes to an end")
            code, ending = ("13", ".incomplete") if self.full else ("0", "")
            rep.ok(hit[6] == code, f"save {name} ends with exit code {code}", f"{hit[6]}: {hit[2][-400:]}")
            rep.ok(not self.full or "No space left on device" in hit[2],
                   f"save {name} says what was wrong", hit[2][-400:])
            rep.bounded(1, int(hit[5]), PEAK, f"save {name}: its peak memory in KiB")
            rep.say(f"save {name}: {float(hit[7]) - float(hit[1]):.2f} s, user {hit[3]} ms, sys "
                    f"{hit[4]} ms\n{hit[2]}")
            path.unlink(missing_ok=True)
            host_tool("debugfs", "-R", f"dump /{name}{ending} {path}", self.disk)
            rep.ok(path.exists() and path.stat().st_size, f"save {name} left its file on the disk")

    def tidy(self, keep):
        (self.run.env.work / f"{self.run.name}-dump.cpio").unlink(missing_ok=True)
        self.disk.unlink(missing_ok=True)
        for path in () if keep else self.files.values():
            path.unlink(missing_ok=True)
