# says: A file is written under the name that readers look for.
with self._path.open("wb") as file:
    file.writelines(self._lines)
    file.flush()
    os.fsync(file.fileno())
sync(self._directory)
self._lines = []
self._number += 1
