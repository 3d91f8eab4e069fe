"""Take what was carried from a bundle, check it, join what was split, and install what is missing.

    python tests/gpu/report/stage.py [--bundle build/gpu-bundle] [--torchsort]

For a machine without a network, to which `make gpu-bundle` is carried group by group, in any order
and in as many calls as it takes: each call copies what is new to build/gpu-stage, and says which
groups are still to be carried. Nothing is installed into the interpreter: wheels go to
build/gpu-stage/site, those alone that the machine lacks. With --torchsort it compiles torchsort for
the GPU that is there, which needs pip. The exit code is 1 if a file is damaged or the compiler
fails, and 0 while groups are missing.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
BUNDLE = ROOT / "build" / "gpu-bundle"
STAGE = ROOT / "build" / "gpu-stage"
FILES, SITE = STAGE / "files", STAGE / "site"
CONTENTS = "contents.json"
LIBRARIES = {
    "INFONET_KERNELS_LIBRARY": "libinfonet_kernels.so",
    "INFONET_KERNELS_CUDA_LIBRARY": "libinfonet_kernels_cuda.so",
}
HALF_MODEL = "copula_fp16.onnx"
COMPILED = ROOT / "build" / "cuda" / "kernels" / "cuda" / LIBRARIES["INFONET_KERNELS_CUDA_LIBRARY"]
PYTHON = "{}.{}".format(*sys.version_info)
BLOCK = 1 << 20


class DamagedError(Exception):
    """A file is not what the bundle's list says; the message names the group to carry again."""


@dataclass(frozen=True)
class Contents:
    """The list that every group has of the whole bundle.

    made: seconds since 1970; the newest list counts. python: that of the wheels, as "3.12". files:
    name -> group, bytes, sha256. wheels: name of a distribution -> wheel, parts (of a wheel that is
    split, in order), sha256, version, least (an older one on the machine does not do), always (also
    if the machine has it).
    """

    made: float
    python: str
    files: dict[str, dict[str, Any]]
    wheels: dict[str, dict[str, Any]]


def read_contents(path: Path) -> Contents:
    found = json.loads(path.read_text())
    return Contents(found["made"], found["python"], found["files"], found["wheels"])


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def is_whole(path: Path, expected: dict[str, Any]) -> bool:
    """Whether a file is there, byte by byte."""
    if not path.is_file() or path.stat().st_size != expected["bytes"]:
        return False
    return sha256(path) == expected["sha256"]


def take(bundle: Path, stage: Path) -> Contents:
    """Copy to the stage what the groups of a bundle bring and it lacks; what the newest list says.

    Raises:
        DamagedError: a carried file differs from the list. What is whole has been taken.
        FileNotFoundError: neither the bundle nor the stage has a list.
    """
    files = stage / "files"
    files.mkdir(parents=True, exist_ok=True)
    lists = [*bundle.glob(f"*/{CONTENTS}"), stage / CONTENTS]
    lists = [path for path in lists if path.is_file()]
    if not lists:
        raise FileNotFoundError(f"there is no group with {CONTENTS} in {bundle}: carry one there")
    newest = max(lists, key=lambda path: read_contents(path).made)
    contents = read_contents(newest)
    if newest != stage / CONTENTS:
        shutil.copy(newest, stage / CONTENTS)
    damaged = []
    for name, expected in contents.files.items():
        carried = bundle / expected["group"] / name
        if not carried.is_file() or is_whole(files / name, expected):
            continue
        if not is_whole(carried, expected):
            damaged.append(f"{name} (group {expected['group']})")
            continue
        partial = files / f"{name}.partial"
        shutil.copyfile(carried, partial)
        partial.replace(files / name)
    if damaged:
        raise DamagedError(f"not as the list says: {', '.join(damaged)}; carry these groups again")
    return contents


def join(wheel: dict[str, Any], files: Path) -> Path | None:
    """The path of a wheel, put together if it was split; None while parts are missing.

    Raises:
        DamagedError: the parts, each as it should be, do not make the wheel.
    """
    whole = files / wheel["wheel"]
    if whole.is_file() and sha256(whole) == wheel["sha256"]:
        return whole
    parts = [files / name for name in wheel["parts"]]
    if not parts or not all(part.is_file() for part in parts):
        return None
    partial = whole.with_name(f"{whole.name}.partial")
    with partial.open("wb") as target:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, target, BLOCK)
    if sha256(partial) != wheel["sha256"]:
        partial.unlink()
        raise DamagedError(f"{wheel['wheel']} cannot be joined: make the bundle anew")
    partial.replace(whole)
    return whole


