# SPDX-License-Identifier: GPL-2.0
"""Super-packets: the stack hands over many segments at once, and what goes out are good packets all the same.

Every packet of these tests is looked at in the modem's capture: lengths, checksums, sequence numbers, identifications.
"""

from __future__ import annotations

import pytest
from testlib.capture import Captured, gaps, problems
from testlib.modem import Address, Modem, link_name
from testlib.traffic import begin_segments, begin_stream, segments, stream, upload

FAMILIES = (4, 6)
HEADER = {4: 28, 6: 48}
LARGEST_UDP = {4: 65507, 6: 65487}
MOST_SEGMENTS = 64
STREAM = 1 << 19
# Each step takes something away from the driver and leaves it to the stack.
SETTINGS = {
    "all": "tx on sg on tso on gso on tx-udp-segmentation on gro on",
    "no-tso": "tso off tx-udp-segmentation off",
    "no-gso": "tso off tx-udp-segmentation off gso off",
    "no-sg": "sg off",
    "no-checksums": "tx off",
}

pytestmark = pytest.mark.emulator(pcap=True)


def set_features(modem: Modem, words: str, name: str = "wwan0") -> None:
    """Switch offloads on and off."""
    modem.guest.run(["ethtool", "-K", name, *words.split()])


def features(modem: Modem, name: str = "wwan0") -> dict[str, str]:
    """What ethtool -k says."""
    lines = modem.guest.run(["ethtool", "-k", name]).out.splitlines()[1:]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def good(packets: list[Captured], mtu: int = 1500) -> None:
    """Nothing is wrong with any packet, and uplink streams have no hole.

    Downlink, the network's own send queue may drop a packet, which is repeated then.
    """
    assert packets
    assert problems(packets, mtu) == []
    assert gaps(packet for packet in packets if packet.up) == []


def udp_plan(family: int, mtu: int = 1500) -> list[tuple[int, int]]:
    """Segments from one byte to the largest, a few or as many as are allowed, with and without a shorter last one."""
    largest = mtu - HEADER[family]
    plan = []
    for size in (1, 2, 3, 7, 63, 64, 65, 255, 256, 257, 511, 1000, 1001, 1399, 1400, largest - 1, largest):
        for count in (1, 2, 3, 17, MOST_SEGMENTS):
            length = min(size * count, LARGEST_UDP[family] - LARGEST_UDP[family] % size)
            plan += [(size, length), (size, max(1, length - size // 2))]
    return plan


def test_features(modem: Modem, mux: str) -> None:
    """The driver takes super-packets of all kinds, and each can be switched off."""
    for name in (link_name(0), modem.link_add(4)):
        found = features(modem, name)
        wanted = ("tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-udp-segmentation", "tx-scatter-gather",
                  "tx-checksum-ip-generic", "generic-segmentation-offload", "generic-receive-offload")
        assert {feature: found[feature] for feature in wanted} == dict.fromkeys(wanted, "on")
        set_features(modem, "tso off tx-udp-segmentation off gro off", name)
        found = features(modem, name)
        assert {found[feature] for feature in (*wanted[:3], "generic-receive-offload")} == {"off"}


@pytest.mark.parametrize("family", FAMILIES)
def test_super_packets_reach_the_driver(modem: Modem, mux: str, family: int) -> None:
    """A stream, and datagrams that are sent many at a time, cross the stack in large pieces; switched off, they do not."""
    modem.up(0)
    plan = [(1000, 20000)] * 4
    set_features(modem, SETTINGS["all"])
    tcp = modem.super_packets(lambda: stream(modem, 0, STREAM, family=family))
    # Not a number of the driver: 20 kB and more were in one piece.
    assert max(length for length, _ in tcp) > 20000
    udp = modem.super_packets(lambda: segments(modem, 0, plan, family=family))
    assert [count for _, count in udp] == [20] * 4
    set_features(modem, SETTINGS["no-tso"])
    assert modem.super_packets(lambda: stream(modem, 0, STREAM, family=family)) == []
    assert modem.super_packets(lambda: segments(modem, 0, plan, family=family)) == []
    set_features(modem, SETTINGS["all"])


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings(modem: Modem, mux: str, setting: str) -> None:
    """Whoever cuts and sums up, the driver or the stack: the packets are good, and so is what arrives."""
    modem.up(0)
    set_features(modem, SETTINGS["all"])
    set_features(modem, SETTINGS[setting])
    try:
        with modem.capturing() as packets:
            for family in FAMILIES:
                stream(modem, 0, STREAM, family=family)
                if setting != "no-checksums" or modem.kit.kernel.tree.version >= (6, 12):
                    segments(modem, 0, [(700, 20000), (1, 9), (1201, 60000)], family=family)
    finally:
        set_features(modem, SETTINGS["all"])
    good(packets)


@pytest.mark.parametrize("family", FAMILIES)
def test_udp_segments(modem: Modem, mux: str, family: int) -> None:
    """Segments of one byte up to the MTU, in all numbers; each becomes one datagram of just that size."""
    modem.up(0)
    plan = udp_plan(family)
    with modem.capturing() as packets:
        segments(modem, 0, plan, family=family)
    good(packets)
    count = sum(-(-length // size) for size, length in plan)
    # And one to get to know each other.
    assert sum(packet.up for packet in packets) == count + 1
    assert modem.statistics("wwan0")["tx"]["dropped"] == 0


@pytest.mark.parametrize("how", ("writes", "more", "sendfile", "splice", "zerocopy"))
def test_scattered_packets(modem: Modem, mux: str, how: str) -> None:
    """Streams that lie in odd pieces in memory that belongs to others."""
    modem.up(0)
    with modem.capturing() as packets:
        for family in FAMILIES:
            upload(modem, 0, how, STREAM, family=family)
    good(packets)


@pytest.mark.parametrize("mtu", (576, 1280, 1499, 1501, 2032, 9001))
def test_other_mtus(modem: Modem, mux: str, mtu: int) -> None:
    """Odd segments, small ones, and those that fill the largest buffer of Lite."""
    if mtu > modem.link("wwan0")["max_mtu"]:
        mtu = modem.link("wwan0")["max_mtu"] - 1
    modem.up(0, mtu=max(mtu, 1280))
    modem.guest.run(["ip", "link", "set", "wwan0", "mtu", str(mtu)])
    with modem.capturing() as packets:
        for family in FAMILIES if mtu >= 1280 else (4,):
            stream(modem, 0, STREAM, family=family)
            size = mtu - HEADER[family]
            segments(modem, 0, [(size, 10 * size), (size - 1, 5 * size), (1, 20)] if mtu <= 1500 else [(1400, 14001)],
                     family=family)
    good([packet for packet in packets if packet.up], mtu)
    good(packets, max(mtu, 1500))


def test_several_links(modem: Modem, mux: str) -> None:
    """Super-packets of several links meet in one block; none is mixed up, none has a hole."""
    modem.up(0, 3, 7)
    with modem.capturing() as packets:
        ends = [begin_stream(modem, session, STREAM, family=family, port=7100 + family)
                for session in (0, 3, 7) for family in FAMILIES]
        ends += [begin_segments(modem, session, [(900 + session, 30000 + session)] * 20) for session in (0, 3, 7)]
        for end in ends:
            end()
    good(packets)
    for session in (0, 3, 7):
        own = Address(session)
        addresses = {packet.data[12:16] if packet.version == 4 else packet.data[8:24]
                     for packet in packets if packet.up and packet.session == session}
        assert addresses == {bytes(map(int, own.host4.split("."))), bytes.fromhex(f"fd64{session:04x}{2:024x}")}
