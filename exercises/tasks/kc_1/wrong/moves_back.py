# says: An old batch moved the next offset back.
serving, scores = score_wines(self.serving, wines, self.next_offsets)
reached = dict(self.next_offsets)
for record in sorted((*wines.records, *wines.unfit), key=lambda each: each.offset):
    reached[record.partition] = record.offset + 1
