"""torch on one thread, whose threads wait for each other on small tensors; a pretended device."""

import pytest

pytest.importorskip("torch")
import torch
from pretended import device

device()  # registered at collection, since autograd counts devices at a process's first derivative


@pytest.fixture(autouse=True)
def one_thread():
    """One thread for a test."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
