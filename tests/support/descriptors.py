"""A machine without a free descriptor, for tests."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_descriptors(process_id: int = 0) -> Iterator[None]:
    """That process, or this one, can open nothing; what is open stays so. Linux only, as ``prlimit`` is."""
    soft, hard = resource.prlimit(process_id, resource.RLIMIT_NOFILE)
    resource.prlimit(process_id, resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(process_id, resource.RLIMIT_NOFILE, (soft, hard))
