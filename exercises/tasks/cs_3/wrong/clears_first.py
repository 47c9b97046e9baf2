# says: After an error of the disk the lines are not published by the next call.
temporary = self._path.with_suffix(".tmp")
lines, self._lines = self._lines, []
with temporary.open("wb") as file:
    file.writelines(lines)
    file.flush()
    os.fsync(file.fileno())
temporary.rename(self._path)
sync(self._directory)
self._number += 1
