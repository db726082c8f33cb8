"""Figures that others printed, shown as facts beside the protocol that reproduces their rules; never ranked."""

from typing import Any

SOURCE = "the study of 2024, figure 12"

# approach, IS mean, IS standard deviation, FID on Flowers102, FID on CelebA
FIGURE_12 = (
    ("random noise", 1.0844, 0.0582, 50.4702, 50.4702),
    ("VAE", 1.4691, 0.1964, 3.2527, 2.4564),
    ("diffusion", 1.6420, 0.1707, 2.0693, 1.0349),
)


def published(protocol: str) -> list[dict[str, Any]]:
    """The printed rows that belong under this protocol; none under any other.

    FID: 64 features, mean of six groups of 12 generated against 12 test images.  IS: mean and spread, flowers and faces mixed.
    """
    if protocol != "study-2024":
        return []
    names = ("approach", "is", "is_spread", "fid_flowers102", "fid_celeba")
    note = {"random noise": "one FID printed for both data sets"}
    return [dict(zip(names, row, strict=True)) | {"note": note.get(row[0], ""), "source": SOURCE} for row in FIGURE_12]
