# SPDX-License-Identifier: GPL-2.0
"""TCP through the kernel's own stack on both sides: iperf3, and streams that are compared.

Implements the check of protocol.rst 5.4, 5.5 and 5.8.
"""

from __future__ import annotations

import json

import pytest
from testlib.modem import Address, Modem

PORT = 5201
BYTES = 16 << 20
# A path that loses nothing needs almost none; the network's send queue may overflow now and then.
MOST_RETRANSMITS = 0.05
SEGMENT = 1448
# iperf3 stops counting when the sender has written all, not when it has arrived.
IN_FLIGHT = 4 << 20


def iperf3(modem: Modem, session: int, family: int, *arguments: str) -> dict:
    """A run of iperf3 against a server in the modem's network."""
    host, gateway = Address(session).pair(family)
    server = modem.serve_program("iperf3", "-s", "-1", "-p", str(PORT), "-B", gateway, "--forceflush", marker="listening")
    done = modem.guest.run(["iperf3", "-c", gateway, "-B", host, "-p", str(PORT), "-n", str(BYTES), "--connect-timeout", "5000",
                            "-J", *arguments], timeout=90, check=False)
    assert done.ok, (done.out or done.err)[-400:]
    server.process.wait(20)
    return dict(json.loads(done.out)["end"])


@pytest.mark.parametrize("direction", ("up", "down"))
@pytest.mark.parametrize("family", (4, 6))
def test_iperf3(modem: Modem, mux: str, direction: str, family: int) -> None:
    """So many bytes arrive, and hardly any had to be sent twice."""
    modem.up(0)
    before = modem.statistics("wwan0")
    end = iperf3(modem, 0, family, *(["-R"] if direction == "down" else []))
    after = modem.statistics("wwan0")
    assert end["sum_sent"]["bytes"] >= BYTES
    assert end["sum_received"]["bytes"] >= BYTES - IN_FLIGHT
    assert end["sum_sent"]["retransmits"] <= MOST_RETRANSMITS * BYTES / SEGMENT
    counter = "tx" if direction == "up" else "rx"
    assert after[counter]["bytes"] - before[counter]["bytes"] >= BYTES - IN_FLIGHT
    assert after["tx"]["errors"] == after["rx"]["errors"] == 0


def test_parallel_streams(modem: Modem, mux: str) -> None:
    """Several streams on one link."""
    modem.up(0)
    end = iperf3(modem, 0, 4, "-P", "4")
    assert end["sum_received"]["bytes"] >= BYTES - 4 * IN_FLIGHT
    assert len(end["streams"]) == 4


@pytest.mark.parametrize("family", (4, 6))
def test_content(modem: Modem, mux: str, family: int) -> None:
    """A stream each way at the same time; both sides agree on every byte."""
    modem.up(0)
    host, gateway = Address(0).pair(family)
    size = 8 << 20
    server = modem.serve("tcp", "serve", gateway, 7100, 11, size, 60.0)
    here = modem.call("tcp", "connect", host, gateway, 7100, 22, size, 60.0, timeout=90)
    there = server.result()
    assert here["bytes"] == there["bytes"] == size
    assert here["sent"] == there["received"]
    assert there["sent"] == here["received"]


def test_four_links_at_once(modem: Modem, mux: str) -> None:
    """Streams on several links share the pipe; none is starved, none is mixed up."""
    sessions = (0, 2, 5, 7)
    modem.up(*sessions)
    size = 2 << 20
    servers = [modem.serve("tcp", "serve", Address(session).gateway4, 7200, session, size, 60.0) for session in sessions]
    ours = [modem.begin("tcp", "connect", Address(session).host4, Address(session).gateway4, 7200, 100 + session, size, 60.0,
                        timeout=90) for session in sessions]
    for finish, server in zip(ours, servers, strict=True):
        here, there = finish(), server.result()
        assert here["bytes"] == there["bytes"] == size
        assert here["sent"] == there["received"]
        assert there["sent"] == here["received"]


def test_small_datagrams_between_segments(modem: Modem, mux: str) -> None:
    """A stream down whose segments share blocks with small datagrams; each pays for the memory that it holds."""
    modem.up(0, 1)
    host, gateway = Address(0).host4, Address(0).gateway4
    modem.spawn("udp", "ignore", Address(1).host4, 7300)
    small = modem.serve("segments", "rain", Address(1).gateway4, Address(1).host4, 7300, 300, 50)
    size = 16 << 20
    server = modem.serve("tcp", "serve", gateway, 7100, 5, size, 60.0)
    here = modem.call("tcp", "connect", host, gateway, 7100, 6, 1000, 60.0, timeout=90)
    small.stop()
    assert here["bytes"] == size
    assert server.result()["sent"] == here["received"]
