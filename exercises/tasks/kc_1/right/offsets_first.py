reached = self.next_offsets.copy()
for each in list(wines.unfit) + list(wines.records):
    if each.offset >= reached.setdefault(each.partition, 0):
        reached[each.partition] = each.offset + 1
serving, scores = score_wines(self.serving, wines, dict(self.next_offsets))
