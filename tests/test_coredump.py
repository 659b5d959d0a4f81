# SPDX-License-Identifier: GPL-2.0
"""A modem that crashed gives its dump to whoever asks: six regions of devlink, byte by byte; then it works again.

Implements the check of protocol.rst 7.6, 7.8, 7.9 and 10.6.6 (F13 to F20).
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from iosmlib.bench import Job, Result, wait_until
from testlib.flashing import (
    AT_ONCE,
    BAD_LIST,
    CRASHED,
    HANDLE,
    HANDLES,
    NO_ANSWER,
    NO_FILE,
    SECOND,
    WAIT,
    WRONG_SIZE,
    Monitor,
    Outcome,
    Status,
    begin,
    documented,
    flash,
    flash_what_is_left,
    install,
    lock_is_free,
    small_set,
    timed,
    user_page,
    wait_rom,
)
from testlib.modem import PCI, Modem
from testlib.recovery import bind, reset, unbind
from testlib.traffic import stream

FILES = small_set()
REGIONS = {"report.json": 0x800, "coredump.fcd": 0x10E00000, "cdd.log": 0x30000, "eeprom.bin": 0x10000,
           "bootcore_trace.bin": 0x8000, "bootcore_prev_trace.bin": 0x20000}
SIZES = (0x123, 0x24001, 0x2FFFF, 0x10000, 1, 0x20000)
LARGE = "coredump.fcd"
FULL = "The region has reached the maximum number of stored snapshots"		# in the words of devlink itself
SMALL = [name for name in REGIONS if name != LARGE]

NAND_OPTIONS = ("--flash", "{directory}/nand.bin", "--flash-size", str(1 << 20))
DUMPS = (*NAND_OPTIONS, "--coredump-sizes", ",".join(map(str, SIZES)))
pytestmark = pytest.mark.emulator(options=DUMPS, memory="1G", boots=False)


def generated(index: int, size: int, start: int = 0) -> bytes:
    """What the modem makes up for a file."""
    return bytes((i * 31 + index * 7 + (i >> 8)) & 0xFF for i in range(start, start + size))


class Region:
    """One region of a modem."""

    def __init__(self, modem: Modem, name: str, which: int = 0) -> None:
        self.modem = modem
        self.name = name
        self.index = list(REGIONS).index(name)
        self.handle = f"{HANDLES[which]}/{name}"

    def devlink(self, command: str, *words: str, check: bool = True, timeout: float = 60.0) -> Result:
        """devlink region COMMAND"""
        return self.modem.guest.run(["devlink", "region", command, self.handle, *words], check=check, timeout=timeout)

    def snapshots(self) -> list[int]:
        """Those that there are."""
        found = json.loads(self.modem.guest.run(["devlink", "-j", "region", "show", self.handle]).out)
        row = found["regions"][self.handle]
        assert row["size"] == REGIONS[self.name]
        return list(row["snapshot"])

    def new(self, check: bool = True) -> Outcome:
        """Ask the modem for it."""
        done = timed(self.modem, ["devlink", "region", "new", self.handle])
        return done.check() if check else done

    def begin(self) -> Job:
        """The same in the background."""
        job = self.modem.guest.spawn(["devlink", "region", "new", self.handle])
        self.modem.jobs.append(job)
        return job

    def read(self, start: int, length: int) -> bytes:
        """A part of its only snapshot."""
        number, = self.snapshots()
        return octets(self.devlink("read", "snapshot", str(number), "address", str(start), "length", str(length)).out)

    def dump(self) -> bytes:
        """All of its only snapshot."""
        number, = self.snapshots()
        return octets(self.devlink("dump", "snapshot", str(number)).out)

    def delete(self) -> None:
        """Its only snapshot."""
        number, = self.snapshots()
        self.devlink("del", "snapshot", str(number))

    def check(self, size: int) -> None:
        """The snapshot has the bytes of the modem, and zeros behind them."""
        if self.name == LARGE:
            tail = 0x10000
            assert self.read(0, size + tail) == generated(self.index, size) + bytes(tail)
            assert self.read(REGIONS[LARGE] - tail, tail) == bytes(tail)
        else:
            content = self.dump()
            assert len(content) == REGIONS[self.name]
            assert content == generated(self.index, size) + bytes(REGIONS[self.name] - size)


def octets(text: str) -> bytes:
    """What a dump shows: an address, and up to sixteen bytes per line."""
    return b"".join(bytes.fromhex("".join(line.split()[1:])) for line in text.splitlines())


def regions(modem: Modem, names: Iterable[str] = REGIONS, which: int = 0) -> list[Region]:
    """Several."""
    return [Region(modem, name, which) for name in names]


def automatic(modem: Modem, recover: bool, dump: bool, which: int = 0) -> None:
    """What the health reporters may do by themselves."""
    handle = HANDLES[which]
    modem.guest.sh(f"devlink health set {handle} reporter fw auto_recover {str(recover).lower()} && "
                   f"devlink health set {handle} reporter coredump auto_dump {str(dump).lower()}")


def crash(modem: Modem, dump: bool = False) -> None:
    """It has crashed and was reset, so it waits in its ROM, and nobody has taken anything yet; the driver is a fresh one."""
    modem.control("clear")
    if modem.loaded:
        modem.unload()
    modem.guest.sh(f"echo 1 > {PCI}/reset")
    # Whose dump nobody has ended has it still.
    pending = modem.stats()["stage"] == "BOOT"
    modem.load()
    if not pending:
        modem.wait_ready()
    automatic(modem, recover=False, dump=dump)
    if not pending:
        modem.fault("now:dump=20")
        modem.wait_state("crashed, dump ready")
        reset(modem)
    wait_rom(modem)
    modem.control("clear")
    install(modem, FILES)


def counts(modem: Modem, which: int = 0) -> dict[str, object]:
    """What the modem has given away."""
    return dict(modem.stats(which)["flash"]["coredump"])


def test_dumped_and_recovered(modem: Modem) -> None:
    """All six by hand, with what devlink says on the way; when the last one is there the modem boots as if nothing were."""
    crash(modem)
    monitor = Monitor(modem)
    before = counts(modem)
    flash(modem, "psi.bin").check()
    told = monitor.next()
    assert [status for status in told if status.component == "PSI ACK"] == [Status("0cd", "PSI ACK", 0, 0)]
    assert [status.message for status in told if status.component == "FILENAME"] == list(REGIONS)
    assert [status.message for status in told if status.component == "FILE SIZE"] == [str(size) for size in SIZES]
    for region, size in zip(regions(modem), SIZES, strict=True):
        assert region.snapshots() == []
        region.new()
        region.check(size)
        assert len(region.snapshots()) == 1
        # There is room for one.
        region.new(check=False).failed(FULL)
    after = counts(modem)
    assert [now - then for now, then in zip(after["files"], before["files"], strict=True)] == [1] * 6	# type: ignore[call-overload]
    assert after["ended"] == int(str(before["ended"])) + 1
    reset(modem)
    modem.proves_life()
    modem.down(0)
    # What was taken stays readable, although the modem runs.
    Region(modem, "eeprom.bin").check(SIZES[3])
    for region in regions(modem):
        region.delete()
        assert region.snapshots() == []


def reporter(modem: Modem) -> dict[str, object]:
    """What devlink says of the reporter of dumps."""
    words = ["devlink", "-j", "health", "show", HANDLE, "reporter", "coredump"]
    report, = json.loads(modem.guest.run(words).out)["health"][HANDLE]
    return dict(report)


@pytest.mark.emulator(options=("--boot-delay", "never", *DUMPS), fresh=True)
def test_found_with_a_dump(modem: Modem) -> None:
    """Nobody saw it crash: it is in its boot ROM when it is found, and has something to tell."""
    wait_rom(modem)
    if modem.kit.driver == "ours":
        automatic(modem, recover=False, dump=False)
    install(modem, FILES)
    flash(modem, "psi.bin").check()
    for region, size in zip(regions(modem), SIZES, strict=True):
        region.new()
        assert region.read(0, size) == generated(region.index, size)
    assert counts(modem)["files"] == [1] * 6
    assert counts(modem)["ended"] == 1


def test_taken_by_the_reporter(modem: Modem) -> None:
    """Health takes the dump by itself as soon as PSI says that there is one; and whoever flashes then has a good modem."""
    crash(modem, dump=True)
    flash(modem, "psi.bin").check()
    wait_until(lambda: all(region.snapshots() for region in regions(modem)), 20, "all regions have a snapshot")
    for region, size in zip(regions(modem), SIZES, strict=True):
        region.check(size)
    report = reporter(modem)
    assert (report["state"], report["error"]) == ("error", 1)
    assert "last_dump_date" in report
    reset(modem)
    modem.proves_life()
    assert reporter(modem)["state"] == "healthy"
    modem.down(0)


def wait_dumped(modem: Modem) -> None:
    """Until the reporter has taken its dump."""
    wait_until(lambda: "last_dump_date" in reporter(modem), 20, "the reporter has its dump")


def wait_reset_by_driver(modem: Modem) -> None:
    """It crashes with a dump, and the driver resets it."""
    resets = modem.stats()["flr"]
    modem.fault("now:dump=20")
    wait_until(lambda: modem.stats()["flr"] == resets + 1, 20, "the driver resets the function")
    wait_rom(modem)


@pytest.mark.emulator(fresh=True)
def test_as_documented(modem: Modem) -> None:
    """From the crash to traffic with the commands of the user's page, as they are there; all that is automatic is on."""
    (begin_dump,), (show_health, show_dump, show_regions, dump, delete, clear), by_hand = documented("Core dump")
    assert by_hand[-1] == "..."
    install(modem, FILES)
    (modem.bench.directory / "firmware/iosm").mkdir()
    install(modem, {f"iosm/{name}": image for name, image in FILES.items()})
    for count in (1, 2):
        wait_reset_by_driver(modem)
        told = modem.guest.sh(begin_dump).out
        assert "[PSI ACK] 0cd" in told
        wait_dumped(modem)
        shown = modem.guest.sh(show_health).out
        assert f"state error error {count} " in shown
        assert "last_dump_date" in shown
        shown = modem.guest.sh(show_dump).out
        assert re.findall(r"region: (\S+) snapshot: true", shown) == list(REGIONS)
        shown = modem.guest.sh(show_regions).out
        for region, size in zip(regions(modem), SIZES, strict=True):
            assert f"{region.handle}: size {REGIONS[region.name]} snapshot [0]" in shown
            if region.name != LARGE:
                content = octets(modem.guest.sh(dump.replace("report.json", region.name)).out)
                assert content == generated(region.index, size) + bytes(REGIONS[region.name] - size)
            modem.guest.sh(delete.replace("report.json", region.name))
        modem.guest.sh(clear)
        activate, = re.findall(r"``(devlink dev reload \$D .+?)``", user_page())
        modem.guest.sh(activate.replace("$D", HANDLE), timeout=60.0)
        modem.proves_life()
        stream(modem, 0, 1 << 20)
        modem.down(0)
        assert reporter(modem)["state"] == "healthy"
        assert counts(modem)["ended"] == count

    # The same by hand
    wait_reset_by_driver(modem)
    switch_off, begin_dump, new, _ = by_hand
    modem.guest.sh(switch_off)
    modem.guest.sh(begin_dump)
    for region in regions(modem, SMALL):
        modem.guest.sh(new.replace("report.json", region.name))
        region.check(SIZES[region.index])
    modem.guest.sh(activate.replace("$D", HANDLE), timeout=60.0)
    modem.proves_life()
    modem.down(0)
    # They stay.
    assert all(region.snapshots() for region in regions(modem, SMALL))


