import copy
import json
import pickle

import pytest

from janee.secret import REDACTED, Secret

VALUE = "s3cr3t-value-0123456789"


@pytest.mark.parametrize(
    "show", [repr, str, "{}".format, "{:>40}".format, "{0!r}".format, lambda s: f"{[s]}", lambda s: f"{s!s}"]
)
def test_no_way_of_printing_shows_the_value(show) -> None:
    shown = show(Secret(VALUE))
    assert VALUE not in shown
    assert REDACTED in shown


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash, lambda s: {s: 1}, vars, iter])
def test_what_would_copy_the_value_out_raises(act) -> None:
    with pytest.raises(TypeError) as caught:
        act(Secret(VALUE))
    assert VALUE not in str(caught.value)


def test_equality_compares_values_and_only_with_secrets() -> None:
    assert Secret(VALUE) == Secret(VALUE.encode())
    assert Secret(VALUE) != Secret(VALUE + "x")
    assert Secret(VALUE) != VALUE


def test_expose_gives_bytes_and_text_back_even_when_not_utf8() -> None:
    raw = b"\xff\x00\x80abc"
    assert Secret(raw).expose() == raw
    assert Secret(Secret(raw).expose_text()).expose() == raw
    assert len(Secret(raw)) == 6
    assert not Secret(b"")
