# SPDX-License-Identifier: GPL-2.0
"""A modem that answers wrongly, or not at all, while it is flashed: an error in words, in time, and the next set goes well.

Implements the check of protocol.rst 10.6.6 (F1 to F10, F12, F21, F22) and 7.3 to 7.5.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass

import pytest
from testlib.flashing import (
    AT_ONCE,
    IN_ROM,
    RUNNING,
    STEPS,
    WAIT,
    Step,
    flash,
    flash_what_is_left,
    hold,
    install,
    into_rom,
    lock_is_free,
    reach,
    small_set,
    stage,
    wait_rom,
)
from testlib.modem import Modem
from testlib.recovery import reset

pytestmark = pytest.mark.emulator(boots=False, options=IN_ROM)

FILES = small_set()
ONE_WAIT = WAIT + 1.0
SILENT = "answer|time|silent|not take|did not"
WRONG = "wrong|bad|bytes|length|unexpected|invalid|short|long"
GONE = "crash|gone|left|start"


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
    words: str
    within: float = AT_ONCE

    def __str__(self) -> str:
        return f"{self.file.partition('.')[0]}-{self.fault}"


PSI, EBL, PACK, REGION, LAST = "psi.bin", "ebl.bin", "secpack1.bin", "region1a.bin", "region2a.bin"

ROWS = (
    # The boot ROM, and the way to PSI
    Row(PSI, "psi:ignore", SILENT, ONE_WAIT),
    Row(PSI, "psi:silence", SILENT, ONE_WAIT),
    Row(PSI, "rom:bad-value=2", "ROM"),
    Row(PSI, "rom:bad-value=ff", "ROM"),
    Row(PSI, "stage-psi:ignore", SILENT, ONE_WAIT),
    Row(PSI, "stage-psi:crash", GONE),
    Row(PSI, "running:ignore", "start", 12.0),
    Row(PSI, "open:refuse", "start"),
    # Its acknowledgement (F2)
    Row(PSI, "ack:ignore", SILENT, ONE_WAIT),
    Row(PSI, "ack:short=1", WRONG),
    Row(PSI, "ack:long=1", WRONG),
    # Second loader (F3, F4)
    Row(EBL, "rpsi:ignore", SILENT, ONE_WAIT),
    Row(EBL, "ebl-load:short=1", WRONG),
    Row(EBL, "ebl-load#2:long=2", WRONG),
    Row(EBL, "ebl-load#3:ignore", SILENT, ONE_WAIT),
    Row(EBL, "ebl-load#4:short=1", WRONG),
    Row(EBL, "ebl-load#4:long=4", WRONG),
    Row(EBL, "ebl-load#4:silence", SILENT, ONE_WAIT),
    Row(EBL, "ebl-load#3:crash", GONE),
    # Packets (F6 to F8, F21, F22)
    Row(EBL, "response:error", "error|refuse"),
    Row(EBL, "response#2:short=1", WRONG),
    Row(EBL, "response#3:long=8", WRONG),
    Row(PACK, "packet:ignore", SILENT, ONE_WAIT),
    Row(PACK, "response:error", "error|refuse"),
    Row(PACK, "response:ignore", SILENT, ONE_WAIT),
    Row(PACK, "response:crash", GONE),
    Row(REGION, "response:error", "error|refuse"),
    Row(REGION, "erase-check:bad-value=2", "eras"),
    Row(REGION, "packet#3:silence", SILENT, ONE_WAIT),
    Row(REGION, "response#3:short=3", WRONG),
    Row(REGION, "raw:ignore", SILENT, ONE_WAIT),
    Row(REGION, "raw:crash", GONE),
    Row(REGION, "raw:reboot", GONE),
    Row(REGION, "flash-uplink#3:ignore", SILENT, ONE_WAIT),
    Row(REGION, "flash-uplink#3:silence", SILENT, ONE_WAIT),
    Row(LAST, "response#4:error", "error|refuse"),
    Row(LAST, "packet#5:ignore", SILENT, ONE_WAIT),
)


def is_cured(modem: Modem) -> None:
    """No faults any more; a modem that is where it cannot be flashed, or is silent, is reset. The driver stays."""
    cured = stage(modem) in RUNNING and "silence" not in json.dumps(modem.control("faults"))
    modem.control("clear")
    if not cured:
        reset(modem)
        wait_rom(modem)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_fault(files: Modem, row: Row) -> None:
    """The file fails for a reason that is told, in time; then it goes well with the same driver."""
    modem = files
    reach(modem, FILES, row.file)
    fired = modem.faults_fired()
    modem.fault(row.fault)
    failed = flash(modem, row.file).failed(row.words, row.within)
    assert modem.faults_fired() == fired + 1, failed.text
    is_cured(modem)
    reach(modem, FILES, row.file)
    flash(modem, row.file).check()


def test_whole_set_after_all(files: Modem) -> None:
    """What was left behind by so many failures does not matter: it boots, and packets flow."""
    reach(files, FILES, "secpack1.bin")
    flash_what_is_left(files, FILES)
    files.proves_life()


HARMLESS = ((PSI, "psi:late=500"), (PSI, "rom:late=300"), (PSI, "stage-psi:late=500"), (PSI, "ack:late=500"),
            (EBL, "rpsi:late=300"), (EBL, "ebl-load#2:late=500"), (EBL, "response#2:late=1000"), (EBL, "response:twice"),
            (PACK, "response:twice"), (REGION, "erase-check:busy"), (REGION, "packet#3:late=300"),
            (REGION, "response#4:late=500"), (REGION, "flash-uplink#2:late=300"), (REGION, "response:wrong-checksum"),
            (LAST, "response:wrong-id"), (LAST, "response#5:late=500"))


def test_harmless(rom: Modem) -> None:
    """A modem that takes its time, says some things twice, and is careless with headers is flashed; all in one set."""
    for name in FILES:
        mine = [fault for file, fault in HARMLESS if file == name]
        fired = rom.faults_fired()
        rom.fault(*mine)
        flash(rom, name).check()
        assert rom.faults_fired() == fired + len(mine), name
    rom.control("clear")
    rom.wait_ready()


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
