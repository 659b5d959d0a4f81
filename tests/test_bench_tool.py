# SPDX-License-Identifier: GPL-2.0
"""The parts of tools/bench that need no guest: parsing, medians, verdicts, table, chart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from iosmlib import benchmarks, chart, results
from iosmlib.common import TOP, Error
from iosmlib.results import MUXES, OURS, ROWS, STOCK, Row, Sample

SVG = "{http://www.w3.org/2000/svg}"
UP = Row("up", "rate", "up", "Gbit/s", True, lite=2.0)
WAIT = Row("wait", "ms", "wait", "ms", False, lite=0.5)
KEPT = Row("kept", "share", "kept", "", True, lite=0.8, own=True, versus="alone")


def samples(name: str, value: str, ours: list[float | None], stock: list[float | None]) -> list[Sample]:
    """Runs of one scenario in Lite; None is a run that failed."""
    return [Sample(pair, driver, "lite", name, {} if number is None else {value: number},
                   ["broken"] * 2 if number is None else [])
            for driver, numbers in ((OURS, ours), (STOCK, stock)) for pair, number in enumerate(numbers, 1)]


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    """A machine that gets slower changes both sides of a pair, and not the ratio."""
    line = results.summarise(samples("up", "rate", [6, 3, 1.5, 4, 1], [2, 1, 0.5, 4, 1]), UP, "lite")
    assert line
    assert (line.ratio, line.low, line.high, line.pairs) == (3, 1, 3, 5)
    assert (line.ours, line.stock, line.verdict) == (3, 1, "met")


@pytest.mark.parametrize(("row", "ratio", "verdict"), (
    (UP, 2.0, "met"), (UP, 1.99, "missed"), (WAIT, 0.5, "met"), (WAIT, 0.51, "missed"), (UP, None, "failed")))
def test_verdicts(row: Row, ratio: float | None, verdict: str) -> None:
    """A target is met when it is reached exactly; more or less is better as the row says."""
    assert results.verdict(row, "lite", ratio) == verdict


def test_rows_without_target_have_no_verdict() -> None:
    """Aggregation has no target here."""
    assert results.verdict(UP, "aggr", 0.1) == "none"


def test_failed_runs_are_shown_and_not_paired() -> None:
    """A pair needs both; what was lost is counted, and one lost run of the other driver is no failure to measure."""
    every = samples("up", "rate", [6, 8, 9], [2, None, 3])
    line = results.summarise(every, UP, "lite")
    assert line
    assert (line.ratio, line.pairs, line.lost) == (3, 2, 1)
    assert "1 runs failed twice" in results.table([line])
    assert results.status([line], every, strict=False) == 0
    assert results.status([line], samples("up", "rate", [6, None], [2, 2]), strict=False) == 1


def test_nothing_to_compare_is_a_failure() -> None:
    """Without a single pair there is no ratio, and the status says so."""
    every = samples("up", "rate", [6, 8], [None, None])
    line = results.summarise(every, UP, "lite")
    assert line
    assert (line.ratio, line.verdict) == (None, "failed")
    assert results.status([line], every, strict=False) == 1
    assert "NOT all" in results.last_line([line], every)


def test_one_driver_alone_is_no_failure() -> None:
    """With --driver there are numbers, no ratios, and no verdicts."""
    every = samples("up", "rate", [6, 8], [])
    line = results.summarise(every, UP, "lite")
    assert line
    assert (line.ours, line.ratio, line.verdict) == (7, None, "none")
    assert results.status([line], every, strict=True) == 0


def test_strict_fails_on_a_missed_target() -> None:
    """Otherwise a miss is only reported."""
    every = samples("up", "rate", [3], [2])
    line = results.summarise(every, UP, "lite")
    assert line
    assert line.verdict == "missed"
    assert (results.status([line], every, strict=False), results.status([line], every, strict=True)) == (0, 1)


def test_disturbance() -> None:
    """What kept the guest from running is told in one line, if it was measured."""
    assert results.disturbance([Sample(1, OURS, "lite", "up", {"rate": 1.0})]) == ""
    every = [Sample(1, OURS, "lite", "up", {"waited": share}) for share in (0.01, 0.02, 0.4)]
    assert "2% of the time" in results.disturbance(every)
    assert "40% at most" in results.disturbance(every)


def test_own_ratios_do_not_need_the_other_driver() -> None:
    """The target is for our number; the other's is shown beside it."""
    line = results.summarise(samples("kept", "share", [0.9, 0.85, 0.95], [0.5, 0.6, 0.4]), KEPT, "lite")
    assert line
    assert (line.ours, line.stock, line.ratio, line.verdict) == (0.9, 0.5, 0.9, "met")


