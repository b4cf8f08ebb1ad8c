import inspect

import pytest

from janee import errors
from janee.errors import ExitCode, JaneeError

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, JaneeError)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_carries_code_message_hint_and_an_exit_code_that_is_not_success(kind: type[JaneeError]) -> None:
    error = kind("CODE", "the cause", "the next step")
    assert (error.code, str(error), error.hint) == ("CODE", "the cause", "the next step")
    assert ExitCode(kind.exit_code) is not ExitCode.OK


def test_exit_codes_are_the_published_ones() -> None:
    assert [(code.name, int(code)) for code in ExitCode] == [
        ("OK", 0),
        ("FAILURE", 1),
        ("USAGE", 2),
        ("DENIED", 3),
        ("APPROVAL_NEEDED", 4),
        ("UNREACHABLE", 5),
        ("SANDBOX_UNAVAILABLE", 6),
    ]


def test_the_tree_in_the_docstring_names_every_class() -> None:
    assert [kind.__name__ for kind in CLASSES if kind.__name__ not in (errors.__doc__ or "")] == []
