"""What a process that reads or composes pictures for a training does first. Knows nothing of what it will read."""

import signal

import cv2
import torch


def begin_worker(number: int) -> None:
    """One thread, for such processes are many already; and only the training itself decides when to stop.

    A scheduler's SIGTERM and Ctrl-C reach every process of a training. SIGTERM would end one that reads at once, and the training
    with it in the middle of a step; Ctrl-C would where it is not forked. It ends with the training, or when that is gone.
    """
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    for request in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request, signal.SIG_IGN)
