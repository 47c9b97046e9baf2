# says: The temporary file's name does not end with .tmp.
temporary = self._directory / f".{self._path.name}"
with temporary.open("wb") as file:
    file.writelines(self._lines)
    file.flush()
    os.fsync(file.fileno())
temporary.rename(self._path)
sync(self._directory)
self._lines = []
self._number += 1
