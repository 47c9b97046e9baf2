# says: The file was renamed before all of its lines were in it.
temporary = self._path.with_suffix(".tmp")
with temporary.open("wb") as file:
    file.writelines(self._lines)
    temporary.rename(self._path)
    file.flush()
    os.fsync(file.fileno())
sync(self._directory)
self._lines = []
self._number += 1
