"""Files that may be opened: regular ones. A pipe or a device may never begin, or never end."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from infonet.errors import InfoNetError, InputError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


def kind_of(mode: int) -> str | None:
    """What a file of this `st_mode` is, in words; None for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def require_regular_file(
    path: str | os.PathLike[str],
    what: str,
    error: type[InfoNetError] = InputError,
    fix: str = "check the path",
) -> os.stat_result:
    """The status of the regular file at `path`, or behind a link at `path`; nothing is opened.

    Args:
        path: of the file.
        what: it should be, as "model file".
        error: what to raise.
        fix: what to do where there is no such file.

    Raises:
        InfoNetError: of the kind `error`, one line: no file, a folder, a pipe, a socket or a
            device, or nothing that may be looked at.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as caught:
        raise _refusal(path, what, error, fix, caught) from None
    _check_kind(status.st_mode, path, what, error)
    return status


def open_regular(
    path: str | os.PathLike[str],
    what: str,
    error: type[InfoNetError] = InputError,
    fix: str = "check the path",
) -> BinaryIO:
    """Open a regular file for reading; never waits for a pipe or a device.

    Args, Raises:
        As `require_regular_file`. What was opened is what is looked at, so that a file cannot be
        exchanged in between.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as caught:
        raise _refusal(path, what, error, fix, caught) from None
    try:
        _check_kind(os.fstat(descriptor).st_mode, path, what, error)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(
    path: str | os.PathLike[str],
    what: str,
    error: type[InfoNetError] = InputError,
    fix: str = "check the path",
) -> bytes:
    """All bytes of a regular file; see `open_regular`."""
    with open_regular(path, what, error, fix) as file:
        try:
            return file.read()
        except OSError as caught:
            raise _refusal(path, what, error, fix, caught) from None


def _check_kind(
    mode: int, path: str | os.PathLike[str], what: str, error: type[InfoNetError]
) -> None:
    kind = kind_of(mode)
    if kind is not None:
        raise error(f"cannot read the {what} {path}: it is {kind}, give a regular file")


def _refusal(
    path: str | os.PathLike[str],
    what: str,
    error: type[InfoNetError],
    fix: str,
    caught: OSError | ValueError,
) -> InfoNetError:
    if isinstance(caught, FileNotFoundError):
        return error(f"no {what} at {path}: {fix}")
    if isinstance(caught, OSError):
        return error(f"cannot read the {what} {path}: {caught.strerror or caught}")
    return error(f"no {what} at {str(path)!r} ({caught}): {fix}")  # a zero byte in the name


def damaged(file: Path, kind: str, error: BaseException) -> InputError:
    """The error for a file that is not what its name says."""
    reason = (str(error).strip() or repr(error)).splitlines()[0].split(". ")[0].rstrip(".")
    return InputError(f"{file} is not a readable {kind} file ({reason[:200]}): write it again")
