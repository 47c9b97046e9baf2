"""Many lives of a table server: killed, moved, its disk lost; held against a plain list of what was counted when."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from serving.engine import FeedPosition
from tests.support.exploring import examples
from tests.support.table_instance import GOOD, NO_SCORE, UNFIT, Instance, wine

PARTITIONS = (0, 1)
Counted = dict[tuple[int, int], int | None]
"""Under which model, by its offset, each record was counted; None: there was none."""


def alcohol_at(partition: int, offset: int) -> float:
    return (GOOD, GOOD, NO_SCORE, UNFIT)[(3 * partition + offset) % 4]


@dataclass
class Known:
    """What is kept somewhere of what was counted, by partition, and of the newest model."""

    counted: dict[int, Counted] = field(default_factory=lambda: {each: {} for each in PARTITIONS})
    model_of: dict[int, int | None] = field(default_factory=lambda: dict.fromkeys(PARTITIONS))  # of a row's counters
    model: int | None = None

    def copy(self) -> "Known":
        counted = {each: dict(counted) for each, counted in self.counted.items()}
        return Known(counted, dict(self.model_of), self.model)


class Lives(RuleBasedStateMachine):
    """``kept`` is what the rows should say, on the disk and in the changelog; kill and loss take from them."""

    @initialize()
    def begin(self) -> None:
        self.committed = dict.fromkeys(PARTITIONS, 0)
        self.published: list[int] = []  # models, by offset
        self.on_disk = Known()
        self.in_changelog = Known()
        self.on_their_way: set[int] = set()  # partitions
        self.instance = Instance()

    @rule()
    def a_model_comes(self) -> None:
        self.published.append(len(self.published))
        self.instance.accept(self.published[-1])

    @rule(
        runs=st.dictionaries(st.sampled_from(PARTITIONS), st.integers(1, 6), min_size=1),
        acknowledged=st.booleans(),
        committed=st.booleans(),
    )
    def records_come(self, runs: dict[int, int], acknowledged: bool, committed: bool) -> None:
        """From what is committed on: some of them have been counted before."""
        places = [(p, self.committed[p] + number) for p, run in runs.items() for number in range(run)]
        self.instance.serve(*((*place, wine(alcohol_at(*place))) for place in places))
        in_force = self.published[-1] if self.published else None
        for partition, offset in places:
            self.on_disk.counted[partition].setdefault((partition, offset), in_force)
            self.on_disk.model_of[partition] = in_force
        self.on_their_way |= runs.keys()
        if acknowledged:
            self.instance.acknowledged()
            for partition in self.on_their_way:
                self.in_changelog.counted[partition] = dict(self.on_disk.counted[partition])
                self.in_changelog.model_of[partition] = self.on_disk.model_of[partition]
            self.in_changelog.model = self.on_disk.model = in_force
            if committed:
                self.committed |= {p: self.committed[p] + run for p, run in runs.items()}

    @rule()
    def killed(self) -> None:
        """What was not acknowledged is lost to the changelog; the disk has it."""
        self._next_life(self.instance.next_life(*PARTITIONS))

    @rule()
    def killed_and_its_disk_lost(self) -> None:
        """Or: all partitions move to another instance."""
        rows = {row: value for kept in self.instance.changelog.values() for row, value in kept.items()}
        self.on_disk = self.in_changelog.copy()
        self._next_life(self.instance.next_life(*PARTITIONS, disk=rows))

    @precondition(lambda self: self.published)
    @rule()
    def rebalanced(self) -> None:
        """The same partitions again, read from the same rows."""
        self.instance.restore(*PARTITIONS)

    def _next_life(self, instance: Instance) -> None:
        self.instance = instance
        self.on_their_way = set()
        seen, start = self.on_disk.model, instance.state.models_from
        ahead = any(model is not None and (seen is None or model > seen) for model in self.on_disk.model_of.values())
        assert start == ("beginning" if seen is None or ahead else FeedPosition("models", seen + 1))
        missed = [model for model in self.published if seen is None or model > seen]
        if missed:
            instance.accept(missed[-1])  # catching up loads the newest only

    @invariant()
    def each_record_is_counted_once_under_the_model_it_was_scored_with(self) -> None:
        in_force = self.published[-1] if self.published else None
        for partition in PARTITIONS:
            counted = self.on_disk.counted[partition]
            wines = [(alcohol_at(*place), model) for place, model in counted.items()]
            usage = sum(alcohol == GOOD and model == in_force is not None for alcohol, model in wines)
            skipped = sum(alcohol in (GOOD, NO_SCORE) and model is None for alcohol, model in wines)
            dead_letters = len([1 for alcohol, model in wines if alcohol not in (GOOD, NO_SCORE)])
            dead_letters += sum(alcohol == NO_SCORE and model is not None for alcohol, model in wines)
            assert self.instance.counts(partition) == (usage, skipped, dead_letters)

    @invariant()
    def the_newest_model_is_in_force_and_the_only_one_that_is_open(self) -> None:
        offsets = {part.model_offset for part in self.instance.state.parts()}
        assert offsets <= ({self.published[-1]} if self.published else {None})
        assert self.instance.open == min(len(self.published), 1)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=examples(60), stateful_step_count=25)
