# SPDX-License-Identifier: GPL-2.0
"""The firmware crashes, at any time, and restarts by itself or not: ports hang up, and everything comes back.

Implements the check of protocol.rst 2.2, 7.8 and 8.6.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testlib import steady
from testlib.modem import PCI, Address, Modem
from testlib.recovery import (
    BOUND,
    FUNCTION,
    all_hung_up,
    bind,
    hang_ups,
    index,
    journal,
    proves_life,
    racers,
    timed,
    unbind,
    uptime,
    wait_replaced,
)

STORM = 10
COMEBACK_BOUND = 3.0		# seconds of guest time from the crash of a modem that restarts at once to a port that works
GRACE = 3.0			# how long a crashed modem may take to restart by itself, before it is reset


def nothing(_modem: Modem) -> None:
    """Only the one who measures holds a port."""


def everything(modem: Modem) -> None:
    """Commands on one port, another one held, and packets both ways."""
    modem.up(0, 4)
    steady.commands(modem, "/dev/wwan0at1")
    steady.held(modem, "/dev/wwan0mbim0")
    steady.datagrams(modem)


WORK: dict[str, Callable[[Modem], None]] = {"idle": nothing, "busy": everything}


@pytest.mark.parametrize("milliseconds", (0, 300))
@pytest.mark.parametrize("work", WORK)
def test_restarts_by_itself(modem: Modem, mux: str, work: str, milliseconds: int) -> None:
    """From the crash to a port and a link that work, in the guest's own time; nobody had to do anything."""
    resets = modem.stats()["flr"]
    WORK[work](modem)
    port = modem.spawn("racing", "comeback", steady.AT)
    link = modem.spawn("racing", "link_comeback", "wwan0", Address(0).host4, Address(0).gateway4)
    with journal(modem) as states, modem.listening() as events:
        # The modem's, not the driver's idea of it: to notice is a part of it.
        start = uptime(modem)
        modem.fault(f"now:crash={milliseconds}")
        for job in (port, link):
            assert job.wait(20.0) == 0
            assert float(job.output().splitlines()[-1]) - start <= modem.bound(COMEBACK_BOUND), states.moves()
        states.wait("online")
        assert set(states.states()) <= {"crashed", "starting", "online"}, states.moves()
        events.wait("MDM_READY")
        assert [event for event in events.modem() if event in ("CRASH", "MDM_READY")] == ["CRASH", "MDM_READY"]
    assert modem.stats()["flr"] == resets
    proves_life(modem)


def test_everybody_is_told(modem: Modem, mux: str) -> None:
    """Blocked readers and pollers of all ports hang up before the modem is back; links lose their carrier, and then go."""
    modem.up(0, 4)
    jobs = hang_ups(modem)
    before = index(modem)
    links = {str(before): "wwan0", str(modem.ifindex(4)): "wwan0-4"}
    monitor = modem.spawn("monitor", "links")
    with journal(modem) as states:
        modem.fault("now:crash=1500")
        states.wait("crashed")
        all_hung_up(jobs, 1.0)
        modem.wait_gone(1.0)
        assert states.states() == ["crashed"]
        messages = [line.split(maxsplit=2) for line in monitor.output().splitlines()[1:]]
        for number, name in links.items():
            told = [what for index_, name_, what in messages if (index_, name_) == (number, name)]
            assert told[-2:] == ["down off", "gone"], messages
        wait_replaced(modem, before)
    proves_life(modem)


def reset_for(modem: Modem, how: str) -> None:
    """The driver gives a modem that crashed so some time, and resets it then."""
    resets = modem.stats()["flr"]
    with journal(modem) as states, modem.listening() as events:
        modem.fault(f"now:{how}")
        states.wait("online")
        last = "crashed, dump ready" if "dump" in how else "crashed"
        assert states.states()[:2] == (["crashed", last] if "dump" in how else ["crashed", "recovering"])
        assert states.time("online") - states.time("crashed") >= GRACE - 0.1
        wanted = ["CRASH", "CD_READY"] if "dump" in how else ["CRASH"]
        assert [event for event in events.modem() if event in ("CRASH", "CD_READY")] == wanted
    assert modem.stats()["flr"] == resets + 1
    proves_life(modem)


