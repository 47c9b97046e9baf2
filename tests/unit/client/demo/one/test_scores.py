"""How the demo sorts the scores of one read, in which partitions come in any order."""

from hypothesis import given
from hypothesis import strategies as st

from client.demo.one.scores import by_model
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
