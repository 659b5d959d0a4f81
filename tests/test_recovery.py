# SPDX-License-Identifier: GPL-2.0
"""A modem that forgets its session, does not answer, answers late, refuses, or is not heard: everything comes back.

What user space sees is an error within its bound, or success; then ports and links are there under the same names.

Implements the check of protocol.rst 2.2, 3.4, 5.6.6, 6.3 and 10.6 (R8, S9 to S11).
"""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from iosmlib.bench import wait_until
from testlib import steady
from testlib.modem import Address, Modem
from testlib.recovery import (
    BOUND,
    FUNCTION,
    Journal,
    all_hung_up,
    bind,
    come_back,
    hang_ups,
    index,
    journal,
    proves_life,
    racers,
    remove,
    reset,
    timed,
    unbind,
    uptime,
    wait_fired,
    wait_replaced,
)

NOTICE_BOUND = 3.0		# guest seconds: the driver looks every two, and a request is looked after in half of one
WAKE_BOUND = 2.0		# guest seconds from the first of the wake requests to the end of the session
WAKE_TRIES = 10
ATTEMPTS = 5
FAILED_BOUND = 30.0		# guest seconds for all of them, and a reset in between

HANG_UP = "events 0x18"		# what poll() says of a port that is not there any more: POLLERR | POLLHUP

FORGETS = ("reboot", "boot=300")
STARTING = ("sleep-device", "features")


@pytest.fixture(autouse=True)
def first_start(modem: Modem) -> None:
    """Sessions that do not last ten seconds count as failed starts; a new probe begins to count anew."""
    unbind(modem)
    bind(modem)
    modem.wait_ready()


def open_port(modem: Modem) -> None:
    """An open port."""
    steady.held(modem)


def traffic(modem: Modem) -> None:
    """Packets both ways."""
    modem.up(0)
    steady.datagrams(modem)


WORK: dict[str, Callable[[Modem], None]] = {"port": open_port, "traffic": traffic}


def restarted(states: Journal, timeout: float = 20.0) -> None:
    """The session ended, for no other reason than that, and the next one is there."""
    states.wait("online", timeout=timeout)
    assert set(states.states()) <= {"recovering", "boot ROM", "loader", "starting", "online"}
    assert states.states().count("recovering") == 1


# The modem was reset behind our back: no interrupt, no word.

@pytest.mark.parametrize("fault", FORGETS)
@pytest.mark.parametrize("work", WORK)
def test_reboot_unnoticed(modem: Modem, mux: str, fault: str, work: str) -> None:
    """While something is open, the driver notices by itself; programs hang up."""
    WORK[work](modem)
    jobs = hang_ups(modem) if work == "port" else []
    before = index(modem)
    with journal(modem) as states:
        start = uptime(modem)
        modem.fault(f"now:{fault}")
        restarted(states)
        assert states.time("recovering") - start <= modem.bound(NOTICE_BOUND)
        all_hung_up(jobs, 2.0)
    wait_replaced(modem, before)
    proves_life(modem)


@pytest.mark.parametrize("kind", BOUND)
@pytest.mark.parametrize("fault", FORGETS)
def test_reboot_found_by_who_opens(modem: Modem, fault: str, kind: str) -> None:
    """Nothing was open: the first one gets an error within its bound, the next one does not."""
    with journal(modem) as states:
        modem.fault(f"now:{fault}")
        result = timed(modem, kind)
        assert result["error"] in ("ENODEV", "ETIMEDOUT")
        assert result["seconds"] < modem.bound(BOUND[kind])
        restarted(states)
    proves_life(modem)


@pytest.mark.parametrize("fault", FORGETS)
@pytest.mark.parametrize(("event", "kind"), (("open", "port"), ("session-open", "link"), ("session-close", "link"),
                                             ("close", "port")))
