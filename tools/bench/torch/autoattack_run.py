"""A whole AutoAttack evaluation by the reference implementation, which must be on the PYTHONPATH (github.com/fra31/auto-attack)."""

import json
import struct
import time

import torch
import torch.nn.functional as F
from torch import nn

from networks import create_network


class GoldenNet(nn.Module):
    """The network of the golden cases of @revat/attacks."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1)
        self.conv2 = nn.Conv2d(16, 32, 3, 2, 1)
        self.conv3 = nn.Conv2d(32, 64, 3, 2, 1)
        self.fc = nn.Linear(1024, 10)

    def forward(self, x):
        for layer in (self.conv1, self.conv2, self.conv3):
            x = F.gelu(layer(x))
        return self.fc(x.flatten(1))


def available():
    """Whether the reference implementation can be imported."""
    try:
        import autoattack  # noqa: F401
        return True
    except ImportError:
        return False


def run(network, norm, eps, points, seed, threads, folder, imageSize):
    """Wall and CPU seconds of one standard evaluation with all points in one batch, and the number left robust."""
    from autoattack import AutoAttack

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model, images, labels = prepare(network, points, folder, imageSize)
    attack = AutoAttack(model, norm=norm, eps=eps, version='standard', seed=seed, device='cpu', verbose=False)
    start, cpu_start = time.perf_counter(), time.process_time()
    adversarial = attack.run_standard_evaluation(images, labels, bs=points)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    robust = int((model(adversarial).argmax(1) == labels).sum())
    return {'seconds': seconds, 'cpuSeconds': cpu_seconds, 'robust': robust}


def prepare(network, points, folder, image_size):
    """Network, images and labels: those of the golden cases, or random ones with the network's own predictions."""
    if network in ('A1', 'A2'):
        model = GoldenNet()
        model.load_state_dict(read_arrays(f'{folder}/models/{network}.safetensors'))
        data = read_arrays(f'{folder}/00_data/arrays.safetensors')
        pixels = data['test_u8'][:points].float() / 16
        images = pixels.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, None].repeat(1, 3, 1, 1).contiguous()
        labels = data['test_y'][:points].long()
    else:
        model = create_network(network, image_size)
        images = torch.rand(points, 3, image_size, image_size)
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    if network not in ('A1', 'A2'):
        labels = model(images).argmax(1)
    return model, images, labels


DTYPES = {'F32': torch.float32, 'U8': torch.uint8, 'I64': torch.int64, 'I32': torch.int32}


def read_arrays(path):
    """The arrays of a safetensors file."""
    with open(path, 'rb') as file:
        content = bytearray(file.read())
    length = struct.unpack('<Q', content[:8])[0]
    header = json.loads(content[8:8 + length])
    arrays = {}
    for name, entry in header.items():
        if name != '__metadata__':
            begin, end = entry['data_offsets']
            values = bytearray(content[8 + length + begin:8 + length + end])
            arrays[name] = torch.frombuffer(values, dtype=DTYPES[entry['dtype']]).reshape(entry['shape'])
    return arrays
