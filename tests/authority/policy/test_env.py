"""Environment templates: what may be set, and which placeholders fit which service."""

from __future__ import annotations

import pytest

from janee.authority.policy._env import EnvError, compile_env
from janee.config.schema import Auth, AuthType

BEARER = Auth(AuthType.BEARER, ("key",))
BASIC = Auth(AuthType.BASIC, ("username", "password"))
HEADERS = Auth(AuthType.HEADERS, ("X-Key", "X-Secret"))


@pytest.mark.parametrize(
    ("auth", "text"),
    [
        (BEARER, "{{credential}}"),
        (BEARER, "Bearer {{ apiKey }}"),
        (BEARER, "{{basic:x-access-token}}"),
        (BEARER, "{{field:key}}"),
        (BEARER, "no placeholder"),
        (BASIC, "{{username}}:{{password}}"),
        (BASIC, "{{basic}}"),
        (BASIC, "{{credential}}"),
        (HEADERS, "{{field:X-Secret}}"),
    ],
)
def test_a_placeholder_that_fits_compiles(auth: Auth, text: str) -> None:
    (template,) = compile_env({"TOKEN": text}, auth)
    assert template.name == "TOKEN"


@pytest.mark.parametrize(
    ("auth", "text"),
    [
        (BEARER, "{{username}}"),
        (BEARER, "{{basic}}"),
        (BEARER, "{{unknown}}"),
        (BEARER, "{{field:other}}"),
        (BEARER, "{{field}}"),
        (BEARER, "{{credential"),
        (BEARER, "credential}}"),
        (BEARER, "{{cred ential}}"),
        (BEARER, "a\0b"),
        (HEADERS, "{{credential}}"),
    ],
)
def test_a_placeholder_that_does_not_fit_is_an_error(auth: Auth, text: str) -> None:
    with pytest.raises(EnvError):
        compile_env({"TOKEN": text}, auth)


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD",
        "ld_preload",
        "PATH",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "NODE_OPTIONS",
        "BASH_ENV",
        "BASH_FUNC_ls%%",
        "GIT_SSH_COMMAND",
        "GIT_SSH",
        "GIT_ASKPASS",
        "GIT_EXEC_PATH",
        "GIT_CONFIG_GLOBAL",
        "PAGER",
        "EDITOR",
        "HTTPS_PROXY",
        "all_proxy",
        "JANEE_API_KEY",
        "PERL5OPT",
        "HOME",
        "A B",
        "1A",
        "A=B",
        "",
        "Ä",
    ],
)
def test_a_variable_that_runs_code_or_moves_traffic_is_refused(name: str) -> None:
    with pytest.raises(EnvError):
        compile_env({name: "x"}, BEARER)


@pytest.mark.parametrize(
    "name", ["GH_TOKEN", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_12", "GIT_SSL_CAINFO", "PGPASSWORD"]
)
def test_variables_that_tools_need_are_taken(name: str) -> None:
    assert compile_env({name: "{{credential}}"}, BEARER)[0].name == name