def test_old_snapshot_is_kept(modem: Modem) -> None:
    """What was not deleted is of the crash before, and does not pass for a file of this one: it stays, the others come.

    All but the last one: with that the dump would end, and there is one that can be fetched yet.
    """
    kept, last = Region(modem, "eeprom.bin"), Region(modem, list(REGIONS)[-1])
    crash(modem)
    flash(modem, "psi.bin").check()
    kept.new()
    # The end of that dump
    last.new()
    last.delete()
    fetched = counts(modem)["files"]
    reset(modem)
    modem.wait_ready()
    for error in (17, 0):
        resets = modem.stats()["flr"]
        modem.guest.run(["devlink", "health", "dump", "clear", HANDLE, "reporter", "coredump"])
        automatic(modem, recover=True, dump=True)
        wait_reset_by_driver(modem)
        assert modem.stats()["flr"] == resets + 1
        flash(modem, "psi.bin").check()
        wait_dumped(modem)
        words = ["devlink", "-j", "health", "dump", "show", HANDLE, "reporter", "coredump"]
        files = json.loads(modem.guest.run(words).out)["files"]
        errors = {kept.name: error, last.name: 16} if error else {}
        assert files == [{"region": name, **({"error": errors[name]} if name in errors else {"snapshot": True})}
                         for name in REGIONS]
        fetched = [before + (name not in errors) for name, before in zip(REGIONS, fetched, strict=True)]
        assert counts(modem)["files"] == fetched
        kept.check(SIZES[kept.index])
        if error:
            # Nothing was lost.
            kept.delete()
            kept.new()
            last.new()
            fetched = [before + (name in errors) for name, before in zip(REGIONS, fetched, strict=True)]
            assert counts(modem)["files"] == fetched
        for region in regions(modem):
            region.check(SIZES[region.index])
            region.delete()
        reset(modem)
        modem.wait_ready()
    modem.guest.run(["devlink", "health", "dump", "clear", HANDLE, "reporter", "coredump"])


