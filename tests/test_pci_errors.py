# SPDX-License-Identifier: GPL-2.0
"""Errors of the bus, as the PCI core reports them: not fatal, fatal, and for good.

Implements the check of protocol.rst 1.10.
"""

from __future__ import annotations

import pytest
from testlib import steady
from testlib.modem import Modem
from testlib.recovery import (
    all_hung_up,
    bind,
    come_back,
    hang_ups,
    index,
    journal,
    proves_life,
    racers,
    reset,
    unbind,
    wait_fired,
    wait_replaced,
)

INJECT = "/sys/kernel/debug/pcierr/inject"
BOUND = 3.0			# guest seconds for the whole of an error, whatever is going on

# What the driver has to answer, call by call.
NORMAL = ["error_detected: can recover", "mmio_enabled: recovered", "resume: recovered"]
FROZEN = ["error_detected: need reset", "link reset: recovered", "slot_reset: recovered", "resume: recovered"]
PERMANENT = ["error_detected: need reset", "link reset: disconnect", "error_detected: disconnect"]
STEPS = {"normal": NORMAL, "frozen": FROZEN, "permanent": PERMANENT}

WORK = ("idle", "port", "traffic")


@pytest.fixture(autouse=True)
def pcierr(modem: Modem) -> None:
    """What reports errors here."""
    modem.load_tool("pcierr")


def begin(modem: Modem, work: str) -> list[steady.Steady]:
    """Work that is to go on, or to end, with the error."""
    if work == "port":
        return [steady.commands(modem)]
    if work == "traffic":
        modem.up(0)
        return [steady.datagrams(modem)]
    return []


def inject(modem: Modem, error: str) -> list[str]:
    """Let an error happen; what was called, and what was answered."""
    start, end = modem.guest.sh(f"cat /proc/uptime; echo {error} > {INJECT} || exit; cat /proc/uptime").out.splitlines()
    assert float(end.split()[0]) - float(start.split()[0]) <= modem.bound(BOUND)
    return modem.guest.read(INJECT).splitlines()


@pytest.mark.parametrize("work", WORK)
def test_not_fatal(modem: Modem, mux: str, work: str) -> None:
    """The session goes on, and nothing is lost."""
    jobs = begin(modem, work)
    before = index(modem)
    for _ in range(3):
        assert inject(modem, "normal") == NORMAL
    for job in jobs:
        job.goes_on()
    assert index(modem) == before
    proves_life(modem)


@pytest.mark.parametrize("fault", ("reboot", "boot=100", "crash=100"))
def test_not_fatal_for_the_bus(modem: Modem, fault: str) -> None:
    """But the modem did not survive what it was."""
    steady.held(modem)
    before = index(modem)
    modem.fault(f"now:{fault}")
    assert inject(modem, "normal") == NORMAL
    wait_replaced(modem, before)
    proves_life(modem)


@pytest.mark.parametrize("work", WORK)
def test_fatal(modem: Modem, mux: str, work: str) -> None:
    """The link of the bus is reset: ports hang up at once, links go, everything comes back."""
    jobs = hang_ups(modem) if work == "port" else []
    if not jobs:
        begin(modem, work)
    for _ in range(3):
        before = index(modem)
        assert inject(modem, "frozen") == FROZEN
        all_hung_up(jobs, 1.0)
        jobs = []
        wait_replaced(modem, before)
    proves_life(modem)


@pytest.mark.parametrize("work", WORK)
def test_for_good(modem: Modem, mux: str, work: str) -> None:
    """Nothing can be done: lost, until somebody takes the modem out and in again."""
    jobs = hang_ups(modem) if work == "port" else []
    if not jobs:
        begin(modem, work)
    with journal(modem) as states, modem.listening() as events:
        assert inject(modem, "permanent") == PERMANENT
        all_hung_up(jobs, 1.0)
        modem.wait_gone(1.0)
        states.wait("lost")
        assert states.states()[-1] == "lost"
        events.wait("CD_READY_LINK_DOWN")
    come_back(modem)
    proves_life(modem)


@pytest.mark.parametrize("stage", ("ffffffff", "12345678"))
def test_not_back_after_the_reset(modem: Modem, stage: str) -> None:
    """The bus is in order again, the modem is not: it does not come to a stage in time, or shows no register at all."""
    jobs = hang_ups(modem)
    with journal(modem) as states:
        modem.fault(f"flr:bad-stage={stage}")
        assert inject(modem, "frozen") == STEPS["frozen"]
        all_hung_up(jobs, 1.0)
        states.wait("lost")
        modem.wait_gone(1.0)
    reset(modem)
    proves_life(modem)


@pytest.mark.parametrize("error", STEPS)
@pytest.mark.parametrize("event", ("init", "running", "sleep-device", "features"))
def test_while_starting(modem: Modem, event: str, error: str) -> None:
    """At each step of the bring-up, with a modem that does not answer this step."""
    unbind(modem)
    modem.fault(f"{event}:ignore")
    bind(modem)
    wait_fired(modem, 1, event)
    assert inject(modem, error) == STEPS[error]
    if error == "permanent":
        modem.wait_gone(1.0)
        come_back(modem)
    elif event in ("init", "running") and error == "normal":
        # It goes on to wait for the step; somebody who does not want to can rebind.
        unbind(modem)
        bind(modem)
    proves_life(modem)


def test_with_programs_in_the_way(modem: Modem, mux: str) -> None:
    """Ports are opened and links taken up all the time: an error within its bound, or success."""
    with racers(modem) as programs:
        for turn in range(12):
            error = ("normal", "frozen")[turn % 2]
            assert inject(modem, error) == STEPS[error]
            if turn % 3:
                programs[turn % len(programs)].wait_progress()
    proves_life(modem)
