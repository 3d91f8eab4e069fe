"""The report on the compiled CUDA kernels, which CI fails on."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "kernels" / "cuda" / "ptxas_report.py"
KERNEL = """\
[3/9] Building CUDA object
ptxas info    : Compiling entry function '_Z4rankv' for 'sm_{architecture}'
ptxas info    : Function properties for _Z4rankv
    {stack} bytes stack frame, {stores} bytes spill stores, {loads} bytes spill loads
ptxas info    : Used {registers} registers, used 1 barriers, 128 bytes smem, 400 bytes cmem[0]
"""


@pytest.fixture(scope="module")
def report():
    spec = importlib.util.spec_from_file_location("ptxas_report", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def log(tmp_path, *kernels):
    path = tmp_path / "build.log"
    path.write_text("".join(KERNEL.format(**kernel) for kernel in kernels))
    return str(path)


def test_a_build_without_spills_passes(report, tmp_path, capsys):
    fine = {"stack": 16, "stores": 0, "loads": 0}
    kernels = [fine | {"architecture": 75, "registers": 40}]
    kernels += [fine | {"architecture": 90, "registers": 64}]
    assert report.main(log(tmp_path, *kernels)) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[1].split()[-4:] == ["64", "128", "16", "0"]
    assert "1 kernels for sm_75, sm_90; 0 spill" in output


@pytest.mark.parametrize("spills", [{"stores": 8, "loads": 0}, {"stores": 0, "loads": 4}])
def test_spills_fail(report, tmp_path, capsys, spills):
    spilling = {"stack": 8, "architecture": 86, "registers": 255, **spills}
    assert report.main(log(tmp_path, spilling)) == 1
    assert "_Z4rankv on sm_86" in capsys.readouterr().err


def test_a_log_without_kernels_fails(report, tmp_path, capsys):
    assert report.main(log(tmp_path)) == 1
    assert "no kernel was compiled" in capsys.readouterr().err
