# says: The counter is wrong after a batch of a redelivered record and a new one.
serving, scores = score_wines(self.serving, wines)
reached = dict(self.next_offsets)
for record in (*wines.records, *wines.unfit):
    reached[record.partition] = max(reached.get(record.partition, 0), record.offset + 1)
