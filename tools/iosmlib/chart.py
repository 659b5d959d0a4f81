# SPDX-License-Identifier: GPL-2.0
"""The ratios of tools/bench as a picture: bars on a logarithmic scale, one panel for each kind, a mark for each target."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from .results import MUXES, Line, short

WIDTH = 1000
LEFT = 300			# where the bars' area begins
RIGHT = 190			# room for the words behind it
BAR, GAP, ROW_GAP = 11, 2, 9
TOP_MARGIN, PANEL_HEAD, PANEL_FOOT = 84, 34, 30
COLOURS = {"lite": "#3b7dd8", "aggr": "#16407f"}
FAILED = "#c0392b"
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
STYLE = ("text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#222}"
         ".title{font-size:16px;font-weight:bold}.panel{font-size:12px;font-weight:bold}.small{font-size:10px;fill:#555}"
         ".grid{stroke:#ddd;stroke-width:1}.one{stroke:#555;stroke-width:1.2}.target{stroke:#d97706;stroke-width:2.5}"
         f".bad{{fill:{FAILED}}}.range{{stroke:#222;stroke-width:1;stroke-opacity:.6}}")


class Scale:
    """From ratios to pixels."""

    def __init__(self, values: Sequence[float]) -> None:
        known = [value for value in values if value > 0] or [1.0]
        self.low = min(0.5, max(tick for tick in TICKS[:1] + TICKS if tick <= max(TICKS[0], min(known))))
        self.high = max(2.0, min(tick for tick in TICKS[-1:] + TICKS if tick >= min(TICKS[-1], max(known))))

    def x(self, value: float) -> float:
        """The place of a ratio, inside the scale."""
        value = min(max(value, self.low), self.high)
        part = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    def ticks(self) -> list[float]:
        """Where lines of the grid are."""
        return [tick for tick in TICKS if self.low <= tick <= self.high]


class Picture:
    """An SVG that grows downwards."""

    def __init__(self) -> None:
        self.root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg"})
        ElementTree.SubElement(self.root, "style").text = STYLE
        self.paper = ElementTree.SubElement(self.root, "rect", {"width": "100%", "height": "100%", "fill": "#fff"})
        self.y = 0.0

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """Some words."""
        attributes = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor}
        if kind:
            attributes["class"] = kind
        ElementTree.SubElement(self.root, "text", attributes).text = words

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line."""
        ElementTree.SubElement(self.root, "line", {"x1": f"{x1:g}", "y1": f"{y1:g}", "x2": f"{x2:g}", "y2": f"{y2:g}",
                                                   "class": kind})

    def rectangle(self, x1: float, x2: float, y: float, height: float, colour: str, hint: str = "") -> None:
        """A bar, whichever way round its ends are."""
        bar = ElementTree.SubElement(self.root, "rect", {"x": f"{min(x1, x2):g}", "y": f"{y:g}", "width": f"{abs(x2 - x1):g}",
                                                         "height": f"{height:g}", "fill": colour})
        if hint:
            ElementTree.SubElement(bar, "title").text = hint

    def finish(self) -> str:
        """The file."""
        self.root.set("width", str(WIDTH))
        self.root.set("height", f"{self.y:g}")
        self.root.set("viewBox", f"0 0 {WIDTH} {self.y:g}")
        ElementTree.indent(self.root, " ")
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(self.root, encoding="unicode") + "\n"


def panels(every: Sequence[Line]) -> list[tuple[str, list[list[Line]]]]:
    """Rows by what they say, each with its lines for the variants."""
    kinds = (("More is better: ours divided by the kernel's own driver", lambda line: not line.row.own and line.row.more),
             ("Less is better: ours divided by the kernel's own driver", lambda line: not line.row.own and not line.row.more),
             ("Ours alone: divided by what is named; more is better", lambda line: line.row.own and line.row.more),
             ("Ours alone: divided by what is named; less is better", lambda line: line.row.own and not line.row.more))
    found = []
    for title, wanted in kinds:
        rows: dict[tuple[str, str], list[Line]] = {}
        for line in every:
            if wanted(line) and not line.row.plain:
                rows.setdefault((line.row.scenario, line.row.value), []).append(line)
        if rows:
            found.append((title, list(rows.values())))
    return found


def _bar(picture: Picture, scale: Scale, line: Line, y: float) -> None:
    middle = y + BAR / 2
    if line.ratio is None:
        picture.text(LEFT + 6, middle + 4, f"{line.mux}: not measured", "bad")
        return
    if line.low is not None and line.high is not None:
        hint = (f"{line.row.title}, {line.mux}: {short(line.ratio)} "
                f"({short(line.low)} .. {short(line.high)}, {line.pairs} pairs)")
        picture.rectangle(scale.x(1), scale.x(line.ratio), y, BAR, COLOURS[line.mux], hint)
        picture.line(scale.x(line.low), middle, scale.x(line.high), middle, "range")
    if line.target is not None:
        at = scale.x(line.target)
        picture.line(at, y - 1, at, y + BAR + 1, "target")
    words = f"{line.mux} {short(line.ratio)}"
    if line.target is not None:
        words += f"  ({'≥' if line.row.more else '≤'} {line.target:g})"
    if line.verdict == "missed":
        picture.text(WIDTH - RIGHT + 12, middle + 4, words + " missed", "bad")
    else:
        picture.text(WIDTH - RIGHT + 12, middle + 4, words)


def _panel(picture: Picture, title: str, rows: list[list[Line]]) -> None:
    values = [value for row in rows for line in row for value in (line.ratio, line.low, line.high, line.target)
              if value is not None]
    scale = Scale(values)
    top = picture.y + PANEL_HEAD
    heights = [len(row) * (BAR + GAP) + ROW_GAP for row in rows]
    bottom = top + sum(heights)
    picture.text(16, picture.y + 20, title, "panel")
    for tick in scale.ticks():
        at = scale.x(tick)
        picture.line(at, top, at, bottom, "one" if tick == 1 else "grid")
        picture.text(at, bottom + 14, f"{tick:g}", "small", "middle")
    y = top + ROW_GAP / 2
    for row, height in zip(rows, heights, strict=True):
        first = row[0].row
        name = f"{first.title}" if not first.versus or first.versus in first.title else f"{first.title} / {first.versus}"
        picture.text(LEFT - 10, y + (height - ROW_GAP) / 2 + 3, name, anchor="end")
        for number, line in enumerate(row):
            _bar(picture, scale, line, y + number * (BAR + GAP))
        y += height
    picture.y = bottom + PANEL_FOOT


def chart(every: Sequence[Line], title: str, subtitle: str) -> str:
    """All lines as SVG."""
    picture = Picture()
    picture.text(16, 28, title, "title")
    picture.text(16, 46, subtitle, "small")
    x = 16.0
    for mux in MUXES:
        picture.rectangle(x, x + 22, 57, BAR, COLOURS[mux])
        picture.text(x + 28, 67, {"lite": "Lite", "aggr": "Aggregation"}[mux])
        x += 110
    picture.line(x + 8, 56, x + 8, 69, "target")
    picture.text(x + 18, 67, "target")
    picture.line(x + 80, 62.5, x + 110, 62.5, "range")
    picture.text(x + 118, 67, "lowest to highest pair; bars begin at 1: no difference")
    picture.y = TOP_MARGIN
    for name, rows in panels(every):
        _panel(picture, name, rows)
    return picture.finish()
