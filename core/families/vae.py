"""The study's convolutional VAE (Kingma and Welling 2014), corrected: the deviation is exp(log_var / 2), the loss a mean over
the batch. Layers and their names are the study's, so that its published weights fit."""

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from core.configs import VAEConfig
from core.errors import ConfigError
from core.families import Draw, final
from core.types import Step

LOG_VAR = 10.0
"""log_var is kept in [-10, 10]: beyond, exp() leaves float16 and the KL term loses its gradient's scale."""


class ConvVAE(nn.Module):
    """Images (B, 3, size, size) in [-1, 1] <-> codes (B, latent)."""

    def __init__(self, size: int, latent: int) -> None:
        super().__init__()
        side = size // 4
        flat = 32 * side * side
        self.latent = latent
        self.enc = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.mu = nn.Linear(flat, latent)
        self.log_var = nn.Linear(flat, latent)
        self.dec = nn.Sequential(
            nn.Linear(latent, flat),
            nn.ReLU(),
            nn.Unflatten(1, (32, side, side)),
            nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the code, (B, latent) each."""
        h = self.enc(x)
        return self.mu(h), self.log_var(h).clamp(-LOG_VAR, LOG_VAR)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.dec(z)

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(reconstruction, mu, log_var) with the code z = mu + exp(log_var / 2) noise; noise: (B, latent) from N(0, 1)."""
        mu, log_var = self.encode(x)
        return self.decode(mu + torch.exp(log_var / 2) * noise), mu, log_var


def loss(
    x: torch.Tensor, reconstruction: torch.Tensor, mu: torch.Tensor, log_var: torch.Tensor, beta: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(total, reconstruction, KL), each summed over pixels or latents and averaged over the batch, in float32.

    KL(N(mu, exp(log_var)) || N(0, 1)): Kingma and Welling 2014, appendix B; beta: Higgins et al. 2017, eq. 4.
    """
    error = (reconstruction.float() - x.float()).square().flatten(1).sum(1).mean()
    mu, log_var = mu.float(), log_var.float()
    kl = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1).mean()
    return error + beta * kl, error, kl


def network(c: VAEConfig) -> ConvVAE:
    """ConfigError unless the size is a multiple of 4."""
    if c.size % 4:
        raise ConfigError(f"size is {c.size}; a VAE halves its images twice, so it needs a multiple of 4.")
    return ConvVAE(c.size, c.latent)


def walk(d: Draw, seeds: Sequence[int]) -> Iterator[Step]:
    """One image a seed, in one step: a code from N(0, 1), decoded."""
    vae: ConvVAE = d.model
    device = next(vae.parameters()).device
    codes = [torch.randn(vae.latent, generator=torch.Generator().manual_seed(s)) for s in seeds]
    with torch.no_grad():
        x = vae.decode(torch.stack(codes).to(device))
    yield final(x.permute(0, 2, 3, 1).cpu().numpy(), evaluations=1)
