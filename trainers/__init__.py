"""Training: `python -m trainers vae|ddpm --dataset NAME`. Lightning does the loops, `core.models` gets the weights."""
