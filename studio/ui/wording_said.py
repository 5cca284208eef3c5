"""Chinese translations of the server's messages, found by their English form.

`{name}` stands for any text, and `{why}` for another message. Unknown messages are shown as they are. `PARAMETERS` maps API
names to the form's labels. Knows no component.
"""

from __future__ import annotations

PARAMETERS = {
    "prompt": "提示词",
    "negative_prompt": "不要出现的内容",
    "seed": "种子",
    "width": "宽",
    "height": "高",
    "steps": "步数",
    "guidance": "引导",
    "count": "张数",
    "shift": "偏移",
    "cfg_truncation": "引导的路程",
    "cfg_normalization": "引导长度",
    "variation_of": "变体",
    "strength": "强度",
    "source": "起始图",
    "adapters": "适配器",
    "rating": "评分",
    "tags": "标签",
    "days": "天数",
    "checkpoint": "模型",
    "style": "风格",
    "length": "长度",
    "locks": "必须保留的词",
    "template": "模板",
    "spread": "各自改写",
    "instruction": "修改的话",
    "picture": "图片",
    "language": "语言",
    "zone": "时区",
}

SENTENCES = {
    # Filters of a search
    "{filter}: must be a whole number (got {value}).": "{filter}: 后应为整数（现为 {value}）。",
    "{filter}: must be a number (got {value}).": "{filter}: 后应为数字（现为 {value}）。",
    "{filter}: must be width x height, such as 1024x1024 (got {value}).": "{filter}: 后应为宽x高，如 1024x1024（现为 {value}）。",
    "{filter}: must be 0 to 5, with >, >=, < or <= before it where wished, or none (got {value}).": (
        "{filter}: 后应为 0 到 5，前面可加 >、>=、<、<=，或为 none（现为 {value}）。"
    ),
    "{filter}: must be a day, a month or a year, such as 2026-01-31, 2026-01 or 2026 (got {value}).": (
        "{filter}: 后应为日、月或年，如 2026-01-31、2026-01 或 2026（现为 {value}）。"
    ),
    "{filter}: must be one of {names} (got {value}).": "{filter}: 后应为 {names} 之一（现为 {value}）。",
    "{filter}: must be the name of one of your collections (got {value}).": "没有名为 {value} 的合集。",
    "{filter}: must have a letter or a digit (got {value}).": "{filter}: 后应有字母或数字（现为 {value}）。",
    "on: cannot have a minus before it; after: and before: say the same.": "on: 前不能加减号；可改用 after: 和 before:。",
    "{filter}: a saved search can be narrowed, and neither turned around nor be in another one (got {value}).": (
        "保存的搜索 {value} 只能再收窄，不能取反，也不能嵌套。"
    ),
    # Collections
    "name must not be the name of another collection (got {value}).": "已有同名合集（{value}）。",
    "query must not name a saved search with in:, since one cannot be in another (got {value}).": (
        "保存的搜索不能嵌套：搜索里不能用 in: 引用保存的搜索“{value}”。"
    ),
    "name must not be one that a saved search names with in:, since one cannot be in another (got {value}).": (
        "保存的搜索不能嵌套：已有保存的搜索用 in: 引用了名称“{value}”。"
    ),
    "name must not be that of a saved search which is here (got {value}).": "这里已有名为 {value} 的保存的搜索。",
    "name must stand in one line only (got {value}).": "名称 {value} 出现在多行中。",
    "collections must be at most {most} (got {value}).": "合集最多 {most} 个。",
    "pictures must be a list of at most {most} ids (got {value}).": "图片应为列表，最多 {most} 个（现为 {value}）。",
    'The saved search "{name}" was left out: another collection has its name.': "保存的搜索“{name}”没有导入：已有同名合集。",
    '{n} of the {all} pictures of the collection "{name}" are not here.': "合集“{name}”的 {all} 张图中有 {n} 张不在这里。",
    'tags must be at most {most}, and the picture "{prompt}" would have more (got {n}).': (
        "图片“{prompt}”的标签放不下了：最多 {most} 个（现为 {n}）。"
    ),
    "query must look for something (got {value}).": "保存的搜索要有查找的内容。",
    "query must be left out where pictures were put together by hand (got {value}).": "手动收集的合集不能设置搜索（{value}）。",
    "pictures must be empty beside a query (got {value}).": "保存的搜索不能同时列出图片（{value}）。",
    "pictures must name each picture once (got {value}).": "每张图片只能列出一次（{value}）。",
    "pictures must be at most {most} at once (got {value}).": "一次最多 {most} 张图片（现为 {value}）。",
    "before must not be one of those that are moved (got {value}).": "不能移到正在移动的图片之前（{value}）。",
    "collection must be one that pictures are put into, not a saved search (got {value}).": (
        "“{value}”是保存的搜索，不能往里放图片。"
    ),
    'name must be 1 to {most} printable characters without " (got {value}).': '名称应为 1 到 {most} 个可见字符，不含 "（现为 {value}）。',
    "name must be without needless spaces (got {value}).": "名称里有多余的空格（{value}）。",
    # A zip that comes in
    "This file is no zip archive that can be read: {why}.": "这个文件不是可以读取的 zip：{why}。",
    "File is not a zip file": "文件不是 zip",
    "it has no list of entries at its end": "文件末尾没有目录",
    "Bad magic number for central directory": "目录已损坏",
    "Truncated central directory": "目录不完整",
    "The archive's list of entries has {n} bytes, more than {most}.": "压缩包的目录有 {n} 字节，超过 {most}。",
    "The archive has {n} entries, more than {most}.": "压缩包里有 {n} 个文件，超过 {most}。",
    "The archive has an entry whose name leads out of it: {name}.": "压缩包里有一个文件名指向压缩包之外：{name}。",
    "The archive has two entries of the name {name}.": "压缩包里有两个同名文件：{name}。",
    "The archive's entry {name} is encrypted, or packed in a way that is not read here.": (
        "压缩包里的 {name} 已加密，或用了这里不支持的压缩方式。"
    ),
    "The archive has {n} bytes and would unpack to {total}: that is not what pictures do.": (
        "压缩包只有 {n} 字节，解开却有 {total} 字节：图片不会这样。"
    ),
    "The archive has no {file}, so it was not exported by a studio.": "压缩包里没有 {file}，不是由工作室导出的。",
    "The archive's {file} has more than {most} bytes.": "压缩包里的 {file} 超过 {most} 字节。",
    "The archive's {file} has more than {most} lines.": "压缩包里的 {file} 超过 {most} 行。",
    "Line {n} of the archive's {file} has more than {most} bytes.": "压缩包里 {file} 的第 {n} 行超过 {most} 字节。",
    "The archive's {file} cannot be read: {why}.": "无法读取压缩包里的 {file}：{why}。",
    "The file must have at most {most} bytes (got {value}).": "文件最多 {most} 字节（现为 {value}）。",
    "The file must have at most {most} lines (got {value}).": "文件最多 {most} 行。",
    "The file must be whole ({reason}) (got {value}).": "文件 {value} 不完整（{reason}）。",
    "Line {n} must have at most {most} bytes (got {value}).": "第 {n} 行最多 {most} 字节。",
    "The line must be JSON in UTF-8, with finite numbers (got {value}).": "这一行必须是 UTF-8 的 JSON，数字有限（现为 {value}）。",
    "The line must be a JSON object (got {value}).": "这一行必须是 JSON 对象（现为 {value}）。",
    "file must be in the archive (got {value}).": "压缩包里没有 {value}。",
    "file must be whole ({reason}) (got {value}).": "文件 {value} 不完整（{reason}）。",
    "file must have at most {most} MiB (got {value}).": "文件最多 {most} MiB（现为 {value}）。",
    "format must be {n}, the one that this studio reads (got {value}).": "格式必须是这里能读的 {n}（现为 {value}）。",
    "{parameter} must be the id of the {other} beside it (got {value}).": "{parameter} 与旁边的 {other} 不符（现为 {value}）。",
    "index must be below the job's count of {n} (got {value}).": "序号必须小于任务的张数 {n}（现为 {value}）。",
    "index must not be that of another picture of the job {job} here (got {value}).": (
        "这里的任务 {job} 已有序号为 {value} 的图片。"
    ),
    "job_id must not be that of a job that is unfinished here (got {value}).": "任务 {value} 在这里还没有完成。",
    "id must stand in one line only (got {value}).": "id {value} 出现在多行中。",
    "id must not be taken twice (got {value}).": "id {value} 已被占用。",
    "id must not be that of another one which is here (got {value}).": "这里已有 id 为 {value} 的另一张图片。",
    "pixel_sha256 must be that of the picture's pixels (got {value}).": "像素与记录的 SHA-256 不符（记录为 {value}）。",
    "{parameter} must be given, or else id (got {value}).": "{parameter} 与 id 须且只能给出一个（现为 {value}）。",
    "{parameter} must be a SHA-256, in lower-case digits (got {value}).": "{parameter}应为小写的 SHA-256（现为 {value}）。",
    "{parameter} must be a list of tidy texts, each once (got {value}).": (
        "{parameter}应为文字列表，不重复，没有多余的空格（现为 {value}）。"
    ),
    "{parameter} must be {names}, in this order (got {value}).": "{parameter}必须依次为 {names}（现为 {value}）。",
    "{parameter} must hold plain values and lists of texts (got {value}).": "{parameter}只能含简单的值和文字列表（现为 {value}）。",
    "{parameter} must hold at most {n} values, {deep} deep (got {value}).": "{parameter}最多含 {n} 个值、{deep} 层（现为 {value}）。",
    "{parameter} must hold finite numbers (got {value}).": "{parameter}中的数字必须有限（现为 {value}）。",
    "{parameter} must hold whole characters (got {value}).": "{parameter}中的字符不完整（{value}）。",
    "{parameter} must be an id (got {value}).": "{parameter}应为 id（现为 {value}）。",
    "{parameter} must be a JSON object (got {value}).": "{parameter}应为 JSON 对象（现为 {value}）。",
    "{parameter} must be a text of at most {most} characters (got {value}).": "{parameter}应为最多 {most} 个字符的文字（现为 {value}）。",
    "{parameter} must be a time with its zone, since {year} and not to come (got {value}).": (
        "{parameter}应为带时区的时间，从 {year} 年起，且不在将来（现为 {value}）。"
    ),
    "{parameter} must be true or false (got {value}).": "{parameter}应为真或假（现为 {value}）。",
    "Picture {id} came of picture {parent}, which is not here, so that is not kept.": (
        "图片 {id} 出自图片 {parent}，而那张不在这里，因此没有保留这一联系。"
    ),
    # What a picture from elsewhere tells
    "It holds a workflow of ComfyUI, but not the graph that was run, so no setting is known.": (
        "它带有 ComfyUI 的工作流，但没有运行过的图，因此设置不明。"
    ),
    "It holds a text, but none that tells settings.": "它带有文字，但没有写明设置。",
    "It tells nothing about how it was made.": "它没有说明是怎么画的。",
    "The graph has {n} nodes, more than the {most} that are followed.": "图里有 {n} 个节点，超过能追踪的 {most} 个。",
    "No sampler of a kind that is known here was found in the graph.": "图里没有这里认识的采样器。",
    "It went through {n} samplers; what is shown is what the first one did.": "它经过 {n} 个采样器，显示的是第一个的设置。",
    "The text that its sampler was given could not be followed through the graph.": "没能在图里追踪到交给采样器的文字。",
    "The {what} has {n} characters; the first {most} were kept.": "{what} 有 {n} 个字符，保留了前 {most} 个。",
    "The {what} could not be understood (got {value}).": "{what} 无法理解（{value}）。",
    "Only the first {most} of the other settings were kept.": "其余设置只保留了前 {most} 项。",
    # A parameter, its rule, what came
    "{parameter} must not be empty (got {value}).": "{parameter}不能为空。",
    "{parameter} must be a whole number from {least} to {most} (got nothing).": (
        "{parameter}必须是 {least} 到 {most} 的整数（现在是空的）。"
    ),
    "{parameter} must be a whole number from {least} to {most} (got {value}).": (
        "{parameter}必须是 {least} 到 {most} 的整数（现为 {value}）。"
    ),
    "{parameter} must be a number from {least} to {most} (got {value}).": (
        "{parameter}必须是 {least} 到 {most} 的数（现为 {value}）。"
    ),
    "{parameter} must be the name of a time zone, such as Asia/Shanghai (got {value}).": (
        "{parameter}应为时区名称，如 Asia/Shanghai（现为 {value}）。"
    ),
    "{parameter} must be a picture of the collection (got {value}).": "{parameter}应为合集中的图片（现为 {value}）。",
    "{parameter} must be true or false, or a session's name of letters and digits (got {value}).": (
        "{parameter}应为真或假，或由字母和数字组成的会话名（现为 {value}）。"
    ),
    "The file came too slowly: less than {n} kB a second.": "文件传得太慢：每秒不到 {n} kB。",
    "{parameter} must be a strength above 0, up to 1 (got {value}).": "{parameter}应为大于 0、不超过 1 的强度（现为 {value}）。",
    "{parameter} must be below 1, since nothing of the source would be left (got {value}).": (
        "{parameter}必须小于 1，否则起始图不起作用（现为 {value}）。"
    ),
    "{parameter} must be null where no source is, since it would do nothing (got {value}).": (
        "没有起始图时{parameter}不起作用，必须留空（现为 {value}）。"
    ),
    "{parameter} must begin with a picture that is here; the one with these pixels is not (got {value}).": (
        "起始图不在这里：没有像素为 {value} 的图片。"
    ),
    "The picture that this one begins with is not here any more.": "这张图的起始图已不在这里。",
    "The file of the picture that this one begins with is damaged, so this one would be another.": (
        "起始图的文件已损坏，画出来会是另一张图。"
    ),
    "{parameter} must be at most {n} with {title} (got {value}).": "{parameter}在 {title} 下最大为 {n}（现为 {value}）。",
    "{name} is neither PNG, JPEG nor WebP.": "{name} 不是 PNG、JPEG 或 WebP。",
    "{name} has more than {most} MiB.": "{name} 超过 {most} MiB。",
    "{name} has {width} x {height} pixels, more than {most} million.": "{name} 有 {width} x {height} 像素，超过 {most} 百万。",
    "{name} is damaged: {why}.": "{name} 已损坏：{why}。",
    "its header tells no size": "文件头没有写明尺寸",
    "cannot identify image file {what}": "无法识别的图片",
    "image file is truncated": "文件不完整",
    "image file is truncated ({n} bytes not processed)": "文件不完整（还有 {n} 字节无法解读）",
    "broken PNG file": "PNG 已损坏",
    "broken PNG file ({what})": "PNG 已损坏（{what}）",
    "broken data stream when reading image file": "图片数据已损坏",
    "unrecognized data stream contents when reading image file": "图片数据无法解读",
    "Truncated File Read": "文件不完整",
    "It was stopped.": "已停止。",
    "A picture may have at most {most} MiB.": "图片最大 {most} MiB。",
    "{parameter} must be at most {n} pairs of a name and a weight (got {value}).": (
        "{parameter}最多 {n} 个，各有名称和权重（现为 {value}）。"
    ),
    "{parameter} must be pairs of a name and a weight (got {value}).": "{parameter}应为成对的名称和权重（现为 {value}）。",
    "{parameter} must have a weight each (got {value}).": "每个{parameter}都要有权重（现为 {value}）。",
    "{parameter} must have weights other than 0, which would do nothing (got {value}).": (
        "{parameter}的权重为 0 时不起作用，必须不为 0（现为 {value}）。"
    ),
    "{parameter} must not name one twice (got {value}).": "{parameter}不能重复（{value}）。",
    "{parameter} must be pairs of a seed and a strength (got {value}).": "{parameter}应为成对的种子和强度（现为 {value}）。",
    "{parameter} must be a seed and a strength, such as 42 0.3, with commas between several (got {value}).": (
        "{parameter}应为种子和强度，例如 42 0.3，多个之间用逗号分隔（现为 {value}）。"
    ),
    "{parameter} must be null for a picture that is a variation of variations, {n} deep (got {value}).": (
        "这张图已是 {n} 层变体，不能再按{parameter}变化（现为 {value}）。"
    ),
    "A private picture is not kept: look at it, download it, draw from it; nothing can be noted or shared of it.": (
        "私密图片不会保存：可以查看、下载、以它继续绘制，但不能做标记或分享。"
    ),
    "The database is damaged. What can be read is shown; nothing is drawn or changed.": (
        "数据库已损坏。能读取的会显示出来，不会绘制或改动任何内容。"
    ),
    "{parameter} must be from {least} to {most} (got {value}).": (
        "{parameter}必须在 {least} 到 {most} 之间（现为 {value}）。"
    ),
    "{parameter} must be a multiple of {step} (got {value}).": "{parameter}必须是 {step} 的倍数（现为 {value}）。",
    "{parameter} must have at most {most} characters (got {value}).": "{parameter}最多 {most} 个字符。",
    "{parameter} must each have at most {most} characters (got {value}).": "每个{parameter}最多 {most} 个字符。",
    "{parameter} must be empty where guidance is 0, since it would do nothing (got {value}).": (
        "引导为 0 时{parameter}不起作用，必须留空。"
    ),
    "{parameter} must be {value} where guidance is 0, since it would do nothing (got {other}).": (
        "引导为 0 时{parameter}不起作用，必须是 {value}。"
    ),
    "{parameter} must be words of the prompt (got {value}).": "{parameter}必须出现在提示词里（现为 {value}）。",
    "{parameter} must be {value} where nothing is reasoned, since it would do nothing (got {other}).": (
        "不推理时{parameter}不起作用，必须是 {value}。"
    ),
    "{parameter} must be auto with this model, which knows one length (got {value}).": "这个模型只会写一种{parameter}（现为 {value}）。",
    "{parameter} must name one that is on the disk here (got {value}).": (
        "{parameter}必须已在这台机器的磁盘上（现为 {value}）。"
    ),
    # Adapters
    "{parameter} must be a name and a weight, such as ink 0.8, with commas between several (got {value}).": (
        "{parameter}应为名称和权重，例如 ink 0.8，多个之间用逗号分隔（现为 {value}）。"
    ),
    "{parameter} must name files that are here (got {value}).": "这里没有名为 {value} 的{parameter}。",
    "{parameter} must fit {title}, and {why} (got {value}).": "{parameter} {value} 不适合 {title}：{why}。",
    "The adapter {name} is not here.": "这里没有适配器 {name}。",
    "The adapter {name} cannot be put on {title}: {why}.": "适配器 {name} 无法用于 {title}：{why}。",
    "The adapter {name} cannot be read ({reason}).": "无法读取适配器 {name}（{reason}）。",
    "The model {name}, which drew this picture, is not here: nothing can be drawn like it.": (
        "画这张图用的模型 {name} 不在这里，无法照样绘制。"
    ),
    "This picture came from elsewhere, and its model {name} is not here: nothing can be drawn like it.": (
        "这张图来自别处，它的模型 {name} 不在这里，无法照样绘制。"
    ),
    "This picture came from elsewhere, and does not tell its model: nothing can be drawn like it.": (
        "这张图来自别处，没有说明用的是哪个模型，无法照样绘制。"
    ),
    "The adapter {name}, which drew this picture, is not here: nothing can be drawn like it.": (
        "画这张图用的适配器 {name} 不在这里，无法照样绘制。"
    ),
    "The adapter {name} is another file than the one that drew this picture: nothing can be drawn like it.": (
        "适配器 {name} 已不是画这张图时的文件，无法照样绘制。"
    ),
    "its file is broken": "文件已损坏",
    "what it tells of its ranks and scales cannot be read": "文件里写的秩和缩放读不懂",
    "it holds numbers that are none": "其中有些数不是数（NaN 或无穷大）",
    "its matrices for {layer} have not two sides each": "它给 {layer} 的矩阵不是二维的",
    "its matrices do not belong together": "它的矩阵彼此不匹配",
    "it holds nothing that could be added": "其中没有可以加上的内容",
    "it adds twice to {layer}": "它两次改动 {layer}",
    "it holds {parts}, of which a part would be left out": "它含有 {parts}，其中一部分会被丢掉",
    "it holds neither LoRA nor LoKr": "其中既没有 LoRA 也没有 LoKr",
    "it scales what it adds (DoRA), and would be drawn without its scales": "它带有 DoRA 的缩放，而这些会被丢掉",
    "it changes the text encoder too, which stays as it is here": "它还要改动文本编码器，而这里不改",
    "it was made for another kind of model": "它是为另一类模型做的",
    "it was made for a model with more {blocks}": "它是为层数更多的模型做的",
    "it was made for a model of another width ({widths})": "它是为另一种宽度的模型做的",
    "it adds to {layer}, which is no layer of this model": "它要改动的 {layer} 不是这个模型的层",
    "only a part of it would be used": "只有一部分能用上",
    "its layers could not be added; the log tells more": "它的层加不上，详情见日志",
    "it is written in a form that is not known here": "它的写法这里不认识",
    # Why a picture was not read
    "No model reads pictures in this studio: the host names one with enhancer_vision.": (
        "此工作室没有能看图的模型：主人可用 enhancer_vision 指定一个。"
    ),
    "At most {n} pictures are read at once here (now {now}): try again in a moment.": (
        "这里最多同时看 {n} 张图片，请稍后再试。"
    ),
    "{parameter} must be the base64 of a PNG, JPEG or WebP file (got {value}).": "{parameter}必须是 PNG、JPEG 或 WebP 文件。",
    "{parameter} must have at most {most} bytes, in base64 {more} (got {value}).": "{parameter}最多 {most} 字节。",
    "{parameter} must be one of {names} (got {value}).": "{parameter}必须是 {names} 之一（现为 {value}）。",
    "A picture must be a PNG, JPEG or WebP file (got {n} bytes of something else).": "图片必须是 PNG、JPEG 或 WebP 文件。",
    "A picture may have at most {most} bytes (got {n}).": "图片最多 {most} 字节（现为 {n}）。",
    "A picture may have at most {most} megapixels (got {size}).": "图片最多 {most} 百万像素（现为 {size}）。",
    "A JPEG picture may have at most {most} scans (got {n}).": "JPEG 图片最多 {most} 次扫描（现为 {n}）。",
    "The {kind} picture is broken or cut off (got {n} bytes).": "这个 {kind} 图片已损坏或不完整。",
    "The model wrote nothing about the picture.": "模型没有就图片写出任何内容。",
    "The model wrote nothing but thoughts about the picture.": "模型只作了思考，没有写出提示词。",
    "The model's answer about the picture had no end within {n} characters.": "模型写了 {n} 个字符仍未结束，已停止。",
    "The description was stopped: it took longer than {n} seconds.": "看图超过 {n} 秒，已停止。",
    "The description was cancelled.": "已停止看图。",
    # Why a server did not answer
    "The server at {host} did not accept the key ({status}).": "服务器 {host} 不接受这个密钥（{status}）。",
    "The server at {host} asks for a key, and none is set ({status}).": "服务器 {host} 需要密钥，但没有设置（{status}）。",
    "The server at {host} has no model {model}, or its address is wrong (404).": (
        "服务器 {host} 没有模型 {model}，或地址有误（404）。"
    ),
    "The server at {host} has too many requests or its quota is used up (429): {when}.": (
        "服务器 {host} 请求太多或额度已用完（429），请稍后再试。"
    ),
    "The server at {host} failed by itself ({status}): perhaps its model {model} reads no pictures.": (
        "服务器 {host} 出错（{status}）：它的模型 {model} 也许不会看图。"
    ),
    "The server at {host} failed by itself ({status}).": "服务器 {host} 出错（{status}）。",
    "The server at {host} refused the request ({status}): perhaps its model {model} reads no pictures.": (
        "服务器 {host} 拒绝了请求（{status}）：它的模型 {model} 也许不会看图。"
    ),
    "The server at {host} refused the request ({status}).": "服务器 {host} 拒绝了请求（{status}）。",
    "The server at {host} stayed silent for {n} seconds.": "服务器 {host} 有 {n} 秒没有回应。",
    "The server at {host} could not be reached within {n} seconds.": "{n} 秒内没能连上服务器 {host}。",
    "No connection to the server at {host}: it is not running, or the address is wrong.": (
        "无法连接服务器 {host}：它没有运行，或地址有误。"
    ),
    "The connection to the server at {host} broke in the middle of its answer.": "与服务器 {host} 的连接在回答途中断开。",
    "The server at {host} ended its answer in the middle.": "服务器 {host} 的回答中途结束。",
    # Why nothing was drawn
    "The wish is too long to be reasoned about: {n} tokens with its instructions, of at most {most} that leave room for an answer.": (
        "提示词太长，无法推理：连同说明共 {n} 个词元，最多 {most} 个。"
    ),
    "The model declined: {words}": "模型拒绝了：{words}",
    "The model's answer holds no prompt.": "模型的回答里没有提示词。",
    "The reasoning did not succeed: {why} The prompt is kept; draw it without reasoning to go on.": (
        "推理没有成功：{why}提示词已保留，可以不推理直接绘制。"
    ),
    "The model gave an empty answer; a shorter wish may help.": "模型没有给出回答；可以试试更短的提示。",
    "The reasoning was stopped: it took longer than {n} seconds.": "推理超过 {n} 秒，已停止。",
    "The model's answer was cut at {n} tokens, before it came to its end.": (
        "模型的回答在 {n} 个词元处中断，没有写完。"
    ),
    "The enhancer is off in this studio; draw the prompt without reasoning.": (
        "此工作室没有启用推理，可以不推理直接绘制。"
    ),
    "The pipeline failed while it drew this picture; the log tells more.": "绘制这张图片时出错，详情见日志。",
    "The queue holds at most {n} unfinished jobs {whose} ({bound}; now {waiting}). Wait until one is finished, or cancel one.": (
        "队列最多容纳 {n} 个未完成的任务。请等一个完成，或取消一个。"
    ),
    "The disk quota of {most} GB is used up ({used} GB): raise disk_quota_gb to draw more.": (
        "{most} GB 的磁盘配额已用完（{used} GB）：调高 disk_quota_gb 后才能继续绘制。"
    ),
    "The disk quota of {most} GB has no room for more ({used} GB are used): raise disk_quota_gb to bring more in.": (
        "{most} GB 的磁盘配额已放不下更多（已用 {used} GB）：调高 disk_quota_gb 后才能继续导入。"
    ),
    "The queue waits: the disk is full. It goes on by itself once there is room.": (
        "队列在等待：磁盘已满。腾出空间后会自动继续。"
    ),
    "The queue waits. {why} It goes on by itself once there is room; emptying the trash makes some.": (
        "队列在等待。{why}腾出空间后会自动继续；清空回收站可以腾出一些。"
    ),
    "The database {file} is damaged ({reason}). What can be read is shown; nothing is drawn or changed. {why}": (
        "数据库 {file} 已损坏（{reason}）。能读出的照常显示，不再绘制和改动。{why}"
    ),
    "The newest snapshot is of {time}; stop the studio and bring it back with: {command}": (
        "最新的快照是 {time} 的；请停止工作室，用此命令恢复：{command}"
    ),
    "There is no snapshot of it in {folder}; a backup of yours comes back with: {command}": (
        "{folder} 里没有快照；您自己的备份可用此命令恢复：{command}"
    ),
    "A change of the database could not be written: {reason}.": "数据库无法写入：{reason}。",
    "The snapshot {file} could not be written: {reason}.": "快照 {file} 无法写入：{reason}。",
    "The database {file} is damaged ({reason}), so no snapshot of it was kept.": "数据库 {file} 已损坏（{reason}），没有保留它的快照。",
    "With the package {package} the weights would fit in {numbers}, and nothing would be streamed.": (
        "装上 {package} 包，权重可以用 {numbers} 放下，不必逐块流入。"
    ),
    "{device} has too little memory for {size} pixels with {title}, also with less. A smaller picture may fit.": (
        "{device} 的内存不够用 {title} 画 {size} 像素，省着用也不够。小一些的图片也许可以。"
    ),
    "{title} cannot be loaded: it is a transformer alone, and what {lender} lends to it ({what}) is not on the disk.": (
        "无法载入 {title}：它只是一个 transformer，而 {lender} 的文本编码器、分词器和 VAE 不在磁盘上。"
    ),
    "{title} cannot be loaded: its numbers are scaled in a way that only another program knows (it holds {name}).": (
        "无法载入 {title}：其中的数值按只有别的程序才懂的方式缩放过（含有 {name}）。"
    ),
    "{title} cannot be loaded: it holds no Z-Image transformer.": "无法载入 {title}：其中没有 Z-Image 的 transformer。",
    "{title} cannot be loaded: a single file must be .gguf or .safetensors; nothing else is opened.": (
        "无法载入 {title}：单个文件必须是 .gguf 或 .safetensors，别的一概不打开。"
    ),
    "{title} cannot be loaded: a GGUF file is read with the package gguf, which is not installed: pip install gguf.": (
        "无法载入 {title}：读取 GGUF 文件需要 gguf 包：pip install gguf。"
    ),
    "{title} is not on this machine's disk yet; it can be fetched on the page.": "{title} 还不在磁盘上，可以在页面上下载。",
    "{title} cannot be loaded: {why}.": "无法载入 {title}：{why}。",
    "{title} does not fit on {device}: {why}.": "{device} 放不下 {title}：{why}。",
    "Only the host may download a checkpoint here: name it when the studio is started.": "这里只有主人可以下载模型。",
    "Only the host may load another checkpoint here; a wish that names one loads it in its turn.": (
        "这里只有主人可以预先载入模型；点名它的图片轮到时会自动载入。"
    ),
    "{title} could not be loaded; the log tells why.": "无法载入 {title}，原因见日志。",
    "{title} could not be loaded ({kind}); the log tells why.": "无法载入 {title}（{kind}），原因见日志。",
    "{what} {id} was not found.": "没有找到，可能已被删除。",
}
