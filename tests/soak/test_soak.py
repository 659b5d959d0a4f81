# SPDX-License-Identifier: GPL-2.0
"""Everything at once for a long time: all kinds of traffic on changing links, stops, pauses, sleep, settings.

Content is compared, packets are counted exactly, and in the end no page is left in a pool and, in a kernel with
kmemleak, no object is lost. A part of a minute for each variant by default; "make soak" runs it for long, with all
checkers. What happens depends on the seed alone, apart from time.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest
from iosmlib.bench import wait_until
from testlib import pools
from testlib.accounting import exact
from testlib.modem import SESSIONS, Address, Modem, link_name
from testlib.traffic import begin_datagrams, begin_segments, begin_stream

SECONDS = float(os.environ.get("IOSM_SOAK_SECONDS") or 12)
SEED = int(os.environ.get("IOSM_SOAK_SEED") or 1)
UL_PIPE = 0
# Nothing that a good modem and enough memory make happen.
NEVER = ("replies_dropped", "late_answers", "timeouts", "dl_refill_failed", "dl_no_memory", "dl_bad_ip", "dl_bad_td")

pytestmark = [pytest.mark.emulator(options=("--idle-sleep", "3"), fresh=True), pytest.mark.alone]


class Soak:
    """One run."""

    def __init__(self, modem: Modem, mux: str) -> None:
        self.modem = modem
        self.dice = random.Random(f"{SEED} {mux}")
        # The checkers take their time.
        self.scale = 1 if modem.kit.kernel.flavour == "plain" else 8
        self.up: set[int] = set()

    # -- traffic -------------------------------------------------------------------------

    def stream(self, session: int, port: int) -> Callable[[], object]:
        """TCP both ways."""
        return begin_stream(self.modem, session, self.dice.randrange(1 << 10, 8 << 20) // self.scale,
                            family=self.dice.choice((4, 6)), port=port)

    def datagrams(self, session: int, port: int) -> Callable[[], object]:
        """UDP both ways, a window at a time."""
        sizes = [self.dice.randrange(1, 1453) for _ in range(self.dice.randrange(50, 2000) // self.scale)]
        return begin_datagrams(self.modem, session, sizes, self.dice.choice((1, 3, 16, 100)), family=self.dice.choice((4, 6)),
                               port=port)

    def segments(self, session: int, port: int) -> Callable[[], object]:
        """UDP, many datagrams in one call."""
        plan = []
        for _ in range(self.dice.randrange(4, 60) // self.scale + 1):
            size = self.dice.randrange(1, 1453)
            plan.append((size, min(size * self.dice.randrange(1, 60) + self.dice.randrange(size), 60000)))
        return begin_segments(self.modem, session, plan, family=self.dice.choice((4, 6)), port=port)

    def pings(self, session: int, port: int) -> Callable[[], object]:
        """Echo requests with pauses in which the modem's link may fall asleep."""
        del port
        sizes = [self.dice.randrange(4000) for _ in range(30)]
        gateway = Address(session).pair(self.dice.choice((4, 6)))[1]
        finish = self.modem.begin("icmp", "ping", "", gateway, sizes, 0.01, 20.0, False)

        def end() -> None:
            assert finish() == {"good": len(sizes), "wrong": ""}

        return end

    # -- disturbance ---------------------------------------------------------------------

    def stop_and_resume(self) -> None:
        """The modem stops a session for a moment."""
        session = self.dice.choice(sorted(self.up))
        for word in ("stop", "resume"):
            acks = self.modem.stats()["mux"]["acks"]
            self.modem.control(f"flow {word} {session}")
            wait_until(lambda acks=acks: self.modem.stats()["mux"]["acks"] > acks, 20, f"{word} is acknowledged")  # type: ignore[misc]

    def pause(self) -> None:
        """The modem takes nothing for a moment."""
        self.modem.control(f"hold {UL_PIPE}")
        self.modem.stats()
        self.modem.control(f"release {UL_PIPE}")

    def neighbour(self) -> None:
        """A link that has no traffic goes up and down, or away."""
        others = [session for session in SESSIONS[1:] if session not in self.up]
        if others:
            session = self.dice.choice(others)
            self.modem.up(session)
            self.modem.down(session)
            if self.dice.randrange(2):
                self.modem.guest.run(["ip", "link", "del", link_name(session)])

    def settings(self) -> None:
        """Offloads and batches change under way."""
        name = link_name(self.dice.choice(sorted(self.up)))
        words = [word for feature in ("tso", "gro") for word in (feature, self.dice.choice(("on", "off")))]
        self.modem.guest.run(["ethtool", "-K", name, *words])
        self.modem.guest.run(["ethtool", "-C", name, "tx-frames", str(self.dice.randrange(1, 257))])

    def report(self) -> None:
        """The modem tells how good its radio is."""
        self.modem.control(f"lqr {self.dice.choice(sorted(self.up))}")

    # -- all -----------------------------------------------------------------------------

    def turn(self) -> None:
        """Other links, other traffic."""
        wanted = set(self.dice.sample(SESSIONS, self.dice.choice((1, 2, 3, 4, 8) if self.scale == 1 else (1, 2, 3))))
        if self.up - wanted:
            self.modem.down(*(self.up - wanted))
        self.modem.up(*wanted)
        self.up = wanted
        kinds = (self.stream, self.stream, self.datagrams, self.segments, self.pings)
        disturbances = (self.stop_and_resume, self.pause, self.neighbour, self.settings, self.report)
        with exact(self.modem, *wanted):
            ends = []
            for session in sorted(wanted):
                for port in range(7000, 7000 + self.dice.choice((1, 1, 2))):
                    ends.append(self.dice.choice(kinds)(session, port))
            for _ in range(self.dice.randrange(6)):
                self.dice.choice(disturbances)()
            for end in ends:
                end()
        assert not self.modem.verify()
        counters = self.modem.driver_counters(link_name(min(wanted)))
        assert {name: counters[name] for name in NEVER} == dict.fromkeys(NEVER, 0)


def test_soak(modem: Modem, mux: str) -> None:
    """As long as it was told to."""
    pools.watch(modem)
    modem.guest.forget_leaks()
    soak = Soak(modem, mux)
    end = time.monotonic() + SECONDS
    turns = 0
    while time.monotonic() < end or turns < 2:
        soak.turn()
        turns += 1
    stats = modem.stats()
    print(f"{mux}: {turns} turns, {modem.packets_seen()} packets, {stats['power']['sleeps']} times asleep, "
          f"{stats['mux']['opens']} sessions opened")
    assert stats["power"]["sleeps"] > turns
    modem.down(*soak.up)
    modem.unload()
    pools.wait_home(modem)
    assert modem.guest.leaks() == ""
