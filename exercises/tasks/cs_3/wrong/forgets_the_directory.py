# says: The directory was not synced after the rename.
temporary = self._path.with_suffix(".tmp")
with temporary.open("wb") as file:
    file.writelines(self._lines)
    file.flush()
    os.fsync(file.fileno())
sync(self._directory)
temporary.rename(self._path)
self._lines = []
self._number += 1
