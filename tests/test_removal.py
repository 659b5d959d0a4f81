# SPDX-License-Identifier: GPL-2.0
"""The modem is pulled out, at any moment: whoever uses it is told at once, nothing hangs, nothing is lost.

Implements the check of protocol.rst 1.10, 2.6, 8.6 and 8.10.
"""

from __future__ import annotations

import random
import signal
from typing import Any

import pytest
from iosmlib.bench import wait_until
from testlib import pools, steady
from testlib.modem import PCI, SESSIONS, Address, Modem
from testlib.recovery import (
    BOUND,
    DRIVER,
    FUNCTION,
    all_hung_up,
    allow,
    bind,
    come_back,
    hang_ups,
    journal,
    proves_life,
    racing_hang_ups,
    racing_link,
    racing_port,
    remove,
    rescan,
    reset,
    timed,
    unbind,
    wait_asleep,
    wait_fired,
)

REMOVALS = 100			# with each format of the multiplexer
BLIND = 5			# one in so many is at any time, the others are under traffic
STRUCK = REMOVALS * 4 // 5
LEAK = 8			# KiB for each; half of that is the PCI core's, and one modem takes much more
# Seconds of guest time
UNLOAD_BOUND = 2.0		# for the unloading of a dead modem
NOTICE_BOUND = 3.0		# the driver looks every two seconds, and a request is looked after in half of one

COMMANDS = {"remove": f"echo 1 > {PCI}/remove", "unbind": f"echo {FUNCTION} > {DRIVER}/unbind", "rmmod": "rmmod iosm"}
OFF_THE_BUS = ("gone", "power-loss")	# what has to be found again on the bus afterwards
DEATHS = (*OFF_THE_BUS, "silence")
STARTING = ("init", "running", "sleep-device", "features")


def busy(modem: Modem) -> None:
    """All links up, packets both ways on two of them."""
    modem.up(*SESSIONS)
    for session, size in ((0, 1200), (5, 300)):
        modem.jobs.append(modem.guest.spawn(["ping", "-q", "-n", "-i", "0.002", "-s", str(size), Address(session).gateway4]))
    modem.guest.wait_for('[ "$(cat /sys/class/net/wwan0-5/statistics/rx_packets)" -gt 20 ]', what="traffic")


def memory(modem: Modem) -> int:
    """KiB that are taken, without what could be given back."""
    modem.guest.sh("echo 3 > /proc/sys/vm/drop_caches")
    return sum(int(line.split()[1]) for line in modem.guest.read("/proc/meminfo").splitlines()
               if line.startswith(("SUnreclaim:", "VmallocUsed:")))


def unloaded_quickly(modem: Modem, how: str) -> None:
    """The driver goes, within its bound; in the guest's own time."""
    start, end = modem.guest.sh(f"cat /proc/uptime; {COMMANDS[how]} || exit; cat /proc/uptime").out.splitlines()
    assert float(end.split()[0]) - float(start.split()[0]) <= modem.bound(UNLOAD_BOUND)
    modem.wait_gone(1.0)


def revive(modem: Modem, fault: str, how: str) -> None:
    """The modem that suffered this fault, and lost its driver so, is well again, and has its driver."""
    if fault in OFF_THE_BUS:
        come_back(modem)
    else:
        if how == "remove":
            rescan(modem)
        reset(modem)
    if how == "rmmod":
        modem.loaded = False
        modem.load()
    elif how == "unbind" and fault not in OFF_THE_BUS:
        bind(modem)
    proves_life(modem)


@pytest.mark.alone
@pytest.mark.parametrize("how", COMMANDS)
@pytest.mark.parametrize(("fault", "ports"), (("gone", False), ("gone", True), ("silence", False), ("silence", True),
                                              ("crash", True), ("power-loss", True)))
def test_dead_modem_is_unloaded_quickly(modem: Modem, fault: str, ports: bool, how: str) -> None:
    """With all links up, packets on their way, and perhaps all ports open."""
    busy(modem)
    jobs = hang_ups(modem) if ports else []
    modem.fault(f"now:{fault}")
    unloaded_quickly(modem, how)
    all_hung_up(jobs, 1.0)
    for job in modem.jobs:
        job.kill(9)
    revive(modem, fault, how)


