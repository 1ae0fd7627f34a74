# SPDX-License-Identifier: GPL-2.0-only
"""What arms the crash kernel in dom0: xenkdump, or kexec-tools to prove the harness."""
import json
import pathlib
import re
import shlex

import initramfs
from errors import Failure, HarnessError, Skip


# The shared objects of a 32-bit C library, where Debian's packages have them.
I386_DIRS = ("lib/i386-linux-gnu", "usr/lib/i386-linux-gnu")


class Loader:
    """One of the tools. A program is the command's path in the guest; None stands for its name,
    which is the 64-bit build in dom0. Natively each build lies in a folder of its own, /amd64 and
    /i386."""

    name = ""
    runtime_libs = ()  # bound with dlopen, so not in the ELF header

    def __init__(self, pk, out, out_i386=None):
        self.pk, self.out = pk, pathlib.Path(out)
        self.out_i386 = pathlib.Path(out_i386 or f"{out}-i386")

    def binary(self, arch="amd64"):
        raise NotImplementedError

    def files(self):
        """({name: path} for /bin, {soname: path} for /lib) of a dom0"""
        binary = self.binary()
        libs = initramfs.with_libraries([binary], self.pk.xen_lib_dirs(), self.runtime_libs)
        return {self.name: binary}, libs

    def native_files(self, arch):
        """The same of one build for a host without Xen; the name is a path below /."""
        binary = self.binary(arch)
        dirs = self.pk.xen_lib_dirs() if arch == "amd64" else self.i386_lib_dirs()
        return {f"{arch}/{self.name}": binary}, initramfs.with_libraries([binary], dirs, arch=arch)

    def i386_lib_dirs(self):
        root = self.pk.tree("libc6", "i386")
        return [root / d for d in I386_DIRS if (root / d).is_dir()]

    def load_command(self, cmdline, options="", program=None, kernel="/payload/kernel"):
        raise NotImplementedError

    def load(self, m, cmdline, options="", program=None):
        """Arms; anything but success is a Failure."""
        m.armed = True
        return m.run(self.load_command(cmdline, options, program), 90)[1]

    def _skip(self, what):
        raise Skip(f"{self.name} has no {what}")

    def unload(self, m, program=None):
        raise NotImplementedError

    def needs_own(self, what):
        """For cases that other tools are known not to pass, or to have no words for."""
        self._skip(what)

    def status_command(self, program=None):
        self._skip("dependable status")

    def state(self, m, program=None):
        """"armed", "not armed" or "unknown", from the JSON that the status command prints."""
        m.armed = True
        _, text = m.run(self.status_command(program), 30, check=False)
        hit = re.search(r"^\{.*\}", text, re.M | re.S)
        try:
            return json.loads(hit.group(0))["state"]
        except (AttributeError, ValueError, KeyError) as exc:
            raise Failure(f"status has no `state`: {text.strip()[-400:]}") from exc

    def syscall(self, choice):
        """The option for one of "file", "load" and "auto"."""
        raise NotImplementedError

    def used_file(self, said, options):
        """Whether what load said, with those options, means kexec_file_load."""
        raise NotImplementedError

    def test_crash(self, program=None):
        self._skip("test-crash command")

    def test_wrong_digest(self):
        self._skip("switch for a wrong digest")

    def dom0_vmcoreinfo(self, choice):
        self._skip("switch for dom0's VMCOREINFO")


class KexecTools(Loader):
    name = "kexec"

    def binary(self, arch="amd64"):
        return self.pk.kexec_tools(arch)

    def load_command(self, cmdline, options="", program=None, kernel="/payload/kernel"):
        return (f"{program or 'kexec'} -p --command-line={shlex.quote(cmdline)} "
                f"--initrd=/payload/initrd {kernel} {options}")

    def unload(self, m, program=None):
        m.armed = True
        m.run(f"{program or 'kexec'} -p -u", 30)

    def used_file(self, said, options):
        return "-s" in options or "-a" in options

    def syscall(self, choice):
        return {"file": "-s", "load": "-c", "auto": "-a"}[choice]


class Xenkdump(Loader):
    name = "xenkdump"
    runtime_libs = ("libxenctrl.so.4.17", "libxencall.so.1", "libxenstore.so.4")

    def binary(self, arch="amd64"):
        path = (self.out_i386 if arch == "i386" else self.out) / "xenkdump"
        if not path.exists():
            how = f"make ARCH=i386 O={self.out_i386.name}" if arch == "i386" else "make"
            raise HarnessError(f"{path} is not there; run {how} first")
        initramfs.need_width(path, arch)
        return path

    def load_command(self, cmdline, options="", program=None, kernel="/payload/kernel"):
        return (f"{program or 'xenkdump'} load --initrd /payload/initrd --command-line "
                f"{shlex.quote(cmdline)} {options} {kernel}")

    def unload(self, m, program=None):
        m.armed = True
        m.run(f"{program or 'xenkdump'} unload", 30)

    def needs_own(self, what):
        pass

    def status_command(self, program=None):
        return f"{program or 'xenkdump'} status --json"

    def used_file(self, said, options):
        return "kexec_file_load" in said

    def syscall(self, choice):
        return f"--syscall={choice}"

    def test_crash(self, program=None):
        return f"{program or 'xenkdump'} test-crash --yes"

    def test_wrong_digest(self):
        return "--test-wrong-digest kernel --corruption-delay 2"

    def dom0_vmcoreinfo(self, choice):
        return f"--dom0-vmcoreinfo={choice}"


LOADERS = {c.name: c for c in (Xenkdump, KexecTools)}
