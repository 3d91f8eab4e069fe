"""Tests of kernels that a build may leave out are skipped there."""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except Exception as error:
        if "INFONET_CUDA_LONG_SOFT_RANK" not in str(error):
            raise
        pytest.skip(
            "needs the kernels for long soft-ranked rows: "
            "make cuda CUDA_OPTIONS=-DINFONET_CUDA_LONG_SOFT_RANK=ON"
        )
