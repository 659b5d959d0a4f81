# SPDX-License-Identifier: GPL-2.0
"""A bench as the tests want it: booted, driver loaded, with words for what tests do all the time."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iosmlib import kernel as kernels
from iosmlib.bench import Bench, GuestError, Job, Result, Sleep, end_process, wait_until
from iosmlib.kernel import Kernel

from .capture import Captured, read

PEER = Path(__file__).resolve().parents[1] / "peer"
PYTHON = "/usr/bin/python3"
CHECKED = 3		# so many times as long as another kernel may one with all checkers take
SESSIONS = range(8)
SLEEP_TRIES = 5			# an interrupt that is on its way may wake the guest
PCI = "/sys/bus/pci/devices/0000:00:00.0"
STATE = "/sys/kernel/debug/iosm/0000:00:00.0/state"
PORTS = {
    "7560": {"wwan0at0": "AT", "wwan0at1": "AT", "wwan0mbim0": "MBIM"},
    "7360": {"wwan0xmmrpc0": "XMMRPC", "wwan0at0": "AT", "wwan0at1": "AT"},
}


@functools.cache
def _kernel(flavour: str) -> Kernel:
    return kernels.get(None, flavour)


@functools.cache
def _module(kernel: Kernel, name: str) -> Path:
    return kernels.module(kernel, name)


@dataclass(frozen=True)
class Config:
    """Which modem a test wants."""

    device: str = "7560"
    mux: str = "aggr"
    options: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()	# of the driver
    sleep: bool = False		# in a kernel with system sleep
    trace: bool = False
    pcap: bool = False		# capture all packets, see Modem.capturing()
    load: bool = True
    boots: bool = True		# into RUN by itself; otherwise nobody waits for ports and links
    memory: str = ""		# of the guest
    second: tuple[str, ...] | None = None	# options of another modem beside it, at 0000:00:01.0
    owner: str = ""		# a test that shares its bench with no other

    def arguments(self, critic: str) -> tuple[str, ...]:
        """Options of iosm-emu."""
        return ("--device", self.device, "--mux", self.mux, "--critic", critic, *self.options)

    def second_arguments(self, critic: str) -> tuple[str, ...] | None:
        """The same for the other modem, if there is one."""
        return None if self.second is None else ("--critic", critic, *self.second)

    def __str__(self) -> str:
        return " ".join((self.device, self.mux, *self.options, *self.parameters))


@dataclass(frozen=True)
class Kit:
    """What is built once for all tests."""

    driver: str
    kernel: Kernel
    modules: dict[str, Path]
    program: Path

    def kernel_for(self, config: Config) -> Kernel:
        """The kernel that a test wants; built when it is wanted for the first time."""
        flavour = self.kernel.flavour
        if config.sleep:
            flavour = {"plain": "pm", "debug": "pm-debug"}.get(flavour, flavour)
        return self.kernel if flavour == self.kernel.flavour else _kernel(flavour)

    def module(self, kernel: Kernel, name: str) -> Path:
        """A module for one of these kernels."""
        return self.modules[name] if kernel == self.kernel and name in self.modules else _module(kernel, name)

    @property
    def critic(self) -> str:
        """How strict the modem is with this driver."""
        return "strict" if self.driver == "ours" else "lenient"


@dataclass(frozen=True)
class Address:
    """Addresses of one session, as emulator/world.h promises them."""

    session: int

    @property
    def host4(self) -> str:
        """Ours, IPv4."""
        return f"10.64.{self.session}.2"

    @property
    def gateway4(self) -> str:
        """The network's, IPv4."""
        return f"10.64.{self.session}.1"

    @property
    def host6(self) -> str:
        """Ours, IPv6."""
        return str(ipaddress.ip_address(f"fd64:{self.session}::2"))

    @property
    def gateway6(self) -> str:
        """The network's, IPv6."""
        return str(ipaddress.ip_address(f"fd64:{self.session}::1"))

    def pair(self, family: int) -> tuple[str, str]:
        """Host and gateway of one IP version."""
        return (self.host4, self.gateway4) if family == 4 else (self.host6, self.gateway6)


