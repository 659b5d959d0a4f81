# SPDX-License-Identifier: GPL-2.0
"""Packets of every length, both ways and compared byte by byte; packets that lie scattered in memory.

Implements the check of protocol.rst 5.4, 5.5.4, 5.5.5 and 5.7.
"""

from __future__ import annotations

import pytest
from testlib.accounting import exact
from testlib.modem import Address, Modem
from testlib.traffic import TIMEOUT, datagrams

HEADER = {4: 20, 6: 40}
UDP_HEADER = 8
ODD_PIECES = [[1, 1], [1, 2, 3], [7, 500, 1, 900], [63, 64, 65, 1], [1400, 1, 1], [3] * 300, [1, 1440], [1441, 1]]


def padding(*pads: int) -> list:
    """A parameter for each wish that the modem may have."""
    return [pytest.param(pad, marks=pytest.mark.emulator(options=("--ul-pad", str(pad)))) for pad in pads]


@pytest.mark.parametrize("family", (4, 6))
def test_every_length(modem: Modem, mux: str, family: int) -> None:
    """From a bare IP header to the MTU."""
    modem.up(0)
    host, gateway = Address(0).pair(family)
    sizes = list(range(1500 - HEADER[family] + 1))
    with exact(modem, 0) as passed:
        server = modem.serve("raw", "serve", gateway, len(sizes), TIMEOUT)
        result = modem.call("raw", "exchange", host, gateway, sizes, 16, family, TIMEOUT, timeout=TIMEOUT + 30)
        assert (result["good"], result["wrong"]) == (len(sizes), None)
        assert server.result() == {"sha256": result["sha256"]}
    expected = (len(sizes), sum(sizes) + HEADER[family] * len(sizes))
    assert (passed[0].tx, passed[0].rx) == (expected, expected)


@pytest.mark.parametrize("pad", padding(0, 3, 16, 17, 33, 256))
def test_head_padding(modem: Modem, mux: str, pad: int) -> None:
    """Whatever padding the modem wants in front of a packet: packets of all remainders go in behind it."""
    modem.up(0)
    datagrams(modem, 0, [*range(1, 70), *range(1400, 1473)], 8)


@pytest.mark.parametrize("features", ("sg on tx on", "sg off", "tx off"))
@pytest.mark.parametrize("family", (4, 6))
def test_pieces(modem: Modem, mux: str, family: int, features: str) -> None:
    """Datagrams that a program makes of many pieces, also of more than the MTU."""
    modem.up(0)
    modem.guest.run(["ethtool", "-K", "wwan0", *features.split()])
    host, gateway = Address(0).pair(family)
    plan = [*ODD_PIECES, *([size] * 3 for size in range(1, 470, 11)), [3001, 1, 2998], [1] * 50]
    server = modem.serve("udp", "serve", gateway, 7000, len(plan), TIMEOUT)
    assert modem.call("pieces", "datagrams", host, gateway, 7000, plan, 5, TIMEOUT, timeout=90) == {"good": len(plan)}
    assert server.result()["received"] == len(plan)
    modem.guest.run(["ethtool", "-K", "wwan0", "tx", "on", "sg", "on", "tso", "on"])
