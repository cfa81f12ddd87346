"""Small files that must outlive the process, such as until when a venue banned us; one folder, whole files, no secrets.

A file is replaced as a whole or not at all: a reader sees the old text or the new one, also after a crash."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

FILE_BYTES_MAX = 1_048_576  # what we keep here is small; more is not ours


class FileStore:
    """Names are plain words; what cannot be read is as if it were not there, what cannot be written raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> bytes | None:
        try:
            with (self.folder / name).open("rb") as file:
                text = file.read(FILE_BYTES_MAX + 1)
        except OSError:
            return None
        return text if len(text) <= FILE_BYTES_MAX else None

    def write(self, name: str, text: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(path).replace(self.folder / name)
        except BaseException:  # whatever stopped us, half a file is left nowhere
            with contextlib.suppress(OSError):
                Path(path).unlink()
            raise
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name itself must outlive a crash
        finally:
            os.close(folder)

    def __repr__(self) -> str:
        return f"<FileStore {self.folder}>"


def state_folder() -> Path:
    """Where this platform keeps the state of programs."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fairlead"
