# SPDX-License-Identifier: GPL-2.0
"""A modem that answers wrongly, or not at all, while it is flashed: an error in words, in time, and the next set goes well.

Implements the check of protocol.rst 10.6.6 (F1 to F10, F12, F21, F22) and 7.3 to 7.5.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from iosmlib.bench import Result
from testlib.flashing import (
    AT_ONCE,
    CRASHED,
    EBL_REFUSED,
    IN_ROM,
    LEFT,
    NO_ANSWER,
    NOT_ERASED,
    NOT_IN_TIME,
    NOT_STARTED,
    ROM_REFUSED,
    RUNNING,
    STEPS,
    UNKNOWN_SWID,
    WAIT,
    WRONG_SIZE,
    Outcome,
    Step,
    bound,
    counted,
    expected,
    flash,
    flash_what_is_left,
    hold,
    install,
    into_rom,
    lock_is_free,
    nand,
    parameter,
    reach,
    set_parameter,
    small_set,
    stage,
    wait_rom,
)
from testlib.modem import Modem
from testlib.recovery import reset

pytestmark = pytest.mark.emulator(boots=False, options=IN_ROM)

FILES = small_set()
ONE_WAIT = WAIT + 1.0


@pytest.fixture
def files(modem: Modem) -> Modem:
    """A modem, wherever the test before has left it, and a guest that has the files."""
    install(modem, FILES)
    return modem


@pytest.fixture
def rom(files: Modem) -> Modem:
    """The same, in its boot ROM."""
    into_rom(files)
    return files


@dataclass(frozen=True)
class Row:
    """One fault: what it is, in which file it happens, what the user reads, how long that may take."""

    file: str
    fault: str
    sentence: str
    within: float = AT_ONCE

    def __str__(self) -> str:
        return f"{self.file.partition('.')[0]}-{self.fault}"


PSI, EBL, PACK, REGION, LAST = "psi.bin", "ebl.bin", "secpack1.bin", "region1a.bin", "region2a.bin"

ROWS = (
    # The boot ROM, and the way to PSI
    Row(PSI, "psi:ignore", NOT_IN_TIME, ONE_WAIT),
    Row(PSI, "psi:silence", NOT_IN_TIME, ONE_WAIT),
    Row(PSI, "rom:bad-value=2", ROM_REFUSED),
    Row(PSI, "rom:bad-value=ff", ROM_REFUSED),
    Row(PSI, "stage-psi:ignore", NOT_IN_TIME, ONE_WAIT),
    Row(PSI, "stage-psi:crash", NOT_STARTED),
    Row(PSI, "running:ignore", NOT_STARTED, 12.0),
    Row(PSI, "open:refuse", NOT_STARTED),
    # Its acknowledgement (F2)
    Row(PSI, "ack:ignore", NO_ANSWER, ONE_WAIT),
    Row(PSI, "ack:short=1", WRONG_SIZE),
    Row(PSI, "ack:long=1", WRONG_SIZE),
    Row(PSI, "ack:crash", NOT_STARTED),
    # Second loader (F3 to F5)
    Row(EBL, "rpsi:ignore", NO_ANSWER, ONE_WAIT),
    Row(EBL, "ebl-load:short=1", WRONG_SIZE),
    Row(EBL, "ebl-load#2:long=2", WRONG_SIZE),
    # What comes next is the capability record.
    Row(EBL, "ebl-load#3:ignore", WRONG_SIZE),
    Row(EBL, "ebl-load#4:ignore", NO_ANSWER, ONE_WAIT),
    Row(EBL, "ebl-load#4:short=1", WRONG_SIZE),
    Row(EBL, "ebl-load#4:long=4", WRONG_SIZE),
    Row(EBL, "ebl-load#4:silence", NO_ANSWER, ONE_WAIT),
    Row(EBL, "ebl-load#3:crash", CRASHED),
    Row(EBL, "ebl-load#4:bad-value=3", UNKNOWN_SWID),
    # Packets (F6 to F9, F21, F22)
    Row(EBL, "response:error", EBL_REFUSED),
    Row(EBL, "response#2:short=1", WRONG_SIZE),
    Row(EBL, "response#3:long=8", WRONG_SIZE),
    Row(EBL, "response-header:short=1", WRONG_SIZE),
    Row(EBL, "packet:bad-stage=12345678", LEFT),
    Row(PACK, "packet:ignore", NO_ANSWER, ONE_WAIT),
    Row(PACK, "response:error", EBL_REFUSED),
    Row(PACK, "response:ignore", NO_ANSWER, ONE_WAIT),
    Row(PACK, "response:crash", CRASHED),
    Row(PACK, "response-header:long=1", WRONG_SIZE),
    Row(REGION, "response:error", EBL_REFUSED),
    Row(REGION, "response-header#3:short=8", WRONG_SIZE),
    Row(REGION, "response-header#2:twice", WRONG_SIZE),
    Row(REGION, "packet#3:bad-stage=600df00d", LEFT),
    Row(REGION, "erase-check:bad-value=2", NOT_ERASED),
    Row(REGION, "erase-check:crash", CRASHED),
    Row(REGION, "packet#3:silence", NO_ANSWER, ONE_WAIT),
    Row(REGION, "response#3:short=3", WRONG_SIZE),
    Row(REGION, "raw:ignore", NO_ANSWER, ONE_WAIT),
    Row(REGION, "raw:crash", CRASHED),
    Row(REGION, "raw:reboot", LEFT),
    Row(REGION, "flash-uplink#3:ignore", NO_ANSWER, ONE_WAIT),
    Row(REGION, "flash-uplink#3:silence", NO_ANSWER, ONE_WAIT),
    Row(LAST, "response#4:error", EBL_REFUSED),
    Row(LAST, "packet#5:ignore", NO_ANSWER, ONE_WAIT),
)


@pytest.mark.parametrize("said", ("Error: iosm: something else.\n", "kernel answers: Connection timed out\n",
                                  "Error: \nkernel answers: Bad message\n", "kernel answers: No data available\n", ""))
def test_generic_words_are_no_reason(said: str) -> None:
    """What devlink makes of an error number, or another reason, does not pass for the one that a row wants."""
    outcome = Outcome(Result((), 1, "", said, False), 0.0)
    for row in ROWS:
        with pytest.raises(AssertionError):
            outcome.failed(row.sentence)
        Outcome(Result((), 1, "", f"Error: iosm: {row.sentence}.\n", False), 0.0).failed(row.sentence)


def is_cured(modem: Modem) -> None:
    """No faults any more; a modem that is where it cannot be flashed, or is silent, is reset. The driver stays."""
    cured = stage(modem) in RUNNING and "silence" not in json.dumps(modem.control("faults"))
    modem.control("clear")
    if not cured:
        reset(modem)
        wait_rom(modem)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_fault(files: Modem, row: Row) -> None:
    """The file fails for a reason that is told, in time; then it goes well with the same driver, which stays bound."""
    modem = files
    driver = bound(modem)
    reach(modem, FILES, row.file)
    fired = modem.faults_fired()
    modem.fault(row.fault)
    failed = flash(modem, row.file).failed(row.sentence, row.within)
    assert modem.faults_fired() == fired + 1, failed.text
    is_cured(modem)
    reach(modem, FILES, row.file)
    flash(modem, row.file).check()
    assert bound(modem) == driver


@pytest.mark.parametrize("fault", ("ack:ignore", "ack:short=1", "ack:long=1", "ack:bad-value=1234"))
def test_psi_runs_all_the_same(files: Modem, fault: str) -> None:
    """Whatever PSI said of itself, it is there, as the user's page says: the next file goes well without a reset."""
    modem = files
    into_rom(modem)
    modem.fault(fault)
    assert flash(modem, PSI).result.ok == ("bad-value" in fault)
    assert (stage(modem), modem.faults_fired()) == ("PSI", 1)
    resets = modem.stats()["flr"]
    flash(modem, EBL).check()
    assert (stage(modem), modem.stats()["flr"]) == ("EBL", resets)


