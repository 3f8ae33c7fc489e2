"""Gains of stems inside a mastered mix: one unknown complex gain per tile, one unknown gain per column.

Model of a tile: r = L x + noise with x = sum_k g_k s_k. L is free in every tile, so EQ, compression, a limiter,
a small delay and polarity all go into it; only what varies inside a tile speaks about g. With L and the noise
power of every tile maximised out, the log-likelihood is -sum_t n_t log(r^H r - |x^H r|^2 / x^H x), which
Gauss-Newton steps in log g climb (variable projection, Golub and Pereyra 1973). A tile that does not fit gets
little weight by itself.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.tiles import Tiles

Real = NDArray[np.float64]

# Share of a tile's energy below which no residual is believed: coded and dithered references end there.
NOISE_FLOOR = 1e-4
# What mastering does to a gain it does in every block alike, so that scatter shows a quarter of it: calibrated on
# mastered songs, so that 80 % intervals hold in 80 % (docs/level-difference.md).
SCATTER_FACTOR = 4.2
UNTELLABLE = 1e3  # nepers
_COARSE_TO_FINE = (1e-1, 1e-2, 1e-3)
_MOST_FLIPS = 4
_CLEARLY_BETTER = 100.0
_LARGEST_STEP = 0.7  # nepers, 6 dB
_SMALLEST_STEP = 1e-5
_LOWEST_LOG_GAIN = np.log(10 ** (-70 / 20))
# Below that single-precision sums hold no information: two columns are the same, or one is inaudible.
_SMALLEST_EIGENVALUE = 3e-6
# Frames overlap by half and Hann bins leak into each other: fewer values are independent than are summed.
_INDEPENDENT_SHARE = 0.4


@dataclass(frozen=True)
class TileFit:
    """Solution, free up to a common factor of all gains.

    `gains` (K,) signed and linear; `covariance` (K, K) of their natural logs, from the scatter between blocks
    (calibrated); `spread_if_white` (K,) standard deviation of each log from the information in the tiles, huge
    where a gain cannot be told; `alone_spread` (K,) the same in linear gain with all other gains known.
    """

    gains: Real
    covariance: Real
    spread_if_white: Real
    alone_spread: Real
    log_likelihood: float
    iterations: int


def fit_gains(tiles: Tiles, signs: Real | None = None, start: Real | None = None, max_iterations: int = 30) -> TileFit:
    """Maximum-likelihood gains of the columns of `tiles`, which must hold at least one sounding tile."""
    count = tiles.onto.shape[1]
    signs = np.ones(count) if signs is None else signs
    log_gains = np.zeros(count) if start is None else start
    used = 0
    for floor in (*_COARSE_TO_FINE, NOISE_FLOOR):
        for _ in range(max_iterations if floor == NOISE_FLOOR else 4):
            state = _expand(tiles, signs * np.exp(log_gains), floor)
            step = _newton_step(state)
            log_gains = np.clip(log_gains + step, log_gains.max() + _LOWEST_LOG_GAIN, None)
            log_gains -= np.median(log_gains)
            used += 1
            if np.abs(step).max(initial=0.0) < _SMALLEST_STEP:
                break
    state = _expand(tiles, signs * np.exp(log_gains), NOISE_FLOOR)
    return _finish(tiles, state, used)


@dataclass(frozen=True)
class _State:
    gains: Real
    tile_gain: NDArray[np.complex64]
    residual: Real
    weight: Real
    slopes: Real  # (tiles, K): every tile's derivative of the log-likelihood by log gain, halved
    information: Real  # (K, K) Gauss-Newton Hessian by log gain, halved


def _expand(tiles: Tiles, gains: Real, floor: float) -> _State:
    """The log-likelihood's first and second derivatives around `gains`."""
    single = gains.astype(np.float32)
    onto_mix = tiles.cross @ single  # s_i^H x
    mix_energy = np.maximum((onto_mix.real @ single).astype(np.float64), 1e-30)
    match = tiles.onto @ single  # x^H r
    tile_gain = (match / mix_energy).astype(np.complex64)
    residual = np.maximum(tiles.energy - np.abs(match) ** 2 / mix_energy, 0.0)
    weight = tiles.bins / (residual + floor * tiles.energy)
    slopes = (np.conj(tile_gain)[:, None] * (tiles.onto - tile_gain[:, None] * onto_mix)).real
    slopes = weight[:, None] * slopes * gains
    curve_weight = weight * np.abs(tile_gain) ** 2
    scaled = onto_mix * np.sqrt(curve_weight / mix_energy)[:, None].astype(np.float32)
    outer = (scaled.conj().T @ scaled).real
    total = (curve_weight.astype(np.float32) @ tiles.cross.real.reshape(len(tiles), -1)).reshape(outer.shape)
    information = (total - outer).astype(np.float64) * np.outer(gains, gains)
    return _State(gains, tile_gain, residual, weight, slopes, information)


def _newton_step(state: _State) -> Real:
    step = np.asarray(_inverse(state.information) @ state.slopes.sum(axis=0))
    step -= np.median(step)
    return step * min(1.0, 2 * _LARGEST_STEP / max(float(np.abs(step).max()), 1e-9)) if len(step) else step


def _inverse(information: Real) -> Real:
    """Inverse with the common factor of all gains held still: along it there is no information."""
    scale, values, vectors = _directions(information)
    inverse = (vectors / np.maximum(values, _SMALLEST_EIGENVALUE)) @ vectors.T
    return np.asarray(inverse / np.outer(scale, scale))


