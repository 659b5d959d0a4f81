# SPDX-License-Identifier: GPL-2.0
"""What tools/bench measures: each scenario is a function that gets a running guest and returns numbers."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import kernel as kernels
from .bench import Bench, GuestError, Result, build_emulator, end_process, wait_until
from .common import TOP, Error, cache_dir, digest, logged
from .kernel import Kernel
from .results import STOCK, percentile

MEGABYTE = 1e6
PORT = 5201
LINKS = range(8)
# Rates of a good radio link, for the direction that is only to be there. They are far from what either driver can do
# alone, so that what the other direction loses is the path's fault and not that of a processor with two jobs.
PACED_DOWN, PACED_UP = "200M", "50M"
PING_INTERVAL = 0.005
PING_LOST = 2000.0		# ms; a request without an answer ranks behind all others
PYTHON = "/usr/bin/python3"
SOURCE_PORT = 5001		# where the emulator's source sends to

# In the guest: packets that reached IP, those that GRO put together counted one by one. The socket is never read, so
# that the packets end at its full buffer, and not in a program whose speed would be measured as well.
COUNTER = """
import json, socket, sys, time
def read():
    fields = {}
    for name in ("netstat", "snmp"):
        lines = open(f"/proc/net/{name}").read().splitlines()
        for head, body in zip(lines[::2], lines[1::2]):
            kind = head.split(":")[0]
            fields.update((kind + key, int(value)) for key, value in zip(head.split()[1:], body.split()[1:]))
    device = "/sys/class/net/wwan0/statistics/"
    dropped = sum(int(line.split()[1], 16) for line in open("/proc/net/softnet_stat"))
    return {"time": time.monotonic(), "ip": fields["IpExtInNoECTPkts"], "device": int(open(device + "rx_packets").read()),
            "backlog_drops": dropped}
trap = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
trap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
trap.bind(("", int(sys.argv[1])))
time.sleep(float(sys.argv[2]))
first = read()
time.sleep(float(sys.argv[3]))
last = read()
print(json.dumps({key: last[key] - first[key] for key in first}))
"""

# In the guest: memory by kind, in kB, with nothing cached that could go.
MEMORY = """
import json, re
open("/proc/sys/vm/drop_caches", "w").write("3")
info = dict(re.findall(r"^(\\S+):\\s+(\\d+) kB", open("/proc/meminfo").read(), re.M))
# Free pages that wait in the lists of the processors.
lists = sum(int(number) for number in re.findall(r"^\\s+count:\\s+(\\d+)", open("/proc/zoneinfo").read(), re.M))
vmstat = dict(line.split() for line in open("/proc/vmstat"))
result = {key: int(info.get(key, 0)) for key in ("MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "AnonPages",
          "PageTables", "KernelStack", "Slab", "SReclaimable", "SUnreclaim", "VmallocUsed", "Percpu")}
result["lists"] = lists * 4
result["nr_free_pages"] = int(vmstat["nr_free_pages"])
print(json.dumps(result))
"""


def parse_iperf3(text: str) -> dict[str, float]:
    """Bytes per second that arrived, as bits, and what was sent twice, of one client's JSON."""
    try:
        data = json.loads(text)
    except ValueError as err:
        raise Error(f"iperf3 said no JSON: {text.strip()[-200:]!r}") from err
    if "error" in data:
        raise Error(f"iperf3: {data['error']}")
    end = data["end"]
    return {"bits": float(end["sum_received"]["bits_per_second"]), "retransmits": float(end["sum_sent"].get("retransmits", 0))}


def parse_ping(text: str, sent: int) -> dict[str, float]:
    """Percentiles of the round trips that ping(8) printed; the lost ones count as very slow."""
    times = [float(value) for value in re.findall(r"icmp_seq=\d+ .*time=([\d.]+) ms(?! \(DUP)", text)]
    if not times or len(times) > sent:
        raise Error(f"ping: {len(times)} answers to {sent} requests")
    lost = sent - len(times)
    every = times + [PING_LOST] * lost
    return {"p50": percentile(every, 0.5), "p99": percentile(every, 0.99), "lost": float(lost)}


