temporary = self._path.with_suffix(".tmp")
temporary.write_bytes(b"".join(self._lines))
with open(temporary, "rb+") as again:
    os.fsync(again.fileno())
os.link(temporary, self._path)
os.unlink(temporary)
sync(self._directory)
self._number, self._lines = self._number + 1, []