OTHER_SIZES = (0x456, 0x13000, 0x12345, 0xFFFF, 0x8000, 0x10001)
SECOND_DUMPS = (*NAND_OPTIONS, "--coredump-sizes", ",".join(map(str, OTHER_SIZES)))


@pytest.mark.emulator(options=("--boot-delay", "never", *DUMPS), second=("--boot-delay", "never", *SECOND_DUMPS), fresh=True)
def test_two_dumps(modem: Modem) -> None:
    """Two modems have crashed: each gives its own files, whoever is asked in between, or at the same time."""
    wait_rom(modem)
    modem.guest.wait_for(f"devlink dev show {SECOND}", what="devlink has the second modem")
    install(modem, FILES)
    both = tuple(zip(range(2), (SIZES, OTHER_SIZES), strict=True))
    for which, sizes in both:
        if modem.kit.driver == "ours":
            automatic(modem, recover=False, dump=False, which=which)
        assert f"FILE SIZE] {sizes[0]}" in flash(modem, "psi.bin", which=which).check().text
    for name in REGIONS:
        pair = [Region(modem, name, which) for which, _ in both]
        if name == LARGE:
            # Memory is for one of them at a time.
            for region, (_, sizes) in zip(pair, both, strict=True):
                region.new()
                region.check(sizes[region.index])
                region.delete()
            continue
        jobs = [region.begin() for region in pair]
        assert [job.wait(WAIT) for job in jobs] == [0, 0], [job.output() for job in jobs]
        for region, (_, sizes) in zip(pair, both, strict=True):
            region.check(sizes[region.index])
    for which, _ in both:
        assert (counts(modem, which)["files"], counts(modem, which)["ended"]) == ([1] * 6, 1)


