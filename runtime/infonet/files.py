"""Files that may be opened: regular ones. A pipe or a device may never end, or never begin."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from infonet.errors import InfoNetError, InputError

_FIX = "save it to a file, and give that"


def regular_file(
    path: str | os.PathLike[str], error: type[InfoNetError] = InputError, fix: str = _FIX
) -> os.stat_result:
    """The status of the regular file at `path`, or behind a link at `path`.

    Args:
        path: of the file.
        error: what to raise.
        fix: what to do where `path` is a pipe or a device.

    Raises:
        InfoNetError: of the kind `error`, one line: no file, a directory, a pipe, a socket or a
            device, or nothing that may be looked at.

    Example:
        >>> regular_file("weather.csv").st_size
        53262
    """
    file = Path(path)
    try:
        status = file.stat()
    except FileNotFoundError:
        raise error(f"no file at {file}: check the path") from None
    except OSError as caught:
        raise error(f"cannot read {file}: {caught.strerror or caught}") from None
    except ValueError as caught:  # a zero byte
        raise error(f"no file at {str(file)!r} ({caught}): check the path") from None
    if stat.S_ISDIR(status.st_mode):
        raise error(f"{file} is a directory: give a file")
    if not stat.S_ISREG(status.st_mode):
        raise error(f"{file} is a pipe or a device: {fix}")
    return status
