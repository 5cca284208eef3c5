"""The generation request: validated before it becomes a job.

Pure: knows no page, no database, no engine. Values are untrusted: each is checked for its type and range, and each error
names the API's parameter, the rule and the value. Nothing is corrected silently.

The API, the form and batch files have flat parameters. `GenerationRequest.of` groups them and `flatten` is its inverse; a
field whose parameter has another name says so with an alias.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Self, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from studio.domain.adapter_text import parse_adapters
from studio.domain.recipe import SEED_MAX
from studio.domain.sizes import SIDE_MAX, SIDE_MIN, SIDE_STEP
from studio.errors import InvalidRequest

PROMPT_MAX = 20_000  # characters
NAME_MAX = 500
COUNT_MAX = 64
KEEP_WORDS_MAX = 20
VARIATIONS_MAX = 8  # length of a chain of variations
STEPS_MAX = 50
ADAPTERS_MAX = 8
WEIGHT_MAX = 4.0  # of an adapter, positive or negative
GUIDANCE_MAX = 20.0
SHIFT_MIN, SHIFT_MAX = 0.1, 20.0


def is_storable(value: str) -> bool:
    """Whether UTF-8 and the database can store a text: no null characters and no surrogates."""
    return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def is_session_id(value: object) -> bool:
    """Whether a value can be the id of a private session."""
    return isinstance(value, str) and re.fullmatch("[0-9A-Za-z]{1,64}", value) is not None


def new_seed() -> int:
    """A random seed below 2^32. torch's CPU generator reads no more bits, and people can read it."""
    return secrets.randbelow(2**32)


def refused(rule: str, value: object, **values: object) -> PydanticCustomError:
    """An error with a key below `rule.` and the part of the input that breaks the rule."""
    return PydanticCustomError(rule, rule, {"got": value, "values": values})


def _text(value: object) -> object:
    if isinstance(value, str):
        if len(value) > PROMPT_MAX:
            raise refused("characters_at_most", value, most=PROMPT_MAX)
        if not is_storable(value):
            raise refused("control_characters", ascii(value))
    return value


def _prompt(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise refused("empty", value)
    return _text(value)


def _name(value: object) -> object:
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= NAME_MAX and is_storable(value)):
        raise refused("name", ascii(value) if isinstance(value, str) else value)
    return value


def _session(value: object) -> object:
    if not isinstance(value, bool) and not is_session_id(value):
        raise refused("session", value)
    return value


def _pairs(value: tuple[object, ...] | list[object], rule: str) -> list[tuple[object, object]]:
    """Pairs of anything. Raises PydanticCustomError with a rule for other values."""
    found: list[tuple[object, object]] = []
    for pair in value:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise refused(rule, pair)
        found.append((pair[0], pair[1]))
    return found


def _number(value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise refused("number", value, least=f"{least:g}", most=f"{most:g}")
    if not least <= value <= most:
        raise refused("range", value, least=f"{least:g}", most=f"{most:g}")
    return value


def _strength(value: object) -> float:
    """A number in (0, 1]."""
    found = _number(value, 0, 1)
    if not found:
        raise refused("strength", value)
    return found


def _source_strength(value: object) -> object:
    if value is not None and _strength(value) == 1:
        raise refused("strength_below_1", value)
    return value


def _variations(value: object) -> object:
    value = () if value is None else value
    if not isinstance(value, tuple | list) or len(value) > VARIATIONS_MAX:
        raise refused("variations_at_most", value, most=VARIATIONS_MAX)
    found = _pairs(value, "variation_pairs")
    for seed, strength in found:
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise refused("integer", seed, least="0", most=str(SEED_MAX))
        if not 0 <= seed <= SEED_MAX:
            raise refused("range", seed, least="0", most=str(SEED_MAX))
        _strength(strength)
    return tuple(found)


def _adapters(value: object) -> object:
    value = parse_adapters(value)
    if not isinstance(value, tuple | list) or len(value) > ADAPTERS_MAX:
        raise refused("adapters_at_most", value, most=ADAPTERS_MAX)
    found = _pairs(value, "adapter_pairs")
    seen = set()
    for pair in found:
        name, weight = pair
        if not isinstance(name, str):
            raise refused("adapter_pairs", pair)
        _name(name)
        if weight is None:
            raise refused("weight_missing", pair)
        if not _number(weight, -WEIGHT_MAX, WEIGHT_MAX):
            raise refused("weight_zero", pair)
        if name in seen:
            raise refused("named_twice", name)
        seen.add(name)
    return tuple(found)


def _keep_words(value: object) -> object:
    if value is None:
        return ()
    if not isinstance(value, tuple | list) or len(value) > KEEP_WORDS_MAX:
        raise refused("texts_at_most", value, most=KEEP_WORDS_MAX)
    for word in value:
        if not isinstance(word, str) or not word.strip():
            raise refused("texts_empty", word)
    return tuple(value)


Name = Annotated[str | None, BeforeValidator(_name)]
Text = Annotated[str, BeforeValidator(_text)]


class Group(BaseModel):
    """Base of the groups: frozen, strict, and without unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, validate_by_name=True)


class EnhancementRequest(Group):
    """How the prompt is enhanced, or with `id` which stored enhancement it is linked to."""

    enabled: bool = Field(default=True, alias="enhance")
    id: Name = Field(default=None, alias="enhancement")
    style: Name = None
    length: Annotated[str, BeforeValidator(_name)] = "auto"
    keep_words: Annotated[tuple[str, ...], BeforeValidator(_keep_words)] = Field(default=(), alias="locks")
    template: Name = None
    rewrite_each: bool = Field(default=False, alias="spread")  # one rewrite per picture


class SamplingRequest(Group):
    """The sampling settings. None means the checkpoint's default, and for the seed a random one."""

    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)
    width: int | None = Field(default=None, ge=SIDE_MIN, le=SIDE_MAX, multiple_of=SIDE_STEP)
    height: int | None = Field(default=None, ge=SIDE_MIN, le=SIDE_MAX, multiple_of=SIDE_STEP)
    steps: int | None = Field(default=None, ge=1, le=STEPS_MAX)
    guidance: float | None = Field(default=None, ge=0, le=GUIDANCE_MAX)
    negative_prompt: Text = ""
    shift: float | None = Field(default=None, ge=SHIFT_MIN, le=SHIFT_MAX)
    cfg_normalization: bool = False
    cfg_truncation: float | None = Field(default=None, ge=0, le=1)
    variation_of: Annotated[tuple[tuple[int, float], ...], BeforeValidator(_variations)] = ()


