"""The theme: sets Gradio's tokens from the page's (assets/shared/tokens.css), so that native components match.

Knows colors by name only. tokens.css holds their values for light and dark.
"""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

SANS = (
    "Inter",
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "PingFang SC",
    "Noto Sans SC",
    "Noto Sans CJK SC",
    "sans-serif",
)
MONO = ("ui-monospace", "SF Mono", "DejaVu Sans Mono", "monospace")

# Gradio derives focus rings and selections from its primary hue.
CINNABAR = colors.Color(
    c50="#fdf3f1", c100="#fbe3df", c200="#f6c6be", c300="#f0a797", c400="#e4705c", c500="#d8432e",
    c600="#cf3f2b", c700="#a92d1b", c800="#862416", c900="#651c12", c950="#3b0f09", name="cinnabar",
)  # fmt: skip

# Gradio's tokens that this page uses, and their values. The same name serves light and dark.
TOKENS = {
    "body_background_fill": "var(--room)",
    "body_text_color": "var(--text)",
    "body_text_color_subdued": "var(--faint)",
    "background_fill_primary": "var(--wall)",
    "background_fill_secondary": "var(--raised)",
    "border_color_primary": "var(--line)",
    "border_color_accent": "var(--seal)",
    "border_color_accent_subdued": "var(--line-strong)",
    "color_accent_soft": "var(--wash)",
    "link_text_color": "var(--added)",
    "link_text_color_hover": "var(--text)",
    "link_text_color_visited": "var(--added)",
    "link_text_color_active": "var(--text)",
    "block_background_fill": "transparent",
    "block_border_color": "var(--line)",
    "block_label_background_fill": "transparent",
    "block_label_border_color": "transparent",
    "block_label_text_color": "var(--faint)",
    "block_title_text_color": "var(--faint)",
    "block_info_text_color": "var(--faint)",
    "panel_background_fill": "transparent",
    "panel_border_color": "transparent",
    "input_background_fill": "var(--wall)",
    "input_background_fill_focus": "var(--wall)",
    "input_background_fill_hover": "var(--wall)",
    "input_border_color": "var(--line)",
    "input_border_color_focus": "var(--seal)",
    "input_border_color_hover": "var(--line-strong)",
    "input_placeholder_color": "var(--faint)",
    "checkbox_background_color": "var(--wall)",
    "checkbox_background_color_selected": "var(--seal-fill)",
    "checkbox_background_color_focus": "var(--wall)",
    "checkbox_background_color_hover": "var(--hover)",
    "checkbox_border_color": "var(--line-strong)",
    "checkbox_border_color_focus": "var(--seal)",
    "checkbox_border_color_hover": "var(--line-strong)",
    "checkbox_border_color_selected": "var(--seal-fill)",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_hover": "var(--hover)",
    "checkbox_label_background_fill_selected": "var(--wash)",
    "checkbox_label_border_color": "var(--line)",
    "checkbox_label_border_color_selected": "var(--seal)",
    "checkbox_label_text_color": "var(--soft)",
    "checkbox_label_text_color_selected": "var(--text)",
    "button_primary_background_fill": "var(--seal-fill)",
    "button_primary_background_fill_hover": "var(--seal-hover)",
    "button_primary_border_color": "transparent",
    "button_primary_border_color_hover": "transparent",
    "button_primary_text_color": "var(--seal-ink)",
    "button_primary_text_color_hover": "var(--seal-ink)",
    "button_secondary_background_fill": "var(--raised)",
    "button_secondary_background_fill_hover": "var(--hover)",
    "button_secondary_border_color": "var(--line)",
    "button_secondary_border_color_hover": "var(--line-strong)",
    "button_secondary_text_color": "var(--text)",
    "button_secondary_text_color_hover": "var(--text)",
    "button_cancel_background_fill": "var(--raised)",
    "button_cancel_background_fill_hover": "var(--hover)",
    "button_cancel_text_color": "var(--text)",
    "error_background_fill": "var(--raised)",
    "error_border_color": "var(--seal)",
    "error_text_color": "var(--text)",
    "error_icon_color": "var(--seal)",
    "loader_color": "var(--seal)",
    "slider_color": "var(--seal)",
    "accordion_text_color": "var(--soft)",
    "shadow_drop": "none",
    "shadow_drop_lg": "none",
    "shadow_inset": "none",
    "shadow_spread": "0px",
}

# Shapes: no nested boxes. The page's own rules draw the remaining lines.
SHAPES = {
    "block_border_width": "0px",
    "block_label_border_width": "0px",
    "block_padding": "0px",
    "block_shadow": "none",
    "block_label_shadow": "none",
    "panel_border_width": "0px",
    "layout_gap": "0px",
    "form_gap_width": "0px",
    "input_border_width": "1px",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "input_padding": "8px 12px",
    "checkbox_shadow": "none",
    "checkbox_label_shadow": "none",
    "button_border_width": "1px",
    "button_primary_shadow": "none",
    "button_primary_shadow_hover": "none",
    "button_primary_shadow_active": "none",
    "button_secondary_shadow": "none",
    "button_secondary_shadow_hover": "none",
    "button_secondary_shadow_active": "none",
    "button_transform_hover": "none",
    "button_transform_active": "none",
    "button_transition": "background-color var(--quick)",
    "block_title_text_weight": "400",
    "block_label_text_weight": "400",
    "button_large_text_weight": "600",
    "button_medium_text_weight": "400",
}


def paper() -> Base:
    """Gradio's theme for this page."""
    theme = Base(
        primary_hue=CINNABAR,
        secondary_hue=colors.stone,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        font=SANS,
        font_mono=MONO,
    )
    known = {name for name in vars(theme) if not name.startswith("_")}
    for name, value in (TOKENS | SHAPES).items():
        setattr(theme, name, value)
        if f"{name}_dark" in known:
            setattr(theme, f"{name}_dark", value)
    return theme
