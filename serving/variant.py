"""A variant as a whole: what it is called, what it promises, how it is built."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter

from serving.engine import Engine
from serving.guarantees import Guarantees
from serving.kernel import Kernel


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the five translations: its name, its promises, and how it is built."""

    name: str
    summary: str  # one sentence
    state_lives_in: str
    default_port: int
    guarantees: Guarantees
    build: Callable[[Kernel], Engine]
    routes: Callable[[Engine], APIRouter]
