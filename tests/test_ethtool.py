# SPDX-License-Identifier: GPL-2.0
"""ethtool: who drives the link, its own counters, coalescing, rings.

Implements the check of protocol.rst 3.5.6 and 8.4.
"""

from __future__ import annotations

import re

import pytest
from iosmlib.bench import Result, wait_until
from testlib.modem import Address, Modem
from testlib.traffic import datagrams, segments, stream

COUNTERS = {
    "ul_transfers", "ul_datagrams", "ul_bytes", "ul_doorbells", "ul_nudges", "ul_levels", "ul_held", "ul_congested",
    "flow_stops", "flow_resumes", "replies_dropped", "late_answers", "timeouts",
    "dl_transfers", "dl_datagrams", "dl_bytes", "dl_doorbells", "dl_copied", "dl_refill_failed", "dl_bad_td", "dl_bad_ip",
    "dl_no_memory",
}
MOST_USECS = 100000


def ethtool(modem: Modem, *arguments: str, check: bool = True) -> Result:
    """A command that has to succeed."""
    return modem.guest.run(["ethtool", *arguments], check=check)


def table(text: str) -> dict[str, str]:
    """Names and values; the last of a name counts."""
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def coalescing(modem: Modem, name: str = "wwan0") -> dict[str, int]:
    """All of ethtool -c that this driver has."""
    return {key: int(value) for key, value in table(ethtool(modem, "-c", name).out).items() if value.isdigit()}


def test_driver(modem: Modem) -> None:
    """ethtool -i"""
    found = table(ethtool(modem, "-i", "wwan0").out)
    assert found["driver"] == "iosm"
    assert found["bus-info"] == "0000:00:00.0"
    assert found["supports-statistics"] == "yes"
    assert re.fullmatch(r"ipc 0x[0-9a-f]+", found["firmware-version"])


def test_link(modem: Modem) -> None:
    """There is a link while the session is open."""
    modem.link_add(1)
    assert table(ethtool(modem, "wwan0-1").out)["Link detected"] == "no"
    modem.up(1)
    assert table(ethtool(modem, "wwan0-1").out)["Link detected"] == "yes"


def test_counters_are_plausible(modem: Modem, mux: str) -> None:
    """Each counter moves for its own reason: blocks, datagrams, bytes, doorbells; and for no other."""
    modem.up(0)
    before = modem.driver_counters()
    assert set(before) >= COUNTERS
    assert all(name.startswith("dl_bad_") for name in set(before) - COUNTERS)
    # What ip -s link shows is not repeated.
    assert not set(before) & {"rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped"}
    bells = modem.stats()["db0"]
    datagrams(modem, 0, [10] * 100, 1)
    datagrams(modem, 0, [1400] * 600, 60)
    grown = {key: value - before[key] for key, value in modem.driver_counters().items()}
    assert grown["ul_datagrams"] == grown["dl_datagrams"] == 700
    # The first hundred went alone, the others may have gone together.
    assert 100 < grown["ul_transfers"] <= 700
    assert 100 < grown["dl_transfers"] <= 700
    assert grown["ul_bytes"] > 100 * 38 + 600 * 1428
    assert 100 <= grown["ul_doorbells"] <= grown["ul_transfers"]
    assert 100 <= grown["dl_copied"] <= 700
    assert grown["ul_doorbells"] + grown["dl_doorbells"] <= modem.stats()["db0"] - bells
    quiet = set(grown) - {"ul_transfers", "ul_datagrams", "ul_bytes", "ul_doorbells", "ul_levels", "ul_held", "ul_congested",
                          "dl_transfers", "dl_datagrams", "dl_bytes", "dl_doorbells", "dl_copied"}
    assert {name: grown[name] for name in quiet} == dict.fromkeys(quiet, 0)


