"""Training of the convolutional VAE: one AdamW, the negative ELBO an image, checked on every validation image."""

from collections.abc import Callable

import lightning as L
import torch

from core.configs import VAEConfig
from core.families import vae
from trainers import seeds

Losses = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class VAETraining(L.LightningModule):
    """`network` is what gets published. Batches are (B, 3, H, W) float32 in [-1, 1]."""

    def __init__(self, c: VAEConfig) -> None:
        super().__init__()
        self.c = c
        self.network = vae.network(c)
        self.share = (0, 1)

    def on_fit_start(self) -> None:
        self.share = (self.global_rank, self.trainer.world_size)

    def losses(self, x: torch.Tensor, noise: Callable[[tuple[int, ...]], torch.Tensor]) -> Losses:
        """(total, reconstruction, kl), each the mean over the images. `noise` draws what the latent code is sampled with."""
        reconstruction, mu, log_var = self.network(x, noise((len(x), self.c.latent)))
        losses: Losses = vae.loss(x, reconstruction, mu, log_var, self.c.beta)
        return losses

    def training_step(self, x: torch.Tensor, number: int) -> torch.Tensor:
        """With several processes each takes its share of the noise that one alone would draw."""
        rank, world = self.share
        drawn = seeds.generator(seeds.TRAINING, self.c.seed, number, device=x.device)
        noise = torch.randn((len(x) * world, self.c.latent), generator=drawn, device=x.device)
        return self.losses(x, lambda shape: noise[rank::world])[0]

    def validation_step(self, x: torch.Tensor, number: int) -> None:
        """The same noise for each batch in each check, so that the loss moves with the weights alone."""
        total, reconstruction, kl = self.losses(x, lambda s: seeds.normal(s, seeds.CHECKING, number, device=x.device))
        parts = {"val_loss": total, "val_reconstruction": reconstruction, "val_kl": kl}
        self.log_dict(parts, batch_size=len(x))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.c.learning_rate, weight_decay=self.c.weight_decay)
