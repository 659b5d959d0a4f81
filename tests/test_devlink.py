# SPDX-License-Identifier: GPL-2.0
"""What the driver says of a modem's health, and what a user can do about it: devlink's reporter "fw", and debugfs.

Implements the check of protocol.rst 2.2, 3.2 to 3.4 and 10.6, as far as people see it.
"""

from __future__ import annotations

import json
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from iosmlib.bench import Job, Result, wait_until
from testlib.modem import PCI, STATE, Address, Modem

HANDLE = "pci/0000:00:00.0"
DRIVER = "/sys/bus/pci/drivers/iosm"
AT = "/dev/wwan0at0"

STAGE_RUN, STAGE_CRASH = 0x600DF00D, 0x8BADF00D
# Where things are in the dump; protocol.rst 3.2 to 3.4.
STATUS_OFFSET, CONTROL_ENTRIES = 64, 128
OPEN, SLEEP, FEATURES = 0x01, 0x04, 0xF0
PENDING, SUCCESS = 0, 1
CRASH_GRACE = 3000		# ms that a crashed modem has to restart by itself
ATTEMPTS = 5			# starts before the driver gives up
REFUSES = tuple(f"features#{count}:refuse" for count in range(1, ATTEMPTS + 1))


@dataclass(frozen=True)
class Reporter:
    """What "devlink health show" says."""

    state: str
    errors: int
    recoveries: int
    automatic: bool
    dump: bool


class Health:
    """The reporter of a modem."""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem

    def devlink(self, *words: str, timeout: float = 30.0, check: bool = True) -> Result:
        """devlink health COMMAND... of this reporter; further words go to the end."""
        argv = ["devlink", "-j", "health", *words[:1 + (words[0] == "dump")], HANDLE, "reporter", "fw",
                *words[1 + (words[0] == "dump"):]]
        return self.modem.guest.run(argv, timeout=timeout, check=check)

    def show(self) -> Reporter:
        """Its counters."""
        row, = json.loads(self.devlink("show").out)["health"][HANDLE]
        assert (row["reporter"], row["grace_period"], row["auto_dump"]) == ("fw", 0, True)
        return Reporter(row["state"], row["error"], row["recover"], row["auto_recover"], "last_dump_date" in row)

    def wait(self, state: str, *, recoveries: int = 0, timeout: float = 20.0) -> Reporter:
        """Until it is healthy, or in error, and has seen so many recoveries."""
        found: list[Reporter] = []

        def reached() -> bool:
            found[:] = [self.show()]
            return found[0].state == state and found[0].recoveries >= recoveries

        wait_until(reached, timeout, f"the reporter says {state}")
        return found[0]

    def diagnose(self) -> dict[str, Any]:
        """All values now."""
        return dict(json.loads(self.devlink("diagnose").out))

    def dump(self) -> dict[str, Any]:
        """All values of the last failure."""
        return dict(json.loads(self.devlink("dump", "show").out))

    def recover(self, timeout: float = 60.0, check: bool = True) -> Result:
        """What a user does."""
        return self.devlink("recover", timeout=timeout, check=check)

    def automatic(self, on: bool) -> None:
        """May a failure lead to a reset?"""
        self.devlink("set", "auto_recover", "true" if on else "false")


@pytest.fixture
def health(modem: Modem) -> Health:
    """A reporter that has seen nothing yet, of a modem that is well."""
    modem.control("clear")
    modem.unload()
    modem.load()
    modem.wait_ready()
    return Health(modem)


def proves_life(modem: Modem) -> None:
    """Ports and links work; the link is down again."""
    modem.proves_life()
    modem.down(0)


def cannot_open(modem: Modem) -> None:
    """A port is opened in vain."""
    assert not modem.guest.sh(f"exec 3<>{AT}", check=False).ok


def notice(modem: Modem) -> None:
    """Something is said to the modem, so that the driver finds out how it is."""
    modem.guest.sh(f"exec 3<>{AT}", check=False)


# What is shown

def test_reporter_from_probe_to_remove(modem: Modem, health: Health) -> None:
    """A new reporter is healthy; it goes with the driver, and so does the directory in debugfs."""
    assert health.show() == Reporter("healthy", errors=0, recoveries=0, automatic=True, dump=False)
    assert modem.state()["failures"] == "0"
    assert "last failure" not in modem.state()
    modem.unload()
    assert modem.guest.run(["devlink", "dev"]).out == ""
    assert not modem.guest.exists("/sys/kernel/debug/iosm")
    modem.load()
    assert modem.guest.run(["devlink", "dev"]).out.strip() == HANDLE


