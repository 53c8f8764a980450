"""The networks of the benchmarks in plain PyTorch, with timm's structure and memory layouts. Weights are random: only time counts."""

import torch
import torch.nn.functional as F
from torch import nn


class ChannelsFirstNorm(nn.LayerNorm):
    """LayerNorm over the channels of [B, C, H, W]."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand = nn.Linear(width, 4 * width)
        self.project = nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.project(F.gelu(self.expand(y)))
        return x + (y * self.scale).permute(0, 3, 1, 2)


def conv_stem(widths, strides):
    layers, previous = [], 3
    for width, stride in zip(widths, strides):
        layers += [nn.Conv2d(previous, width, 3, stride, padding=1), ChannelsFirstNorm(width, eps=1e-6), nn.GELU()]
        previous = width
    return nn.Sequential(*layers)


def patch_stem(width):
    return nn.Sequential(nn.Conv2d(3, width, 4, 4), ChannelsFirstNorm(width, eps=1e-6))


class ConvNeXt(nn.Module):
    def __init__(self, depths, widths, stem, num_classes):
        super().__init__()
        layers = [patch_stem(widths[0]) if stem == 'patch' else conv_stem([widths[0] // 2, widths[0]], [2, 2])]
        for stage, (depth, width) in enumerate(zip(depths, widths)):
            if stage > 0:
                layers += [ChannelsFirstNorm(widths[stage - 1], eps=1e-6), nn.Conv2d(widths[stage - 1], width, 2, 2)]
            layers += [ConvNeXtBlock(width) for _ in range(depth)]
        self.features = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        self.classifier = nn.Linear(widths[-1], num_classes)

    def forward(self, x):
        return self.classifier(self.norm(self.features(x).mean((2, 3))))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if hasattr(F, 'scaled_dot_product_attention'):
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.project(y.transpose(1, 2).reshape(batch, tokens, width))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    def __init__(self, width, depth, heads, patch, image_size, num_classes):
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.class_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, (image_size // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.Sequential(*[TransformerBlock(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, x):
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), tokens], 1) + self.positions
        return self.classifier(self.norm(self.blocks(tokens))[:, 0])


class SmallConvNet(nn.Module):
    """3x3 convolutions 3-16-32-64 (strides 1, 2, 2) with GELU, global average pooling, a linear classifier."""

    def __init__(self, num_classes):
        super().__init__()
        layers, previous = [], 3
        for width, stride in ((16, 1), (32, 2), (64, 2)):
            layers += [nn.Conv2d(previous, width, 3, stride, padding=1), nn.GELU()]
            previous = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(previous, num_classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def create_network(name, image_size):
    if name == 'convnext_tiny':
        return ConvNeXt((3, 3, 9, 3), (96, 192, 384, 768), 'patch', 1000)
    if name == 'convnext_base':
        return ConvNeXt((3, 3, 27, 3), (128, 256, 512, 1024), 'patch', 1000)
    if name == 'convnext_femto_conv_stem':
        return ConvNeXt((2, 2, 6, 2), (48, 96, 192, 384), 'conv', 10)
    if name == 'vit_small':
        return VisionTransformer(384, 12, 6, 16, image_size, 1000)
    if name == 'small_conv_net':
        return SmallConvNet(10)
    raise ValueError(f'unknown network {name}')
