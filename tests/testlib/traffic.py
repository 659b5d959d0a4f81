# SPDX-License-Identifier: GPL-2.0
"""Traffic whose content is compared at both ends, in the words of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .modem import Address, Modem, link_name

TCP_PORT, UDP_PORT = 7100, 7000
TIMEOUT = 60.0


def lift_queue_limits(modem: Modem, *sessions: int) -> None:
    """Byte queue limits would stop a link before anything else does; they change with the next completion."""
    for session in sessions:
        modem.guest.sh(f"echo 1000000 > /sys/class/net/{link_name(session)}/queues/tx-0/byte_queue_limits/limit_min")
        modem.ping(Address(session).gateway4)


def begin_stream(modem: Modem, session: int, size: int, *, family: int = 4, port: int = TCP_PORT, which: int = 0,
                 namespace: str = "") -> Callable[[], None]:
    """Begin a TCP stream each way at once; what is returned waits for the end and compares.

    The second modem (which=1) has the same addresses, so its link is in a namespace of its own.
    """
    host, gateway = Address(session).pair(family)
    server = modem.serve("tcp", "serve", gateway, port, 2 * port + session, size, TIMEOUT, which=which)
    finish = modem.begin("tcp", "connect", host, gateway, port, 3 * port + session, size, TIMEOUT, timeout=TIMEOUT + 30,
                         namespace=namespace)

    def end() -> None:
        here, there = finish(), server.result()
        assert here["bytes"] == there["bytes"] == size
        assert here["sent"] == there["received"]
        assert there["sent"] == here["received"]

    return end


def stream(modem: Modem, session: int, size: int, *, family: int = 4, port: int = TCP_PORT) -> None:
    """A TCP stream each way at once."""
    begin_stream(modem, session, size, family=family, port=port)()


def upload(modem: Modem, session: int, how: str, size: int, *, family: int = 4) -> None:
    """A TCP stream up that is handed to the kernel in one of the ways of tests/peer/pieces.py."""
    host, gateway = Address(session).pair(family)
    server = modem.serve("tcp", "serve", gateway, TCP_PORT, 1, 0, TIMEOUT)
    here = modem.call("pieces", "stream", host, gateway, TCP_PORT, how, 7, size, TIMEOUT, timeout=TIMEOUT + 30)
    there = server.result()
    assert there["bytes"] == here["bytes"]
    assert there["received"] == here["sent"], how


def begin_datagrams(modem: Modem, session: int, sizes: Sequence[int], window: int, *, family: int = 4,
                    port: int = UDP_PORT) -> Callable[[], None]:
    """Begin to exchange UDP datagrams of these sizes, a window at a time; none may get lost."""
    host, gateway = Address(session).pair(family)
    server = modem.serve("udp", "serve", gateway, port, len(sizes), TIMEOUT)
    finish = modem.begin("udp", "exchange", host, gateway, port, list(sizes), window, session, TIMEOUT, timeout=TIMEOUT + 30)

    def end() -> None:
        result = finish()
        assert (result["lost"], result["bad"], result["good"]) == (None, [], len(sizes))
        assert server.result() == {"received": len(sizes), "sha256": result["sha256"]}

    return end


def datagrams(modem: Modem, session: int, sizes: Sequence[int], window: int, *, family: int = 4, port: int = UDP_PORT) -> None:
    """Exchange UDP datagrams of these sizes, a window at a time; none may get lost."""
    begin_datagrams(modem, session, sizes, window, family=family, port=port)()


def begin_segments(modem: Modem, session: int, plan: Sequence[tuple[int, int]], *, family: int = 4,
                   port: int = UDP_PORT) -> Callable[[], None]:
    """Begin to exchange UDP datagrams that are sent many at a time: pairs of segment size and length."""
    host, gateway = Address(session).pair(family)
    server = modem.serve("segments", "serve", gateway, port, plan, TIMEOUT)
    finish = modem.begin("segments", "exchange", host, gateway, port, plan, session, TIMEOUT, timeout=TIMEOUT + 30)

    def end() -> None:
        result = finish()
        assert result["good"] == len(plan), f"segments of {plan[result['good']]}"
        assert server.result() == {"sha256": result["sha256"]}

    return end


def segments(modem: Modem, session: int, plan: Sequence[tuple[int, int]], *, family: int = 4, port: int = UDP_PORT) -> None:
    """Exchange UDP datagrams that are sent many at a time."""
    begin_segments(modem, session, plan, family=family, port=port)()