def test_flow_counters(modem: Modem, mux: str) -> None:
    """Stops and resumes are counted one by one."""
    modem.up(0, 1)
    before = modem.driver_counters()
    for word, times in (("stop", 3), ("resume", 2)):
        for _ in range(times):
            acks = modem.stats()["mux"]["acks"]
            modem.control(f"flow {word} 1")
            wait_until(lambda: modem.stats()["mux"]["acks"] > acks, 10, f"{word} is acknowledged")  # noqa: B023
    after = modem.driver_counters()
    assert (after["flow_stops"] - before["flow_stops"], after["flow_resumes"] - before["flow_resumes"]) == (3, 2)


def test_rings(modem: Modem, mux: str) -> None:
    """ethtool -g tells the sizes, which cannot be changed."""
    found = [line.split() for line in ethtool(modem, "-g", "wwan0").out.splitlines() if re.match(r"[RT]X:", line)]
    sizes = [(name, int(value)) for name, value in found if value.isdigit()]
    assert [name for name, _ in sizes] == ["RX:", "TX:", "RX:", "TX:"]
    most, current = sizes[:2], sizes[2:]
    assert most == current
    assert all(value >= 16 for _, value in current)
    for name in ("rx", "tx"):
        assert not ethtool(modem, "-G", "wwan0", name, "64", check=False).ok


def test_batch(modem: Modem, mux: str) -> None:
    """How many packets are a batch can be changed at any time, also under load, and for all links at once."""
    modem.up(0, 1)
    usual = coalescing(modem)["tx-frames"]
    assert 1 <= usual <= 256
    try:
        for frames in (1, 2, 255, 256):
            ethtool(modem, "-C", "wwan0-1", "tx-frames", str(frames))
            assert coalescing(modem)["tx-frames"] == frames
            stream(modem, 0, 1 << 19)
            segments(modem, 1, [(800, 40000)] * 4)
            datagrams(modem, 0, [100] * 200, 40)
        for frames in (0, 257, 0xffffffff):
            refused = ethtool(modem, "-C", "wwan0", "tx-frames", str(frames), check=False)
            assert not refused.ok
            assert "1 to 256" in refused.err
        assert coalescing(modem)["tx-frames"] == 256
    finally:
        ethtool(modem, "-C", "wwan0", "tx-frames", str(usual))


def test_backoff(modem: Modem, mux: str) -> None:
    """How long the modem may collect completions is said when the channel opens, so it is fixed while a link is up."""
    usual = coalescing(modem)
    modem.up(0)
    for word in ("rx-usecs", "tx-usecs"):
        refused = ethtool(modem, "-C", "wwan0", word, str(usual[word] + 1), check=False)
        assert not refused.ok
        assert "links" in refused.err and "down" in refused.err
    assert coalescing(modem) == usual
    modem.down(0)
    try:
        for values in ((0, 0), (1, 3), (2000, 500), (MOST_USECS, MOST_USECS)):
            ethtool(modem, "-C", "wwan0", "rx-usecs", str(values[0]), "tx-usecs", str(values[1]))
            found = coalescing(modem)
            assert (found["rx-usecs"], found["tx-usecs"]) == values
            modem.up(0)
            modem.ping(Address(0).gateway4, [56] * 5)
            modem.down(0)
        refused = ethtool(modem, "-C", "wwan0", "rx-usecs", str(MOST_USECS + 1), check=False)
        assert not refused.ok
        assert str(MOST_USECS) in refused.err
    finally:
        ethtool(modem, "-C", "wwan0", "rx-usecs", str(usual["rx-usecs"]), "tx-usecs", str(usual["tx-usecs"]))


@pytest.mark.parametrize("word", ("rx-frames", "stats-block-usecs", "adaptive-rx"))
def test_unknown_coalescing(modem: Modem, word: str) -> None:
    """What this driver does not have is refused."""
    assert not ethtool(modem, "-C", "wwan0", word, "on" if word == "adaptive-rx" else "5", check=False).ok
