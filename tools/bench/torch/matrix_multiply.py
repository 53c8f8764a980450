"""The machine's peak as PyTorch's own matrix multiplication reaches it, for comparison with the engine's."""

import time

import torch


def peak_gflops(threads, size=2048, repeats=8):
    torch.set_num_threads(threads)
    a, b = torch.rand(size, size), torch.rand(size, size)
    best = float('inf')
    for _ in range(repeats):
        start = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9