def _directions(information: Real) -> tuple[Real, Real, Real]:
    """Scale of each column, eigenvalues and eigenvectors of the scaled information with the common factor held."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-12 * max(float(np.trace(information)), 1e-30)))
    held = scale / np.linalg.norm(scale)
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale) + np.outer(held, held))
    return scale, values, vectors


def _spread_if_white(information: Real) -> Real:
    """Standard deviation (K,) of each log gain re the middle one, if the noise were white; huge where twins trade."""
    scale, values, vectors = _directions(information)
    moves = vectors / scale[:, None]
    moves -= np.median(moves, axis=0)
    variance = (moves**2 / np.maximum(values, _SMALLEST_EIGENVALUE)).sum(axis=1) / (2 * _INDEPENDENT_SHARE)
    traded = (np.abs(moves) * scale[:, None] > 0.1) & (values < 3 * _SMALLEST_EIGENVALUE)
    return np.asarray(np.where(traded.any(axis=1), UNTELLABLE, np.sqrt(variance)))


def _finish(tiles: Tiles, state: _State, iterations: int) -> TileFit:
    inverse = _inverse(state.information)
    blocks, index = np.unique(tiles.block, return_inverse=True)
    by_block = np.zeros((len(blocks), len(state.gains)))
    np.add.at(by_block, index, state.slopes)
    by_block -= by_block.mean(axis=0)
    scatter = by_block.T @ by_block * (len(blocks) / max(len(blocks) - 1, 1))
    alone = np.diag(state.information) / state.gains**2 * _INDEPENDENT_SHARE * 2
    return TileFit(
        gains=state.gains,
        covariance=SCATTER_FACTOR**2 * inverse @ scatter @ inverse + 2 * inverse / _INDEPENDENT_SHARE,
        spread_if_white=_spread_if_white(state.information),
        alone_spread=1 / np.sqrt(np.maximum(alone, 1e-30)),
        log_likelihood=-float((tiles.bins * np.log(state.residual + NOISE_FLOOR * tiles.energy)).sum()),
        iterations=iterations,
    )


def with_signs(tiles: Tiles, fit: TileFit, lowest: float) -> TileFit:
    """Turn over the polarity of single columns for as long as that fits better.

    A column of the wrong sign hides well: where it sounds alone its tiles fit all the same. Columns whose gain fell
    under `lowest` times the middle one are tried with that one.
    """
    for _ in range(_MOST_FLIPS):
        middle = float(np.median(np.abs(fit.gains)))
        tried = np.where(np.abs(fit.gains) < lowest * middle, middle, np.abs(fit.gains)) * -np.sign(fit.gains)
        gained = _log_likelihoods(tiles, fit.gains, tried) - fit.log_likelihood
        column = int(gained.argmax())
        start = np.where(np.arange(len(tried)) == column, tried, fit.gains)
        vanished = abs(fit.gains[column]) < lowest * middle
        if gained[column] < _CLEARLY_BETTER and not vanished:
            return fit
        other = fit_gains(tiles, np.sign(start), np.log(np.abs(start)))
        if other.log_likelihood < fit.log_likelihood + _CLEARLY_BETTER:
            return fit
        fit = other
    return fit


def _log_likelihoods(tiles: Tiles, gains: Real, tried: Real) -> Real:
    """Log-likelihood (K,) with each column alone set to its `tried` gain."""
    single = gains.astype(np.float32)
    onto_mix = tiles.cross @ single
    own = np.einsum("tkk->tk", tiles.cross).real
    change = (tried - gains).astype(np.float32)
    match = (tiles.onto @ single)[:, None] + change * tiles.onto
    mix_energy = (onto_mix.real @ single)[:, None] + 2 * change * onto_mix.real + change**2 * own
    explained = np.abs(match).astype(np.float64) ** 2 / np.maximum(mix_energy, 1e-30)
    residual = np.maximum(tiles.energy[:, None] - explained, 0.0) + NOISE_FLOOR * tiles.energy[:, None]
    return np.asarray(-(tiles.bins[:, None] * np.log(residual)).sum(axis=0))


def explained_share(tiles: Tiles, gains: Real) -> float:
    """Share of the reference's energy that the stems explain, 0..1; chance alone gives 0 on average.

    One free gain per tile explains part of any reference. But for the right song its phase in a band stays the
    same over time, and for a wrong one it is random: energy counts as explained by the cosine of the distance
    from the band's own phase, with its sign.
    """
    single = gains.astype(np.float32)
    mix_energy = np.maximum(((tiles.cross @ single).real @ single).astype(np.float64), 1e-30)
    match = (tiles.onto @ single).astype(np.complex128)
    bands = int(tiles.band.max(initial=0)) + 1
    mean_phase = np.zeros(bands, dtype=np.complex128)
    np.add.at(mean_phase, tiles.band, match)
    mean_phase /= np.maximum(np.abs(mean_phase), 1e-30)
    aligned = (match * np.conj(mean_phase[tiles.band])).real
    return float(np.clip((aligned * np.abs(aligned) / mix_energy).sum() / tiles.energy.sum(), 0.0, 1.0))


def polarity(tiles: Tiles, gains: Real) -> float:
    """Correlation of the reference with the rebalanced stems; negative for an inverted reference."""
    return float((tiles.onto @ gains.astype(np.float32)).real.sum())


def without_columns(tiles: Tiles, keep: NDArray[np.bool_]) -> Tiles:
    """The same tiles with some columns left out."""
    if keep.all():
        return tiles
    return replace(tiles, cross=tiles.cross[:, keep][:, :, keep], onto=tiles.onto[:, keep])
