"""What pip builds where no compiler is: a wheel without a library, whose kernels are in NumPy."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytest.importorskip("scikit_build_core")


def build(folder, **variables):
    """`pip wheel` of the sources, with a compiler that is not there."""
    command = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder)]
    command += [f"--config-settings=build-dir={folder / 'build'}", str(ROOT)]
    outside = {k: v for k, v in os.environ.items() if k not in ("INFONET_KERNELS", "CMAKE_ARGS")}
    return subprocess.run(
        command,
        env=outside | {"CXX": "/no/such/compiler"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


USE = """
import sys
sys.path[:0] = [{unpacked!r}, {packages!r}]  # without .pth files, which lead to the sources
import infonet
x = [i * 0.37 % 1 for i in range(50)]
print(infonet.__file__, infonet.mutual_information(x, x[::-1]))
"""


def test_a_wheel_without_a_library(tmp_path):
    done = build(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "infonet: the kernels were not compiled (see above)" in done.stdout
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        assert not [n for n in archive.namelist() if n.endswith((".so", ".dylib", ".dll"))]
        archive.extractall(unpacked)

    # The library of the tests' own installation lies among the packages, and would be found there.
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not entry.name.startswith("infonet"):
            (packages / entry.name).symlink_to(entry)
    code = USE.format(unpacked=str(unpacked), packages=str(packages))
    used = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert used.returncode == 0, used.stderr
    file, mi = used.stdout.split()
    assert file == str(unpacked / "infonet" / "__init__.py")
    import infonet

    x = [i * 0.37 % 1 for i in range(50)]
    # ONNX Runtime there, the compiled network here: they round otherwise
    assert float(mi) == pytest.approx(infonet.mutual_information(x, x[::-1]), abs=1e-5)
    assert "in NumPy (there is no libinfonet_kernels" in used.stderr


@pytest.mark.parametrize(
    "insisting", [{"INFONET_KERNELS": "compiled"}, {"CMAKE_ARGS": "-DINFONET_CUDA=ON"}]
)
def test_who_insists_gets_an_error(tmp_path, insisting):
    done = build(tmp_path, **insisting)
    assert done.returncode != 0
    assert "/no/such/compiler" in done.stdout
    assert not list(tmp_path.glob("*.whl"))
