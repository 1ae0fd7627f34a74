# SPDX-License-Identifier: GPL-2.0-only
"""Debian packages, fetched and unpacked under the build folder; nothing is installed.

apt runs with the host's sources but its own state, cache and architectures, so that i386
packages can be had without changing the machine. What is unpacked stays and is used again
without asking the network; remove the folder to start afresh.
"""
import fcntl
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess

from errors import HarnessError

XEN = "xen-hypervisor-4.17-amd64"
XEN_LIBS = (
    "libxenmisc4.17", "libxencall1", "libxendevicemodel1", "libxenevtchn1",
    "libxenforeignmemory1", "libxengnttab1", "libxenhypfs1", "libxenstore4",
    "libxentoolcore1", "libxentoollog1",
)
# What starts guests; their libraries beyond XEN_LIBS.
XEN_TOOLS, XEN_TOOL_LIBS = "xen-utils-4.17", ("libyajl2",)
KERNEL_META = {"amd64": "linux-image-amd64", "i386": "linux-image-686-pae"}

APT_CONF = """\
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures {{ "amd64"; "i386"; }};
Dir::State "{base}/state";
Dir::State::status "{base}/status";
Dir::Cache "{base}/cache";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "0";
Acquire::Languages "none";
Acquire::Retries "3";
// The host's hooks are about the host's own state, and DEP-11 data is of no use here.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
"""


