"""Run an aarch64 wheel on an x86-64 machine with Debian, under qemu: `make test-arm`.

    python packaging/emulated.py WHEEL FOLDER

An emulator of version 10 and Python for arm64 come from Debian, ONNX Runtime and the rest as wheels
for aarch64. All of it is unpacked into FOLDER: nothing is installed on this machine. (qemu 7.2, of
Debian 12 itself, crashes in ONNX Runtime.) Then the test of a slim installation, `infonet demo` and
the tests of the kernels run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEBIAN = "bookworm"
PYTHON = "3.11"  # Debian 12's
QEMU = "qemu-user"
FOR_TESTS = ["hypothesis", "onnx", "psutil", "pytest", "scikit-learn", "scipy"]
# Not of the kernels alone: they need a compiler, PyTorch, CUDA or the sources of the package.
LEFT_OUT = ["block", "build", "c_examples", "cuda", "ptxas", "twin", "wheels", "workflow"]
# An emulated import takes longer than this test allows: its clock stands still.
SLIM_TEST = "tests/slim_install.py"
SLIM = "import runpy, time; time.process_time = lambda: 0.0; runpy.run_path({path!r})"


class Apt:
    """Packages of Debian for an architecture, unpacked and not installed.

    Args:
        folder: for lists and files of packages.
        architecture: Debian's name of it.
    """

    def __init__(self, folder: Path, architecture: str) -> None:
        self._archives = folder / "cache" / "archives"
        for path in (folder / "lists" / "partial", self._archives / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        mirror, key = _mirror()
        suites = (DEBIAN, f"{DEBIAN}-backports")
        lines = [f"deb [signed-by={key}] {mirror} {suite} main\n" for suite in suites]
        (folder / "sources.list").write_text("".join(lines))
        settings = {
            "APT::Architecture": architecture,
            "APT::Sandbox::User": "root",
            "Dir::State": folder,
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
        }
        self._options = [f"-o{name}={value}" for name, value in settings.items()]
        self.get("update")

    def get(self, *arguments: str) -> None:
        """Run apt-get; it downloads single packages to the folder where it keeps all of them."""
        command = ["apt-get", "-qq", *self._options, *arguments]
        subprocess.run(command, check=True, cwd=self._archives)

    def unpack(self, into: Path) -> None:
        """Unpack what was downloaded."""
        for package in sorted(self._archives.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(package), str(into)], check=True)


def _mirror() -> tuple[str, str]:
    """The address that this machine has Debian's packages from, and the keys of its archive."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    mirrors = [line.split()[1] for line in said.splitlines() if line.startswith("Debian ")]
    main = [mirror for mirror in mirrors if "security" not in mirror]
    if not main:
        sys.exit(
            "no source of Debian's packages was found: run  apt-get update  on a Debian system"
        )
    return main[0], "/usr/share/keyrings/debian-archive-keyring.gpg"


def install(wheel: Path, into: Path) -> None:
    """The wheel, what it depends on and what the tests need, for aarch64."""
    shutil.rmtree(into, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"]
    for version in (17, 27, 28, 34):
        command.append(f"--platform=manylinux_2_{version}_aarch64")
    command += ["--constraint", str(ROOT / "constraints.txt"), "--target", str(into)]
    subprocess.run([*command, str(wheel), *FOR_TESTS], check=True)


def prepare(folder: Path) -> list[str]:
    """Fetch the emulator and Python; the command that runs Python."""
    command = ["dpkg", "--print-architecture"]
    own = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    apt = Apt(folder / "apt-own", own)
    apt.get("download", f"{QEMU}/{DEBIAN}-backports")  # alone: it is linked statically
    apt.unpack(folder / "emulator")
    apt = Apt(folder / "apt-arm64", "arm64")
    wanted = [f"python{PYTHON}", "libstdc++6"]
    apt.get("install", "--download-only", "--yes", "--no-install-recommends", *wanted)
    root = folder / "root"
    apt.unpack(root)
    emulator = folder / "emulator" / "usr" / "bin" / "qemu-aarch64"
    return [str(emulator), "-L", str(root), str(root / "usr" / "bin" / f"python{PYTHON}")]


def main(wheel: Path, folder: Path) -> int:
    """Prepare what is needed, and run everything; 0 where all is well."""
    folder.mkdir(parents=True, exist_ok=True)
    python, packages = prepare(folder), folder / "packages"
    install(wheel, packages)
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("INFONET_", "PYTHON"))}
    environment = outside | {"PYTHONPATH": str(packages), "INFONET_KERNELS": "compiled"}
    tests = sorted((ROOT / "tests" / "kernels").glob("test_*.py"))
    tests = [path for path in tests if not any(word in path.name for word in LEFT_OUT)]
    runs = {
        "the test of a slim installation": ["-c", SLIM.format(path=str(ROOT / SLIM_TEST))],
        "infonet demo": ["-m", "infonet", "demo"],
    }
    # One by one: some take a quarter of an hour, and who stops it sees where it was.
    for path in tests:
        runs[path.name] = ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    failed = 0
    for what, arguments in runs.items():
        print(f"== {what}", flush=True)
        # elsewhere than in the sources, so that only what the wheel brought is imported
        done = subprocess.run([*python, *arguments], env=environment, cwd=folder, check=False)
        failed += done.returncode != 0
    print(f"{len(runs) - failed} of {len(runs)} passed on an emulated aarch64")
    return min(1, failed)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("pass a wheel for aarch64 and a folder to work in")
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
