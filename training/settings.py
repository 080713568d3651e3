"""Single numbers of a recipe, changed by name: for trials, and for those habits of the released code that have a switch.

In: a `Recipe`, and names with values as a person writes them. Out: another `Recipe`. Names are those of the fields of `Recipe`,
`Augmentation` and `TrainConfig`; each occurs once.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.errors import ConfigError
from training.recipes import Recipe

WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def changed(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """settings: "NAME=VALUE" each. ConfigError names what there is not, or what does not fit."""
    for text in settings:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise ConfigError(f'"{text}" is not NAME=VALUE.')
        recipe = _changed(recipe, name, value)
    return recipe


def _changed(recipe: Recipe, name: str, value: str) -> Recipe:
    for part in ("train", "augmentation"):
        holder = getattr(recipe, part)
        if name in _kinds(holder):
            return replace(recipe, **{part: replace(holder, **{name: _read(_kinds(holder)[name], name, value)})})
    if name in _kinds(recipe):
        return replace(recipe, **{name: _read(_kinds(recipe)[name], name, value)})
    known = sorted({*_kinds(recipe), *_kinds(recipe.train), *_kinds(recipe.augmentation)})
    raise ConfigError(f'There is no setting "{name}". Settings: {", ".join(known)}.')


def _kinds(holder: Any) -> dict[str, Any]:
    """The types of the fields that a word can set."""
    hints = get_type_hints(type(holder))
    return {
        each.name: hints[each.name]
        for each in fields(holder)
        if hints[each.name] in (bool, int, float, tuple[int, ...]) or get_origin(hints[each.name]) is Literal
    }


def _read(kind: Any, name: str, value: str) -> Any:
    if get_origin(kind) is Literal:
        known, wanted = dict(zip(get_args(kind), get_args(kind), strict=True)), ", ".join(get_args(kind))
        if value in known:
            return known[value]
    elif kind is bool:
        wanted = "true or false"
        if value.lower() in WORDS:
            return WORDS[value.lower()]
    else:
        numbers = kind == tuple[int, ...]
        wanted = "whole numbers with commas" if numbers else "a whole number" if kind is int else "a number"
        try:
            return tuple(map(int, value.split(","))) if numbers else kind(value)
        except ValueError:
            pass
    raise ConfigError(f'The setting "{name}" is "{value}", but must be {wanted}.')