@pytest.mark.alone
@pytest.mark.emulator(options=("--idle-sleep", "2"))
@pytest.mark.parametrize("how", COMMANDS)
@pytest.mark.parametrize("fault", DEATHS)
def test_dead_sleeper_is_unloaded_quickly(modem: Modem, fault: str, how: str) -> None:
    """It died in its device sleep, with ports open and links up: nobody says anything, so nobody has found out."""
    modem.up(0, 5)
    jobs = hang_ups(modem)
    modem.wait_line("modem power: asleep", "the modem sleeps")
    modem.fault(f"now:{fault}")
    unloaded_quickly(modem, how)
    all_hung_up(jobs, 1.0)
    revive(modem, fault, how)


@pytest.mark.alone
@pytest.mark.emulator(parameters=("system_sleep=d3",))
@pytest.mark.parametrize("how", COMMANDS)
@pytest.mark.parametrize("fault", DEATHS)
def test_dead_modem_in_d3_is_unloaded_quickly(modem: Modem, fault: str, how: str) -> None:
    """The function sleeps, and the modem does not answer when it is woken to be told good-bye."""
    allow(modem, 0)
    wait_asleep(modem)
    modem.fault(f"now:{fault}")
    unloaded_quickly(modem, how)
    # Only the driver's own device remembers.
    modem.guest.sh(f"[ ! -e {PCI} ] || echo on > {PCI}/power/control")
    revive(modem, fault, how)


@pytest.mark.alone
@pytest.mark.parametrize("how", COMMANDS)
@pytest.mark.parametrize("event", STARTING)
def test_dead_modem_is_unloaded_quickly_while_starting(modem: Modem, event: str, how: str) -> None:
    """It fell silent at some step of the bring-up, and the driver waits for its answer."""
    unbind(modem)
    modem.fault(f"{event}:silence")
    bind(modem)
    wait_fired(modem, 1, event)
    unloaded_quickly(modem, how)
    revive(modem, "silence", how)


class Traffic:
    """Do packets flow on a link that is up, as the modem sees it?"""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem
        self.before = modem.packets_seen()

    def flows(self) -> bool:
        """A session is open now, and packets have passed since the last strike."""
        stats = self.modem.stats()
        return bool(stats["mux"]["sessions_open"]) and self.packets(stats) > self.before

    @staticmethod
    def packets(stats: dict[str, Any]) -> int:
        """Those of all links."""
        return sum(session["ul_packets"] + session["dl_packets"] for session in stats["sessions"])

    def strike(self, event: str) -> None:
        """The modem vanishes at an event of that traffic."""
        fired = self.modem.faults_fired()
        self.modem.fault(f"{event}:gone")
        wait_fired(self.modem, fired + 1, event)
        self.before = self.modem.packets_seen()


def test_hundred_times(modem: Modem, mux: str) -> None:
    """At any instant of what programs do with ports and links; each turn they find the modem again."""
    dice = random.Random(f"removal {mux}")
    modem.guest.forget_leaks()
    programs = [racing_port(modem, "/dev/wwan0at1"), racing_link(modem)]
    holder = racing_hang_ups(modem)
    before = 0
    traffic, struck = Traffic(modem), 0
    for turn in range(REMOVALS):
        holder.wait_open()
        if turn % 10 == 0:
            for program in programs:
                program.wait_progress()
        event = "now"
        if turn % BLIND:
            wait_until(traffic.flows, 20, f"packets flow in turn {turn}", interval=0.002)
            event = dice.choice(("now", f"uplink#{dice.randrange(1, 40)}", f"downlink#{dice.randrange(1, 20)}"))
        else:
            modem.guest.run(["sleep", f"{dice.uniform(0, 0.05):.4f}"])
        struck += traffic.flows()
        traffic.strike(event)
        remove(modem)
        # It does not take a time-out: when the removal is done, they know.
        holder.wait_hung_up(turn + 1)
        modem.control("back")
        rescan(modem)
        if turn == REMOVALS // 10:
            before = memory(modem)
    modem.wait_ready()
    for program in (*programs, holder):
        program.finish()
    assert struck >= STRUCK, "removals were under traffic"
    limit = REMOVALS * LEAK * (4 if modem.kernel.debug else 1)
    assert memory(modem) - before < limit, "KiB lost"
    assert modem.guest.leaks() == ""
    proves_life(modem)


