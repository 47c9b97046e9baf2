# says: A record of the batch has no score, or another record's.
new = [record.offset >= self.next_offsets.get(record.partition, 0) for record in wines.records]
serving, scores = self.serving.score(wines.features[new])
reached = dict(self.next_offsets)
for record in (*wines.records, *wines.unfit):
    reached[record.partition] = max(reached.get(record.partition, 0), record.offset + 1)
