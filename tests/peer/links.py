# SPDX-License-Identifier: GPL-2.0
"""Links through raw rtnetlink: iproute2 hides the error number behind the text, and we want both."""

import errno
import socket
import struct

RTM_NEWLINK, RTM_DELLINK = 16, 17
NLMSG_ERROR = 2
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
NLM_F_CAPPED = 0x100
SOL_NETLINK, NETLINK_EXT_ACK = 270, 11
IFLA_IFNAME, IFLA_LINKINFO, IFLA_PARENT_DEV_NAME = 3, 18, 56
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_WWAN_LINK_ID = 1
NLMSGERR_ATTR_MSG = 1
NLA_F_NESTED = 0x8000


def _attribute(kind: int, payload: bytes) -> bytes:
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + bytes(-length % 4)


def _text(answer: bytes) -> str:
    """The extended acknowledgement's message; the request is echoed only in part (NETLINK_CAP_ACK is off)."""
    length, _, flags = struct.unpack_from("=IHH", answer)
    echoed = struct.unpack_from("=I", answer, 20)[0]
    at = 20 + (16 if flags & NLM_F_CAPPED else echoed + (-echoed % 4))
    while at + 4 <= length:
        size, kind = struct.unpack_from("=HH", answer, at)
        if kind & 0x3fff == NLMSGERR_ATTR_MSG:
            return answer[at + 4:at + size].rstrip(b"\0").decode()
        at += size + (-size % 4)
    return ""


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0) + body


def open_socket() -> socket.socket:
    """A socket for requests."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    sock.bind((0, 0))
    return sock


def read_answer(sock: socket.socket) -> dict:
    """The answer to one request: the name of an error, and the reason in words."""
    answer = sock.recv(65536)
    _, answer_type = struct.unpack_from("=IH", answer)
    if answer_type != NLMSG_ERROR:
        raise OSError(f"netlink answered with message {answer_type}")
    code = -struct.unpack_from("=i", answer, 16)[0]
    return {"error": errno.errorcode[code] if code else "", "text": _text(answer)}


def add_message(name: str, parent: str, link_id: int) -> bytes:
    """What ``ip link add dev NAME parentdev PARENT type wwan linkid ID`` asks for."""
    info = _attribute(IFLA_INFO_KIND, b"wwan") + _attribute(
        IFLA_INFO_DATA | NLA_F_NESTED, _attribute(IFLA_WWAN_LINK_ID, struct.pack("=I", link_id)))
    body = struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, 0, 0, 0)
    body += _attribute(IFLA_IFNAME, name.encode() + b"\0")
    body += _attribute(IFLA_PARENT_DEV_NAME, parent.encode() + b"\0")
    body += _attribute(IFLA_LINKINFO | NLA_F_NESTED, info)
    return _message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)


def delete_message(name: str) -> bytes:
    """What ``ip link del dev NAME`` asks for."""
    body = struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, 0, 0, 0)
    return _message(RTM_DELLINK, 0, body + _attribute(IFLA_IFNAME, name.encode() + b"\0"))


def add(name: str, parent: str, link_id: int) -> dict:
    """Make a link."""
    with open_socket() as sock:
        sock.send(add_message(name, parent, link_id))
        return read_answer(sock)
