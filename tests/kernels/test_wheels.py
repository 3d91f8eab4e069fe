"""What `make wheels` checks of each wheel; the wheels themselves take too long to build here."""

import re
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "packaging"))
import wheel_checks
import wheels


def wheel_of(path, **files):
    """A wheel with a library that has a suffix and a content."""
    with zipfile.ZipFile(path, "w") as archive:
        for suffix, content in files.items():
            prefix = "" if suffix == "dll" else "lib"
            archive.writestr(f"infonet_kernels/{prefix}infonet_kernels.{suffix}", content)
    return path


def test_a_good_wheel(tmp_path):
    wheel = wheel_of(tmp_path / "a.whl", py=b"GLIBC_2.99", so=b"GLIBC_2.2.5\0GLIBC_2.17\0")
    assert wheel_checks.faults(wheel) == []


def test_faults_are_named(tmp_path):
    new = wheel_of(tmp_path / "new.whl", so=b"GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.4\0")
    assert wheel_checks.faults(new) == ["infonet_kernels/libinfonet_kernels.so asks for glibc 2.34"]
    assert "its libraries are []" in wheel_checks.faults(wheel_of(tmp_path / "none.whl", py=b""))[0]
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("infonet_kernels/libinfonet_kernels.dll", "")  # is not what is loaded
    assert "libinfonet_kernels.dll'];" in wheel_checks.faults(tmp_path / "other.whl")[0]
    large = wheel_of(tmp_path / "large.whl", dll=bytes(6_000_001))
    assert re.match("6,000,[0-9]{3} bytes, allowed are 6,000,000$", *wheel_checks.faults(large))


def test_an_unknown_platform(capsys):
    assert wheels.main(["linux-mips"]) == 1
    assert "got linux-mips; allowed are linux-x86_64, linux-aarch64" in capsys.readouterr().err
