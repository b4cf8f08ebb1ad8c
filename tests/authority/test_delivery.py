"""What the command gets, and that all of it is scrubbed."""

from __future__ import annotations

import base64

import pytest

from janee.authority.delivery import StandIns, build_content, scrub_values
from janee.authority.policy._env import compile_env
from janee.config.schema import Auth, AuthType, Delivery
from janee.errors import StoreError
from janee.secret import Secret

BEARER = Auth(AuthType.BEARER, ("key",))
BASIC = Auth(AuthType.BASIC, ("username", "password"))
KEY = Secret("ghp_0123456789abcdef")
PAIR = {"username": Secret("octocat"), "password": Secret("hunter2hunter2")}


def test_templates_are_filled_and_what_is_derived_is_scrubbed() -> None:
    env = {"A": "{{credential}}", "B": "Authorization: Basic {{basic:x-access-token}}", "C": "plain"}
    content = build_content(compile_env(env, BEARER), BEARER, {"key": KEY})
    pair = base64.b64encode(b"x-access-token:" + KEY.expose())
    assert content.env == {"A": KEY, "B": Secret(b"Authorization: Basic " + pair), "C": Secret("plain")}
    assert content.scrub_values == (KEY, Secret(pair))


def test_the_parts_and_the_pair_of_a_basic_credential() -> None:
    env = {"U": "{{username}}", "P": "{{password}}", "H": "{{basic}}", "F": "{{field:password}}"}
    content = build_content(compile_env(env, BASIC), BASIC, PAIR)
    assert content.env["U"] == PAIR["username"] and content.env["P"] == content.env["F"] == PAIR["password"]
    assert content.scrub_values == (PAIR["password"], Secret(base64.b64encode(b"octocat:hunter2hunter2")))


def test_a_user_name_that_is_a_key_is_scrubbed() -> None:
    long_name = Secret("AC0123456789abcdef0123456789abcdef")
    assert long_name in scrub_values(BASIC, PAIR | {"username": long_name})
    assert scrub_values(BASIC, {"username": Secret("sk_live_1"), "password": Secret("")}) == (Secret("sk_live_1"),)


def test_a_secret_too_short_to_scrub_is_refused_without_being_shown() -> None:
    with pytest.raises(StoreError) as caught:
        scrub_values(BEARER, {"key": Secret("qzx")})
    assert caught.value.code == "SECRET_TOO_SHORT" and "qzx" not in str(caught.value) + caught.value.hint


STAND_INS = StandIns({"key": Secret("ghp_stand-in")}, Secret(bytes(32)))


def test_without_secrets_the_command_gets_placeholders_and_nothing_real_is_sealed() -> None:
    env = {"A": "{{credential}}", "B": "Basic {{basic:x-access-token}}", "C": "plain"}
    content = build_content(compile_env(env, BEARER), BEARER, {"key": KEY}, Delivery.SECRETLESS, STAND_INS)
    pair = Secret(base64.b64encode(b"x-access-token:ghp_stand-in"))
    assert content.env == {"A": Secret("ghp_stand-in"), "B": Secret(b"Basic " + pair.expose()), "C": Secret("plain")}
    assert (content.scrub_values, content.placeholders) == ((), (Secret("ghp_stand-in"), pair))
    assert content.egress_key == STAND_INS.egress_key


def test_a_public_user_name_needs_no_placeholder() -> None:
    stand_ins = StandIns({"password": Secret("stand-in-for-it")}, Secret(bytes(32)))
    content = build_content(
        compile_env({"H": "{{basic}}", "U": "{{username}}"}, BASIC), BASIC, PAIR, Delivery.SECRETLESS, stand_ins
    )
    assert content.env["H"] == Secret(base64.b64encode(b"octocat:stand-in-for-it"))
    assert content.env["U"] == PAIR["username"]


def test_with_files_only_what_holds_a_secret_is_one() -> None:
    env = {"CONFIG": "token: {{credential}}", "MODE": "plain"}
    content = build_content(compile_env(env, BEARER), BEARER, {"key": KEY}, Delivery.FILE)
    assert content.files == {"CONFIG": Secret(b"token: " + KEY.expose())}
    assert (content.env, content.scrub_values) == ({"MODE": Secret("plain")}, (KEY,))


def test_placeholders_are_never_left_out_by_mistake() -> None:
    with pytest.raises(ValueError, match="placeholders"):
        build_content(compile_env({"A": "{{credential}}"}, BEARER), BEARER, {"key": KEY}, Delivery.SECRETLESS)
