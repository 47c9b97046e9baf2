# says: Something was published although the disk was full.
temporary = self._path.with_suffix(".tmp")
try:
    with temporary.open("wb") as file:
        file.writelines(self._lines)
        file.flush()
        os.fsync(file.fileno())
finally:
    temporary.rename(self._path)
sync(self._directory)
self._lines = []
self._number += 1
