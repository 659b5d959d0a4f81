# SPDX-License-Identifier: GPL-2.0
"""The machine sleeps, and the modem is there afterwards, whatever it did meanwhile.

Implements the check of protocol.rst 6.5 to 6.7.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from iosmlib.bench import Result, Sleep, wait_until
from testlib import steady
from testlib.modem import PCI, Address, Modem
from testlib.steady import Steady

KINDS = ("freeze", "mem")
HANDSHAKES = ("d3", "d0")
CYCLES = 100
IDLE = ("--idle-sleep", "2")
DEAD_MODEM_BOUND = 2.0		# seconds of guest time that a modem which does not answer may cost
STARTING = ("init", "running", "sleep-device", "features")		# what a modem hears in its start, in this order
CURE = "now:boot=50"		# a reset, as a user would do it

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



class Row(NamedTuple):
    """What a modem does in one sleep, and what becomes of it."""

    handshakes: tuple[str, ...]		# in which it can
    faults: tuple[str, ...] = ()		# each of which comes to pass once
    says: str = ""			# in the kernel's log, if its session ends
    cure: str = ""			# what ends its silence, when the driver has found out
    work: tuple[str, ...] = tuple(WORK)
    seconds: float = 0.0		# of guest time that the way to sleep, and the way back, take at least


REBOOTED = "starting anew: modem was reset while the host slept"
CRASHED = "firmware crashed"
SILENT = "session ended: control request unanswered"
BUSY = ("busy",)

HARMLESS = {
    "answers": Row(HANDSHAKES),
    "late": Row(("d3",), ("sleep-enter:late=300", "sleep-exit:late=300"), seconds=0.3),
    "late-to-act": Row(("d0",), ("force-active:late=300",)),
    "not-told": Row(("d0",), ("force-sleep:ignore",)),
    "twice": Row(("d3",), ("sleep-enter:twice", "sleep-exit:twice"), work=BUSY),
    "loses-interrupts": Row(("d3",), ("sleep-enter:lose-msi", "sleep-exit:lose-msi"), work=BUSY),
}
FATAL = {
    "silent-before": Row(("d3",), ("sleep-enter:ignore",), SILENT),
    "silent-after": Row(("d3",), ("sleep-exit:ignore",), SILENT),
    "silent": Row(("d3",), ("d3:silence",), SILENT, CURE),
    "too-late": Row(("d3",), ("sleep-enter:late=1500",), SILENT, work=BUSY),
    "refuses-to-wake": Row(("d3",), ("sleep-exit:refuse",), "session ended: modem did not wake up after host sleep", work=BUSY),
    "rebooted": Row(HANDSHAKES, ("d3:reboot",), REBOOTED),
    "boots": Row(HANDSHAKES, ("d3:boot=200",), REBOOTED),
    "power-loss": Row(HANDSHAKES, ("d3:power-loss",), REBOOTED),
    "reboots-on-waking": Row(HANDSHAKES, ("d0:reboot",), REBOOTED, work=BUSY),
    "crashed": Row(HANDSHAKES, ("d0:crash=100",), CRASHED),
    "crashed-before": Row(("d3",), ("sleep-enter:crash=100",), CRASHED, work=BUSY),
}


def cells(rows: dict[str, Row]) -> pytest.MarkDecorator:
    """A test for each kind of handshake, each behaviour that can be in it, and all work at that."""
    return pytest.mark.parametrize(("system_sleep", "behaviour", "work"),
                                   [(handshake, name, work) for handshake in HANDSHAKES for name, row in rows.items()
                                    if handshake in row.handshakes for work in row.work], scope="module")


@contextlib.contextmanager
def asleep_in_d3(modem: Modem, kind: str, *faults: str) -> Iterator[Sleep]:
    """The machine sleeps, and the function does; a late interrupt may have woken both already."""
    entries = modem.stats()["function"]["d3_entries"]
    with modem.asleep(kind, *faults) as sleep:
        assert modem.stats()["function"]["d3_entries"] > entries or not sleep.slept()
        yield sleep


def sleep_once(modem: Modem, kind: str, row: Row) -> None:
    """One sleep of a modem that behaves so."""
    with asleep_in_d3(modem, kind, *row.faults) as sleep:
        pass
    assert modem.faults_fired() == len(row.faults)
    assert sleep.seconds_to_sleep() >= row.seconds
    assert sleep.seconds_to_wake() >= row.seconds


def wait_said(modem: Modem, mark: int, text: str) -> None:
    """Until the kernel's log has something, after the mark."""
    wait_until(lambda: text in modem.guest.console_text()[mark:], 20, f"the log says '{text}'")


