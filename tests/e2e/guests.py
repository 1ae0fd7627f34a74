# SPDX-License-Identifier: GPL-2.0-only
"""Cases with guests: a dom0 with Debian's xl starts domains, each with a marker in its memory; after
the crash the dump kernel saves its own /proc/vmcore, and also copies it whole, to tell the truth by."""
import re
import secrets

import cases
import dom0_32
import guest_checks
import initramfs
from core import Core
from errors import Failure, HarnessError

TOOLS = ("xl", "xenstored", "xenconsoled", "xen-init-dom0")
MODULES = (*initramfs.XEN_MODULES, "xen-gntdev", "xen-gntalloc")
RUNTIME_LIBS = ("libgcc_s.so.1",)  # pthread_cancel() opens it
QUICK = "mitigations=off cryptomgr.notests audit=0"  # what a guest need not do
SAID = "marker pfn|marker: |Kernel panic - |end Kernel"
LOGS = "/tmp/console"
# The toolstack's own folders, then its daemons in the order they need each other.
TOOLSTACK = (f"mkdir -p {LOGS} /var/lib/xen /var/lib/xenstored /var/log/xen /run/lock /run/xen "
             "/run/xenstored /etc/xen /dev/pts; touch /etc/xen/xl.conf",
             "mount -t devpts devpts /dev/pts",
             "ln -s /run /var/run; ln -s /run/lock /var/lock",
             "xenstored --pid-file /run/xenstored.pid",
             "xen-init-dom0",
             f"xenconsoled --log=guest --log-dir={LOGS}")


class Guest:
    """One domain to be started. ident: the number that Xen will give it."""

    def __init__(self, kind, ident):
        self.kind, self.ident, self.name = kind, ident, f"{kind}{ident}"
        self.marker = secrets.token_bytes(64)
        self.mib = 128

    def config(self):
        """xl's lines, joined. No device but the console."""
        return (f"name='{self.name}'; type='{self.kind}'; memory={self.mib}; maxmem={self.mib}; vcpus=1; "
                f"kernel='/payload/kernel'; ramdisk='/payload/guest'; "
                f"extra='console=hvc0 loglevel=4 {QUICK} marker={self.marker.hex()}'; "
                "on_crash='preserve'; on_reboot='preserve'; on_poweroff='preserve'")


class GuestRun(cases.Run):
    """guests: their kinds."""

    def __init__(self, env, case, rep):
        super().__init__(env, case, rep)
        self.pv32 = case.get("pv32")  # a Xen that also runs 32-bit PV domains
        self.guests = [Guest(kind, i + 1) for i, kind in enumerate(case["guests"])]
        self.xen_marker = secrets.token_hex(32)  # of its command line, which it keeps
        self.xen_options += f" marker={self.xen_marker}"

    def hypervisor(self):
        if not self.pv32:
            return super().hypervisor()
        if isinstance(self.env.dom0_32, HarnessError):
            raise self.env.dom0_32
        return self.env.dom0_32.xen

    def dom0_programs(self):
        programs, libs, _ = super().dom0_programs()
        tools, dirs = self.env.pk.xen_tools(*TOOLS)
        return ({**programs, **tools},
                {**initramfs.with_libraries(list(tools.values()), dirs, RUNTIME_LIBS), **libs}, MODULES)

    def payload(self):
        guest = initramfs.guest(self.env.work / f"{self.name}-guest.cpio", self.env.helper("marker"))
        return {**super().payload(), "payload/guest": guest}

    def plant(self, m):
        """dom0's marker, then the guests'."""
        super().plant(m)
        try:
            for cmd in TOOLSTACK:
                m.run(cmd)
            for g in self.guests:
                self.start(m, g)
            for g in self.guests:
                self.await_marker(m, g)
        except Failure as exc:  # nothing of ours has run yet
            raise HarnessError(str(exc)) from exc

    def start(self, m, g):
        for i, line in enumerate(g.config().split("; ")):
            m.run(f"echo \"{line}\" {'>>' if i else '>'}/tmp/{g.name}")
        m.run(f"xl create -q -e /tmp/{g.name}", 90)
        self.rep.step(f"guest {g.name} is created")

    def await_marker(self, m, g):
        log = f"{LOGS}/guest-{g.name}.log"
        _, out = m.run(f"n=0; until grep -q -E '{SAID}' {log} || [ $n = 150 ]; do sleep 1; "
                       f"n=$((n+1)); done; grep -E -A9 '{SAID}' {log} | tail -n 20", 200, check=False)
        hit = re.search(r"marker pfn (0x[0-9a-f]+)", out)
        if not hit:
            raise HarnessError(f"guest {g.name} did not say that its marker is there: {out[-800:]}")
        self.rep.step(f"guest {g.name} is up, its marker in its page {hit[1]}")

    def tidy(self, passed):
        super().tidy(passed)
        (self.env.work / f"{self.name}-guest.cpio").unlink(missing_ok=True)

    def check(self):
        super().check()
        core = Core(self.disk)
        try:
            markers = {g.name: g.marker for g in self.guests}
            markers.update({"dom0": self.marker, "Xen": self.xen_marker.encode()})
            guest_checks.check_whole(self.rep, core, self.guests, markers)
            guest_checks.check_granted(self.rep, core, self.guests)
            for name, path in self.saves.files.items():
                guest_checks.check_dump(self.rep, core, path, self.guests, markers,
                                        SAVES[name].keep)
        finally:
            core.close()


class Save:
    """Options of save, and the guests that it is to keep."""

    def __init__(self, options="", keep=()):
        self.keep = keep
        self.options = " ".join([options, *(f"--keep-domain {k}" for k in keep)])


SAVES = {"plain": Save(), "keep1": Save(keep=(1,)), "keep2": Save(keep=(2,))}


class LargeRun(cases.Run):
    """More memory than could be copied: what the saved dump holds is judged by itself."""

    def __init__(self, env, case, rep):
        super().__init__(env, case, rep)
        self.xen_marker = secrets.token_hex(32)
        self.xen_options += f" marker={self.xen_marker}"
        self.saves.copy = False

    def check(self):
        path, = self.saves.files.values()
        markers = {"dom0": self.marker, "Xen": self.xen_marker.encode()}
        guest_checks.check_alone(self.rep, path, markers, self.mem << 8)


def row(ident, what, guests, names, crash=cases.sysrq, **case):
    return dict(id=ident, what=what, body=cases.plain(crash), run=GuestRun, mem=1024, dom0_mem="448M",
                guests=guests, saves={n: SAVES[n].options for n in names}, copy=180, **case)


SVM = "qemu64,+svm,+npt"  # what PVH guests need; Haswell has no svm, and vmx is not emulated

CASES = [
    row("x1", "PV and PVH guest, save in dump kernel", ("pv", "pvh"), ("plain", "keep2"),
        cpu=SVM),
    row("x2", "PV32 Xen crashes with a PV guest", ("pv",), ("plain", "keep1"), crash=cases.crash_key,
        pv32=True, prepare=dom0_32.prepare),
    dict(id="x3", what="16 GiB, 128 MiB for the dump kernel", body=cases.plain(cases.sysrq), run=LargeRun,
         mem=16384, crashkernel="128M", xen="bootscrub=0", saves={"plain": ""}, copy=180),
]
