"""Pocket's tokenizer, chat template and language model, untrained, and how a dialogue becomes tokens.

The roles and marks are Qwen3's; the template's text is our own. It knows no training loop and no pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from pocket.dialogues import Dialogue, system_message
from pocket.words import ZH_WORDS, has_cjk
from pocket.world import CHARACTERS, LATIN

END_OF_TEXT, START, END, THINK, END_THINK = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<think>",
    "</think>",
)
SPECIAL = (END_OF_TEXT, START, END)
VOCABULARY = 3072
POSITIONS = 4096

HIDDEN = 288
"""The width of the model, and so of the states that the transformer is conditioned on."""
LAYERS = 6

_CJK = r"\u3400-\u4dbf\u4e00-\u9fff"
_LETTER = rf"[A-Za-z{_CJK}]"
LONGEST_SPELT = 12
_BEFORE = "|".join(rf'["“]{_LETTER}{{{count}}}' for count in range(LONGEST_SPELT))
SPELT = rf'(?<={_BEFORE}){_LETTER}(?=[A-Za-z{_CJK}]{{0,{LONGEST_SPELT - 1}}}["”])'
"""A letter or character of one word that stands alone in quotation marks, up to twelve long."""

# Each letter of a quoted word and of a word in capitals is a token of its own: what is to be drawn letter by letter is
# read and copied letter by letter. Else English words with their space, a few Chinese words, or each Chinese character
# and each digit alone, so that a count is always its own token.
PIECES = "|".join(
    (
        SPELT,
        *ZH_WORDS,
        rf"[{_CJK}]",
        r" ?[A-Z]?[a-z]+",
        r"[A-Z]",
        r"\d",
        rf" ?[^\sA-Za-z\d{_CJK}]",
        r"\n+",
        r"\s",
    )
)

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|im_start|>assistant\\n' -}}"
    "{%- if enable_thinking is defined and enable_thinking is false -%}"
    "{{- '<think>\\n\\n</think>\\n\\n' -}}"
    "{%- endif -%}"
    "{%- endif -%}"
)


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on texts; every text survives encoding and decoding.

    Every character that the world can write and every Chinese character of the texts is one token, however rare.
    """
    texts = list(texts)
    characters = sorted({character for text in texts for character in text if has_cjk(character)} - set(CHARACTERS))
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    alphabet = " ".join((*LATIN, *CHARACTERS, *characters, *ZH_WORDS)) + "\n"
    inner.train_from_iterator([alphabet * 300, *texts], trainer)
    # As in Qwen3, the thinking marks are single tokens of the vocabulary, yet ordinary text when decoded.
    inner.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in (THINK, END_THINK)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token=END,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[START, END],
        model_max_length=POSITIONS,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def new_language_model(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """The untrained model, some 5.8 million parameters (11 MiB in bf16), its head tied to its embeddings."""
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=704,
        num_hidden_layers=LAYERS,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=48,
        max_position_embeddings=POSITIONS,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        initializer_range=0.03,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    return Qwen3ForCausalLM(config)


def encoder_text(tokenizer: PreTrainedTokenizerFast, caption: str) -> str:
    """A caption as stock ZImagePipeline wraps it before its text encoder reads it."""
    messages = [{"role": "user", "content": caption}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=True)
    return str(text)


def enhancer_text(tokenizer: PreTrainedTokenizerFast, dialogue: Dialogue) -> str:
    """A wish as the enhancer asks it: the template file as system message, no thinking."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": system_message(dialogue.language)},
        {"role": "user", "content": dialogue.wish},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    return str(text)


def save_language(folder: Path, tokenizer: PreTrainedTokenizerFast, model: Qwen3ForCausalLM) -> None:
    """Model and tokenizer into one folder, as `transformers` loads them."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
