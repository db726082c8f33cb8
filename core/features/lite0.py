"""EfficientNet-Lite0 (Tan and Le 2019; the Lite variant of TensorFlow's TPU repository), trained on ImageNet.

The architecture comes from the package efficientnet-lite-pytorch; its own ways of loading weights are not used: they download,
and they unpickle.
"""

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.features import LOGITS, Opened, device, weights
from core.features.table import EXTRACTORS, Extractor

ROW = EXTRACTORS["lite0"]


def load(e: Extractor) -> Opened:
    """The network. What it gives for an image on a CPU is the same to the bit beside any other images of the batch.

    The bits differ between one thread and several, and between processors, by about 1e-5 of values up to 5.
    """
    where = device.chosen()
    network = folded(plain(e)).to(where, memory_format=torch.channels_last)
    (layer,) = e.layers

    def look(images: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode(), device.exact():
            values, logits = see(network, prepared(images).to(where))
        return {layer: values.cpu().numpy(), LOGITS: logits.cpu().numpy()}

    return Opened(look, device.batch(e, where))


def plain(e: Extractor) -> EfficientNet:
    """The network as published, in eval mode, every weight from the file."""
    # On the meta device nothing is drawn at random: a weight that the file lacks cannot go unseen.
    with torch.device("meta"):
        network = EfficientNet.from_name("efficientnet-lite0")
    try:
        network.load_state_dict(weights.read(e), strict=True, assign=True)
    except RuntimeError as error:
        raise weights.misfit(e, error) from error
    return network.float().eval()


def folded(network: EfficientNet) -> EfficientNet:
    """The same function with each batch norm inside the convolution before it: a third faster, features within 2e-5."""
    _fold(network, "_conv_stem", "_bn0")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    _fold(network, "_conv_head", "_bn1")
    return network


def _fold(module: nn.Module, conv: str, norm: str) -> None:
    setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
    setattr(module, norm, nn.Identity())


def prepared(images: np.ndarray) -> torch.Tensor:
    """(n, H, W, 3) uint8 -> (n, 3, 224, 224) float32 in [-1, 1], channels last."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.5)
    size = (ROW.input_size, ROW.input_size)
    x = interpolate(x, size=size, mode="bicubic", align_corners=False, antialias=True).clamp(-1, 1)
    return x.contiguous(memory_format=torch.channels_last)


def see(network: EfficientNet, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, 1280) pooled features and the (n, 1000) logits that follow from them (dropout is off in eval mode)."""
    values = network.extract_features(x).mean((2, 3))
    return values, network._fc(values)
