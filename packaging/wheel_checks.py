"""Check wheels before anyone gets them: `python packaging/wheel_checks.py WHEEL ...`.

Sizes, libraries and the symbols of glibc are looked at here; what PyPI asks of a file is checked by
twine, and what a manylinux or musllinux tag promises by auditwheel.
"""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

# What infonet_kernels loads on Linux, macOS and Windows.
LIBRARIES = [
    f"infonet_kernels/{name}"
    for name in ("libinfonet_kernels.so", "libinfonet_kernels.dylib", "infonet_kernels.dll")
]
NEWEST_GLIBC = (2, 17)  # of manylinux2014
MOST_BYTES = 6_000_000


def faults(wheel: Path) -> list[str]:
    """What is wrong with the content of a wheel."""
    found = []
    if wheel.stat().st_size > MOST_BYTES:
        found.append(f"{wheel.stat().st_size:,} bytes, allowed are {MOST_BYTES:,}")
    with zipfile.ZipFile(wheel) as archive:
        libraries = [n for n in archive.namelist() if n.endswith((".so", ".dylib", ".dll"))]
        if len(libraries) != 1 or libraries[0] not in LIBRARIES:
            found.append(f"its libraries are {libraries}; needed is one of {LIBRARIES}")
        for name in libraries:
            symbols = re.findall(rb"GLIBC_(\d+)\.(\d+)", archive.read(name))
            newest = max(((int(a), int(b)) for a, b in symbols), default=(0, 0))
            if newest > NEWEST_GLIBC:
                found.append(f"{name} asks for glibc {newest[0]}.{newest[1]}")
    return found


def refused_by_twine(wheel: Path) -> list[str]:
    """What PyPI would not take."""
    code, said = _run("twine", "check", "--strict", str(wheel))
    return [] if code == 0 else [f"twine: {said}"]


def refused_by_auditwheel(wheel: Path) -> list[str]:
    """What a Linux wheel needs that its tag does not promise; nothing of other wheels."""
    tags = re.findall(r"(?:many|musl)linux_\d+_\d+_\w+?(?=\.|$)", wheel.stem.split("-")[-1])
    if not tags:
        return []
    code, said = _run("auditwheel", "show", str(wheel))
    if code == 0 and any(f'following platform tag: "{tag}"' in said for tag in tags):
        return []
    return [f"auditwheel does not find it to be {' or '.join(tags)}: {said}"]


def _run(tool: str, *arguments: str) -> tuple[int, str]:
    """The exit code of a tool, and all that it says in one line."""
    command = [sys.executable, "-m", tool, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def report(wheel: Path) -> int:
    """Print the size of a wheel, and its faults to standard error; returns how many there are."""
    print(f"{wheel.name}  {wheel.stat().st_size / 1e6:.2f} MB", flush=True)
    found = [*faults(wheel), *refused_by_twine(wheel), *refused_by_auditwheel(wheel)]
    for fault in found:
        print(f"{wheel.name}: {fault}", file=sys.stderr)
    return len(found)


if __name__ == "__main__":
    sys.exit(min(1, sum(report(Path(argument)) for argument in sys.argv[1:])))
