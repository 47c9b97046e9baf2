"""What can be wrong with a model, and the root of every error that this project raises on purpose."""

import errno
import os
import socket


class ServingError(Exception):
    """An error that this project foresees; its text is one line: what happened, and what to do."""


class ModelRejected(ServingError):
    """This model cannot be served; it goes to the dead-letter topic and the current model goes on serving."""

    def __init__(self, name: str, reason: str, detail: str = "") -> None:
        """``detail`` is the whole text where the reason is only what matters of it."""
        super().__init__(f"model {name!r} refused: {reason}")
        self.name = name
        self.reason = reason
        self.detail = detail or reason


class ModelUnfit(ValueError):
    """What is wrong with a model, and what its author can do; ``model.reasons`` makes one line of both."""

    def __init__(self, problem: str, remedy: str, detail: str = "") -> None:
        """``detail`` is the whole text of a library."""
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy
        self.detail = detail


class LocalFailure(ServingError):
    """This machine could not load a model. That is no fault of the model, which is loaded again later, never refused.

    Raised where a descriptor, a thread, a process, memory, or room on a disk is missing.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"this machine cannot load models at present: {reason}; raise its limits (ulimit -n, ulimit -u), or free"
            " memory or disk space"
        )
        self.reason = reason


LOCAL_ERRNOS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT}
)
NO_THREAD = "can't start new thread"  # what Python's RuntimeError says
LOCAL_NAME_ERRORS = frozenset({socket.EAI_MEMORY, socket.EAI_SYSTEM})


def local_failure(error: BaseException) -> LocalFailure | None:
    """The local failure that an error is, or that caused it; None if the model may be at fault."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, LocalFailure):
            return seen
        if isinstance(seen, OSError) and seen.errno in LOCAL_ERRNOS | LOCAL_NAME_ERRORS:
            return LocalFailure(seen.strerror or type(seen).__name__)
        if isinstance(seen, RuntimeError) and str(seen) == NO_THREAD:
            return LocalFailure(NO_THREAD)
        if isinstance(seen, ImportError):  # of a compiled module: the loader's text is all that there is
            said = [text for text in map(os.strerror, LOCAL_ERRNOS) if text in str(seen)]
            if said:
                return LocalFailure(said[0])
        seen = seen.__cause__ or seen.__context__
    return None


class ModelClosed(RuntimeError):
    """A model was asked for a score after its ``close``."""

    def __init__(self) -> None:
        super().__init__("this model has been closed; it cannot score any more")
