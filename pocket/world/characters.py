"""The letters and characters that the world can write, and words to write with them. It knows no shapes of letters."""

from __future__ import annotations

LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHARACTERS = (
    "春夏秋冬花月夜雪山水风雨云日星天地人大小上下左右中东西南北一二三四五六七八九十百"
    "千万金木火土石江河海湖鸟鱼马牛羊龙猫狗兔鸡草竹松柳叶林酒茶米饭书画诗歌红黄蓝绿白"
    "黑你好我他们爱心家国生快乐新年福喜吉祥安平和光明早晚恭发财祝朋友有是不在来去见开"
    "门口手车船灯"
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LATIN_WORDS = _words(
    "ART BABY BEST BIG BLUE BOOK BOOM BOY CAFE CALM CANDY CAT CITY COOL CUTE DAY DEAR DOG DREAM EAT ENJOY FINE FISH "
    "FLY FOX FREE FRESH FRIEND FUN GIFT GIRL GO GOAL GOLD GOOD GREAT GREEN HAPPY HEART HELLO HELP HERO HEY HI HOME "
    "HOPE HUG ICE JAZZ JOY JUMP JUNE KEY KIND KING KISS LAKE LIFE LIGHT LIVE LOVE LUCK LUNCH MAGIC MARKET MAY MOM "
    "MOON MUSIC NEW NICE NIGHT NO NORTH NOW OCEAN OK OPEN PARTY PEACE PLAY POCKET QUEEN QUICK QUIET RAIN RED RIVER "
    "ROCK RUN SALE SEA SHOP SKY SMILE SNOW SOON SPRING STAR STOP STUDIO SUMMER SUN SUPER SWEET TEA THANKS TIME TOP "
    "TOY TREE UP VIVA WAVE WELL WILD WIND WINTER WOW YES YOU ZEBRA ZEN ZOO"
)
CHINESE_WORDS = _words(
    "春 花 月 雪 山 水 福 喜 爱 茶 酒 书 龙 马 春天 夏天 秋天 冬天 花开 明月 月光 星星 大雪 下雪 风雨 山水 江山 江南 江河 "
    "天地 日月 你好 早安 晚安 平安 快乐 新年 生日 朋友 我爱你 大家好 中国 天安门 大吉 吉祥 恭喜 发财 恭喜发财 新年快乐 "
    "生日快乐 春夏秋冬 东西南北 花好月明 年年有鱼 早上好 晚上好 心爱 白马 黑猫 小狗 大海 火车 小船 红灯 绿茶 黄酒 米饭 "
    "书画 诗歌 诗人 春风 秋月 夜雨 白云 石林 竹林 松林 柳叶 金鱼 小鸟 水牛 山羊 手书 大门 开门 祝福 一二三 三五"
)
