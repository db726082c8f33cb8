"""Drawing 16 images of 32 pixels by 20 steps of DDIM with the bundled network's size, beside diffusers' own DDIMPipeline.

Both have the same random weights, the same noise and the same scheduler on one chunk of images; the images agree to 1e-5. The
studio's walk also works out the model's guess of the clean images at each step and hands both out as arrays.
"""

import copy
from collections import deque

import numpy as np
import torch
from diffusers.pipelines.ddim.pipeline_ddim import DDIMPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from core.configs import DDPMConfig, SampleConfig
from core.families import Draw, ddpm
from core.sampling import resolve
from tests.benchmarks.timing import Row, in_turns

CHUNK, STEPS = 16, 20


def measure(quick: bool) -> list[Row]:
    c = DDPMConfig(dataset="petals", size=8, channels="16-16") if quick else DDPMConfig(dataset="petals")
    steps, repeats = (2, 1) if quick else (STEPS, 7)
    torch.manual_seed(0)
    unet = ddpm.network(c).eval()
    placed = ddpm.placed(copy.deepcopy(unet), "cpu")
    sample = resolve(SampleConfig("m", n=CHUNK, sampler="ddim", steps=steps))
    scheduler = DDIMScheduler.from_config(ddpm.noise_scheduler(c).config, timestep_spacing="leading")
    pipeline = DDIMPipeline(unet, scheduler)
    pipeline.set_progress_bar_config(disable=True)

    def studio() -> np.ndarray:
        last = deque(ddpm.walk(Draw(placed, c, sample, c.size), range(CHUNK)), maxlen=1).pop()
        return (last.x / 2 + 0.5).clip(0, 1)

    def theirs() -> np.ndarray:
        generators = [torch.Generator().manual_seed(i) for i in range(CHUNK)]
        how = {"num_inference_steps": steps, "use_clipped_model_output": True, "output_type": "np"}
        return np.asarray(pipeline(batch_size=CHUNK, generator=generators, **how).images)

    (ours, beside), (mine, other) = in_turns([studio, theirs], repeats)
    assert np.abs(mine - other).max() < 1e-5, "the images differ"
    work = f"{steps} DDIM steps of {CHUNK} images of {c.size} px"
    note = f"{1000 * ours / steps:.1f} ms a step, diffusers {1000 * beside / steps:.1f} ms."
    return [Row(work, "diffusers' DDIMPipeline", ours, beside, ">= 1.0x", least=1.0, note=note)]
