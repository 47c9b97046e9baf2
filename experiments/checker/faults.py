"""The checker: a run against the promises of its delivery mode.

With at-least-once a duplicate is no fault where it is *explained*: a member left or was killed, and its successor began
at the last commit. Then the records from that commit up to where the former owner had come are scored again, in order,
once per such hand-over. With at-most-once a loss is no fault where it is explained: a batch was committed, and its
owner went before it was scored, so the loss ends where a commit does. With exactly-once neither has an explanation.
Every other duplicate or loss is a fault, and so is everything else that a reader of the scores would stumble over.

Two scores of one record and of the same millisecond are one score that was sent twice: no hand-over explains that,
wherever the last commit was.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.checker.run import Outcome, Run, Sent
from serving.engine import DeliveryMode

TAKEOVER_MS = 10_000
"""How long a model may go on scoring after its successor was published, which is tried out and loaded first."""

Kind = Literal[
    "lost", "doubled", "out of order", "both", "foreign", "wrong partition", "wrong model", "counters", "commits"
]
Place = tuple[int, int]
"""A partition of the data topic, and an offset in it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One promise that was not kept, in words."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """A partition's next owner began at a commit, behind which the former owner had come already."""

    partition: int
    committed: int  # the first offset that was scored again
    reached: int  # behind the last offset that had been scored

    @property
    def records(self) -> int:
        """How many offsets lie between: at most so many duplicates come of it."""
        return self.reached - self.committed


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run has shown."""

    faults: Sequence[Fault]
    hand_overs: Sequence[HandOver]
    duplicates: int  # scores of records that had one already
    explained: int  # of these, by the hand-overs
    unscored: int  # records without any outcome: skipped, or lost


def check(run: Run, takeover_ms: int = TAKEOVER_MS, delivery: DeliveryMode = "at-least-once") -> Findings:
    """All faults of a run.

    Args:
        takeover_ms: how long a model may go on scoring after its successor was published.
        delivery: what the servers promised.
    """
    scores = [each for each in run.outcomes if each.kind == "score"]
    hand_overs, disorder = _hand_overs(scores, run, delivery)
    duplicates, explained, doubled = _duplicates(scores, hand_overs)
    faults = [
        *_misplaced(run),
        *_lost(run, delivery),
        *_both(run),
        *disorder,
        *doubled,
        *_wrong_models(scores, run, takeover_ms),
        *_commits(run),
        *_counters(run),
    ]
    done = {_place(each) for each in run.outcomes}
    unscored = sum((each.partition, each.offset) not in done for each in run.sent)
    return Findings(faults, hand_overs, duplicates, explained, unscored)


def _place(outcome: Outcome) -> Place:
    return outcome.source_partition, outcome.source_offset


def _by_partition(scores: Sequence[Outcome]) -> Mapping[int, list[Outcome]]:
    found: defaultdict[int, list[Outcome]] = defaultdict(list)
    for score in scores:
        found[score.source_partition].append(score)
    return found


def _misplaced(run: Run) -> Iterator[Fault]:
    """Outcomes of records that nobody has sent, or that say another record's id; scores in another partition."""
    sent = {(each.partition, each.offset): each.record_id for each in run.sent}
    for outcome in run.outcomes:
        at = _place(outcome)
        known = sent.get(at)
        if known != outcome.record_id:
            yield Fault("foreign", f"a {outcome.kind} of {at} says {outcome.record_id!r}; the record is {known!r}")
        if outcome.kind == "score" and outcome.partition != outcome.source_partition:
            yield Fault("wrong partition", f"the score of {at} is in partition {outcome.partition}")


def _lost(run: Run, delivery: DeliveryMode) -> Iterator[Fault]:
    """A record without an outcome was skipped, for want of a model, or it is lost.

    The counter tells; without it, whether it came behind a score in its partition: then there was a model.
    """
    done = {_place(each) for each in run.outcomes}
    missing = [each for each in run.sent if (each.partition, each.offset) not in done]
    if run.counted is None:
        first: dict[int, int] = {}
        for outcome in run.outcomes:
            if outcome.kind == "score":
                partition, offset = _place(outcome)
                first[partition] = min(offset, first.get(partition, offset))
        lost = [each for each in missing if each.offset > first.get(each.partition, each.offset)]
    else:
        lost = missing if len(missing) > run.counted.skipped else []
    if delivery == "at-most-once":
        lost = _within_a_batch(lost, run)
    if lost:
        examples = ", ".join(each.record_id for each in lost[:3])
        yield Fault("lost", f"{len(lost)} records have no outcome, and were not skipped, such as {examples}")


def _within_a_batch(lost: Sequence[Sent], run: Run) -> list[Sent]:
    """Of what is lost, that which does not end where a commit does: then its batch was scored, and it was left out."""
    gone = {(each.partition, each.offset) for each in lost}
    commits = {(each.partition, each.offset) for each in run.commits}
    within: list[Sent] = []
    behind: dict[int, int] = {}  # by partition: where the next record lies, and its loss, if it is lost, is explained
    explained: dict[int, bool] = {}
    for record in sorted(run.sent, key=_offset, reverse=True):
        partition, offset = record.partition, record.offset
        if (partition, offset) in gone:
            ends = range(offset + 1, behind.get(partition, run.log_ends.get(partition, offset + 1)) + 1)
            explained[partition] = explained.get(partition, False) or any((partition, each) in commits for each in ends)
            if not explained[partition]:
                within.append(record)
        else:
            explained[partition] = False
        behind[partition] = offset
    return within[::-1]


