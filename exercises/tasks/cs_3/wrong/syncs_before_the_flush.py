# says: The file was renamed before all of it was on the disk.
temporary = self._path.with_suffix(".tmp")
with temporary.open("wb") as file:
    file.writelines(self._lines)
    os.fsync(file.fileno())
temporary.rename(self._path)
sync(self._directory)
self._lines = []
self._number += 1
