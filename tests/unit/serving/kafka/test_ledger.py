from collections import defaultdict
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from serving.kafka.ledger import Ledger


@dataclass(frozen=True)
class Record:
    """A record of which only its place matters."""

    partition: int
    offset: int
    topic: str = "data"
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None


def batches_of(partitions: list[list[int]]) -> list[list[Record]]:
    """Batches whose records have the next offset of their partition."""
    ends: defaultdict[int, int] = defaultdict(int)
    batches = []
    for numbers in partitions:
        batch = []
        for number in numbers:
            batch.append(Record(number, ends[number]))
            ends[number] += 1
        batches.append(batch)
    return batches


PARTITIONS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), min_size=1, max_size=6)


@given(PARTITIONS, st.data())
def test_an_offset_is_committable_exactly_when_all_before_it_is_acknowledged(
    partitions: list[list[int]], data: st.DataObject
) -> None:
    batches = batches_of(partitions)
    ledger = Ledger()
    for batch in batches:
        ledger.take(batch)
    done: list[int] = []
    for index in data.draw(st.permutations(range(len(batches)))):
        ledger.acknowledge(batches[index])
        done.append(index)
        expected: dict[tuple[str, int], int] = {}
        for position, batch in enumerate(batches):
            if position not in done:
                break
            expected |= {("data", record.partition): record.offset + 1 for record in batch}
        assert ledger.committable() == expected
    assert ledger.empty


def test_what_is_committed_is_not_committed_again() -> None:
    ledger = Ledger()
    first, second = batches_of([[0, 1], [0]])
    ledger.take(first)
    ledger.acknowledge(first)
    offsets = ledger.committable()
    ledger.take(second)
    ledger.acknowledge(second)  # acknowledged while the commit of the first was under way
    ledger.committed(offsets)
    assert ledger.committable() == {("data", 0): 2}


def test_a_batch_acknowledged_after_its_partitions_were_taken_away_is_not_committed() -> None:
    ledger = Ledger()
    (batch,) = batches_of([[0]])
    ledger.take(batch)
    ledger.forget()
    ledger.acknowledge(batch)
    assert ledger.committable() == {}


def test_a_batch_passed_over_is_committed_with_the_next_one_and_not_before() -> None:
    ledger = Ledger()
    first, left_out, last = batches_of([[0], [0, 1], [0]])
    ledger.take(first)
    ledger.pass_over(left_out)
    ledger.acknowledge(first)
    assert ledger.committable() == {("data", 0): 1}
    ledger.take(last)
    assert ledger.next_offsets(last) == {("data", 0): 3, ("data", 1): 1}
    ledger.acknowledge(last)
    assert ledger.committable() == {("data", 0): 3, ("data", 1): 1}


def test_a_batch_passed_over_before_its_partitions_were_taken_away_is_not_committed_after_it() -> None:
    ledger = Ledger()
    left_out, again = batches_of([[0], [1]])
    ledger.pass_over(left_out)
    ledger.forget()
    ledger.take(again)
    ledger.acknowledge(again)
    assert ledger.committable() == {("data", 1): 1}


def test_what_is_no_record_is_committed_while_nothing_is_in_flight_and_never_overtakes_a_batch() -> None:
    ledger = Ledger()
    first, second = batches_of([[0, 1], [0]])
    ledger.take(first)
    ledger.pass_to({("data", 0): 1, ("data", 1): 5})  # behind the first, markers that end its transactions
    assert ledger.committable() == {}
    ledger.acknowledge(first)
    assert ledger.committable() == {("data", 0): 1, ("data", 1): 5}
    ledger.committed({("data", 0): 1, ("data", 1): 5})
    ledger.pass_to({("data", 0): 1, ("data", 1): 6})
    assert ledger.committable() == {("data", 1): 6}, "each is committed once"
    ledger.take(second)
    assert ledger.committable() == {}, "it goes with the batch now"
    assert ledger.next_offsets(second) == {("data", 0): 2, ("data", 1): 6}


def test_of_a_settled_batch_nothing_is_committed_whenever_it_is_settled() -> None:
    ledger = Ledger()
    first, second = batches_of([[0], [0]])
    ledger.take(first)
    ledger.take(second)
    ledger.discard(second)
    ledger.discard(first)
    assert ledger.empty
    assert ledger.committable() == {}
