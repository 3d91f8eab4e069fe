"""How many threads there is room for, where a limit bounds the memory of this process.

A thread that starts, but finds no memory for its first variables, ends the process: neither the C
library nor C++ can report that. So threads are only started where there is plenty.
"""

import contextlib
import os
import threading
from pathlib import Path

# Address space of a thread beside its stack: the heap that the C library reserves for it, and work.
_HEAP, _WORK = 64 << 20, 24 << 20
_STACK = 8 << 20  # if it is not limited, and known


def threads_that_fit(threads: int) -> int:
    """`threads`, or as many of them as limits of this process leave memory for, 1 at least."""
    if threads <= 1:
        return threads
    try:
        import resource  # POSIX only
    except ImportError:
        return threads
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    if all(limit == resource.RLIM_INFINITY for limit in limits):
        return threads
    stack = threading.stack_size() or resource.getrlimit(resource.RLIMIT_STACK)[0]
    stack = stack if 0 < stack < 1 << 40 else _STACK
    used = _used()
    free = [
        limit - size
        for limit, size in zip(limits, used, strict=True)
        if limit != resource.RLIM_INFINITY
    ]
    # what is left is for the thread that is there already
    return max(1, min(threads, min(free) // (stack + _HEAP + _WORK)))


def _used() -> tuple[int, int]:
    """Bytes of address space, and of data, that this process has; 0 where that is not known."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = Path("/proc/self/statm").read_text().split()
        size = os.sysconf("SC_PAGE_SIZE")
        return int(pages[0]) * size, int(pages[5]) * size
    return 0, 0
