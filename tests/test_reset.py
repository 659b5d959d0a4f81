# SPDX-License-Identifier: GPL-2.0
"""Function-level reset by somebody else than us, at any time: the modem is there again, under the same names.

Implements the check of protocol.rst 1.10.
"""

from __future__ import annotations

import random

import pytest
from testlib.modem import PCI, Address, Config, Kit, Modem
from testlib.recovery import all_hung_up, bind, hang_ups, index, journal, proves_life, racers, reset, unbind, wait_replaced

TIMES = 20
THROWS = 16


def resets(modem: Modem) -> int:
    """How many the modem has seen."""
    return int(modem.stats()["flr"])


def test_method(modem: Modem) -> None:
    """This is about the function's own reset; there is no other here."""
    assert modem.guest.read(f"{PCI}/reset_method").split() == ["flr"]


def test_ports_open_and_links_up(modem: Modem, mux: str) -> None:
    """Readers and pollers are told at once, links go, everything comes back."""
    modem.up(0, 2, 7)
    flood = modem.guest.spawn(["ping", "-q", "-n", "-i", "0.002", "-s", "1200", Address(2).gateway4])
    modem.guest.wait_for('[ "$(cat /sys/class/net/wwan0-2/statistics/rx_packets)" -gt 50 ]', what="traffic")
    jobs = hang_ups(modem)
    before, count = index(modem), resets(modem)
    reset(modem)
    # Not before the reset returns: what would hang up later would have waited for a time-out.
    all_hung_up(jobs, 1.0)
    wait_replaced(modem, before)
    flood.kill(9)
    assert resets(modem) == count + 1
    # What user space made is not ours to make again.
    assert modem.guest.sh("cd /sys/class/net && echo wwan*").out.split() == ["wwan0"]
    proves_life(modem)


def test_states(modem: Modem) -> None:
    """No detour: the session ends, and the next one begins."""
    with journal(modem) as states:
        reset(modem)
        states.wait("online")
        moves = states.moves()
        assert moves[0].before == "online"
        assert set(states.states()) <= {"recovering", "boot ROM", "loader", "starting", "online"}
        assert states.states()[-2:] == ["starting", "online"]
    proves_life(modem)


def test_in_a_row(modem: Modem, mux: str) -> None:
    """Nobody waits until the modem is back."""
    count = resets(modem)
    modem.guest.sh(f"for n in $(seq {TIMES}); do echo 1 > {PCI}/reset || exit; done", timeout=120)
    assert resets(modem) == count + TIMES
    proves_life(modem)


def test_with_programs_in_the_way(modem: Modem, mux: str) -> None:
    """Ports are opened and links taken up all the time: an error within its bound, or success."""
    dice = random.Random(4)
    with racers(modem) as programs:
        for turn in range(TIMES):
            reset(modem)
            if turn % 2:
                modem.wait_ready()
                programs[turn % len(programs)].wait_progress()
            else:
                modem.guest.run(["sleep", f"{dice.uniform(0, 0.3):.3f}"])
    proves_life(modem)


def test_while_starting(modem: Modem) -> None:
    """At any time of the bring-up."""
    for milliseconds in (0, 1, 3, 5, 10, 20, 40, 80):
        unbind(modem)
        modem.guest.sh(f"echo 0000:00:00.0 > /sys/bus/pci/drivers/iosm/bind; sleep {milliseconds / 1000}; "
                       f"echo 1 > {PCI}/reset")
    proves_life(modem)


def test_without_driver(modem: Modem) -> None:
    """What is left of it is in order for the next driver."""
    unbind(modem)
    for _ in range(3):
        reset(modem)
    bind(modem)
    proves_life(modem)


@pytest.mark.emulator(options=("--idle-sleep", "5"))
def test_while_the_modem_sleeps(modem: Modem) -> None:
    """A modem that sleeps is reset as any other."""
    modem.up(0)
    modem.ping(Address(0).gateway4)
    before, count = index(modem), resets(modem)
    modem.wait_line("modem power: asleep", "the modem sleeps")
    reset(modem)
    wait_replaced(modem, before)
    assert resets(modem) == count + 1
    proves_life(modem)


def falls(kit: Kit, seed: int) -> list[int]:
    """How a modem's dice fall at each of some events: how many faults had come to pass after it."""
    modem = Modem(kit, Config(load=False, options=("--seed", str(seed), "--fault", "flr%50:pme")))
    modem.start()
    try:
        found = []
        for _ in range(THROWS):
            reset(modem)
            found.append(modem.faults_fired())
        return found
    finally:
        modem.bench.close()


def test_dice_fall_by_their_seed(kit: Kit) -> None:
    """The same seed and the same events make the same faults, another seed makes others."""
    first = falls(kit, 1)
    assert 0 < first[-1] < THROWS
    assert falls(kit, 1) == first
    assert falls(kit, 2) != first
