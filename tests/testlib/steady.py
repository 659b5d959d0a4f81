# SPDX-License-Identifier: GPL-2.0
"""Work that goes on in the guest while the machine sleeps, the modem fails, or whatever a test is about."""

from __future__ import annotations

import json
import signal
from typing import Any

from iosmlib.bench import Job, wait_until

from .modem import Address, Modem

AT = "/dev/wwan0at0"
PORT = 7300
WINDOW = 8
GO_ON = 5		# so many more exchanges prove that it goes on


class Steady:
    """One of the functions of tests/peer/steady.py."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.wait_progress()

    def progress(self) -> int:
        """How many exchanges succeeded so far."""
        return self.job.output().count(".")

    def wait_progress(self, timeout: float = 20.0) -> None:
        """Until some more exchanges succeeded."""
        before = self.progress()
        wait_until(lambda: self.progress() >= before + GO_ON or self.ended(), timeout,
                   f"{' '.join(self.job.argv[1:3])} goes on")
        assert not self.ended(), self.ended()

    def ended(self) -> str:
        """Its last words, if it has ended."""
        lines = self.job.output().splitlines()
        return lines[-1] if lines and lines[-1].startswith("{") else ""

    def wait_ended(self, timeout: float = 20.0) -> dict[str, Any]:
        """Until it ends by itself; its result."""
        wait_until(self.ended, timeout, f"{' '.join(self.job.argv[1:3])} ends")
        return dict(json.loads(self.ended()))

    def finish(self) -> dict[str, Any]:
        """Tell it to stop; its result."""
        self.job.kill(signal.SIGTERM)
        return self.wait_ended()

    def goes_on(self) -> None:
        """It still works, nothing got lost, and it ends well when it is told to."""
        self.wait_progress()
        result = self.finish()
        assert (result["wrong"], result["error"]) == ("", "")


def commands(modem: Modem, device: str = AT) -> Steady:
    """AT commands on one open port."""
    return Steady(modem.spawn("steady", "at", device))


def held(modem: Modem, device: str = AT) -> Steady:
    """An open port without traffic."""
    return Steady(modem.spawn("steady", "hold", device))


def datagrams(modem: Modem, session: int = 0, window: int = WINDOW) -> Steady:
    """Datagrams both ways on a link that is up; none may get lost."""
    address = Address(session)
    modem.serve("steady", "complement", address.gateway4, PORT)
    return Steady(modem.spawn("steady", "datagrams", address.host4, address.gateway4, PORT, window))
