"""Lines of classical Chinese poems, their English renderings, and their images in the small world, from verses.txt.

An image is a word of the line, its English word, a kind and a count. It knows no wishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pocket.dialogues.vague import grounds
from pocket.world import Background

TABLE = Path(__file__).with_suffix(".txt")


@dataclass(frozen=True, kw_only=True)
class Image:
    """A word of a line, the English word for it, and what stands for it."""

    zh: str
    en: str
    kind: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Verse:
    """A couplet, its poet in both languages, an English rendering, its images and the backgrounds that suit it."""

    poet: str
    poet_en: str
    lines: tuple[str, ...]
    rendering: str
    images: tuple[Image, ...]
    grounds: tuple[Background, ...]


_POETS = {
    "李白": "Li Bai", "杜甫": "Du Fu", "王维": "Wang Wei", "孟浩然": "Meng Haoran", "柳宗元": "Liu Zongyuan", "苏轼": "Su Shi",
    "骆宾王": "Luo Binwang", "张继": "Zhang Ji", "杜牧": "Du Mu", "王之涣": "Wang Zhihuan", "张若虚": "Zhang Ruoxu",
    "张九龄": "Zhang Jiuling", "白居易": "Bai Juyi", "岑参": "Cen Shen", "贺知章": "He Zhizhang", "杨万里": "Yang Wanli",
    "张志和": "Zhang Zhihe", "王翰": "Wang Han", "辛弃疾": "Xin Qiji", "卢纶": "Lu Lun", "王安石": "Wang Anshi",
    "马致远": "Ma Zhiyuan", "刘长卿": "Liu Changqing", "韦应物": "Wei Yingwu", "叶绍翁": "Ye Shaoweng", "李商隐": "Li Shangyin",
}  # fmt: skip


def _verse(row: str) -> Verse:
    poet, lines, rendering, images, backgrounds = (part.strip() for part in row.split("|"))
    made = []
    for image in images.split(";"):
        zh, en, kind, count = image.split()
        made.append(Image(zh=zh, en=en.replace("_", " "), kind=kind.replace("_", " "), count=int(count)))
    first, _, last = lines.rpartition("，")
    return Verse(
        poet=poet,
        poet_en=_POETS[poet],
        lines=(first, last) if "，" not in first else (lines,),
        rendering=rendering,
        images=tuple(made),
        grounds=grounds(backgrounds),
    )


@cache
def verses() -> tuple[Verse, ...]:
    """All verses of the table beside this module."""
    rows = TABLE.read_text(encoding="utf-8").strip().split("\n")
    return tuple(_verse(row) for row in rows if not row.startswith("#"))
