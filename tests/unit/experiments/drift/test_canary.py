"""The canary's share is decided by the record id alone."""

import pytest

from experiments.drift.canary import CANARY, DATA_TYPE, in_canary, route

CHECK = "123456789"
"""Its CRC-32 is 0xCBF43926 = 3,421,780,262, the check value in every catalogue of CRCs: step 262 of 10,000."""


@pytest.mark.parametrize(("share", "chosen"), [(0.0, False), (0.0262, False), (0.0263, True), (1.0, True)])
def test_an_id_belongs_to_the_canary_from_its_own_step_on(share: float, chosen: bool) -> None:
    assert in_canary(CHECK, share) is chosen
    assert route(CHECK, share) == (CANARY if chosen else DATA_TYPE)


def test_a_share_of_many_ids_is_near_what_was_asked_and_within_a_larger_share() -> None:
    ids = [f"wine-{number}" for number in range(100_000)]
    tenth = {each for each in ids if in_canary(each, 0.1)}
    fifth = {each for each in ids if in_canary(each, 0.2)}
    assert tenth < fifth
    # Five standard deviations of a binomial count: sqrt(100,000 * 0.1 * 0.9) = 95, and 126 for a fifth.
    assert abs(len(tenth) - 10_000) < 5 * 95
    assert abs(len(fifth) - 20_000) < 5 * 126
