# SPDX-License-Identifier: GPL-2.0
"""ip -s link is right to the packet and to the byte, and ethtool -S adds up to the same.

Implements the check of protocol.rst 8.4.
"""

from __future__ import annotations

import pytest
from iosmlib.bench import wait_until
from testlib.accounting import exact, link_count, modem_count
from testlib.modem import Address, Modem, link_name
from testlib.traffic import begin_datagrams, begin_segments, begin_stream, segments, stream

SIZE = 1 << 19
SESSIONS = (0, 1, 5, 7)
IPV4_UDP = 28
LEVEL = 20		# bytes of a queue level that is a transfer of its own


def test_mixed_traffic(modem: Modem, mux: str) -> None:
    """TCP, UDP, many datagrams at a time and pings on several links, both ways, with offloads and without."""
    modem.up(*SESSIONS)
    before = modem.driver_counters()
    pipes = modem.stats()["pipes"]
    with exact(modem, *SESSIONS) as passed:
        for words in ("tso on gso on", "tso off gso off"):
            for session in SESSIONS:
                modem.guest.run(["ethtool", "-K", link_name(session), *words.split()])
            ends = [begin_stream(modem, session, SIZE, family=4 + session % 2 * 2) for session in SESSIONS]
            ends += [begin_datagrams(modem, session, range(1, 600, 7), 5) for session in SESSIONS]
            ends += [begin_segments(modem, session, [(977, 40000)] * 3, port=7500) for session in (0, 7)]
            for session in SESSIONS:
                modem.ping(Address(session).gateway6, [0, 1000])
            for end in ends:
                end()
    grown = {key: value - before[key] for key, value in modem.driver_counters().items()}
    assert grown["ul_datagrams"] == sum(count.tx[0] for count in passed.values())
    assert grown["dl_datagrams"] == sum(count.rx[0] for count in passed.values())
    after = modem.stats()["pipes"]
    if mux == "lite":
        assert grown["ul_transfers"] == grown["ul_datagrams"]
    assert grown["ul_transfers"] + grown["ul_levels"] == after["0"]["tds"] - pipes["0"]["tds"]
    assert grown["ul_bytes"] + LEVEL * grown["ul_levels"] == after["0"]["bytes"] - pipes["0"]["bytes"]
    assert grown["dl_transfers"] == after["1"]["tds"] - pipes["1"]["tds"]
    assert grown["dl_bytes"] == after["1"]["bytes"] - pipes["1"]["bytes"]
    assert 0 < grown["ul_doorbells"] <= grown["ul_transfers"]
    assert not any(value for key, value in grown.items() if key.startswith("dl_bad_"))
    for name in ("replies_dropped", "late_answers", "timeouts", "dl_refill_failed", "dl_no_memory"):
        assert not grown[name], name


def test_super_packets_count_as_what_they_become(modem: Modem, mux: str) -> None:
    """A super-packet counts as its segments, with a header for each."""
    modem.up(0)
    with exact(modem, 0) as passed:
        segments(modem, 0, [(1000, 50000), (1, 33), (500, 501)])
    packets, payload = 50 + 33 + 2, 50000 + 33 + 501
    expected = (packets + 1, payload + 2 + IPV4_UDP * (packets + 1))
    assert (passed[0].tx, passed[0].rx) == (expected, expected)


@pytest.mark.parametrize("family", (4, 6))
def test_stream_counts(modem: Modem, mux: str, family: int) -> None:
    """The bytes of a stream, and of the headers of as many packets as were counted."""
    modem.up(3)
    with exact(modem, 3) as passed:
        stream(modem, 3, SIZE, family=family)
    packets, length = passed[3].tx
    header = 40 if family == 4 else 60
    # Options are between none and 40 bytes in each.
    assert SIZE + header * packets <= length <= SIZE + (header + 40) * packets + SIZE // 20


def test_link_that_goes_down(modem: Modem, mux: str) -> None:
    """What was counted as sent has been sent, also when a link goes down at any instant."""
    modem.up(0, 2)
    address = Address(2)
    modem.serve("udp", "ignore", address.gateway4, 7600)
    for turn in range(6):
        ours, theirs = link_count(modem, 2), modem_count(modem, 2)
        rain = modem.spawn("segments", "rain", address.host4, address.gateway4, 7600, 1000 + turn, 40)
        wait_until(lambda: modem_count(modem, 2).tx[0] > theirs.tx[0] + 50, 10, "packets are on their way")  # noqa: B023
        modem.down(2)
        rain.kill(9)
        rain.wait()
        # Packets that wait in the driver when their session is closed are drops, or they are sent before.
        assert (link_count(modem, 2) - ours).tx == (modem_count(modem, 2) - theirs).tx
        modem.up(2)
