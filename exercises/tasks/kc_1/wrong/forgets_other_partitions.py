# says: The next offset of a partition that is not in the batch has changed.
serving, scores = score_wines(self.serving, wines, self.next_offsets)
reached = {}
for record in (*wines.records, *wines.unfit):
    reached[record.partition] = max(self.next_offsets.get(record.partition, 0), record.offset + 1)
