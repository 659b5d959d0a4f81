# SPDX-License-Identifier: GPL-2.0
"""Flow control under load: a link that is stopped holds nobody else's data, and nothing is lost by any mechanism.

Implements the check of protocol.rst 5.8 (a) to (d).
"""

from __future__ import annotations

import pytest
from iosmlib.bench import wait_until
from testlib.accounting import exact
from testlib.modem import Address, Modem, link_name
from testlib.traffic import (
    begin_datagrams,
    begin_segments,
    begin_stream,
    datagrams,
    lift_queue_limits,
    segments,
    stream,
    upload,
)

STOPPED, MOVING = 1, 0
LOAD = 4 << 20
UL_PIPE = 0
THRESHOLD = 196608
BLOCK = 16384
PORT = 7300


def uplink(modem: Modem, session: int) -> int:
    """Packets of a session that came to the modem."""
    return int(modem.stats()["sessions"][session]["ul_packets"])


def flow(modem: Modem, word: str, session: int) -> None:
    """Stop or resume a session; returns when the driver has acknowledged it."""
    acks = int(modem.stats()["mux"]["acks"])
    modem.control(f"flow {word} {session}")
    wait_until(lambda: int(modem.stats()["mux"]["acks"]) > acks, 10, f"the driver acknowledges {word}")


def on_their_way(modem: Modem, *sessions: int) -> int:
    """Bytes that links have given and the modem has not taken."""
    files = [f"/sys/class/net/{link_name(session)}/queues/tx-0/byte_queue_limits/inflight" for session in sessions]
    return sum(int(word) for word in modem.guest.sh(f"cat {' '.join(files)}").out.split())


def begin_count(modem: Modem, session: int, size: int, count: int) -> tuple:
    """Begin to send numbered datagrams of a session: the receiver, and the sender."""
    address = Address(session)
    server = modem.serve("udp", "collect", address.gateway4, PORT + session, count, 20.0)
    return server, modem.begin("udp", "send", address.host4, address.gateway4, PORT + session, size, count)


def test_stop_under_load(modem: Modem, mux: str) -> None:
    """Both links stream; one is stopped in the middle of it, stays silent while the other goes on, and then goes on."""
    modem.up(MOVING, STOPPED)
    with exact(modem, MOVING, STOPPED):
        slow = begin_stream(modem, STOPPED, 2 * LOAD)
        wait_until(lambda: uplink(modem, STOPPED) > 200, 20, "the stream is on its way")
        flow(modem, "stop", STOPPED)
        before = uplink(modem, STOPPED)
        fast = begin_stream(modem, MOVING, LOAD, family=6)
        fast()
        stream(modem, MOVING, LOAD)
        assert uplink(modem, STOPPED) == before, "packets of a stopped session were sent"
        flow(modem, "resume", STOPPED)
        slow()


# On a machine that others slow down, the link waits for so long that the kernel warns of it.
@pytest.mark.alone
def test_all_but_one_are_stopped(modem: Modem, mux: str) -> None:
    """Links with packets that may not go around one that works as if it were alone."""
    sessions = (0, 3, 4, 7)
    moving = 4
    stopped = [session for session in sessions if session != moving]
    modem.up(*sessions)
    for session in stopped:
        flow(modem, "stop", session)
    with exact(modem, *sessions):
        before = [uplink(modem, session) for session in stopped]
        waiting = [begin_count(modem, session, 700, 150) for session in stopped]
        stream(modem, moving, LOAD)
        datagrams(modem, moving, [1 + number % 1400 for number in range(300)], 16)
        segments(modem, moving, [(1001, 30000)] * 10)
        assert [uplink(modem, session) for session in stopped] == before
        for session in reversed(stopped):
            flow(modem, "resume", session)
        for server, finish in waiting:
            assert finish() == {"sent": 150}
            assert server.result() == {"received": 150, "in_order": True, "distinct": 150}


