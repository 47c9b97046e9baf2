data = memoryview(b"".join(self._lines))
temporary = str(self._path) + ".tmp"
descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644)
try:
    while data:
        data = data[os.write(descriptor, data) :]
    os.fsync(descriptor)
finally:
    os.close(descriptor)
os.replace(temporary, self._path)
sync(self._directory)
self._lines.clear()
self._number = self._number + 1