def as_lines(values: dict[str, Any]) -> dict[str, str]:
    """Values of "diagnose" as debugfs shows them."""
    lines = {}
    for name, value in values.items():
        if name == "pipes":
            lines.update({f"pipe {pipe['pipe']} {key}": text for pipe in value
                          for key, text in as_lines(pipe).items() if key != "pipe"})
        else:
            lines[name] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return lines


def test_diagnose_and_debugfs_say_the_same(modem: Modem, health: Health) -> None:
    """With a link up and a port open, so that there is something to say."""
    modem.up(0)
    port = modem.spawn("ports", "wait_hangup", AT, 60.0)
    modem.guest.wait_files("two channels are open", lines=[(STATE, "open channels: 2", 1), (STATE, "poll: idle", 1)])
    diagnosed, read = as_lines(health.diagnose()), modem.state()
    assert list(diagnosed) == list(read)
    # The clock goes on; the modem may fall asleep; everything else stands still.
    for name in ("time (ms)", "interrupts"):
        assert int(diagnosed.pop(name)) <= int(read.pop(name))
    assert diagnosed == read
    port.kill(signal.SIGKILL)


def test_values_are_those_of_the_modem(modem: Modem, health: Health) -> None:
    """What the driver believes and what the modem says of itself."""
    started = modem.stats()
    modem.up(0)
    modem.ping(Address(0).gateway4, [56] * 10)
    values, stats = health.diagnose(), modem.stats()
    assert (values["state"], values["session"], values["stage"], values["IPC state"]) == \
        ("online", "running", f"0x{STAGE_RUN:08x}", "0x00000002")
    assert values["shared stage"] == values["stage"]
    # Two requests of the start, and those for the link.
    messages = 2 + sum(stats["messages"].values()) - sum(started["messages"].values())
    assert {values[name] for name in ("requests", "control head", "control tail", "control shared head",
                                      "control shared tail")} == {messages}
    assert {values[name] for name in ("requests late", "requests refused", "requests timed out", "requests repeated")} == {0}
    up, down = values["pipes"]
    assert (up["pipe"], down["pipe"]) == (0, 1)
    for pipe in (up, down):
        assert pipe["posted"] == (pipe["head"] - pipe["tail"]) % pipe["entries"]
        assert pipe["shared tail"] == pipe["tail"]
        assert pipe["bad units"] == 0
    # Nothing is on its way up; all buffers but some that the modem was not told of yet are down there.
    assert (up["posted"], up["rung"]) == (0, up["head"])
    assert down["entries"] // 2 <= down["posted"] < down["entries"]


@dataclass(frozen=True)
class Case:
    """How the driver gets into a state."""

    faults: tuple[str, ...]
    say: Callable[[Modem], None] | None = None
    accessible: bool = True


CASES = {
    "crashed": Case(("now:crash",)),
    "crashed, dump ready": Case(("now:dump=50",)),
    "failed": Case(("features*:refuse", "now:crash=50")),
    "lost": Case(("now:gone",), notice, accessible=False),
}


@pytest.mark.emulator(fresh=True)
@pytest.mark.parametrize("state", CASES)
def test_bad_state(modem: Modem, health: Health, state: str) -> None:
    """Each bad state can be seen, and does not go away by itself without automatic recovery; then the user's turn."""
    case = CASES[state]
    health.automatic(False)
    modem.fault(*case.faults)
    if case.say:
        case.say(modem)
    modem.wait_state(state)
    values = health.diagnose()
    assert values["state"] == state
    assert values["session"] == "none"
    assert (values["stage"] != "not accessible") == case.accessible
    assert values["modem power"] == "halted"
    assert values["pipes"] == []
    assert values["failures"] >= 1
    assert health.wait("error").recoveries == 0
    assert modem.stats()["flr"] == 0

    modem.control("clear")
    if state == "lost":
        modem.control("back")
    health.recover()
    report = health.show()
    assert (report.state, report.recoveries, report.automatic, report.dump) == ("healthy", 1, False, True)
    proves_life(modem)


