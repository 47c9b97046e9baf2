import tempfile

with tempfile.NamedTemporaryFile("wb", dir=self._directory, suffix=".tmp", delete=False) as file:
    for line in self._lines:
        file.write(line)
    file.flush()
    os.fsync(file)
os.rename(file.name, self._path)
sync(self._path.parent)
self._number += 1
self._lines = []
