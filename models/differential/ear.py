"""The ear: hears how loud voice, drums, bass and everything else are inside a sound.

A convolutional front end turns band powers into one token per 93 ms; a transformer lets the tokens hear each other;
every token then says for each of its cells (two bands, 46 ms) which share of the power belongs to which role. Levels
follow from shares and powers, a small correction and a full covariance from the tokens. Levels are relative to the
sound itself, so the overall level says nothing.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mixingbuddy.models.differential.shape import ROLES, Shape

# Time is halved three times on the way from frames (23 ms) to tokens; shares are told twice a token.
FRAMES_PER_TOKEN = 4
CELLS_PER_TOKEN = 2
BANDS_PER_CELL = 2
BLOCK_CELLS, BLOCK_STEP = 8, 2  # a gating block of 370 ms, 75 % overlap
GATE_DB = -10.0
QUIETEST_DB = -60.0
ABSENT_DB = -45.0
DB = 10 / math.log(10)


class Heard(NamedTuple):
    """What was heard in each of B sounds: levels (B, 4) of the roles re the sound, LU, with their covariance
    (B, 4, 4) as a Cholesky factor, logits (B, 4) of each role being there, log shares (B, 4, cells, times), tokens."""

    levels: Tensor
    cholesky: Tensor
    present_logits: Tensor
    log_shares: Tensor
    tokens: Tensor
    pooled: Tensor


class Ear(nn.Module):
    """Band powers (B, 2, bands, frames) of mid and side to `Heard`. Frames must be a multiple of 4."""

    def __init__(self, config: Shape) -> None:
        super().__init__()
        first, second, third = config.channels
        self.bands = config.bands
        self.band_scale = nn.Parameter(torch.ones(2, config.bands, 1))
        self.band_shift = nn.Parameter(torch.zeros(2, config.bands, 1))
        self.front = nn.Sequential(
            _Conv(2, first, stride=(2, 1)),
            _Conv(first, second, stride=(2, 2)),
            _Conv(second, second, residual=True),
            _Conv(second, third, stride=(2, 2)),
            _Conv(third, third, residual=True),
        )
        self.into_tokens = nn.Linear(third * (config.bands // 8), config.width)
        self.position = nn.Conv1d(config.width, config.width, 9, padding=4, groups=config.width)
        self.layers = nn.ModuleList(Layer(config.width, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.cells = config.bands // BANDS_PER_CELL
        self.shares = nn.Linear(config.width, len(ROLES) * self.cells * CELLS_PER_TOKEN)
        self.queries = nn.Parameter(torch.randn(len(ROLES), config.width) * 0.02)
        self.keys = nn.Linear(config.width, config.width)
        self.beliefs = nn.Sequential(
            nn.Linear(len(ROLES) * config.width + len(ROLES), config.width),
            nn.GELU(),
            nn.Linear(config.width, len(ROLES) * 2 + len(ROLES) * (len(ROLES) + 1) // 2),
        )
        last = self.beliefs[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()

    def forward(self, powers: Tensor) -> Heard:
        cells = to_cells(powers)
        tokens = self.tokens(powers)
        batch, count, _ = tokens.shape
        logits = self.shares(tokens).view(batch, count, len(ROLES), self.cells, CELLS_PER_TOKEN)
        logits = logits.permute(0, 2, 3, 1, 4).reshape(batch, len(ROLES), self.cells, count * CELLS_PER_TOKEN)
        log_shares = functional.log_softmax(logits, dim=1)
        told = gated_levels(log_shares.exp() * cells[:, None], cells)
        attention = torch.softmax(self.queries @ self.keys(tokens).transpose(1, 2) / math.sqrt(tokens.shape[-1]), -1)
        pooled = attention @ tokens
        beliefs = self.beliefs(torch.cat([pooled.flatten(1), told / 10], dim=1))
        correction, present, factor = beliefs.split([4, 4, 10], dim=1)
        return Heard(told + correction, _cholesky(factor), present + 2.0, log_shares, tokens, pooled)

    def tokens(self, powers: Tensor) -> Tensor:
        """Tokens (B, frames / 4, width)."""
        sound = self.front(self.features(powers))
        tokens = self.into_tokens(sound.permute(0, 3, 1, 2).flatten(2))
        tokens = tokens + self.position(tokens.transpose(1, 2)).transpose(1, 2)
        for layer in self.layers:
            tokens = layer(tokens)
        normed: Tensor = self.norm(tokens)
        return normed

    def features(self, powers: Tensor) -> Tensor:
        """Decibels re the sound's own mean power, and the side's share of each cell."""
        total = powers.sum(1)
        mean = total.sum(1).mean(-1).clamp_min(1e-20)[:, None, None]
        level = DB * torch.log(total / mean + 10 ** (QUIETEST_DB / 10))
        side = powers[:, 1] / (total + 1e-12 * mean)
        stacked = torch.stack([(level + 30) / 15, side * 2 - 0.5], dim=1)
        return stacked * self.band_scale + self.band_shift


class _Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int] = (1, 1), residual: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm(self.conv(x)))
        return x + y if self.residual else y


class Layer(nn.Module):
    """One transformer layer, norm first."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.norm_feed = nn.LayerNorm(width)
        self.feed_up = nn.Linear(width, 4 * width)
        self.feed_down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, count, width = x.shape
        q, k, v = (
            part.view(batch, count, self.heads, -1).transpose(1, 2)
            for part in self.query_key_value(self.norm_attention(x)).chunk(3, dim=-1)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v)
        x = x + self._drop(self.attended(mixed.transpose(1, 2).reshape(batch, count, width)))
        return x + self._drop(self.feed_down(functional.gelu(self.feed_up(self.norm_feed(x)))))

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


