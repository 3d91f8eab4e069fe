"""Configuration files: the shipped ones load, and every mistake is named."""

from __future__ import annotations

import pytest
from infonet_export.configuration import config_from_dict, load_config
from infonet_export.copula.config import CopulaTraining
from tiny_models import CONFIGS


def _write(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_the_default_model_config_loads():
    config = load_config(CONFIGS / "copula" / "stage3.yaml")
    assert config.architecture == "copula"
    assert config.model.histogram_grid == 128
    assert config.model.table_grid == 64
    assert isinstance(config.model.channels, tuple)
    assert config.steps == config.training.pools * config.steps_per_pool
    per_pool = config.data.pool_size // config.training.batch_size * config.data.passes
    assert config.steps_per_pool == per_pool


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_configuration_loads_as_what_its_folder_says(path):
    assert load_config(path).architecture == path.parent.name


def test_absent_keys_take_their_defaults(tmp_path):
    assert load_config(_write(tmp_path, "model:\n")) == CopulaTraining()
    config = load_config(_write(tmp_path, "training: {seed: 3}"))
    assert config.training.seed == 3
    assert config.model == CopulaTraining().model


def test_a_config_survives_its_dictionary():
    config = load_config(CONFIGS / "copula" / "stage3.yaml")
    assert config_from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("archtecture: copula", ["archtecture", "architecture", "model"]),
        ("model: {chanels: [16]}", ["model", "chanels", "channels"]),
        ("training: {pool: 4}", ["training", "pool", "pools"]),
        ("7: 8", ["'7'"]),
        ("architecture: perciver", ["perciver", "'copula'", "'perceiver'"]),
        ("data: {pool_size: 512}\ntraining: {batch_size: 96}", ["512", "96", "batch_size"]),
        ("data: {pool_size: 320}", ["320", "256", "multiple"]),
        ("model: {histogram_grid: 40, channels: [8, 8, 8]}", ["histogram_grid", "40", "16"]),
        ("model: {histogram_grid: 0}", ["histogram_grid", "0"]),
        ("model: {channels: []}", ["channels"]),
        ("model: {channels: 16}", ["channels", "16", "[16, 32, 64]"]),
        ("model: {channels: [16, 0]}", ["channels"]),
        ("model: {n_min: 200, n_max: 100}", ["n_max", "100", "n_min", "200"]),
        ("training: {learning_rate: 2e-3}", ["learning_rate", "'2e-3'", "2.0e-3"]),
        ("training: {learning_rate: -1.0}", ["learning_rate", "-1.0"]),
        ("training: {learning_rate: .nan}", ["learning_rate", "nan"]),
        ("training: {batch_size: 0}", ["batch_size", "0"]),
        ("training: {pools: 1.5}", ["pools", "1.5"]),
        ("training: {pools: true}", ["pools", "True"]),
        ("training: 3", ["training", "3", "mapping"]),
        ("- model", ["list", "mapping"]),
        ("", ["NoneType", "mapping"]),
        ("model: [", ["YAML", "line"]),
    ],
)
def test_mistakes_are_named(tmp_path, text, named):
    path = _write(tmp_path, text)
    with pytest.raises(ValueError, match=".") as caught:
        load_config(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in named:
        assert word in message


def test_yaml_cannot_build_objects(tmp_path):
    text = "model: !!python/object/apply:os.system ['touch escaped']"
    with pytest.raises(ValueError, match="YAML"):
        load_config(_write(tmp_path, text))
    assert not (tmp_path / "escaped").exists()


def test_workers_and_seed_may_be_zero(tmp_path):
    config = load_config(_write(tmp_path, "data: {workers: 0}\ntraining: {seed: 0}"))
    assert config.data.workers == 0
