"""Mutations of every kind of file that infonet writes: none is accepted with another number.

    python benchmarks/fuzz_files.py --mutations 2500

A mutation flips bits of some bytes, overwrites, inserts, removes or repeats a stretch, or cuts the
end off. What is accepted must answer as the whole file does; all else must be an InfoNetError of
one line. Anything else that happens is printed, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import infonet
import numpy as np
from infonet.matrix import tile
from infonet.matrix.resume import PartialRun
from infonet.model.engine_file import Manifest, Profile, Tensor, read_engine, write_engine
from infonet.model.load import DEFAULT_MODEL

KINDS = ("model", "core", "engine", "tile", "manifest", "monitor")
Judge = Callable[[bytes], str]


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """One mutation of `content`, which may come out as it was."""
    kind, at = rng.integers(6), int(rng.integers(len(content)))
    length = int(rng.integers(1, 65))
    if kind == 0:
        changed = bytearray(content)
        for place in rng.integers(len(content), size=int(rng.integers(1, 5))):
            changed[place] ^= 1 << int(rng.integers(8))
        return bytes(changed)
    if kind == 1:
        return content[:at] + rng.bytes(length) + content[at + length :]
    if kind == 2:
        return content[:at] + rng.bytes(length) + content[at:]
    if kind == 3:
        return content[:at] + content[at + length :]
    if kind == 4:
        return content[: at + length] + content[at:]
    return content[:at]


def judge(call: Callable[[], object], expected: object) -> str:
    """What becomes of a file: "refused", "same", or what is wrong."""
    try:
        found = call()
    except infonet.InfoNetError as error:
        return "refused" if "\n" not in str(error) else f"WRONG: several lines: {error}"
    except Exception as error:  # what must not come out
        return f"WRONG: {type(error).__name__}: {error}"
    return "same" if found == expected else f"WRONG: {found} for {expected}"


def judges(folder: Path) -> dict[str, tuple[bytes, Judge]]:
    """For each kind a whole file, and what tells how a mutated one is taken."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    y = x + rng.standard_normal(300)
    core = DEFAULT_MODEL.with_name("copula.core.onnx")
    found: dict[str, tuple[bytes, Judge]] = {}

    def on_file(kind: str, path: Path, answer: Callable[[], object]) -> None:
        content, expected = path.read_bytes(), answer()

        def look(changed: bytes) -> str:
            path.write_bytes(changed)
            return judge(answer, expected)

        found[kind] = content, look

    def estimate(path: Path) -> str:
        estimate = infonet.Estimator(path, threads=1).estimate(x, y)
        return repr((estimate.mi, estimate.interval, estimate.p_value))

    for kind, source in (("model", DEFAULT_MODEL), ("core", core)):
        path = folder / f"{kind}.onnx"
        path.write_bytes(source.read_bytes())
        on_file(kind, path, lambda path=path: estimate(path))  # type: ignore[misc]

    engine = rng.bytes(3000)
    path = folder / "some.engine"
    write_engine(path, _manifest(engine), engine)
    on_file("engine", path, lambda path=path: read_engine(path))  # type: ignore[misc]

    estimator = infonet.Estimator(threads=1)
    table = {name: x + k * rng.standard_normal(300) for k, name in enumerate("abcde", 1)}
    output, expected = folder / "o.npy", estimator.pairwise(table).values.tobytes()
    whole = _interrupted(estimator, table, output)
    for kind, name in (("tile", "tile-0-0.npz"), ("manifest", "manifest.json")):

        def resume(changed: bytes, name: str = name) -> str:
            partial = folder / "o.npy.partial"
            partial.mkdir(exist_ok=True)
            for file, content in {**whole, name: changed}.items():
                (partial / file).write_bytes(content)
            return judge(
                lambda: estimator.pairwise(table, output=output).values.tobytes(), expected
            )

        found[kind] = whole[name], resume

    monitor = infonet.Monitor(100, 2, stride=10, estimator=estimator)
    monitor.extend(np.stack([x, y], axis=1)[:255])
    more = np.stack([y, x], axis=1)[:20]

    def restore(text: bytes) -> object:
        try:
            saved = json.loads(text)
        except ValueError:  # not of ours to say
            raise infonet.InputError("no JSON") from None
        return [repr(e) for e in infonet.Monitor.from_dict(saved, estimator).extend(more)]

    saved = json.dumps(monitor.to_dict()).encode()
    following = restore(saved)
    found["monitor"] = saved, lambda text: judge(lambda: restore(text), following)
    return found


def _manifest(engine: bytes) -> Manifest:
    import hashlib

    return Manifest(
        model_sha256="ab" * 32,
        backend="tensorrt-rtx",
        backend_version="1.7.1.116",
        version_compatible=False,
        compute_capabilities=("8.6",),
        precision="fp32",
        optimization_level=None,
        profiles=(Profile("b", (1, 4, 4), (2, 4, 4), (8, 4, 4)),),
        inputs=(Tensor("histogram", "float32", (-1, 4, 4)),),
        outputs=(Tensor("mi", "float32", (-1,)),),
        metadata={"infonet.architecture": "copula"},
        engine_bytes=len(engine),
        engine_sha256=hashlib.sha256(engine).hexdigest(),
    )


def _interrupted(
    estimator: infonet.Estimator, table: dict[str, np.ndarray], output: Path
) -> dict[str, bytes]:
    """The files of a run that was stopped when the output was to be put together."""
    compute, done = tile.estimate_tile, []

    def stop(*args: object) -> object:
        done.append(args)
        if len(done) == 5:
            raise KeyboardInterrupt
        return compute(*args)  # type: ignore[arg-type]

    tile.estimate_tile = stop  # type: ignore[assignment]
    try:
        estimator.pairwise(table, output=output, tile=2)
    except KeyboardInterrupt:
        pass
    finally:
        tile.estimate_tile = compute
    with PartialRun(output) as run:
        return {path.name: path.read_bytes() for path in run.folder.iterdir()}


def fuzz(kind: str, mutations: int, seed: int, folder: Path) -> Counter[str]:
    """How many mutated files of a kind were refused, or answered the same; and what went wrong."""
    content, look = judges(folder)[kind]
    counts: Counter[str] = Counter()
    assert look(content) == "same"
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    for _ in range(mutations):
        counts[look(mutate(content, rng))] += 1
    return counts


def main() -> int:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=2500, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    options = parser.parse_args()
    wrong = 0
    for kind in options.kinds:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            counts = fuzz(kind, options.mutations, options.seed, Path(folder))
        wrong += sum(n for what, n in counts.items() if what.startswith("WRONG"))
        print(f"{kind:<9} {dict(counts)}  {time.perf_counter() - start:.1f} s", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
