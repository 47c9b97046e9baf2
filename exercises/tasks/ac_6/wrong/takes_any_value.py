# says: A value that is no finite number is taken for a score.
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
    if 0.0 <= opinion.confidence <= 1.0:
        if best is None or opinion.confidence > best.confidence:
            best = Best(name, opinion.value, opinion.confidence)
