def opinion_of(future):
    try:
        return future.get(timeout=max(end_s - time.monotonic(), 0.001))
    except Exception:
        return Opinion(math.nan, math.nan)

end_s = self._timeout_s + time.monotonic()
asked = list(zip(self._actors, [self._ask(name, wine) for name in self._actors]))
answers = [(name, opinion_of(future)) for name, future in asked if future]
fit = [
    Best(name, each.value, each.confidence)
    for name, each in answers
    if not (math.isnan(each.value) or math.isinf(each.value) or math.isnan(each.confidence))
]
ranked = sorted((each for each in fit if 0 <= each.confidence <= 1), key=lambda each: -each.confidence)
best = ranked[0] if ranked else None
