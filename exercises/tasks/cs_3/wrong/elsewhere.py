# says: The temporary file is in another directory.
import shutil
import tempfile

with tempfile.NamedTemporaryFile(suffix=".tmp", delete=False) as file:
    file.writelines(self._lines)
    file.flush()
    os.fsync(file.fileno())
shutil.move(file.name, self._path)
sync(self._directory)
self._lines = []
self._number += 1
