# says: A model that fails costs the wine its score.
best = None
try:
    opinions = dict(zip(self._actors, pykka.get_all([self._ask(name, wine) for name in self._actors], timeout=self._timeout_s)))
    name = max(opinions, key=lambda each: opinions[each].confidence)
    best = Best(name, opinions[name].value, opinions[name].confidence)
except Exception:
    pass
