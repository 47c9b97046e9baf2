self._number += 1
path = self._directory / f"results-{self._number - 1:08}.jsonl"
temporary = path.with_suffix(".tmp")
with temporary.open("wb") as file:
    file.write(b"".join(self._lines))
    file.flush()
    os.fsync(file.fileno())
temporary.rename(path)
sync(self._directory)
self._lines = []
