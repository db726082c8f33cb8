"""Inception-2015, the network of FID (Heusel et al. 2017), as torch-fidelity and as torchmetrics run it.

Both packages unpickle the weights that they are given. So the file is verified and read by us, weights only, and they are given a
copy of what was read.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from core.features import LOGITS, Opened, device, weights
from core.features.table import Extractor


def load(e: Extractor) -> Opened:
    """The network on the GPU where there is one; ScoreError for weights that do not fit it."""
    outputs = [*e.layers, "logits_unbiased"]
    forward, network = _network(e, outputs)
    where = device.chosen()
    network.to(where)

    def look(images: np.ndarray) -> dict[str, np.ndarray]:
        x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(where)
        with torch.inference_mode(), device.exact():
            found = forward(x)
        values = {name: t.float().cpu().numpy() for name, t in zip(outputs, found, strict=True)}
        return {**{layer: values[layer] for layer in e.layers}, LOGITS: values["logits_unbiased"]}

    return Opened(look, device.batch(e, where))


def _network(e: Extractor, outputs: list[str]) -> tuple[Callable[[torch.Tensor], tuple[torch.Tensor, ...]], Any]:
    copy = io.BytesIO()
    torch.save(weights.read(e), copy)
    copy.seek(0)
    try:
        if e.name == "inception":
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

            network = FeatureExtractorInceptionV3(e.name, outputs, feature_extractor_weights_path=copy)
            return network, network
        from torchmetrics.image.fid import NoTrainInceptionV3

        theirs = NoTrainInceptionV3(e.name, outputs, feature_extractor_weights_path=copy)  # type: ignore[arg-type]
        # Its forward gives the first output only; this is what that calls.
        return theirs._torch_fidelity_forward, theirs
    except RuntimeError as error:
        raise weights.misfit(e, error) from error
