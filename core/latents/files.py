"""Image files of a person's own: kept under their content, prepared as a data set's are."""

import hashlib
import uuid
import warnings
from pathlib import Path

from core import paths, store
from core.datasets import reading
from core.errors import DataError, StoreError

UPLOADS = "uploads"


def keep(data: bytes, name: str, size: int) -> Path:
    """An uploaded file under its own sha256, for a job to read. name: only for the sentence.

    DataError where the bytes are no image that a data set of this size would take: nothing is kept then.
    """
    file = paths.store(UPLOADS) / hashlib.sha256(data).hexdigest()
    if file.is_file():
        return file
    beside = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        picture(beside, size, name)
        beside.replace(file)
    except OSError as e:
        raise StoreError(f"{file.parent} cannot be written ({e.strerror}); make room or move STUDIO_CACHE.") from e
    finally:
        beside.unlink(missing_ok=True)
    return file


def picture(file: Path, size: int, name: str = "") -> reading.Picture:
    """The file's picture at `size` px a side, cropped and resized like a data set's. DataError where it cannot be read."""
    with warnings.catch_warnings():
        # Of metadata and sizes.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        found = reading.read(file, size)
    if isinstance(found, str):
        raise DataError(f"{name or file} cannot be encoded: {found}; give a PNG, JPEG or WEBP image.")
    return found


def sha256(file: Path) -> str:
    """DataError where the file cannot be opened."""
    try:
        return store.sha256(file)
    except OSError as e:
        raise DataError(f"{file} cannot be opened ({e.strerror}); give the path of an image file.") from e
