# SPDX-License-Identifier: GPL-2.0
"""Packets and bytes, counted by both ends: what ip -s link says is what the modem saw, exactly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from iosmlib.bench import GuestError, wait_until

from .modem import Modem, link_name

Pair = tuple[int, int]		# packets, bytes


@dataclass(frozen=True)
class Count:
    """What passed one link, by one of the two who count."""

    tx: Pair
    rx: Pair

    def __sub__(self, other: Count) -> Count:
        return Count((self.tx[0] - other.tx[0], self.tx[1] - other.tx[1]), (self.rx[0] - other.rx[0], self.rx[1] - other.rx[1]))


def link_count(modem: Modem, session: int) -> Count:
    """By the link."""
    found = modem.statistics(link_name(session))
    return Count((found["tx"]["packets"], found["tx"]["bytes"]), (found["rx"]["packets"], found["rx"]["bytes"]))


def modem_count(modem: Modem, session: int) -> Count:
    """By the modem."""
    found = modem.stats()["sessions"][session]
    return Count((found["ul_packets"], found["ul_bytes"]), (found["dl_packets"], found["dl_bytes"]))


def faults(modem: Modem, session: int) -> dict[str, int]:
    """All counters of a link that are not to move."""
    found = modem.statistics(link_name(session))
    return {f"{direction} {name}": value for direction in ("tx", "rx") for name, value in found[direction].items()
            if name not in ("packets", "bytes")}


@contextlib.contextmanager
def exact(modem: Modem, *sessions: int) -> Iterator[dict[int, Count]]:
    """After the block, links and modem agree on what passed during it, and no link has lost anything.

    What passed is put into the dictionary, by session.
    """
    links = {session: link_count(modem, session) for session in sessions}
    modems = {session: modem_count(modem, session) for session in sessions}
    clean = {session: faults(modem, session) for session in sessions}
    passed: dict[int, Count] = {}
    yield passed
    ours: dict[int, Count] = {}
    theirs: dict[int, Count] = {}

    def agree() -> bool:
        for session in sessions:
            ours[session] = link_count(modem, session) - links[session]
            theirs[session] = modem_count(modem, session) - modems[session]
        return ours == theirs

    # The last packets may still be on their way.
    with contextlib.suppress(GuestError):
        wait_until(agree, 10, "", interval=0.1)
    assert ours == theirs, "the link, and the modem"
    moved = {(session, name): value - clean[session][name] for session in sessions
             for name, value in faults(modem, session).items() if value != clean[session][name]}
    assert not moved
    passed.update(ours)
