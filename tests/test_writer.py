"""The writer: sets without an order before the words, and words that see only what came before."""

import torch
from differential_inputs import sentence_inputs
from tiny_differential import tiny

from mixingbuddy.models.differential.modelling import DifferentialModel
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.writer import About, Writer

ORDER = torch.tensor([2, 0, 3, 1])


def writer_and_sentences(seed: int = 0) -> tuple[Writer, torch.Tensor, About]:
    model = tiny(DifferentialModel, seed)
    inputs = sentence_inputs(model.config, seed)
    words = inputs.pop("input_ids")
    return model.writer, words, About(**inputs)


@torch.inference_mode()
def test_the_order_of_the_groups_says_nothing() -> None:
    writer, words, about = writer_and_sentences()
    before = writer(words, about)
    renamed = torch.argsort(ORDER)  # where each role now stands
    own, reference, heard = (rows[:, ORDER] for rows in (about.own, about.reference, about.heard))
    writer.role.weight[: len(ROLES)] = writer.role.weight[ORDER].clone()
    after = writer(words, about._replace(own=own, reference=reference, heard=heard, role=renamed[about.role]))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_groups_are_told_apart_by_their_roles_and_their_sets() -> None:
    writer, words, about = writer_and_sentences()
    before = writer(words, about)
    shuffled = about._replace(own=about.own[:, ORDER])
    swapped = about._replace(own=about.reference, reference=about.own)
    for other in (shuffled, swapped):
        assert (writer(words, other) - before).abs().max() > 1e-4


@torch.inference_mode()
def test_everything_that_a_sentence_is_about_reaches_its_words() -> None:
    writer, words, about = writer_and_sentences()
    before = writer(words, about)
    for name in About._fields:
        value = getattr(about, name)
        changed = (value + 1) % 4 if value.dtype == torch.long else value + 0.5
        assert (writer(words, about._replace(**{name: changed})) - before).abs().max() > 1e-4, name


@torch.inference_mode()
def test_a_later_word_does_not_change_what_was_said_before() -> None:
    writer, words, about = writer_and_sentences()
    before = writer(words, about)
    for place in range(words.shape[1]):
        other = words.clone()
        other[:, place] = (other[:, place] + 5) % 40
        after = writer(other, about)
        torch.testing.assert_close(after[:, :place], before[:, :place], atol=1e-5, rtol=1e-4)
        assert (after[:, place:] - before[:, place:]).abs().amax(-1).gt(1e-5).all()


@torch.inference_mode()
def test_the_beginning_of_a_sentence_reads_the_same_alone() -> None:
    writer, words, about = writer_and_sentences()
    torch.testing.assert_close(writer(words[:, :3], about), writer(words, about)[:, :3], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_the_order_of_the_words_counts() -> None:
    writer, words, about = writer_and_sentences()
    turned = words.clone()
    turned[:, :2] = words[:, [1, 0]]
    assert (writer(turned, about)[:, 1:] - writer(words, about)[:, 1:]).abs().max() > 1e-4


@torch.inference_mode()
def test_sentences_of_one_batch_do_not_read_each_other() -> None:
    writer, words, about = writer_and_sentences()
    alone = writer(words[1:], About(*(value[1:] for value in about)))
    torch.testing.assert_close(alone, writer(words, about)[1:], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_writing_word_by_word_from_memory_is_writing_anew() -> None:
    writer, words, about = writer_and_sentences()
    whole = writer(words, about)
    logits, memory = writer.heard_so_far(words[:, :2], about)
    torch.testing.assert_close(logits, whole[:, :2], atol=1e-5, rtol=1e-4)
    for place in range(2, words.shape[1]):
        logits, memory = writer.next_word(words[:, place : place + 1], place, memory)
        torch.testing.assert_close(logits[:, 0], whole[:, place], atol=1e-5, rtol=1e-4)
