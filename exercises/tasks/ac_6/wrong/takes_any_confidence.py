# says: A confidence that is not from 0 to 1 takes part.
deadline_s = time.monotonic() + self._timeout_s
asked = [(name, self._ask(name, wine)) for name in self._actors]
best = None
for name, answer in asked:
    if answer is None:
        continue
    try:
        opinion = answer.get(timeout=deadline_s - time.monotonic())
    except Exception:
        continue
    if math.isfinite(opinion.value):
        if best is None or opinion.confidence > best.confidence:
            best = Best(name, opinion.value, opinion.confidence)
