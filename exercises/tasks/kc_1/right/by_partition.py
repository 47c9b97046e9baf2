serving, scores = score_wines(self.serving, wines, self.next_offsets)
all_records = [*wines.records, *wines.unfit]
reached = {**self.next_offsets}
for partition in {each.partition for each in all_records}:
    last = max(each.offset for each in all_records if each.partition == partition)
    if last >= reached.get(partition, 0):
        reached[partition] = last + 1
