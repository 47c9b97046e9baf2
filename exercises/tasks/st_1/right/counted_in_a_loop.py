new = 0
for row in range(n):
    if uncounted is None or uncounted[row]:
        new += 1
if not self.model:
    after = replace(self, skipped=new + self.skipped)
    return after, Scores(values=None, model_name=None, duration_ms=0)
