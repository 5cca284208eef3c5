"""Reader for ComfyUI graphs: finds the sampler and follows its inputs. Pure.

A graph maps node ids to a class and inputs. An input is a value or a link. Walks visit each node once and end after
NODES_MAX nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from storage.metadata import exif
from storage.metadata.readers.parsed import NAME_MAX, Findings, mapping, parsed, words

NODES_MAX = 5_000
TEXTS_MAX = 20
STARTS_MAX = 20  # outputs from which a sampler is searched

_TEXT_KEYS = (
    "text",
    "text_g",
    "t5xxl",
    "clip_l",
    "text_l",
    "prompt",
    "positive_prompt",
    "string",
    "value",
    "wildcard_text",
)
_SCALARS = ("value", "seed", "noise_seed", "int", "float", "number", "Number", "Value", "string", "text")
_NO_TEXT = frozenset({
    "model", "clip", "vae", "image", "pixels", "mask", "control_net", "latent_image", "samples", "latent", "sigmas", "sampler", "noise",
    "clip_vision_output", "clip_vision", "guider", "style_model",
})  # fmt: skip
_LATENTS = ("latent_image", "samples", "latent", "latents")
_OUTPUTS = ("save", "preview", "output")


@dataclass(frozen=True)
class _Graph:
    nodes: Mapping[str, Mapping[str, object]]

    def inputs(self, node: str) -> dict[str, object]:
        return mapping(self.nodes[node].get("inputs"))

    def kind(self, node: str) -> str:
        return words(self.nodes[node].get("class_type"), 200)

    def link(self, value: object) -> tuple[str, int] | None:
        """The node and output index that a value links to."""
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], (str, int)):
            return None
        name = str(value[0])
        slot = value[1] if isinstance(value[1], int) else 0
        return (name, slot) if name in self.nodes else None

    def up(self, node: str) -> list[str]:
        """The nodes that its inputs link to."""
        found = (self.link(value) for value in self.inputs(node).values())
        return [link[0] for link in found if link]

    def walk(self, start: str) -> Iterator[str]:
        """All nodes upstream of `start`, itself first, nearest first."""
        waiting, seen = deque([start]), {start}
        while waiting:
            node = waiting.popleft()
            yield node
            for other in self.up(node):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)

    def value(self, told: object) -> object:
        """A plain value, followed through nodes that hold one."""
        for _ in range(20):
            link = self.link(told)
            if link is None:
                return None if isinstance(told, (list, dict)) else told
            inputs = self.inputs(link[0])
            told = next((inputs[key] for key in _SCALARS if key in inputs), None)
        return None

    def near(self, start: object, *keys: str) -> object:
        """The first plain value under one of `keys`, upstream of a link."""
        link = self.link(start)
        for node in self.walk(link[0]) if link else ():
            inputs = self.inputs(node)
            for key in keys:
                if key in inputs and (found := self.value(inputs[key])) is not None:
                    return found
        return None


def graph_in(texts: Mapping[str, str], tags: Mapping[int, bytes]) -> dict[str, object]:
    """The graph in a file's metadata; empty if there is none. WebP stores it in EXIF as "prompt:{...}"."""
    told = texts.get("prompt", "")
    if not told:
        for tag in (exif.MODEL, exif.MAKE, exif.DESCRIPTION, exif.COMMENT):
            text = exif.text(tags.get(tag, b""))
            if text[:7].lower() == "prompt:":
                told = text[7:]
    return mapping(parsed(told))


def read(graph: Mapping[str, object]) -> Findings | None:
    """Read a graph; None if it is not one."""
    nodes = {name: node for name, node in graph.items() if isinstance(node, dict) and "class_type" in node}
    if not nodes:
        return None
    found = Findings(maker="comfyui")
    if len(nodes) > NODES_MAX:
        found.note("graph_too_large", n=len(nodes), most=NODES_MAX)
        return found
    known = _Graph(nodes)
    samplers = _samplers(known)
    if not samplers:
        found.note("no_sampler")
        return found
    if len(samplers) > 1:
        found.note("several_samplers", n=len(samplers))
    _sampled(known, samplers[-1], found)
    return found


def _is_sampler(graph: _Graph, node: str) -> bool:
    inputs = graph.inputs(node)
    if {"guider", "noise", "sigmas"} <= set(inputs):
        return True
    return "positive" in inputs and ("seed" in inputs or "noise_seed" in inputs)