@pytest.mark.emulator(device="7360")
def test_other_device(modem: Modem) -> None:
    """A modem of the other kind: dumped by the reporter, and back again."""
    crash(modem, dump=True)
    flash(modem, "psi.bin").check()
    wait_dumped(modem)
    for region, size in zip(regions(modem), SIZES, strict=True):
        region.check(size)
        region.delete()
    reset(modem)
    modem.proves_life()
    stream(modem, 0, 1 << 20)
    modem.down(0)


def test_in_any_order(modem: Modem) -> None:
    """Files come in any order before the last one, and again after their snapshot was deleted."""
    crash(modem)
    flash(modem, "psi.bin").check()
    for name in ("eeprom.bin", "report.json", "cdd.log", "eeprom.bin"):
        region = Region(modem, name)
        region.new()
        region.check(SIZES[region.index])
        region.delete()
    last = Region(modem, "bootcore_prev_trace.bin")
    last.new()
    last.check(SIZES[5])
    last.delete()
    # That was the end of the dump.
    Region(modem, "report.json").new(check=False).failed(NO_FILE)
    reset(modem)
    modem.proves_life()
    modem.down(0)


def test_flashed_without_a_look(modem: Modem) -> None:
    """Who only wants a working modem goes on with the next loader."""
    crash(modem)
    flash(modem, "psi.bin").check()
    flash_what_is_left(modem, FILES)


def test_no_dump(modem: Modem) -> None:
    """A modem that runs has none, and says so."""
    crash(modem)
    flash(modem, "psi.bin").check()
    Region(modem, "bootcore_prev_trace.bin").new()
    reset(modem)
    modem.wait_ready()
    Region(modem, "bootcore_prev_trace.bin").delete()
    for region in regions(modem):
        region.new(check=False).failed(NO_FILE)
        assert region.snapshots() == []
    modem.proves_life()
    modem.down(0)


