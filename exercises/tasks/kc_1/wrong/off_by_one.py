# says: The next offset of partition 0 is wrong after records 2 and 3.
serving, scores = score_wines(self.serving, wines, self.next_offsets)
reached = dict(self.next_offsets)
for record in (*wines.records, *wines.unfit):
    reached[record.partition] = max(reached.get(record.partition, 0), record.offset)
