"""What pydantic finds, said in the desk's words: what is wrong, and what would be right.

The value itself is never repeated: it may be a secret, or hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MISSING = ("is missing", "give a value for this field")
_MOMENT = "a moment with its zone, such as 2026-11-24T08:00:00Z"
_DAY = "a day such as 2026-11-24"
_PLAIN: Mapping[str, tuple[str, str]] = {
    "missing": MISSING,
    "missing_argument": MISSING,
    "union_tag_not_found": MISSING,
    "extra_forbidden": (
        "is not a field that is known here",
        "leave it out, or see the API document",
    ),
    "json_invalid": ("is not valid JSON", "one JSON document"),
    "json_type": ("is not valid JSON", "one JSON document"),
    "string_type": ("is not text", "text"),
    "string_unicode": ("holds characters that cannot be stored", "ordinary text"),
    "bytes_type": ("is not text", "text"),
    "bool_type": ("is neither true nor false", "true or false"),
    "bool_parsing": ("is neither true nor false", "true or false"),
    "int_type": ("is not a whole number", "a whole number"),
    "int_parsing": ("is not a whole number", "a whole number"),
    "int_from_float": ("is not a whole number", "a whole number"),
    "int_parsing_size": ("is too large", "a smaller number"),
    "float_type": ("is not a number", "a number"),
    "float_parsing": ("is not a number", "a number"),
    "finite_number": ("is not a finite number", "a number"),
    "uuid_type": ("is not an id", "an id such as 019ab0c2-7d0e-7c31-9f0a-3f5d7f1f2a10"),
    "uuid_parsing": ("is not an id", "an id such as 019ab0c2-7d0e-7c31-9f0a-3f5d7f1f2a10"),
    "timezone_aware": ("has no zone", _MOMENT),
    "datetime_type": ("is not a moment", _MOMENT),
    "datetime_parsing": ("is not a moment", _MOMENT),
    "datetime_from_date_parsing": ("is not a moment", _MOMENT),
    "datetime_object_invalid": ("is not a moment", _MOMENT),
    "date_type": ("is not a day", _DAY),
    "date_parsing": ("is not a day", _DAY),
    "date_from_datetime_parsing": ("is not a day", _DAY),
    "date_from_datetime_inexact": ("is not a day", _DAY),
    "list_type": ("is not a list", "a list"),
    "tuple_type": ("is not a list", "a list"),
    "dict_type": ("is not an object", "an object with fields"),
    "mapping_type": ("is not an object", "an object with fields"),
    "model_type": ("is not an object", "an object with fields"),
    "model_attributes_type": ("is not an object", "an object with fields"),
    "path_type": ("is not a path", "the path of a file"),
}
EMAIL = r"^[^@\s]+@[^@\s]+$"
_CHOICES: Mapping[str, str] = {
    "literal_error": "expected",
    "enum": "expected",
    "union_tag_invalid": "expected_tags",
}
"""Where each says what it knows."""
_FORMS: Mapping[str, str] = {EMAIL: "an address such as erika@example.org"}
"""What a pattern means, for those to whom it is a riddle."""
_BOUNDS: Mapping[str, tuple[str, str, str]] = {
    "greater_than_equal": ("is too small", "ge", "at least {}"),
    "greater_than": ("is too small", "gt", "more than {}"),
    "less_than_equal": ("is too large", "le", "at most {}"),
    "less_than": ("is too large", "lt", "less than {}"),
    "multiple_of": ("is not a multiple", "multiple_of", "a multiple of {}"),
    "string_too_long": ("is too long", "max_length", "at most {} characters"),
    "string_too_short": ("is too short", "min_length", "at least {} characters"),
    "too_long": ("is too long", "max_length", "at most {} {}"),
    "too_short": ("is too short", "min_length", "at least {} {}"),
    "string_pattern_mismatch": ("does not have the right form", "pattern", "text of the form {}"),
}


def words_of(error: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong and what would be right, for one of `ValidationError.errors()`."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "string_pattern_mismatch" and context["pattern"] in _FORMS:
        return "does not have the right form", _FORMS[context["pattern"]]
    if kind in _BOUNDS:
        wrong, name, right = _BOUNDS[kind]
        # A text that a validator of ours looks at first is a mere "Value" for pydantic.
        unit = "characters" if context.get("field_type") == "Value" else "items"
        bound = context[name]
        return wrong, right.format(f"{bound:g}" if isinstance(bound, float) else bound, unit)
    if kind in _CHOICES:
        choice = re.findall(r"'([^']+)'", context[_CHOICES[kind]])
        return "is not one of those that are known", f"one of: {', '.join(choice)}"
    if kind == "value_error":
        # Raised by a validator of ours, so the sentence is ours.
        return "is not valid", str(context.get("error", "another value"))[:300]
    return "does not fit", "a value as the API document describes it"
