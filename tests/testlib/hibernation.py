# SPDX-License-Identifier: GPL-2.0
"""What hibernation does with the devices, by tests/modules/pmcycle.c."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from iosmlib.bench import Result, wait_until

from .modem import Modem

CYCLE = "/sys/kernel/debug/pmcycle/cycle"
# The PM core forgets a wake-up that is over when it freezes user space, which the module cannot.
FORGET_WAKEUPS = ("cd /sys/power && echo 0 > /sys/module/suspend/parameters/pm_test_delay && echo freezer > pm_test && "
                  "echo freeze > state; echo none > pm_test")
STOPPED = "pmcycle: devices are stopped"
TIMEOUT = 30.0


class Cycle:
    """Devices that are being stopped and will be started again."""

    def __init__(self, modem: Modem, stop: str, start: str, depth: str = "noirq") -> None:
        modem.load_tool("pmcycle", "release=$IOSM_RUN/release")
        self.guest = modem.guest
        self.file = modem.bench.directory / "release"
        self.file.unlink(missing_ok=True)
        self.guest.sh(FORGET_WAKEUPS)
        self.mark = len(self.guest.console_text())
        self.finish = self.guest.start_run(["sh", "-c", f"/bin/echo {stop} {start} {depth} > {CYCLE}"], timeout=TIMEOUT)

    def wait_stopped(self) -> None:
        """Until all devices are stopped."""
        wait_until(lambda: STOPPED in self.guest.console_text()[self.mark:], TIMEOUT, "the devices are stopped")

    def go_on(self) -> Result:
        """Start them; the result of all."""
        self.file.touch()
        return self.finish()


@contextlib.contextmanager
def stopped(modem: Modem, stop: str, start: str, depth: str = "noirq") -> Iterator[None]:
    """The devices are stopped during the block; nothing can be asked of the guest then."""
    cycle = Cycle(modem, stop, start, depth)
    cycle.wait_stopped()
    yield
    cycle.go_on().check()
