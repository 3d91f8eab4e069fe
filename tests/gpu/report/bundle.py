"""Collect what a GPU machine without a network needs for the report, in groups that it can take.

    python tests/gpu/report/bundle.py [--limit-mib 64] [--no-half]

`make gpu-bundle` runs it. The machine has Python 3.12, CUDA 13 with nvcc, PyTorch 2.11 and CuPy,
and takes the repository and what is carried with it, so many MiB a call. build/gpu-bundle gets
folders that fit beside the repository, one a call: "base" (the compiled libraries, the model
in float16, small wheels, torchsort's sources), "onnxruntime-1", ... (onnxruntime-gpu, split) and
"more-1", ... (large wheels that such machines mostly have: stage.py says whether they are needed).
Downloads are kept in build/gpu-downloads.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from stage import BLOCK, BUNDLE, COMPILED, CONTENTS, HALF_MODEL, LIBRARIES, ROOT, canonical, sha256

DOWNLOADS = ROOT / "build" / "gpu-downloads"
PYTHON = "3.12"
NEWEST_GLIBC = 35  # 2.35, of Ubuntu 22.04
SMALL = 6_000_000  # bytes of a wheel that goes into the group of all calls
LARGEST_PART = 60_000_000
MARGIN = 2 << 20  # of a call: names, headers
SPLIT = "onnxruntime-gpu"
# Beside what pyproject.toml names of these, for tests, benchmarks and the evaluation's data sets.
WANTED = ("PyYAML", "click", "cuda-bindings", "cuda-core", "narwhals", "numpy", "onnx", "pytest")
WANTED += ("scipy", "tqdm", SPLIT)


def tree_bytes(root: Path = ROOT) -> int:
    """What travels of the repository: tracked files, and untracked ones that are not ignored."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True).stdout.split(b"\0")
    paths = [root / os.fsdecode(name) for name in set(names) if name]
    return sum(path.stat().st_size for path in paths if path.is_file())


def room(limit: int, tree: int) -> int:
    """Bytes for a group beside a repository of ``tree`` bytes in a call of ``limit``.

    Raises:
        ValueError: the repository alone is too large.
    """
    left = min(LARGEST_PART, limit - tree - MARGIN)
    if left < SMALL:
        raise ValueError(
            f"the repository takes {tree:,} of {limit:,} bytes of a call: ignore or remove "
            "untracked files, or give a larger --limit-mib"
        )
    return left


