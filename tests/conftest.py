# SPDX-License-Identifier: GPL-2.0
"""System tests: a real kernel, our driver, a software modem; see Documentation/internals.rst.

A test gets a running modem through the fixture ``modem``. Which one is said by the marker
``@pytest.mark.emulator(device=..., options=...)`` and by the parameter ``mux``. Tests of one file that want the same
modem share one boot; a test that fails leaves its bench to nobody. After each test the modem must not have complained
about the driver, the guest's kernel must not have warned, and in the end iosm-emu must exit with status 0.

DRIVER=stock runs the kernel's own module instead; what it is known to fail is in tests/oracle/expectations.py.
FLAVOUR=debug runs a kernel with all checkers; tests that want system sleep (sleep=True) run in the flavour pm or pm-debug.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import re
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tools"))

# A failed assertion there says as much as one in a test.
pytest.register_assert_rewrite("testlib")

from iosmlib import kernel as kernels  # noqa: E402
from iosmlib.bench import build_emulator  # noqa: E402
from iosmlib.common import Error, cache_dir  # noqa: E402
from oracle.expectations import explanation  # noqa: E402
from testlib.modem import Config, Kit, Modem  # noqa: E402

LOGS = cache_dir() / "logs" / "tests"
TAIL = 25
MUXES = ("lite", "aggr")
ORACLE = os.environ.get("DRIVER") == "stock"


def pytest_configure(config: pytest.Config) -> None:
    """Our marker."""
    config.addinivalue_line("markers", "emulator(device=, mux=, options=, parameters=, sleep=, trace=, load=, boots=, memory=, "
                                       "second=, fresh=): the modem that a test wants")
    config.addinivalue_line("markers", "alone: no other guest may run at the same time")
    if hasattr(config, "workerinput"):
        POOL.seats = Seats()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with an argument ``mux`` runs with both variants."""
    if "mux" in metafunc.fixturenames:
        metafunc.parametrize("mux", MUXES, scope="module")


def wanted(item: pytest.Item | None) -> Config | None:
    """The modem that a test wants, if any."""
    if not isinstance(item, pytest.Function) or "modem" not in item.fixturenames:
        return None
    settings: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("emulator"))):
        settings.update(marker.kwargs)
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec else {}
    for name in ("mux", "device"):
        if name in parameters:
            settings[name] = parameters[name]
    settings["options"] = tuple(settings.get("options", ()))
    # Of the driver; a test may also take one as an argument of its own.
    settings["parameters"] = (*settings.get("parameters", ()),
                              *(f"{name}={parameters[name]}" for name in ("system_sleep",) if name in parameters))
    if settings.pop("fresh", False):
        settings["owner"] = item.name
    return Config(**settings)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Within a file, tests that want the same modem follow each other; otherwise the order stays.

    Where files are shared out to several processes, the long ones come first, so that all end at about the same time.
    """
    order: dict[tuple[Path, Config | None], int] = {}
    files: dict[Path, int] = {}
    guests: Counter[Path] = Counter()
    for item in items:
        files.setdefault(item.path, len(files))
        order.setdefault((item.path, wanted(item)), len(order))
        guests[item.path] += bool(wanted(item) and hasattr(config, "workerinput"))
    items.sort(key=lambda item: (-guests[item.path], files[item.path], order[item.path, wanted(item)]))
    if ORACLE:
        # What has nothing to do with the driver proves nothing about it.
        items[:] = [item for item in items if wanted(item)]
        for item in items:
            row = explanation(short_name(item.nodeid))
            if row:
                # Only the oracle, never our driver; not strict, as the summary names those that pass unexpectedly.
                item.add_marker(pytest.mark.xfail(reason=f"{row.reason}: {row.why}", run=row.run, strict=False))


class Seats:
    """One CPU for each bench, the one with the fewest others, where several processes run tests.

    User-Mode Linux hands every page fault of its programs to another process. On the same CPU that takes half the time.
    """

    def __init__(self) -> None:
        self.cpus = sorted(os.sched_getaffinity(0))
        self.directory = cache_dir() / "locks" / "seats"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.taken: IO[str] | None = None

    def take(self) -> None:
        """For this process, and what it starts."""
        for number in itertools.count():
            file = open(self.directory / str(number), "w", encoding="ascii")  # noqa: SIM115
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.taken = file
                os.sched_setaffinity(0, {self.cpus[number % len(self.cpus)]})
                return
            file.close()

    def leave(self) -> None:
        """Somebody else may have it."""
        os.sched_setaffinity(0, self.cpus)
        if self.taken:
            self.taken.close()
            self.taken = None


class Pool:
    """The one bench that runs at a time."""

    def __init__(self) -> None:
        self.modem: Modem | None = None
        self.owner: tuple[Path, Config] | None = None
        self.seats: Seats | None = None

    def get(self, kit: Kit, owner: tuple[Path, Config]) -> Modem:
        """The running bench if it fits, or a new one."""
        if self.modem and self.owner != owner:
            self.discard()
        if not self.modem:
            modem = Modem(kit, owner[1])
            if self.seats:
                self.seats.take()
            try:
                modem.start()
            except BaseException:
                self._leave()
                raise
            self.modem, self.owner = modem, owner
        return self.modem

    def finish(self, logs: Path) -> list[str]:
        """End the bench in good order; complaints, for which there are logs then."""
        modem, self.modem = self.modem, None
        try:
            return modem.finish(logs) if modem else []
        finally:
            self._leave()

    def discard(self) -> None:
        """End the bench; what it says does not matter any more."""
        modem, self.modem = self.modem, None
        if modem:
            modem.bench.close()
        self._leave()

    def _leave(self) -> None:
        if self.seats:
            self.seats.leave()


POOL = Pool()


@pytest.fixture(scope="session")
def kit() -> Kit:
    """Kernel, modules and emulator, built once."""
    driver = os.environ.get("DRIVER") or "ours"
    names = ("ours",) if driver == "ours" else ("stock", "rootport")
    program = os.environ.get("IOSM_EMU")
    try:
        kernel = kernels.get(None, os.environ.get("FLAVOUR") or "plain")
        return Kit(driver, kernel, {name: kernels.module(kernel, name) for name in names},
                   Path(program) if program else build_emulator())
    except Error as err:
        pytest.exit(str(err), returncode=2)


@pytest.fixture
def modem(kit: Kit, request: pytest.FixtureRequest) -> Iterator[Modem]:
    """A modem with the driver bound, as the test's markers want it."""
    config = wanted(request.node)
    assert config
    running = POOL.get(kit, (request.node.path, config))
    yield running
    # A failed test's bench is gone already.
    if POOL.modem is running:
        running.clean_up()