@pytest.mark.emulator(options=(*NAND_OPTIONS, "--coredump-sizes", "16,0,32,0,0,0"))
def test_fewer_files(modem: Modem) -> None:
    """The list ends early, and a file is empty: what is not there has no snapshot, and is not asked for."""
    crash(modem)
    flash(modem, "psi.bin").check()
    first = Region(modem, "report.json")
    first.new()
    first.check(16)
    for name in ("eeprom.bin", "bootcore_trace.bin", "bootcore_prev_trace.bin"):
        Region(modem, name).new(check=False).failed(NO_FILE)
    third = Region(modem, "cdd.log")
    third.new()
    third.check(32)


# Faults

@dataclass(frozen=True)
class Row:
    """A fault, what the user reads, how long that may take."""

    fault: str
    sentence: str
    within: float = AT_ONCE
    ended: bool = False		# the modem is told that the dump is over

    def __str__(self) -> str:
        return self.fault


LISTS = (
    Row("dump-list:short=4", WRONG_SIZE),
    Row("dump-list:long=4", WRONG_SIZE),
    Row("dump-list:ignore", NO_ANSWER, WAIT + 1),
    Row("dump-list:bad-value=0", BAD_LIST),
    Row("dump-list:bad-value=7", BAD_LIST),
    # One byte more than there is room for
    Row("dump-size:bad-value=801", BAD_LIST),
    Row("dump-size#2:bad-value=10e00001", BAD_LIST),
    Row("dump-size#6:bad-value=ffffffff", BAD_LIST),
    Row("rpsi:ignore", NO_ANSWER, WAIT + 1),
    Row("dump-list:crash", CRASHED),
)
CHUNKS = (
    Row("dump-chunk#3:long=1", WRONG_SIZE, ended=True),
    Row("dump-chunk:ignore", NO_ANSWER, WAIT + 1, ended=True),
    # The last byte of the file does not come.
    Row("dump-chunk#2:short=1", NO_ANSWER, WAIT + 1, ended=True),
    # One wait for the file, another one for the end of the dump. The modem finds both commands then.
    Row("rpsi:ignore", NO_ANSWER, 2 * WAIT + 1, ended=True),
    Row("dump-chunk#2:silence", NO_ANSWER, 2 * WAIT + 1),
    Row("dump-chunk#2:crash", CRASHED),
)


@pytest.mark.parametrize("row", LISTS, ids=str)
def test_bad_list(modem: Modem, row: Row) -> None:
    """Flashing PSI fails for it, and there is no dump; after a reset it is all there."""
    crash(modem)
    modem.fault(row.fault)
    flash(modem, "psi.bin").failed(row.sentence, row.within)
    assert modem.faults_fired() == 1
    Region(modem, "report.json").new(check=False).failed(NO_FILE)
    modem.control("clear")
    reset(modem)
    wait_rom(modem)
    flash(modem, "psi.bin").check()
    region = Region(modem, "report.json")
    region.new()
    region.check(SIZES[0])


@pytest.mark.parametrize("row", CHUNKS, ids=str)
def test_bad_file(modem: Modem, row: Row) -> None:
    """There is no snapshot of it. A modem that was told of the end boots after a reset; another one still has the dump."""
    crash(modem)
    flash(modem, "psi.bin").check()
    modem.fault(row.fault)
    region = Region(modem, "cdd.log")
    region.new(check=False).failed(row.sentence, row.within)
    assert modem.faults_fired() == 1
    assert region.snapshots() == []
    modem.control("clear")
    reset(modem)
    if row.ended:
        modem.wait_ready()
        return
    wait_rom(modem)
    flash(modem, "psi.bin").check()
    region.new()
    region.check(SIZES[2])


@pytest.mark.parametrize(("how", "fault"), (("signal", "dump-chunk#2:ignore"), ("signal", "rpsi:ignore"),
                                            ("unbind", "dump-chunk#2:ignore"), ("reset", "dump-chunk#2:ignore")))