class Packages:
    def __init__(self, out: pathlib.Path):
        self.out = pathlib.Path(out).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.apt = self.out / "apt"
        self.fresh = False  # this run's `apt-get update` is done
        self.lock = open(self.out / "lock", "w", encoding="ascii")
        # Two runs over one build folder would write into each other's trees.
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HarnessError(f"another run uses {self.out}; wait for it, or set O") from None

    # -- apt ---------------------------------------------------------------------------------

    def _run(self, argv, cwd=None):
        env = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive")
        return subprocess.run(argv, cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def _conf(self):
        conf = self.apt / "apt.conf"
        for sub in ("state/lists/partial", "cache/archives/partial"):
            (self.apt / sub).mkdir(parents=True, exist_ok=True)
        (self.apt / "status").touch()
        conf.write_text(APT_CONF.format(base=self.apt), encoding="ascii")
        return conf

    def _update(self):
        """One failing list (a third-party source without i386, say) is no reason to stop: what
        is missing shows when a package cannot be found."""
        res = self._run(["apt-get", "-c", str(self._conf()), "update"])
        self.update_log = res.stdout
        self.fresh = True

    def _apt(self, tool, *args, cwd=None):
        if not shutil.which(tool):
            raise HarnessError(f"{tool} is not on this machine; the harness needs apt")
        conf = self._conf()
        if not any((self.apt / "state/lists").glob("*Packages*")):
            self._update()
        res = self._run([tool, "-c", str(conf), *args], cwd)
        if res.returncode and not self.fresh:  # lists older than the mirror's pool
            self._update()
            res = self._run([tool, "-c", str(conf), *args], cwd)
        if res.returncode:
            raise HarnessError(f"{tool} {' '.join(args)} failed:\n{res.stdout[-1500:]}"
                               + (f"\napt-get update said:\n{self.update_log[-1500:]}"
                                  if self.fresh else ""))
        return res.stdout

    # -- unpacked trees ----------------------------------------------------------------------

    def _download(self, name, arch, folder):
        folder.mkdir(parents=True)
        self._apt("apt-get", "download", f"{name}:{arch}", cwd=folder)
        debs = list(folder.glob("*.deb"))
        if len(debs) != 1:
            raise HarnessError(f"apt-get download {name}:{arch} left {len(debs)} files, not 1")
        return debs[0]

    def tree(self, name, arch="amd64"):
        """The folder that holds the unpacked files of a package."""
        return self.bundle(name, [name], arch)

    def bundle(self, folder, names, arch="amd64"):
        """The same for several packages that look for each other's files."""
        done = self.out / "pkg" / f"{folder}_{arch}"
        if done.exists():
            return done
        tmp = done.with_suffix(".part")
        shutil.rmtree(tmp, ignore_errors=True)
        for name in names:
            deb = self._download(name, arch, tmp / f"deb-{name}")
            res = self._run(["dpkg-deb", "-x", str(deb), str(tmp / "root")])
            if res.returncode:
                raise HarnessError(f"dpkg-deb -x {deb.name}: {res.stdout}")
            deb.unlink()
        os.rename(tmp / "root", done)
        shutil.rmtree(tmp)
        return done

    def kernel_name(self, arch):
        """The meta package's concrete kernel package, remembered once known."""
        memo = self.out / "pkg" / "kernels.json"
        known = json.loads(memo.read_text("ascii")) if memo.exists() else {}
        if arch not in known:
            meta = KERNEL_META[arch]
            text = self._apt("apt-cache", "show", "--no-all-versions", f"{meta}:{arch}")
            hit = re.search(r"^Depends:.*?\b(linux-image-[0-9][^\s,(]*)", text, re.M)
            if not hit:
                raise HarnessError(f"{meta}:{arch} depends on no linux-image-<version>")
            known[arch] = hit.group(1)
            memo.parent.mkdir(parents=True, exist_ok=True)
            memo.write_text(json.dumps(known), "ascii")
        return known[arch]

    def kernel(self, arch):
        """(vmlinuz, folder of its modules) of Debian's kernel for amd64 or i386 (686-pae)."""
        root = self.tree(self.kernel_name(arch), arch)
        return one(root, "boot/vmlinuz-*"), one(root, "lib/modules/*")

    def kernel_config(self, arch):
        """{its name: path}: what lies beside the kernel on every Debian host."""
        path = one(self.tree(self.kernel_name(arch), arch), "boot/config-*")
        return {path.name: path}

    def vmlinux(self, arch="amd64"):
        """The kernel with debug data, from its -dbg package. Large: the package is not kept."""
        name = self.kernel_name(arch)
        done = self.out / "pkg" / f"{name}.vmlinux"
        if done.exists():
            return done
        tmp = self.out / "pkg" / "dbg.part"
        shutil.rmtree(tmp, ignore_errors=True)
        deb = self._download(f"{name}-dbg", arch, tmp)
        release = name.removeprefix("linux-image-")
        cmd = ('dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards '
               '"./usr/lib/debug/boot/vmlinux-$3"')
        res = self._run(["bash", "-o", "pipefail", "-c", cmd, "-", str(deb), str(tmp), release])
        if res.returncode:
            raise HarnessError(f"no vmlinux in {deb.name}: {res.stdout}")
        os.rename(one(tmp, "usr/lib/debug/boot/vmlinux-*"), done)
        shutil.rmtree(tmp)
        return done

    def xen(self):
        """The hypervisor as the plain ELF file that QEMU's -kernel wants. E2E_XEN names another."""
        src = os.environ.get("E2E_XEN")
        src = pathlib.Path(src) if src else one(self.tree(XEN), "boot/xen-*.gz")
        if not src.exists():
            raise HarnessError(f"no hypervisor at {src} (E2E_XEN)")
        data = src.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        if data[:4] != b"\x7fELF":
            raise HarnessError(f"{src} is neither an ELF file nor a gzip-compressed one")
        dst = self.out / "xen"
        dst.write_bytes(data)
        return dst

    def busybox(self, arch):
        return one(self.tree("busybox-static", arch), "bin/busybox")

    def xen_lib_dirs(self):
        return [d for p in XEN_LIBS for d in self.tree(p).glob("usr/lib/x86_64-linux-gnu")]

    def xen_tools(self, *names):
        """({name: path}, folders of their libraries) of the toolstack's programs."""
        folder = self.tree(XEN_TOOLS) / "usr/lib/xen-4.17/bin"
        return ({n: one(folder, n) for n in names},
                [*self.xen_lib_dirs(),
                 *(d for p in XEN_TOOL_LIBS for d in self.tree(p).glob("usr/lib/x86_64-linux-gnu"))])

    def kexec_tools(self, arch="amd64"):
        return one(self.tree("kexec-tools", arch), "sbin/kexec")

    def ovmf(self):
        """(code, variables) of the EFI firmware for QEMU."""
        folder = self.tree("ovmf") / "usr/share/OVMF"
        return one(folder, "OVMF_CODE.fd"), one(folder, "OVMF_VARS.fd")


class Backports(Packages):
    """Newer versions for the same Debian release, from where the machine's packages come from."""

    # TCG has known SHA-NI since QEMU 8.2; Debian 12 has 7.2.
    QEMU = ("qemu-system-x86", "qemu-system-data", "seabios")
    SHA_NI_CPU = "qemu64,+ssse3,+sse4.1,+sha-ni"

    def __init__(self, out: pathlib.Path):
        super().__init__(pathlib.Path(out) / "backports")

    def _conf(self):
        conf = super()._conf()
        parts = self.apt / "parts"
        parts.mkdir(exist_ok=True)
        release = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(
            "ascii"), re.M)
        if not release:
            raise HarnessError("/etc/os-release names no Debian release")
        for name, text in backports_of(release[1], *machine_sources()).items():
            (parts / name).write_text(text, "utf-8")
        with conf.open("a", encoding="ascii") as f:
            f.write(f'Dir::Etc::sourcelist "{self.apt}/none";\n'
                    f'Dir::Etc::sourceparts "{parts}";\n')
        return conf

    def qemu(self):
        """qemu-system-x86_64; it finds the files of the other packages beside it."""
        return one(self.bundle("qemu", self.QEMU), "usr/bin/qemu-system-x86_64")