@pytest.mark.parametrize(("values", "share", "wanted"), (
    ([5], 0.5, 5), ([5], 0.99, 5), (list(range(1, 101)), 0.5, 50), (list(range(1, 101)), 0.99, 99),
    (list(range(1, 201)), 0.99, 198), ([3, 1, 2], 0.5, 2), ([1, 2], 1.0, 2)))
def test_percentile(values: list[float], share: float, wanted: float) -> None:
    """The smallest value that this share does not exceed."""
    assert results.percentile(values, share) == wanted


def test_iperf3() -> None:
    """What arrived counts, not what was written."""
    text = json.dumps({"end": {"sum_sent": {"bits_per_second": 9e9, "retransmits": 7},
                               "sum_received": {"bits_per_second": 8e9}}})
    assert benchmarks.parse_iperf3(text) == {"bits": 8e9, "retransmits": 7}
    with pytest.raises(Error, match="Connection refused"):
        benchmarks.parse_iperf3(json.dumps({"error": "unable to connect to server: Connection refused"}))
    with pytest.raises(Error, match="no JSON"):
        benchmarks.parse_iperf3("")


def test_ping() -> None:
    """Lost requests are slower than any answer; nobody answering is an error."""
    text = "\n".join(f"64 bytes from 10.64.0.1: icmp_seq={n} ttl=64 time={n / 100} ms" for n in range(1, 99))
    text += "\n64 bytes from 10.64.0.1: icmp_seq=3 ttl=64 time=99 ms (DUP!)"
    assert benchmarks.parse_ping(text, 98) == {"p50": 0.49, "p99": 0.98, "lost": 0}
    assert benchmarks.parse_ping(text, 100) == {"p50": 0.5, "p99": benchmarks.PING_LOST, "lost": 2}
    with pytest.raises(Error, match="0 answers"):
        benchmarks.parse_ping("PING 10.64.0.1", 100)


def test_interrupts() -> None:
    """The modem's line of the guest's table, whichever number it has."""
    text = ("           CPU0       \n  5:       1234    SIGIO    sigio\n"
            " 80:        777  PCI-MSI-0000:00:00.0   0-edge      iosm 3\n")
    assert benchmarks.interrupts(text) == 777


def test_kernel_memory() -> None:
    """What is free, a file's or a process's does not count."""
    reading = {"MemTotal": 1000, "MemFree": 500, "lists": 20, "Buffers": 1, "Cached": 99, "AnonPages": 100, "PageTables": 10,
               "KernelStack": 20, "Slab": 50}
    assert benchmarks.kernel_memory(reading) == {"slab": 50, "pages": 200, "total": 250}


def test_cpu_time_of_a_session() -> None:
    """The time of a process that works, and of its children that have ended, is found; that of others is not."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    script = (f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\n"
              "print('done', flush=True)\nsys.stdin.read()")
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               start_new_session=True)
    try:
        assert process.stdout and process.stdout.readline() == b"done\n"
        assert 0.25 <= benchmarks.cpu_seconds(process.pid) < 3
    finally:
        process.kill()
        process.communicate()
    assert benchmarks.cpu_seconds(process.pid) == 0


def test_processors_are_put_back() -> None:
    """Only what is started inside is bound."""
    before = os.sched_getaffinity(0)
    with benchmarks.on_cpus({min(before)}):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before


def test_priority_reaches_the_session() -> None:
    """A process that leads a session takes its session along, where the host has groups for them."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        group = Path(f"/proc/{process.pid}/autogroup")
        benchmarks.favour(process.pid, 5)
        assert not group.exists() or group.read_text().split()[-1] == "5"
    finally:
        process.kill()
        process.wait()


