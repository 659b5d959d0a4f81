# SPDX-License-Identifier: GPL-2.0
"""ModemManager: a desktop finds the modem by itself, connects it, and makes links of its own.

Implements the check of protocol.rst 8.3 and 8.4 with a user that we did not write. Skipped where ModemManager, the
D-Bus daemon or udev are not installed.
"""

from __future__ import annotations

import json
import shutil
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from iosmlib.bench import wait_until
from testlib.modem import Address, Modem

UDEVD = Path("/lib/systemd/systemd-udevd")
PROGRAMS = ("ModemManager", "mmcli", "dbus-daemon", "udevadm")
BUS = "/run/dbus/system_bus_socket"

pytestmark = pytest.mark.skipif(
    not UDEVD.exists() or any(shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None for name in PROGRAMS),
    reason=f"one of {', '.join(PROGRAMS)} and udev is not installed")


def mmcli(modem: Modem, *arguments: str) -> dict[str, Any]:
    """What mmcli says, as data; nothing while there is nothing to say."""
    done = modem.guest.run(["mmcli", "-J", *arguments], check=False, timeout=60)
    return dict(json.loads(done.out)) if done.ok and done.out.strip() else {}


def command(modem: Modem, *arguments: str) -> str:
    """An action of mmcli that has to succeed."""
    return modem.guest.run(["mmcli", *arguments], timeout=60).out


def state(modem: Modem, path: str) -> str:
    """The state of a modem."""
    return str(mmcli(modem, "-m", path).get("modem", {}).get("generic", {}).get("state", ""))


def desktop(modem: Modem) -> str:
    """Start what a desktop has; ModemManager's path of the modem, once it can be used."""
    modem.guest.sh("rm -rf /run/dbus /run/udev && mkdir -p /run/dbus /run/udev")
    modem.jobs.append(modem.guest.spawn(["dbus-daemon", "--system", "--nofork", "--nopidfile"]))
    modem.jobs.append(modem.guest.spawn([UDEVD]))
    modem.guest.wait_path(BUS)
    modem.guest.wait_path("/run/udev/control")
    modem.guest.sh("udevadm trigger --action=add && udevadm settle -t 20")
    modem.jobs.append(modem.guest.spawn(["ModemManager"]))
    found = wait_until(lambda: mmcli(modem, "-L").get("modem-list"), 30, "ModemManager finds the modem", 0.2)
    assert len(found) == 1
    path = str(found[0])
    wait_until(lambda: state(modem, path) in ("disabled", "registered"), 30, "ModemManager knows the modem", 0.2)
    return path


def bearer(modem: Modem, path: str) -> dict[str, Any]:
    """What there is to know about a bearer."""
    return dict(mmcli(modem, "-b", path)["bearer"])


def use(modem: Modem, about: dict[str, Any]) -> Address:
    """Configure the link of a bearer as ModemManager says, and ping its gateways."""
    name = about["status"]["interface"]
    ipv4, ipv6 = about["ipv4-config"], about["ipv6-config"]
    address = Address(int(ipv4["address"].split(".")[2]))
    assert (ipv4["address"], ipv4["gateway"]) == (address.host4, address.gateway4)
    assert ip_address(ipv6["address"]) == ip_address(address.host6)
    assert ip_address(ipv6["gateway"]) == ip_address(address.gateway6)
    modem.guest.sh(f"ip link set {name} mtu {ipv4['mtu']} up && "
                   f"ip addr add {ipv4['address']}/{ipv4['prefix']} dev {name} && "
                   f"ip -6 addr add {ipv6['address']}/{ipv6['prefix']} dev {name} nodad")
    modem.ping(ipv4["gateway"])
    modem.ping(ipv6["gateway"])
    return address


def test_modem_is_recognized(modem: Modem) -> None:
    """The right plugin, all ports, and who it is."""
    about = mmcli(modem, "-m", desktop(modem))["modem"]
    generic = about["generic"]
    assert generic["plugin"] == "Intel"
    assert generic["drivers"] == ["iosm"]
    assert generic["primary-port"] == "wwan0mbim0"
    assert sorted(generic["ports"]) == ["wwan0 (net)", "wwan0at0 (at)", "wwan0at1 (at)", "wwan0mbim0 (mbim)"]
    assert generic["equipment-identifier"] == "004999010640000"
    assert generic["supported-ip-families"] == ["ipv4", "ipv6", "ipv4v6"]


def test_default_link_is_connected(modem: Modem) -> None:
    """One command connects; the default link carries packets with the addresses that it was given."""
    path = desktop(modem)
    command(modem, "-m", path, "--simple-connect=apn=internet,ip-type=ipv4v6")
    assert state(modem, path) == "connected"
    about = bearer(modem, "0")
    assert about["status"]["interface"] == "wwan0"
    assert use(modem, about).session == 0
    command(modem, "-m", path, "--simple-disconnect")
    assert state(modem, path) == "registered"


def test_bearers_get_links_of_their_own(modem: Modem) -> None:
    """Two bearers at once: ModemManager makes a link for each, both carry packets, and it removes them again."""
    path = desktop(modem)
    command(modem, "-m", path, "--simple-connect=apn=internet,ip-type=ipv4v6,multiplex=required")
    command(modem, "-m", path, "--create-bearer=apn=ims,ip-type=ipv4v6,multiplex=required")
    command(modem, "-b", "1", "--connect")
    every = [bearer(modem, "0"), bearer(modem, "1")]
    names = {about["status"]["interface"] for about in every}
    assert len(names) == 2
    assert "wwan0" not in names
    assert len({use(modem, about).session for about in every}) == 2
    command(modem, "-m", path, "--simple-disconnect")
    for name in names:
        modem.guest.wait_path(f"/sys/class/net/{name}", gone=True)