def test_whole_set_after_all(files: Modem) -> None:
    """What was left behind by so many failures does not matter: it boots, and packets flow."""
    reach(files, FILES, "secpack1.bin")
    flash_what_is_left(files, FILES)
    files.proves_life()


HARMLESS = ((PSI, "psi:late=500"), (PSI, "rom:late=300"), (PSI, "stage-psi:late=500"), (PSI, "ack:late=500"),
            (EBL, "rpsi:late=300"), (EBL, "ebl-load#2:late=500"), (EBL, "response#2:late=1000"),
            (REGION, "erase-check:busy"), (REGION, "packet#3:late=300"), (REGION, "response#4:late=500"),
            (REGION, "flash-uplink#2:late=300"), (REGION, "response:wrong-checksum"),
            (LAST, "response:wrong-id"), (LAST, "response#5:late=500"))
TWICE = ((PSI, "rom:twice"), (EBL, "response:twice"), (PACK, "response:twice"), (REGION, "response#4:twice"))
UNHEARD = ((PSI, "rom:lose-msi"), (PSI, "ack:lose-msi"), (EBL, "flash-uplink#2:lose-msi"), (EBL, "ebl-load#3:lose-msi"),
           (PACK, "response:lose-msi"), (REGION, "flash-uplink#2:lose-msi"), (REGION, "response#3:lose-msi"))


