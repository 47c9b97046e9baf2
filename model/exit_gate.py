"""A gate between a library and the end of the interpreter."""

import atexit
import threading
from types import TracebackType
from typing import Self


class ExitGate:
    """``with gate:`` around each call of a library that a process must not end in the middle of.

    Any number of threads may be inside at the same time. At the end of the interpreter the gate closes: nobody gets in
    any more, and the end waits for those inside. Without it a daemon thread in native code is cut off, and the process
    aborts.
    """

    def __init__(self, wait_s: float) -> None:
        """An open gate; ``wait_s`` is how long the end waits at most."""
        self._wait_s = wait_s
        self._inside = 0
        self._closed = False
        self._changed = threading.Condition()

    def close_at_exit(self) -> None:
        """Close when the interpreter ends: before whatever libraries imported until now do then."""
        atexit.register(self.close)

    def close(self) -> None:
        """Let nobody in from now on, and wait for those inside."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._inside == 0, self._wait_s)

    def __enter__(self) -> Self:
        """Raises RuntimeError once the gate is closed."""
        with self._changed:
            if self._closed:
                raise RuntimeError("this process is ending")
            self._inside += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()
