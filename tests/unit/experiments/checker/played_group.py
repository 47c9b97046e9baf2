"""A consumer group, played: members that score, commit, leave and are killed, by chance, and keep what they promise."""

import random
from dataclasses import dataclass, field

from experiments.checker.run import Commit, Counted, Outcome, Published, Run, Sent
from serving.engine import DeliveryMode

PARTITIONS, RECORDS, SWAP_EVERY = 3, 120, 50


@dataclass
class PlayedGroup:
    """At-least-once: a batch's outcomes are written, and then, sooner or later, its offset is committed.

    At-most-once: first its offset is committed; exactly-once: both at the same time.
    """

    chance: random.Random
    kills: bool = True
    delivery: DeliveryMode = "at-least-once"
    now_ms: int = 1_700_000_000_000
    outcomes: list[Outcome] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    skipped: set[tuple[int, int]] = field(default_factory=set)

    def run(self) -> Run:
        """A run from the first record to the last commit."""
        sent = [
            Sent(partition, offset, f"{partition}-{offset}")
            for partition in range(PARTITIONS)
            for offset in range(RECORDS)
        ]
        if self.chance.random() < 0.5:  # else the first records come before the first model
            self._publish()
        positions = dict.fromkeys(range(PARTITIONS), 0)
        committed = dict(positions)
        while min(committed.values()) < RECORDS:
            self._tick()
            partition = self.chance.randrange(PARTITIONS)
            match self.chance.choices(["score", "commit", "kill", "leave"], [20, 8, 1 if self.kills else 0, 1])[0]:
                case "score":
                    batch = self._batch(positions[partition])
                    if self.delivery == "at-most-once":
                        self._commit(partition, batch.stop)
                    self._score(partition, batch)
                    if self.delivery == "exactly-once":
                        self._commit(partition, batch.stop)
                    positions[partition] = batch.stop
                    if self.delivery != "at-least-once":
                        committed[partition] = batch.stop
                case "commit" | "leave":
                    self._commit(partition, positions[partition])
                    committed[partition] = positions[partition]
                case "kill" if self.delivery == "at-most-once":  # right behind the commit
                    positions[partition] = committed[partition] = self._batch(positions[partition]).stop
                    self._commit(partition, committed[partition])
                case "kill":
                    positions[partition] = committed[partition]
        counted = None if self.kills else self._counted()
        ends = dict.fromkeys(range(PARTITIONS), RECORDS)
        return Run(sent, self.outcomes, self.published, self.commits, counted, committed, ends)

    def _batch(self, first: int) -> range:
        return range(first, min(RECORDS, first + self.chance.randint(1, 12)))

    def _tick(self) -> None:
        self.now_ms += self.chance.randint(1, 40)
        if self.chance.random() < 1 / SWAP_EVERY or (not self.published and self.chance.random() < 0.2):
            self._publish()

    def _publish(self) -> None:
        self.published.append(Published(f"model {len(self.published)}", self.now_ms))

    def _score(self, partition: int, offsets: range) -> None:
        for offset in offsets:
            self.now_ms += 1
            record_id = f"{partition}-{offset}"
            if offset % 17 == 16:  # no wine
                self.outcomes.append(Outcome("dead letter", 0, partition, offset, record_id, self.now_ms))
            elif self.published:
                model = self.published[-1].model
                self.outcomes.append(Outcome("score", partition, partition, offset, record_id, self.now_ms, model))

    def _commit(self, partition: int, offset: int) -> None:
        self.commits.append(Commit(partition, offset, self.now_ms))

    def _counted(self) -> Counted:
        kinds = [each.kind for each in self.outcomes]
        records = PARTITIONS * RECORDS
        return Counted(kinds.count("score"), records - len(kinds), kinds.count("dead letter"))
