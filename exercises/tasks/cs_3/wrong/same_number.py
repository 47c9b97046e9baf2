# says: The second file has not a name of its own.
temporary = self._path.with_suffix(".tmp")
with temporary.open("wb") as file:
    file.writelines(self._lines)
    file.flush()
    os.fsync(file.fileno())
temporary.rename(self._path)
sync(self._directory)
self._lines = []
