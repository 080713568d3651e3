"""What every test runs under: one thread, since tiny nets only lose by sharing their work."""

import torch

torch.set_num_threads(1)
