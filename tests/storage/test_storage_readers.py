"""Pictures that others made, each maker's texts in real files; and what no maker wrote does no harm."""

from __future__ import annotations

import io
import json
import struct
import zlib
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage.errors import NotAPicture
from storage.metadata import exif, readers, writer
from storage.metadata.readers import parse_metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PROPERTY = settings(deadline=None, max_examples=100, database=None)


def png(size=(24, 16), **texts):
    info = PngInfo()
    for name, value in texts.items():
        told = value if isinstance(value, str) else json.dumps(value)
        info.add_text(name.replace("__", "-"), told)
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, "PNG", pnginfo=info)
    return file.getvalue()


def with_exif(kind, size=(24, 16), comment=None, **tags):
    """A JPEG or WebP as Pillow writes EXIF, tags on the first directory."""
    told = Image.Exif()
    for tag, value in tags.items():
        told[int(tag[1:])] = value
    data = b"Exif\0\0" + exif.write(comment) if comment is not None else told.tobytes()
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind, exif=data)
    return file.getvalue()


A1111 = (
    "a cat, <lora:fur:0.8>,\nsecond line\nNegative prompt: blur, (hands:1.2)\n"
    "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 123456789012, Size: 512x768, "
    "Model hash: abc123, Model: dreamshaper_8, Denoising strength: 0.4, Hires upscale: 2, Hires steps: 10, "
    'Hires upscaler: Latent, Lora hashes: "fur: 11aa, glow: 22bb", TI hashes: "x: 1, y: 2", Version: v1.10.1'
)


@pytest.mark.parametrize("kind", ["png", "JPEG", "WEBP"])
def test_a1111_in_every_kind_of_file(kind):
    size = (1024, 1536)
    data = png(size, parameters=A1111) if kind == "png" else with_exif(kind, size, comment=A1111)
    told = parse_metadata(data, "cat.png")
    assert (told.maker, told.format, told.name) == ("a1111", kind.lower(), "cat.png")
    assert told.prompt == "a cat, <lora:fur:0.8>,\nsecond line" and told.negative_prompt == "blur, (hands:1.2)"
    assert (told.seed, told.steps, told.guidance, told.shift) == (123456789012, 20, 7.0, None)
    assert (told.width, told.height, told.told_size) == (1024, 1536, (512, 768))
    assert (told.sampler, told.checkpoint) == ("DPM++ 2M", "dreamshaper_8")
    assert told.loras == (("fur", 0.8), ("glow", 1.0))
    assert told.rest["Hires upscale"] == "2" and told.rest["Schedule type"] == "Karras"
    assert told.rest["TI hashes"] == "x: 1, y: 2" and told.notes == ()


def test_forge_and_sdnext():
    forge = "fox\nSteps: 8, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Shift: 3, Seed: 5, "
    forge += "Size: 24x16, Model: z_image_turbo, Module 1: ae, Version: f2.0.1v1.10.1-previous-665-gae278f79"
    told = parse_metadata(png(parameters=forge), "x")
    assert (told.maker, told.guidance, told.shift, told.checkpoint) == ("a1111", 1.0, 3.0, "z_image_turbo")
    assert told.rest["Distilled CFG Scale"] == "3.5" and told.rest["Version"].startswith("f2.0")
    sdnext = "fox\nNegative prompt: bad\nSteps: 9, Size: 24x16, Sampler: Euler, Seed: 6, CFG scale: 6, App: SD.Next, Version: 0eb4a98\n"
    told = parse_metadata(png(parameters=sdnext), "x")
    assert (told.prompt, told.negative_prompt, told.steps, told.seed) == ("fox", "bad", 9, 6)
    turned = "fox\nSeed: 4, Sampler: Euler, Size: 24x16, Model: m, Steps: 3"
    told = parse_metadata(png(parameters=turned), "x")
    assert (told.prompt, told.seed, told.steps) == ("fox", 4, 3)


def test_values_that_are_none_are_named():
    told = parse_metadata(
        png(parameters="a\nSteps: NaN, Sampler: x, CFG scale: NaN, Seed: -1, Size: axb, Model: m"), "x"
    )
    assert (told.seed, told.steps, told.guidance, told.told_size) == (None, None, None, None)
    assert told.notes == (
        "The seed could not be read (got -1).",
        "The steps could not be read (got NaN).",
        "The guidance could not be read (got NaN).",
    )
    told = parse_metadata(png(parameters="a\nSteps: 8, Seed: 1, Prompt chars: " + "9" * 5000), "x")
    assert told.seed == 1


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": kind}}


