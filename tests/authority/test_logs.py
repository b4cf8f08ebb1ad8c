"""What libraries log carries no stored secret, tracebacks included."""

from __future__ import annotations

import base64
import logging
import threading

import pytest

from janee.authority.logs import DROPPED, clean_logs
from janee.secret import Secret
from tests.authority.desk import Desk

TOKEN = "logged-T0ken-9fK2xQ7LmZ3vT8bN1cR6"


def store_token(desk: Desk) -> None:
    with desk.store.transaction() as tx:
        tx.put_secret("svc", "key", Secret(TOKEN), 0.0)


def test_records_and_tracebacks_are_scrubbed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    with clean_logs(desk.authority.masks):
        store_token(desk)  # a secret that was stored later counts too
        logging.getLogger("some.library").warning("sent %s", {"Authorization": f"Bearer {TOKEN}"})
        try:
            raise ValueError(base64.b64encode(f"me:{TOKEN}".encode()).decode())
        except ValueError:
            logging.getLogger("other").exception("it failed")
    err = capsys.readouterr().err
    assert err.count("[REDACTED]") == 2
    assert "janee: warning: sent" in err
    assert "Traceback" in err
    assert TOKEN not in err
    assert base64.b64encode(TOKEN[:12].encode()).decode() not in err


def test_other_threads_are_scrubbed_and_what_cannot_be_formatted_is_dropped(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    store_token(desk)
    with clean_logs(desk.authority.masks):
        thread = threading.Thread(target=lambda: logging.getLogger("x").error("in a thread: %s", TOKEN))
        thread.start()
        thread.join(10)
        logging.getLogger("x").error("%d", TOKEN)
    err = capsys.readouterr().err
    assert "in a thread: [REDACTED]" in err
    assert DROPPED in err
    assert TOKEN not in err


def test_the_root_logger_is_left_as_it_was(desk: Desk) -> None:
    before = logging.getLogger().handlers[:]
    with clean_logs(desk.authority.masks):
        assert len(logging.getLogger().handlers) == 1
    assert logging.getLogger().handlers == before
