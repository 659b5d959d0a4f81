# SPDX-License-Identifier: GPL-2.0
"""Kernel sources: Debian's linux-source packages, or a tree of the user's, copied into the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .common import (
    TOP,
    Error,
    Progress,
    cache_dir,
    clean_env,
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

# Which suite of Debian has which kernel; the first one is what we use by default.
SUITES = {"7.3": "trixie-backports", "6.12": "bookworm-backports", "6.1": "bookworm"}
NEWEST = next(iter(SUITES))
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PATCHES = TOP / "tests" / "uml" / "patches"
IOSM = Path("drivers/net/wwan/iosm")
REVISION = 1			# to be raised when this file makes another tree of the same inputs

# Large parts of the tree that no build of ours reads. (Of other architectures, Kconfig wants arch/*/crypto.)
OTHERS = ("alpha", "arc", "arm", "arm64", "csky", "hexagon", "ia64", "loongarch", "m68k", "microblaze", "mips", "nios2",
          "openrisc", "parisc", "powerpc", "riscv", "s390", "sh", "sparc", "xtensa")
LEAVE_OUT = [*(f"arch/{arch}/{part}" for arch in OTHERS for part in ("boot", "configs", "include", "kernel", "kvm", "mm",
                                                                    "mach-*", "platforms")),
             "Documentation/devicetree", "Documentation/translations", "drivers/gpu/drm/amd/include", "tools/perf"]


@dataclass(frozen=True)
class Tree:
    """A patched kernel tree in the cache; the tree's own iosm directory is in `stock`."""

    name: str
    path: Path
    stock: Path
    version: tuple[int, int]
    key: str

    @property
    def linux(self) -> Path:
        """The top of the tree."""
        return self.path / "linux"


def parse_version(text: str) -> tuple[int, int]:
    """7.3 -> (7, 3)"""
    match = re.match(r"^(\d+)\.(\d+)", text)
    if not match:
        raise Error(f"'{text}' is not a kernel version")
    return int(match[1]), int(match[2])


def tree_version(tree: Path) -> tuple[int, int]:
    """The version that a tree's Makefile states."""
    try:
        text = (tree / "Makefile").read_text(encoding="utf-8")
    except OSError as err:
        raise Error(f"{tree} is not a kernel tree: it has no Makefile") from err
    found = dict(re.findall(r"^(VERSION|PATCHLEVEL) *= *(\d+)", text, re.M))
    if len(found) != 2 or not (tree / "Kbuild").exists():
        raise Error(f"{tree} is not a kernel tree")
    return int(found["VERSION"]), int(found["PATCHLEVEL"])


def patches(version: tuple[int, int]) -> list[Path]:
    """Our patches for a kernel: the directory with the greatest version that is not above it."""
    if not PATCHES.is_dir():
        return []
    have = sorted((parse_version(path.name), path) for path in PATCHES.iterdir() if path.is_dir())
    fitting = [path for number, path in have if number <= version]
    return sorted(fitting[-1].glob("*.patch")) if fitting else []


def patches_key(version: tuple[int, int]) -> list[str]:
    """What the patches do; the words in front of them make no other tree."""
    return [digest(path.read_text(encoding="utf-8").partition("\n---\n")[2]) for path in patches(version)]


def debian_site() -> str:
    """The Debian mirror that this machine uses."""
    need_programs("apt-get")
    text = output(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(COMPONENT)|$(CODENAME)|$(SITE)",
                   "Created-By: Packages"])
    sites = []
    for line in text.splitlines():
        fields = line.split("|")
        if len(fields) == 4 and fields[0] == "Debian" and fields[1] == "main":
            sites.append((not re.fullmatch(r"[a-z]+", fields[2]), fields[3]))
    if not sites:
        raise Error("apt knows no Debian mirror here: run 'apt-get update', or use KERNEL=/path/to/tree")
    return min(sites)[1]


def _apt(suite: str) -> tuple[list[str], Path]:
    """A private apt that sees one suite only and needs no privileges."""
    if not KEYRING.exists():
        raise Error(f"{KEYRING} is missing: install debian-archive-keyring")
    base = cache_dir() / "apt" / suite
    for name in ("lists/partial", "cache/archives/partial", "etc"):
        (base / name).mkdir(parents=True, exist_ok=True)
    (base / "status").touch()
    source = base / "sources.list"
    source.write_text(f"deb [signed-by={KEYRING}] {debian_site()} {suite} main\n", encoding="ascii")
    options = {
        "Dir::Etc::SourceList": source, "Dir::Etc::SourceParts": "/dev/null", "Dir::State": base,
        "Dir::State::Lists": base / "lists", "Dir::State::Status": base / "status", "Dir::Cache": base / "cache",
        "Dir::Etc::Preferences": "/dev/null", "Dir::Etc::PreferencesParts": "/dev/null",
        "Acquire::Languages": "none", "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "APT::Get::List-Cleanup": "true", "Acquire::Retries": "3", "APT::Architecture": "amd64",
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
    }
    argv = ["apt-get", "-q"]
    for key, value in options.items():
        argv += ["-o", f"{key}={value}"]
    return argv, base