@pytest.mark.parametrize("how", ("crash", "dump=200"))
def test_does_not_restart(modem: Modem, how: str) -> None:
    """It is given some time, with a dump to fetch or without, and then it is reset."""
    reset_for(modem, how)


@pytest.mark.emulator(parameters=("acpi_reset=1",))
@pytest.mark.parametrize("how", ("crash", "dump=200"))
def test_does_not_restart_and_all_methods_are_allowed(modem: Modem, how: str) -> None:
    """The same, where the kernel chooses among all methods of reset that it knows."""
    reset_for(modem, how)
    # It is the kernel that chooses: it does what the user has left it, and that may be nothing.
    modem.guest.sh(f"echo > {PCI}/reset_method")
    resets = modem.stats()["flr"]
    modem.fault(f"now:{how}")
    with journal(modem) as states:
        failed = modem.guest.run(["devlink", "health", "recover", f"pci/{FUNCTION}", "reporter", "fw"], check=False)
        assert failed.rc != 0
        assert "online" not in states.states()
        assert modem.stats()["flr"] == resets
        modem.guest.sh(f"echo default > {PCI}/reset_method")
        modem.guest.run(["devlink", "health", "recover", f"pci/{FUNCTION}", "reporter", "fw"])
        states.wait("online")
    assert modem.stats()["flr"] == resets + 1
    proves_life(modem)


@pytest.mark.parametrize("event", ("init", "running", "sleep-device", "features"))
def test_while_starting(modem: Modem, event: str) -> None:
    """At each step of the bring-up; the next start is a good one."""
    unbind(modem)
    with journal(modem) as states:
        modem.fault(f"{event}:crash=1000")
        bind(modem)
        states.wait("online")
        assert states.states()[0] == "starting"
        assert "crashed" in states.states()
    proves_life(modem)


@pytest.mark.parametrize(("event", "kind"), (("open", "port"), ("close", "port"), ("open", "link"), ("session-open", "link"),
                                             ("session-close", "link"), ("close", "link")))
def test_while_opening(modem: Modem, mux: str, event: str, kind: str) -> None:
    """It crashes instead of answering: whoever waits is told at once, by the interrupt."""
    before = index(modem)
    modem.fault(f"{event}:crash=100")
    result = timed(modem, kind)
    assert result["seconds"] < modem.bound(BOUND[kind])
    assert result["error"] == ("" if "close" in event else "ENODEV")
    wait_replaced(modem, before)
    proves_life(modem)


@pytest.mark.parametrize("event", ("uplink#60", "downlink#60"))
def test_under_traffic(modem: Modem, mux: str, event: str) -> None:
    """With packets on their way in both directions."""
    modem.up(0)
    steady.datagrams(modem)
    before = index(modem)
    modem.fault(f"{event}:crash=50")
    wait_replaced(modem, before)
    assert modem.faults_fired() == 1
    proves_life(modem)


def test_storm(modem: Modem) -> None:
    """One crash after the other, each as soon as the modem is back; that is not a failed start."""
    for _ in range(STORM):
        before = index(modem)
        modem.fault("now:crash=0")
        wait_replaced(modem, before)
    proves_life(modem)


def test_with_programs_in_the_way(modem: Modem, mux: str) -> None:
    """Ports are opened and links taken up all the time: an error within its bound, or success."""
    with racers(modem):
        for event in ("open#3", "session-open#2", "uplink#20", "downlink#20", "close#2", "session-close#2"):
            before = index(modem)
            modem.fault(f"{event}:crash=100")
            wait_replaced(modem, before)
    proves_life(modem)