def z_image_graph():
    return {
        "3": node("KSampler", seed=["20", 0], steps=8, cfg=1.0, sampler_name="res_multistep", scheduler="simple", denoise=1.0,
                  model=["11", 0], positive=["9", 0], negative=["7", 0], latent_image=["13", 0]),
        "6": node("CLIPTextEncode", text=["21", 0], clip=["18", 0]),
        "7": node("ConditioningZeroOut", conditioning=["6", 0]),
        "9": node("FluxGuidance", conditioning=["6", 0], guidance=3.5),
        "8": node("VAEDecode", samples=["3", 0], vae=["17", 0]),
        "10": node("SaveImage", filename_prefix="z", images=["8", 0]),
        "11": node("ModelSamplingAuraFlow", shift=3.0, model=["12", 0]),
        "12": node("LoraLoaderModelOnly", lora_name="fur.safetensors", strength_model=0.7, model=["16", 0]),
        "13": node("EmptySD3LatentImage", width=1024, height=768, batch_size=1),
        "16": node("UNETLoader", unet_name="z_image_turbo_bf16.safetensors", weight_dtype="default"),
        "17": node("VAELoader", vae_name="ae.safetensors"),
        "18": node("CLIPLoader", clip_name="qwen_3_4b.safetensors", type="lumina2"),
        "20": node("PrimitiveInt", value=1125899906842624),
        "21": node("PrimitiveStringMultiline", value='兔子 "two"\nlines'),
    }  # fmt: skip


def test_comfyui_with_links_through_other_nodes():
    data = png(prompt=z_image_graph(), workflow={"nodes": []})
    told = parse_metadata(data, "z.png")
    assert (told.maker, told.prompt, told.negative_prompt) == ("comfyui", '兔子 "two"\nlines', "")
    assert (told.seed, told.steps, told.guidance, told.shift) == (1125899906842624, 8, 1.0, 3.0)
    assert (told.told_size, told.sampler) == ((1024, 768), "res_multistep")
    assert (told.checkpoint, told.loras) == ("z_image_turbo_bf16.safetensors", (("fur.safetensors", 0.7),))
    assert told.rest["scheduler"] == "simple" and told.rest["flux guidance"] == 3.5 and told.notes == ()
    webp = with_exif("WEBP", t272="prompt:" + json.dumps(z_image_graph(), ensure_ascii=True), t271="workflow:{}")
    assert parse_metadata(webp, "z.webp").seed == 1125899906842624


def test_comfyui_with_custom_samplers():
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name="sdxl.safetensors"),
        "2": node("CLIPTextEncode", text="a hare", clip=["1", 1]),
        "3": node("CLIPTextEncode", text="blur", clip=["1", 1]),
        "4": node("ControlNetApplyAdvanced", positive=["2", 0], negative=["3", 0], control_net=["9", 0], image=["9", 0]),
        "5": node("CFGGuider", model=["1", 0], positive=["4", 0], negative=["4", 1], cfg=4.5),
        "6": node("RandomNoise", noise_seed=77),
        "7": node("BasicScheduler", scheduler="beta", steps=28, denoise=1, model=["1", 0]),
        "8": node("KSamplerSelect", sampler_name="euler"),
        "9": node("LoadImage", image="x.png"),
        "10": node("EmptyLatentImage", width=640, height=["11", 0], batch_size=1),
        "11": node("PrimitiveNode", value=480),
        "12": node("SamplerCustomAdvanced", noise=["6", 0], guider=["5", 0], sampler=["8", 0], sigmas=["7", 0], latent_image=["10", 0]),
        "13": node("LatentUpscaleBy", samples=["12", 0], scale_by=2),
        "14": node("SamplerCustom", noise_seed=78, cfg=1, add_noise=True, model=["1", 0], positive=["2", 0], negative=["3", 0],
                   sampler=["8", 0], sigmas=["7", 0], latent_image=["13", 0]),
        "15": node("VAEDecode", samples=["14", 0], vae=["1", 2]),
        "16": node("SaveImage", images=["15", 0]),
    }  # fmt: skip
    told = parse_metadata(png(prompt=graph), "x")
    assert (told.prompt, told.negative_prompt, told.seed, told.steps) == ("a hare", "blur", 77, 28)
    assert (told.guidance, told.sampler, told.told_size) == (4.5, "euler", (640, 480))
    assert told.checkpoint == "sdxl.safetensors" and "2 samplers" in told.notes[0]
    graph["16"]["inputs"]["images"] = ["12", 0]
    graph["12"]["inputs"]["guider"] = ["17", 0]
    graph["17"] = node("BasicGuider", model=["18", 0], conditioning=["19", 0])
    lora = {"on": True, "lora": "a.safetensors", "strength": 0.5}
    graph["18"] = node("Power Lora Loader (rgthree)", model=["1", 0], lora_1=lora, lora_2={"on": False, "lora": "b"})
    graph["19"] = node("CLIPTextEncodeFlux", clip_l="short", t5xxl="a long hare", guidance=3.5, clip=["1", 1])
    told = parse_metadata(png(prompt=graph), "x")
    assert (told.prompt, told.loras, told.guidance) == ("a long hare, short", (("a.safetensors", 0.5),), None)


