"""The kinds of things that the world holds: what each is called in both languages, and its character in the font.

One table, read by captions, layouts and the making of glyphs. It knows no pixels and no sentences.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind.

    Args:
        name: its English name, one word or two; the first word of the pair of plurals.
        plural: its English plural.
        zh: its Chinese name.
        classifiers: the Chinese classifiers beside the general 个, one character each; the first is the usual one.
        character: its character in Noto Color Emoji.
        others: other English names that mean nothing else here, as (singular, plural).
        zh_others: other Chinese names that mean nothing else here.
    """

    name: str
    plural: str
    zh: str
    classifiers: str
    character: str
    others: tuple[tuple[str, str], ...] = ()
    zh_others: tuple[str, ...] = ()


def _kind(
    name: str, zh: str, classifiers: str, character: str, plural: str = "", others: str = "", zh_others: str = ""
) -> Kind:
    """A row of the table; `others` is `one/many one/many`, with `_` for a space inside a name."""
    pairs = tuple(tuple(word.replace("_", " ") for word in pair.split("/")) for pair in others.split())
    return Kind(
        name=name,
        plural=plural or name + "s",
        zh=zh,
        classifiers=classifiers,
        character=character,
        others=tuple((pair[0], pair[1]) for pair in pairs),
        zh_others=tuple(zh_others.split()),
    )


