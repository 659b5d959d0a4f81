# SPDX-License-Identifier: GPL-2.0
"""UDP datagrams of every size, compared byte for byte on both sides, and counted exactly.

Implements the check of protocol.rst 5.4, 5.5, 5.7 and 8.4.
"""

from __future__ import annotations

import pytest
from testlib.modem import Address, Modem

HEADER = {4: 28, 6: 48}
TIMEOUT = 10.0
PORT = 7000


def difference(after: dict, before: dict, direction: str) -> dict[str, int]:
    """What a counter of ip -s link grew by."""
    return {name: after[direction][name] - before[direction][name] for name in after[direction]}


def exchange(modem: Modem, session: int, family: int, sizes: list[int], window: int) -> None:
    """Datagrams of these sizes up and their complements down; everything arrives, and the link counted just that."""
    host, gateway = Address(session).pair(family)
    name = f"wwan0-{session}" if session else "wwan0"
    server = modem.serve("udp", "serve", gateway, PORT, len(sizes), 30.0)
    before = modem.statistics(name)
    result = modem.call("udp", "exchange", host, gateway, PORT, sizes, window, 42, TIMEOUT, timeout=90)
    after = modem.statistics(name)
    assert (result["lost"], result["bad"], result["good"]) == (None, [], len(sizes))
    assert server.result() == {"received": len(sizes), "sha256": result["sha256"]}
    expected = {"packets": len(sizes), "bytes": sum(sizes) + HEADER[family] * len(sizes)}
    for direction in ("tx", "rx"):
        grown = difference(after, before, direction)
        assert {key: grown.pop(key) for key in expected} == expected, direction
        assert not any(grown.values()), f"{direction}: {grown}"


@pytest.mark.parametrize("family", (4, 6))
def test_every_size(modem: Modem, mux: str, family: int) -> None:
    """Payloads from one byte to the MTU, one after the other."""
    modem.up(0)
    exchange(modem, 0, family, list(range(1, 1500 - HEADER[family] + 1)), 8)


def test_bursts(modem: Modem, mux: str) -> None:
    """Many small datagrams at once: more than one block holds (Q39)."""
    modem.up(3)
    exchange(modem, 3, 4, [1 + number % 40 for number in range(6000)], 400)


def test_sizes_up_to_the_largest_mtu(modem: Modem, mux: str) -> None:
    """Payloads up to what one block of the format holds."""
    mtu = modem.link("wwan0")["max_mtu"]
    modem.up(0, mtu=mtu)
    largest = mtu - HEADER[4]
    sizes = list(range(1, largest, largest // 300)) + list(range(largest - 20, largest + 1))
    exchange(modem, 0, 4, sizes, 4)


def test_one_way(modem: Modem, mux: str) -> None:
    """Uplink only, as fast as the socket takes it: nothing is lost, and the order stays."""
    modem.up(0)
    address = Address(0)
    count = 5000
    server = modem.serve("udp", "collect", address.gateway4, PORT, count, 5.0)
    before = modem.statistics("wwan0")
    modem.call("udp", "send", address.host4, address.gateway4, PORT, 500, count)
    assert server.result() == {"received": count, "in_order": True, "distinct": count}
    grown = difference(modem.statistics("wwan0"), before, "tx")
    assert (grown["packets"], grown["bytes"], grown["dropped"]) == (count, count * (500 + HEADER[4]), 0)


def test_link_that_is_down_counts_nothing(modem: Modem) -> None:
    """Packets for a session that is not open do not arrive anywhere."""
    modem.up(0, 1)
    modem.down(1)
    before = modem.statistics("wwan0-1")
    modem.emulator.world(["ping", "-q", "-c", "2", "-i", "0.01", "-W", "1", Address(1).host4])
    modem.ping(Address(0).gateway4)
    assert modem.statistics("wwan0-1") == before
