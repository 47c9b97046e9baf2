"""A variant as a whole: what it is called, what it promises, how it is built."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import APIRouter

from serving.engine import Engine
from serving.guarantees import Guarantees
from serving.kernel import Kernel

E = TypeVar("E", bound=Engine)


@dataclass(frozen=True, slots=True)
class Variant(Generic[E]):
    """One of the five translations: its name, its promises, and how it is built; ``E`` is its engine."""

    name: str
    summary: str  # one sentence
    state_lives_in: str
    default_port: int
    guarantees: Guarantees
    build: Callable[[Kernel], E]
    routes: Callable[[E], APIRouter]  # an engine may be asked for more than the kernel asks of it
