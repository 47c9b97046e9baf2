"""How the demo sorts the scores of one read, in which partitions come in any order, and what it remembers of models."""

from hypothesis import given
from hypothesis import strategies as st

from client.demo.one.one_server import summary_lines
from client.demo.one.scores import ModelNames, Summary, by_model
from protobufs.serving_result_pb2 import ServingResult

RESULTS = st.builds(
    ServingResult,
    data_type=st.sampled_from(["wine", "cider"]),
    model_name=st.sampled_from(["linear", "forest"]),
    scored_ts=st.integers(0, 20),
)


@given(st.lists(RESULTS))
def test_each_group_is_all_that_one_model_scored_and_groups_come_in_the_order_of_their_first_scores(
    results: list[ServingResult],
) -> None:
    groups = by_model(results)
    of_one_model = [{(result.data_type, result.model_name) for result in group} for group in groups]
    assert [len(models) for models in of_one_model] == [1] * len(groups)
    assert len(set.union(set(), *of_one_model)) == len(groups)
    assert sum(len(group) for group in groups) == len(results)
    firsts = [group[0].scored_ts for group in groups]
    assert firsts == sorted(firsts)
    assert firsts == [min(result.scored_ts for result in group) for group in groups]


def test_of_ever_new_models_the_first_fifty_are_named_and_the_others_mentioned() -> None:
    models = ModelNames()
    for number in range(50):
        models.add(f"m{number}")
        models.add("m0")
    assert not models.further
    for number in range(50, 10_000):
        models.add(f"m{number}")
    assert models.first == tuple(f"m{number}" for number in range(50))
    assert models.further
    lines = summary_lines(Summary(10_050, models.first, 9_999, None, None, models.further))
    assert lines[1].startswith("models   50 and more: m0, m1, ")
    assert lines[1].endswith(", m49")