def log_mark(modem: Modem) -> int:
    """The end of the kernel's log now."""
    return len(modem.guest.console_text())


def ask(modem: Modem, port: str) -> float:
    """Open a port, which does not work; the guest's time that it took."""
    uptime = "read t _ < /proc/uptime; echo $t"
    begin, end = modem.guest.sh(f"{uptime}; (: <> /dev/{port}) 2>/dev/null && echo opened; {uptime}").out.split()
    return float(end) - float(begin)


def wait_hung_up(jobs: list[Steady]) -> None:
    """Until who talks to the port hears that it is no more."""
    for job in jobs[:1]:
        assert job.wait_ended()["error"] in ("EIO", "ENODEV")


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
@pytest.mark.parametrize("kind", KINDS)
def test_session_goes_on(modem: Modem, system_sleep: str, behaviour: str, work: str, kind: str) -> None:
    """The modem keeps its side: the same link, the same open port, and nothing is lost."""
    jobs = WORK[work](modem)
    before = modem.ifindex()
    sleep_once(modem, kind, HARMLESS[behaviour])
    assert not modem.stats()["function"]["d3"]
    assert modem.state()["state"] == "online"
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before
    modem.proves_life()


@cells(FATAL)
@pytest.mark.parametrize("kind", KINDS)
def test_session_comes_back(modem: Modem, system_sleep: str, behaviour: str, work: str, kind: str) -> None:
    """The modem forgot us: ports hang up, and everything comes back under the same names."""
    row = FATAL[behaviour]
    jobs = WORK[work](modem)
    before, mark = modem.ifindex(), log_mark(modem)
    sleep_once(modem, kind, row)
    wait_said(modem, mark, row.says)
    if row.cure:
        modem.fault(row.cure)
    wait_hung_up(jobs)
    modem.wait_replaced(before)
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", ("d0",), scope="module")
@pytest.mark.parametrize("fault", ("d3:silence", "force-active:ignore"))
@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_noticed(modem: Modem, system_sleep: str, fault: str, work: str, kind: str) -> None:
    """With a handshake that has no answer, the first request after the sleep finds out, and everything comes back."""
    jobs = WORK[work](modem)
    before, mark = modem.ifindex(), log_mark(modem)
    sleep_once(modem, kind, Row(HANDSHAKES, (fault,)))
    assert ask(modem, "wwan0at1") <= modem.bound(DEAD_MODEM_BOUND)
    wait_said(modem, mark, SILENT)
    if "silence" in fault:
        modem.fault(CURE)
    wait_hung_up(jobs)
    modem.wait_replaced(before)
    modem.proves_life()


