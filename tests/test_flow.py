# SPDX-License-Identifier: GPL-2.0
"""Flow control: the modem stops one session and not the others; credits; link-quality reports.

Implements the check of protocol.rst 5.6.3, 5.6.4 and 5.8.
"""

from __future__ import annotations

import pytest
from iosmlib.bench import wait_until
from testlib.modem import Address, Modem

STOPPED, MOVING = 1, 0
COUNT = 1000
PORT = 7000


def uplink(modem: Modem, session: int) -> int:
    """Packets of a session that came to the modem."""
    return int(modem.stats()["sessions"][session]["ul_packets"])


def acknowledged(modem: Modem) -> int:
    """How many commands of the modem the driver has acknowledged."""
    return int(modem.stats()["mux"]["acks"])


# On a machine that others slow down, the link waits for so long that the kernel warns of it.
@pytest.mark.alone
def test_one_session_stops(modem: Modem, mux: str) -> None:
    """Stopped packets wait, the neighbour's do not; after the resume each one arrives, in order."""
    modem.up(MOVING, STOPPED)
    slow, fast = Address(STOPPED), Address(MOVING)
    modem.ping(slow.gateway4, [56])
    acks = acknowledged(modem)
    modem.control(f"flow stop {STOPPED}")
    wait_until(lambda: acknowledged(modem) > acks, 10, "the driver acknowledges the stop")
    before = uplink(modem, STOPPED)

    waiting = modem.serve("udp", "collect", slow.gateway4, PORT, 100, 20.0)
    modem.call("udp", "send", slow.host4, slow.gateway4, PORT, 200, 100)
    server = modem.serve("udp", "serve", fast.gateway4, PORT + 1, COUNT, 20.0)
    result = modem.call("udp", "exchange", fast.host4, fast.gateway4, PORT + 1, [1000] * COUNT, 32, 3, 10.0)
    assert (result["good"], result["lost"]) == (COUNT, None)
    assert server.result()["received"] == COUNT
    assert uplink(modem, STOPPED) == before, "packets of a stopped session were sent"

    modem.control(f"flow resume {STOPPED}")
    assert waiting.result() == {"received": 100, "in_order": True, "distinct": 100}
    modem.ping(slow.gateway4)


def test_downlink_of_a_stopped_session(modem: Modem, mux: str) -> None:
    """Only the uplink stops."""
    modem.up(MOVING, STOPPED)
    acks = acknowledged(modem)
    modem.control(f"flow stop {STOPPED}")
    wait_until(lambda: acknowledged(modem) > acks, 10, "the driver acknowledges the stop")
    address = Address(STOPPED)
    before = modem.statistics(f"wwan0-{STOPPED}")["rx"]["packets"]
    modem.emulator.world(["ping", "-q", "-c", "20", "-i", "0.01", "-W", "1", address.host4])
    assert modem.statistics(f"wwan0-{STOPPED}")["rx"]["packets"] - before == 20
    modem.control(f"flow resume {STOPPED}")
    modem.ping(address.gateway4)


def test_stop_and_resume_many_times(modem: Modem, mux: str) -> None:
    """A modem that cannot make up its mind; a stream goes on in between, and is complete."""
    modem.up(MOVING, STOPPED)
    address = Address(STOPPED)
    size = 4 << 20
    server = modem.serve("tcp", "serve", address.gateway4, 7100, 1, size, 60.0)
    stream = modem.begin("tcp", "connect", address.host4, address.gateway4, 7100, 2, size, 60.0, timeout=90)
    for _ in range(30):
        for word in ("stop", "resume"):
            acks = acknowledged(modem)
            modem.control(f"flow {word} {STOPPED}")
            wait_until(lambda acks=acks: acknowledged(modem) > acks, 10, f"{word} is acknowledged")  # type: ignore[misc]
    here, there = stream(), server.result()
    assert here["bytes"] == there["bytes"] == size
    assert here["sent"] == there["received"]
    assert there["sent"] == here["received"]


def test_link_goes_down_while_stopped(modem: Modem, mux: str) -> None:
    """A stop does not outlive its session."""
    modem.up(MOVING, STOPPED)
    modem.control(f"flow stop {STOPPED}")
    modem.call("udp", "send", Address(STOPPED).host4, Address(STOPPED).gateway4, PORT, 200, 50)
    modem.down(STOPPED)
    modem.up(STOPPED)
    modem.ping(Address(STOPPED).gateway4)


def test_link_quality_is_answered(modem: Modem, mux: str) -> None:
    """Each report is acknowledged, in both formats (Q44)."""
    modem.up(0)
    for _ in range(20):
        acks = acknowledged(modem)
        modem.control("lqr 0")
        wait_until(lambda acks=acks: acknowledged(modem) > acks, 10, "the report is answered")  # type: ignore[misc]
    modem.ping(Address(0).gateway4)


@pytest.mark.emulator(mux="lite", options=("--credits", "16384"))
@pytest.mark.parametrize("session", (0, 1))
def test_credits(modem: Modem, session: int) -> None:
    """The host sends no more than it was granted, and all of it in the end."""
    modem.up(0, 1)
    address = Address(session)
    server = modem.serve("udp", "collect", address.gateway4, PORT, 2000, 5.0)
    modem.call("udp", "send", address.host4, address.gateway4, PORT, 1000, 2000, timeout=20)
    assert server.result() == {"received": 2000, "in_order": True, "distinct": 2000}
    size = 4 << 20
    server = modem.serve("tcp", "serve", address.gateway4, 7100, 1, size, 60.0)
    here = modem.call("tcp", "connect", address.host4, address.gateway4, 7100, 2, size, 60.0, timeout=90)
    assert here["sent"] == server.result()["received"]


@pytest.mark.emulator(mux="aggr", options=("--credits", "16384"))
def test_aggregation_with_credits(modem: Modem) -> None:
    """A modem that announces credits and aggregates all the same (Q45)."""
    modem.up(0)
    size = 4 << 20
    server = modem.serve("tcp", "serve", Address(0).gateway4, 7100, 1, size, 60.0)
    here = modem.call("tcp", "connect", Address(0).host4, Address(0).gateway4, 7100, 2, size, 60.0, timeout=90)
    assert here["sent"] == server.result()["received"]