def log_directory(item: pytest.Item) -> Path:
    """Where the logs of a failed test are kept."""
    return LOGS / re.sub(r"[^\w.-]+", "_", item.nodeid)


def keep_logs(item: pytest.Item, modem: Modem) -> None:
    """Save what explains a failure, and show the ends of it."""
    place = log_directory(item)
    modem.bench.save(place)
    for title, text in (("modem", modem.emulator.log()), ("console", modem.guest.console_text())):
        lines = [line for line in text.splitlines() if "epollctl add err" not in line]
        item.add_report_section("call", f"{title}, last lines", "\n".join(lines[-TAIL:]))
    item.add_report_section("call", "logs", str(place))


def force_failure(outcome: Any, complaints: list[str], title: str = "") -> None:
    """Turn the outcome of a hook into a failure."""
    try:
        pytest.fail("\n".join([*([title] if title else []), *complaints[:10]]), pytrace=False)
    except pytest.fail.Exception as err:
        if hasattr(outcome, "force_exception"):
            outcome.force_exception(err)
        else:
            outcome._excinfo = sys.exc_info()


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, None]:
    """After the test itself: nobody may have complained. A failure takes the bench with it."""
    outcome = yield
    modem = pyfuncitem.funcargs.get("modem")
    if not isinstance(modem, Modem):
        return
    failed = outcome.excinfo is not None and not issubclass(outcome.excinfo[0], pytest.skip.Exception)
    complaints = modem.verify(ask=not failed)
    if not failed and complaints:
        force_failure(outcome, complaints)
        failed = True
    elif failed and complaints:
        pyfuncitem.add_report_section("call", "complaints", "\n".join(complaints[:10]))
    if failed:
        keep_logs(pyfuncitem, modem)
        POOL.discard()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, None]:
    """When the next test wants another modem, this one is ended, and may have last words."""
    outcome = yield
    if not POOL.modem or (nextitem and POOL.owner == (nextitem.path, wanted(nextitem))):
        return
    modem = POOL.modem
    if outcome.excinfo is not None:
        keep_logs(item, modem)
        POOL.discard()
        return
    complaints = POOL.finish(log_directory(item))
    if complaints:
        force_failure(outcome, complaints, f"at the end of this bench (logs in {log_directory(item)}):")


def short_name(nodeid: str) -> str:
    """The id of a test without the directory."""
    path, bracket, parameters = nodeid.partition("[")
    return path.split("/")[-1] + bracket + parameters


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the oracle says, in four numbers and the lists behind the interesting ones."""
    if not ORACLE:
        return
    stats = terminalreporter.stats
    unexplained = [*stats.get("failed", []), *stats.get("error", [])]
    reports = {"passed": stats.get("passed", []), "failed as explained": stats.get("xfailed", []),
               "failed without explanation": unexplained, "passed in spite of an explanation": stats.get("xpassed", [])}
    terminalreporter.section("oracle: the kernel tree's own driver")
    for report in sorted(stats.get("xfailed", []), key=lambda report: (report.wasxfail, report.nodeid)):
        terminalreporter.line(f"  explained    {short_name(report.nodeid)}: {report.wasxfail}")
    for report in stats.get("xpassed", []):
        terminalreporter.line(f"  unexpected   {short_name(report.nodeid)} passed, but: {report.wasxfail}")
    for report in unexplained:
        terminalreporter.line(f"  unexplained  {short_name(report.nodeid)}")
    terminalreporter.line("oracle: " + ", ".join(f"{len(group)} {title}" for title, group in reports.items()))
