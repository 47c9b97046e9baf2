"""The rehearsal of bad models, with models that are loaded as a server loads them."""

from custom_stage.extensions.faulty_models import FAULTS, Outcome, feed_loader, rehearse, report
from model.sources.content import AllowedSources
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.models.loading import ModelLoading
from tests.support.models import times_alcohol

SEED = 7
LOADING = ModelLoading(AllowedSources(None, frozenset(), 1_000_000), timeout_s=10.0, trial_bytes=None)


def messages(number: int) -> list[tuple[int, bytes]]:
    descriptor = ModelDescriptor(name="m", dataType="wine", modeltype="ONNX", data=times_alcohol(2.0))
    return [(offset, descriptor.SerializeToString()) for offset in range(number)]


def test_sound_models_are_loaded() -> None:
    outcomes = rehearse(messages(3), feed_loader(LOADING), SEED, share=0.0)
    assert outcomes == [Outcome(offset, None, None) for offset in range(3)]


def test_every_fault_is_drawn_and_a_model_that_is_clearly_broken_is_refused_with_a_reason() -> None:
    outcomes = rehearse(messages(40), feed_loader(LOADING), SEED, share=1.0)
    assert {each.fault for each in outcomes} == set(FAULTS)
    broken = [each for each in outcomes if each.fault in ("of another type", "tombstone")]
    assert broken
    assert all(each.reason for each in broken)
    tombstones = {each.reason for each in broken if each.fault == "tombstone"}
    assert tombstones == {"empty value (a tombstone withdraws no model: the current one goes on serving)"}


def test_the_report_has_refusals_and_what_nobody_noticed() -> None:
    outcomes = [
        Outcome(0, None, None),
        Outcome(1, "truncated", "not ONNX"),
        Outcome(2, "truncated", None),
        Outcome(3, None, "no memory"),
    ]
    assert report(outcomes) == [
        "truncated: 1 of 2 refused",
        "offset 1, truncated: refused: not ONNX",
        "offset 2, truncated: loaded, and nobody noticed",
        "offset 3, not damaged: refused: no memory",
    ]
