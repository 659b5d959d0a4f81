# SPDX-License-Identifier: GPL-2.0
"""The log of the modem: switched on and off, read from a relay file, over crashes, resets and sleeps.

Implements the check of protocol.rst 4.2 (trace) and 8.7.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from iosmlib.bench import GuestError, Job, wait_until
from testlib import steady
from testlib.modem import STATE, Address, Modem
from testlib.recovery import bind, proves_life, remove, rescan, reset, unbind

LINK = "/sys/kernel/debug/wwan/wwan0/iosm"
OWN = STATE.rpartition("/")[0]
CTRL = "trace_ctrl"
DATA = "trace0"
SUBBUFFER = 131072
CAPACITY = 32 * SUBBUFFER
UNIT = 8192
PIPE = "7"

pytestmark = pytest.mark.emulator(options=("--trace-rate", "0"))


class Log:
    """The log from now on: all that was logged before is read, or was never there."""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem
        self.switch(False)
        self.read()
        self.sent = self.modem.stats()["trace"]
        self.got = self.counters()

    def counters(self) -> dict[str, int]:
        """What the driver counts."""
        state = self.modem.state()
        return {name: int(state[f"log {name}"]) for name in ("units", "bytes", "units lost", "units bad")}

    def since(self) -> tuple[dict[str, int], dict[str, int]]:
        """What was sent since the beginning, and what the driver made of it."""
        sent, got = self.modem.stats()["trace"], self.counters()
        return ({name: sent[name] - self.sent[name] for name in sent}, {name: got[name] - self.got[name] for name in got})

    def write(self, text: str) -> str:
        """To the switch; the error."""
        return str(self.modem.call("fwlog", "write", f"{OWN}/{CTRL}", text))

    def switch(self, on: bool) -> None:
        """On or off."""
        assert self.write(f"{int(on)}\n") == ""

    def is_on(self) -> bool:
        """What the switch says."""
        return {"0\n": False, "1\n": True}[self.modem.guest.read(f"{OWN}/{CTRL}")]

    def log(self, amount: int) -> None:
        """The firmware logs so many bytes; until the driver has seen them."""
        self.modem.control(f"trace {amount}")
        self.settle()

    def settle(self) -> None:
        """Until the driver has seen all that was sent."""
        def settled() -> bool:
            sent, got = self.since()
            return sent["units"] - sent["dropped"] == got["units"] + got["units lost"] + got["units bad"]

        try:
            wait_until(settled, 30, "the driver has seen the log")
        except GuestError as error:
            raise GuestError(f"{error}: {self.since()}") from error

    def read(self) -> dict[str, Any]:
        """All that can be read now."""
        result = dict(self.modem.call("fwlog", "read_all", f"{OWN}/{DATA}"))
        assert (result["wrong"], result["error"]) == ("", "")
        return result

    def expect(self, result: dict[str, Any], runs: list[list[int]]) -> None:
        """Frames of these numbers were read, and nothing else."""
        assert (result["wrong"], result["error"], result["runs"]) == ("", "", runs)
        assert result["frames"] == sum(last - first + 1 for first, last in runs)


class Follower:
    """A tool that reads all the time."""

    def __init__(self, modem: Modem, path: str = f"{LINK}/{DATA}") -> None:
        self.job: Job = modem.spawn("fwlog", "follow", path)

    def frames(self) -> int:
        """How many it has read so far."""
        numbers = [line for line in self.job.output().splitlines() if line.isdigit()]
        return int(numbers[-1]) if numbers else 0

    def wait(self, frames: int) -> None:
        """Until it has read so many."""
        wait_until(lambda: self.frames() >= frames, 30, f"{frames} frames are read")

    def result(self) -> dict[str, Any]:
        """What it read; it ends by itself."""
        assert self.job.wait(30.0) == 0
        return dict(json.loads(self.job.output().splitlines()[-1]))

    def finish(self) -> dict[str, Any]:
        """The same, now."""
        self.job.kill(signal.SIGTERM)
        return self.result()


@pytest.fixture
def log(modem: Modem) -> Log:
    """A log that is switched off."""
    return Log(modem)


def first_number(modem: Modem) -> int:
    """The number of the next frame."""
    return int(modem.stats()["trace"]["next"])


@pytest.mark.emulator(fresh=True)
def test_off_by_default(modem: Modem) -> None:
    """Files with the right modes, no open channel, nothing to read."""
    assert modem.guest.sh(f"stat -c '%a %u' {LINK}/{CTRL} {LINK}/{DATA}").out.split() == ["600", "0", "400", "0"]
    assert modem.guest.read(f"{LINK}/{CTRL}") == "0\n"
    assert modem.call("fwlog", "read_all", f"{LINK}/{DATA}")["bytes"] == 0
    assert PIPE not in modem.stats()["pipes"]
    assert modem.stats()["trace"]["opened"] == 0
    modem.guest.sh(f"[ {LINK}/{CTRL} -ef {OWN}/{CTRL} ] && [ {LINK}/{DATA} -ef {OWN}/{DATA} ]")


@pytest.mark.parametrize("device", ("7560", "7360"))
@pytest.mark.emulator(fresh=True)
def test_on_and_off(modem: Modem, device: str) -> None:
    """What the firmware logs while it is on can be read, and nothing else comes."""
    log = Log(modem)
    first = 0
    for amount in (100, 100000, 1):
        log.switch(True)
        assert log.is_on()
        assert modem.stats()["pipes"][PIPE]["open"]
        log.log(amount)
        log.switch(True)
        log.switch(False)
        assert not log.is_on()
        assert not modem.stats()["pipes"][PIPE]["open"]
        after = first_number(modem)
        log.expect(log.read(), [[first, after - 1]])
        first = after
    log.switch(False)
    sent, got = log.since()
    assert (sent["opened"], sent["uplink"]) == (3, 0)
    assert got == {"units": sent["units"], "bytes": sent["bytes"], "units lost": 0, "units bad": 0}


def test_bad_words(modem: Modem, log: Log) -> None:
    """Only 0 and 1 are good; others change nothing, whether it is on or off."""
    for on in (False, True):
        log.switch(on)
        errors = [log.write(text) for text in ("2", "-1", "10", "x", "1x", " ", "0x1", "4294967296")]
        assert errors == ["EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "ERANGE"]
        assert log.is_on() == on
        assert modem.stats()["pipes"].get(PIPE, {"open": False})["open"] == on
    log.switch(False)


def test_refused(modem: Modem, log: Log) -> None:
    """The modem does not want to: an error for whoever asked, and it stays off."""
    modem.fault("open:refuse")
    assert log.write("1") == "EIO"
    assert not log.is_on()
    first = first_number(modem)
    log.switch(True)
    log.log(1000)
    log.expect(log.read(), [[first, first_number(modem) - 1]])


def test_while_reading(modem: Modem, log: Log) -> None:
    """Several times what the buffer holds, in order and complete, by a reader that keeps up."""
    first = first_number(modem)
    log.switch(True)
    reader = Follower(modem)
    for _ in range(20):
        log.log(CAPACITY // 8)
        reader.wait(first_number(modem) - first)
    log.expect(reader.finish(), [[first, first_number(modem) - 1]])
    _, got = log.since()
    assert got["bytes"] > 2 * CAPACITY
    assert (got["units lost"], got["units bad"]) == (0, 0)


def test_nobody_reads(modem: Modem, log: Log) -> None:
    """A full buffer keeps what it has; units that come then are lost as a whole, and counted. It goes on afterwards."""
    first = first_number(modem)
    log.switch(True)
    log.log(CAPACITY + 100 * UNIT)
    _, got = log.since()
    # A sub-buffer ends where the next unit does not fit.
    assert CAPACITY - 32 * UNIT <= got["bytes"] <= CAPACITY
    assert got["units lost"] >= 90
    result = log.read()
    assert result["bytes"] == got["bytes"]
    assert [run[0] for run in result["runs"]] == [first], result["runs"]
    lost_until = first_number(modem)
    assert result["runs"][0][1] < lost_until - 1

    log.log(50000)
    log.expect(log.read(), [[lost_until, first_number(modem) - 1]])
    log.switch(False)


def test_poll(modem: Modem, log: Log) -> None:
    """Who waits in poll() is told of a full sub-buffer, and of the rest when it is switched off."""
    log.switch(True)
    for more in (lambda: log.log(2 * SUBBUFFER), lambda: (log.log(1000), log.switch(False))):
        log.read()
        job = modem.spawn("fwlog", "wait_readable", f"{LINK}/{DATA}", 20.0)
        more()
        assert job.wait(25.0) == 0
        assert json.loads(job.output().splitlines()[-1]) == {"before": [], "after": [1]}
    log.read()


@pytest.mark.parametrize("device", ("7560", "7360"))
def test_under_load(modem: Modem, device: str) -> None:
    """Packets, AT commands and the log at the same time; nothing is lost of anything."""
    log = Log(modem)
    first = first_number(modem)
    modem.up(0)
    work = [steady.commands(modem), steady.datagrams(modem)]
    log.switch(True)
    reader = Follower(modem)
    for _ in range(10):
        log.log(CAPACITY // 8)
        for each in work:
            each.wait_progress()
        reader.wait(first_number(modem) - first)
        log.switch(False)
        log.switch(True)
    for each in work:
        each.goes_on()
    log.expect(reader.finish(), [[first, first_number(modem) - 1]])
    modem.ping(Address(0).gateway4)


@pytest.mark.emulator(options=("--trace-rate", "1000000"))
def test_switching_while_it_flows(modem: Modem) -> None:
    """On and off in the middle of units; what is read has gaps only where it was off, and all that the modem delivered."""
    log = Log(modem)
    reader = Follower(modem)
    for _ in range(30):
        log.switch(True)
        before = log.counters()["units"]
        wait_until(lambda before=before: log.counters()["units"] > before, 10, "something is logged")
        log.switch(False)
    result = reader.finish()
    sent, got = log.since()
    assert sent["units"] - sent["dropped"] == got["units"]
    assert (result["wrong"], result["error"], result["bytes"]) == ("", "", got["bytes"])
    assert len(result["runs"]) <= 30
    assert (got["units lost"], got["units bad"]) == (0, 0)


RESTARTS: dict[str, Callable[[Modem], None]] = {
    "crash": lambda modem: modem.fault("now:crash=100"),
    "reboot": lambda modem: modem.fault("now:reboot"),
    "reset": reset,
}


@pytest.mark.parametrize("how", RESTARTS)
def test_restart(modem: Modem, log: Log, how: str) -> None:
    """It stays on; what was not read yet is there afterwards, and a reader goes on with the same open file."""
    reader = Follower(modem)
    first = first_number(modem)
    log.switch(True)
    log.log(100000)
    reader.wait(first_number(modem) - first)
    middle = first_number(modem)
    reader.job.kill(signal.SIGSTOP)
    log.log(50000)
    last = first_number(modem)

    opened = modem.stats()["trace"]["opened"]
    generation = modem.stats()["generation"]
    RESTARTS[how](modem)
    wait_until(lambda: modem.stats()["generation"] > generation, 20, "the modem restarts")
    wait_until(lambda: modem.stats()["trace"]["opened"] == opened + 1, 20, "the channel is open again")
    modem.wait_ready()
    modem.wait_state("online")
    assert log.is_on()
    assert modem.guest.read(f"{LINK}/{CTRL}") == "1\n"
    log.log(70000)
    reader.job.kill(signal.SIGCONT)
    log.expect(reader.finish(), [[first, last - 1], [0, first_number(modem) - 1]])
    assert middle < last
    proves_life(modem)


def test_no_modem(modem: Modem, log: Log) -> None:
    """While there is no firmware it cannot be switched on; if it is on, it can be switched off."""
    modem.fault("now:crash=3000")
    modem.wait_state("crashed")
    assert log.write("1") == "EIO"
    assert not log.is_on()
    modem.wait_ready()
    modem.wait_state("online")

    log.switch(True)
    opened = modem.stats()["trace"]["opened"]
    modem.fault("now:crash=3000")
    modem.wait_state("crashed")
    assert log.is_on()
    assert log.write("1") == ""
    log.switch(False)
    assert not log.is_on()
    modem.wait_ready()
    modem.wait_state("online")
    assert modem.stats()["trace"]["opened"] == opened
    assert not modem.stats()["pipes"][PIPE]["open"]


@pytest.mark.emulator(options=("--trace-rate", "1000000"))
def test_unbind_while_reading(modem: Modem) -> None:
    """The driver goes while the log flows and somebody reads: the reader gets an error, nothing is left behind."""
    for leave, come in ((unbind, bind), (lambda modem: modem.unload(), lambda modem: modem.load())):
        reader = Follower(modem)
        modem.guest.sh(f"echo 1 > {LINK}/{CTRL}")
        reader.wait(1000)
        leave(modem)
        result = reader.result()
        assert result["error"] == "EIO"
        assert [first for first, _ in result["runs"][1:]] == []
        assert not modem.guest.exists(OWN)
        assert not modem.guest.exists(LINK)
        assert not modem.stats()["pipes"][PIPE]["open"]
        come(modem)
        proves_life(modem)
        assert modem.guest.read(f"{LINK}/{CTRL}") == "0\n"


def pulled_out(modem: Modem) -> None:
    """The modem goes, and is plugged in again."""
    modem.fault("now:gone")
    remove(modem)
    modem.control("back")
    rescan(modem)


def unbound_after_crash(modem: Modem) -> None:
    """The driver goes before it could do something for a modem that crashed."""
    modem.fault("now:crash")
    unbind(modem)
    reset(modem)
    bind(modem)


def rebound(modem: Modem) -> None:
    """The driver goes and comes back."""
    unbind(modem)
    bind(modem)


REMOVALS = (rebound, pulled_out, unbound_after_crash)


def taken(modem: Modem) -> int:
    """Bytes that are not free, without what could be given back; pages of a relay file are in no other sum."""
    modem.guest.sh("sync; echo 3 > /proc/sys/vm/drop_caches")
    sizes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in
                                                                modem.guest.read("/proc/meminfo").splitlines())}
    return 1024 * (sizes["MemTotal"] - sizes["MemFree"])


def buffers(modem: Modem) -> int:
    """Relay buffers that are mapped."""
    return modem.guest.read("/proc/vmallocinfo").count("relay_")


@pytest.mark.emulator(options=("--trace-rate", "1000000"))
def test_removed_while_on(modem: Modem) -> None:
    """Nobody switches it off first, and each time the buffer goes with the driver; every other time somebody reads."""
    before = mapped = 0
    for turn in range(10 * len(REMOVALS)):
        modem.wait_ready()
        if turn == 2 * len(REMOVALS):
            before, mapped = taken(modem), buffers(modem)
        modem.guest.sh(f"echo 1 > {OWN}/{CTRL}")
        reader = Follower(modem, f"{OWN}/{DATA}") if turn % 2 else None
        modem.guest.wait_for(f"grep -qE '^log units: *[1-9]' {STATE}", what="something is logged")
        assert buffers(modem) > 0
        REMOVALS[turn % len(REMOVALS)](modem)
        if reader:
            assert reader.result()["error"] == "EIO"
        assert modem.guest.read(f"{OWN}/{CTRL}") == "0\n"
    modem.wait_ready()
    assert buffers(modem) == mapped
    # A way that loses its buffer does so eight times in between.
    assert taken(modem) - before < 2 * CAPACITY, "bytes lost"
    proves_life(modem)


@pytest.mark.parametrize("kind", ("freeze", "mem"))
@pytest.mark.emulator(options=("--trace-rate", "20000"), sleep=True)
def test_sleep(modem: Modem, kind: str) -> None:
    """The machine sleeps while it is on; it is on afterwards, and nothing is missing."""
    log = Log(modem)
    log.switch(True)
    reader = Follower(modem)
    reader.wait(10)
    with modem.asleep(kind):
        pass
    modem.wait_state("online")
    assert log.is_on()
    reader.wait(reader.frames() + 100)
    log.switch(False)
    log.settle()
    result = reader.finish()
    assert (result["wrong"], result["error"], len(result["runs"])) == ("", "", 1)
