# SPDX-License-Identifier: GPL-2.0
"""The modem puts the link to sleep whenever it is idle, and nothing is lost.

Implements the check of protocol.rst 6.2 to 6.4.
"""

from __future__ import annotations

import pytest
from iosmlib.bench import wait_until
from testlib.modem import Address, Modem

IDLE = ("--idle-sleep", "2")
CYCLES = 60

pytestmark = pytest.mark.emulator(options=IDLE)


def sleeps(modem: Modem) -> int:
    """How often the link has gone to sleep so far."""
    return int(modem.stats()["power"]["sleeps"])


def wait_asleep(modem: Modem) -> None:
    """Until the link sleeps."""
    wait_until(lambda: modem.stats()["power"]["state"] == "asleep", 10, "the link goes to sleep")


def test_ping_wakes_the_modem(modem: Modem, mux: str) -> None:
    """Uplink: each packet finds a link that sleeps, and comes through."""
    modem.up(0)
    before = sleeps(modem)
    modem.ping(Address(0).gateway4, [56] * CYCLES, interval=0.02)
    assert sleeps(modem) - before >= CYCLES // 2


def test_modem_wakes_the_host(modem: Modem, mux: str) -> None:
    """Downlink first: the modem wakes up by itself."""
    modem.up(0)
    before = sleeps(modem)
    modem.network_ping(Address(0).host4, [56] * CYCLES, interval=0.02)
    assert sleeps(modem) - before >= CYCLES // 2


def test_commands_wake_the_modem(modem: Modem) -> None:
    """Ports, too: each command finds a link that sleeps."""
    before = sleeps(modem)
    for _ in range(10):
        wait_asleep(modem)
        assert modem.call("ports", "at", "/dev/wwan0at1", ["AT", "AT+CGSN"], 10.0)[0] == "AT\r\r\nOK\r\n"
    assert sleeps(modem) - before >= 10


def test_links_open_while_asleep(modem: Modem, mux: str) -> None:
    """Opening and closing sessions wakes the modem."""
    for _ in range(5):
        wait_asleep(modem)
        modem.up(0, 6)
        wait_asleep(modem)
        modem.down(6, 0)


def test_nothing_is_lost_under_traffic(modem: Modem, mux: str) -> None:
    """Bursts with pauses around the idle time: sleep and traffic meet at every instant."""
    modem.up(0)
    before = sleeps(modem)
    address = Address(0)
    rounds = 10
    for turn in range(rounds):
        sizes = [1 + (turn * 97 + number * 31) % 1400 for number in range(40)]
        server = modem.serve("udp", "serve", address.gateway4, 7000, len(sizes), 10.0)
        result = modem.call("udp", "exchange", address.host4, address.gateway4, 7000, sizes, 1 + turn % 8, turn, 10.0)
        assert (result["lost"], result["bad"], result["good"]) == (None, [], len(sizes))
        assert server.result()["sha256"] == result["sha256"]
    assert sleeps(modem) - before >= rounds


def test_bulk_data(modem: Modem, mux: str) -> None:
    """A stream that never pauses for long is not disturbed."""
    modem.up(0)
    address = Address(0)
    size = 4 << 20
    server = modem.serve("tcp", "serve", address.gateway4, 7100, 1, size, 60.0)
    here = modem.call("tcp", "connect", address.host4, address.gateway4, 7100, 2, size, 60.0, timeout=90)
    there = server.result()
    assert here["bytes"] == there["bytes"] == size
    assert here["sent"] == there["received"]
    assert there["sent"] == here["received"]
