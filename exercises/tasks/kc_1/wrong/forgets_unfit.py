# says: A record that is unfit was not remembered as counted.
serving, scores = score_wines(self.serving, wines, self.next_offsets)
reached = dict(self.next_offsets)
for record in wines.records:
    reached[record.partition] = max(reached.get(record.partition, 0), record.offset + 1)
