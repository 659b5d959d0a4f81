# SPDX-License-Identifier: GPL-2.0
"""User-Mode Linux kernels for the tests, and the modules that are loaded into them; all cached by their inputs."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import sources
from .common import (
    TOP,
    Error,
    Progress,
    cache_dir,
    clean_env,
    cpus,
    digest,
    locked,
    logged,
    need_programs,
    output,
    read_stamp,
    remove_tree,
    sha256,
    write_stamp,
)
from .sources import Tree

# What each flavour adds to plain: the names of fragments.
FLAVOURS = {"plain": (), "debug": ("debug",), "pm": ("pm",), "pm-debug": ("debug", "pm"), "bench": ("bench",)}
# Modules for the guest that are no driver, and their sources.
TOOLS = {"rootport": "oracle", "pmcycle": "modules", "pcierr": "modules"}
MODULES = ("ours", "stock", "kunit", *TOOLS)
REVISION = 1			# to be raised when this file builds something else from the same inputs
UML = TOP / "tests" / "uml"
PROGRAMS = ("make", "gcc", "ld", "flex", "bison", "bc", "rsync", "patch")
# About how many objects a build makes, for the progress line only.
OBJECTS = {"plain": 1300, "debug": 1350, "pm": 1300, "pm-debug": 1350, "bench": 1300}


@dataclass(frozen=True)
class Kernel:
    """A finished kernel: its build directory and what it was built from."""

    tree: Tree
    flavour: str
    build: Path
    key: str

    @property
    def vmlinux(self) -> Path:
        """The program that is the kernel."""
        return self.build / "vmlinux"

    @property
    def debug(self) -> bool:
        """Has it all checkers, and their cost?"""
        return "debug" in FLAVOURS[self.flavour]

    def config(self) -> dict[str, str]:
        """All symbols of its .config."""
        text = (self.build / ".config").read_text(encoding="utf-8")
        return dict(re.findall(r"^(CONFIG_\w+)=(.*)$", text, re.M))


def fragment(flavour: str, version: tuple[int, int]) -> dict[str, str]:
    """The symbols that a flavour asks for in one kernel version."""
    wanted: dict[str, str] = {}
    for name in ("plain", *FLAVOURS[flavour]):
        path = UML / f"{name}.config"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            text, _, comment = line.partition("#")
            text = text.strip()
            if not text:
                continue
            match = re.fullmatch(r"(CONFIG_\w+)=(.+)", text)
            condition = re.fullmatch(r"\s*if (>=|<) (\d+\.\d+)\s*", comment)
            if not match or (comment.strip() and not condition):
                raise Error(f"{path.name}:{number}: not understood: {line.strip()}")
            if condition:
                limit = sources.parse_version(condition[2])
                if (version >= limit) != (condition[1] == ">="):
                    continue
            wanted[match[1]] = match[2]
    return wanted


def _make(tree: Tree, build: Path, *arguments: str | Path) -> list[str | Path]:
    # The names of the user and the host would make each machine's kernel another one.
    return ["nice", "make", "-C", tree.linux, f"O={build}", "ARCH=um", f"KBUILD_KCONFIG={build / 'Kconfig'}", f"-j{cpus()}",
            *arguments]


def build_env() -> dict[str, str]:
    """The environment of kernel builds."""
    return clean_env(KBUILD_BUILD_USER="iosm", KBUILD_BUILD_HOST="bench", KBUILD_BUILD_TIMESTAMP="1970-01-01")


def _configure(tree: Tree, build: Path, flavour: str) -> None:
    wanted = fragment(flavour, tree.version)
    text = "".join(f"# {name} is not set\n" if value == "n" else f"{name}={value}\n" for name, value in wanted.items())
    build.mkdir(parents=True, exist_ok=True)
    (build / "fragment").write_text(text, encoding="utf-8")
    (build / "Kconfig").write_text("\n".join(path.read_text(encoding="utf-8") for path in (tree.linux / "Kconfig",
                                                                                          UML / "Kconfig")), encoding="utf-8")
    logged(_make(tree, build, f"KCONFIG_ALLCONFIG={build / 'fragment'}", "allnoconfig"), build / "config.log",
           "configuring the kernel", env=build_env())
    have = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", (build / ".config").read_text(encoding="utf-8"), re.M))
    lost = [f"{name}={value}" for name, value in wanted.items() if have.get(name, "n") != value]
    if lost:
        raise Error(f"this kernel does not take {', '.join(lost)} (flavour {flavour})")


def _key(tree: Tree, kind: str, flavour: str) -> str:
    """All that a kernel is made from."""
    compiler = output(["gcc", "--version"]).splitlines()[0]
    kconfig = [path.read_text(encoding="utf-8") for path in (TOP / "Kconfig", UML / "Kconfig")]
    return digest(REVISION, tree.key, kind, fragment(flavour, tree.version), compiler, kconfig)


def _intact(build: Path, key: str) -> bool:
    stamp = read_stamp(build)
    sums = stamp.get("files")
    if stamp.get("key") != key or not isinstance(sums, dict):
        return False
    return all((build / name).is_file() and sha256(build / name) == value for name, value in sums.items())


def get(kernel: str | None = None, flavour: str = "plain") -> Kernel:
    """Find the kernel in the cache, or build it."""
    if flavour not in FLAVOURS:
        raise Error(f"flavour '{flavour}': known are {', '.join(FLAVOURS)}")
    if platform.machine() != "x86_64":
        raise Error(f"User-Mode Linux runs on x86_64 only, and this is {platform.machine()}")
    need_programs(*PROGRAMS)
    tree = sources.get(kernel or os.environ.get("KERNEL") or sources.NEWEST)
    key = _key(tree, flavour, flavour)
    name = f"{tree.name}-{flavour}"
    build = cache_dir() / "build" / name
    if not _intact(build, key):
        with locked(f"build-{name}"), locked(f"tree-{tree.name}", shared=True):
            if not _intact(build, key):
                sources.check(tree)
                _build(tree, flavour, build, key)
    return Kernel(tree, flavour, build, key)


def prepared(kernel: str) -> Kernel:
    """A kernel that is configured so that modules can be compiled for it, but neither linked nor booted."""
    need_programs(*PROGRAMS)
    tree = sources.get(kernel)
    key = _key(tree, "prepared", "plain")
    build = cache_dir() / "build" / f"{tree.name}-prepared"
    with locked(f"tree-{tree.name}"), locked(f"build-{build.name}"):
        if read_stamp(build).get("key") != key:
            remove_tree(build)
            build.mkdir(parents=True)
            sources.copy_driver(tree.linux / sources.IOSM)
            _configure(tree, build, "plain")
            logged(_make(tree, build, "modules_prepare"), build / "build.log", "preparing the kernel", env=build_env())
            write_stamp(build, {"key": key, "kernel": tree.name})
    return Kernel(tree, "plain", build, key)


def _build(tree: Tree, flavour: str, build: Path, key: str) -> None:
    # Other inputs, or an interrupted build: make goes on from what is there. A finished build whose files are not
    # what they were is not trusted, nor is a directory of which nothing is known.
    stamp = read_stamp(build)
    used = build.exists() and any(build.iterdir())
    if used and not (build / "started").exists() and (not stamp or not _intact(build, str(stamp.get("key")))):
        print(f"  the cached kernel {build.name} is damaged: built anew", file=sys.stderr)
        _empty(build)
        used = False
    try:
        _compile(tree, flavour, build, key)
    except Error as err:
        if not used:
            raise
        print(f"  {err}; once more, from nothing", file=sys.stderr)
        _empty(build)
        _compile(tree, flavour, build, key)


def _empty(build: Path) -> None:
    for path in build.iterdir():
        remove_tree(path)


def _compile(tree: Tree, flavour: str, build: Path, key: str) -> None:
    build.mkdir(parents=True, exist_ok=True)
    (build / "started").touch()
    (build / "stamp.json").unlink(missing_ok=True)
    with locked(f"driver-{tree.name}"):
        # The kernel proper needs our Kconfig only; afterwards others may put their driver there.
        sources.copy_driver(tree.linux / sources.IOSM)
        _configure(tree, build, flavour)
    progress = Progress(f"building the {flavour} kernel {tree.version[0]}.{tree.version[1]}")
    count = 0

    def each(line: str) -> None:
        nonlocal count
        if re.match(r"\s*(CC|AS|LD|AR|CC \[M\]|HOSTCC|HOSTLD) ", line):
            count += 1
            progress.update(f"{min(99, count * 100 // OBJECTS[flavour])} % ({count} objects)")

    logged(_make(tree, build, "vmlinux", "modules_prepare"), build / "build.log", "building the kernel", each=each,
           env=build_env())
    # External modules resolve against the kernel proper; no module of the tree is built.
    symbols = build / "vmlinux.symvers"
    if symbols.is_file():
        shutil.copy(symbols, build / "Module.symvers")
    if not (build / "Module.symvers").is_file():
        raise Error(f"the build of {build.name} left no Module.symvers")
    progress.done(f"{count} objects")
    _slim(build)
    write_stamp(build, {"key": key, "flavour": flavour, "kernel": tree.name,
                        "files": {file: sha256(build / file) for file in ("vmlinux", ".config", "Module.symvers")}})
    (build / "started").unlink()


def _slim(build: Path) -> None:
    """Intermediate copies of the whole kernel are of no further use."""
    for name in ("vmlinux.o", "vmlinux.unstripped", "linux"):
        with contextlib.suppress(FileNotFoundError):
            (build / name).unlink()
    for path in build.glob(".tmp_vmlinux*"):
        path.unlink()


def module(kernel: Kernel, name: str = "ours") -> Path:
    """Build a module for a kernel: our driver, the tree's own, our driver with its unit tests, a tool of the tests."""
    if name not in MODULES:
        raise Error(f"module '{name}': known are {', '.join(MODULES)}")
    checkout = digest(str(TOP)) if name != "stock" else "all"
    place = cache_dir() / "mod" / kernel.build.name / checkout / name
    with locked(f"mod-{kernel.build.name}-{name}-{checkout}"):
        if name in ("ours", "kunit"):
            sources.copy_driver(place, ("compat",))
            result = place / "iosm.ko"
        elif name == "stock":
            stamp = read_stamp(place)
            result = place / "iosm.ko"
            if stamp.get("key") == kernel.key and result.is_file() and sha256(result) == stamp.get("sha256"):
                return result
            remove_tree(place)
            sources.copy_stock(kernel.tree, place)
        else:
            place.mkdir(parents=True, exist_ok=True)
            source = (TOP / "tests" / TOOLS[name] / f"{name}.c").read_bytes()
            for file, data in ((f"{name}.c", source), ("Makefile", f"obj-m := {name}.o\n".encode())):
                if not (place / file).is_file() or (place / file).read_bytes() != data:
                    (place / file).write_bytes(data)
            result = place / f"{name}.ko"
        # The gcov of the driver is wanted where the kernel has it.
        config = kernel.config()
        options = ["GCOV_PROFILE=y"] if name in ("ours", "kunit") and "CONFIG_GCOV_KERNEL" in config else []
        if name == "kunit":
            if "CONFIG_KUNIT" not in config:
                raise Error(f"the {kernel.flavour} kernel has no KUnit: use a flavour with debug")
            # To make and to the compiler, neither of which has it from the kernel's configuration.
            options += ["CONFIG_IOSM_KUNIT_TEST=y", "KCFLAGS=-DCONFIG_IOSM_KUNIT_TEST=1"]
        before = result.stat().st_mtime if result.is_file() else 0.0
        progress = Progress(f"building {result.name} ({name}, {kernel.flavour})") if not before else None
        log = place / "build.log"
        logged(["nice", "make", "-C", kernel.build, "ARCH=um", f"-j{cpus()}", f"M={place}", *options, "modules"], log,
               f"building the {name} module", env=build_env())
        if progress:
            progress.done()
        if not result.is_file():
            raise Error(f"the build of the {name} module left no {result.name}, see {log}")
        if name == "stock":
            write_stamp(place, {"key": kernel.key, "sha256": sha256(result)})
    return result
