# says: The offsets of the state before the batch were changed.
serving, scores = score_wines(self.serving, wines, self.next_offsets)
reached = self.next_offsets
for record in (*wines.records, *wines.unfit):
    reached[record.partition] = max(reached.get(record.partition, 0), record.offset + 1)