def goes_well(modem: Modem, faults: Iterable[tuple[str, str]]) -> None:
    """A whole set, and the faults come to pass."""
    for name in FILES:
        mine = [fault for file, fault in faults if file == name]
        fired = modem.faults_fired()
        modem.fault(*mine)
        flash(modem, name).check()
        assert modem.faults_fired() == fired + len(mine), name
    modem.control("clear")
    modem.wait_ready()


def test_harmless(rom: Modem) -> None:
    """A modem that takes its time, and is careless with headers is flashed; all in one set."""
    goes_well(rom, HARMLESS)


def test_said_twice(rom: Modem) -> None:
    """What is said once more is no answer to what is asked next."""
    goes_well(rom, TWICE)


def test_lost_interrupts(rom: Modem) -> None:
    """The driver looks by itself, in time."""
    goes_well(rom, UNHEARD)


def test_chatter(rom: Modem) -> None:
    """What a loader says between two files, as much as it has buffers for, is no answer to anything."""
    before = nand(rom)
    for number, name in enumerate(FILES):
        if stage(rom) != "BOOT":
            rom.control(f"chatter {1 + number % 2} {(2, 8, 2048, 16384)[number % 4]}")
        flash(rom, name).check()
    rom.wait_ready()
    assert nand(rom) == expected(FILES.values(), before)


def test_interrupted(rom: Modem) -> None:
    """Control-C at each step of one set: devlink ends at once, leaves nothing behind, and the next one goes well."""
    for step in STEPS:
        job = hold(rom, FILES, step)
        job.kill(signal.SIGINT)
        assert job.wait(AT_ONCE) != 0, step
        lock_is_free(rom)
        rom.control("clear")
    flash_what_is_left(rom, FILES)


def test_killed(rom: Modem) -> None:
    """SIGTERM and SIGKILL are signals, too."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        job = hold(rom, FILES, Step("secpack1.bin", "response"))
        job.kill(number)
        assert job.wait(AT_ONCE) != 0
        lock_is_free(rom)
        rom.control("clear")
    flash_what_is_left(rom, FILES)


@pytest.mark.parametrize("step", (Step(PACK, "packet"), Step(PACK, "erase-check*", "busy")), ids=str)
def test_full_erase_interrupted(rom: Modem, step: Step) -> None:
    """Nobody waits for its end, and nobody erases everything once more unasked."""
    set_parameter(rom, True)
    job = hold(rom, FILES, step)
    job.kill(signal.SIGINT)
    assert job.wait(AT_ONCE) != 0
    lock_is_free(rom)
    assert parameter(rom) is False
    rom.control("clear")
    erased = counted(rom)["080c"]
    flash_what_is_left(rom, FILES)
    assert counted(rom)["080c"] == erased