class SourceRequest(Group):
    """The source image by its id or the hash of its pixels, and how far sampling moves away from it, in (0, 1)."""

    id: Name = Field(default=None, alias="source")
    strength: Annotated[float | None, BeforeValidator(_source_strength)] = None

    @model_validator(mode="after")
    def _has_image(self) -> Self:
        if self.strength is not None and self.id is None:
            raise refused("strength_without_source", self.strength, parameter="strength")
        return self


class GenerationRequest(Group):
    """A valid request for `count` pictures."""

    prompt: Annotated[str, BeforeValidator(_prompt)]
    count: int = Field(default=1, ge=1, le=COUNT_MAX)
    checkpoint: Name = None
    parent: Name = None
    private: Annotated[bool | str, BeforeValidator(_session)] = False  # a text is the id of a private session
    enhancement: EnhancementRequest = EnhancementRequest()
    sampling: SamplingRequest = SamplingRequest()
    source: SourceRequest = SourceRequest()
    adapters: Annotated[tuple[tuple[str, float], ...], BeforeValidator(_adapters)] = ()

    @model_validator(mode="after")
    def _has_keep_words(self) -> Self:
        for word in self.enhancement.keep_words:
            if word.casefold() not in self.prompt.casefold():
                raise refused("words_of_prompt", word, parameter="locks")
        return self

    @classmethod
    def of(cls, **parameters: object) -> Self:
        """Group and validate the API's parameters. Raises InvalidRequest."""
        grouped: dict[str, Any] = {name: {} for name in _GROUPS}
        for name, value in parameters.items():
            if name not in PARAMETERS:
                raise InvalidRequest(name, "one_of", value, names=", ".join(sorted(PARAMETERS)))
            group = PARAMETERS[name]
            (grouped[group] if group else grouped)[name] = value
        try:
            return cls.model_validate(grouped)
        except ValidationError as error:
            raise _explained(error.errors(include_url=False)[0]) from None

    def flatten(self) -> dict[str, Any]:
        """The API's parameters."""
        groups = {name: getattr(self, name).model_dump(by_alias=True) for name in _GROUPS}
        own = {name: getattr(self, name) for name, group in PARAMETERS.items() if group is None}
        return own | {name: value for group in groups.values() for name, value in group.items()}


_GROUPS: dict[str, type[Group]] = {
    name: field.annotation
    for name, field in GenerationRequest.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Group)
}
PARAMETERS: Mapping[str, str | None] = {
    name: None for name in GenerationRequest.model_fields if name not in _GROUPS
} | {field.alias or name: group for group, model in _GROUPS.items() for name, field in model.model_fields.items()}
"""The API's parameters and their groups; None for those of the request itself."""


def _explained(error: ErrorDetails) -> InvalidRequest:
    """A validation error as one that names the parameter, the rule and the value."""
    path, context = [str(part) for part in error["loc"]], error.get("ctx", {})
    if "got" in context:
        values = dict(context["values"])
        parameter = values.pop("parameter", path[-1] if path else "")
        return InvalidRequest(parameter, error["type"], context["got"], **values)
    name = path[-1]
    field = _field(path)
    limits = _limits(field)
    whole = int in (field.annotation, *get_args(field.annotation))
    if error["type"] == "missing":
        return InvalidRequest(name, "text", None)
    rule = _RULES.get(error["type"], "integer" if whole else "number")
    value = error["input"]
    counts = isinstance(value, int) and not isinstance(value, bool) and bool(limits)
    if counts and not float(limits["least"]) <= value <= float(limits["most"]):
        rule = "range"
    step = {"step": SIDE_STEP} if rule == "multiple_of" else {}
    return InvalidRequest(name, rule, value, **(limits if rule in LIMITED else step))


def _field(path: list[str]) -> FieldInfo:
    """The field at a path of API names."""
    model: type[BaseModel] = _GROUPS.get(path[0], GenerationRequest)
    return next(field for name, field in model.model_fields.items() if path[-1] in (name, field.alias))


def _limits(field: FieldInfo) -> dict[str, str]:
    """The smallest and the largest value of a field."""
    found: dict[str, str] = {}
    for limit in field.metadata:
        if isinstance(limit, Ge):
            found["least"] = f"{limit.ge}"
        elif isinstance(limit, Le):
            found["most"] = f"{limit.le:g}" if isinstance(limit.le, float) else f"{limit.le}"
    return found


LIMITED = ("integer", "number", "range")
_RULES = {
    "bool_type": "boolean",
    "string_type": "text",
    "greater_than_equal": "range",
    "less_than_equal": "range",
    "multiple_of": "multiple_of",
}