@pytest.mark.emulator(load=False)
def test_boot_rom(modem: Modem) -> None:
    """A modem that boots is not ill."""
    health = Health(modem)
    modem.fault("now:boot=6000")
    modem.load()
    modem.wait_state("boot ROM")
    assert health.diagnose()["state"] == "boot ROM"
    modem.wait_ready()
    assert health.show() == Reporter("healthy", errors=0, recoveries=0, automatic=True, dump=False)


@pytest.mark.emulator(load=False)
def test_starting(modem: Modem) -> None:
    """A start that takes long: where it stands."""
    modem.fault("init:late=3000")
    modem.load()
    modem.wait_state("starting")
    modem.wait_line("start step: init", "the driver waits for INIT")
    values = Health(modem).diagnose()
    assert (values["state"], values["start step"], values["session"]) == ("starting", "init", "none")
    modem.wait_ready()
    modem.wait_state("online")
    assert "start step" not in modem.state()


def test_looking_wakes_nobody(modem: Modem, health: Health) -> None:
    """A function in D3 stays there, and its registers are not touched (the modem would complain)."""
    modem.guest.sh(f"echo 10 > {PCI}/power/autosuspend_delay_ms; echo auto > {PCI}/power/control")
    modem.wait_state("suspended")
    wait_until(lambda: modem.stats()["function"]["d3"], 10, "the function is in D3")
    entries = modem.stats()["function"]["d3_entries"]
    for _ in range(5):
        values = health.diagnose()
        assert (values["state"], values["stage"], values["IPC state"]) == ("suspended", "not accessible", "not accessible")
        assert modem.state()["state"] == "suspended"
        health.dump()
    stats = modem.stats()["function"]
    assert (stats["d3"], stats["d3_entries"]) == (True, entries)
    modem.guest.sh(f"echo on > {PCI}/power/control")
    modem.wait_state("online")
    assert health.show().state == "healthy"
    proves_life(modem)


# Dumps

@dataclass(frozen=True)
class Entry:
    """An entry of the control ring."""

    kind: int
    argument: int
    entries: int
    status: int


def control_ring(dump: dict[str, Any]) -> list[Entry]:
    """The control ring in a dump."""
    data = bytes(dump["control ring"])
    assert len(data) == CONTROL_ENTRIES * 24
    return [Entry(kind, argument, entries, status) for _, entries, argument, kind, _, _, status in
            struct.iter_unpack("<QHBBIII", data)]


def shared_status(dump: dict[str, Any]) -> tuple[int, int, int]:
    """Stage, IPC state and sleep notification in a dump."""
    return struct.unpack_from("<III", bytes(dump["shared block"]), STATUS_OFFSET)


def test_dump_of_a_healthy_modem(modem: Modem, health: Health) -> None:
    """Nothing has failed: it shows the modem of now, and is kept until it is cleared, as devlink does with dumps."""
    dump = health.dump()
    assert "reason" not in dump
    assert (dump["state"], dump["failures"], dump["requests"]) == ("online", 0, 2)
    assert [entry.kind for entry in control_ring(dump)[:3]] == [SLEEP, FEATURES, 0]
    modem.up(0)
    assert health.dump() == dump
    health.devlink("dump", "clear")
    assert health.dump()["requests"] == 4


def test_dump_of_a_crash(modem: Modem, health: Health) -> None:
    """State and rings are those of the moment of the crash, long after it; the first crash is kept until it is cleared."""
    modem.up(0)
    modem.ping(Address(0).gateway4, [56] * 3)
    before = health.diagnose()
    modem.fault("now:crash=500")
    report = health.wait("healthy", recoveries=1)
    assert (report.errors, report.dump) == (1, True)
    dump = health.dump()
    assert (dump["reason"], dump["state"], dump["session"]) == ("firmware crashed", "online", "broken")
    assert (dump["stage"], dump["shared stage"]) == (f"0x{STAGE_CRASH:08x}",) * 2
    assert shared_status(dump)[0] == STAGE_CRASH
    assert dump["pipes"] == before["pipes"]
    assert [(entry.kind, entry.argument, entry.entries, entry.status) for entry in control_ring(dump)[:5]] == [
        (SLEEP, 0, 0x0001, SUCCESS), (FEATURES, 0x80, 0, SUCCESS), (OPEN, 0, before["pipes"][0]["entries"], SUCCESS),
        (OPEN, 1, before["pipes"][1]["entries"], SUCCESS), (0, 0, 0, 0)]
    assert dump["last failure time (ms)"] >= dump["time (ms)"] > before["time (ms)"]

    modem.wait_ready()
    modem.fault("now:crash=500")
    health.wait("healthy", recoveries=2)
    assert health.dump() == dump
    health.devlink("dump", "clear")
    again = health.dump()
    assert (again["reason"], again["failures"], again["pipes"]) == ("firmware crashed", 2, [])
    assert again["time (ms)"] > dump["time (ms)"]


