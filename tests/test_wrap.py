# SPDX-License-Identifier: GPL-2.0
"""Numbers that begin at zero again: ring indices in both directions, and the sequence number of blocks.

Implements the check of protocol.rst 3.5.1, 5.5.1 and 5.4.
"""

from __future__ import annotations

import pytest
from testlib.accounting import exact
from testlib.modem import Address, Modem
from testlib.traffic import datagrams

SEQUENCE = 1 << 16
# No ring of the variant has more entries.
RING = {"lite": 512, "aggr": 64}
TURNS = 20
PORT = 7400


def tds(modem: Modem, pipe: int) -> int:
    """TDs that the modem has completed on a pipe."""
    return int(modem.stats()["pipes"][str(pipe)]["tds"])


def test_rings(modem: Modem, mux: str) -> None:
    """Many times around both rings with datagrams of a few bytes, each of which comes back as it should."""
    modem.up(0)
    with exact(modem, 0):
        while min(tds(modem, 0), tds(modem, 1)) < TURNS * RING[mux]:
            # As few in one block as possible, and as many as fit.
            datagrams(modem, 0, [1 + number % 90 for number in range(300)], 1)
            datagrams(modem, 0, [1 + number % 90 for number in range(3000)], 200)


def test_odd_bursts(modem: Modem, mux: str) -> None:
    """Bursts that are no divisor of any ring, so that each begins at another place."""
    modem.up(0, 6)
    with exact(modem, 0, 6):
        for window in (7, 31, 33, 61, 129):
            for session in (0, 6):
                datagrams(modem, session, [1 + number % 200 for number in range(window * 5)], window)


@pytest.mark.emulator(mux="aggr")
def test_block_sequence(modem: Modem) -> None:
    """More than 65536 blocks; the modem checks the number of each. One packet fills more than half of a block."""
    modem.up(0, mtu=modem.link("wwan0")["max_mtu"])
    address = Address(0)
    size, count = 8200, SEQUENCE + 1000
    before = modem.stats()["mux"]["ul_blocks"]
    # Nobody reads: there is no answer to a datagram that finds no room.
    modem.serve("udp", "ignore", address.gateway4, PORT)
    with exact(modem, 0) as passed:
        result = modem.call("udp", "send", address.host4, address.gateway4, PORT, size, count, timeout=120)
        assert result == {"sent": count}
    assert passed[0].tx == (count, count * (size + 28))
    assert modem.stats()["mux"]["ul_blocks"] - before == count
    datagrams(modem, 0, [8200] * 100, 8)