def test_interrupted(modem: Modem, how: str, fault: str) -> None:
    """Whoever fetches is interrupted, or the driver is taken away, or the modem is reset under it."""
    crash(modem)
    flash(modem, "psi.bin").check()
    modem.fault(fault)
    region = Region(modem, "cdd.log")
    job = region.begin()
    wait_until(modem.faults_fired, 10, "the modem holds the file back")
    if how == "signal":
        job.kill(signal.SIGINT)
    elif how == "unbind":
        unbind(modem)
        bind(modem)
        modem.wait_state("loader")
        automatic(modem, recover=False, dump=False)
    else:
        reset(modem)
    assert job.wait(AT_ONCE) != 0
    lock_is_free(modem)
    modem.control("clear")
    if how != "signal":
        reset(modem)
        wait_rom(modem)
        flash(modem, "psi.bin").check()
    region.new()
    region.check(SIZES[2])


def test_interrupted_list(modem: Modem) -> None:
    """Whoever flashes PSI is interrupted while the modem looks for its files: there is no dump, and the next PSI finds it."""
    crash(modem)
    modem.fault("dump-list:ignore")
    job = begin(modem, "psi.bin")
    wait_until(modem.faults_fired, 10, "the modem holds the list back")
    job.kill(signal.SIGINT)
    assert job.wait(AT_ONCE) != 0
    lock_is_free(modem)
    region = Region(modem, "report.json")
    region.new(check=False).failed(NO_FILE)
    modem.control("clear")
    reset(modem)
    wait_rom(modem)
    flash(modem, "psi.bin").check()
    region.new()
    region.check(SIZES[0])


@pytest.mark.parametrize("interrupted", (False, True))
def test_end_without_an_answer(modem: Modem, interrupted: bool) -> None:
    """The last file is there before the modem confirms the end, so it is kept; nobody has to wait for that."""
    crash(modem)
    flash(modem, "psi.bin").check()
    modem.fault("dump-end:ignore")
    region = Region(modem, "bootcore_prev_trace.bin")
    job = region.begin()
    wait_until(modem.faults_fired, 10, "the modem does not confirm the end")
    if interrupted:
        job.kill(signal.SIGINT)
    assert (job.wait(AT_ONCE if interrupted else WAIT + 1) == 0) == (not interrupted)
    lock_is_free(modem)
    region.check(SIZES[5])
    # It was told of it, and boots.
    reset(modem)
    modem.proves_life()
    modem.down(0)


HARMLESS = (("psi.bin", "dump-name:bad-value=ff"), ("psi.bin", "dump-name#3:bad-value=1"), ("psi.bin", "dump-list:twice"),
            ("psi.bin", "dump-list:lose-msi"), ("cdd.log", "dump-chunk#2:lose-msi"), ("cdd.log", "dump-chunk#2:late=500"),
            ("bootcore_prev_trace.bin", "dump-end:late=500"))


def test_harmless(modem: Modem) -> None:
    """Names that are none, lost interrupts, a modem that takes its time: the files are complete, names can be printed."""
    crash(modem)
    monitor = Monitor(modem)
    modem.fault(*(fault for name, fault in HARMLESS if name == "psi.bin"))
    flash(modem, "psi.bin").check()
    names = [status.message for status in monitor.next() if status.component == "FILENAME"]
    assert names == ["?" * 31, "coredump.fcd", "?" * 31, "eeprom.bin", "bootcore_trace.bin", "bootcore_prev_trace.bin"]
    for region in regions(modem, SMALL):
        fired = modem.faults_fired()
        mine = [fault for name, fault in HARMLESS if name == region.name]
        modem.fault(*mine)
        region.new()
        region.check(SIZES[region.index])
        assert modem.faults_fired() == fired + len(mine), region.name
    modem.control("clear")
    reset(modem)
    modem.wait_ready()


LONGEST = (REGIONS["report.json"], REGIONS[LARGE], *(REGIONS[name] for name in SMALL[1:]))


@pytest.mark.emulator(options=(*NAND_OPTIONS, "--coredump-sizes", ",".join(map(str, LONGEST))))
def test_largest(modem: Modem) -> None:
    """Each file as large as its region; of the 283 MB one, some parts are looked at."""
    crash(modem)
    flash(modem, "psi.bin").check()
    region = Region(modem, LARGE)
    region.new()
    for start in (0, 65536 - 16, 0x7654321, REGIONS[LARGE] - 4096):
        assert region.read(start, 4096) == generated(1, 4096, start)
    region.delete()