def test_comfyui_without_a_graph_or_with_an_infotext_besides():
    told = parse_metadata(png(workflow={"nodes": []}), "x")
    assert told.maker == "comfyui" and told.prompt == "" and "workflow" in told.notes[0]
    told = parse_metadata(png(prompt={"1": node("Unknown", a=1)}, parameters=A1111), "x")
    assert (told.maker, told.steps) == ("a1111", 20)
    told = parse_metadata(png(prompt={"1": node("Unknown", a=1)}), "x")
    assert (told.maker, told.prompt) == ("comfyui", "") and "sampler" in told.notes[0]


def test_comfyui_graphs_that_go_in_circles_or_are_huge():
    ring = {str(n): node("Reroute", text=[str((n + 1) % 50), 0], model=[str((n + 1) % 50), 0]) for n in range(50)}
    ring["s"] = node(
        "KSampler",
        seed=["3", 0],
        steps=["s", 0],
        positive=["0", 0],
        negative=["s", 0],
        model=["1", 0],
        latent_image=["s", 0],
    )
    ring["save"] = node("SaveImage", images=["s", 0])
    told = parse_metadata(png(prompt=ring), "x")
    assert (told.maker, told.seed, told.prompt) == ("comfyui", None, "")
    many = {str(n): node("KSampler", positive=["0", 0], seed=1, latent_image=[str(n + 1), 0]) for n in range(4_900)}
    assert parse_metadata(png(prompt=many), "x").seed == 1
    assert "5,000" in parse_metadata(png(prompt={str(n): node("X") for n in range(5_001)}), "x").notes[0]


def test_invokeai_now_and_before():
    meta = {"generation_mode": "txt2img", "positive_prompt": "a hare", "negative_prompt": "blur", "width": 24, "height": 16,
            "seed": 99, "cfg_scale": 7.5, "steps": 30, "scheduler": "euler", "app_version": "5.4.0",
            "model": {"key": "k", "hash": "h", "name": "SDXL", "base": "sdxl", "type": "main"},
            "loras": [{"model": {"name": "fur"}, "weight": 0.75}, {"lora": {"model_name": "old"}, "weight": 0.5}]}  # fmt: skip
    told = parse_metadata(png(invokeai_metadata=meta), "x")
    assert (told.maker, told.prompt, told.negative_prompt, told.seed) == ("invokeai", "a hare", "blur", 99)
    assert (told.steps, told.guidance, told.sampler, told.checkpoint) == (30, 7.5, "euler", "SDXL")
    assert told.loras == (("fur", 0.75), ("old", 0.5)) and told.rest["app_version"] == "5.4.0"
    old = {"model": "stable diffusion", "model_weights": "sd-1.5", "app_version": "2.3.5", "image": {
        "prompt": [{"prompt": "a hare [blur] in grass", "weight": 1}], "steps": 50, "cfg_scale": 7, "height": 512, "width": 448,
        "seed": 3, "sampler": "k_lms", "type": "txt2img"}}  # fmt: skip
    told = parse_metadata(png(sd__metadata=old), "x")
    assert (told.prompt, told.negative_prompt) == ("a hare  in grass", "blur")
    assert (told.seed, told.told_size, told.checkpoint) == (3, (448, 512), "sd-1.5")
    told = parse_metadata(png(Dream='"a \\"big\\" hare [blur]" -s 50 -S 42 -W 512 -H 640 -C 7.5 -A k_lms'), "x")
    assert (told.prompt, told.negative_prompt, told.seed, told.steps) == ('a "big" hare', "blur", 42, 50)
    assert (told.told_size, told.guidance, told.sampler) == ((512, 640), 7.5, "k_lms")