def kernel_memory(reading: dict[str, int]) -> dict[str, int]:
    """kB that belong to the kernel: slab, and pages that are neither free nor a process's nor a file's."""
    others = ("MemFree", "lists", "Buffers", "Cached", "AnonPages", "PageTables", "KernelStack", "Slab")
    pages = reading["MemTotal"] - sum(reading[key] for key in others)
    return {"slab": reading["Slab"], "pages": pages, "total": reading["Slab"] + pages}


def interrupts(text: str) -> int:
    """How often the modem's interrupt came, from /proc/interrupts."""
    rows = [line for line in text.splitlines() if re.search(r"iosm", line, re.I)]
    if not rows:
        raise GuestError("the driver has no line in /proc/interrupts")
    return sum(int(number) for line in rows for number in re.findall(r"(?<=\s)\d+(?=\s)", line.split(":", 1)[1])[:1])


def cpu_seconds(session: int) -> float:
    """Processor time of all processes of a session: a guest is one, kernel and programs.

    The guest's idle loop sleeps in a real system call, so all that is used is used for something.
    """
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name is in parentheses and may contain anything.
            fields = path.read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[3]) == session:
            # Own time, and that of children that have ended.
            ticks += sum(int(value) for value in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def waited_seconds(session: int) -> float:
    """How long the processes of a session were ready to run and did not, as others had their processor."""
    nanoseconds = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            if int(path.read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[3]) == session:
                nanoseconds += int((path.parent / "schedstat").read_text(encoding="ascii").split()[1])
    return nanoseconds / 1e9


@dataclass(frozen=True)
class Settings:
    """How a run of the tool measures."""

    seconds: float = 3.0		# of each measurement
    warm_up: float = 1.0		# before it
    pings: int = 500
    memory_readings: int = 5
    pin: bool = True
    nice: int = 0
    critic: str = "lenient"


@dataclass(frozen=True)
class Programs:
    """Everything that is run, copied, so that a build during the benchmark changes nothing."""

    kernel: Kernel
    emulator: Path
    modules: dict[str, Path]
    udpsend: Path


def prepare(place: Path) -> Programs:
    """Build what is to be measured."""
    kernel = kernels.get(None, "bench")
    modules = {}
    for name in ("ours", STOCK, "rootport"):
        # The file's name is that of the module.
        built = kernels.module(kernel, name)
        modules[name] = place / name / built.name
        modules[name].parent.mkdir()
        shutil.copy(built, modules[name])
    emulator = place / "iosm-emu"
    shutil.copy(build_emulator(), emulator)
    shutil.copy(user_programs() / "udpsend", place / "udpsend")
    return Programs(kernel, emulator, modules, place / "udpsend")


def user_programs() -> Path:
    """Build the programs of tests/user that are for measuring; their directory."""
    place = cache_dir() / "user" / digest(str(TOP))
    logged(["make", "-C", TOP / "tests" / "user", f"O={place}", "programs"], cache_dir() / "logs" / "bench-programs.log",
           "building the programs of the benchmark")
    return place


@contextlib.contextmanager
def on_cpus(cpus: set[int] | None) -> Iterator[None]:
    """What is started inside runs on these processors."""
    before = os.sched_getaffinity(0)
    if cpus:
        os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def favour(pid: int, nice: int) -> None:
    """Give the session of a process a priority.

    Processes inherit theirs from this one. But where the host groups them by sessions (autogroup), that counts inside a
    session only, and each guest, modem and server is one of its own.
    """
    if not nice:
        return
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(f"{nice}\n", encoding="ascii")


def split_cpus(pin: bool) -> tuple[set[int] | None, set[int] | None]:
    """One processor for the guest, the others for the modem and its world; None where there is nothing to split."""
    have = sorted(os.sched_getaffinity(0))
    if not pin or len(have) < 2:
        return None, None
    return {have[0]}, set(have[1:])


class Window:
    """Counters at the two ends of a stretch of time."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.first: tuple[float, float, float, dict[str, Any]] | None = None
        self.seconds = self.cpu = self.waited = 0.0
        self.change: dict[str, float] = {}

    def _read(self) -> tuple[float, float, float, dict[str, Any]]:
        stats = self.machine.stats()
        guest = self.machine.bench.guest.process
        assert guest
        return time.monotonic(), cpu_seconds(guest.pid), waited_seconds(guest.pid), stats

    def begin(self) -> None:
        """From here ..."""
        self.first = self._read()

    def end(self) -> None:
        """... to here."""
        assert self.first
        (start, cpu, waited, before), (now, cpu_now, waited_now, after) = self.first, self._read()
        self.seconds, self.cpu, self.waited = now - start, cpu_now - cpu, waited_now - waited
        names = ("ul_bytes", "dl_bytes", "ul_packets", "dl_packets")
        self.change = {name: float(sum(one[name] for one in after["sessions"]) - sum(one[name] for one in before["sessions"]))
                       for name in names}
        self.change["doorbells"] = float(doorbells(after) - doorbells(before))
        self.change["interrupts"] = float(after["msi"] - before["msi"])

    def watch(self, warm_up: float, seconds: float) -> Window:
        """Wait for the steady part of a run that has begun, and take it."""
        # The stretch of time is what is measured; there is no event to wait for.
        time.sleep(warm_up)
        self.begin()
        time.sleep(seconds)
        self.end()
        return self

    def per_megabyte(self, direction: str) -> dict[str, float]:
        """Cost of the IP bytes that passed the modem."""
        megabytes = self.change[f"{direction}_bytes"] / MEGABYTE
        if not megabytes:
            raise GuestError("no bytes passed the modem while it was looked at")
        return {"cpu": 1000 * self.cpu / megabytes, "doorbells": self.change["doorbells"] / megabytes,
                "interrupts": self.change["interrupts"] / megabytes, "busy": self.cpu / self.seconds,
                "waited": self.waited / self.seconds}


def doorbells(stats: dict[str, Any]) -> int:
    """All doorbells that the modem heard."""
    return int(stats["db0"]) + sum(stats["db1"]) + sum(stats["db2"])


@dataclass
class Machine:
    """A booted guest with a modem, and words for what the scenarios do with them."""

    bench: Bench
    settings: Settings
    programs: Programs
    driver: str
    cpus: tuple[set[int] | None, set[int] | None]
    ports: int = PORT
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    alone: dict[str, float] = field(default_factory=dict)	# goodput of one flow, by direction

    def stats(self) -> dict[str, Any]:
        """The modem's counters."""
        answer = json.loads(self.bench.emulator.control("stats"))
        if not answer["ok"]:
            raise GuestError(f"the modem refuses 'stats': {answer['error']}")
        return dict(answer)

    def load(self) -> None:
        """Load the driver, and wait for the default link."""
        self.bench.guest.insmod(self.programs.modules[self.driver])
        self.bench.guest.wait_path("/sys/class/net/wwan0", timeout=20)

    def up(self, *links: int) -> None:
        """Bring links up, in this order."""
        script = ["set -e"]
        for link in links:
            name = link_name(link)
            script += [f"[ -e /sys/class/net/{name} ] || ip link add dev {name} parentdev wwan0 type wwan linkid {link}",
                       f"ip link set {name} up", f"ip addr replace {address(link)} dev {name}"]
        self.bench.guest.sh("\n".join(script), timeout=60)

    # -- traffic ---------------------------------------------------------------------------

    def flow(self, direction: str, link: int, seconds: float, *options: str) -> Flow:
        """Begin a TCP flow on a link, with a server of its own in the modem's network."""
        self.ports += 1
        log = self.bench.directory / f"iperf3-{self.ports}.txt"
        log.touch()
        gateway = f"10.64.{link}.1"
        with on_cpus(self.cpus[1]):
            server = self.bench.emulator.world_spawn(["iperf3", "-s", "-1", "-p", str(self.ports), "-B", gateway,
                                                      "--forceflush"], log)
        favour(server.pid, self.settings.nice)
        self.servers.append(server)
        wait_until(lambda: "listening" in log.read_text(errors="replace") or server.poll() is not None, 15,
                   "iperf3 listens in the modem's network")
        argv = ["iperf3", "-c", gateway, "-B", f"10.64.{link}.2", "-p", str(self.ports), "-t", f"{seconds:g}",
                "--connect-timeout", "5000", "-J", *(["-R"] if direction == "down" else []), *options]
        return Flow(server, self.bench.guest.start_run(argv, timeout=seconds + 20))

    def tcp(self, direction: str, links: Sequence[int] = (0,)) -> dict[str, float]:
        """One flow on each of the links named (a link may be named several times), at the same time."""
        # iperf3 counts in whole seconds.
        seconds, skip = max(1, int(self.settings.seconds)), max(1, round(self.settings.warm_up))
        flows = [self.flow(direction, link, seconds, "-O", str(skip)) for link in links]
        window = Window(self).watch(skip + 0.2, seconds - 0.4)
        results = [flow.result() for flow in flows]
        values = {"gbit": sum(result["bits"] for result in results) / 1e9,
                  "retransmits": sum(result["retransmits"] for result in results)}
        return {**values, **window.per_megabyte("ul" if direction == "up" else "dl")}

    @contextlib.contextmanager
    def load_beside(self, direction: str, seconds: float, rate: str | None = None) -> Iterator[None]:
        """A flow that runs while something else is measured, for at most so many seconds."""
        key = "ul_bytes" if direction == "up" else "dl_bytes"
        before = self.stats()["sessions"][0][key]
        flow = self.flow(direction, 0, seconds, *(["-b", rate] if rate else []))
        wait_until(lambda: self.stats()["sessions"][0][key] > before + 100_000, 10, "the other flow runs")
        # Past its slow start.
        time.sleep(self.settings.warm_up)
        yield
        flow.abandon()

    def ping(self) -> dict[str, float]:
        """Round trips from the guest to the network, at a steady pace."""
        count = self.settings.pings
        argv = ["chrt", "-f", "50", "ping", "-n", "-i", str(PING_INTERVAL), "-c", str(count), "-W", "2", "10.64.0.1"]
        done = self.bench.guest.run(argv, timeout=count * PING_INTERVAL + 30, check=False)
        return parse_ping(done.out, count)

    def end_servers(self) -> None:
        """End what still runs in the modem's network."""
        for server in self.servers:
            end_process(server)
        self.servers.clear()


@dataclass(frozen=True)
class Flow:
    """A TCP flow: a client in the guest, and its server."""

    server: subprocess.Popen[bytes]
    finish: Callable[[], Result]

    def result(self) -> dict[str, float]:
        """Wait for its end."""
        done = self.finish()
        end_process(self.server)
        if done.timeout:
            raise GuestError("iperf3 does not end: the path stalls")
        return parse_iperf3(done.out or done.err)

    def abandon(self) -> None:
        """End it before its time; the client notices that its server is gone, and what it says then is of no use."""
        end_process(self.server)
        self.finish()


def link_name(link: int) -> str:
    """The default link, or one that was added."""
    return f"wwan0-{link}" if link else "wwan0"


def address(link: int) -> str:
    """The guest's address on a link."""
    return f"10.64.{link}.2/24"


@contextlib.contextmanager
def booted(programs: Programs, settings: Settings, driver: str, mux: str, options: Sequence[str]) -> Iterator[Machine]:
    """A modem and a guest, without the driver yet; they end with the block."""
    cpus = split_cpus(settings.pin)
    bench = Bench(driver=driver, flavour="bench", ncpus=1, load=False,
                  emulator=["--mux", mux, "--critic", settings.critic, *options])
    bench.emulator.program = programs.emulator
    # The guest sees this directory, wherever the copies are.
    shutil.copy(programs.udpsend, bench.directory / "udpsend")
    machine = Machine(bench, settings, programs, driver, cpus)
    try:
        with on_cpus(cpus[1]):
            bench.emulator.start()
        with on_cpus(cpus[0]):
            bench.guest.start()
        for process in (bench.emulator.process, bench.guest.process):
            assert process
            favour(process.pid, settings.nice)
        # What Debian's systemd sets; the kernel's own choice has one queue for everybody.
        bench.guest.sh("echo fq_codel >/proc/sys/net/core/default_qdisc")
        # Only what is measured shall be on the links.
        bench.guest.sh("cd /proc/sys/net/ipv6/conf && for c in default all; do echo 1 >$c/disable_ipv6; done")
        if driver == STOCK:
            bench.guest.insmod(programs.modules["rootport"])
        yield machine
    finally:
        machine.end_servers()
        bench.close()


# -- scenarios ---------------------------------------------------------------------------


def tcp_up(machine: Machine) -> dict[str, float]:
    """TCP uplink, one flow on one link (iperf3): goodput, guest CPU, doorbells and interrupts per MB"""
    return counted(machine, "up")


def tcp_down(machine: Machine) -> dict[str, float]:
    """TCP downlink, one flow on one link (iperf3): goodput, guest CPU, doorbells and interrupts per MB"""
    return counted(machine, "down")


def counted(machine: Machine, direction: str) -> dict[str, float]:
    """One flow, with the guest's own count of interrupts over the whole run beside the modem's."""
    key = "ul_bytes" if direction == "up" else "dl_bytes"
    first, before = interrupts(machine.bench.guest.read("/proc/interrupts")), machine.stats()["sessions"][0][key]
    values = machine.tcp(direction)
    machine.alone[direction] = values["gbit"]
    megabytes = (machine.stats()["sessions"][0][key] - before) / MEGABYTE
    return {**values, "interrupts_handled": (interrupts(machine.bench.guest.read("/proc/interrupts")) - first) / megabytes}


def tcp_8(machine: Machine) -> dict[str, float]:
    """TCP both ways, 8 flows on one link and 8 flows on 8 links, one client for each flow; all links are up"""
    machine.up(*LINKS)
    values = {}
    for direction in ("up", "down"):
        flows = machine.tcp(direction, [0] * len(LINKS))["gbit"]
        links = machine.tcp(direction, list(LINKS))["gbit"]
        values.update({f"{direction}_flows": flows, f"{direction}_links": links, f"{direction}_together": links / flows})
    return values


def crossing(machine: Machine, direction: str, other: str, rate: str) -> dict[str, float]:
    """One direction alone, then with some and with all of the other beside it."""
    # Usually measured a moment ago, in this very guest.
    alone = machine.alone.pop(direction, None) or machine.tcp(direction)["gbit"]
    seconds = machine.settings.seconds + 2 * machine.settings.warm_up + 6
    values = {"alone": alone}
    for name, paced in (("", rate), ("_unpaced", None)):
        with machine.load_beside(other, seconds, paced):
            window = Window(machine)
            window.begin()
            with_it = machine.tcp(direction)["gbit"]
            window.end()
        key = "ul_bytes" if other == "up" else "dl_bytes"
        values.update({f"with{name}": with_it, f"kept{name}": with_it / alone,
                       f"other{name}": 8 * window.change[key] / window.seconds / 1e9})
    return values


def cross_up(machine: Machine) -> dict[str, float]:
    """TCP uplink alone, with a downlink of 200 Mbit/s, and with all the downlink that goes: what is kept"""
    return crossing(machine, "up", "down", PACED_DOWN)


def cross_down(machine: Machine) -> dict[str, float]:
    """TCP downlink alone, with an uplink of 50 Mbit/s, and with all the uplink that goes: what is kept"""
    return crossing(machine, "down", "up", PACED_UP)


def ping_idle(machine: Machine) -> dict[str, float]:
    """Round trips of ping, 200 per second, nothing else on the link"""
    return machine.ping()


def ping_up(machine: Machine) -> dict[str, float]:
    """Round trips of ping beside a TCP flow up"""
    with machine.load_beside("up", machine.settings.pings * PING_INTERVAL + machine.settings.warm_up + 5):
        return machine.ping()


def ping_down(machine: Machine) -> dict[str, float]:
    """Round trips of ping beside a TCP flow down"""
    with machine.load_beside("down", machine.settings.pings * PING_INTERVAL + machine.settings.warm_up + 5):
        return machine.ping()


def loopback(machine: Machine) -> dict[str, float]:
    """TCP inside the guest, without any driver: the ceiling, and a control, as both sides must be equal"""
    guest = machine.bench.guest
    server = guest.spawn(["iperf3", "-s", "-1", "-p", "5999", "--forceflush"])
    wait_until(lambda: "listening" in server.output(), 15, "iperf3 listens in the guest")
    seconds = max(1, int(machine.settings.seconds))
    done = guest.run(["iperf3", "-c", "127.0.0.1", "-p", "5999", "-t", str(seconds), "-O", "1", "-J"], timeout=seconds + 20)
    server.kill(9)
    return {"gbit": parse_iperf3(done.out)["bits"] / 1e9}


def udp_down(machine: Machine) -> dict[str, float]:
    """UDP downlink from the modem's own source, as fast as it is taken: packets that the driver counts, that reach IP"""
    settings = machine.settings
    done = machine.bench.guest.python(COUNTER, str(SOURCE_PORT), str(settings.warm_up), str(settings.seconds),
                                      timeout=settings.warm_up + settings.seconds + 30)
    counts = json.loads(done.out)
    if counts["ip"] <= 0:
        raise GuestError("no packet reached the guest")
    return {"kpps": counts["device"] / counts["time"] / 1000, "ip_kpps": counts["ip"] / counts["time"] / 1000,
            "backlog_drops": float(counts["backlog_drops"])}


def blast(machine: Machine, size: int, *options: str) -> dict[str, float]:
    """Datagrams from a small program in the guest, counted where the modem drops them."""
    settings, guest = machine.settings, machine.bench.guest
    total = settings.warm_up + settings.seconds + 0.5
    finish = guest.start_run(["sh", "-c", f'exec $IOSM_RUN/udpsend 10.64.0.1 5001 {size} {total:g} {" ".join(options)}'],
                             timeout=total + 20)
    window = Window(machine).watch(settings.warm_up, settings.seconds)
    sent = json.loads(finish().check().out)
    arrived = window.change["ul_packets"] / window.seconds
    if arrived <= 0:
        raise GuestError("no packet reached the modem")
    return {"kpps": arrived / 1000, "sent_kpps": sent["sent"] / sent["seconds"] / 1000, "busy": window.cpu / window.seconds,
            "waited": window.waited / window.seconds, "doorbells": window.change["doorbells"] / window.change["ul_packets"]}


def udp_up(machine: Machine, size: int) -> dict[str, float]:
    """UDP uplink into the modem's sink, a sender with sendmmsg() in the guest: packets that reach the modem"""
    values = blast(machine, size)
    if size == 64:
        values["ceiling_kpps"] = into_nothing(machine, size)
    return values


def into_nothing(machine: Machine, size: int) -> float:
    """What the sender and the guest's stack manage with a device that drops at once: thousands of packets a second."""
    machine.bench.guest.sh("set -e; ip link add nothing0 type dummy; ip addr add 10.99.0.1/24 dev nothing0; "
                           "ip link set nothing0 up")
    done = machine.bench.guest.sh(f"$IOSM_RUN/udpsend 10.99.0.2 5001 {size} {machine.settings.warm_up:g}; "
                                  "ip link del nothing0")
    sent = json.loads(done.out)
    return float(sent["sent"] / sent["seconds"] / 1000)


def udp_up_segment(machine: Machine) -> dict[str, float]:
    """UDP uplink into the modem's sink, the sender leaves the cutting to the stack or the driver (UDP_SEGMENT)"""
    return {f"kpps_{size}": blast(machine, size, "segment")["kpps"] for size in (64, 1400)}


def memory(machine: Machine) -> dict[str, float]:
    """Kernel memory of a bound modem with eight links up: slab and pages, before the module and after"""
    def reading() -> dict[str, float]:
        every = [kernel_memory(json.loads(machine.bench.guest.python(MEMORY).out))
                 for _ in range(machine.settings.memory_readings)]
        return {key: statistics.median(each[key] for each in every) for key in every[0]}

    # The first reading has the costs of reading in it.
    reading()
    before = reading()
    machine.load()
    machine.up(*LINKS)
    wait_until(lambda: machine.stats()["mux"]["sessions_open"] == len(LINKS), 15, "all sessions are open")
    after = reading()
    return {key: after[key] - before[key] for key in before}


@dataclass(frozen=True)
class Scenario:
    """Something to measure, and the modem that it wants."""

    name: str
    function: Callable[[Machine], dict[str, float]]
    options: tuple[str, ...] = ()	# of iosm-emu
    load: bool = True
    again: bool = False			# wants a guest of its own

    @property
    def says(self) -> str:
        """What it does, in one line."""
        function = self.function.func if isinstance(self.function, functools.partial) else self.function
        return (function.__doc__ or "").strip()

    def group(self) -> tuple[object, ...]:
        """Scenarios of one group share a boot."""
        return (self.options, self.load, self.name if self.again else "")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("memory", memory, load=False, again=True),
    Scenario("tcp-up", tcp_up),
    Scenario("cross-up", cross_up),
    Scenario("tcp-down", tcp_down),
    Scenario("cross-down", cross_down),
    Scenario("ping-idle", ping_idle),
    Scenario("ping-up", ping_up),
    Scenario("ping-down", ping_down),
    Scenario("loopback", loopback),
    Scenario("tcp-8", tcp_8),
    *(Scenario(f"udp-down-{size}", udp_down, ("--world", "source", "--size", str(size)), again=True)
      for size in (64, 512, 1400)),
    *(Scenario(f"udp-up-{size}", functools.partial(udp_up, size=size), ("--world", "sink")) for size in (64, 512, 1400)),
    Scenario("udp-up-segment", udp_up_segment, ("--world", "sink")),
)


