"""A small run of the drift experiment on a real broker: what was done to the models, in which order."""

from pathlib import Path

from client.broker.embedded_kafka import EmbeddedKafka
from experiments.drift.canary import CANARY, DATA_TYPE
from experiments.drift.load import Traffic
from experiments.drift.page import draw
from experiments.drift.scenario import observe
from experiments.drift.versions import BAD, BAD_AGAIN, BETTER, GOOD
from experiments.scene import scene
from serving.settings.topics import Topics

TRIAL = 300


def test_bad_models_are_found_by_late_labels_and_rolled_back_and_nothing_is_lost(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    prefix = topics.data.removesuffix("_data")
    with scene("custom_stage", broker.bootstrap_servers, tmp_path, (), prefix) as here:
        seen = observe(here, Traffic(per_s=1500, share=0.3, late_s=0.2), TRIAL)

    done = [(each.event, each.data_type, each.name, each.to) for each in seen.events]
    assert done[:7] == [
        ("published", CANARY, GOOD, None),
        ("promoted", DATA_TYPE, GOOD, None),
        ("published", CANARY, BETTER, None),
        ("promoted", DATA_TYPE, BETTER, None),
        ("published", CANARY, BAD, None),
        ("alarm", CANARY, BAD, None),
        ("rolled back", CANARY, BAD, BETTER),
    ]
    assert done[7:9] == [("published", CANARY, BAD_AGAIN, None), ("promoted", DATA_TYPE, BAD_AGAIN, None)]
    assert (done[9][0], done[9][2]) == ("alarm", BAD_AGAIN)  # whichever route saw it first: both go back
    assert set(done[10:12]) == {("rolled back", each, BAD_AGAIN, BETTER) for each in (DATA_TYPE, CANARY)}
    assert set(done[12:]) == {("alarm", each, BETTER, None) for each in (DATA_TYPE, CANARY)}
    assert len(done) == 14, "an alarm for each rise, and no more"
    assert all("no roll-back" in each.why for each in seen.events[12:])
    assert {each.by for each in seen.events if each.event in ("alarm", "rolled back")} == {"monitor"}

    assert seen.predicted == seen.published == seen.scored
    assert 0 < len(seen.predicted) < seen.records
    for found in seen.found.values():
        assert (found.faults, found.duplicates, found.unscored) == ([], 0, 0)
    assert (seen.joined, seen.unmatched, seen.unreadable) == (seen.records, (0, 0), 0)
    assert sum(each.records for each in seen.windows.values()) == seen.records
    assert {each.data_type for each in seen.roll_backs} == {DATA_TYPE, CANARY}
    assert all(each.first_good_ms is not None for each in seen.roll_backs)

    draw(seen, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
