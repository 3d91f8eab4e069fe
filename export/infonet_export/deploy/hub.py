"""``infonet export --hub``: a folder of files for Hugging Face.

DIR/README.md                   the model card, with the header that the hub reads
DIR/infonet.onnx                the portable file
DIR/config.json                 what the file says of itself
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infonet_export.deploy.portable import outputs_of, write_checked

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


def write_hub(source: Path, folder: Path, options: dict[str, Any]) -> list[Path]:
    """Write a repository for Hugging Face.

    Args:
        source: a checkpoint, or a model file with its core beside it.
        folder: of the repository.
        options: of `export_portable`, for a checkpoint.

    Returns:
        The files.
    """
    file, card, config = folder / "infonet.onnx", folder / "README.md", folder / "config.json"
    model = write_checked(source, file, options)
    card.write_text(
        _CARD.format(
            architecture=model.architecture,
            parameters=model.parameters,
            precision=model.precision,
            outputs=", ".join(f"`{name}`" for name in outputs_of(model)),
            n_min=model.n_min,
            n_max=model.n_max,
            checkpoint=model.checkpoint_sha256,
            version=model.version,
        )
    )
    entries = {key.removeprefix("infonet."): value for key, value in model.metadata.items()}
    for long in ("null_distribution", "content_sha256"):
        entries.pop(long, None)
    config.write_text(json.dumps({"model_type": "infonet", **entries}, indent=2) + "\n")
    return [card, config, file]
