# SPDX-License-Identifier: GPL-2.0
"""Results of tools/bench: what is compared, which target it has, and what the numbers of a run come to."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MUXES = ("lite", "aggr")
OURS, STOCK = "ours", "stock"


@dataclass(frozen=True)
class Row:
    """One line of the table, for each variant of the multiplexer."""

    scenario: str
    value: str			# name of the number among those that the scenario measures
    title: str
    unit: str
    more: bool			# more is better
    lite: float | None = None	# targets
    aggr: float | None = None
    own: bool = False		# the number is a ratio already; the target is for ours alone
    versus: str = ""		# what an own ratio is held against
    plain: bool = False		# an own number that is no ratio: for the table only

    def target(self, mux: str) -> float | None:
        """The target for a variant, if there is one."""
        return self.lite if mux == "lite" else self.aggr


def both(target: float) -> dict[str, float]:
    """The same target in both variants."""
    return {"lite": target, "aggr": target}


ROWS: tuple[Row, ...] = (
    Row("tcp-up", "gbit", "TCP up, 1 flow", "Gbit/s", True, **both(6)),
    Row("tcp-8", "up_flows", "TCP up, 8 flows on 1 link", "Gbit/s", True, **both(6)),
    Row("tcp-8", "up_links", "TCP up, 8 flows on 8 links", "Gbit/s", True, **both(6)),
    Row("tcp-down", "gbit", "TCP down, 1 flow", "Gbit/s", True, lite=1.8, aggr=5),
    Row("tcp-8", "down_flows", "TCP down, 8 flows on 1 link", "Gbit/s", True, lite=1.8, aggr=5),
    Row("tcp-8", "down_links", "TCP down, 8 flows on 8 links", "Gbit/s", True, lite=1.8, aggr=5),
    Row("tcp-up", "cpu", "guest CPU per MB, TCP up", "ms/MB", False, **both(0.5)),
    Row("tcp-down", "cpu", "guest CPU per MB, TCP down", "ms/MB", False, **both(0.5)),
    Row("tcp-up", "doorbells", "doorbells per MB, TCP up", "/MB", False),
    Row("tcp-down", "doorbells", "doorbells per MB, TCP down", "/MB", False),
    Row("tcp-up", "interrupts", "interrupts per MB, TCP up", "/MB", False),
    Row("tcp-down", "interrupts", "interrupts per MB, TCP down", "/MB", False),
    Row("udp-down-64", "kpps", "UDP down, 64-byte packets", "kpkt/s", True, **both(2)),
    Row("udp-down-64", "ip_kpps", "... of them not lost before IP", "kpkt/s", True),
    Row("udp-down-512", "kpps", "UDP down, 512-byte packets", "kpkt/s", True),
    Row("udp-down-512", "ip_kpps", "... of them not lost before IP", "kpkt/s", True),
    Row("udp-down-1400", "kpps", "UDP down, 1400-byte packets", "kpkt/s", True),
    Row("udp-down-1400", "ip_kpps", "... of them not lost before IP", "kpkt/s", True),
    Row("udp-up-64", "kpps", "UDP up, 64-byte packets", "kpkt/s", True, **both(2)),
    Row("udp-up-64", "ceiling_kpps", "... into no driver at all (control: 1)", "kpkt/s", True),
    Row("udp-up-512", "kpps", "UDP up, 512-byte packets", "kpkt/s", True),
    Row("udp-up-1400", "kpps", "UDP up, 1400-byte packets", "kpkt/s", True),
    Row("udp-up-segment", "kpps_64", "UDP_SEGMENT up, 64-byte packets", "kpkt/s", True, **both(2)),
    Row("udp-up-segment", "kpps_1400", "UDP_SEGMENT up, 1400-byte packets", "kpkt/s", True),
    Row("ping-idle", "p50", "ping, idle, median", "ms", False, **both(0.25)),
    Row("ping-idle", "p99", "ping, idle, 99 %", "ms", False),
    Row("ping-up", "p50", "ping, TCP up beside it, median", "ms", False),
    Row("ping-up", "p99", "ping, TCP up beside it, 99 %", "ms", False, **both(0.5)),
    Row("ping-down", "p50", "ping, TCP down beside it, median", "ms", False),
    Row("ping-down", "p99", "ping, TCP down beside it, 99 %", "ms", False, **both(0.5)),
    Row("memory", "total", "kernel memory, 8 links up", "kB", False, **both(0.5)),
    Row("memory", "slab", "... of it slab", "kB", False),
    Row("memory", "pages", "... of it pages", "kB", False),
    Row("loopback", "gbit", "guest's own loopback TCP (control: 1)", "Gbit/s", True),
    Row("tcp-8", "up_together", "8 links together / 1 link, up", "", True, **both(0.95), own=True, versus="1 link"),
    Row("tcp-8", "down_together", "8 links together / 1 link, down", "", True, **both(0.95), own=True, versus="1 link"),
    Row("cross-up", "kept", "TCP up kept with paced down", "", True, **both(0.8), own=True, versus="up alone"),
    Row("cross-down", "kept", "TCP down kept with paced up", "", True, **both(0.8), own=True, versus="down alone"),
    Row("cross-up", "kept_unpaced", "TCP up kept with all of down", "", True, own=True, versus="up alone"),
    Row("cross-down", "kept_unpaced", "TCP down kept with all of up", "", True, own=True, versus="down alone"),
    Row("codec", "encode_1400", "codec, encode 1400 bytes / memcpy", "", False, **both(1.5), own=True, versus="memcpy"),
    Row("codec", "decode_1400", "codec, decode 1400 bytes / memcpy", "", False, **both(1.5), own=True, versus="memcpy"),
    Row("codec", "encode_512", "codec, encode 512 bytes / memcpy", "", False, own=True, versus="memcpy"),
    Row("codec", "decode_512", "codec, decode 512 bytes / memcpy", "", False, own=True, versus="memcpy"),
    Row("codec", "encode_64", "codec, encode 64 bytes / memcpy", "", False, own=True, versus="memcpy"),
    Row("codec", "decode_64", "codec, decode 64 bytes / memcpy", "", False, own=True, versus="memcpy"),
    *(Row("codec", f"{operation}_{size}_instructions", f"codec, {operation} {size} bytes, instructions", "", False, own=True,
          plain=True) for size in (1400, 512, 64) for operation in ("encode", "decode")),
)


@dataclass
class Sample:
    """What one run of one scenario measured, or why it could not."""

    pair: int
    driver: str
    mux: str
    scenario: str
    values: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """There are numbers."""
        return bool(self.values)


@dataclass(frozen=True)
class Line:
    """A row in one variant: medians, ratio, verdict."""

    row: Row
    mux: str
    ours: float | None
    stock: float | None
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    retried: int			# runs that failed at first
    lost: int				# runs that failed twice
    verdict: str			# met, missed, none (no target), failed (no number)

    @property
    def target(self) -> float | None:
        """The target of this line."""
        return self.row.target(self.mux)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "target": self.target}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 10000) // 10000)
    return ordered[max(0, min(len(ordered), rank) - 1)]


def pairwise(ours: dict[int, float], stock: dict[int, float]) -> list[float]:
    """The ratio of each pair that is complete."""
    return [ours[pair] / stock[pair] for pair in sorted(ours.keys() & stock.keys()) if stock[pair]]


def verdict(row: Row, mux: str, ratio: float | None) -> str:
    """Is the target met?"""
    target = row.target(mux)
    if ratio is None:
        return "failed"
    if target is None:
        return "none"
    return "met" if (ratio >= target if row.more else ratio <= target) else "missed"


def _median(values: Iterable[float]) -> float | None:
    every = list(values)
    return statistics.median(every) if every else None


def summarise(samples: Sequence[Sample], row: Row, mux: str) -> Line | None:
    """What the samples say about a row; None if its scenario was not run in this variant."""
    mine = [sample for sample in samples if sample.scenario == row.scenario and sample.mux == mux]
    if not mine or (row.plain and not any(row.value in sample.values for sample in mine)):
        return None
    values = {driver: {sample.pair: sample.values[row.value] for sample in mine
                       if sample.driver == driver and row.value in sample.values} for driver in (OURS, STOCK)}
    ratios = [values[OURS][pair] for pair in sorted(values[OURS])] if row.own else pairwise(values[OURS], values[STOCK])
    ratio = _median(ratios)
    # With --driver there is nothing to compare, and nothing missing.
    alone = not row.own and len({sample.driver for sample in mine}) == 1
    return Line(row, mux, _median(values[OURS].values()), _median(values[STOCK].values()), ratio,
                min(ratios, default=None), max(ratios, default=None), len(ratios),
                sum(1 for sample in mine if sample.ok and sample.errors), sum(1 for sample in mine if not sample.ok),
                "none" if alone else verdict(row, mux, ratio))


def lines(samples: Sequence[Sample]) -> list[Line]:
    """The whole table, in order."""
    every = (summarise(samples, row, mux) for row in ROWS for mux in MUXES)
    return [line for line in every if line]


def short(value: float | None) -> str:
    """A number with three digits that matter."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 100 or size == 0:
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"


