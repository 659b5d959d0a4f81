# SPDX-License-Identifier: GPL-2.0
"""The page pools that the driver gave up: whether every page has come back."""

from __future__ import annotations

import re

from iosmlib.bench import wait_until

from .modem import Modem

TRACING = "/sys/kernel/tracing"


def watch(modem: Modem) -> None:
    """Call it before any pool is given up."""
    modem.guest.sh(f"echo 1 > {TRACING}/events/page_pool/page_pool_release/enable")


def outside(modem: Modem) -> dict[str, int]:
    """Pages that are out of each pool that was given up, as last seen."""
    text = modem.guest.sh(f"grep page_pool_release: {TRACING}/trace || :").out
    return {match[1]: int(match[2]) for match in re.finditer(r"page_pool=(\S+) inflight=(-?\d+)", text)}


def receive_everywhere(modem: Modem) -> None:
    """Each CPU receives a packet.

    What one CPU received and another one has read is parked by the kernel until the first receives something again
    (skb_attempt_defer_free); without a modem, that may be never.
    """
    cpus = int(modem.guest.run(["nproc"]).out)
    modem.guest.sh("\n".join(f"taskset -c {cpu} ping -q -c 1 -W 5 127.0.0.1" for cpu in range(cpus)))


def wait_home(modem: Modem, timeout: float = 70.0) -> None:
    """Until no page is out of a pool; nobody may receive or hold packets any more."""
    receive_everywhere(modem)
    wait_until(lambda: outside(modem) and not any(outside(modem).values()), timeout, "no page is out of its pool")
    assert "stalled pool" not in modem.guest.dmesg()