def _samplers(graph: _Graph) -> list[str]:
    """The samplers upstream of the saved image, last one first; the chain's first sampler is the end of the list."""
    outputs = [node for node in graph.nodes if any(part in graph.kind(node).lower() for part in _OUTPUTS)]
    for start in (outputs or list(graph.nodes)[::-1])[:STARTS_MAX]:
        last = next((node for node in graph.walk(start) if _is_sampler(graph, node)), None)
        if last is not None:
            break
    else:
        return [node for node in graph.nodes if _is_sampler(graph, node)][:1]
    chain = [last]
    while len(chain) < 50:
        latent = next((link for key in _LATENTS if (link := graph.link(graph.inputs(chain[-1]).get(key)))), None)
        before = next((node for node in graph.walk(latent[0]) if _is_sampler(graph, node)), None) if latent else None
        if before is None or before in chain:
            break
        chain.append(before)
    return chain


def _sampled(graph: _Graph, sampler: str, found: Findings) -> None:
    """Read one sampler and its inputs."""
    inputs = graph.inputs(sampler)
    guider = graph.link(inputs.get("guider"))
    guided = graph.inputs(guider[0]) if guider else inputs
    found.prompts(
        _text(graph, guided.get("positive", guided.get("conditioning"))), _text(graph, guided.get("negative"))
    )
    sigmas = inputs.get("sigmas")
    model = inputs.get("model", guided.get("model"))
    found.numbers(
        seed=graph.value(inputs.get("seed", inputs.get("noise_seed"))) if "noise" not in inputs
        else graph.near(inputs["noise"], "noise_seed", "seed"),
        steps=graph.value(inputs["steps"]) if "steps" in inputs else graph.near(sigmas, "steps"),
        guidance=graph.value(guided.get("cfg")),
        shift=graph.near(model, "shift"),
    )  # fmt: skip
    name = (
        graph.value(inputs["sampler_name"])
        if "sampler_name" in inputs
        else graph.near(inputs.get("sampler"), "sampler_name")
    )
    found.sampler = words(name, NAME_MAX)
    found.checkpoint = words(graph.near(model, "ckpt_name", "unet_name", "model_name", "gguf_name"), NAME_MAX)
    for key in _LATENTS:
        _size(graph, inputs.get(key), found)
    _loras(graph, model, found)
    scheduler = graph.value(inputs["scheduler"]) if "scheduler" in inputs else graph.near(sigmas, "scheduler")
    denoise = graph.value(inputs["denoise"]) if "denoise" in inputs else graph.near(sigmas, "denoise")
    found.besides({
        "scheduler": scheduler,
        "denoise": denoise,
        "flux guidance": graph.near(guided.get("positive", guided.get("conditioning")), "guidance"),
        "sampler node": graph.kind(sampler),
    })  # fmt: skip
    if not found.prompt:
        found.note("prompt_not_found")


def _text(graph: _Graph, start: object) -> str:
    """The texts of a conditioning, nearest first, without duplicates."""
    link = graph.link(start)
    if link is None:
        return words(start, 1_000_000)
    waiting, seen = deque([link]), {link}
    texts: list[str] = []
    while waiting and len(texts) < TEXTS_MAX:
        node, slot = waiting.popleft()
        inputs = graph.inputs(node)
        if "ZeroOut" in graph.kind(node):
            continue
        if "positive" in inputs and "negative" in inputs:  # the node passes both on: the output index decides
            inputs = {"positive": inputs["negative" if slot == 1 else "positive"]}
        plain = [inputs[key] for key in _TEXT_KEYS if isinstance(inputs.get(key), str) and inputs[key]]
        plain = plain or [
            value for key, value in inputs.items() if key.startswith(("string", "text")) and isinstance(value, str)
        ]
        texts += [text for text in plain if isinstance(text, str) and text.strip() and text not in texts]
        for key, value in inputs.items():
            other = graph.link(value)
            if key not in _NO_TEXT and other and other not in seen:
                seen.add(other)
                waiting.append(other)
    return ", ".join(texts)


def _size(graph: _Graph, latent: object, found: Findings) -> None:
    link = graph.link(latent)
    for node in graph.walk(link[0]) if link and found.told_size is None else ():
        inputs = graph.inputs(node)
        if "width" in inputs and "height" in inputs:
            found.size(graph.value(inputs["width"]), graph.value(inputs["height"]))
            return


def _loras(graph: _Graph, model: object, found: Findings) -> None:
    """The adapters upstream of the model, in the order of application."""
    link = graph.link(model)
    told: list[tuple[object, object]] = []
    for node in graph.walk(link[0]) if link else ():
        inputs = graph.inputs(node)
        if "lora_name" in inputs:
            told.append((graph.value(inputs["lora_name"]), graph.value(inputs.get("strength_model", 1.0))))
        for stacked in map(mapping, inputs.values()):  # a node with several adapters, each switched on or off
            if "lora" in stacked and stacked.get("on", True):
                told.append((stacked["lora"], stacked.get("strength", 1.0)))
    for name, weight in told[::-1]:
        found.lora(name, weight)
