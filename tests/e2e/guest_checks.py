# SPDX-License-Identifier: GPL-2.0-only
"""What the dumps of a machine with guests must hold of them, and must not."""
import truth
from core import PAGE, Core
from kdump import Kdump

STRING = 1024  # what Xen keeps of its command line


def where(markers, numbered):
    """{name: [page numbers]} of where each marker is found; numbered: (number, bytes) pairs."""
    found = {name: [] for name in markers}
    for number, data in numbered:
        for name, marker in markers.items():
            if marker in data:
                found[name].append(number)
    return found


def check_whole(rep, core, guests, markers):
    """The guests were there when the machine crashed: Xen's frame table gives each its memory, and
    its marker is in it, alone. {guest's number: how many pages it has}"""
    frames = truth.Frames(core)
    ids = sorted(frames.domains.values())
    rep.ok(ids == [0, *(g.ident for g in guests)], "Xen's list of domains is dom0 and the guests",
           str(ids))
    pages, sizes = sorted(truth.described(core)), {}
    for mfn in pages:
        owner = frames.owner(mfn) if frames.maps(mfn) else None
        sizes[owner] = sizes.get(owner, 0) + 1
    at = where(markers, ((n, core.read(*span(core, n))) for n in pages))
    for g in guests:
        rep.bounded(g.mib * 256 * 0.9, sizes.get(g.ident, 0), g.mib * 256 + 1024,
                    f"{g.name} has its memory, in pages")
        owners = {frames.owner(n) for n in at[g.name]}
        rep.ok(owners == {g.ident}, f"the marker of {g.name} is in its memory, and nowhere else",
               f"pages {at[g.name]} of {owners}")
    return sizes


def span(core, mfn):
    at, end = truth.extent(core, mfn)
    return at, end - at


def check_dump(rep, core, path, guests, markers, keep=(), bits=64):
    """A kdump file that was saved in the dump kernel. markers: the guests' by name, dom0's and
    Xen's."""
    dump = Kdump(path)
    try:
        kept, dropped = truth.check_pages(core, set(dump.pages), bits,
                                          lambda n: truth.same_as_kdump(core, dump, n), keep)
        rep.ok(kept, f"{path.name} page by page: free ones and guests' are left out, no others",
               f"{kept} kept; left out, by owner: {dropped}")
        at = where(markers, ((n, dump.page(n)) for n in dump.pages))
    finally:
        dump.close()
    here = {name for name, pages in at.items() if pages}
    want = {name for name in markers} - {g.name for g in guests if g.ident not in keep}
    rep.ok(here == want, f"{path.name} has the markers of {', '.join(sorted(want))}, and no others",
           str({name: list(map(hex, pages)) for name, pages in at.items()}))
    for g in guests:
        gone = dropped.get(g.ident, 0)
        rep.ok(gone == 0 if g.ident in keep else gone > g.mib * 200,
               f"{path.name} {'keeps' if g.ident in keep else 'leaves out'} the memory of {g.name}",
               f"{gone} of its pages are left out")


def check_alone(rep, path, markers, described):
    """A dump without its core to compare with. described: the machine's pages, of which few are
    dom0's and Xen's."""
    dump = Kdump(path)
    try:
        at = where(markers, ((n, dump.page(n)) for n in dump.pages))
        kept = len(dump.pages)
    finally:
        dump.close()
    for name, pages in at.items():
        rep.ok(pages, f"{path.name} has the marker of {name}", str(pages))
    rep.bounded(1, kept, described // 4, f"{path.name}: pages, of {described}")


def check_granted(rep, core, guests, bits=64):
    """Pages of guests that dom0 has mapped: the console's and the store's at least."""
    frames = truth.Frames(core)
    owners = [frames.owner(n) for n in truth.read_foreign(core, bits) if frames.maps(n)]
    for g in guests:
        rep.ok(g.ident in owners, f"dom0 has pages of {g.name} mapped", str(owners))
