"""Run the library of wheels for other platforms, by the example in C: `make test-wheels`.

    python packaging/c_example.py WHEEL ...

zig compiles examples/c/ranks.c against the library of each wheel. What is made runs on x86-64 Linux
as it is, with Debian's packages musl and wine64 for musl and Windows, and for aarch64 in the
emulator that packaging/emulated.py fetches. Everything printed must be what gcc's library printed
(docs/how-to/deploy.md shows it). ONNX Runtime has no wheels for musl, and Python none here for
Windows, so that this is as far as those wheels can be tried. Those for macOS are passed over.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from emulated import Apt

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "c" / "ranks.c"
EMULATED = ROOT / "build" / "aarch64"  # of packaging/emulated.py
EMULATOR = EMULATED / "emulator" / "usr" / "bin" / "qemu-aarch64"
# Platform of a wheel -> zig's target.
TARGETS = {
    "manylinux_2_17_x86_64": "x86_64-linux-gnu.2.17",
    "manylinux_2_17_aarch64": "aarch64-linux-gnu.2.17",
    "musllinux_1_2_x86_64": "x86_64-linux-musl",
    "musllinux_1_2_aarch64": "aarch64-linux-musl",
    "win_amd64": "x86_64-windows-gnu",
}


def runner(platform: str) -> tuple[list[str], str]:
    """What a program of that platform is run with here; and why it cannot be, or nothing."""
    if platform.endswith("aarch64"):
        if not EMULATOR.exists():
            return [], "there is no emulator: run  make test-arm  first"
        root = EMULATED / "root"
        if platform.startswith("musl"):
            root = EMULATED / "musl"
            if not root.exists():
                apt = Apt(EMULATED / "apt-musl", "arm64")
                apt.get("download", "musl")
                apt.unpack(root)
        return [str(EMULATOR), "-L", str(root)], ""
    if platform.startswith("musl") and not Path("/lib/ld-musl-x86_64.so.1").exists():
        return [], "there is no musl: run  apt-get install musl"
    if platform == "win_amd64":
        found = shutil.which("wine64") or "/usr/lib/wine/wine64"
        return [found], "" if Path(found).exists() else "there is no wine: apt-get install wine64"
    return [], ""


def printed(wheel: Path, platform: str, run_with: list[str]) -> str:
    """What the example prints with the library of a wheel."""
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(wheel) as archive:
        folder = Path(name)
        archive.extractall(folder)
        package = folder / "infonet_kernels"
        (library,) = [path for path in package.iterdir() if path.suffix in (".so", ".dll")]
        program = package / ("ranks.exe" if library.suffix == ".dll" else "ranks")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", TARGETS[platform], "-O1"]
        command += ["-I", str(next(package.glob("**/infonet/kernels.h")).parents[1])]
        command += [str(EXAMPLE), str(library), "-o", str(program)]
        command += [] if library.suffix == ".dll" else ["-Wl,-rpath,$ORIGIN"]
        subprocess.run(command, check=True)
        done = subprocess.run(
            [*run_with, str(program)], capture_output=True, text=True, check=False
        )
        return (
            done.stdout if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr}"
        )


def expected() -> str:
    """What the documentation shows."""
    text = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    (block,) = re.findall(r"```text\n(x has no ties.*?)```", text, flags=re.DOTALL)
    return str(block)


def main(wheels: list[Path]) -> int:
    """Run the example with each library; 0 where no answer was another one."""
    failed = 0
    for wheel in wheels:
        platform = wheel.stem.split("-")[-1].split(".")[-1]
        run_with, missing = (
            runner(platform) if platform in TARGETS else ([], "nothing runs it here")
        )
        if missing:
            print(f"{platform}: not run, {missing}")
            continue
        found = printed(wheel, platform, run_with)
        same = found == expected()
        failed += not same
        print(f"{platform}: " + ("the answers of gcc's library" if same else f"WRONG\n{found}"))
    return min(1, failed)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("pass wheels of  make wheels")
    sys.exit(main([Path(argument).resolve() for argument in sys.argv[1:]]))