def _download(name: str, target: Path) -> tuple[Path, str]:
    """The linux-source package of one kernel; returns the file and its version."""
    suite = SUITES[name]
    argv, base = _apt(suite)
    package = f"linux-source-{name}"
    progress = Progress(f"getting {package} from Debian {suite}")
    logged([*argv, "update"], base / "update.log", f"reading the package list of {suite}")
    listing = output(["apt-cache", *argv[2:], "show", package]) if _known(argv, package) else ""
    version = re.search(r"^Version: (\S+)$", listing, re.M)
    size = re.search(r"^Size: (\d+)$", listing, re.M)
    if not version or not size:
        raise Error(f"Debian {suite} has no {package} (any more): use KERNEL=/path/to/tree")
    target.mkdir(parents=True, exist_ok=True)
    log = base / "download.log"
    with open(log, "w", encoding="utf-8") as handle, \
            subprocess.Popen([*argv, "download", f"{package}={version[1]}"], cwd=target, stdout=handle,
                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=clean_env()) as process:
        try:
            while process.poll() is None:
                have = sum(path.stat().st_size for path in target.glob("*.deb*") if path.exists())
                progress.update(f"{min(100, have * 100 // int(size[1]))} % of {int(size[1]) >> 20} MiB")
                time.sleep(0.2)
        except BaseException:
            process.terminate()
            raise
    files = list(target.glob("*.deb"))
    if process.returncode or len(files) != 1:
        raise Error(f"the download of {package} failed, see {log}")
    wanted = re.search(r"^SHA256: (\S+)$", listing, re.M)
    if not wanted or sha256(files[0]) != wanted[1]:
        raise Error(f"{files[0].name} arrived damaged: try again")
    progress.done()
    return files[0], version[1]


def _known(argv: list[str], package: str) -> bool:
    return bool(output(["apt-cache", *argv[2:], "pkgnames", package]).split())


