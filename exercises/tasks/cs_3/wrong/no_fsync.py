# says: The file was renamed before all of it was on the disk.
temporary = self._path.with_suffix(".tmp")
temporary.write_bytes(b"".join(self._lines))
temporary.rename(self._path)
sync(self._directory)
self._lines = []
self._number += 1
