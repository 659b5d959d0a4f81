# SPDX-License-Identifier: GPL-2.0
"""Echo requests of all sizes, both IP versions, one link and eight, both formats.

Implements the check of protocol.rst 5.4 to 5.7.
"""

from __future__ import annotations

import pytest
from testlib.modem import SESSIONS, Address, Modem

HEADER = {4: 28, 6: 48}
FAMILIES = (4, 6)


@pytest.mark.parametrize("family", FAMILIES)
def test_real_ping(modem: Modem, mux: str, family: int) -> None:
    """The program that everybody uses."""
    modem.up(0)
    done = modem.guest.run(["ping", "-n", "-q", "-i", "0.01", "-c", "5", "-w", "10", Address(0).pair(family)[1]])
    assert "5 received" in done.out


@pytest.mark.parametrize("family", FAMILIES)
def test_one_link(modem: Modem, mux: str, family: int) -> None:
    """Sizes around every rounding and up to the MTU."""
    modem.up(0)
    host, gateway = Address(0).pair(family)
    largest = 1500 - HEADER[family]
    modem.ping(gateway, [*range(70), 1000, *range(largest - 5, largest + 1)], source=host, whole=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_larger_than_the_mtu(modem: Modem, mux: str, family: int) -> None:
    """Fragments go and come in order."""
    modem.up(0)
    host, gateway = Address(0).pair(family)
    modem.ping(gateway, [8000, 20000, 60000], source=host)


@pytest.mark.parametrize("family", FAMILIES)
def test_largest_mtu(modem: Modem, mux: str, family: int) -> None:
    """Packets as large as one block holds."""
    mtu = modem.link("wwan0")["max_mtu"]
    assert mtu > 1500
    modem.up(0, mtu=mtu)
    host, gateway = Address(0).pair(family)
    largest = mtu - HEADER[family]
    modem.ping(gateway, [1500, *range(largest - 5, largest + 1)], source=host, whole=True)


def test_eight_links(modem: Modem, mux: str) -> None:
    """All sessions at once, each with its own network behind it."""
    modem.up(*SESSIONS)
    jobs = [modem.begin("icmp", "ping", *Address(session).pair(family), [400] * 50, 0.0, 5.0, True)
            for session in SESSIONS for family in FAMILIES]
    for job in jobs:
        assert job() == {"good": 50, "wrong": ""}


def test_between_sessions(modem: Modem, mux: str) -> None:
    """What is said on one link is not heard on another."""
    modem.up(0, 1)
    before = modem.statistics("wwan0-1")
    modem.ping(Address(0).gateway4, [100] * 20, source=Address(0).host4)
    assert modem.statistics("wwan0-1") == before


@pytest.mark.parametrize("family", FAMILIES)
def test_from_the_network(modem: Modem, mux: str, family: int) -> None:
    """Downlink first."""
    modem.up(5)
    modem.network_ping(Address(5).pair(family)[0], [777] * 20)