def _unpack(deb: Path, target: Path) -> None:
    """The source tarball inside the package, without what we never read."""
    progress = Progress(f"unpacking {deb.name.split('_')[0]}")
    listing = output(["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -t', "sh", str(deb)])
    inner = [line for line in listing.splitlines() if re.search(r"/usr/src/linux-source-[^/]*\.tar\.xz$", line)]
    if len(inner) != 1:
        raise Error(f"{deb.name} does not contain a kernel source tarball")
    excludes = [f"--exclude=linux-source-*/{name}" for name in LEAVE_OUT]
    target.mkdir(parents=True)
    script = ('deb=$1; inner=$2; target=$3; shift 3; dpkg-deb --fsys-tarfile "$deb" | tar -xO "$inner" | xz -dc -T0 | '
              'tar -x --checkpoint=2000 --checkpoint-action=echo="%u" -C "$target" --strip-components=1 "$@"')

    def each(line: str) -> None:
        number = re.search(r"(\d{3,})", line)
        if number:
            progress.update(f"{int(number[1]) * 10 // 1024} MiB")

    logged(["bash", "-o", "pipefail", "-c", script, "bash", deb, inner[0], target, *excludes],
           cache_dir() / "logs" / "unpack.log", f"unpacking {deb.name}", each=each)
    progress.done()


def _fingerprint(tree: Path) -> str:
    """What a user's tree looks like now: names, sizes and times of all its sources."""
    found = []
    for base, directories, files in os.walk(tree):
        if base == str(tree):
            directories[:] = [name for name in directories if name != ".git"]
        directories.sort()
        for name in files:
            if name.endswith((".o", ".ko", ".cmd", ".a")) or (name.startswith(".") and name != ".gitignore"):
                continue
            info = os.lstat(os.path.join(base, name))
            found.append((os.path.join(base, name), info.st_size, info.st_mtime_ns))
    return digest(sorted(found))


def _patch(linux: Path, patch: Path, *options: str) -> None:
    """Apply one patch, or take it back."""
    logged(["patch", "-p1", "-N", "-s", "-r", "-", *options, "-d", linux, "-i", patch],
           cache_dir() / "logs" / "patch.log", f"patching the kernel with {patch.name}")


def replace_iosm(linux: Path, stock: Path | None) -> None:
    """Move the tree's own iosm aside, unread, and make room for ours."""
    theirs = linux / IOSM
    if stock is not None:
        if theirs.is_dir():
            remove_tree(stock)
            theirs.rename(stock)
        theirs.mkdir(parents=True, exist_ok=True)
    kconfig = linux / "drivers/net/wwan/Kconfig"
    text = kconfig.read_text(encoding="utf-8")
    ours = 'source "drivers/net/wwan/iosm/Kconfig"\n'
    if ours not in text:
        # One config block: from its own line to the next line that does not belong to it.
        text, count = re.subn(r"^config IOSM\n(?:(?:[ \t].*)?\n)*", ours + "\n", text, count=1, flags=re.M)
        if not count:
            text, count = re.subn(r"^endif # WWAN$", ours + "\nendif # WWAN", text, count=1, flags=re.M)
        if not count:
            raise Error(f"{kconfig} has no place for our driver")
        kconfig.write_text(text, encoding="utf-8")
    makefile = linux / "drivers/net/wwan/Makefile"
    text = makefile.read_text(encoding="utf-8")
    if "+= iosm/" not in text:
        makefile.write_text(text + "obj-$(CONFIG_IOSM) += iosm/\n", encoding="utf-8")


def _manifest(linux: Path) -> str:
    """The sizes of all that a build reads, to notice that something is missing or cut off."""
    found = []
    for part in ("arch", "block", "drivers/base", "drivers/net/wwan", "drivers/pci", "fs", "include", "init", "kernel",
                 "lib", "mm", "net", "scripts", "security", "tools/testing/kunit", "tools/include", "virt", "crypto"):
        for base, directories, files in os.walk(linux / part):
            directories[:] = sorted(name for name in directories
                                    if not (base.endswith("drivers/net/wwan") and name == "iosm")
                                    and name != "__pycache__")
            for name in sorted(files):
                path = os.path.join(base, name)
                found.append((os.path.relpath(path, linux), os.lstat(path).st_size))
    return digest(found)


def get(kernel: str, *, verify: bool = False) -> Tree:
    """The tree of a kernel: a version of Debian's, or a path. Taken from the cache when it is there."""
    if kernel in SUITES:
        return _get_debian(kernel, verify)
    path = Path(kernel).expanduser()
    if "/" not in kernel and not path.is_dir():
        raise Error(f"KERNEL={kernel}: known are {', '.join(SUITES)}, or the path of a kernel tree")
    if not path.is_dir():
        raise Error(f"KERNEL={kernel}: there is no such directory")
    return _get_path(path.resolve())


def check(tree: Tree) -> None:
    """To be called with the tree locked: is it still what get() returned?"""
    if read_stamp(tree.path).get("key") != tree.key.partition("/")[0]:
        raise Error("another run changed the cached kernel tree, with other patches: try again")


def _get_debian(name: str, verify: bool) -> Tree:
    version = parse_version(name)
    # The tree keeps its place, and changes of our patches are made in it: builds then go on from where they are.
    base = cache_dir() / "src" / name
    made_of = digest(REVISION, name, LEAVE_OUT)
    key = digest(made_of, patches_key(version))

    def tree() -> Tree:
        return Tree(name, base, base / "stock", version, f"{key}/{read_stamp(base).get('package')}")

    def good(deep: bool) -> bool:
        stamp = read_stamp(base)
        return stamp.get("made_of") == made_of and (base / "stock").is_dir() and (base / "linux/Makefile").is_file() \
            and not (deep and stamp.get("manifest") != _manifest(base / "linux"))

    if good(verify) and read_stamp(base).get("key") == key:
        return tree()
    with locked(f"tree-{name}"):
        stamp = read_stamp(base)
        whole = good(True)
        if whole and stamp.get("key") == key:
            return tree()
        need_programs("dpkg-deb", "tar", "xz", "patch", "rsync")
        if whole:
            (base / "stamp.json").unlink()
            for patch in sorted((base / "patches").glob("*.patch"), reverse=True):
                _patch(base / "linux", patch, "-R")
        else:
            if base.exists():
                print(f"  the cached kernel tree {name} is incomplete, damaged or old: made anew", file=sys.stderr)
            # Only what is below the name: the name itself may lead elsewhere.
            for part in ("stamp.json", "patches", "stock", "linux"):
                remove_tree(base / part)
            base.mkdir(parents=True, exist_ok=True)
            deb, package = _cached_deb(name)
            _unpack(deb, base / "linux")
            if tree_version(base / "linux") != version:
                raise Error(f"{deb.name} is not a {name} kernel")
            stamp = {"package": package}
            replace_iosm(base / "linux", base / "stock")
            if not (base / "stock").is_dir():
                raise Error(f"the kernel tree {name} has no {IOSM} of its own")
        remove_tree(base / "patches")
        (base / "patches").mkdir()
        for patch in patches(version):
            _patch(base / "linux", patch)
            shutil.copy(patch, base / "patches")
        write_stamp(base, {"key": key, "made_of": made_of, "package": stamp["package"],
                           "manifest": _manifest(base / "linux")})
        return tree()


def _cached_deb(name: str) -> tuple[Path, str]:
    """The package, downloaded once; kept with its checksum."""
    place = cache_dir() / "deb" / name
    stamp = read_stamp(place)
    file = place / str(stamp.get("file", ""))
    if stamp and file.is_file() and sha256(file) == stamp.get("sha256"):
        return file, str(stamp["version"])
    remove_tree(place)
    deb, version = _download(name, place)
    write_stamp(place, {"file": deb.name, "version": version, "sha256": sha256(deb)})
    return deb, version


def _get_path(source: Path) -> Tree:
    """A copy of the user's tree, brought up to date; the tree itself is never written to."""
    version = tree_version(source)
    name = f"tree-{digest(str(source))}"
    base = cache_dir() / "src" / name
    with locked(f"tree-{name}"):
        need_programs("rsync", "patch")
        print_every = Progress(f"looking at {source}")
        key = digest(REVISION, _fingerprint(source), patches_key(version))
        print_every.done()
        tree = Tree(name, base, base / "stock", version, key)
        if read_stamp(base).get("key") == key and tree.stock.is_dir():
            return tree
        (base / "stamp.json").unlink(missing_ok=True)
        base.mkdir(parents=True, exist_ok=True)
        progress = Progress(f"copying {source}")
        # Into a clean copy first, so that patches apply to what they were made for.
        logged(["rsync", "-a", "--delete", "--exclude=/.git", "--exclude=*.o", "--exclude=*.ko", "--exclude=*.cmd",
                "--exclude=*.a", "--exclude=/.config*", "--exclude=/include/config", "--exclude=/include/generated",
                "--exclude=/arch/*/include/generated", "--exclude=/vmlinux*", "--exclude=/Module.symvers",
                f"{source}/", f"{base / 'linux'}/"], cache_dir() / "logs" / "copy.log", f"copying {source}")
        progress.done()
        for patch in patches(version):
            _patch(tree.linux, patch)
        remove_tree(tree.stock)
        if (tree.linux / IOSM).is_dir():
            replace_iosm(tree.linux, tree.stock)
        else:
            tree.stock.mkdir()
            (tree.linux / IOSM).mkdir(parents=True)
            replace_iosm(tree.linux, None)
        write_stamp(base, {"key": key, "source": str(source)})
        return tree


def driver_files() -> list[str]:
    """The files of our driver that belong into a kernel tree, relative to the checkout."""
    names = [path.name for path in TOP.glob("iosm_ipc_*.[ch]")] + ["Kconfig", "Makefile"]
    kunit = TOP / "kunit"
    if kunit.is_dir():
        names += [f"kunit/{path.name}" for path in kunit.iterdir() if path.suffix in (".c", ".h") or
                  path.name in (".kunitconfig", "Makefile", "Kbuild")]
    return sorted(name for name in names if (TOP / name).exists())


def copy_driver(target: Path, extra: tuple[str, ...] = ()) -> None:
    """Bring a copy of our driver up to date; files that did not change keep their times."""
    wanted = {*driver_files()}
    for name in extra:
        path = TOP / name
        if path.is_dir():
            wanted |= {str(item.relative_to(TOP)) for item in path.rglob("*") if item.is_file()}
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted(wanted):
        source, copy = TOP / name, target / name
        data = source.read_bytes()
        if not copy.is_file() or copy.read_bytes() != data:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
    for path in sorted(target.rglob("*")):
        if path.suffix in (".c", ".h") and not path.name.endswith(".mod.c") \
                and str(path.relative_to(target)) not in wanted:
            path.unlink()


def copy_stock(tree: Tree, target: Path) -> None:
    """The tree's own module, for the oracle: copied as it is."""
    if not any(tree.stock.iterdir()):
        raise Error(f"the kernel tree {tree.name} has no iosm of its own")
    if not target.is_dir():
        shutil.copytree(tree.stock, target)