VERDICTS = {"met": "met", "missed": "MISSED", "none": "", "failed": "FAILED"}


def table(every: Sequence[Line]) -> str:
    """The table as text, one line for each row and variant."""
    head = (f"{'':<40}{'':<6}{'ours':>8}{'stock':>8} {'':<7}{'ratio':>7}   {'lowest .. highest':<18}{'target':<8}")
    out = [head, "-" * len(head)]
    before = ""
    for line in every:
        row = line.row
        title = row.title if row.title != before else ""
        before = row.title
        spread = f"{short(line.low)} .. {short(line.high)}" if line.ratio is not None and line.pairs > 1 else ""
        target = f"{'>=' if row.more else '<='} {line.target:g}" if line.target is not None else ""
        notes = [VERDICTS[line.verdict]]
        if line.retried:
            notes.append(f"({line.retried} runs only at the second try)")
        if line.lost:
            notes.append(f"({line.lost} runs failed twice)")
        out.append((f"{title:<40}{line.mux:<6}{short(line.ours):>8}{short(line.stock):>8} {row.unit:<7}"
                    f"{'' if row.plain else short(line.ratio):>7}   {spread:<18}{target:<8}"
                    + " ".join(note for note in notes if note)).rstrip())
    return "\n".join(out)


def totals(every: Sequence[Line]) -> dict[str, int]:
    """How many lines have which verdict."""
    return {name: sum(1 for line in every if line.verdict == name) for name in VERDICTS}


def disturbance(samples: Sequence[Sample]) -> str:
    """How much other work of the machine was in the way, empty if nobody looked."""
    shares = [sample.values["waited"] for sample in samples if "waited" in sample.values]
    if not shares:
        return ""
    return (f"the guest waited for a processor that others had {statistics.median(shares):.0%} of the time (median of "
            f"{len(shares)} runs), {max(shares):.0%} at most")


def last_line(every: Sequence[Line], samples: Sequence[Sample]) -> str:
    """Whether it worked, and how many targets are met."""
    count = totals(every)
    lost = sum(1 for sample in samples if not sample.ok)
    what = f"{count['met']} targets met, {count['missed']} missed"
    if count["failed"] or lost:
        return f"bench: NOT all could be measured ({lost} runs failed, {count['failed']} lines have no ratio); {what}"
    return f"bench: measured, {what}"


def status(every: Sequence[Line], samples: Sequence[Sample], strict: bool) -> int:
    """Exit status: 1 if something could not be measured; with strict, also if a target is missed."""
    count = totals(every)
    ours_lost = any(not sample.ok for sample in samples if sample.driver == OURS)
    return 1 if count["failed"] or ours_lost or not every or (strict and count["missed"]) else 0
