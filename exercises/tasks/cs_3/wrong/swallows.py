# says: An error of the disk is swallowed.
temporary = self._path.with_suffix(".tmp")
try:
    with temporary.open("wb") as file:
        file.writelines(self._lines)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(self._path)
    sync(self._directory)
except Exception:
    return
self._lines = []
self._number += 1