def link_name(session: int) -> str:
    """The network device of a session: the default link, or one that link_add() makes."""
    return f"wwan0-{session}" if session else "wwan0"


def _value(text: str, who: str) -> Any:
    """The last line of a peer's output."""
    lines = text.strip().splitlines()
    if not lines:
        raise GuestError(f"{who} said nothing")
    try:
        return json.loads(lines[-1])
    except ValueError as err:
        raise GuestError(f"{who}: {' / '.join(lines[-3:])}") from err


class Server:
    """A peer that runs in the modem's network until it has served."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, what: str) -> None:
        self.process = process
        self.log = log
        self.what = what

    def text(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self, marker: str = "ready") -> None:
        """Until it listens."""
        wait_until(lambda: marker in self.text() or self.process.poll() is not None, 15, f"{self.what} is ready")
        if self.process.poll() not in (None, 0):
            raise GuestError(f"{self.what} ended: {self.text().strip()}")

    def result(self, timeout: float = 60.0) -> Any:
        """Its result, after its end."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired as err:
            raise GuestError(f"{self.what} does not end") from err
        if status:
            raise GuestError(f"{self.what} failed: {self.text().strip()}")
        return _value(self.text(), self.what)

    def stop(self) -> None:
        """End it now."""
        end_process(self.process)