def groups(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """In order, those together that share a boot."""
    found: dict[tuple[object, ...], list[Scenario]] = {}
    for scenario in scenarios:
        found.setdefault(scenario.group(), []).append(scenario)
    return list(found.values())


# -- the codec ---------------------------------------------------------------------------


def codec_times() -> list[dict[str, Any]]:
    """What the program in tests/user measured: a record for each variant, operation and size."""
    program = user_programs() / "codec_bench"
    done = subprocess.run([program], text=True, capture_output=True, check=False, timeout=120)
    if done.returncode:
        raise Error(f"codec_bench ended with status {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def codec_instructions(variant: str, operation: str, size: int, function: str) -> float:
    """Instructions for one packet, as callgrind counts them; function is codec_pass or copy_pass."""
    program = user_programs() / "codec_bench"
    with tempfile.TemporaryDirectory(prefix="iosm-") as place:
        done = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={function}",
                               f"--callgrind-out-file={place}/out", program, variant, operation, str(size)], text=True,
                              capture_output=True, check=False, timeout=120)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise Error(f"valgrind ended with status {done.returncode}: {done.stderr.strip()[-200:]}")
    return int(found[1]) / int(done.stdout)


def codec(mux: str, times: Sequence[dict[str, Any]], *, instructions: bool) -> dict[str, float]:
    """The MUX codec in user space: encode and decode of 64, 512 and 1400 bytes against memcpy of the same bytes"""
    values = {}
    for record in times:
        if record["variant"] != mux:
            continue
        name = f"{record['operation']}_{record['size']}"
        values[name] = float(record["ratio"])
        values[f"{name}_ns"] = float(record["codec_ns"])
        values[f"{name}_copy_ns"] = float(record["copy_ns"])
        if instructions and shutil.which("valgrind"):
            for function, suffix in (("codec_pass", "instructions"), ("copy_pass", "copy_instructions")):
                values[f"{name}_{suffix}"] = codec_instructions(mux, record["operation"], record["size"], function)
    return values