def test_reboot_while_opening(modem: Modem, event: str, kind: str, fault: str) -> None:
    """Instead of an answer."""
    before = index(modem)
    modem.fault(f"{event}:{fault}")
    result = timed(modem, kind)
    assert result["seconds"] < modem.bound(BOUND[kind])
    assert result["error"] in (("",) if "close" in event else ("ENODEV", "ETIMEDOUT"))
    wait_replaced(modem, before)
    proves_life(modem)


def test_power_loss(modem: Modem) -> None:
    """Its configuration is lost, too, so it cannot be reached: lost, until it is plugged in again."""
    steady.held(modem)
    with journal(modem) as states:
        modem.fault("now:power-loss")
        states.wait("lost")
        modem.wait_gone(1.0)
    remove(modem)
    come_back(modem)
    proves_life(modem)


def test_status_toggles(modem: Modem) -> None:
    """For a moment the status block says that there is no session. Who sees it believes it; who does not goes on."""
    for _ in range(3):
        modem.wait_ready()
        job, before = steady.held(modem), index(modem)
        with journal(modem) as states:
            modem.fault("now:toggle-ipc")
            # Both interrupts come long before so many exchanges.
            rounds = job.progress() + steady.GO_ON
            wait_until(lambda job=job, rounds=rounds: job.ended() or job.progress() >= rounds, 5, "it hangs up, or goes on")
            if job.ended():
                assert json.loads(job.ended())["wrong"] == HANG_UP
                restarted(states)
                wait_replaced(modem, before)
            else:
                job.goes_on()
                assert states.states() == []
                assert index(modem) == before
    proves_life(modem)


@pytest.mark.parametrize("stage", ("0", "5", "deadbeef"))
def test_impossible_stage(modem: Modem, stage: str) -> None:
    """A stage that nobody knows, for good: lost; a reset brings it back."""
    jobs = hang_ups(modem)
    with journal(modem) as states:
        modem.fault(f"now:bad-stage={stage}")
        states.wait("lost", timeout=5.0)
        all_hung_up(jobs, 1.0)
        modem.wait_gone(1.0)
    reset(modem)
    proves_life(modem)


# Each request of the control ring, answered in each way.

HARMLESS = ("late=300", "late=800", "twice", "lose-msi")
FATAL = ("ignore", "late=1500")
ERRORS = {"ignore": "ETIMEDOUT", "late=1500": "ETIMEDOUT", "refuse": "EREMOTEIO"}
OPENING = (("port", "open"), ("port", "open#2"), ("port", "close"), ("port", "close#2"), ("link", "open#2"), ("link", "close"))


def ask(modem: Modem, kind: str, event: str, answer: str) -> dict[str, Any]:
    """Open and close something of which one request is answered so; what came of it."""
    modem.control("clear")
    modem.fault(f"{event}:{answer}")
    result = timed(modem, kind)
    assert modem.faults_fired() == 1
    assert result["seconds"] < modem.bound(BOUND[kind])
    return result


@pytest.mark.parametrize("event", STARTING)
def test_slow_answers_while_starting(modem: Modem, event: str) -> None:
    """What is only late, or not heard, or said twice, does no harm."""
    with journal(modem) as states:
        for answer in HARMLESS:
            unbind(modem)
            modem.control("clear")
            modem.fault(f"{event}:{answer}")
            states.forget()
            bind(modem)
            states.wait("online")
            assert states.states() == ["starting", "online"], answer
            assert modem.faults_fired() == 1
    proves_life(modem)


@pytest.mark.parametrize("answer", (*FATAL, "refuse"))
@pytest.mark.parametrize("event", STARTING)
def test_no_answer_while_starting(modem: Modem, event: str, answer: str) -> None:
    """A start that fails is followed by another one."""
    unbind(modem)
    with journal(modem) as states:
        modem.fault(f"{event}:{answer}")
        bind(modem)
        states.wait("online")
        assert states.states() == ["starting", "recovering", "starting", "online"]
    proves_life(modem)


