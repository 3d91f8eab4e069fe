"""Training configuration: YAML in configs/, frozen dataclasses here. Unknown keys are errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from infonet_export.copula.config import CopulaTraining, copula_from_dict
from infonet_export.perceiver.config import PerceiverTraining, perceiver_from_dict
from infonet_export.training.sections import check_mapping


def load_config(path: str | Path) -> CopulaTraining | PerceiverTraining:
    """Read a YAML file. Raises ValueError that names what is wrong and what is allowed."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ValueError(f"{path} is not valid YAML: {problem}") from error
    return config_from_dict(values, str(path))


def config_from_dict(values: Any, source: str = "config") -> CopulaTraining | PerceiverTraining:
    """Build the configuration that ``values`` describe; absent keys take their defaults.

    Raises ValueError that names an unknown key, a value of the wrong kind or sizes that do not fit.
    """
    architecture = check_mapping(values, source).get("architecture", "copula")
    if architecture == "copula":
        return copula_from_dict(values, source)
    if architecture == "perceiver":
        return perceiver_from_dict(values, source)
    raise ValueError(
        f"{source}: architecture is {architecture!r}, allowed: 'copula' and 'perceiver'"
    )
