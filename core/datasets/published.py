"""Data sets that others publish, read by torchvision from the files that torchvision expects, wherever these came from.

Checksums, addresses and the reading of the indices are torchvision's. It is imported inside functions: the web process may
ask for `PUBLISHED` and `missing`, which need nothing of it.
"""

import contextlib
import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of an index. name: path of its file below the index's folder, with "/".

    label: class.  split: "train", "val" or "test" of the official split.  person: identity.  "" where there is none.
    """

    name: str
    label: str = ""
    split: str = ""
    person: str = ""


@dataclass(frozen=True)
class RemoteFile:
    """bytes: its size.  url, or drive: the id of a file on Google Drive."""

    name: str
    md5: str
    bytes: int = 0
    url: str = ""
    drive: str = ""


@dataclass(frozen=True)
class Published:
    """folder: torchvision's, below the root.  archive: the file that holds `images`, a folder of n images.

    bytes: sizes of the files, for people to read; CelebA's are as TensorFlow Datasets lists them.  page: where a person finds
    them.  mirrors: data sets on the Hub that hold the same files.  remote, read: from torchvision; read(root) gives the index in
    the order of the files' names.
    """

    name: str
    label: str
    licence: str
    note: str
    page: str
    folder: str
    archive: str
    images: str
    n: int
    others: tuple[str, ...]
    bytes: Mapping[str, int]
    remote: Callable[[], Mapping[str, tuple[str, str, str]]]  # file name -> md5, url, drive id
    read: Callable[[Path], list[Entry]]
    mirrors: tuple[str, ...] = ()

    def files(self) -> tuple[RemoteFile, ...]:
        """The archive first. Imports torchvision."""
        known = self.remote()
        return tuple(
            RemoteFile(name, known[name][0], self.bytes[name], *known[name][1:]) for name in (self.archive, *self.others)
        )

    def place(self, root: Path) -> Path:
        return root / self.folder


def missing(p: Published, root: Path) -> list[str]:
    """The files that are missing below the root, none where all are there; the unpacked archive counts for the archive."""
    place = p.place(root)
    archive = (place / p.images).is_dir() or (place / p.archive).is_file()
    return [*([] if archive else [p.archive]), *(name for name in p.others if not (place / name).is_file())]


def expected(p: Published, root: Path) -> str:
    """The sentence that says which files belong where, for whoever puts them there by hand. Imports torchvision."""
    place = p.place(root)
    archive, *others = (_described(f) for f in p.files())
    return (
        f"get {archive} or the folder {p.images} that it holds ({p.n:,} images), {', '.join(others)} from {p.page} "
        f"and put them into {place}{f'; {p.note}' if p.note else ''}."
    )


def entries(p: Published, root: Path) -> tuple[Path, list[Entry]]:
    """The folder of the images and the index, in the order of the files' names, as torchvision reads them.

    DataError where it refuses the files: one is missing, or not what its checksum says. Images are not looked at.
    """
    try:
        found = p.read(root)
    except RuntimeError as e:  # torchvision's "not found or corrupted"
        raise DataError(f"{p.label} is not whole ({_wrong(p, root) or e}); {expected(p, root)}") from e
    return images(p, root, found[0].name) if found else p.place(root), found


def images(p: Published, root: Path, name: str) -> Path:
    """The folder of the images, of which one has this name."""
    folder = p.place(root) / p.images
    nested = folder / p.images
    # Where an archive that holds the folder was unpacked into a folder of that name.
    return nested if (nested / name).is_file() else folder


def md5(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _described(f: RemoteFile) -> str:
    return f"{f.name} ({f.bytes:,} bytes)"


def _wrong(p: Published, root: Path) -> str:
    """What is amiss with the files, in a few words."""
    place, lacking = p.place(root), missing(p, root)
    said = [f"missing in {place}: {', '.join(lacking)}"] if lacking else []
    if not lacking and not (place / p.images).is_dir():
        said += [f"{p.archive} is not unpacked yet"]
    # The archive's checksum is looked at before it is unpacked, and what it held has none.
    other = [f.name for f in p.files() if f.name in p.others and f.name not in lacking and md5(place / f.name) != f.md5]
    return "; ".join(said + ([f"with another checksum: {', '.join(other)}"] if other else []))


# ------------------------------------------------------------------------------------------------------- Flowers102


def _flowers_remote() -> dict[str, tuple[str, str, str]]:
    from torchvision.datasets import Flowers102

    return {name: (md5, Flowers102._download_url_prefix + name, "") for name, md5 in Flowers102._file_dict.values()}


def _flowers(root: Path) -> list[Entry]:
    from torchvision.datasets import Flowers102

    found = []
    for split in ("train", "val", "test"):
        # Its loader is handed the path of each image: that is all that is wanted of it.
        data = Flowers102(root, split=split, loader=lambda path: path)
        found += [Entry(Path(path).name, Flowers102.classes[label], split) for path, label in (data[i] for i in range(len(data)))]
    return sorted(found, key=lambda e: e.name)


# ----------------------------------------------------------------------------------------------------------- CelebA

_PARTITION = ("train", "val", "test")


def _celeba_remote() -> dict[str, tuple[str, str, str]]:
    from torchvision.datasets import CelebA

    return {name: (md5, "", drive) for drive, md5, name in CelebA.file_list}


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """torchvision makes a list of each line; looking for garbage among millions of them takes two thirds of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _celeba(root: Path) -> list[Entry]:
    from torchvision.datasets import CelebA

    with _uncollected():
        data = CelebA(str(root), split="all", target_type="identity")
        # "all" does not say which is which, and three times the reading would take three times as long.
        partition = data._load_csv("list_eval_partition.txt").data[:, 0].tolist()
    people = data.identity[:, 0].tolist()
    rows = zip(data.filename, partition, people, strict=True)
    return sorted((Entry(name, "", _PARTITION[k], str(person)) for name, k, person in rows), key=lambda e: e.name)


PUBLISHED: dict[str, Published] = {
    p.name: p
    for p in (
        Published(
            name="flowers102",
            label="Flowers102",
            licence="Images from the web, collected by the Visual Geometry Group, Oxford, for research; no explicit licence.",
            note="",
            page="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
            folder="flowers-102",
            archive="102flowers.tgz",
            images="jpg",
            n=8_189,
            others=("imagelabels.mat", "setid.mat"),
            bytes={"102flowers.tgz": 344_862_509, "imagelabels.mat": 502, "setid.mat": 14_989},
            remote=_flowers_remote,
            read=_flowers,
        ),
        Published(
            name="celeba",
            label="CelebA",
            licence="For non-commercial research only, by the agreement of MMLAB, The Chinese University of Hong Kong.",
            note="hub:flwrlabs/celeba (config img_align+identity+attr, columns image and celeb_id) is another way to the images",
            page="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
            folder="celeba",
            archive="img_align_celeba.zip",
            images="img_align_celeba",
            n=202_599,
            others=(
                "list_attr_celeba.txt",
                "identity_CelebA.txt",
                "list_bbox_celeba.txt",
                "list_landmarks_align_celeba.txt",
                "list_eval_partition.txt",
            ),
            bytes={
                "img_align_celeba.zip": 1_443_490_838,
                "list_attr_celeba.txt": 26_721_026,
                "identity_CelebA.txt": 3_424_458,
                "list_bbox_celeba.txt": 6_082_035,
                "list_landmarks_align_celeba.txt": 12_156_055,
                "list_eval_partition.txt": 2_836_386,
            },
            remote=_celeba_remote,
            read=_celeba,
            mirrors=("Yuehao/celeba",),
        ),
    )
}
