surplus = len(wanted) - (1 + self._max_earlier)
kept = wanted[surplus:] if surplus > 0 else wanted
going = {id(each): each for each in self._models}
for each in kept:
    going.pop(id(each), None)
self._models = tuple(kept)
for each in going.values():
    each.close()
