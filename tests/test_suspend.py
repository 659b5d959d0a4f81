# SPDX-License-Identifier: GPL-2.0
"""The machine sleeps, and the modem is there afterwards, whatever it did meanwhile.

Implements the check of protocol.rst 6.5 to 6.7.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from iosmlib.bench import Result, wait_until
from testlib import steady
from testlib.modem import PCI, Address, Modem
from testlib.steady import Steady

KINDS = ("freeze", "mem")
HANDSHAKES = ("d3", "d0")
CYCLES = 100
IDLE = ("--idle-sleep", "2")
DEAD_MODEM_BOUND = 2.0		# seconds of guest time that a modem which does not answer may cost

pytestmark = pytest.mark.emulator(sleep=True)
D3 = pytest.mark.parametrize("system_sleep", ("d3",), scope="module")


def idle(_modem: Modem) -> list[Steady]:
    """Nothing is open."""
    return []


def port_open(modem: Modem) -> list[Steady]:
    """A program talks to a port."""
    return [steady.commands(modem)]


def busy(modem: Modem) -> list[Steady]:
    """A program talks to a port, and packets flow."""
    modem.up(0)
    return [steady.commands(modem), steady.datagrams(modem)]


WORK: dict[str, Callable[[Modem], list[Steady]]] = {"idle": idle, "port": port_open, "busy": busy}

# What a modem does: the handshakes in which it can, and its faults before and during the sleep.
Behaviour = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
HARMLESS: dict[str, Behaviour] = {
    "answers": (HANDSHAKES, (), ()),
    "late": (("d3",), ("sleep-enter:late=300", "sleep-exit:late=300"), ()),
    "late-to-act": (("d0",), ("force-active:late=300",), ()),
    "not-told": (("d0",), ("force-sleep:ignore",), ()),
}
FATAL: dict[str, Behaviour] = {
    "silent-before": (("d3",), ("sleep-enter:ignore",), ()),
    "silent-after": (("d3",), ("sleep-exit:ignore",), ()),
    "rebooted": (HANDSHAKES, (), ("now:reboot",)),
    "boots": (HANDSHAKES, (), ("now:boot=200",)),
    "power-loss": (HANDSHAKES, (), ("now:power-loss",)),
    "crashed": (HANDSHAKES, (), ("now:crash=100",)),
}


def cells(behaviours: dict[str, Behaviour]) -> pytest.MarkDecorator:
    """A test for each kind of handshake and each behaviour that can be in it."""
    return pytest.mark.parametrize(("system_sleep", "behaviour"),
                                   [(handshake, name) for handshake in HANDSHAKES for name, row in behaviours.items()
                                    if handshake in row[0]], scope="module")


@contextlib.contextmanager
def asleep_in_d3(modem: Modem, kind: str) -> Iterator[None]:
    """The machine sleeps, and the function does; a late interrupt may have woken both already."""
    entries = modem.stats()["function"]["d3_entries"]
    with modem.asleep(kind):
        assert modem.stats()["function"]["d3_entries"] > entries
        yield


def sleep_once(modem: Modem, kind: str, behaviour: Behaviour) -> None:
    """One sleep of a modem with this behaviour."""
    _, before, during = behaviour
    modem.fault(*before)
    with asleep_in_d3(modem, kind):
        modem.fault(*during)


@pytest.mark.emulator(load=False)
@pytest.mark.parametrize("kind", KINDS)
def test_without_driver(modem: Modem, kind: str) -> None:
    """Nobody drives the modem: before its driver was loaded, and after that."""
    for _ in range(2):
        with modem.asleep(kind):
            pass
        modem.load()
        modem.wait_ready()
        modem.unload()


@cells(HARMLESS)
@pytest.mark.parametrize("work", WORK)
def test_session_goes_on(modem: Modem, system_sleep: str, behaviour: str, work: str) -> None:
    """The modem keeps its side: the same link, the same open port, and nothing is lost."""
    jobs = WORK[work](modem)
    before = modem.ifindex()
    for kind in KINDS:
        sleep_once(modem, kind, HARMLESS[behaviour])
        assert not modem.stats()["function"]["d3"]
        assert modem.state()["state"] == "online"
        for job in jobs:
            job.wait_progress()
    assert modem.ifindex() == before
    for job in jobs:
        job.goes_on()
    modem.proves_life()


@cells(FATAL)
@pytest.mark.parametrize("work", ("idle", "busy"))
def test_session_comes_back(modem: Modem, system_sleep: str, behaviour: str, work: str) -> None:
    """The modem forgot us: ports hang up, and everything comes back under the same names."""
    for kind in KINDS:
        jobs = WORK[work](modem)
        before = modem.ifindex()
        sleep_once(modem, kind, FATAL[behaviour])
        if jobs:
            assert jobs[0].wait_ended()["error"] in ("EIO", "ENODEV")
        modem.guest.wait_for(f"[ -e /sys/class/net/wwan0 ] && [ $(cat /sys/class/net/wwan0/ifindex) != {before} ]",
                             timeout=20.0, what="the link is another one")
        modem.proves_life()
        modem.clean_up()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_gone(modem: Modem, system_sleep: str, kind: str) -> None:
    """Somebody takes the modem away: it is lost, and after another sleep with the modem back, there again."""
    job = port_open(modem)[0]
    with modem.asleep(kind):
        modem.fault("now:gone")
    assert job.wait_ended()["error"] in ("EIO", "ENODEV")
    modem.wait_state("lost")
    modem.wait_gone()
    modem.control("back")
    with modem.asleep(kind):
        pass
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_gone_before(modem: Modem, system_sleep: str, kind: str) -> None:
    """A modem that is not there does not keep the machine from sleeping."""
    modem.fault("now:gone")
    with modem.asleep(kind) as sleep:
        modem.control("back")
    assert sleep.seconds_to_sleep() <= DEAD_MODEM_BOUND
    modem.proves_life()


@D3
@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("kind", KINDS)
def test_modem_refuses(modem: Modem, system_sleep: str, work: str, kind: str) -> None:
    """The modem has a reason not to sleep: the machine does not, either, and everything works as before."""
    jobs = WORK[work](modem)
    before = modem.ifindex()
    modem.fault("sleep-enter:refuse")
    result = modem.guest.suspend(kind).refused()
    assert "busy" in result.err
    assert modem.faults_fired() == 1
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before
    with modem.asleep(kind):
        pass
    assert modem.ifindex() == before
    modem.proves_life()


@pytest.mark.emulator(options=IDLE)
@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_link_sleeps(modem: Modem, system_sleep: str, kind: str) -> None:
    """The modem is woken to be told that the host sleeps."""
    modem.up(0)
    before = modem.ifindex()
    for _ in range(10):
        wait_until(lambda: modem.stats()["power"]["state"] == "asleep", 10, "the link goes to sleep")
        with asleep_in_d3(modem, kind):
            pass
        modem.ping(Address(0).gateway4, [56])
    assert modem.ifindex() == before


@D3
@pytest.mark.parametrize("link", ("awake", pytest.param("asleep", marks=pytest.mark.emulator(options=IDLE))))
@pytest.mark.parametrize("kind", KINDS)
def test_dead_modem_costs_little_time(modem: Modem, system_sleep: str, link: str, kind: str) -> None:
    """A modem that answers nothing any more delays the sleep, but not for long, and is brought up anew."""
    wait_until(lambda: modem.stats()["power"]["state"] == link, 10, f"the link is {link}")
    modem.fault("now:silence")
    with modem.asleep(kind) as sleep:
        modem.fault("now:power-loss")
    assert sleep.seconds_to_sleep() <= DEAD_MODEM_BOUND
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_hundred_times(modem: Modem, system_sleep: str) -> None:
    """Datagrams and AT commands go on through all of it, and nothing is lost."""
    modem.up(0)
    before = modem.ifindex()
    jobs = [steady.datagrams(modem), steady.commands(modem)]
    for turn in range(CYCLES):
        with modem.asleep(KINDS[turn % 2]):
            pass
        for job in jobs:
            job.wait_progress()
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before


def echo_requests(modem: Modem) -> int:
    """How many the network has sent."""
    names, values = (line.split() for line in modem.network("grep", "^Icmp:", "/proc/net/snmp").out.splitlines())
    return int(values[names.index("OutEchos")])


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_downlink_waits(modem: Modem, system_sleep: str, kind: str) -> None:
    """What arrives while the machine sleeps, and nobody asked to be woken for, is delivered afterwards."""
    modem.up(0)
    before = echo_requests(modem)
    with modem.asleep(kind) as sleep:
        server = modem.serve("icmp", "ping", "", Address(0).host4, [56] * 3, 0.0, 20.0, False, marker="")
        wait_until(lambda: echo_requests(modem) > before, 10, "the network has something for us")
        assert not sleep.awake()
    assert server.result() == {"good": 3, "wrong": ""}


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_downlink_wakes(modem: Modem, system_sleep: str) -> None:
    """With wake-up enabled, a packet from the network ends the sleep.

    Only suspend to idle: in the other, User-Mode Linux listens to one of the transport's descriptors only, and the PME
    comes on another one.
    """
    modem.up(0)
    before = modem.stats()["function"]["pme"]
    modem.guest.sh(f"echo enabled > {PCI}/power/wakeup")
    with modem.asleep("freeze") as sleep:
        server = modem.serve("icmp", "ping", "", Address(0).host4, [56] * 3, 0.0, 20.0, False, marker="")
        sleep.wait_awake()
    assert server.result() == {"good": 3, "wrong": ""}
    assert modem.stats()["function"]["pme"] > before
    modem.guest.sh(f"echo disabled > {PCI}/power/wakeup")


def interrupted(modem: Modem, kind: str, steps: int) -> Result:
    """A suspend that is told to wake up after so many messages of the kernel."""
    sleep = modem.guest.suspend(kind)
    wait_until(lambda: sleep.steps() >= steps or "exit" in sleep.times(), 10, "the suspend proceeds", interval=0.0)
    return sleep.interrupt()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_woken_on_the_way(modem: Modem, system_sleep: str) -> None:
    """A wake-up at any time of the way to sleep: it ends early or fails, and nothing is lost."""
    modem.up(0)
    before = modem.ifindex()
    jobs = [steady.datagrams(modem), steady.commands(modem)]
    failed = 0
    for turn in range(20):
        result = interrupted(modem, KINDS[turn % 2], turn)
        assert result.ok or "Device or resource busy" in result.err
        failed += not result.ok
        for job in jobs:
            job.wait_progress()
    assert failed
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("level", ("freezer", "devices", "platform", "processors", "core"))
def test_pm_test(modem: Modem, system_sleep: str, level: str) -> None:
    """The kernel's own way to go to each depth of a suspend and back."""
    modem.up(0)
    before = modem.ifindex()
    job = port_open(modem)[0]
    modem.guest.sh("echo 0 > /sys/module/suspend/parameters/pm_test_delay")
    modem.guest.sh(f"echo {level} > /sys/power/pm_test")
    try:
        for kind in KINDS if level in ("freezer", "devices", "platform") else ("mem",):
            modem.guest.suspend(kind).result().check()
            modem.ping(Address(0).gateway4, [56])
    finally:
        modem.guest.sh("echo none > /sys/power/pm_test")
    job.goes_on()
    assert modem.ifindex() == before


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_during_bring_up(modem: Modem, system_sleep: str) -> None:
    """Sleep begins at any time of the bring-up."""
    for milliseconds in (0, 5, 10, 20, 40, 80, 120):
        modem.unload()
        modem.load()
        modem.guest.run(["sleep", f"{milliseconds / 1000}"])
        with modem.asleep("freeze"):
            pass
        modem.wait_ready()
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_reset_during_bring_up(modem: Modem, system_sleep: str, kind: str) -> None:
    """A modem that still boots when the machine sleeps is there afterwards."""
    modem.fault("now:boot=3000")
    with modem.asleep(kind):
        pass
    modem.proves_life()
