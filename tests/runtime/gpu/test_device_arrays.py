"""Arrays of other libraries: read through DLPack and the CUDA array interface, or refused."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from infonet.gpu.arrays import (
    GpuSamples,
    check_layout,
    exact_in_float32,
    gpu_samples,
    parse_interface,
)
from infonet.inputs.arrays import cpu_array, gpu_of

SHAPE = (3, 50, 2)


class Exported:
    """An array of a library that knows DLPack alone."""

    def __init__(self, array, device=(1, 0)):
        self._array, self._device = array, device

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._device


class Interface:
    """An array of a library that knows the CUDA array interface alone."""

    def __init__(self, **changes):
        plain = {"shape": SHAPE, "typestr": "<f4", "data": (4096, False), "version": 3}
        self.__cuda_array_interface__ = {**plain, **changes}


def samples(dtype=np.float32):
    return np.random.default_rng(0).standard_normal(SHAPE).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dlpack_on_the_cpu(estimator, dtype):
    array = samples(dtype)
    np.testing.assert_array_equal(estimator.mi(Exported(array)), estimator.mi(array))
    np.testing.assert_array_equal(estimator.quantiles(Exported(array)), estimator.quantiles(array))
    assert cpu_array(array, "samples") is array
    assert np.shares_memory(cpu_array(Exported(array), "samples"), array)


def test_tensors_without_values_are_refused(estimator):
    torch = pytest.importorskip("torch")
    with pytest.raises(infonet.InputError, match="in no memory that can be read .*: copy it"):
        estimator.mi(torch.empty(SHAPE, device="meta"))


def test_tensors(estimator):
    torch = pytest.importorskip("torch")
    array = samples()
    tensor = torch.from_numpy(array)
    for given in (tensor, tensor.clone().requires_grad_(), tensor.transpose(0, 1).transpose(0, 1)):
        np.testing.assert_array_equal(estimator.mi(given), estimator.mi(array))
    with pytest.raises(infonet.InputError, match="samples"):
        estimator.mi(tensor.bfloat16())


@pytest.mark.parametrize(
    ("device", "where"), [((2, 0), 0), ((2, 3), 3), ((13, 1), 1), ((3, 0), None), ((1, 0), None)]
)
def test_where_an_array_is(device, where):
    assert gpu_of(Exported(samples(), device)) == where


def test_other_places():
    assert gpu_of(samples()) is None
    assert gpu_of([[1.0]]) is None
    assert gpu_of(Interface()) == -1
    with pytest.raises(infonet.InputError, match="DLPack device type 10, allowed are"):
        gpu_of(Exported(samples(), (10, 0)))


@pytest.mark.parametrize("given", [Interface(), Exported(samples(), (2, 1))])
def test_the_cpu_refuses_arrays_of_gpus(estimator, given):
    with pytest.raises(infonet.InputError, match=r"samples are on GPU.* copy them .*'cuda'"):
        estimator.mi(given)


def test_the_interface_is_read():
    owner = Interface(stream=7)
    found = gpu_samples(owner, 0, stream=5)
    assert found == GpuSamples(4096, SHAPE, 7, owner)
    assert len(found) == 3
    same = parse_interface({**owner.__cuda_array_interface__, "strides": (400, 8, 4)})
    assert same.address == 4096
    empty = Interface(shape=(0, 50, 2), data=(0, True)).__cuda_array_interface__
    assert len(parse_interface(empty)) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": (50, 2)}, r"shape \[50, 2\], .*: pass samples\[None\]"),
        ({"shape": (3, 2, 50)}, r"shape \[3, 2, 50\], allowed is \[batch, n, 2\]: reshape"),
        ({"typestr": "<f8"}, r"dtype <f8, allowed is float32: pass samples\.float\(\)"),
        ({"typestr": "<f2"}, "dtype <f2"),
        ({"strides": (400, 4, 200)}, r"strides \[400, 4, 200\] bytes, .* samples\.contiguous\(\)"),
        ({"strides": (-400, 8, 4)}, "strides"),
        ({"mask": object()}, "have a mask"),
        ({"stream": 0}, "stream 0"),
        ({"data": None}, "malformed"),
        ({"shape": None}, "malformed"),
        ({"strides": "abc"}, "malformed"),
    ],
)
def test_interfaces_that_are_refused(changes, words):
    with pytest.raises(infonet.InputError, match=words):
        gpu_samples(Interface(**changes), 0, stream=5)


def test_another_gpu():
    with pytest.raises(infonet.InputError, match="on GPU 3 and .* on GPU 0: .*DEVICES=3"):
        gpu_samples(Exported(samples(), (2, 3)), 0, stream=5)


def test_strides_of_axes_of_one_do_not_matter():
    check_layout((1, 50, 2), "<f4", (12345, 8, 4))
    check_layout((3, 1, 2), "<f4", (8, 999, 4))
    check_layout((3, 0, 2), "<f4", (1, 2, 3))


@pytest.mark.parametrize(
    ("values", "exact"),
    [
        ([0.5, 2.0**100, -3.0], True),
        ([0.1], False),
        ([1e39], False),
        ([float("nan")], False),
        ([float("inf")], False),
        ([2**24, -(2**24)], True),
        ([2**24 + 1], False),
        ([2**60 + 1], False),
        ([True, False], True),
        ([], True),
    ],
)
def test_what_float32_holds(values, exact):
    assert exact_in_float32(np.array(values)) == exact


def test_float32_holds_itself():
    assert exact_in_float32(np.array([0.1, 3e38], np.float32))
    assert not exact_in_float32(np.array([0.1, np.inf], np.float32))
