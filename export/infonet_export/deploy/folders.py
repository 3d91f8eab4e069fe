"""``infonet export --triton`` and ``--hub``: folders of files for a server and for a hub of models.

A model repository for NVIDIA's Triton Inference Server, and others that read its layout:

    DIR/infonet/config.pbtxt
    DIR/infonet/1/model.onnx        the portable file

A repository for Hugging Face:

    DIR/README.md                   the model card, with the header that the hub reads
    DIR/infonet.onnx                the portable file
    DIR/config.json                 what the file says of itself
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from infonet.model.load import Model, load_model
from infonet.model.portable import write_portable

from infonet_export.deploy.portable import check_portable, export_portable

NAME = "infonet"
MOST = 256  # pairs a batch: 256 of 5,000 samples are 10 MB
DELAY = 500  # microseconds that a request waits for others: about one estimate
WARM_UP = 1000  # samples of the request before the first one

_CONFIG = """\
# Mutual information of pairs of samples [n, 2] in nats, by infonet {version}.
name: "{name}"
platform: "onnxruntime_onnx"
max_batch_size: {most}
input [
  {{ name: "samples" data_type: TYPE_FP32 dims: [ -1, 2 ] }}
]
output [
{outputs}
]
# Requests of different n are never joined: only inputs with allow_ragged_batch would be.
dynamic_batching {{
  max_queue_delay_microseconds: {delay}
}}
# One thread for each instance: a pair is too little work to share, and instances work side by side.
instance_group [
  {{ kind: KIND_CPU count: 2 }}
]
parameters [
  {{ key: "intra_op_thread_count" value: {{ string_value: "1" }} }},
  {{ key: "inter_op_thread_count" value: {{ string_value: "1" }} }}
]
model_warmup [
  {{
    name: "{samples} random samples"
    batch_size: 1
    inputs {{
      key: "samples"
      value: {{ data_type: TYPE_FP32 dims: [ {samples}, 2 ] random_data: true }}
    }}
  }}
]
"""
_CARD = """\
---
license: apache-2.0
library_name: onnx
tags:
- mutual-information
- statistics
- feature-selection
- onnx
---
# InfoNet: mutual information of two variables in one forward pass

`infonet.onnx` estimates the mutual information of pairs of variables, in nats, from samples. It
holds standard ONNX operators alone (opset 18) and runs in any ONNX runtime.

```python
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("infonet.onnx", providers=["CPUExecutionProvider"])
samples = np.random.default_rng(0).normal(size=(1, 1000, 2)).astype(np.float32)  # [batch, n, 2]
print(session.run(["mi"], {{"samples": samples}})[0])
```

| | |
|---|---|
| architecture | {architecture}, {parameters:,} parameters, {precision} |
| outputs | {outputs} |
| trained for | {n_min} to {n_max:,} samples |
| checkpoint | SHA-256 {checkpoint} |
| made by | infonet {version} |

The file gives NaN for values that are not finite and for fewer than {n_min} samples. Where its
output `tied` is true, a variable has more than a few equal values, which the Python package
`infonet` treats in better ways; from 20,000 samples on that corrects the network by counts, too.

The method is that of Hu et al., "InfoNet: Neural Estimation of Mutual Information without Test-Time
Optimization", ICML 2024 (arXiv 2402.10158).
"""


def write_triton(source: Path, folder: Path, options: dict[str, Any]) -> list[Path]:
    """Write a model repository, which may hold other models; an older one of ours is replaced.

    Args:
        source: a checkpoint, or a model file with its core beside it.
        folder: of the repository.
        options: of `export_portable`, for a checkpoint.

    Returns:
        The files.
    """
    target = folder / NAME
    file, text = target / "1" / "model.onnx", target / "config.pbtxt"
    model = _write_file(source, file, options)
    text.write_text(triton_config(model))
    return [text, file]


def write_hub(source: Path, folder: Path, options: dict[str, Any]) -> list[Path]:
    """Write a repository for Hugging Face; arguments and result as of `write_triton`."""
    file, card, config = folder / "infonet.onnx", folder / "README.md", folder / "config.json"
    model = _write_file(source, file, options)
    card.write_text(
        _CARD.format(
            architecture=model.architecture,
            parameters=model.parameters,
            precision=model.precision,
            outputs=", ".join(f"`{name}`" for name in _outputs(model)),
            n_min=model.n_min,
            n_max=model.n_max,
            checkpoint=model.checkpoint_sha256,
            version=model.version,
        )
    )
    entries = {key.removeprefix("infonet."): value for key, value in model.metadata.items()}
    for long in ("null_distribution", "content_sha256"):
        entries.pop(long, None)
    config.write_text(json.dumps({"model_type": NAME, **entries}, indent=2) + "\n")
    return [card, config, file]


def triton_config(model: Model) -> str:
    """The text of config.pbtxt for a portable file without a table.

    Triton joins requests that wait into batches, but only those of one shape; see "Dynamic Batcher"
    in its user guide.
    """
    lines = []
    for name, length in _outputs(model).items():
        kind = "BOOL" if name == "tied" else "FP32"
        # The graph gives [batch] where Triton cannot say that a pair has no further axis.
        shape = "[ 1 ] reshape: { shape: [ ] }" if length is None else f"[ {length} ]"
        lines.append(f'  {{ name: "{name}" data_type: TYPE_{kind} dims: {shape} }}')
    return _CONFIG.format(
        version=model.version,
        name=NAME,
        most=MOST,
        delay=DELAY,
        samples=max(WARM_UP, model.n_min),
        outputs=",\n".join(lines),
    )


def _outputs(model: Model) -> dict[str, int | None]:
    """Names of outputs, and how many values each has for a pair; None: just one."""
    found: dict[str, int | None] = {"mi": None}
    if model.quantile_levels:
        found["quantiles"] = len(model.quantile_levels)
    if model.test_statistic == "score":
        found["score"] = None
    return {**found, "tied": None}


def _write_file(source: Path, path: Path, options: dict[str, Any]) -> Model:
    """Write the portable file of a checkpoint or of a model file, compared with the runtime."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".onnx":
        export_portable(source, path, **options)
        return load_model(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        partial = Path(name) / path.name
        write_portable(partial, source)
        check_portable(partial, load_model(source))
        partial.replace(path)
    return load_model(path)
