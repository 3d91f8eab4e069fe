"""``infonet export --triton``: a model repository for NVIDIA's Triton Inference Server.

For processors, one model, which is the portable file:

    DIR/infonet/config.pbtxt
    DIR/infonet/1/model.onnx

With an engine of TensorRT, which holds the network alone (TensorRT sorts too few values for the
ranks), four models. Clients ask the first one, and it asks the others, inside the server:

    DIR/infonet/config.pbtxt           an ensemble, with the inputs and outputs of the portable file
    DIR/infonet_ranks/1/model.onnx     from samples to histograms, on processors
    DIR/infonet_network/1/model.plan   the engine, on GPUs
    DIR/infonet_answer/1/model.onnx    bounds estimates and refuses, on processors

Triton joins requests that wait into batches, but only those of one shape; see "Dynamic Batcher" in
its user guide. Configurations are its ModelConfig as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infonet.errors import InputError
from infonet.model.engine_file import Manifest, check_fit, read_engine
from infonet.model.load import Model
from infonet.model.portable import portable_parts

from infonet_export.deploy.portable import outputs_of, write_checked
from infonet_export.engines.model_files import load_core

NAME = "infonet"
RANKS, NETWORK, ANSWER = (f"{NAME}_{part}" for part in ("ranks", "network", "answer"))
MOST = 256  # pairs a batch: 256 of 5,000 samples are 10 MB
DELAY = 500  # microseconds that a request waits for others: about one estimate
WARM_UP = 1000  # samples of the request before the first one


@dataclass(frozen=True)
class Tensor:
    """An input or an output of a model: its name, and the axes that a pair has."""

    name: str
    axes: tuple[int, ...] = ()

    def text(self, of_graph: bool) -> str:
        """As a configuration has it, of a model that has a graph or of an ensemble of such."""
        kind = "BOOL" if self.name in ("tied", "allowed") else "FP32"
        dims = f"[ {', '.join(map(str, self.axes))} ]"
        if not self.axes:
            # Graphs read and give [batch] where Triton cannot say that a pair has no further axis.
            # It takes an ensemble's tensors as its models show them: [batch, 1].
            dims = "[ 1 ]" + " reshape: { shape: [ ] }" * of_graph
        return f'  {{ name: "{self.name}" data_type: TYPE_{kind} dims: {dims} }}'


_SAMPLES = Tensor("samples", (-1, 2))
_BATCHING = f"""\
# Requests of different n are never joined: only inputs with allow_ragged_batch would be.
dynamic_batching {{
  max_queue_delay_microseconds: {DELAY}
}}
"""
_PROCESSORS = """\
# One thread for each instance: a pair is too little work to share, and instances work side by side.
instance_group [
  { kind: KIND_CPU count: 2 }
]
parameters [
  { key: "intra_op_thread_count" value: { string_value: "1" } },
  { key: "inter_op_thread_count" value: { string_value: "1" } }
]
"""
_ONNX, _ENSEMBLE = 'platform: "onnxruntime_onnx"', 'platform: "ensemble"'


def write_triton(source: Path, folder: Path, options: dict[str, Any]) -> list[Path]:
    """Write a model repository, which may hold other models; an older one of ours is replaced.

    Args:
        source: a checkpoint, or a model file with its core beside it.
        folder: of the repository.
        options: of `export_portable`, for a checkpoint.

    Returns:
        The files.
    """
    file = folder / NAME / "1" / "model.onnx"
    model = write_checked(source, file, options)
    text = _config(model, NAME, _ONNX, MOST, [_SAMPLES], _answers(model))
    text += _BATCHING + _PROCESSORS + _warm_samples(model)
    return [_write(folder / NAME / "config.pbtxt", text), file]


def write_triton_engine(source: Path, engine: Path, folder: Path) -> list[Path]:
    """Write a model repository in which an engine of TensorRT is the network.

    Args:
        source: the model file that the engine was built from, or the one beside that.
        engine: a file of  ``infonet build --backend tensorrt``.
        folder: of the repository, which may hold other models; older ones of ours are replaced.

    Returns:
        The files.

    Raises:
        InputError: the model reads no histograms.
        ModelError: the engine is damaged, of another model, or not one of TensorRT.
    """
    core = load_core(source, None)
    if not core.model.histogram_grid:
        raise InputError(
            f"{core.model.path} reads ranks, and an engine for Triton is to read histograms: give "
            "a copula model, or leave --triton-engine out"
        )
    manifest, plan = read_engine(engine)
    check_fit(
        *(manifest, engine),
        backend="tensorrt",
        version=manifest.backend_version,  # the server has its own
        model_sha256=core.sha256,
    )
    first, last = portable_parts(core.content, core.model)
    made = {
        RANKS: ("model.onnx", first),
        NETWORK: ("model.plan", plan),
        ANSWER: ("model.onnx", last),
    }
    texts = _configs(core.model, manifest)
    version = folder / NAME / "1"
    version.mkdir(parents=True, exist_ok=True)  # Triton asks for one of an ensemble, too
    (version / "model.onnx").unlink(missing_ok=True)  # of an earlier repository without an engine
    files = [_write(folder / name / "config.pbtxt", text) for name, text in texts.items()]
    files += [_write(folder / name / "1" / file, held) for name, (file, held) in made.items()]
    return files


def _configs(model: Model, manifest: Manifest) -> dict[str, str]:
    """Configurations of the ensemble and of its models."""
    largest = max(profile.max[0] for profile in manifest.profiles)
    most = min(MOST, largest)
    (read,) = manifest.inputs
    histogram = Tensor(read.name, read.shape[1:])
    between = [Tensor("bound"), Tensor("allowed")]
    given = [Tensor(output.name, output.shape[1:]) for output in manifest.outputs]
    *answers, tied = _answers(model)
    renamed = {value.name: f"network.{value.name}" for value in answers}
    network = [Tensor(renamed[value.name], value.axes) for value in answers]
    ranked = [histogram, *between, tied]
    steps = [
        _step(RANKS, _same([_SAMPLES]), _same(ranked)),
        _step(NETWORK, _same([histogram]), renamed),
        _step(ANSWER, _same([*network, *between]), _same(answers)),
    ]
    whole = _config(model, NAME, _ENSEMBLE, most, [_SAMPLES], [*answers, tied])
    ranks = _config(model, RANKS, _ONNX, most, [_SAMPLES], ranked)
    engine = _config(model, NETWORK, _plan(manifest), largest, [histogram], given)
    answer = _config(model, ANSWER, _ONNX, most, [*network, *between], answers)
    profiles = ", ".join(f'"{place}"' for place in range(len(manifest.profiles)))
    gpu = f"instance_group [\n  {{ kind: KIND_GPU count: 1 profile: [ {profiles} ] }}\n]\n"
    joined = ",\n".join(steps)
    return {
        NAME: f"{whole}ensemble_scheduling {{\n  step [\n{joined}\n  ]\n}}\n",
        RANKS: ranks + _BATCHING + _PROCESSORS + _warm_samples(model),
        NETWORK: engine + _BATCHING + gpu + _warm("no samples", histogram, "zero_data"),
        ANSWER: answer + _PROCESSORS,
    }


def _plan(manifest: Manifest) -> str:
    """What an engine is, and which servers load it."""
    targets = ", ".join(manifest.compute_capabilities) or "of the machine that built it"
    lines = [
        f"# An engine of TensorRT {manifest.backend_version}, {manifest.precision}, for compute",
        f"# capability {targets}: a server with another version or GPU does not load it.",
        'platform: "tensorrt_plan"',
    ]
    if manifest.version_compatible:
        lines.insert(2, "# Start with  --backend-config=tensorrt,version-compatible=true .")
    return "\n".join(lines)


def _answers(model: Model) -> list[Tensor]:
    """The outputs of a portable file without a table; the last one is `tied`."""
    return [
        Tensor(name, () if length is None else (length,))
        for name, length in outputs_of(model).items()
    ]


def _config(
    model: Model,
    name: str,
    platform: str,
    most: int,
    inputs: Sequence[Tensor],
    outputs: Iterable[Tensor],
) -> str:
    """What every configuration begins with."""
    of_graph = platform != _ENSEMBLE
    lists = [",\n".join(value.text(of_graph) for value in values) for values in (inputs, outputs)]
    return (
        f"# Mutual information of pairs of samples [n, 2] in nats, by infonet {model.version}.\n"
        f'name: "{name}"\n{platform}\nmax_batch_size: {most}\n'
        f"input [\n{lists[0]}\n]\noutput [\n{lists[1]}\n]\n"
    )


def _same(values: Iterable[Tensor]) -> dict[str, str]:
    return {value.name: value.name for value in values}


def _step(model: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    """A step of an ensemble: what the tensors of a model are called in it."""
    maps = [
        f'      {kind} {{ key: "{own}" value: "{name}" }}'
        for kind, names in (("input_map", inputs), ("output_map", outputs))
        for own, name in names.items()
    ]
    lines = "\n".join(maps)
    return f'    {{\n      model_name: "{model}"\n      model_version: -1\n{lines}\n    }}'


def _warm_samples(model: Model) -> str:
    samples = max(WARM_UP, model.n_min)
    return _warm(f"{samples} random samples", Tensor("samples", (samples, 2)), "random_data")


def _warm(name: str, tensor: Tensor, data: str) -> str:
    """A request before the first one."""
    return f"""\
model_warmup [
  {{
    name: "{name}"
    batch_size: 1
    inputs {{
      key: "{tensor.name}"
      value: {{ data_type: TYPE_FP32 dims: [ {", ".join(map(str, tensor.axes))} ] {data}: true }}
    }}
  }}
]
"""


def _write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
