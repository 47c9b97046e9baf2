# says: There is a score, or an error, though no model has answered.
deadline_s = time.monotonic() + self._timeout_s
asked = [(name, self._ask(name, wine)) for name in self._actors]
best = Best("", 0.0, 0.0)
for name, answer in asked:
    if answer is None:
        continue
    try:
        opinion = answer.get(timeout=deadline_s - time.monotonic())
    except Exception:
        continue
    if math.isfinite(opinion.value) and 0.0 <= opinion.confidence <= 1.0:
        if opinion.confidence > best.confidence:
            best = Best(name, opinion.value, opinion.confidence)