def to_cells(powers: Tensor) -> Tensor:
    """Powers (B, 2, bands, frames) summed to cells (B, bands / 2, frames / 2)."""
    batch, _, bands, frames = powers.shape
    return powers.sum(1).view(batch, bands // BANDS_PER_CELL, BANDS_PER_CELL, frames // 2, 2).sum((2, 4))


def gated_levels(parts: Tensor, whole: Tensor) -> Tensor:
    """Gated levels (B, R) of parts (B, R, cells, times) re the whole (B, cells, times), LU: relative gate at -10."""
    mean = whole.sum(1).mean(-1).clamp_min(1e-20)[:, None]
    own = _gated(parts.sum(2) / mean[:, None])
    return own - _gated(whole.sum(1, keepdim=True) / mean[:, None])


def _gated(power: Tensor) -> Tensor:
    blocks = functional.avg_pool1d(power, min(BLOCK_CELLS, power.shape[-1]), BLOCK_STEP) + 10 ** (QUIETEST_DB / 10)
    heard = (blocks > blocks.mean(-1, keepdim=True) * 10 ** (GATE_DB / 10)).to(blocks.dtype).detach()
    return DB * torch.log((blocks * heard).sum(-1) / heard.sum(-1))


def _cholesky(factor: Tensor) -> Tensor:
    """(B, 10) to lower triangular (B, 4, 4) with a positive diagonal: 3 LU where the factor is zero."""
    size = len(ROLES)
    rows, columns = torch.tril_indices(size, size, device=factor.device)
    matrix = factor.new_zeros(factor.shape[0], size, size)
    values = torch.where(rows == columns, 0.2 + 3.0 * torch.exp(factor.clamp(-4, 2)), 3.0 * factor)
    matrix[:, rows, columns] = values
    return matrix


def level_loss(heard: Heard, levels: Tensor, present: Tensor) -> Tensor:
    """Mean negative log-likelihood of true levels (B, 4), LU, of the roles that are `present` (B, 4), per role."""
    covariance = heard.cholesky @ heard.cholesky.transpose(1, 2)
    both = present[:, :, None] * present[:, None, :]
    covariance = covariance * both + torch.diag_embed(1 - present)
    error = ((heard.levels - levels) * present)[:, :, None]
    factor = torch.linalg.cholesky(covariance)
    scaled = torch.linalg.solve_triangular(factor, error, upper=False)
    half_log_det = torch.log(torch.diagonal(factor, dim1=1, dim2=2)).sum(1)
    surprise: Tensor = (0.5 * scaled.square().sum((1, 2)) + half_log_det).sum()
    return surprise / present.sum().clamp_min(1)


def share_loss(heard: Heard, parts: Tensor) -> Tensor:
    """Cross-entropy between heard shares and true ones, from the roles' powers (B, 4, cells, times).

    A cell counts by the square root of its power, so that what is quiet teaches too.
    """
    total = parts.sum(1)
    true = parts / total[:, None].clamp_min(1e-20)
    weight = total.sqrt()
    weight = weight / weight.sum((1, 2), keepdim=True).clamp_min(1e-20)
    return -(weight[:, None] * true * heard.log_shares).sum((1, 2, 3)).mean()