_TABLE: tuple[Kind, ...] = (
    # The first sixteen are the first version's.
    _kind("cat", "猫", "只", "\U0001f431", others="kitten/kittens kitty/kitties", zh_others="猫咪"),
    _kind("dog", "狗", "只条", "\U0001f436", others="puppy/puppies", zh_others="狗狗"),
    _kind("rabbit", "兔子", "只", "\U0001f430", others="bunny/bunnies", zh_others="兔"),
    _kind("chicken", "鸡", "只", "\U0001f414", others="hen/hens"),
    _kind("fish", "鱼", "条", "\U0001f41f", plural="fish"),
    _kind("apple", "苹果", "个颗", "\U0001f34e"),
    _kind("star", "星星", "颗", "\u2b50"),
    _kind("moon", "月亮", "个轮", "\U0001f319", zh_others="月牙"),
    _kind("sun", "太阳", "个轮", "\u2600"),
    _kind("tree", "树", "棵", "\U0001f333"),
    _kind("flower", "花", "朵", "\U0001f338", others="blossom/blossoms"),
    _kind("house", "房子", "座栋", "\U0001f3e0", zh_others="房屋"),
    _kind("car", "汽车", "辆", "\U0001f697", zh_others="轿车"),
    _kind("rocket", "火箭", "枚", "\U0001f680"),
    _kind("ball", "球", "个", "\u26bd", others="football/footballs", zh_others="足球"),
    _kind("balloon", "气球", "个只", "\U0001f388"),
    # Animals.
    _kind("pig", "猪", "头只", "\U0001f437"),
    _kind("cow", "牛", "头", "\U0001f42e", zh_others="奶牛"),
    _kind("horse", "马", "匹", "\U0001f40e", zh_others="骏马"),
    _kind("panda", "熊猫", "只", "\U0001f43c"),
    _kind("lion", "狮子", "头只", "\U0001f981"),
    _kind("fox", "狐狸", "只", "\U0001f98a", plural="foxes"),
    _kind("frog", "青蛙", "只", "\U0001f438"),
    _kind("penguin", "企鹅", "只", "\U0001f427"),
    _kind("duck", "鸭子", "只", "\U0001f986", zh_others="野鸭"),
    _kind("goose", "鹅", "只", "\U0001fabf", plural="geese", zh_others="白鹅"),
    _kind("bird", "鸟", "只", "\U0001f426", zh_others="鸟儿"),
    _kind("butterfly", "蝴蝶", "只", "\U0001f98b", plural="butterflies"),
    _kind("turtle", "乌龟", "只", "\U0001f422", others="tortoise/tortoises"),
    _kind("whale", "鲸鱼", "头条", "\U0001f433"),
    _kind("bee", "蜜蜂", "只", "\U0001f41d"),
    _kind("owl", "猫头鹰", "只", "\U0001f989"),
    _kind("sheep", "羊", "只头", "\U0001f411", plural="sheep", zh_others="绵羊"),
    _kind("deer", "鹿", "只头", "\U0001f98c", plural="deer"),
    _kind("dragon", "龙", "条", "\U0001f409"),
    # Fruit and food.
    _kind("banana", "香蕉", "根", "\U0001f34c"),
    _kind("strawberry", "草莓", "颗个", "\U0001f353", plural="strawberries"),
    _kind("watermelon", "西瓜", "块个", "\U0001f349"),
    _kind("lemon", "柠檬", "个颗", "\U0001f34b"),
    _kind("carrot", "胡萝卜", "根", "\U0001f955"),
    _kind("mushroom", "蘑菇", "朵个", "\U0001f344"),
    _kind("cake", "蛋糕", "个块", "\U0001f382"),
    _kind("wine cup", "酒杯", "只个", "\U0001f377", others="wine_glass/wine_glasses", zh_others="杯子"),
    # Things of the house.
    _kind("lantern", "灯笼", "盏个", "\U0001f3ee"),
    _kind("umbrella", "伞", "把", "\u2602", zh_others="雨伞"),
    _kind("bell", "铃铛", "个只", "\U0001f514"),
    _kind("key", "钥匙", "把", "\U0001f511"),
    _kind("clock", "闹钟", "个只", "\u23f0", others="alarm_clock/alarm_clocks"),
    _kind("crown", "皇冠", "顶", "\U0001f451", zh_others="王冠"),
    _kind("gift", "礼物", "份个", "\U0001f381", others="present/presents", zh_others="礼盒"),
    _kind("guitar", "吉他", "把", "\U0001f3b8"),
    _kind("book", "书", "本", "\U0001f4d5"),
    _kind("kite", "风筝", "只个", "\U0001fa81"),
    _kind("candle", "蜡烛", "根支", "\U0001f56f"),
    _kind("heart", "爱心", "颗个", "\u2764", zh_others="红心"),
    # What drives, sails and flies.
    _kind("boat", "船", "艘只", "\u26f5", others="sailing_boat/sailing_boats ship/ships", zh_others="帆船"),
    _kind("bus", "巴士", "辆", "\U0001f68c", plural="buses", zh_others="公交车"),
    _kind("train", "火车", "列", "\U0001f682"),
    _kind("plane", "飞机", "架", "\u2708", others="airplane/airplanes"),
    # The sky and the weather.
    _kind("cloud", "云", "朵片", "\u2601", zh_others="云朵"),
    _kind("snowflake", "雪花", "片朵", "\u2744"),
    _kind("rainbow", "彩虹", "道", "\U0001f308"),
    _kind("raindrop", "雨滴", "颗滴", "\U0001f4a7", others="drop/drops", zh_others="水滴"),
    # Plants and the land.
    _kind("leaf", "叶子", "片", "\U0001f341", plural="leaves", others="maple_leaf/maple_leaves", zh_others="枫叶"),
    _kind("pine", "松树", "棵", "\U0001f332", others="pine_tree/pine_trees fir_tree/fir_trees"),
    _kind("sunflower", "向日葵", "朵", "\U0001f33b"),
    _kind("lotus", "荷花", "朵", "\U0001fab7", plural="lotuses", zh_others="莲花"),
    _kind("willow", "柳枝", "根条", "\U0001f33f", others="willow_twig/willow_twigs", zh_others="柳条"),
    _kind("bamboo", "竹子", "根", "\U0001f38b", plural="bamboos", zh_others="翠竹"),
    _kind("mountain", "山", "座", "\u26f0", zh_others="高山"),
    _kind("castle", "城堡", "座", "\U0001f3f0"),
    _kind("tower", "楼", "座", "\U0001f3ef", others="pagoda/pagodas", zh_others="楼阁 高楼"),
)

KIND: dict[str, Kind] = {kind.name: kind for kind in _TABLE}
"""Every kind by its English name."""
KINDS: tuple[str, ...] = tuple(KIND)