@pytest.mark.parametrize("kind", ["png", "JPEG"])
def test_swarmui(kind):
    told = json.dumps({
        "sui_image_params": {"prompt": "a hare", "negativeprompt": "blur", "model": "z_image_turbo", "seed": 11, "steps": 8,
                             "cfgscale": 1.0, "sigmashift": 3, "width": 1024, "height": 1024, "sampler": "euler", "loras": ["fur"],
                             "loraweights": ["0.6"], "swarm_version": "0.9.7"},
        "sui_extra_data": {"date": "2025-11-30", "original_prompt": "a <random:hare,fox>", "generation_time": "4.8 sec"},
        "sui_models": [{"name": "z_image_turbo.safetensors", "param": "model", "hash": "0x1"}],
    })  # fmt: skip
    found = parse_metadata(png(parameters=told) if kind == "png" else with_exif(kind, comment=told), "x")
    assert (found.maker, found.prompt, found.negative_prompt) == ("swarmui", "a hare", "blur")
    assert found.original_prompt == "a <random:hare,fox>" and found.loras == (("fur", 0.6),)
    assert (found.seed, found.steps, found.guidance, found.shift, found.checkpoint) == (
        11,
        8,
        1.0,
        3.0,
        "z_image_turbo",
    )
    assert found.created_at == datetime(2025, 11, 30, tzinfo=timezone.utc) and found.told_size == (1024, 1024)


def test_fooocus_in_both_schemes():
    told = {"adm_guidance": "(1.5, 0.8, 0.3)", "base_model": "juggernautXL", "base_model_hash": "ab", "guidance_scale": 4, "sharpness": 2,
            "loras": [["offset.safetensors", 0.1, "cd"]], "metadata_scheme": "fooocus", "negative_prompt": "blur", "prompt": "a hare",
            "full_prompt": ["a hare", "cinematic"], "resolution": "(1152, 896)", "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras",
            "seed": "8124", "steps": 30, "styles": "['Fooocus V2']", "version": "Fooocus v2.5.5"}  # fmt: skip
    for data in (
        png(parameters=told, fooocus_scheme="fooocus"),
        with_exif("JPEG", t37510=json.dumps(told), t305="Fooocus v2.5.5", t37500="fooocus"),
    ):
        found = parse_metadata(data, "x")
        assert (found.maker, found.prompt, found.negative_prompt, found.seed) == ("fooocus", "a hare", "blur", 8124)
        assert (found.steps, found.guidance, found.told_size) == (30, 4.0, (1152, 896))
        assert (found.checkpoint, found.loras) == ("juggernautXL", (("offset.safetensors", 0.1),))
        assert found.rest["full_prompt"] == '["a hare", "cinematic"]'
    infotext = A1111.replace("v1.10.1", "Fooocus v2.5.5")
    assert parse_metadata(png(parameters=infotext, fooocus_scheme="a1111"), "x").maker == "fooocus"
    assert parse_metadata(png(parameters=infotext), "x").maker == "fooocus"


def test_ours_in_every_kind_and_without_its_json(kit):
    enhancement = kit.enhancement()
    kept = kit.picture(
        'a\nSteps: 3, Seed: 1, Size: 2x2\nNegative prompt: "x"', negative_prompt="blur", enhancement_id=enhancement.id
    )
    for kind in ("png", "jpeg", "webp"):
        told = parse_metadata(kit.store.exported("ann", kept.id, kind), "x")
        assert (told.maker, told.format) == ("studio", kind)
        for name in (
            "prompt",
            "negative_prompt",
            "original_prompt",
            "seed",
            "steps",
            "guidance",
            "shift",
            "checkpoint",
            "width",
            "height",
        ):
            assert getattr(told, name) == getattr(kept, name), name
        assert told.created_at == kept.created_at and told.notes == ()
    told = parse_metadata(writer.without(kit.store.pictures.path("ann", kept.id).read_bytes(), {writer.OURS}), "x")
    assert (told.maker, told.prompt, told.negative_prompt, told.seed) == ("a1111", kept.prompt, "blur", kept.seed)