@pytest.mark.parametrize(("kind", "event"), OPENING)
def test_slow_answers_while_opening(modem: Modem, kind: str, event: str) -> None:
    """The caller notices nothing."""
    before = index(modem)
    for answer in HARMLESS:
        assert ask(modem, kind, event, answer)["error"] == "", answer
    assert index(modem) == before
    proves_life(modem)


@pytest.mark.parametrize("answer", FATAL)
@pytest.mark.parametrize(("kind", "event"), OPENING)
def test_no_answer_while_opening(modem: Modem, kind: str, event: str, answer: str) -> None:
    """A request that stays unanswered ends the session; who opens is told, who closes has nothing to lose."""
    before = index(modem)
    assert ask(modem, kind, event, answer)["error"] == ("" if "close" in event else ERRORS[answer])
    wait_replaced(modem, before)
    proves_life(modem)


@pytest.mark.parametrize(("kind", "event"), OPENING)
def test_refusals_while_opening(modem: Modem, kind: str, event: str) -> None:
    """A pipe that cannot be opened is only missed by who asked; one that cannot be closed is a reason to start anew."""
    before = index(modem)
    result = ask(modem, kind, event, "refuse")
    if "close" in event:
        assert result["error"] == ""
        wait_replaced(modem, before)
    else:
        assert result["error"] == ERRORS["refuse"]
        assert index(modem) == before
    proves_life(modem)


# Commands of the multiplexer.

@pytest.mark.parametrize("event", ("session-open", "session-close"))
def test_answers_of_the_multiplexer(modem: Modem, mux: str, event: str) -> None:
    """Only this link is concerned: another one that is up goes on."""
    modem.up(6)
    before = index(modem)
    for answer in (*HARMLESS, *FATAL, "refuse"):
        result = ask(modem, "link", event, answer)
        errors = {**ERRORS, "refuse": "ECONNREFUSED"} if event == "session-open" else {}
        assert result["error"] == errors.get(answer, ""), answer
        modem.ping(Address(6).gateway4)
        # What comes late is nobody's answer.
        modem.up(0)
        modem.ping(Address(0).gateway4)
        modem.down(0)
    assert index(modem) == before
    assert modem.statistics("wwan0-6")["rx"]["errors"] == 0
    proves_life(modem)


def test_interrupted_opener(modem: Modem, mux: str) -> None:
    """A signal ends the wait for a session; nothing of it is left."""
    modem.fault("session-open:late=400")
    job = modem.guest.spawn(["ip", "link", "set", "wwan0", "up"])
    wait_fired(modem, 1, "session-open")
    job.kill(signal.SIGINT)
    assert job.wait(2.0) != 0
    proves_life(modem)


# Interrupts and doorbells that get lost.

@pytest.mark.parametrize("event", ("running", "uplink#3", "downlink#3"))
def test_lost_interrupt(modem: Modem, mux: str, event: str) -> None:
    """The driver looks without having been told."""
    if event == "running":
        unbind(modem)
        modem.fault("running:lose-msi")
        bind(modem)
    else:
        modem.up(0)
        before = index(modem)
        modem.fault(f"{event}:lose-msi")
        modem.ping(Address(0).gateway4, [100] * 3)
        assert index(modem) == before
    proves_life(modem)
    assert modem.faults_fired() == 1


@pytest.mark.emulator(options=("--idle-sleep", "5"))
@pytest.mark.parametrize("tries", (1, 3))
def test_lost_wake_up(modem: Modem, tries: int) -> None:
    """Asked again until it wakes up; nothing is lost."""
    modem.up(0)
    modem.ping(Address(0).gateway4)
    before = index(modem)
    modem.fault(*(f"wake#{number}:ignore" for number in range(1, tries + 1)))
    modem.ping(Address(0).gateway4, [56] * 20, interval=0.02)
    assert modem.faults_fired() == tries
    assert index(modem) == before
    proves_life(modem)


