"""What every test runs under: one thread, since tiny nets only lose by sharing their work, and no deadline for an example, since a
busy machine is no defect."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