def test_dump_of_an_unanswered_request(modem: Modem, health: Health) -> None:
    """The request is in the ring, without an answer."""
    modem.fault("open:ignore")
    cannot_open(modem)
    health.wait("healthy", recoveries=1)
    dump = health.dump()
    assert (dump["reason"], dump["state"]) == ("control request unanswered", "online")
    assert dump["shared stage"] == f"0x{STAGE_RUN:08x}"
    assert (dump["requests timed out"], dump["requests repeated"]) == (1, 1)
    assert dump["control head"] == dump["control tail"] + 1 == dump["control shared tail"] + 1
    waiting = control_ring(dump)[dump["control tail"]]
    assert (waiting.kind, waiting.status) == (OPEN, PENDING)
    proves_life(modem)


def test_dump_of_a_wrong_status(modem: Modem, health: Health) -> None:
    """Whatever the modem wrote into the status block is in the dump."""
    modem.fault("now:bad-stage=12345678")
    modem.wait_state("lost")
    dump = health.dump()
    assert (dump["state"], dump["session"], dump["stage"]) == ("online", "broken", "0x12345678")
    assert shared_status(dump)[0] == 0x12345678
    # It is there, but does not say what it is: looking at it once more would be no use.
    health.recover()
    assert health.show().state == "healthy"
    proves_life(modem)


# Counting and recovery

def test_session_command_unanswered(modem: Modem, health: Health) -> None:
    """Costs the command, not the session of the modem: a failure that is over at once."""
    index = modem.link("wwan0")["ifindex"]
    modem.fault("session-open:ignore")
    assert not modem.guest.sh("ip link set wwan0 up", check=False).ok
    report = health.wait("healthy", recoveries=1)
    assert report.errors == 1
    assert health.dump()["reason"] == "session command unanswered"
    assert modem.link("wwan0")["ifindex"] == index
    proves_life(modem)


def test_errors_and_recoveries_are_counted(modem: Modem, health: Health) -> None:
    """One of each for each crash that the modem overcomes by itself; nothing is reset for that."""
    flr = modem.stats()["flr"]
    for crashes in range(1, 4):
        modem.fault("now:crash=100")
        assert health.wait("healthy", recoveries=crashes).errors == crashes
        modem.wait_ready()
        assert modem.state()["failures"] == str(crashes)
    assert modem.stats()["flr"] == flr
    proves_life(modem)


def test_automatic_recovery_resets(modem: Modem, health: Health) -> None:
    """A modem that stays crashed is reset when its time is over. Whoever looks meanwhile gets an answer at once."""
    flr = modem.stats()["flr"]
    modem.fault("now:crash")
    modem.wait_state("crashed")
    assert health.wait("error").recoveries == 0
    assert modem.guest.sh(f"time devlink health diagnose {HANDLE} reporter fw", timeout=2.0).ok
    report = health.wait("healthy", recoveries=1)
    assert (report.errors, report.recoveries, modem.stats()["flr"]) == (1, 1, flr + 1)
    proves_life(modem)


def test_crash_after_the_reset(modem: Modem, health: Health) -> None:
    """Firmware that crashes in its first start after the reset, too, gets another reset."""
    flr = modem.stats()["flr"]
    modem.fault("now:crash", "features:crash")
    report = health.wait("healthy", recoveries=1, timeout=30.0)
    assert (report.recoveries, modem.stats()["flr"]) == (1, flr + 2)
    proves_life(modem)


