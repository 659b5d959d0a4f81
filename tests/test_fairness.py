# SPDX-License-Identifier: GPL-2.0
"""Links that all have something to send get about the same share of the pipe, in bytes and not in packets.

Implements the check of protocol.rst 5.9 (Q84).
"""

from __future__ import annotations

import pytest
from iosmlib.bench import wait_until
from testlib.capture import Captured
from testlib.modem import Address, Modem, link_name
from testlib.traffic import lift_queue_limits

UL_PIPE = 0
THRESHOLD = 196608
PORT = 7800
# Sizes of the packets of each link. A link gets its part in pieces of about 40 KiB: there must be many of them.
SIZES = {0: 1400, 2: 400, 5: 900, 7: 1000}
BYTES = 1_200_000
QUEUE = 4000

pytestmark = pytest.mark.emulator(pcap=True)


def shares(packets: list[Captured]) -> dict[int, int]:
    """Bytes of each session from where all compete until the first has sent everything."""
    last = min(max(index for index, packet in enumerate(packets) if packet.session == session) for session in SIZES)
    found = dict.fromkeys(SIZES, 0)
    passed = 0
    for packet in packets[:last]:
        passed += len(packet.data)
        # Who came first had the pipe alone.
        if passed > THRESHOLD:
            found[packet.session] += len(packet.data)
    return found


def test_bytes_are_shared(modem: Modem, mux: str) -> None:
    """The modem pauses until each link has a full queue, and takes all then."""
    modem.up(*SIZES)
    # The stack hands over 64 packets at a time, which is less than what a link with small ones may have on its way.
    modem.guest.sh("echo 16000000 > /proc/sys/net/core/wmem_default; echo 2 > /proc/sys/net/core/dev_weight_tx_bias")
    for session in SIZES:
        modem.guest.sh(f"ip link set {link_name(session)} txqueuelen {QUEUE}")
    lift_queue_limits(modem, *SIZES)
    servers, senders = [], []
    with modem.capturing() as packets:
        modem.control(f"hold {UL_PIPE}")
        for session, size in SIZES.items():
            address, count = Address(session), BYTES // size
            servers.append(modem.serve("udp", "ignore", address.gateway4, PORT))
            senders.append(modem.begin("udp", "send", address.host4, address.gateway4, PORT, size, count))
        # All are in the queues or in the driver: the senders wait for nobody.
        for finish in senders:
            finish()
        modem.control(f"release {UL_PIPE}")
        total = sum(BYTES // size for size in SIZES.values())
        wait_until(lambda: sum(modem.stats()["sessions"][session]["ul_packets"] for session in SIZES) >= total, 20,
                   "all has been sent")
    modem.guest.sh("echo 212992 > /proc/sys/net/core/wmem_default; echo 1 > /proc/sys/net/core/dev_weight_tx_bias")
    found = shares(packets)
    assert sum(found.values()) > BYTES, "the links did not compete for long"
    assert min(found.values()) > max(found.values()) * 0.6, found