def _offset(record: Sent) -> int:
    return record.offset


def _both(run: Run) -> Iterator[Fault]:
    """A record is scored, or it is rejected: a model that refuses it today and scores it tomorrow is another story."""
    letters = {_place(each) for each in run.outcomes if each.kind == "dead letter"}
    for at in sorted({_place(each) for each in run.outcomes if each.kind == "score"} & letters):
        yield Fault("both", f"{at} has a score and a dead letter")


def _hand_overs(scores: Sequence[Outcome], run: Run, delivery: DeliveryMode) -> tuple[list[HandOver], list[Fault]]:
    """Where the scores of a partition go back: to the last commit, which is a hand-over, or not, which is a fault.

    Only with at-least-once a hand-over scores anything again. The first records behind the commit may have been skipped
    or rejected: then the commit lies in the gap before the score that comes again.
    """
    hand_overs, faults = [], []
    scored = {_place(each) for each in scores}
    for partition, of_partition in _by_partition(scores).items():
        before = -1
        for score in of_partition:
            if score.source_offset <= before:
                committed = _committed_at(run, partition, score.at_ms)
                between = range(committed, score.source_offset)
                skips = any((partition, each) in scored for each in between)
                if delivery != "at-least-once" or committed > score.source_offset or skips:
                    text = f"partition {partition}: {score.source_offset} after {before}; committed was {committed}"
                    faults.append(Fault("out of order", text))
                else:
                    hand_overs.append(HandOver(partition, committed, before + 1))
            before = score.source_offset
    return hand_overs, faults


def _committed_at(run: Run, partition: int, at_ms: int) -> int:
    commits = [each.offset for each in run.commits if each.partition == partition and each.at_ms <= at_ms]
    return commits[-1] if commits else 0


def _duplicates(scores: Sequence[Outcome], hand_overs: Sequence[HandOver]) -> tuple[int, int, list[Fault]]:
    times_ms: defaultdict[Place, list[int]] = defaultdict(list)
    for score in scores:
        times_ms[_place(score)].append(score.at_ms)
    duplicates = explained = 0
    faults = []
    for (partition, offset), of_record in times_ms.items():
        again = len(of_record) - 1
        if not again:
            continue
        sent_twice = len(of_record) - len(set(of_record))
        allowed = sum(each.partition == partition and each.committed <= offset < each.reached for each in hand_overs)
        duplicates += again
        explained += min(again - sent_twice, allowed)
        if sent_twice:
            faults.append(Fault("doubled", f"({partition}, {offset}) was scored once, and the score was sent again"))
        elif again > allowed:
            text = f"({partition}, {offset}) has {again + 1} scores; hand-overs explain {allowed + 1}"
            faults.append(Fault("doubled", text))
    return duplicates, explained, faults


def _wrong_models(scores: Sequence[Outcome], run: Run, takeover_ms: int) -> Iterator[Fault]:
    """A model scores from its publication on, and until its successor is loaded."""
    spans: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    successors = [each.at_ms + takeover_ms for each in run.published[1:]]
    for published, until in zip(run.published, [*successors, float("inf")], strict=True):
        spans[published.model].append((published.at_ms, until))
    for score in scores:
        if not any(since <= score.at_ms <= until for since, until in spans[score.model or ""]):
            yield Fault("wrong model", f"{_place(score)} was scored by {score.model!r}, which was not active then")


def _commits(run: Run) -> Iterator[Fault]:
    """The group has come to the end of what was sent, and has never promised more than there is."""
    last: dict[int, int] = {}
    for record in run.sent:
        last[record.partition] = max(last.get(record.partition, 0), record.offset + 1)
    for partition, end in last.items():
        at = run.committed.get(partition, 0)
        if at < end:
            yield Fault("commits", f"partition {partition}: committed up to {at}, and {end - at} more are there")
    for commit in run.commits:
        if commit.offset > run.log_ends.get(commit.partition, 0):
            yield Fault("commits", f"partition {commit.partition}: {commit.offset} was committed, which is not there")


def _counters(run: Run) -> Iterator[Fault]:
    if run.counted is None:
        return
    kinds = Counter(each.kind for each in run.outcomes)
    for name, counted, found in (
        ("scored", run.counted.scored, kinds["score"]),
        ("dead letters", run.counted.dead_letters, kinds["dead letter"]),
    ):
        if counted != found:
            yield Fault("counters", f"{name}: the servers counted {counted}, the topic has {found}")
    done = {_place(each) for each in run.outcomes}
    missing = sum((each.partition, each.offset) not in done for each in run.sent)
    if run.counted.skipped != missing:
        yield Fault("counters", f"skipped: the servers counted {run.counted.skipped}, {missing} have no outcome")
