# says: The second file has not just the lines that came after the first.
temporary = self._path.with_suffix(".tmp")
with temporary.open("wb") as file:
    file.writelines(self._lines)
    file.flush()
    os.fsync(file.fileno())
temporary.rename(self._path)
sync(self._directory)
self._number += 1
