"""A rehearsal of bad models: faults drawn by a seed, and an account of what was refused, why, and what nobody noticed.

A server promises to refuse a model that cannot serve, with a reason, and to go on with the active one. Whether it does
shows when models are damaged on purpose. Here some messages of a model stream are damaged before they are loaded as the
feed would load them. The same seed damages the same messages in the same way, so that a finding can be shown again::

    outcomes = rehearse(enumerate(messages), feed_loader(ModelLoading.of(settings)), seed=7, share=0.5)
    for line in report(outcomes):
        print(line)
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from model.errors import ModelRejected
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.models.feed import read_descriptor
from serving.models.loading import ModelLoading

Message: TypeAlias = bytes | None
"""The value of a record of the models topic; None is a tombstone."""

Fault: TypeAlias = Callable[[bytes, Random], Message]
"""Damages a message; every choice is drawn from the generator that it is given."""

Load: TypeAlias = Callable[[Message], None]
"""Loads a model and lets it go; raises ModelRejected."""

MODEL_TYPES = (
    ModelDescriptor.TENSORFLOW,
    ModelDescriptor.TENSORFLOWSAVED,
    ModelDescriptor.PMML,
    ModelDescriptor.ONNX,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done to the message at an offset, and what a server made of it."""

    offset: int
    fault: str | None  # its name in ``FAULTS``; None: the message is as it came
    reason: str | None  # why the model was refused; None: it was loaded


def truncated(message: bytes, random: Random) -> Message:
    """Only the beginning arrives."""
    return message[: random.randrange(len(message))]


def one_byte_changed(message: bytes, random: Random) -> Message:
    """One byte is another one."""
    place = random.randrange(len(message))
    return message[:place] + bytes([message[place] ^ random.randrange(1, 256)]) + message[place + 1 :]


def of_another_type(message: bytes, random: Random) -> Message:
    """The descriptor names another model type than its bytes are of."""
    descriptor = ModelDescriptor.FromString(message)
    descriptor.modeltype = random.choice([each for each in MODEL_TYPES if each != descriptor.modeltype])
    return descriptor.SerializeToString()


def tombstone(message: bytes, random: Random) -> Message:  # noqa: ARG001
    """Nothing is left."""
    return None


FAULTS: Mapping[str, Fault] = {
    "truncated": truncated,
    "one byte changed": one_byte_changed,
    "of another type": of_another_type,
    "tombstone": tombstone,
}


def rehearse(messages: Iterable[tuple[int, bytes]], load: Load, seed: int, share: float) -> Sequence[Outcome]:
    """Load each message, after some of them were damaged; the outcomes are in the order of the messages.

    Args:
        messages: offsets and values of the models topic.
        seed: together with a message's offset it decides what happens to that message.
        share: of the messages that are damaged, 0.0 to 1.0.
    Raises:
        Exception: any that ``load`` raises and that is no refusal; it would have ended a server, and is a finding.
    """
    outcomes: list[Outcome] = []
    # exercise[al-2]: draw who is damaged and how, so that a seed says it all; load each; note the reason of a refusal
    for offset, message in messages:
        random = Random(f"{seed}/{offset}")  # noqa: S311 - of its own: no other message changes what is drawn for this
        fault = random.choice(list(FAULTS)) if random.random() < share else None
        sent = message if fault is None else FAULTS[fault](message, random)
        try:
            load(sent)
        except ModelRejected as error:
            outcomes.append(Outcome(offset, fault, error.reason))
        else:
            outcomes.append(Outcome(offset, fault, None))
    # end[al-2]
    return outcomes


def feed_loader(loading: ModelLoading) -> Load:
    """Reads and loads a message as the model feed does."""

    def load(message: Message) -> None:
        try:
            descriptor = read_descriptor(message)
        except ValueError as error:
            raise ModelRejected("", str(error)) from None
        loaded, _ = loading.load(descriptor)
        loaded.close()

    return load


def report(outcomes: Sequence[Outcome]) -> list[str]:
    """Lines for people: per fault how many were refused, then each refusal, and what should not be.

    A damaged model that is loaded went unnoticed: its scores may be wrong. The SHA-256 in the header of a record makes
    a server notice it.
    """
    damaged = Counter(each.fault for each in outcomes if each.fault is not None)
    refused = Counter(each.fault for each in outcomes if each.fault is not None and each.reason is not None)
    lines = [f"{fault}: {refused[fault]} of {number} refused" for fault, number in sorted(damaged.items())]
    for each in outcomes:
        if each.reason is not None:
            lines.append(f"offset {each.offset}, {each.fault or 'not damaged'}: refused: {each.reason}")
        elif each.fault is not None:
            lines.append(f"offset {each.offset}, {each.fault}: loaded, and nobody noticed")
    return lines
