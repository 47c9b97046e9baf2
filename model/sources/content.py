"""The bytes of a model: from its descriptor, or from the location that it names."""

import hashlib
import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from model.sources.files import read_below, too_large
from model.sources.location import path_of, redacted, scheme_of, split_pin
from protobufs.model_descriptor_pb2 import ModelDescriptor

DIGEST = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class AllowedSources:
    """Where models may be read from, and how large they may be."""

    root: Path | None  # None: no files
    hosts: Set[str]  # for HTTP, in lower case: host, or host:port
    max_bytes: int

    def content(self, descriptor: ModelDescriptor, timeout_s: float, sha256: str | None = None) -> bytes:
        """The descriptor's data, or what is at its location: a file, a zip of a directory, a server's answer.

        Args:
            timeout_s: for a server's answer.
            sha256: what the sum of these bytes must be, in hexadecimal; a location may name a second one.
        Raises:
            ValueError: they cannot be read, may not be read from there, are too many, or their sum differs.
            LocalFailure: this machine could not read them.
        """
        location, pinned_sha256 = split_pin(descriptor.location)
        content = self._read(location, descriptor, timeout_s) if location else descriptor.data
        if len(content) > self.max_bytes:
            raise ValueError(too_large(self.max_bytes))
        for expected in (sha256, pinned_sha256):
            if expected is not None:
                _check(content, expected)
        return content

    def _read(self, location: str, descriptor: ModelDescriptor, timeout_s: float) -> bytes:
        match scheme_of(location):
            case "file":
                path = path_of(location)
                if self.root is None:
                    raise ValueError("is at a path, and this server reads none; start it with --model-root DIR")
                directory = descriptor.modeltype == ModelDescriptor.TENSORFLOWSAVED
                return read_below(self.root, path, self.max_bytes, directory=directory)
            case "http" | "https":
                if not self.hosts:
                    raise ValueError("is at a URL, and this server asks no host; start it with --model-hosts HOST")
                from model.sources.download import (
                    download,  # a server that never gets such a model never loads its library
                )

                return download(location, self.hosts, self.max_bytes, timeout_s)
            case _:
                raise ValueError(f"is at {redacted(location)!r}; only paths, file: and http(s): URLs are read")


def sha256_of(content: bytes) -> str:
    """The sum in lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _check(content: bytes, expected: str) -> None:
    if not DIGEST.fullmatch(expected):
        raise ValueError(f"comes with {expected[:80]!r} as its SHA-256, which is not 64 hexadecimal digits")
    if (found := sha256_of(content)) != expected.lower():
        raise ValueError(f"is not what was announced: its SHA-256 is {found}, not {expected.lower()}")