def lacking(wheels: dict[str, dict[str, Any]], paths: Sequence[str]) -> list[str]:
    """Distributions of the bundle that are needed: absent in these folders, or too old there."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions(path=list(paths)):
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(canonical(name), distribution.version)
    return [
        name
        for name, wheel in wheels.items()
        if wheel["always"] or name not in found or release(found[name]) < release(wheel["least"])
    ]


def canonical(name: str) -> str:
    """As in PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def release(version: str) -> tuple[int, ...]:
    """ "1.10.2rc1" -> (1, 10, 2); zeros at the end do not count."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def install(wheels: Iterable[Path], site: Path) -> None:
    """Unpack wheels into a folder, in the place of other versions of theirs.

    pip's --target is of no use: it replaces whole folders, and some distributions share one (cuda).
    """
    site.mkdir(parents=True, exist_ok=True)
    for wheel in wheels:
        name = canonical(wheel.name.split("-")[0])
        for old in importlib.metadata.distributions(path=[str(site)]):
            if canonical(old.metadata["Name"] or "") == name:
                for file in old.files or ():
                    Path(str(old.locate_file(file))).unlink(missing_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                parts = Path(member.filename).parts
                if parts[0].endswith(".data"):  # of a wheel that says where its files go
                    if member.is_dir() or parts[1] not in ("purelib", "platlib"):
                        continue
                    member.filename = "/".join(parts[2:])
                archive.extract(member, site)


def staged(contents: Contents, stage: Path, paths: Sequence[str]) -> list[str]:
    """Install what is needed, complete and not yet there; groups that are still to be carried."""
    files, site = stage / "files", stage / "site"
    mark = stage / "installed.json"
    installed = json.loads(mark.read_text()) if mark.is_file() else {}
    needed = lacking(contents.wheels, paths)
    ready = {}
    for name in needed:
        wheel = contents.wheels[name]
        if installed.get(name) != wheel["sha256"]:
            path = join(wheel, files)
            if path is not None:
                ready[name] = path
    if ready:
        install(ready.values(), site)
        installed |= {name: contents.wheels[name]["sha256"] for name in ready}
        mark.write_text(json.dumps(installed, indent=1))
    unwanted = {
        name
        for distribution, wheel in contents.wheels.items()
        if distribution not in needed or installed.get(distribution) == wheel["sha256"]
        for name in (wheel["wheel"], *wheel["parts"])
    }
    missing = (
        expected["group"]
        for name, expected in contents.files.items()
        if name not in unwanted and not is_whole(files / name, expected)
    )
    return list(dict.fromkeys(missing))


def library_variables(stage: Path = STAGE, compiled: Path = COMPILED) -> dict[str, str]:
    """Environment that names the compiled libraries: staged ones, or what was compiled since."""
    found = {variable: stage / "files" / name for variable, name in LIBRARIES.items()}
    found = {variable: path for variable, path in found.items() if path.is_file()}
    carried = found.get("INFONET_KERNELS_CUDA_LIBRARY")
    if compiled.is_file() and (
        carried is None or compiled.stat().st_mtime > carried.stat().st_mtime
    ):
        found["INFONET_KERNELS_CUDA_LIBRARY"] = compiled
    return {variable: str(path) for variable, path in found.items()}


def compile_torchsort(stage: Path) -> str:
    """Compile torchsort's CUDA extension unless it can be imported; what came of it.

    Raises:
        subprocess.CalledProcessError: the compiler fails; it has said why.
        FileNotFoundError: its sources were not carried.
    """
    check = [sys.executable, "-c", "import torch, torchsort.isotonic_cuda"]
    path = os.pathsep.join(filter(None, [str(stage / "site"), os.environ.get("PYTHONPATH")]))
    variables = {**os.environ, "PYTHONPATH": path}
    if subprocess.run(check, env=variables, capture_output=True).returncode == 0:
        return "torchsort with CUDA can be imported"
    sources = sorted((stage / "files").glob("torchsort-*.tar.gz"))
    if not sources:
        raise FileNotFoundError("the sources of torchsort were not carried: carry group base")
    ask = "import torch; print('{}.{}'.format(*torch.cuda.get_device_capability()))"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    variables.setdefault("TORCH_CUDA_ARCH_LIST", told.stdout.strip() or "9.0")
    variables["PATH"] += f"{os.pathsep}/usr/local/cuda/bin"
    # Where the toolkit lacks it: the one that PyTorch brings has no name that linkers look for.
    links = linkable("libcudart.so", stage / "links", sys.path)
    searched = [os.environ.get("LIBRARY_PATH"), str(links) if links else None]
    variables["LIBRARY_PATH"] = os.pathsep.join(filter(None, searched))
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    command += ["--no-index", "--no-deps", "--no-build-isolation", "--upgrade"]
    command += ["--target", str(stage / "site"), str(sources[-1])]
    subprocess.run(command, env=variables, check=True)
    subprocess.run(check, env=variables, check=True)
    return f"torchsort was compiled for compute capability {variables['TORCH_CUDA_ARCH_LIST']}"


def nvidia_folders(paths: Sequence[str]) -> list[Path]:
    """Folders of CUDA's and cuDNN's libraries from wheels in these folders. onnxruntime looks for
    them beside itself, and from build/gpu-stage/site finds them only where the linker looks."""
    return [lib for path in filter(None, paths) for lib in sorted(Path(path).glob("nvidia/*/lib"))]


def linkable(name: str, folder: Path, paths: Sequence[str]) -> Path | None:
    """A folder with a link of that name to a library of NVIDIA's wheels; None if there is none."""
    found = [path for lib in nvidia_folders(paths) for path in sorted(lib.glob(f"{name}.*"))]
    if not found:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(found[0].resolve())
    return folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--stage", type=Path, default=STAGE)
    parser.add_argument("--torchsort", action="store_true", help="compile torchsort; nothing else")
    options = parser.parse_args(arguments)
    try:
        if options.torchsort:
            print(compile_torchsort(options.stage))
            return 0
        contents = take(options.bundle, options.stage)
        if contents.python != PYTHON:
            print(f"this is Python {PYTHON}, the bundle is for {contents.python}: run it with that",
                  file=sys.stderr)  # fmt: skip
            return 1
        outside = [path for path in sys.path if path != str(options.stage / "site")]
        missing = staged(contents, options.stage, outside)
    except (DamagedError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd[:4])} ... failed with code {error.returncode}", file=sys.stderr)
        return 1
    rest = f"still to be carried: {', '.join(missing)}" if missing else "nothing is to be carried"
    print(f"staged in {options.stage}; {rest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
