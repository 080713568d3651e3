"""Arguments of the deformable attention op for the tests of all its implementations: cases, random inputs, gradients."""

import math

import torch

# name -> what it changes in inputs()
CASES = {
    "three levels of odd sizes": {},
    "one level": {"levels": ((4, 9),)},
    "a level of one pixel": {"levels": ((1, 1), (2, 3))},
    "most points outside": {"spread": 5.0},
    "one head": {"heads": 1},
    "one query": {"queries": 1},
    "no queries": {"queries": 0},
    "empty batch": {"batch": 0},
    "no points": {"points": 0},
    "16 channels, as in the demo model": {"channels": 16},
    "32 channels, as in the published models": {"channels": 32},
    "channels that no vector divides": {"channels": 7},
    "more samples than one vector holds": {"points": 9, "heads": 3},
    "so many queries that threads share them": {"queries": 400, "channels": 16},
}


def inputs(
    levels=((5, 7), (3, 3), (1, 2)), batch=2, heads=2, channels=4, queries=6, points=3, dtype=torch.float64, spread=1.4
):
    """Random arguments of the op, flat shapes included; with spread > 1 some locations lie outside the picture."""
    generator = torch.Generator().manual_seed(0)

    def uniform(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    value = uniform(batch, sum(h * w for h, w in levels), heads, channels) - 0.5
    locations = 0.5 + spread * (uniform(batch, queries, heads, len(levels), points, 2) - 0.5)
    weights = uniform(batch, queries, heads, len(levels), points) - 0.3
    return value.to(dtype), [size for level in levels for size in level], locations.to(dtype), weights.to(dtype)


def output_gradient(arguments):
    """What the tests send backward: something different for every number of the output (N, Q, M*D)."""
    value, _, _, weights = arguments
    shape = (len(value), weights.shape[1], value.shape[2] * value.shape[3])
    return torch.linspace(-1, 1, math.prod(shape)).to(value).view(shape)


def gradients(backward, arguments):
    return backward(output_gradient(arguments), *arguments)
