"""Flowers102 and CelebA in small: the files that torchvision expects, tiny images in them, the indices in their real formats."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from core.datasets.published import PUBLISHED
from tests.core.datasets import files

ATTRIBUTES = ("5_o_Clock_Shadow", "Male", "Young")


def jpeg(seed: int) -> bytes:
    return files.encoded(Image.fromarray(files.colours(seed)), "JPEG")


def tgz(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in members.items():
            z.writestr(name, data)
    return out.getvalue()


def flowers(n: int = 40) -> dict[str, bytes]:
    """Image i has the label i % 7 + 1 of the real file, which counts from 1; a quarter each trains and validates."""

    def mat(**arrays: list[int]) -> bytes:
        out = io.BytesIO()
        savemat(out, {name: np.array([numbers], np.uint16) for name, numbers in arrays.items()})
        return out.getvalue()

    shuffled = (np.random.default_rng(0).permutation(n) + 1).tolist()
    quarter = n // 4
    sets = {"trnid": shuffled[:quarter], "valid": shuffled[quarter : 2 * quarter], "tstid": shuffled[2 * quarter :]}
    return {
        "102flowers.tgz": tgz({f"jpg/image_{i:05}.jpg": jpeg(i) for i in range(1, n + 1)}),
        "imagelabels.mat": mat(labels=[i % 7 + 1 for i in range(1, n + 1)]),
        "setid.mat": mat(**sets),
    }


def celeba(n: int = 24) -> dict[str, bytes]:
    """Person i // 3 + 100 is on image i; every eighth image tests, the one before it validates."""
    names = [f"{i:06}.jpg" for i in range(1, n + 1)]

    def text(head: list[str], rows: list[str]) -> bytes:
        return "".join(
            f"{line}\n" for line in (*head, *(f"{name} {row}" for name, row in zip(names, rows, strict=True)))
        ).encode()

    numbered = range(1, n + 1)
    return {
        "img_align_celeba.zip": zipped({f"img_align_celeba/{name}": jpeg(i) for i, name in enumerate(names)}),
        "list_attr_celeba.txt": text([str(n), " ".join(ATTRIBUTES) + " "], ["-1  1 -1"] * n),
        "identity_CelebA.txt": text([], [str(i // 3 + 100) for i in numbered]),
        "list_bbox_celeba.txt": text([str(n), "image_id x_1 y_1 width height"], ["   95  71 226 313"] * n),
        "list_landmarks_align_celeba.txt": text(
            [str(n), "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"],
            ["69  109  106  113   77  142   73  152  108  154"] * n,
        ),
        "list_eval_partition.txt": text([], [str({0: 2, 7: 1}.get(i % 8, 0)) for i in numbered]),
    }


def known(monkeypatch: pytest.MonkeyPatch, made: Mapping[str, bytes]) -> None:
    """torchvision takes the made files for the real ones: its own checksums are of other bytes."""
    from torchvision.datasets import CelebA, Flowers102

    md5 = {name: hashlib.md5(data).hexdigest() for name, data in made.items()}
    table = {key: (name, md5.get(name, old)) for key, (name, old) in Flowers102._file_dict.items()}
    monkeypatch.setattr(Flowers102, "_file_dict", table)
    monkeypatch.setattr(CelebA, "file_list", [(drive, md5.get(name, old), name) for drive, old, name in CelebA.file_list])


def put(name: str, root: Path, made: Mapping[str, bytes], *, unpacked: bool = True) -> Path:
    """The files where torchvision expects them below the root; gives their folder."""
    p = PUBLISHED[name]
    place = p.place(root)
    place.mkdir(parents=True)
    for file, data in made.items():
        if file != p.archive or not unpacked:
            (place / file).write_bytes(data)
        elif file.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as z:
                z.extractall(place)
        else:
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                tar.extractall(place, filter="data")
    return place
