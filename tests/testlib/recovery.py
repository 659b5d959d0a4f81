# SPDX-License-Identifier: GPL-2.0
"""A modem that fails, and comes back: what happens to it, who gets in the way, and what the driver made of it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from iosmlib.bench import Job, wait_until

from .modem import PCI, Address, Modem
from .steady import AT

FUNCTION = "0000:00:00.0"
DRIVER = "/sys/bus/pci/drivers/iosm"
TRACING = "/sys/kernel/tracing"
MOVE = re.compile(r"\s(\d+\.\d+): iosm_state: \S+ (.+) -> (.+)$", re.M)
HUNG_UP = {"read": "EIO", "write": "ENODEV", "hangup": True}

# Seconds that one system call may take while the modem is dead or in recovery. Each open or close is at most two requests
# of a second; a link waits for its session, too; and who comes second waits for the one before.
PORT_BOUND = 5.0
LINK_BOUND = 7.0

AUTOSUSPEND_DELAY = 20	# milliseconds, where a test does not say something else

# The same when nobody else is in the way: a port opens with two requests, a link with two and a command.
BOUND = {"port": 2.0, "link": 3.0}


def proves_life(modem: Modem) -> None:
    """All ports and links are there under their names, and work."""
    modem.wait_ready()
    nodes = modem.guest.sh("cd /dev && ls -d wwan*").out.split()
    assert sorted(nodes) == sorted(modem.ports())
    modem.up(0, 3)
    pairs = [Address(session).pair(4) for session in (0, 3)]
    assert modem.call("alive", "problems", AT, pairs) == []
    modem.guest.sh("ip link del wwan0-3 && ip link set wwan0 down")


def uptime(modem: Modem) -> float:
    """Seconds of the guest, as in a journal."""
    return float(modem.guest.read("/proc/uptime").split()[0])


def index(modem: Modem) -> int:
    """Of the default link: another one means that it was withdrawn in between."""
    return int(modem.link("wwan0")["ifindex"])


def wait_replaced(modem: Modem, before: int, timeout: float = 20.0) -> None:
    """Until the default link was withdrawn, and is there again with everything else."""
    modem.wait_replaced(before, timeout)
    modem.wait_ready(timeout)


def wait_fired(modem: Modem, count: int, what: str) -> None:
    """Until so many faults came to pass."""
    wait_until(lambda: modem.faults_fired() >= count, 20.0, f"the last fault of {what} fires", interval=0.05)


# What the PCI core is told through sysfs; all return when it is done.

def bind(modem: Modem) -> None:
    """Probe the modem."""
    modem.guest.sh(f"echo {FUNCTION} > {DRIVER}/bind")


def unbind(modem: Modem) -> None:
    """Take the driver away."""
    modem.guest.sh(f"echo {FUNCTION} > {DRIVER}/unbind")


def reset(modem: Modem) -> None:
    """Function-level reset."""
    modem.guest.sh(f"echo 1 > {PCI}/reset")


def remove(modem: Modem) -> None:
    """What hotplug does when the modem is gone."""
    modem.guest.sh(f"echo 1 > {PCI}/remove")


def rescan(modem: Modem) -> None:
    """Look for devices on the bus."""
    modem.guest.sh("echo 1 > /sys/bus/pci/rescan")


def come_back(modem: Modem) -> None:
    """The modem is plugged in again; its place on the bus has to be given out anew."""
    if modem.stats()["function"]["gone"]:
        modem.control("back")
    if modem.guest.exists(PCI):
        remove(modem)
    rescan(modem)


# Runtime PM of the function, which needs the PM core and the modem to agree.

def allow(modem: Modem, delay: int = AUTOSUSPEND_DELAY) -> None:
    """Let the function sleep, after so many milliseconds without a user."""
    modem.guest.sh(f"echo {delay} > {PCI}/power/autosuspend_delay_ms; echo auto > {PCI}/power/control")


def in_d3(modem: Modem) -> bool:
    """Is the function in D3hot, as the modem sees it?"""
    return bool(modem.stats()["function"]["d3"])


def enters_d3(modem: Modem) -> None:
    """Until the function sleeps, as the modem sees it."""
    wait_until(lambda: in_d3(modem), 10, "the function enters D3")


def wait_asleep(modem: Modem) -> None:
    """Until the function sleeps, in the eyes of both."""
    enters_d3(modem)
    modem.guest.wait_files("the function is suspended", lines=[(f"{PCI}/power/runtime_status", "suspended", 1)])


def entries(modem: Modem) -> int:
    """How often it slept."""
    return int(modem.stats()["function"]["d3_entries"])


@dataclass(frozen=True)
class Move:
    """A change of the driver's state, in seconds of the guest's CLOCK_MONOTONIC."""

    time: float
    before: str
    after: str


class Journal:
    """The tracepoint of the driver's state."""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem

    def moves(self) -> list[Move]:
        """All changes so far."""
        text = self.modem.guest.read(f"{TRACING}/trace")
        return [Move(float(time), before, after) for time, before, after in MOVE.findall(text)]

    def states(self) -> list[str]:
        """What was entered, in order."""
        return [move.after for move in self.moves()]

    def before(self, state: str) -> list[str]:
        """What was entered before a state was for the first time; others may have followed since."""
        states = self.states()
        return states[:states.index(state)]

    def time(self, state: str) -> float:
        """When it entered a state for the first time."""
        return next(move.time for move in self.moves() if move.after == state)

    def wait(self, state: str, times: int = 1, timeout: float = 20.0) -> None:
        """Until a state was entered so often."""
        self.modem.guest.wait_files(f"the state becomes {state}", timeout=timeout,
                                    lines=[(f"{TRACING}/trace", f".*iosm_state: .* -> {state}", times)])

    def forget(self) -> None:
        """Begin anew."""
        self.modem.guest.sh(f"echo > {TRACING}/trace")


