# SPDX-License-Identifier: GPL-2.0
"""Any set of links carries traffic both ways: tables are by session number, not by how many are open (Q37, Q38).

Implements the check of protocol.rst 5.5.2 to 5.5.5 and 5.6.7.
"""

from __future__ import annotations

import pytest
from testlib.accounting import exact
from testlib.modem import SESSIONS, Modem
from testlib.traffic import begin_datagrams, begin_segments, begin_stream

SIZE = 1 << 20


def traffic(modem: Modem, sessions: tuple[int, ...]) -> None:
    """All kinds at once, each on all links, counted exactly."""
    with exact(modem, *sessions):
        ends = []
        for session in sessions:
            ends += [begin_stream(modem, session, SIZE, family=4), begin_stream(modem, session, SIZE // 2, family=6, port=7106),
                     begin_datagrams(modem, session, [1 + number * 13 % 1400 for number in range(200)], 10),
                     begin_segments(modem, session, [(1234, 30000), (99, 5000)] * 5, family=6, port=7006)]
        for end in ends:
            end()


@pytest.mark.parametrize("sessions", ((1,), (7,), (0, 3), (2, 5, 7)), ids=str)
def test_only_these(modem: Modem, mux: str, sessions: tuple[int, ...]) -> None:
    """These links and no other: where link 0 is not wanted, it does not even exist."""
    if 0 not in sessions:
        modem.guest.run(["ip", "link", "del", "wwan0"])
    modem.up(*sessions)
    traffic(modem, sessions)


def test_others_come_and_go(modem: Modem, mux: str) -> None:
    """Links below, above and between are opened and closed while two carry traffic."""
    moving = (2, 5)
    others = [session for session in SESSIONS if session not in moving]
    modem.up(*moving)
    with exact(modem, *moving):
        ends = [begin_stream(modem, session, 4 * SIZE) for session in moving]
        for session in others:
            modem.up(session)
        for session in reversed(others):
            modem.down(session)
        for end in ends:
            end()
    traffic(modem, moving)