@pytest.mark.parametrize("used", ("port", "link"))
def test_noticed_without_removal(modem: Modem, mux: str, used: str) -> None:
    """No hotplug: while something is open, the driver looks by itself. User space is told, ports hang up, links go."""
    with modem.listening() as events, journal(modem) as states:
        jobs = hang_ups(modem) if used == "port" else []
        if used == "link":
            modem.up(0)
            modem.ping(Address(0).gateway4)
        start = float(modem.guest.read("/proc/uptime").split()[0])
        modem.fault("now:gone")
        states.wait("lost")
        assert states.time("lost") - start <= modem.bound(NOTICE_BOUND)
        events.wait("CD_READY_LINK_DOWN")
        assert events.modem() == ["CD_READY_LINK_DOWN"]
        all_hung_up(jobs, 2.0)
        modem.wait_gone(2.0)
    come_back(modem)
    proves_life(modem)


def test_found_by_who_opens(modem: Modem) -> None:
    """Nothing was open: the first to open a port, or to take the link up, gets an error soon, and the modem is lost."""
    for kind in ("port", "link"):
        with journal(modem) as states:
            modem.fault("now:gone")
            result = timed(modem, kind)
            assert result["error"] in ("ENODEV", "ETIMEDOUT")
            assert result["seconds"] < modem.bound(BOUND[kind])
            states.wait("lost", timeout=2.0)
        modem.wait_gone(2.0)
        come_back(modem)
        proves_life(modem)


def test_writer_that_is_blocked(modem: Modem) -> None:
    """A write() that waits for the modem to take data gets an error when there is no modem any more."""
    modem.control("hold 4")
    writer = modem.spawn("racing", "blocked_writer", steady.AT, 1000)
    modem.fault("now:gone")
    remove(modem)
    assert writer.wait(2.0) == 0
    assert '"error": "ENODEV"' in writer.output() or '"error": "EIO"' in writer.output(), writer.output()
    modem.control("release 4")
    come_back(modem)
    proves_life(modem)


@pytest.mark.parametrize("removed", (False, True), ids=("noticed", "removed"))
@pytest.mark.parametrize("event", STARTING)
def test_gone_while_starting(modem: Modem, event: str, removed: bool) -> None:
    """At each step of the bring-up."""
    with journal(modem) as states:
        unbind(modem)
        modem.fault(f"{event}:gone")
        bind(modem)
        if removed:
            wait_until(lambda: modem.stats()["function"]["gone"], 10, "the modem is gone", interval=0.005)
            remove(modem)
            states.wait("gone")
        else:
            states.wait("lost", timeout=5.0)
            modem.wait_gone(1.0)
    come_back(modem)
    proves_life(modem)


@pytest.mark.parametrize(("event", "kind"), (("open", "port"), ("close", "port"), ("session-open", "link"),
                                             ("session-close", "link")))
def test_gone_while_opening(modem: Modem, mux: str, event: str, kind: str) -> None:
    """It vanishes instead of answering: an error within the bound, or success of what need not fail."""
    modem.fault(f"{event}:gone")
    with journal(modem) as states:
        result = timed(modem, kind)
        assert result["seconds"] < modem.bound(BOUND[kind])
        if "close" in event:
            assert result["error"] == ""
        else:
            assert result["error"] in ("ENODEV", "ETIMEDOUT")
        states.wait("lost", timeout=modem.bound(NOTICE_BOUND))
    modem.wait_gone(2.0)
    come_back(modem)
    proves_life(modem)


def test_data_outlives_the_modem(modem: Modem, mux: str) -> None:
    """What a socket has received can be read when the modem that received it is long gone."""
    pools.watch(modem)
    modem.up(0)
    modem.serve("steady", "complement", Address(0).gateway4, 7310)
    keeper = modem.spawn("late", "reader", Address(0).host4, Address(0).gateway4, 7310, 40)
    # Another CPU than the one that gets the interrupts
    modem.guest.sh(f"taskset -cp $(($(nproc) - 1)) {keeper.pid}")
    modem.fault("now:gone")
    remove(modem)
    modem.wait_gone(1.0)
    keeper.kill(signal.SIGTERM)
    assert keeper.wait(5.0) == 0
    assert keeper.output().splitlines()[-1] == "40"
    pools.wait_home(modem)
    come_back(modem)
    proves_life(modem)
