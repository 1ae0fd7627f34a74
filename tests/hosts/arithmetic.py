# SPDX-License-Identifier: GPL-2.0-only
"""What follows from facts, worked out once more from the documents and not from the program:
arithmetic.py FACTS PLAN.json SEGMENTS. Says what differs and exits 1."""
import json
import struct
import sys

PAGE, MIB, GIB = 1 << 12, 1 << 20, 1 << 30
BACKUP_END = 640 << 10
bad = []


def same(what, got, want):
    if got != want:
        bad.append("%s: the plan has %s, should be %s" % (what, got, want))


def read_facts(path):
    facts = {"memory": [], "crash-region": [], "cpu-note": []}
    key = None
    for line in open(path, encoding="ascii").read().split("\n")[1:]:
        if line.startswith("\t"):
            facts[key] += bytes.fromhex(line[1:])
        elif line and line[0] != "#":
            key, value = line.split(" = ", 1)
            if isinstance(facts.get(key), list):
                facts[key].append(value.split(" "))
            else:
                following = key.endswith(("-map", "-z", "-text", "-info", ".info", "edd"))
                facts[key] = b"" if following else value
    return facts


def span(text):
    return tuple(int(x, 16) for x in text.split("-"))


def number(facts, key):
    return int(facts.get(key, "0"), 0)


def ram_of(facts):
    """RAM without the crash regions, neighbours joined: a sweep over all borders."""
    edges = []
    for r, kind in facts["memory"]:
        if kind == "ram":
            edges += [(span(r)[0], 1, 0), (span(r)[1], -1, 0)]
    for r, _ in facts["crash-region"]:
        edges += [(span(r)[0], 0, 1), (span(r)[1], 0, -1)]
    ret, ram, cut, start = [], 0, 0, None
    for at, more, less in sorted(edges, key=lambda e: e[0]):
        was = ram > 0 and cut == 0
        ram, cut = ram + more, cut + less
        now = ram > 0 and cut == 0
        if was and not now and at > start:
            if ret and ret[-1][1] == start:
                start = ret.pop()[0]
            ret.append((start, at))
        if now and not was:
            start = at
    return ret


def loads_of(facts, native, bits):
    """(physical start, end, virtual) of every PT_LOAD of RAM."""
    offset = number(facts, "kernel.page-offset") if native else 0
    # Linux x86_64/mm.rst: 64-bit direct map; 32-bit: 3G/1G with 128 MiB for vmalloc
    mapped = (1 << 64) - offset if bits == 64 else (1 << 32) - (128 << 20) - offset
    ret = []
    for start, end in ram_of(facts):
        cuts = {BACKUP_END} | ({mapped} if offset else set())
        borders = [start] + sorted(c for c in cuts if start < c < end) + [end]
        for a, b in zip(borders, borders[1:]):
            ret.append((a, b, offset + a if offset and b <= mapped else 0))
    return ret


def read_core(data):
    wide = data[4] == 2
    head = "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH"
    kind, machine, _, _, phoff, _, _, _, phsize, phnum, _, _, _ = struct.unpack_from(head, data, 16)
    same("type of the core", kind, 4)
    same("size of the core header", len(data), phoff + phsize * phnum)
    headers = []
    for i in range(phnum):
        at = phoff + i * phsize
        if wide:
            t, _, off, virt, phys, size, _, _ = struct.unpack_from("<IIQQQQQQ", data, at)
        else:
            t, off, virt, phys, size, _, _, _ = struct.unpack_from("<IIIIIIII", data, at)
        headers.append((t, off, virt, phys, size))
    return data[4], machine, headers