@contextlib.contextmanager
def journal(modem: Modem) -> Iterator[Journal]:
    """Keep a journal during the block."""
    modem.guest.sh(f"cd {TRACING} && echo mono > trace_clock && echo > trace && echo 1 > events/iosm/iosm_state/enable")
    try:
        yield Journal(modem)
    finally:
        modem.guest.sh(f"cd {TRACING} && echo 0 > events/iosm/iosm_state/enable && echo > trace && echo local > trace_clock",
                       check=False)


class Racer:
    """One of the endless loops of tests/peer/racing.py: it minds no error, but measures how long each call takes."""

    def __init__(self, job: Job, bound: float) -> None:
        self.job = job
        self.bound = bound

    def progress(self) -> int:
        """How many rounds went well."""
        return self.job.output().count(".")

    def wait_progress(self, rounds: int = 1, timeout: float = 20.0) -> None:
        """Until some more rounds went well."""
        before = self.progress()
        wait_until(lambda: self.progress() >= before + rounds, timeout, f"{' '.join(self.job.argv[1:3])} goes well")

    def finish(self) -> dict[str, Any]:
        """Tell it to stop. No call may have taken longer than its bound, and only errors that are documented were seen."""
        self.job.kill(signal.SIGTERM)
        assert self.job.wait(self.bound + 10.0) == 0
        result = dict(json.loads(self.job.output().splitlines()[-1]))
        assert result["longest"] < self.bound, f"{result['slowest']} took too long: {result}"
        assert not result["unexpected"], result
        return result


def racing_port(modem: Modem, device: str = AT) -> Racer:
    """Opens a port, talks, and closes it, again and again."""
    return Racer(modem.spawn("racing", "port", device), modem.bound(PORT_BOUND))


def racing_link(modem: Modem, name: str = "wwan0") -> Racer:
    """Takes a link up and down, and sends a little, again and again."""
    return Racer(modem.spawn("racing", "link", name, Address(0).host4, Address(0).gateway4), modem.bound(LINK_BOUND))


class HangUps(Racer):
    """Somebody who holds a port open, and opens it again when it has hung up."""

    def wait_open(self, timeout: float = 20.0) -> None:
        """Until it holds the port."""
        wait_until(lambda: self.job.output().count("o") > self.progress(), timeout, "the port is held")

    def wait_hung_up(self, times: int, timeout: float = 2.0) -> None:
        """Until it hung up so often, for both."""
        wait_until(lambda: self.progress() >= times, timeout, f"the port hangs up for the {times}. time")

    def finish(self) -> dict[str, Any]:
        """It cannot be told while it waits for a hang-up."""
        self.job.kill(signal.SIGKILL)
        self.job.wait()
        return {}


def racing_hang_ups(modem: Modem, device: str = AT) -> HangUps:
    """Holds a port, with a blocked reader and a poller."""
    return HangUps(modem.spawn("racing", "hang_ups", device), modem.bound(PORT_BOUND))


@contextlib.contextmanager
def racers(modem: Modem) -> Iterator[list[Racer]]:
    """Programs that open ports and links take part in the block, and are well before and after it."""
    all_of_them = [racing_port(modem, f"/dev/{name}") for name, kind in modem.ports().items() if kind == "AT"]
    all_of_them.append(racing_link(modem))
    for racer in all_of_them:
        racer.wait_progress()
    yield all_of_them
    modem.wait_ready()
    for racer in all_of_them:
        racer.wait_progress()
    for racer in all_of_them:
        racer.finish()


def timed(modem: Modem, kind: str) -> dict[str, Any]:
    """Open and close a port, or take a link up and down: the error, and the seconds of the longest call."""
    if kind == "port":
        return dict(modem.call("opening", "timed", AT))
    return dict(modem.call("racing", "timed_link", "wwan0"))


def hang_ups(modem: Modem) -> list[Job]:
    """A blocked reader and a poller on each port, which wait for it to hang up."""
    return [modem.spawn("ports", "wait_hangup", f"/dev/{name}", 20.0) for name in modem.ports()]


def all_hung_up(jobs: list[Job], timeout: float = 15.0) -> None:
    """They did."""
    for job in jobs:
        assert job.wait(timeout) == 0
        assert json.loads(job.output().splitlines()[-1]) == HUNG_UP
