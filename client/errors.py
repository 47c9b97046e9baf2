"""What can go wrong around the embedded broker, the provider and the reader, each as one line with its remedy."""

from collections.abc import Sequence
from pathlib import Path

from model.errors import ServingError

SIGNALLED = 128  # shells add the number of the signal that ended a program to this


class CacheUnusable(ServingError):
    """The directory for Kafka's jars cannot be written."""

    def __init__(self, directory: Path, reason: str, variable: str) -> None:
        super().__init__(f"Kafka's jars cannot be kept in {directory} ({reason}): name another place in {variable}")


class DownloadBrokenOff(ServingError):
    """Kafka's jars did not all arrive."""

    def __init__(self, reason: str) -> None:
        remedy = (
            "the network puts a certificate of its own in between: name its CA file in REQUESTS_CA_BUNDLE"
            if "CERTIFICATE_VERIFY_FAILED" in reason
            else "check the network"
        )
        super().__init__(
            f"the download of Apache Kafka broke off ({reason}): {remedy}, then start again - it continues where it "
            "stopped; behind a mirror of Maven Central, name that under [repositories] in ~/.config/jgo.conf"
        )


class DataDirectoryUnusable(ServingError):
    """The broker's data directory cannot be made or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the broker cannot keep its data in {path} ({reason}): choose another place with --data-dir")


class ForeignDirectory(ServingError):
    """The data directory has files that no embedded broker made; it is never wiped."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not empty and not an embedded broker's: it will not be wiped; choose another with --data-dir"
        )


class DataDirectoryInUse(ServingError):
    """Another broker works on this data directory; ``owner`` is the process that started it, None if that is gone."""

    def __init__(self, path: Path, owner: int | None) -> None:
        if owner is None:
            remedy = f"the program that started it is gone; end it with `pkill -f embedded.kafka={path.resolve()}`"
        else:
            remedy = (
                f"process {owner} started it, perhaps a provider in another terminal; stop that, "
                "or choose another --data-dir and --port"
            )
        super().__init__(f"a broker is already running on {path}: {remedy}")


class DiskFull(ServingError):
    """Too little room for a broker's log; Java dies without a word when a mapped file cannot grow."""

    def __init__(self, path: Path, free_bytes: int, needed_bytes: int) -> None:
        super().__init__(
            f"only {free_bytes >> 20} MiB are free for {path} and the broker needs {needed_bytes >> 20}: "
            "make room, or choose another disk with --data-dir"
        )


class PortInUse(ServingError):
    """Something else listens where the broker is to listen."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} is in use: stop what listens there (`lsof -i :{port}` names it) or choose another with "
            f"--port; if it is a Kafka broker to be used, give --bootstrap-servers localhost:{port}"
        )


class PortForbidden(ServingError):
    """A port that this user may not open."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"port {port} cannot be opened ({reason}): choose one above 1023 with --port")


class BrokerDied(ServingError):
    """The embedded broker has ended, and nobody stopped it."""

    def __init__(self, exit_code: int, log: Path, last_lines: Sequence[str]) -> None:
        how = f"exit code {exit_code}" if exit_code <= SIGNALLED else f"killed by signal {exit_code - SIGNALLED}"
        super().__init__(
            f"the broker has ended by itself ({how}): mend what {log} reports, then start again "
            f"(without --keep its data is wiped){quoted('broker', last_lines)}"
        )


class BrokerNotReady(ServingError):
    """The embedded broker runs but does not answer."""

    def __init__(self, timeout_s: float, log: Path, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"the broker did not answer within {timeout_s:.0f} s: the machine may be too busy, then try again; "
            f"else read {log}{quoted('broker', last_lines)}"
        )


class DataPartitionsDiffer(ServingError):
    """The data topic exists with another number of partitions than asked for."""

    def __init__(self, topic: str, found: int, wanted: int) -> None:
        super().__init__(
            f"topic {topic} exists with {found} partitions, not {wanted}: give --partitions {found}, "
            "or choose another --topic-prefix"
        )


class PublishingFailed(ServingError):
    """The producer cannot go on without risking that records come twice or out of order."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"publishing has failed for good ({reason}): start again")


class TopicUnknown(ServingError):
    """There is no such topic to read."""

    def __init__(self, topic: str, bootstrap_servers: str) -> None:
        super().__init__(
            f"topic {topic} does not exist on {bootstrap_servers}: choose scores, data, models or dead-letters, which "
            "python -m client.provider creates, and the same --topic-prefix as there"
        )


class UnknownVariant(ServingError):
    """There is no server of this name."""

    def __init__(self, variant: str, known: Sequence[str], flag: str) -> None:
        super().__init__(f"there is no variant {variant!r}; choose one of {', '.join(known)} with {flag}")


class DriftWithoutSource(ServingError):
    """A drift was asked for, and wines from a file, which have been measured and do not drift."""

    def __init__(self) -> None:
        super().__init__("--drift is for generated wines, and --csv replays a file as it is: leave out one of them")


def quoted(program: str, lines: Sequence[str]) -> str:
    """The last lines of a program's log, each below the error in a line of its own."""
    return "".join(f"\n  {program}: {line}" for line in lines)
