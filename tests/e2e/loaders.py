# SPDX-License-Identifier: GPL-2.0-only
"""What arms the crash kernel in dom0: xenkdump, or kexec-tools to prove the harness."""
import json
import pathlib
import re
import shlex

import initramfs
from errors import Failure, HarnessError, Skip


class Loader:
    name = ""
    runtime_libs = ()  # bound with dlopen, so not in the ELF header

    def __init__(self, pk, out):
        self.pk, self.out = pk, pathlib.Path(out)

    def binary(self):
        raise NotImplementedError

    def files(self):
        """({name: path} for /bin, {soname: path} for /lib)"""
        binary = self.binary()
        libs = initramfs.with_libraries([binary], self.pk.xen_lib_dirs(), self.runtime_libs)
        return {self.name: binary}, libs

    def load(self, m, cmdline, options=""):
        """Arms; anything but success is a Failure."""
        raise NotImplementedError

    def _skip(self, what):
        raise Skip(f"{self.name} has no {what}")

    def unload(self, m):
        raise NotImplementedError

    def status_command(self):
        self._skip("dependable status")

    def state(self, m):
        """"armed", "not armed" or "unknown", from the JSON that the status command prints."""
        m.armed = True
        _, text = m.run(self.status_command(), 30, check=False)
        hit = re.search(r"^\{.*\}", text, re.M | re.S)
        try:
            return json.loads(hit.group(0))["state"]
        except (AttributeError, ValueError, KeyError) as exc:
            raise Failure(f"status has no `state`: {text.strip()[-400:]}") from exc

    def test_crash(self):
        self._skip("test-crash command")

    def test_wrong_digest(self):
        self._skip("switch for a wrong digest")

    def dom0_vmcoreinfo(self, choice):
        self._skip("switch for dom0's VMCOREINFO")


class KexecTools(Loader):
    name = "kexec"

    def binary(self):
        return self.pk.kexec_tools()

    def load(self, m, cmdline, options=""):
        m.armed = True
        m.run(f"kexec -p --command-line={shlex.quote(cmdline)} --initrd=/payload/initrd "
              f"/payload/kernel {options}", 90)

    def unload(self, m):
        m.armed = True
        m.run("kexec -p -u", 30)


class Xenkdump(Loader):
    name = "xenkdump"
    runtime_libs = ("libxenctrl.so.4.17", "libxencall.so.1", "libxenstore.so.4")

    def binary(self):
        path = self.out / "xenkdump"
        if not path.exists():
            raise HarnessError(f"{path} is not there; run make first")
        return path

    def load(self, m, cmdline, options=""):
        m.armed = True
        return m.run(f"xenkdump load --initrd /payload/initrd --command-line "
                     f"{shlex.quote(cmdline)} {options} /payload/kernel", 90)[1]

    def unload(self, m):
        m.armed = True
        m.run("xenkdump unload", 30)

    def status_command(self):
        return "xenkdump status --json"

    def test_crash(self):
        return "xenkdump test-crash --yes"

    def test_wrong_digest(self):
        return "--test-wrong-digest kernel --corruption-delay 2"

    def dom0_vmcoreinfo(self, choice):
        return f"--dom0-vmcoreinfo={choice}"


LOADERS = {c.name: c for c in (Xenkdump, KexecTools)}