def test_super_packet_meets_a_stop(modem: Modem, mux: str) -> None:
    """The modem stops and resumes at any segment of super-packets; each segment arrives once and in order."""
    modem.up(MOVING, STOPPED)
    with exact(modem, MOVING, STOPPED):
        for turn in range(5):
            finish = begin_segments(modem, STOPPED, [(500 + turn, 60000)] * 10)
            other = begin_datagrams(modem, MOVING, [300] * 50, 4, port=PORT + 50)
            for _ in range(3):
                flow(modem, "stop", STOPPED)
                flow(modem, "resume", STOPPED)
            finish()
            other()


@pytest.mark.parametrize("sessions", ((0,), (1, 3, 6)), ids=str)
def test_threshold(modem: Modem, mux: str, sessions: tuple[int, ...]) -> None:
    """A modem that takes nothing: links stop at 192 KiB, plus an open block, and go on when it takes; nothing is lost."""
    modem.up(*sessions)
    lift_queue_limits(modem, *sessions)
    for _ in range(2):
        with exact(modem, *sessions):
            modem.control(f"hold {UL_PIPE}")
            # The sockets and their queues hold what the driver does not take.
            waiting = [begin_count(modem, session, 1400, 140) for session in sessions]
            wait_until(lambda: on_their_way(modem, *sessions) > THRESHOLD - BLOCK, 10, "the links have given all they may")
            # One packet more for each link.
            assert on_their_way(modem, *sessions) <= THRESHOLD + BLOCK + 1500 * len(sessions)
            modem.control(f"release {UL_PIPE}")
            for server, finish in waiting:
                assert finish() == {"sent": 140}
                assert server.result() == {"received": 140, "in_order": True, "distinct": 140}


def test_hold_under_streams(modem: Modem, mux: str) -> None:
    """The modem pauses again and again while streams and super-packets of three links go up."""
    sessions = (0, 2, 5)
    modem.up(*sessions)
    with exact(modem, *sessions):
        ends = [begin_stream(modem, session, LOAD) for session in sessions]
        ends += [begin_segments(modem, 2, [(1300, 50000)] * 20)]
        # It outlasts the streams, so that something always wants to go on.
        modem.serve("udp", "ignore", Address(5).gateway4, PORT)
        rain = modem.spawn("segments", "rain", Address(5).host4, Address(5).gateway4, PORT, 900, 20)
        for _ in range(20):
            seen = sum(uplink(modem, session) for session in sessions)
            modem.control(f"hold {UL_PIPE}")
            modem.control(f"release {UL_PIPE}")
            wait_until(lambda seen=seen: sum(uplink(modem, session) for session in sessions) > seen, 10, "it goes on")  # type: ignore[misc]
        rain.kill(9)
        rain.wait()
        for end in ends:
            end()


@pytest.mark.emulator(mux="lite", options=("--credits", "6001"))
def test_credits_are_used_exactly(modem: Modem) -> None:
    """Packets that do not fit what is left wait for the next grant; super-packets are cut at the limit.

    One byte more than granted would be a violation.
    """
    modem.up(0, 3)
    with exact(modem, 0, 3):
        datagrams(modem, 0, [1 + number * 37 % 1472 for number in range(400)], 8)
        ends = [begin_segments(modem, 3, [(1000, 60000), (1, 60), (1471, 64000), (333, 21000)] * 4),
                begin_stream(modem, 0, LOAD // 2), begin_stream(modem, 3, LOAD // 2, family=6)]
        for end in ends:
            end()
        upload(modem, 0, "writes", 1 << 20)


@pytest.mark.emulator(mux="lite", options=("--credits", "6001"))
def test_credits_that_do_not_come(modem: Modem) -> None:
    """The modem takes nothing and grants nothing: a packet waits in the driver; then all go on, in order."""
    modem.up(0, 3)
    lift_queue_limits(modem, 3)
    held = modem.driver_counters()["ul_held"]
    with exact(modem, 0, 3):
        modem.control(f"hold {UL_PIPE}")
        server, finish = begin_count(modem, 3, 1400, 60)
        wait_until(lambda: modem.driver_counters()["ul_held"] > held, 10, "a packet waits for credits")
        modem.control("grant 3 101")
        modem.control(f"release {UL_PIPE}")
        assert finish() == {"sent": 60}
        assert server.result() == {"received": 60, "in_order": True, "distinct": 60}
        stream(modem, 0, LOAD // 4)