@pytest.mark.emulator(options=("--idle-sleep", "5"))
def test_never_wakes_up(modem: Modem) -> None:
    """Asked ten times in a second; then its session is over."""
    modem.up(0)
    modem.ping(Address(0).gateway4)
    modem.wait_line("modem power: asleep", "the modem sleeps")
    before = index(modem)
    with journal(modem) as states, modem.listening() as events:
        # Not one more: the link of the next session falls asleep, too, and that one is to wake up.
        modem.fault(*(f"wake#{number}:ignore" for number in range(1, WAKE_TRIES + 1)))
        start = uptime(modem)
        modem.guest.sh(f"ping -c 1 -W 1 {Address(0).gateway4}", check=False)
        states.wait("recovering")
        assert modem.faults_fired() == WAKE_TRIES
        restarted(states)
        assert states.time("recovering") - start <= modem.bound(WAKE_BOUND)
        assert events.modem().count("MDM_TIMEOUT") == 1
    wait_replaced(modem, before)
    proves_life(modem)


# Silence: from now on it does nothing, for good, until it is reset.

@pytest.mark.parametrize("work", WORK)
def test_silence(modem: Modem, work: str) -> None:
    """A modem that has stopped altogether cannot be started again: after some attempts it is reset, automatically."""
    resets = modem.stats()["flr"]
    WORK[work](modem)
    with journal(modem) as states, modem.listening() as events:
        modem.fault("now:silence")
        # An open port alone says nothing to the modem.
        timed(modem, "link")
        events.wait("MDM_TIMEOUT")
        states.wait("failed", timeout=modem.bound(FAILED_BOUND))
        # Its last good start counts as well, unless it was long ago.
        assert ATTEMPTS - 1 <= states.before("failed").count("starting") <= ATTEMPTS
        states.wait("online")
    assert modem.stats()["flr"] == resets + 1
    proves_life(modem)


@pytest.mark.emulator(parameters=("acpi_reset=1",))
@pytest.mark.parametrize(("fault", "state"), (("silence", "failed"), ("bad-stage=5", "lost")))
def test_all_methods_of_reset(modem: Modem, fault: str, state: str) -> None:
    """One that failed is reset automatically, one that is lost when somebody asks: the kernel may choose how, too."""
    assert modem.guest.read("/sys/module/iosm/parameters/acpi_reset").strip() == "Y"
    resets = modem.stats()["flr"]
    traffic(modem)
    with journal(modem) as states:
        modem.fault(f"now:{fault}")
        timed(modem, "link")
        states.wait(state, timeout=modem.bound(FAILED_BOUND))
        if state == "lost":
            assert modem.stats()["flr"] == resets
            modem.guest.run(["devlink", "health", "recover", f"pci/{FUNCTION}", "reporter", "fw"])
        states.wait("online")
    assert modem.stats()["flr"] == resets + 1
    proves_life(modem)


def test_silence_while_starting(modem: Modem) -> None:
    """The same, from the first request on."""
    unbind(modem)
    with journal(modem) as states:
        modem.fault("sleep-device:silence")
        bind(modem)
        states.wait("failed", timeout=modem.bound(FAILED_BOUND))
        assert states.before("failed").count("starting") == ATTEMPTS
        states.wait("online")
    proves_life(modem)


@pytest.mark.parametrize("event", ("init", "running", *STARTING))
@pytest.mark.parametrize("how", ("reset", "unbind"))
def test_silent_start_is_ended(modem: Modem, event: str, how: str) -> None:
    """Nobody has to wait for the end of its time-outs: a reset or an unbinding comes in between."""
    unbind(modem)
    modem.fault(f"{event}:silence")
    bind(modem)
    wait_fired(modem, 1, event)
    start = uptime(modem)
    if how == "unbind":
        unbind(modem)
        assert uptime(modem) - start <= modem.bound(BOUND["port"])
        reset(modem)
        bind(modem)
    else:
        reset(modem)
        assert uptime(modem) - start <= modem.bound(BOUND["port"])
    proves_life(modem)