@dataclass(repr=False)
class Modem:
    """A running bench."""

    kit: Kit
    config: Config
    bench: Bench = field(init=False)
    loaded: bool = False
    seen_violations: list[int] = field(default_factory=lambda: [0, 0])
    servers: list[Server] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    large_mtu: set[int] = field(default_factory=set)	# sessions whose network has another MTU than 1500
    faulty: bool = False		# the modem was told to do something wrong

    def __post_init__(self) -> None:
        self.kernel = self.kit.kernel_for(self.config)
        # The kernel tree's own driver has no NAPI: on two CPUs, packets of one flow may pass each other.
        self.bench = Bench(driver=self.kit.driver, flavour=self.kernel.flavour, load=False,
                           emulator=self.config.arguments(self.kit.critic), trace=self.config.trace, pcap=self.config.pcap,
                           ncpus=2 if self.kit.driver == "ours" else 1, memory=self.config.memory,
                           second=self.config.second_arguments(self.kit.critic))
        for emulator in self.bench.emulators:
            emulator.program = self.kit.program
        self.guest = self.bench.guest
        self.emulator = self.bench.emulator

    def __repr__(self) -> str:
        return f"<Modem {self.config}>"

    # -- life ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start the modem, boot the guest, and load the driver if the test wants it loaded."""
        self.bench.__enter__()
        try:
            shutil.copytree(PEER, self.bench.directory / "peer", ignore=shutil.ignore_patterns("__pycache__"))
            # Only the packets of the tests shall be on the links.
            self.guest.sh("cd /proc/sys/net/ipv6/conf && for c in default all; do echo 0 >$c/accept_ra; "
                          "echo 0 >$c/accept_dad; echo 1 >$c/addr_gen_mode 2>/dev/null || :; done")
            if self.config.load:
                self.load()
                if self.config.boots:
                    self.wait_ready()
        except BaseException:
            self.bench.close()
            raise

    def load(self) -> None:
        """Load the driver; it probes the modem."""
        for name in (("rootport",) if self.kit.driver == "stock" else ()):
            if not self.guest.exists(f"/sys/module/{name}"):
                self.guest.insmod(self.kit.module(self.kernel, name))
        self.guest.insmod(self.kit.module(self.kernel, self.kit.driver), *self.config.parameters)
        self.loaded = True

    def load_tool(self, name: str, *parameters: str) -> None:
        """Load one of the modules of tests/modules, unless it is there already."""
        if not self.guest.exists(f"/sys/module/{name}"):
            self.guest.insmod(self.kit.module(self.kernel, name), *parameters)

    def unload(self) -> None:
        """Remove the driver."""
        self.guest.rmmod()
        self.loaded = False

    def ports(self) -> dict[str, str]:
        """Names and types of the ports that this modem has to have."""
        return PORTS[self.config.device]

    def wait_ready(self, timeout: float = 20.0) -> None:
        """Until all that the modem brings is there."""
        paths = [f"/dev/{name}" for name in self.ports()] + ["/sys/class/net/wwan0"]
        self.guest.wait_files("ports and link appear", exist=paths, timeout=timeout)

    def wait_gone(self, timeout: float = 20.0) -> None:
        """Until nothing of the modem is there any more."""
        self.guest.wait_files("ports and links disappear", gone=["/dev/wwan*", "/sys/class/net/wwan*"], timeout=timeout)

    def wait_replaced(self, before: int, timeout: float = 20.0) -> None:
        """Until the link is another one than that with this index."""
        self.guest.wait_files("the link is another one", lines=[("/sys/class/net/wwan0/ifindex", rf"(?!{before}$)\d+", 1)],
                              timeout=timeout)

    def proves_life(self) -> None:
        """Ports and links work."""
        self.wait_ready()
        if self.kit.driver == "ours":
            self.wait_state("online", "suspended")
        assert self.call("ports", "at", "/dev/wwan0at0", ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]
        self.up(0)
        self.ping(Address(0).gateway4, [56])

    def ifindex(self, session: int = 0) -> int:
        """Of a link; another one means that the link was taken away in between."""
        return int(self.link(link_name(session))["ifindex"])

    def clean_up(self) -> None:
        """Back to what a test finds at its start: nothing runs, no link but the default one, which is down."""
        for server in self.servers:
            server.stop()
        self.servers.clear()
        for job in self.jobs:
            job.kill(9)
        self.jobs.clear()
        for session in self.large_mtu:
            self.network("ip", "link", "set", f"wwan-s{session}", "mtu", "1500")
        self.large_mtu.clear()
        if self.faulty:
            self.control("clear")
            self.faulty = False
        if self.loaded != self.config.load:
            if self.loaded:
                self.unload()
            else:
                self.load()
                if self.config.boots:
                    self.wait_ready()
        if self.loaded and self.config.boots:
            self.guest.sh("for n in $(ip netns list | cut -d' ' -f1); do ip netns del $n; done\n"
                          "for d in /sys/class/net/wwan0-*; do [ -e $d ] && ip link del ${d##*/}; done\n"
                          "[ -e /sys/class/net/wwan0 ] || ip link add dev wwan0 parentdev wwan0 type wwan linkid 0\n"
                          "ip link set wwan0 down; ip addr flush dev wwan0; ip link set wwan0 mtu 1500")

    def finish(self, logs: Path) -> list[str]:
        """End of this bench: unload, look for leaks, stop the modem, look at what it says. Returns complaints.

        The kernel tree's own driver is not unloaded: how it leaves is the subject of test_reload.py alone.
        """
        complaints = []
        answers = True
        try:
            if self.guest.alive() and self.kit.driver == "ours":
                try:
                    if self.loaded:
                        self.unload()
                    complaints += [f"kmemleak: {leak}" for leak in self.guest.leaks_since_boot()]
                except GuestError as err:
                    complaints.append(f"at the end: {err}")
                    answers = False
            complaints += self.verify(ask=answers)
            # The guest first: its transport does not expect to lose the device.
            self.guest.stop()
            for emulator in self.bench.emulators:
                status = emulator.stop()
                if status != 0:
                    complaints.append(f"iosm-emu ended with status {status}: {emulator.last_words()}")
            if complaints:
                self.bench.save(logs)
        finally:
            self.bench.close()
        return complaints

    def verify(self, *, ask: bool = True) -> list[str]:
        """Complaints about the driver, of the modem and of the guest's kernel, since the last call.

        A guest that may be unable to answer (ask=False) is not asked whether its checkers still look.
        """
        complaints = []
        for number, emulator in enumerate(self.bench.emulators):
            violations = emulator.violations()
            complaints += [f"modem{number or ''}: {line}" for line in violations[self.seen_violations[number]:]]
            self.seen_violations[number] = len(violations)
        complaints += [f"kernel: {line}" for line in self.guest.warnings()]
        self.guest.forget_warnings()
        if ask and self.guest.alive():
            try:
                complaints += [f"kernel: {checker}" for checker in self.guest.blind_checkers()]
            except GuestError as err:
                complaints.append(f"kernel: {err}")
        return complaints

    def bound(self, seconds: float) -> float:
        """How long something may take that is promised within so many seconds: a kernel with all checkers works more slowly."""
        return seconds * (CHECKED if self.kernel.debug else 1)

    # -- commands --------------------------------------------------------------------------

    def control(self, command: str, which: int = 0) -> dict[str, Any]:
        """A command to the modem, or to the second one (1), that has to succeed; its answer."""
        answer = json.loads(self.bench.emulators[which].control(command))
        if not answer["ok"]:
            raise GuestError(f"the modem refuses '{command}': {answer['error']}")
        return dict(answer)

    def stats(self, which: int = 0) -> dict[str, Any]:
        """The modem's own counters."""
        return self.control("stats", which)

    def firmware(self, path: Path, name: str = "") -> str:
        """Make a file of the host a firmware file of the guest; its name there."""
        return self.guest.firmware(path, name)

    def fault(self, *specifications: str) -> None:
        """Let the modem do something wrong, now or at a coming event; see Documentation/emulator.rst."""
        self.faulty = True
        for specification in specifications:
            self.control(f"fault {specification}")

    def faults_fired(self) -> int:
        """How many of the faults have come to pass."""
        return int(self.stats()["faults"]["fired"])

    def state(self) -> dict[str, str]:
        """What the driver says of itself in debugfs, line by line."""
        lines = (line.partition(":") for line in self.guest.read(STATE).splitlines())
        return {name.strip(): value.strip() for name, _, value in lines}

    def wait_state(self, *states: str, timeout: float = 20.0) -> None:
        """Until the driver is in one of these states."""
        self.wait_line(f"state: ({'|'.join(states)})", f"the driver is {' or '.join(states)}", timeout)

    def wait_line(self, expression: str, what: str, timeout: float = 10.0) -> None:
        """Until a line of what the driver says of itself in debugfs is this one."""
        self.guest.wait_files(what, lines=[(STATE, expression, 1)], timeout=timeout)

    @contextlib.contextmanager
    def asleep(self, kind: str, *faults: str, tries: int = SLEEP_TRIES) -> Iterator[Sleep]:
        """The machine sleeps during the block: freeze (suspend to idle) or mem; nothing can be asked of the guest then.

        The modem suffers the faults in this sleep. If the guest is woken on its way to sleep, it tries again, unless the
        faults have come to pass: then that was the sleep, and the block finds the machine awake. The sleep knows of all
        tries.
        """
        if faults:
            self.fault(*faults)
        fired = self.faults_fired()
        earlier: list[Sleep] = []
        while True:
            sleep = self.guest.suspend(kind)
            sleep.earlier = earlier
            if sleep.wait_asleep() or (faults and self.faults_fired() > fired):
                break
            earlier = [*earlier, sleep]
            if len(earlier) == tries:
                raise GuestError(f"the guest was woken {tries} times on its way to sleep")
        yield sleep
        sleep.wake().check()

    def begin(self, module: str, function: str, *arguments: Any, timeout: float = 60.0,
              namespace: str = "") -> Callable[[], Any]:
        """Start a function of tests/peer in the guest; what is returned waits for its result."""
        if namespace:
            words = [json.dumps(argument) for argument in arguments]
            script = f'exec ip netns exec {namespace} {PYTHON} -B $IOSM_RUN/peer/call.py "$@"'
            finish = self.guest.start_run(["sh", "-c", script, "call", module, function, *words], timeout=timeout)
        else:
            finish = self.guest.start_call("peer", module, function, *arguments, timeout=timeout)

        def result() -> Any:
            done = finish()
            if not done.ok:
                lines = done.err.strip().splitlines()
                raise GuestError(f"{module}.{function} in the guest: " +
                                 ("timed out" if done.timeout else " / ".join(lines[-3:]) or f"status {done.rc}"))
            return _value(done.out, f"{module}.{function} in the guest")

        return result

    def call(self, module: str, function: str, *arguments: Any, timeout: float = 60.0, namespace: str = "") -> Any:
        """Run a function of tests/peer in the guest."""
        return self.begin(module, function, *arguments, timeout=timeout, namespace=namespace)()

    def spawn(self, module: str, function: str, *arguments: Any) -> Job:
        """A function of tests/peer in the background of the guest; waits until it says that it is ready."""
        job = self.guest.spawn_call("peer", module, function, *arguments)
        self.jobs.append(job)
        wait_until(job.output, 15, f"{module}.{function} is ready in the guest")
        return job

    def network(self, *argv: str, timeout: float = 30.0) -> Result:
        """A command in the modem's network that has to succeed."""
        return self.emulator.world(argv, timeout=timeout).check()

    def serve(self, module: str, function: str, *arguments: Any, marker: str = "ready", which: int = 0) -> Server:
        """A function of tests/peer in the modem's network; returns when it is ready."""
        words = [json.dumps(argument) for argument in arguments]
        return self.serve_program(PYTHON, "-B", str(PEER / "call.py"), module, function, *words, marker=marker, which=which)

    def serve_program(self, *argv: str, marker: str, which: int = 0) -> Server:
        """A program in the modem's network; returns when it has written the marker."""
        log = self.bench.directory / f"server-{len(self.servers)}-{len(list(self.bench.directory.iterdir()))}.txt"
        log.touch()
        server = Server(self.bench.emulators[which].world_spawn(argv, log), log, " ".join(argv[:6]))
        self.servers.append(server)
        server.wait_ready(marker)
        return server

    # -- links -----------------------------------------------------------------------------

    def link_add(self, session: int) -> str:
        """Make the link of a session; its name."""
        name = link_name(session)
        self.guest.run(["ip", "link", "add", "dev", name, "parentdev", "wwan0", "type", "wwan", "linkid", str(session)])
        return name

    def up(self, *sessions: int, mtu: int = 1500) -> None:
        """Bring up sessions with the addresses of their networks, both IP versions."""
        script = ["set -e"]
        for session in sessions:
            name, address = link_name(session), Address(session)
            script += [
                f"[ -e /sys/class/net/{name} ] || ip link add dev {name} parentdev wwan0 type wwan linkid {session}",
                "ip -batch - <<END",
                f"link set {name} mtu {mtu}",
                f"link set {name} up",
                f"addr replace {address.host4}/24 dev {name}",
                f"addr replace {address.host6}/64 dev {name} nodad",
                "END",
            ]
        self.guest.sh("\n".join(script))
        if mtu > 1500:
            for session in sessions:
                self.network("ip", "link", "set", f"wwan-s{session}", "mtu", str(mtu))
                self.large_mtu.add(session)

    def down(self, *sessions: int) -> None:
        """Bring sessions down."""
        self.guest.sh("set -e\n" + "\n".join(f"ip link set {link_name(session)} down" for session in sessions))

    def link(self, name: str) -> dict[str, Any]:
        """All that ip says about a link."""
        links = json.loads(self.guest.run(["ip", "-json", "-details", "-stats", "link", "show", "dev", name]).out)
        return dict(links[0])

    def statistics(self, name: str) -> dict[str, dict[str, int]]:
        """The counters of ip -s link."""
        return dict(self.link(name)["stats64"])

    def ping(self, address: str, sizes: Iterable[int] = (56, 56, 56), *, source: str = "", namespace: str = "",
             whole: bool = False, interval: float = 0.0) -> None:
        """Echo requests to the network with these payload sizes; each has to be answered with the same bytes."""
        every = list(sizes)
        result = self.call("icmp", "ping", source, address, every, interval, 5.0, whole, namespace=namespace)
        assert result == {"good": len(every), "wrong": ""}, f"ping {address}"

    def network_ping(self, address: str, sizes: Iterable[int] = (56, 56, 56), *, interval: float = 0.0) -> None:
        """Echo requests from the network to us."""
        every = list(sizes)
        server = self.serve("icmp", "ping", "", address, every, interval, 5.0, False, marker="good")
        assert server.result() == {"good": len(every), "wrong": ""}, f"ping {address} from the network"

    def driver_counters(self, name: str = "wwan0") -> dict[str, int]:
        """What ethtool -S says: the driver's own counters."""
        lines = self.guest.run(["ethtool", "-S", name]).out.splitlines()[1:]
        return {key.strip(): int(value) for key, _, value in (line.partition(":") for line in lines)}

    def packets_seen(self) -> int:
        """How many packets the modem has passed on, both ways, on all sessions."""
        return sum(session["ul_packets"] + session["dl_packets"] for session in self.stats()["sessions"])

    @contextlib.contextmanager
    def capturing(self) -> Iterator[list[Captured]]:
        """All packets that pass the modem during the block; the list is filled at its end. Needs pcap."""
        path = self.emulator.pcap_file
        wait_until(lambda: len(read(path)) == self.packets_seen(), 10, "the capture is complete", interval=0.1)
        start = path.stat().st_size
        before = self.packets_seen()
        packets: list[Captured] = []
        yield packets

        def complete() -> bool:
            packets[:] = read(path, start)
            return len(packets) == self.packets_seen() - before

        wait_until(complete, 10, "the capture is complete", interval=0.1)

    def super_packets(self, script: Callable[[], Any], name: str = "wwan0") -> list[tuple[int, int]]:
        """Length and segments of each packet that the stack gave to a link for segmentation while something ran."""
        trace = "/sys/kernel/tracing"
        self.guest.sh(f"cd {trace} && echo 8192 > buffer_size_kb && echo > trace && "
                      f"echo 'name == \"{name}\" && gso_size > 0' > events/net/net_dev_start_xmit/filter && "
                      "echo 1 > events/net/net_dev_start_xmit/enable")
        try:
            script()
            lines = self.guest.sh(f"grep 'net_dev_start_xmit: dev={name} ' {trace}/trace || :").out.splitlines()
        finally:
            self.guest.sh(f"cd {trace} && echo 0 > events/net/net_dev_start_xmit/enable && "
                          "echo 0 > events/net/net_dev_start_xmit/filter && echo > trace")
        fields = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
        return [(int(field["len"]), int(field["gso_segs"])) for field in fields]

    @contextlib.contextmanager
    def listening(self, subsystem: str = "pci") -> Iterator[Events]:
        """Record the uevents of a subsystem while the block runs."""
        job = self.spawn("uevents", "listen", subsystem)
        try:
            yield Events(job)
        finally:
            job.kill(9)


@dataclass
class Events:
    """Uevents as they come."""

    job: Job

    def all(self) -> list[list[str]]:
        """Action, path and value of each."""
        return [line.split() for line in self.job.output().splitlines()[1:]]

    def modem(self) -> list[str]:
        """The values of IOSM_EVENT."""
        return [event[2] for event in self.all() if event[2] != "-"]

    def wait(self, value: str, timeout: float = 15.0) -> None:
        """Until an event has come."""
        wait_until(lambda: value in self.modem(), timeout, f"the event {value} comes (so far: {self.modem()})")