def split(path: Path, most: int, folder: Path) -> list[Path]:
    """Cut a file into parts of at most ``most`` bytes, alike in size, in the order of names."""
    size = path.stat().st_size
    count = max(1, -(-size // most))
    each = -(-size // count)
    parts = []
    with path.open("rb") as source:
        for number in range(count):
            part = folder / f"{path.name}.{number + 1:02d}-of-{count:02d}"
            with part.open("wb") as target:
                left = min(each, size - number * each)
                while left > 0 and (block := source.read(min(BLOCK, left))):
                    target.write(block)
                    left -= len(block)
            parts.append(part)
    return parts


def packed(sizes: Mapping[str, int], most: int) -> list[list[str]]:
    """Names in as few groups of at most ``most`` bytes as the largest-first rule finds.

    Raises:
        ValueError: one is larger than a group.
    """
    groups: list[tuple[int, list[str]]] = []
    for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        if size > most:
            raise ValueError(f"{name} has {size:,} bytes, a group at most {most:,}")
        for place, (used, names) in enumerate(groups):
            if used + size <= most:
                groups[place] = (used + size, [*names, name])
                break
        else:
            groups.append((size, [name]))
    return [names for _, names in groups]


def requirements() -> dict[str, str]:
    """Distributions to fetch, and the oldest version of each that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        named += extra
    least: dict[str, str] = {}
    for requirement in named:
        found = re.match(r"([\w.-]+)(?:\[[^]]*\])?(?:>=([\d.]+))?", requirement)
        if found:
            least.setdefault(canonical(found[1]), found[2] or "0")
    return {name: least.get(canonical(name), "0") for name in WANTED}


def download(names: Iterable[str], folder: Path) -> list[Path]:
    """Wheels for the machine's Python, with what they depend on; versions of constraints.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()  # pip has them in its cache; two versions of one would both be carried
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    command += ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    # pip matches these exactly.
    tags = ["manylinux1", "manylinux2010", "manylinux2014"]
    tags += [f"manylinux_2_{minor}" for minor in range(5, NEWEST_GLIBC + 1)]
    for tag in reversed(tags):
        command += ["--platform", f"{tag}_x86_64"]
    command += ["-c", str(ROOT / "constraints.txt"), "--dest", str(folder), *names]
    subprocess.run(command, check=True)
    return sorted(folder.glob("*.whl"))


def download_torchsort(folder: Path) -> Path:
    """Its sources: it is compiled on the machine. Its own setup needs PyTorch, and must not find a
    CUDA compiler where PyTorch is one for CPUs."""
    found = sorted(folder.glob("torchsort-*.tar.gz"))
    if not found:
        paths = os.environ.get("PATH", "").split(os.pathsep)
        without = os.pathsep.join(path for path in paths if not (Path(path) / "nvcc").exists())
        variables = {k: v for k, v in os.environ.items() if k != "CUDA_HOME"} | {"PATH": without}
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
        command += ["--quiet", "--no-deps", "--no-build-isolation", "--no-binary", "torchsort"]
        command += ["-c", str(ROOT / "constraints.txt"), "--dest", str(folder), "torchsort"]
        subprocess.run(command, check=True, env=variables)
        found = sorted(folder.glob("torchsort-*.tar.gz"))
    return found[-1]


def half_models(folder: Path) -> Iterator[Path]:
    """The model of the package in float16, and its core, which a GPU runs."""
    from infonet_export.copula.export import export_checkpoint

    checkpoint = ROOT / "export" / "checkpoints" / "copula.pt"
    done = export_checkpoint(checkpoint, folder / HALF_MODEL, null_draws=0, precision="fp16")
    yield from (done.model, done.core)


def libraries(cuda: Path) -> Iterator[Path]:
    """The compiled libraries; FileNotFoundError says what to do without."""
    from infonet_kernels import library_path

    if not cuda.is_file():
        raise FileNotFoundError(f"there are no CUDA kernels {cuda}: run  make cuda")
    yield from (library_path(), cuda)


def wheel_entry(path: Path, least: Mapping[str, str]) -> tuple[str, dict[str, object]]:
    """Name of a wheel's distribution, and what `stage.Contents` says of it."""
    name, version = path.name.split("-")[:2]
    name = canonical(name)
    minima = {canonical(key): value for key, value in least.items()}
    return name, {
        "wheel": path.name,
        "parts": [],
        "sha256": sha256(path),
        "version": version,
        "least": minima.get(name, "0"),
        # The same module comes with onnxruntime, which the machine may have.
        "always": name == SPLIT,
    }


def assemble(
    files: Iterable[Path], wheels: Iterable[Path], least: Mapping[str, str], most: int, output: Path
) -> dict[str, list[str]]:
    """Lay out a bundle in an empty folder; the names of files in each group.

    files: for the base. wheels: for base and "more", but that of SPLIT, which is cut. most: bytes
    of a group.
    """
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    entries, groups = {}, {"base": [*files]}
    large: dict[str, Path] = {}
    for path in wheels:
        name, entry = wheel_entry(path, least)
        entries[name] = entry
        if name == SPLIT:
            parts = split(path, most, output)
            entry["parts"] = [part.name for part in parts]
            groups |= {f"onnxruntime-{n}": [part] for n, part in enumerate(parts, 1)}
        elif path.stat().st_size <= SMALL:
            groups["base"].append(path)
        else:
            large[path.name] = path
    sizes = {name: path.stat().st_size for name, path in large.items()}
    for number, names in enumerate(packed(sizes, most), 1):
        groups[f"more-{number}"] = [large[name] for name in names]
    packed({"base": sum(path.stat().st_size for path in groups["base"])}, most)
    listed = {}
    for group, paths in groups.items():
        (output / group).mkdir()
        for path in paths:
            target = output / group / path.name
            if path.parent == output:
                path.replace(target)
            else:
                shutil.copyfile(path, target)
            size = target.stat().st_size
            listed[path.name] = {"group": group, "bytes": size, "sha256": sha256(target)}
    contents = {"made": time.time(), "python": PYTHON, "files": listed, "wheels": entries}
    for group in groups:
        (output / group / CONTENTS).write_text(json.dumps(contents, indent=1))
    return {group: [path.name for path in paths] for group, paths in groups.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuda-library", type=Path, default=COMPILED)
    parser.add_argument("--output", type=Path, default=BUNDLE)
    parser.add_argument("--limit-mib", type=float, default=64, help="of a call, repository and all")
    parser.add_argument("--no-half", action="store_true", help="without the model in float16")
    parser.add_argument("--wheels", type=Path, nargs="+", default=[],
                        help="more wheels, as of a torchsort that is compiled already")  # fmt: skip
    options = parser.parse_args(arguments)
    tree = tree_bytes()
    try:
        most = room(int(options.limit_mib * (1 << 20)), tree)
        files = [*libraries(options.cuda_library)]
        for path in options.wheels:
            if path.suffix != ".whl" or not path.is_file():
                raise FileNotFoundError(f"--wheels: {path} is not a wheel")
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    least = requirements()
    wheels = [*download(least, DOWNLOADS), *options.wheels]
    files.append(download_torchsort(DOWNLOADS))
    if not options.no_half:
        files += half_models(DOWNLOADS)
    missing = set(LIBRARIES.values()) - {path.name for path in files}
    if missing:
        print(f"the libraries have other names than {', '.join(missing)}", file=sys.stderr)
        return 1
    groups = assemble(files, wheels, least, most, options.output)
    print(f"{options.output}; the repository takes {tree / (1 << 20):.1f} MiB of a call")
    for group, names in groups.items():
        size = sum((options.output / group / name).stat().st_size for name in names)
        shown = ", ".join(names) if len(names) <= 3 else f"{len(names)} files"
        print(f"  {group:<15} {size / (1 << 20):5.1f} MiB  {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
