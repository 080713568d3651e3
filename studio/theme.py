"""Gradio's theme in the studio's colours: every variable points at a token of static/css/tokens.css.

The tokens know light and dark themselves, so both variants of a variable are the same reference.
"""

from typing import Any

from gradio.themes import Base, Size

TEXT = Size(name="text_studio", xxs="11px", xs="11px", sm="12px", md="13px", lg="15px", xl="18px", xxl="24px")
SPACING = Size(name="spacing_studio", xxs="2px", xs="4px", sm="4px", md="8px", lg="8px", xl="12px", xxl="16px")
RADIUS = Size(name="radius_studio", xxs="4px", xs="4px", sm="4px", md="6px", lg="6px", xl="10px", xxl="10px")

TOKENS = {
    "body_background_fill": "bg",
    "body_text_color": "text",
    "body_text_color_subdued": "text-muted",
    "background_fill_primary": "surface",
    "background_fill_secondary": "surface-sunken",
    "border_color_primary": "border",
    "border_color_accent": "accent",
    "block_background_fill": "surface",
    "block_border_color": "border",
    "block_label_background_fill": "surface",
    "block_label_text_color": "text-muted",
    "block_title_text_color": "text-muted",
    "block_info_text_color": "text-faint",
    "panel_background_fill": "surface",
    "panel_border_color": "border",
    "input_background_fill": "surface-sunken",
    "input_background_fill_focus": "surface-sunken",
    "input_border_color": "border-control",
    "input_border_color_focus": "focus",
    "input_border_color_hover": "border-control",
    "input_placeholder_color": "text-faint",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent-hover",
    "button_primary_border_color": "accent",
    "button_primary_border_color_hover": "accent-hover",
    "button_primary_text_color": "accent-text",
    "button_primary_text_color_hover": "accent-text",
    "button_secondary_background_fill": "surface",
    "button_secondary_background_fill_hover": "hover",
    "button_secondary_border_color": "border-strong",
    "button_secondary_border_color_hover": "border-strong",
    "button_secondary_text_color": "text",
    "button_secondary_text_color_hover": "text",
    "checkbox_background_color": "surface-sunken",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "border-control",
    "checkbox_border_color_selected": "accent",
    "checkbox_label_background_fill": "surface",
    "checkbox_label_background_fill_hover": "hover",
    "checkbox_label_background_fill_selected": "accent-soft",
    "checkbox_label_border_color": "border",
    "checkbox_label_text_color": "text",
    "checkbox_label_text_color_selected": "text",
    "color_accent_soft": "accent-soft",
    "link_text_color": "accent",
    "link_text_color_hover": "accent-hover",
    "slider_color": "accent",
    "loader_color": "accent",
    "error_background_fill": "danger-soft",
    "error_border_color": "danger",
    "error_text_color": "danger",
}

SHAPES = {
    "block_border_width": "0px",
    "block_padding": "0px",
    "block_shadow": "none",
    "block_radius": "var(--ct-radius-lg)",
    "block_title_text_size": "var(--ct-text-sm)",
    "block_title_text_weight": "var(--ct-weight-medium)",
    "button_large_padding": "0 16px",
    "button_large_text_size": "var(--ct-text-md)",
    "button_large_text_weight": "var(--ct-weight-medium)",
    "button_large_radius": "var(--ct-radius-md)",
    "input_padding": "6px 10px",
    "input_text_size": "var(--ct-text-md)",
    "input_radius": "var(--ct-radius-md)",
    "layout_gap": "var(--ct-space-4)",
    "shadow_drop": "none",
    "button_primary_shadow": "none",
    "button_secondary_shadow": "none",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 2px var(--ct-accent-soft)",
}


def studio_theme() -> Base:
    """The theme; fonts are the system's own, so nothing is fetched."""
    theme = Base(
        text_size=TEXT,
        spacing_size=SPACING,
        radius_size=RADIUS,
        font=["var(--ct-font)"],
        font_mono=["var(--ct-font-mono)"],
    )
    both: dict[str, Any] = dict(SHAPES)
    for variable, token in TOKENS.items():
        both[variable] = f"var(--ct-{token})"
    dark = {f"{name}_dark": value for name, value in both.items() if hasattr(theme, f"{name}_dark")}
    return theme.set(**both, **dark)
