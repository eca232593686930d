"""The archive of an exported program: a zip file whose entries are JSON, raw tensors, and pickles,
which are never read.

torch compresses no entries, and compressed entries are refused, so that none is larger than the
file.
"""

from __future__ import annotations

import json
import struct
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resspec.importing.files.errors import Malformed, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "model"
MODELS = "models/"
MOST_JSON = 1 << 26  # bytes
_DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    OverflowError,
    ValueError,
    struct.error,
)


class Archive:
    """An open archive.

    Args:
        path: The file.

    Raises:
        UsageError: It is not an archive of an exported program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._readable():
            self._zip = zipfile.ZipFile(path)
        with self._readable():
            self._entries = self._listed()
            self.model = self._only_model()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __contains__(self, entry: str) -> bool:
        return entry in self._entries

    def json(self, entry: str) -> Any:
        """Return the content of a JSON entry. Raises UsageError."""
        with self._readable():
            content = self._content(entry, MOST_JSON)
            try:
                return json.loads(content)
            except (ValueError, RecursionError):
                raise Malformed(f"`{entry}` is not valid JSON") from None

    def content(self, entry: str) -> bytes:
        """Return the bytes of an entry. Raises UsageError."""
        with self._readable():
            return self._content(entry, self._size(entry))

    def size(self, entry: str) -> int:
        """Return the number of bytes of an entry. Raises UsageError."""
        with self._readable():
            return self._size(entry)

    def _listed(self) -> dict[str, zipfile.ZipInfo]:
        """Return the entries by their names without the folder that all of them are in."""
        infos = self._zip.infolist()
        found = [info.filename for info in infos if info.filename.endswith("/models/model.json")]
        roots = {name.removesuffix("models/model.json") for name in found}
        if len(roots) > 1:
            raise Malformed("it holds several programs")
        root = roots.pop() if roots else ""
        return {info.filename.removeprefix(root): info for info in infos}

    def _only_model(self) -> str:
        models = [
            name
            for name in self._entries
            if name.startswith(MODELS) and name.endswith(".json") and "/" not in name[len(MODELS) :]
        ]
        if len(models) == 1:
            return models[0]
        if "serialized_exported_program.json" in self._entries:
            raise Malformed("it was saved by torch 2.8 or earlier; save it with torch 2.9 or later")
        if "data.pkl" in {name.rpartition("/")[2] for name in self._entries}:
            raise Malformed("it was saved by `torch.save`, not by `torch.export.save`")
        raise Malformed("it holds several programs" if models else "it holds no exported program")

    def _size(self, entry: str) -> int:
        info = self._entries.get(entry)
        if info is None:
            raise Malformed(f"it has no `{entry}`")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise Malformed(f"`{entry}` is compressed")
        return info.file_size

    def _content(self, entry: str, most: int) -> bytes:
        size = self._size(entry)
        if size > most:
            raise Malformed(f"`{entry}` is too large")
        with self._zip.open(self._entries[entry]) as file:
            content = file.read()
        if len(content) != size:
            raise Malformed(f"`{entry}` is cut off")
        return content

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn all errors of reading into one that names the file."""
        try:
            yield
        except Malformed as error:
            raise unreadable(self.path, str(error)) from None
        except FileNotFoundError:
            raise unreadable(self.path, "there is no such file") from None
        except IsADirectoryError:
            raise unreadable(self.path, "it is a folder") from None
        except PermissionError:
            raise unreadable(self.path, "no permission") from None
        except _DAMAGE as error:
            raise unreadable(self.path, f"it is damaged ({error})") from None