def machine_sources():
    """Texts of the machine's sources: (deb822 stanzas, lines)."""
    etc = pathlib.Path("/etc/apt")
    stanzas = [s for f in sorted(etc.glob("sources.list.d/*.sources"))
               for s in re.split(r"\n\s*\n", f.read_text("utf-8"))]
    files = [etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))]
    return stanzas, [line for f in files if f.exists() for line in f.read_text("utf-8").split("\n")]


def backports_of(release, stanzas, lines):
    """{file name: text} of the backports' sources, made of those that offer the release itself."""
    suite = f"{release}-backports"
    deb822 = [re.sub(r"(?m)^Suites:.*$", f"Suites: {suite}", s) for s in stanzas
              if re.search(r"(?m)^Types:(?:.*\s)?deb(?:\s|$)", s)
              and re.search(rf"(?m)^Suites:(?:.*\s)?{release}(?:\s|$)", s)]
    single = [re.sub(rf"\s{release}\s", f" {suite} ", line, count=1) for line in lines
              if re.match(rf"deb\s(?:\[.*\]\s*)?\S+\s+{release}\s", line)]
    if not deb822 and not single:
        raise HarnessError(f"no source of apt's offers {release}, so none of its backports is known")
    return {"backports.sources": "\n\n".join(deb822) + "\n",
            "backports.list": "\n".join(single) + "\n"}


def one(root, pattern):
    """The single file that matches, so that a changed package shows at once."""
    hits = sorted(root.glob(pattern))
    if len(hits) != 1:
        raise HarnessError(f"{root.name}: {len(hits)} files match {pattern}, wanted 1")
    return hits[0]


if __name__ == "__main__":
    import sys
    pk = Packages(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build") / "e2e")
    for item in (pk.xen(), pk.kernel("amd64"), pk.kernel("i386"), pk.busybox("amd64"),
                 pk.busybox("i386"), pk.kexec_tools(), pk.xen_lib_dirs()):
        print(item)