@pytest.mark.emulator(options=IDLE)
@pytest.mark.parametrize("system_sleep", ("d0",), scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_noticed_by_packets(modem: Modem, system_sleep: str, kind: str) -> None:
    """If its link slept before, it is asked to wake up for the first packet after the sleep, and does not."""
    modem.up(0)
    job = steady.held(modem)
    before, mark = modem.ifindex(), log_mark(modem)
    wait_until(lambda: modem.stats()["power"]["state"] == "asleep", 10, "the link goes to sleep")
    sleep_once(modem, kind, Row(HANDSHAKES, ("d3:silence",)))
    modem.guest.run(["ping", "-c", "1", "-W", "2", Address(0).gateway4], check=False)
    wait_said(modem, mark, "session ended: no answer to wake requests")
    modem.fault(CURE)
    assert job.wait_ended()["wrong"].startswith("events")
    modem.wait_replaced(before)
    modem.proves_life()


@pytest.mark.parametrize(("fault", "work"), [*(("d3:gone", work) for work in WORK), ("d0:gone", "busy")])
@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_gone(modem: Modem, system_sleep: str, fault: str, work: str, kind: str) -> None:
    """Somebody takes the modem away: it is lost, and after another sleep with the modem back, there again."""
    jobs = WORK[work](modem)
    sleep_once(modem, kind, Row(HANDSHAKES, (fault,)))
    wait_hung_up(jobs)
    modem.wait_state("lost")
    modem.wait_gone()
    modem.control("back")
    with modem.asleep(kind):
        pass
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_gone_before(modem: Modem, system_sleep: str, kind: str) -> None:
    """A modem that is not there when the machine goes to sleep, and is when it wakes up."""
    modem.fault("now:gone")
    with modem.asleep(kind) as sleep:
        modem.control("back")
    assert sleep.seconds_to_sleep() <= modem.bound(DEAD_MODEM_BOUND)
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


def bounded_sleep(modem: Modem, kind: str) -> None:
    """A sleep that costs no more than it may, on the way there and on the way back, although the modem is dead."""
    with modem.asleep(kind) as sleep:
        pass
    assert sleep.seconds_to_sleep() <= modem.bound(DEAD_MODEM_BOUND)
    assert sleep.seconds_to_wake() <= modem.bound(DEAD_MODEM_BOUND)


@pytest.mark.parametrize("fault", ("silence", "gone", "crash"))
@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("kind", KINDS)
def test_dead_modem_costs_little_time(modem: Modem, system_sleep: str, work: str, fault: str, kind: str) -> None:
    """A modem that was dead before delays neither the sleep nor the resume for long; it is found when it can be."""
    jobs = WORK[work](modem)
    modem.fault(f"now:{fault}")
    bounded_sleep(modem, kind)
    assert modem.faults_fired() == 1
    if fault == "gone":
        modem.wait_state("lost")
        modem.control("back")
        with modem.asleep(kind):
            pass
    else:
        # One that was silent in an idle moment was not talked to yet.
        modem.fault(CURE)
        modem.guest.sh("ip link set wwan0 down; ip link set wwan0 up", check=False)
    wait_hung_up(jobs)
    modem.proves_life()


@D3
@pytest.mark.emulator(options=IDLE)
@pytest.mark.parametrize("kind", KINDS)
def test_link_of_dead_modem_sleeps(modem: Modem, system_sleep: str, kind: str) -> None:
    """It cannot be woken to be told that the host sleeps."""
    mark = log_mark(modem)
    wait_until(lambda: modem.stats()["power"]["state"] == "asleep", 10, "the link goes to sleep")
    modem.fault("now:silence")
    bounded_sleep(modem, kind)
    wait_said(modem, mark, "session ended: modem did not wake up for host sleep")
    modem.fault(CURE)
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("command", (": <> /dev/wwan0at0", "ip link set wwan0 up"), ids=("port", "link"))
@pytest.mark.parametrize("kind", KINDS)
def test_sleep_while_opening(modem: Modem, system_sleep: str, command: str, kind: str) -> None:
    """Somebody waits in the kernel for a modem that has fallen silent: he is told soon, and the machine sleeps."""
    modem.fault("open:silence")
    opener = modem.guest.spawn(["sh", "-c", command])
    wait_until(lambda: modem.faults_fired() == 1, 10, "the modem is asked to open a pipe")
    bounded_sleep(modem, kind)
    assert opener.wait() != 0
    modem.fault(CURE)
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("event", STARTING)
@pytest.mark.parametrize("kind", KINDS)
def test_sleep_while_starting(modem: Modem, system_sleep: str, event: str, kind: str) -> None:
    """The modem falls silent in the middle of its start: what the driver waits for ends before the sleep."""
    modem.unload()
    modem.fault(f"{event}:silence")
    modem.load()
    wait_until(lambda: modem.faults_fired() == 1, 10, f"{event} has come")
    bounded_sleep(modem, kind)
    modem.fault(CURE)
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_hundred_times(modem: Modem, system_sleep: str) -> None:
    """Datagrams and AT commands go on through all of it, and nothing is lost."""
    modem.up(0)
    before = modem.ifindex()
    entries = modem.stats()["function"]["d3_entries"]
    jobs = [steady.datagrams(modem), steady.commands(modem)]
    for turn in range(CYCLES):
        with modem.asleep(KINDS[turn % 2]):
            pass
        for job in jobs:
            job.wait_progress()
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before
    assert modem.stats()["function"]["d3_entries"] - entries >= CYCLES


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
@pytest.mark.parametrize("event", (*STARTING, ""))
@pytest.mark.parametrize("kind", KINDS)
def test_during_bring_up(modem: Modem, system_sleep: str, event: str, kind: str) -> None:
    """Sleep begins while the driver waits for an answer in the start of a modem, or right after it was loaded."""
    modem.unload()
    if event:
        modem.fault(f"{event}:late=500")
    modem.load()
    if event:
        wait_until(lambda: modem.faults_fired() == 1, 10, f"{event} has come")
        assert modem.state()["state"] == "starting"
    with modem.asleep(kind):
        pass
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_reset_during_bring_up(modem: Modem, system_sleep: str, kind: str) -> None:
    """A modem that still boots when the machine sleeps, as the driver knows, is there afterwards."""
    modem.unload()
    modem.fault("now:boot=2000")
    modem.load()
    modem.wait_state("boot ROM")
    with modem.asleep(kind):
        assert modem.stats()["stage"] == "BOOT"
    modem.proves_life()