def check_core(facts, plan, data, native, bits, is_64):
    cls, machine, headers = read_core(data)
    segs = {s["kind"]: int(s["start"], 16) for s in plan["segments"]}
    notes = [(h[1], h[4]) for h in headers if h[0] == 4]
    loads = [(h[3], h[3] + h[4], h[2], h[1]) for h in headers if h[0] == 1]
    want = [(a, b, v, segs["backup"] + a if b <= BACKUP_END else a)
            for a, b, v in loads_of(facts, native, bits)]
    prefix = "kernel" if native else "xen"
    image, virt = span(facts.get(prefix + ".image", "0-0")), number(facts, prefix + ".image-virtual")
    in_map = native and bits == 32 and virt == number(facts, "kernel.page-offset") + image[0]
    if image[1] and virt and not in_map:
        want.append((image[0], image[1], virt, image[0]))
    same("memory of the core", [tuple(map(hex, x)) for x in loads],
         [tuple(map(hex, x)) for x in want])
    same("machine of the core", machine, 62 if bits == 64 or is_64 else 3)
    last = max([b for _, b, _, _ in want] + [sum(n) for n in notes])
    same("class of the core", cls, 2 if machine == 62 or last > 4 * GIB else 1)
    for number_, state, r in facts["cpu-note"]:
        if state == "present":
            a, b = span(r)
            same("registers of CPU " + number_, (a, b - a) in notes, True)
    if native:
        a, b = span(facts["kernel.vmcoreinfo"])
        same("VMCOREINFO by address", (a, b - a) in notes, True)


def control_of(facts, bits):
    """Pages: Linux machine_kexec_64.c maps all RAM by 2 MiB pages; 32 bits need the code page."""
    if bits == 32:
        return PAGE
    slots = {s: set() for s in (GIB, 512 * GIB)}
    for r, kind in facts["memory"]:
        if kind in ("reserved", "unusable"):
            continue
        a, b = span(r)
        for size, seen in slots.items():
            seen.update(range(a // size, (b + size - 1) // size))
    return PAGE * (16 + sum(map(len, slots.values())))


def check_memory_map(facts, plan):
    reserved = [(int(s["start"], 16), int(s["end"], 16)) for s in plan["segments"] if s["protected"]]
    ram = [(int(m["start"], 16), int(m["end"], 16)) for m in plan["memory_map"] if m["type"] == 1]
    inside = sum(b - a for a, b in ram if a >= MIB)
    whole = sum((b & -PAGE) - (a + PAGE - 1 & -PAGE)
                for a, b in (span(r) for r, _ in facts["crash-region"]))
    same("memory of the dump kernel", inside, whole - sum(b - a for a, b in reserved))


def check_efi(facts, plan, bp):
    info = bp[0x1c0:0x1e0]
    if not plan["efi_ranges"]:
        same("EFI", info, bytes(32))
        return
    descs = facts["efi.runtime-map"]
    same("EFI ranges", plan["efi_ranges"], len(descs) // 40)
    at = next(int(s["start"], 16) for s in plan["segments"] if s["kind"] == "bootparams") + 4096
    given = struct.unpack("<8I", facts["efi.info"])
    same("efi_info", struct.unpack("<8I", info), (given[0], given[1], 40, 1, at & 0xffffffff,
         len(descs), given[6], at >> 32))
    same("map of EFI", bp[4096:4096 + len(descs)], descs)
    values = [number(facts, "efi." + k) for k in ("fw-vendor", "config-table", "smbios")]
    same("EFI setup_data", struct.pack("<IIQQQQ", 4, 96, values[0], 0, *values[1:]) in bp, True)


def main(facts_path, plan_path, folder):
    facts = read_facts(facts_path)
    plan = json.load(open(plan_path, encoding="ascii"))
    native = facts["hypervisor"] == "none"
    bits = number(facts, "kernel.bits" if native else "xen.bits")
    parts = {k: open("%s/%s" % (folder, k), "rb").read() for k in ("elfcore", "bootparams")}
    is_64 = bool(struct.unpack_from("<H", parts["bootparams"], 0x236)[0] & 1)
    above = bool(struct.unpack_from("<H", parts["bootparams"], 0x236)[0] & 2)
    check_core(facts, plan, parts["elfcore"], native, bits, is_64)
    check_memory_map(facts, plan)
    check_efi(facts, plan, parts["bootparams"])
    same("entry", plan["kernel_entry_bits"], 64 if bits == 64 and is_64 and above else 32)
    if native:
        same("machine", plan["machine"], "EM_X86_64" if bits == 64 else "EM_386")
        same("control pages", plan["control"]["need"], control_of(facts, bits))
        highest = max(span(r)[0] for r, _ in facts["crash-region"])
        same("region", int(plan["region"]["start"], 16), highest)
    for line in bad:
        print(line)
    return 1 if bad else 0


sys.exit(main(*sys.argv[1:]))
