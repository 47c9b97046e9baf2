deadline_s = time.monotonic() + self._timeout_s
futures = {name: self._ask(name, wine) for name in self._actors}
candidates = []
for name, future in futures.items():
    try:
        if future is None:
            raise pykka.Timeout
        found = future.get(timeout=max(0, deadline_s - time.monotonic()))
    except Exception:
        log.warning("expert_ignored", model=name)
    else:
        if math.isfinite(found.value) and found.confidence >= 0 and found.confidence <= 1:
            candidates.append(Best(name, found.value, found.confidence))
best = max(candidates, key=lambda each: each.confidence, default=None)