def test_endless_failure(modem: Modem) -> None:
    """Each start fails, also after the reset: given up, for somebody to decide; unbind and bind start over."""
    resets = modem.stats()["flr"]
    unbind(modem)
    with journal(modem) as states, modem.listening() as events:
        modem.fault("features*:refuse")
        start = uptime(modem)
        bind(modem)
        states.wait("failed", times=2, timeout=modem.bound(FAILED_BOUND))
        assert uptime(modem) - start <= modem.bound(FAILED_BOUND)
        assert states.states().count("starting") == 2 * ATTEMPTS
        events.wait("CD_READY_LINK_DOWN")
        assert modem.stats()["flr"] == resets + 1
        states.forget()
        modem.control("clear")
        unbind(modem)
        bind(modem)
        states.wait("online")
    proves_life(modem)


DICE = ("msi%10:lose-msi", "open%40:late=150", "close%40:late=150", "session-open%40:late=150", "session-close%40:late=150",
        "sleep-device%50:late=50")
ROLLED = 20			# faults


def dice_options(*arguments: str) -> tuple[str, ...]:
    """Faults by chance, from the start of the modem on."""
    return (*arguments, *(word for fault in DICE for word in ("--fault", fault)))


def lives_with_dice(modem: Modem) -> None:
    """Traffic goes on, ports and links are opened and closed: nothing is lost, and no session ends."""
    before = index(modem)
    modem.up(0)
    work = [steady.datagrams(modem), steady.commands(modem)]
    while modem.faults_fired() < ROLLED:
        modem.up(5)
        assert modem.call("ports", "at", "/dev/wwan0at1", ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]
        modem.ping(Address(5).gateway4)
        modem.down(5)
        for each in work:
            each.wait_progress()
    for each in work:
        each.goes_on()
    assert index(modem) == before
    faults = {fault["spec"]: fault["fired"] for fault in modem.control("faults")["faults"]}
    assert set(faults) == set(DICE)
    assert faults["msi%10:lose-msi"] > 0
    assert sum(faults.values()) > faults["msi%10:lose-msi"]


@pytest.mark.emulator(options=dice_options("--seed", "1"), fresh=True)
def test_dice(modem: Modem, mux: str) -> None:
    """Interrupts get lost and answers are late, by dice: who uses ports and links notices nothing."""
    lives_with_dice(modem)


@pytest.mark.emulator(options=dice_options("--seed", "2"), fresh=True)
def test_other_dice(modem: Modem, mux: str) -> None:
    """The same with dice that fall in another way."""
    lives_with_dice(modem)


@pytest.mark.emulator(options=("--seed", "3", "--script", str(Path(__file__).with_name("dice.faults"))), fresh=True)
def test_dice_from_a_file(modem: Modem) -> None:
    """The same with faults that are written down."""
    lives_with_dice(modem)


@pytest.mark.parametrize("seed", (1, 2))
def test_anything_at_any_time(modem: Modem, mux: str, seed: int) -> None:
    """Ports are opened and links taken up all the time, while one thing after the other goes wrong."""
    dice = random.Random(f"{mux} {seed}")
    events = ("open", "close", "session-open", "session-close", "uplink", "downlink")
    requests = [f"{event}:{answer}" for event in events[:4] for answer in (*HARMLESS, *FATAL, "refuse")]
    strikes = [f"{event}#{dice.randrange(1, 6)}:{what}" for event in events for what in ("reboot", "boot=50", "crash=50",
                                                                                         "toggle-ipc", "lose-msi")]
    plan = dice.sample(requests, 8) + dice.sample(strikes, 8)
    dice.shuffle(plan)
    with racers(modem):
        for number, specification in enumerate(plan, 1):
            fired = modem.faults_fired()
            modem.fault(specification)
            modem.guest.wait_for("[ -e /sys/class/net/wwan0 ]", timeout=20.0, what=f"the link is there at {number}")
            wait_fired(modem, fired + 1, json.dumps(plan[:number]))
    proves_life(modem)