def test_without_automatic_recovery(modem: Modem, health: Health) -> None:
    """A crashed modem stays crashed until somebody asks."""
    flr = modem.stats()["flr"]
    health.automatic(False)
    modem.fault("now:crash")
    modem.wait_state("crashed")
    # Not only until the modem's time to restart is over.
    failed = int(modem.state()["last failure time (ms)"])
    wait_until(lambda: int(modem.state()["time (ms)"]) > failed + CRASH_GRACE + 500, 20, "the modem's time is over")
    assert (modem.state()["state"], modem.stats()["flr"]) == ("crashed", flr)
    assert health.show() == Reporter("error", errors=1, recoveries=0, automatic=False, dump=True)
    health.recover()
    assert health.show() == Reporter("healthy", errors=1, recoveries=1, automatic=False, dump=True)
    assert modem.stats()["flr"] == flr + 1
    proves_life(modem)


def test_restart_without_automatic_recovery(modem: Modem, health: Health) -> None:
    """What the modem and the driver do by themselves is not affected; the reporter knows that it is over."""
    health.automatic(False)
    modem.fault("now:crash=100")
    wait_until(lambda: health.show().errors == 1, 10, "the crash is counted")
    assert health.wait("healthy").recoveries == 0
    proves_life(modem)


def test_failed_starts_end_with_a_reset(modem: Modem, health: Health) -> None:
    """Five starts fail, then the function is reset, and the sixth one succeeds."""
    flr = modem.stats()["flr"]
    modem.fault(*REFUSES, "now:crash=50")
    wait_until(lambda: modem.stats()["flr"] > flr, 60.0, "the function is reset")
    assert health.wait("healthy", recoveries=1, timeout=40.0).dump
    assert (modem.stats()["flr"], modem.stats()["faults"]["armed"]) == (flr + 1, 0)
    proves_life(modem)


def test_modem_that_never_starts(modem: Modem, health: Health) -> None:
    """One reset, and no more until the user asks; his attempt fails with words, and succeeds when the modem is well."""
    flr = modem.stats()["flr"]
    modem.fault("features*:refuse", "now:crash=50")
    wait_until(lambda: modem.stats()["flr"] > flr, 60.0, "the function is reset")
    modem.wait_state("failed", timeout=60.0)
    assert (health.show().state, health.show().recoveries, modem.stats()["flr"]) == ("error", 0, flr + 1)

    answer = health.recover(check=False)
    assert not answer.ok
    assert "The modem failed again" in answer.err
    assert (modem.state()["state"], modem.stats()["flr"]) == ("failed", flr + 2)
    assert health.show().state == "error"

    modem.control("clear")
    health.recover()
    assert health.show().state == "healthy"
    proves_life(modem)


def test_lost_modem(modem: Modem, health: Health) -> None:
    """It cannot be recovered while it is away, and can when it is back."""
    modem.fault("now:gone")
    notice(modem)
    modem.wait_state("lost")
    health.wait("error")
    answer = health.recover(check=False)
    assert not answer.ok
    assert "does not answer on the bus" in answer.err
    assert modem.state()["state"] == "lost"
    modem.control("back")
    health.recover()
    assert health.show().state == "healthy"
    proves_life(modem)


def test_user_and_automatic_recovery(modem: Modem, health: Health) -> None:
    """Who asks while a recovery is under way waits for the same: one reset, one recovery."""
    flr = modem.stats()["flr"]
    modem.fault("now:crash")
    modem.wait_state("crashed")
    health.wait("error")
    health.recover()
    assert (health.show().state, health.show().recoveries, modem.stats()["flr"]) == ("healthy", 1, flr + 1)
    proves_life(modem)
    assert health.show().recoveries == 1


def test_recovery_of_a_healthy_modem(modem: Modem, health: Health) -> None:
    """There is nothing to do, and nothing is done."""
    stats = modem.stats()
    health.recover()
    assert health.show() == Reporter("healthy", errors=0, recoveries=0, automatic=True, dump=False)
    assert (modem.stats()["flr"], modem.stats()["ipc_sessions"]) == (stats["flr"], stats["ipc_sessions"])


# Several at a time

def unbind(modem: Modem) -> None:
    """Take the driver away."""
    modem.guest.sh(f"echo 0000:00:00.0 > {DRIVER}/unbind")


def bind(modem: Modem) -> None:
    """And bring it back."""
    modem.guest.sh(f"echo 0000:00:00.0 > {DRIVER}/bind")


def progress(*jobs: Job) -> None:
    """Until each of these has gone on a little."""
    before = [job.output().count(".") for job in jobs]
    wait_until(lambda: all(job.output().count(".") >= count + 3 for job, count in zip(jobs, before, strict=True)), 20,
               "those who look go on")


