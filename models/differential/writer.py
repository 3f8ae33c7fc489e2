"""The writer: a small causal decoder that words one sentence, given what it is about and what was heard.

Before the words stand tokens that may look at each other in any order: one with the facts of the sentence, one per
group of the song, one per group of the reference with what the ear remembers of it. They have no positions, so the
order of the groups says nothing. After them come the words, left to right.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mixingbuddy.models.data.label_templates import EVIDENCES, KINDS
from mixingbuddy.models.differential.shape import ROLES, Shape

LONGEST = 40
EMBEDDING_STD = 0.05
# Figures of a sentence: move, half interval, level, target, P(change), number of moves; then whether each is known.
FIGURES = 12
# Figures of a group in a set: level re the mix, its deviation, whether it is there.
GROUP_FIGURES = 3
PREFIX = 1 + 2 * len(ROLES)


# Keys and values of every layer, for the words written so far.
Memory = list[tuple[Tensor, Tensor]]


class About(NamedTuple):
    """What B sentences are about: numbers (B,) of kind, evidence and role; figures (B, FIGURES); both sets of groups
    (B, 4, GROUP_FIGURES); what the ear remembers of each group of the reference (B, 4, width), zeros if unheard."""

    kind: Tensor
    evidence: Tensor
    role: Tensor
    figures: Tensor
    own: Tensor
    reference: Tensor
    heard: Tensor


class Writer(nn.Module):
    """Logits (B, words, vocabulary) of the next word."""

    def __init__(self, config: Shape) -> None:
        super().__init__()
        width = config.text_width
        self.kind = nn.Embedding(len(KINDS), width)
        self.evidence = nn.Embedding(len(EVIDENCES), width)
        self.role = nn.Embedding(len(ROLES) + 1, width)
        self.which_set = nn.Embedding(2, width)
        self.figures = nn.Linear(FIGURES, width)
        self.group = nn.Linear(GROUP_FIGURES, width)
        self.heard = nn.Linear(config.width, width)
        self.words = nn.Embedding(config.vocab_size, width)
        self.places = nn.Embedding(LONGEST, width)
        self.layers = nn.ModuleList(WriterLayer(width, config.heads, config.dropout) for _ in range(config.text_layers))
        self.norm = nn.LayerNorm(width)
        for table in (self.kind, self.evidence, self.role, self.which_set, self.words, self.places):
            nn.init.normal_(table.weight, std=EMBEDDING_STD)

    def forward(self, words: Tensor, about: About) -> Tensor:
        return self.heard_so_far(words, about)[0]

    def heard_so_far(self, words: Tensor, about: About) -> tuple[Tensor, Memory]:
        """Logits for all `words` (B, words) so far, and what `next_word` needs to go on from there."""
        prefix = self._prefix(about)
        x = torch.cat([prefix, self.words(words) + self.places.weight[: words.shape[1]]], dim=1)
        visible = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        visible[:PREFIX, :PREFIX] = True
        memory = []
        for layer in self.layers:
            x, remembered = layer(x, visible, None)
            memory.append(remembered)
        return self._logits(x[:, PREFIX:]), memory

    def next_word(self, word: Tensor, place: int, memory: Memory) -> tuple[Tensor, Memory]:
        """Logits (B, 1, vocabulary) after one more word (B, 1) at `place`, and the memory with it."""
        x = self.words(word) + self.places.weight[place]
        grown = []
        for layer, remembered in zip(self.layers, memory, strict=True):
            x, one = layer(x, None, remembered)
            grown.append(one)
        return self._logits(x), grown

    def _logits(self, x: Tensor) -> Tensor:
        return functional.linear(self.norm(x), self.words.weight)

    def _prefix(self, about: About) -> Tensor:
        sentence = self.kind(about.kind) + self.evidence(about.evidence) + self.role(about.role)
        sentence = sentence + self.figures(about.figures)
        roles = self.role.weight[: len(ROLES)]
        own = self.group(about.own) + roles + self.which_set.weight[0]
        reference = self.group(about.reference) + self.heard(about.heard) + roles + self.which_set.weight[1]
        return torch.cat([sentence[:, None], own, reference], dim=1)


def words_loss(writer: Writer, words: Tensor, labels: Tensor, about: About) -> Tensor:
    """Mean cross-entropy of the next word; `labels` (B, words) are the words, -100 where nothing is to be learnt."""
    logits = writer(words, about)
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


class WriterLayer(nn.Module):
    """One transformer layer, norm first, with a mask of what may be looked at."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.norm_feed = nn.LayerNorm(width)
        self.feed_up = nn.Linear(width, 4 * width)
        self.feed_down = nn.Linear(4 * width, width)

    def forward(
        self, x: Tensor, visible: Tensor | None, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """`visible` (tokens, tokens) says who may look at whom, None everyone at everything; `past` holds the keys and
        values of the tokens before `x`. Gives the new `x`, and keys and values with its own."""
        batch, count, width = x.shape
        q, k, v = (
            part.view(batch, count, self.heads, -1).transpose(1, 2)
            for part in self.query_key_value(self.norm_attention(x)).chunk(3, dim=-1)
        )
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        x = x + self._drop(self.attended(mixed.transpose(1, 2).reshape(batch, count, width)))
        return x + self._drop(self.feed_down(functional.gelu(self.feed_up(self.norm_feed(x))))), (k, v)

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)
