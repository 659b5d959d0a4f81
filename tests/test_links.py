# SPDX-License-Identifier: GPL-2.0
"""Links: made, removed, refused, moved; any subset of the eight sessions.

Implements the check of protocol.rst 5.6.7, 8.2, 8.4 and the limits of 5.4 and 5.5.4.
"""

from __future__ import annotations

import pytest
from testlib.modem import SESSIONS, Address, Modem, link_name

LARGEST_MTU = {"lite": 2032, "aggr": 16308}


def test_all_ids(modem: Modem, mux: str) -> None:
    """Each id can be made, is refused while it exists, can be removed, and made again."""
    for session in SESSIONS:
        if session:
            assert modem.call("links", "add", link_name(session), "wwan0", session) == {"error": "", "text": ""}
    for session in SESSIONS:
        refused = modem.call("links", "add", "again", "wwan0", session)
        assert refused["error"] == "EBUSY"
    found = modem.guest.sh("cd /sys/class/net && ls -d wwan0*").out.split()
    assert sorted(found) == sorted(link_name(session) for session in SESSIONS)
    for session in SESSIONS:
        modem.guest.run(["ip", "link", "del", link_name(session)])
    assert modem.guest.sh("ls -d /sys/class/net/wwan* 2>/dev/null", check=False).out == ""
    assert modem.call("links", "add", "wwan0", "wwan0", 0)["error"] == ""


@pytest.mark.parametrize("link_id", (8, 9, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff))
def test_wrong_ids(modem: Modem, link_id: int) -> None:
    """An id that no session has is refused, with a reason in words."""
    refused = modem.call("links", "add", "wrong", "wwan0", link_id)
    assert refused["error"] == "EINVAL"
    assert refused["text"]
    assert not modem.guest.exists("/sys/class/net/wrong")


def test_busy_id_has_a_reason(modem: Modem) -> None:
    """A second link for a session is refused, with a reason in words."""
    refused = modem.call("links", "add", "second", "wwan0", 0)
    assert refused["error"] == "EBUSY"
    assert refused["text"]


def test_unknown_parent(modem: Modem) -> None:
    """A modem that is not there has no links."""
    assert modem.call("links", "add", "orphan", "wwan9", 1)["error"] == "ENODEV"


@pytest.mark.parametrize("sessions", ((0,), (7,), (2, 5), (1, 3, 4, 6)), ids=str)
def test_any_subset(modem: Modem, mux: str, sessions: tuple[int, ...]) -> None:
    """Traffic on just these links; the others are down or do not exist (Q37, Q38)."""
    if 0 not in sessions:
        modem.guest.run(["ip", "link", "del", "wwan0"])
    modem.up(*sessions)
    for session in sessions:
        modem.ping(Address(session).gateway4, [1000] * 5)
        modem.ping(Address(session).gateway6)


def test_up_and_down(modem: Modem, mux: str) -> None:
    """The channel opens with the first session and closes with the last; again and again, in any order."""
    first, second = Address(0), Address(1)
    for _ in range(5):
        modem.up(0)
        modem.ping(first.gateway4, [56])
        modem.up(1)
        modem.down(0)
        modem.ping(second.gateway4, [56])
        modem.down(1)


def test_delete_while_up(modem: Modem, mux: str) -> None:
    """A link is removed in the middle of its traffic; its neighbour does not notice."""
    modem.up(0, 3)
    flood = modem.guest.spawn(["ping", "-q", "-n", "-i", "0.002", "-s", "1400", Address(3).gateway4])
    modem.jobs.append(flood)
    other = modem.begin("icmp", "ping", "", Address(0).gateway4, [700] * 500, 0.0, 5.0, False)
    modem.guest.wait_for('[ "$(cat /sys/class/net/wwan0-3/statistics/rx_packets)" -gt 200 ]', what="traffic on session 3")
    modem.guest.run(["ip", "link", "del", "wwan0-3"])
    assert other() == {"good": 500, "wrong": ""}
    modem.up(3)
    modem.ping(Address(3).gateway4)


def test_mtu_limits(modem: Modem, mux: str) -> None:
    """The MTU may be anything that fits into one block of the modem's format, and nothing else (Q40)."""
    modem.up(0)
    link = modem.link("wwan0")
    assert (link["min_mtu"], link["max_mtu"]) == (68, LARGEST_MTU[mux])
    for mtu, accepted in ((67, False), (68, True), (1500, True), (link["max_mtu"], True), (link["max_mtu"] + 1, False),
                          (65535, False)):
        done = modem.guest.run(["ip", "link", "set", "wwan0", "mtu", str(mtu)], check=False)
        assert done.ok == accepted, f"MTU {mtu}: {done.err}"


def test_network_namespace(modem: Modem, mux: str) -> None:
    """A link works in another network namespace, and its session is free again when that is gone."""
    address = Address(1)
    modem.link_add(1)
    modem.guest.sh("set -e\nip netns add apart\nip link set wwan0-1 netns apart\n"
                   f"ip -n apart addr add {address.host4}/24 dev wwan0-1\n"
                   f"ip -n apart -6 addr add {address.host6}/64 dev wwan0-1 nodad\n"
                   "ip -n apart link set wwan0-1 up")
    modem.up(0)
    modem.ping(address.gateway4, namespace="apart")
    modem.ping(address.gateway6, namespace="apart")
    modem.ping(Address(0).gateway4)
    assert modem.call("links", "add", "taken", "wwan0", 1)["error"] == "EBUSY"
    modem.guest.run(["ip", "netns", "del", "apart"])
    # The kernel takes a namespace apart in the background.
    modem.guest.wait_for("ip link add dev wwan0-1 parentdev wwan0 type wwan linkid 1 2>/dev/null",
                         what="session 1 is free again")
    modem.up(1)
    modem.ping(address.gateway4)


def test_moved_link_comes_back(modem: Modem) -> None:
    """There and back, up at both ends of the journey."""
    modem.up(2)
    modem.guest.sh("set -e\nip netns add apart\nip link set wwan0-2 netns apart\nip -n apart link set wwan0-2 up\n"
                   "ip -n apart link set wwan0-2 netns 1")
    modem.up(2)
    modem.ping(Address(2).gateway4)