def finish(job: Job) -> dict[str, Any]:
    """End one of the functions of tests/peer/health.py; its result."""
    job.kill(signal.SIGTERM)
    assert job.wait() == 0, job.output()[-500:]
    return dict(json.loads(job.output().splitlines()[-1]))


def test_two_readers_with_traffic(modem: Modem, health: Health) -> None:
    """Looking costs no packet, and all see the same modem."""
    modem.up(0)
    commands = [["diagnose"], ["show"], ["dump", "show"], ["dump", "clear"]]
    readers = [modem.spawn("health", "read_state", STATE), modem.spawn("health", "ask", HANDLE, commands),
               modem.spawn("health", "ask", HANDLE, [["diagnose"]])]
    modem.ping(Address(0).gateway4, [56, 1400] * 150)
    progress(*readers)
    state, *asked = (finish(reader) for reader in readers)
    assert (list(state["states"]), state["errors"], state["torn"]) == (["online"], {}, 0)
    assert [answers["bad"] for answers in asked] == [{}, {}]
    assert health.show().errors == 0


def test_recovery_while_unbinding(modem: Modem, health: Health) -> None:
    """Who waits for the recovery of a crashed modem is told when the driver goes, long before the modem's time is over."""
    health.automatic(False)
    modem.fault("now:crash")
    modem.wait_state("crashed")
    waiting = modem.guest.spawn(["devlink", "health", "recover", HANDLE, "reporter", "fw"])
    # It sleeps nowhere but in the driver: everything else that it asks of the kernel is answered at once.
    modem.guest.wait_for(f"grep -q '^State:.S' /proc/{waiting.pid}/status", what="somebody waits for the recovery")
    unbind(modem)
    assert waiting.wait(timeout=10.0) != 0
    assert "kernel answers" in waiting.output()
    assert modem.guest.run(["devlink", "dev"]).out == ""
    bind(modem)
    modem.wait_state("crashed")
    health.wait("healthy", recoveries=1)
    proves_life(modem)


def test_unbind_with_lookers(modem: Modem, health: Health) -> None:
    """Commands and readers never find half a modem: it is there, or it is not."""
    commands = [["diagnose"], ["show"], ["dump", "show"], ["dump", "clear"], ["recover"]]
    lookers = [modem.spawn("health", "ask", HANDLE, commands), modem.spawn("health", "ask", HANDLE, [["diagnose"]])]
    reader = modem.spawn("health", "read_state", STATE)
    for _ in range(8):
        progress(*lookers, reader)
        unbind(modem)
        bind(modem)
    modem.wait_ready()
    progress(*lookers, reader)
    answers = [finish(looker) for looker in lookers]
    # This is how devlink says that there is no instance, in the commands that answer in several messages.
    expected = {f"{' '.join(command)}: kernel answers: No such device" for command in commands}
    expected.add("dump show: kernel answers: Invalid argument")
    assert set(answers[0]["bad"]) | set(answers[1]["bad"]) <= expected
    # Each command found a modem, too, which was not recovered because nothing was wrong with it.
    assert set(answers[0]["good"]) == {" ".join(command) for command in commands}
    assert health.show() == Reporter("healthy", errors=0, recoveries=0, automatic=True, dump=health.show().dump)
    state = finish(reader)
    assert state["torn"] == 0
    assert set(state["errors"]) <= {"ENOENT", "ENODEV", "EIO", "ENXIO"}
    proves_life(modem)


def test_debugfs_through_everything(modem: Modem, health: Health) -> None:
    """The file is read in a loop while the modem crashes, is reset, and the driver goes and comes back."""
    reader = modem.spawn("health", "read_state", STATE)
    for turn in range(1, 3):
        progress(reader)
        modem.fault("now:crash=200")
        health.wait("healthy", recoveries=1)
        modem.fault("now:crash")
        modem.wait_state("crashed")
        if turn % 2:
            health.wait("healthy", recoveries=2)
        unbind(modem)
        bind(modem)
        modem.wait_state("online", timeout=30.0)
        modem.wait_ready()
    state = finish(reader)
    assert state["torn"] == 0
    assert {"online", "crashed", "starting"} <= set(state["states"])
    assert set(state["errors"]) <= {"ENOENT", "ENODEV", "EIO", "ENXIO"}
    proves_life(modem)