def test_what_tells_nothing_says_so(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(with_exif("JPEG"))
    told = parse_metadata(path, path.name)
    assert (told.maker, told.prompt, told.notes) == (None, "", ("It does not say how it was made.",))
    told = parse_metadata(png(parameters="just words"), "x")
    assert told.maker is None and told.rest == {"text": "just words"}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "a.png is neither PNG, JPEG nor WebP."),
        (b"GIF89a" + b"0" * 50, "a.png is neither PNG, JPEG nor WebP."),
        (b"\x89PNG\r\n\x1a\n", "a.png is damaged: its header has no size."),
        (b"\xff\xd8\xff\xe0\0\x02", "a.png is damaged: its header has no size."),
        (b"RIFF\0\0\0\0WEBPVP8X", "a.png is damaged: its header has no size."),
        (SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 5, 8, 2, 0, 0, 0)), "a.png is damaged: its header has no size."),
        (
            SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)),
            "a.png has 2,147,483,647 x 2,147,483,647 pixels, more than 80 million.",
        ),
        (b"\x89PNG\r\n\x1a\n" + b"0" * readers.FILE_MAX, "a.png has more than 60 MiB."),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data, sentence):
    with pytest.raises(NotAPicture) as caught:
        parse_metadata(data, "a.png")
    assert str(caught.value) == sentence and isinstance(caught.value, ValueError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["prompt", "parameters", "invokeai_metadata", "sd-metadata", "Dream", "workflow", writer.OURS]
NAMES = ["positive_prompt", "image", "model", "loras", "seed", "steps", "sui_image_params", "prompt", "format", "base_model", "resolution",
         "class_type", "inputs", "created_at", "recipe", "3", "width", "height", "metadata_scheme"]  # fmt: skip
objects = st.dictionaries(
    st.sampled_from(NAMES), json_values | st.dictionaries(st.sampled_from(NAMES), json_values, max_size=4), max_size=6
)


@PROPERTY
@given(key=st.sampled_from(KEYS), told=objects | json_values)
def test_any_json_is_read_without_harm(key, told):
    check(parse_metadata(png(**{key.replace("-", "__"): json.dumps(told)}), "x"))


inputs = st.dictionaries(
    st.sampled_from(["positive", "negative", "seed", "steps", "model", "latent_image", "text", "noise", "guider", "sigmas", "cfg",
                     "width", "height"]),
    st.tuples(st.sampled_from("0123456"), st.integers(0, 1)).map(list) | json_values,
)  # fmt: skip
kinds = st.sampled_from(["KSampler", "SaveImage", "CLIPTextEncode", "ConditioningZeroOut"]) | json_values
graphs = st.dictionaries(
    st.sampled_from("0123456"), st.fixed_dictionaries({"class_type": kinds, "inputs": inputs | json_values})
)


@PROPERTY
@given(graph=graphs)
def test_any_graph_is_followed_without_harm(graph):
    check(parse_metadata(png(prompt=json.dumps(graph)), "x"))


@PROPERTY
@given(text=st.text(max_size=200) | st.text(max_size=80).map(lambda rest: f"a\nSteps: 8, {rest}"))
def test_any_text_is_read_without_harm(text):
    for key in KEYS:
        check(
            parse_metadata(
                png(**{key.replace("-", "__"): text.replace("\0", "").encode("utf-8", "replace").decode()}), "x"
            )
        )


@PROPERTY
@given(data=st.binary(max_size=60), at=st.integers(0, 800), cut=st.booleans())
def test_torn_files_are_read_or_refused(data, at, cut):
    for whole in (
        png(parameters=A1111, prompt=z_image_graph()),
        with_exif("JPEG", comment=A1111),
        with_exif("WEBP", comment=A1111),
    ):
        try:
            check(parse_metadata(whole[:at] + data + (b"" if cut else whole[at + len(data) :]), "x"))
        except NotAPicture as error:
            assert str(error).startswith("x ")


def check(told):
    """What came out can be kept: finite, in its range, and a text that any database takes."""
    json.dumps(dict(told.rest), allow_nan=False).encode()
    for text in (
        told.prompt,
        told.negative_prompt,
        told.original_prompt,
        told.sampler,
        told.checkpoint,
        *told.notes,
        *told.rest,
    ):
        text.encode("utf-8")
        assert "\0" not in text and len(text) <= 20_000
    assert told.seed is None or 0 <= told.seed < 2**64
    assert told.guidance is None or 0 <= told.guidance <= 1000
    assert len(told.rest) <= 200 and len(told.loras) <= 64


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        '{"a":' * 300_000,
        "9" * 1_000_000,
        '{"prompt": ' + "9" * 10_000 + "}",
        "a\nSteps: " + "a" * 1_000_000,
        "a\nSteps: 8, " + " " * 500_000 + "x",
        "a\nSteps: 8, " + 'a: "' * 200_000,
        "<lora:" * 300_000 + "\nSteps: 8, Seed: 1",
        '"' + "[" * 900_000 + '" -s 1',
        "兔" * 600_000,
    ],
)
def test_what_is_made_to_be_slow_is_not(text):
    for key in KEYS:
        check(parse_metadata(png(**{key.replace("-", "__"): text}), "x"))


def test_too_long_a_prompt_is_cut_and_says_so():
    told = parse_metadata(png(parameters="x" * 30_000 + "\nSteps: 8, Seed: 1, Size: 8x8"), "x")
    assert len(told.prompt) == 20_000
    assert told.notes == ("The prompt has 30,000 characters; the first 20,000 were kept.",)
