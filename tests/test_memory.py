# SPDX-License-Identifier: GPL-2.0
"""Without memory the driver is degraded, never dead; with the memory, the packets come back.

Allocations that cannot wait are made to fail, in interrupts, too (failslab, fail_page_alloc); the kernel's own protocols
suffer from that as much as the driver does. Or each single allocation of a system call in turn (fail-nth).
Implements the check of protocol.rst 3.5.5 and 5.6.6.
"""

from __future__ import annotations

import pytest
from iosmlib.bench import wait_until
from testlib.accounting import exact, link_count, modem_count
from testlib.modem import Address, Modem, Server
from testlib.traffic import begin_stream

ALL = ("failslab", "fail_page_alloc")
PORT, RAIN = 7700, 7701
# Milliseconds. What is claimed is measured by the benchmarks; here the machine may be busy with something else.
SOON = 1000.0
FOR_WANT_OF_MEMORY = ("ENOMEM", "ENOBUFS")
# The kernel's own answer when it cannot copy the name of a device.
NO_NAME = "EINVAL"


def rain(modem: Modem) -> Server:
    """Datagrams that the network sends all the time to link 0; no program of the guest wants them."""
    modem.guest.sh("echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv4/icmp_msgs_per_sec || :")
    before = link_count(modem, 0).rx[0]
    server = modem.serve("segments", "rain", Address(0).gateway4, Address(0).host4, RAIN, 1300, 20)
    wait_until(lambda: link_count(modem, 0).rx[0] > before + 200, 10, "the rain has begun")
    return server


def all_is_well(modem: Modem, *sessions: int) -> None:
    """Links, ports and exact counting work."""
    for session in sessions:
        modem.ping(Address(session).gateway4, [56, 1400])
        modem.ping(Address(session).gateway6)
    with exact(modem, *sessions):
        for session in sessions:
            begin_stream(modem, session, 1 << 18)()
    assert modem.call("ports", "at", "/dev/wwan0at0", ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]


def test_no_memory_at_all(modem: Modem, mux: str) -> None:
    """Everything fails for a while under a rain of datagrams: each is received, or counted as dropped."""
    modem.up(0, 1)
    ours, theirs, lost = link_count(modem, 0), modem_count(modem, 0), modem.statistics("wwan0")["rx"]["dropped"]
    counted = modem.driver_counters()["dl_no_memory"]
    drops = rain(modem)
    for _ in range(3):
        assert modem.call("memory", "squeeze", "wwan0", ALL, 100, ["dl_no_memory"], 50, 20, 20.0) < SOON
    drops.stop()
    dropped = 0

    def complete() -> bool:
        nonlocal dropped
        dropped = modem.statistics("wwan0")["rx"]["dropped"] - lost
        return (link_count(modem, 0) - ours).rx[0] + dropped == (modem_count(modem, 0) - theirs).rx[0]

    wait_until(complete, 10, "all packets are counted")
    assert dropped == modem.driver_counters()["dl_no_memory"] - counted >= 150
    all_is_well(modem, 0, 1)


def test_empty_ring(modem: Modem, mux: str) -> None:
    """No pages, and what comes stays in a socket: no buffer can be replaced, until the modem has none left.

    In Lite, buffers are as small as what the packets' heads are made of, so these run out first.
    """
    modem.up(0, 1)
    smallest, counters = {"aggr": (1, ["dl_refill_failed"]), "lite": (0, ["dl_refill_failed", "dl_no_memory"])}[mux]
    before = sum(modem.driver_counters()[name] for name in counters)
    drops = rain(modem)
    assert modem.call("memory", "starve", "wwan0", Address(0).host4, RAIN, smallest, 20.0) < SOON
    drops.stop()
    assert sum(modem.driver_counters()[name] for name in counters) > before
    all_is_well(modem, 0, 1)


@pytest.mark.parametrize("segments", (1, 40))
def test_uplink_needs_no_memory(modem: Modem, mux: str, segments: int) -> None:
    """What a program sends arrives, super-packets too: all that the uplink needs is there before."""
    modem.up(0)
    address = Address(0)
    # The stack needs to know the way.
    modem.ping(address.gateway4)
    collector = modem.serve("udp", "collect", address.gateway4, PORT, 3000, 5.0)
    assert modem.call("memory", "send", address.host4, address.gateway4, PORT, 700, segments, 3000) == {"sent": 3000}
    assert collector.result() == {"received": 3000, "in_order": True, "distinct": 3000}


def test_some_memory(modem: Modem, mux: str) -> None:
    """Some allocations fail while streams go both ways on two links; all of them arrive, and are what was sent."""
    modem.up(0, 3)
    drops = rain(modem)
    ends = [begin_stream(modem, session, 2 << 20, family=family) for session, family in ((0, 4), (3, 6))]
    modem.call("memory", "squeeze", "wwan0", ALL, 10, ["dl_no_memory", "dl_refill_failed"], 20, 0, 20.0)
    drops.stop()
    for end in ends:
        end()
    all_is_well(modem, 0, 3)


def test_link_up(modem: Modem, mux: str) -> None:
    """Each allocation of bringing the first link up fails once: the link stays down, and the next try is as good as new."""
    found = modem.call("memory", "bring_up", "wwan0", 2000, timeout=120)
    assert found["last"] == "success"
    assert not found["ends"].keys() - {"success", *FOR_WANT_OF_MEMORY}
    # The channel alone has a pool, two rings, buffers and requests.
    assert found["ends"]["ENOMEM"] > 10
    # Where the kernel found no memory for a queue in front of the link, the link has none as long as it lives.
    modem.guest.run(["ip", "link", "del", "wwan0"])
    modem.up(0)
    all_is_well(modem, 0)


def test_link_is_made(modem: Modem) -> None:
    """Each allocation of making a link fails once, and leaves nothing behind."""
    found = modem.call("memory", "create", "wwan0-5", 5, 2000, timeout=120)
    assert found["last"] == "success"
    assert not found["ends"].keys() - {"success", *FOR_WANT_OF_MEMORY, NO_NAME}
    assert found["ends"].get(NO_NAME, 0) <= 1
    assert found["ends"]["ENOMEM"] > 3
    modem.up(5)
    all_is_well(modem, 5)
