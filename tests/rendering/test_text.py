"""Text as a terminal shows it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from costmodel.rendering.text import json_visible


@given(st.text())
def test_json_on_a_terminal_means_the_same_and_has_no_control_characters(text: str) -> None:
    shown = json_visible(json.dumps({"text": text}, ensure_ascii=False, indent=1))
    assert json.loads(shown) == {"text": text}
    assert all(c.isprintable() for c in shown if c != "\n")
