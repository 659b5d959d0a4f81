# SPDX-License-Identifier: GPL-2.0
"""Tracepoints: what the driver says that it does is what the modem sees, event by event."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from iosmlib.bench import wait_until
from testlib.modem import Address, Modem
from testlib.traffic import datagrams

TRACING = "/sys/kernel/tracing"
SYSTEM = f"{TRACING}/events/iosm"
PCI = "0000:00:00.0"
EVENTS = {"iosm_state", "iosm_interrupt", "iosm_doorbell", "iosm_td_post", "iosm_td_done", "iosm_mux_command",
          "iosm_mux_transfer"}
LINE = re.compile(rf"\s(iosm_\w+): {PCI}:? ?(.*)$", re.M)


@pytest.fixture
def tracing(modem: Modem) -> Iterator[None]:
    """All events of the driver, in a buffer that holds a test."""
    modem.guest.sh(f"cd {TRACING} && echo 8192 > buffer_size_kb && echo > trace && echo 1 > {SYSTEM}/enable")
    yield
    modem.guest.sh(f"echo 0 > {SYSTEM}/enable; echo > {TRACING}/trace")


def read(modem: Modem) -> list[tuple[str, str]]:
    """Name and text of each event so far; none was lost."""
    lost = modem.guest.sh(f"cat {TRACING}/per_cpu/cpu*/stats").out
    assert not re.search(r"(overrun|dropped events): [1-9]", lost)
    text = modem.guest.sh(f"cat {TRACING}/trace > $IOSM_RUN/trace-of-guest")
    assert text.ok
    return LINE.findall((modem.bench.directory / "trace-of-guest").read_text(encoding="ascii"))


def snapshot(modem: Modem) -> dict[str, int]:
    """What the modem has counted of the same things."""
    stats = modem.stats()
    return {"doorbells": stats["db0"] + sum(stats["db1"]) + sum(stats["db2"]), "up": stats["pipes"]["0"]["tds"],
            "down": stats["pipes"]["1"]["tds"], "ul_packets": stats["sessions"][0]["ul_packets"],
            "dl_packets": stats["sessions"][0]["dl_packets"]}


def test_names(modem: Modem) -> None:
    """All are there, and each says in its format what it has."""
    there = modem.guest.sh(f"ls {SYSTEM}").out.split()
    assert not EVENTS.difference(there)
    for name in EVENTS:
        assert "print fmt" in modem.guest.read(f"{SYSTEM}/{name}/format")


def test_trace_agrees_with_the_modem(modem: Modem, mux: str, tracing: None) -> None:
    """Doorbells, TDs and datagrams under traffic, one by one."""
    modem.up(0)
    modem.ping(Address(0).gateway4, [56])
    modem.guest.sh(f"echo > {TRACING}/trace")
    before = snapshot(modem)
    datagrams(modem, 0, [1 + number % 1400 for number in range(400)], 20)

    def grown() -> dict[str, int]:
        return {key: value - before[key] for key, value in snapshot(modem).items()}

    def told() -> dict[str, int]:
        events = read(modem)
        counts = Counter(name for name, _ in events)
        done = Counter(text.split()[1] for name, text in events if name == "iosm_td_done")
        passed = Counter()
        for name, text in events:
            if name == "iosm_mux_transfer":
                direction, _, number, *_ = text.split()
                passed[direction] += int(number)
        return {"doorbells": counts["iosm_doorbell"], "up": done["0"], "down": done["1"], "ul_packets": passed["uplink"],
                "dl_packets": passed["downlink"]}

    wait_until(lambda: told() == grown(), 10, "the last completion is in the trace", interval=0.2)
    events = read(modem)
    assert {name for name, _ in events} == EVENTS - {"iosm_state", "iosm_mux_command"}
    assert grown()["ul_packets"] == grown()["dl_packets"] == 400
    assert all(text.endswith("error 0") for name, text in events if name == "iosm_td_done")


def test_commands(modem: Modem, mux: str, tracing: None) -> None:
    """Sessions that open and close, and flow control."""
    modem.up(0)
    acks = modem.stats()["mux"]["acks"]
    modem.control("flow stop 0")
    modem.control("flow resume 0")
    wait_until(lambda: modem.stats()["mux"]["acks"] == acks + 2, 10, "both are acknowledged")
    modem.down(0)
    commands = [text for name, text in read(modem) if name == "iosm_mux_command"]
    # From the modem: two answers and two commands.
    assert len(commands) == 4
    assert all(re.fullmatch(r"kind \d+ session 0 tid \d+", text) for text in commands)


def test_states(modem: Modem, tracing: None) -> None:
    """From unbinding to the modem being online again, each step as it is made."""
    modem.guest.sh(f"echo {PCI} > /sys/bus/pci/drivers/iosm/unbind")
    modem.wait_gone()
    modem.guest.sh(f"echo {PCI} > /sys/bus/pci/drivers/iosm/bind")
    modem.wait_ready()
    moves = [text.split(" -> ") for name, text in read(modem) if name == "iosm_state"]
    assert moves[-1][1].lower() == "online"
    # An unbroken chain, apart from the new beginning after the unbinding.
    breaks = [index for index in range(1, len(moves)) if moves[index][0] != moves[index - 1][1]]
    assert len(breaks) <= 1, moves
