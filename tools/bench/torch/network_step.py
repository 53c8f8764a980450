"""One timed step of a network: forward, forward + input gradient, or all weight gradients, on fresh images each time."""

import resource
import time

import torch
import torch.nn.functional as F

from networks import create_network

BATCHES = 4
state = {}


def prepare(mode, model, batch, imageSize, threads, channelsLast=False):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = create_network(model, imageSize).eval()
    layout = torch.channels_last if channelsLast else torch.contiguous_format
    network = network.to(memory_format=layout)
    if mode != 'weight-gradients':
        for parameter in network.parameters():
            parameter.requires_grad_(False)
    images = [torch.rand(batch, 3, imageSize, imageSize).contiguous(memory_format=layout) for _ in range(BATCHES)]
    labels = torch.arange(batch) % 10
    state.update(network=network, mode=mode, images=images, labels=labels, count=0)


def steps(count):
    """Seconds of each of some steps."""
    return [step() for _ in range(count)]


def step():
    images = state['images'][state['count'] % BATCHES]
    state['count'] += 1
    start = time.perf_counter()
    MODES[state['mode']](state['network'], images, state['labels'])
    return time.perf_counter() - start


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forward(network, images, labels):
    with torch.no_grad():
        return network(images)


def input_gradient(network, images, labels):
    images = images.detach().requires_grad_(True)
    loss = F.cross_entropy(network(images), labels, reduction='sum')
    return torch.autograd.grad(loss, images)[0]


def weight_gradients(network, images, labels):
    network.zero_grad(set_to_none=True)
    F.cross_entropy(network(images), labels).backward()


MODES = {'forward': forward, 'input-gradient': input_gradient, 'weight-gradients': weight_gradients}