def test_every_row_has_its_scenario() -> None:
    """A row whose scenario does not exist would never be shown; two scenarios of one name would be mixed."""
    names = [scenario.name for scenario in benchmarks.SCENARIOS]
    assert len(set(names)) == len(names)
    assert {row.scenario for row in ROWS} == {*names, "codec"}
    assert all(scenario.says for scenario in benchmarks.SCENARIOS)
    assert sum(len(group) for group in benchmarks.groups(benchmarks.SCENARIOS)) == len(names)


def test_chart() -> None:
    """Valid XML; each line has its bar, each target its mark, and what is missing is said."""
    every = [sample for row in ROWS for mux in MUXES for sample in (
        Sample(1, OURS, mux, row.scenario, {row.value: 3.0}), Sample(1, STOCK, mux, row.scenario, {row.value: 1.5}))]
    lines = results.lines(every)
    assert len(lines) == len(ROWS) * len(MUXES)
    root = ElementTree.fromstring(chart.chart(lines, "title <&>", "subtitle"))
    assert root.tag == f"{SVG}svg"
    shown = [line for line in lines if not line.row.plain]
    bars = [rect for rect in root.iter(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]
    assert len(bars) == len(shown)
    marks = [mark for mark in root.iter(f"{SVG}line") if mark.get("class") == "target"]
    # One more explains it.
    assert len(marks) == sum(1 for line in shown if line.target is not None) + 1
    assert all(0 <= float(bar.get("x", "")) <= chart.WIDTH for bar in bars)
    broken = results.lines(samples("tcp-up", "gbit", [None], [1.0]))
    assert "not measured" in chart.chart(broken, "", "")


def test_scale() -> None:
    """Logarithmic, with 1 inside, and nothing outside."""
    scale = chart.Scale([0.1, 10])
    assert scale.x(0.1) == chart.LEFT
    assert scale.x(10) == chart.WIDTH - chart.RIGHT
    assert scale.x(1) == pytest.approx((scale.x(0.1) + scale.x(10)) / 2)
    assert scale.x(1e9) == scale.x(10)
    assert chart.Scale([]).low < 1 < chart.Scale([]).high


def test_show_renders_an_earlier_run(tmp_path: Path) -> None:
    """The file that a run leaves is enough for table and chart."""
    every = [Sample(1, driver, mux, "tcp-up", {"gbit": gbit, "cpu": cpu, "doorbells": 1.0, "interrupts": 1.0})
             for mux in MUXES for driver, gbit, cpu in ((OURS, 6.0, 1.0), (STOCK, 1.0, 2.0))]
    facts = {"date": "today", "commit": "abc", "changed": False, "kernel": "7.3", "cpus": 2, "cpu": "some", "load_start": "0",
             "load_end": "1", "quick": False}
    (tmp_path / "results.json").write_text(json.dumps({"samples": [vars(sample) for sample in every], "facts": facts}))
    done = subprocess.run([TOP / "tools" / "bench", "--show", tmp_path / "results.json"], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("bench: measured, 4 targets met, 0 missed\n")
    assert "TCP up, 1 flow" in (tmp_path / "table.txt").read_text()
    ElementTree.parse(tmp_path / "chart.svg")


def test_unknown_scenarios_are_refused() -> None:
    """A word that no scenario begins with is a mistake of the user."""
    done = subprocess.run([TOP / "tools" / "bench", "--only", "tcp,nonsense"], text=True, capture_output=True, check=False)
    assert done.returncode == 2
    assert "nonsense" in done.stderr
