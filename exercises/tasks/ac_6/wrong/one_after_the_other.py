# says: The models are asked one after the other.
best = None
for name in self._actors:
    answer = self._ask(name, wine)
    if answer is None:
        continue
    try:
        opinion = answer.get(timeout=self._timeout_s)
    except Exception:
        continue
    if math.isfinite(opinion.value) and 0.0 <= opinion.confidence <= 1.0:
        if best is None or opinion.confidence > best.confidence:
            best = Best(name, opinion.value, opinion.confidence)
