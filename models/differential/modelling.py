"""The compact differential audio-language model: an ear and a writer, as a transformers model."""

from typing import Any

from torch import Tensor
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from mixingbuddy.models.differential.compact import CompactModel
from mixingbuddy.models.differential.configuration import DifferentialConfig
from mixingbuddy.models.differential.ear import Ear, Heard
from mixingbuddy.models.differential.writer import LONGEST, About, Writer, words_loss


class DifferentialModel(PreTrainedModel, GenerationMixin):  # type: ignore[no-untyped-call]
    """Hears levels inside sounds (`hear`) and writes sentences about moves (`forward`, `generate`).

    What stands between, the weighing of levels into moves, has no weights of its own: `posterior`.
    """

    config_class = DifferentialConfig
    base_model_prefix = "differential"
    main_input_name = "input_ids"
    _no_split_modules = ["Layer", "WriterLayer"]  # noqa: RUF012 (the base class wants a list)
    _supports_sdpa = True

    def __init__(self, config: DifferentialConfig) -> None:
        super().__init__(config)
        # The configuration has all fields of a Shape.
        self.ear = Ear(config)  # type: ignore[arg-type]
        self.writer = Writer(config)  # type: ignore[arg-type]
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: Any) -> None:
        """Layers keep the initial values that they gave themselves."""

    def hear(self, powers: Tensor) -> Heard:
        """What is heard in band powers (B, 2, bands, frames)."""
        heard: Heard = self.ear(powers)
        return heard

    def forward(
        self,
        input_ids: Tensor,
        kind: Tensor,
        evidence: Tensor,
        role: Tensor,
        figures: Tensor,
        own: Tensor,
        reference: Tensor,
        heard: Tensor,
        labels: Tensor | None = None,
        **_: Any,
    ) -> CausalLMOutput:
        """Logits of the next word (B, words, vocabulary); with `labels` (B, words; -100 is left out) the mean loss."""
        about = About(kind, evidence, role, figures, own, reference, heard)
        loss = None if labels is None else words_loss(self.writer, input_ids, labels, about)
        logits = self.writer(input_ids, about)
        return CausalLMOutput(loss=loss, logits=logits)

    def prepare_inputs_for_generation(self, input_ids: Tensor, **kwargs: Any) -> dict[str, Any]:
        """Every step looks at the whole text: it is short, so nothing is cached."""
        names = About._fields
        return {"input_ids": input_ids[:, :LONGEST], **{name: kwargs[name] for name in names}}


def as_transformers(model: CompactModel) -> DifferentialModel:
    """The same model, with transformers around it; the weights are copied."""
    whole = DifferentialModel(DifferentialConfig(**model.config.model_dump()))
    whole.load_state_dict(model.state_dict())
    return whole
