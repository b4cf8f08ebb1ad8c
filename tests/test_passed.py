"""Which variables may pass from the Runner's environment to a command, and with which values."""

from __future__ import annotations

import pytest

from janee.errors import JaneeError
from janee.passed import FORMS, passed

DANGEROUS_TEXT = (
    "PATH HOME SHELL EDITOR VISUAL PAGER GIT_PAGER BROWSER IFS ENV BASH_ENV LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT "
    "PYTHONPATH PYTHONSTARTUP NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS PERL5LIB PERL5OPT RUBYOPT RUBYLIB "
    "GIT_SSH_COMMAND GIT_CONFIG_COUNT GIT_DIR SSH_AUTH_SOCK SSH_ASKPASS http_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY "
    "NO_PROXY TMPDIR LOCPATH NLSPATH GCONV_PATH TERMINFO TERMCAP TZDIR HOSTALIASES SSL_CERT_FILE CURL_CA_BUNDLE "
    "KUBECONFIG PGHOST PGSERVICE DOCKER_HOST AWS_PROFILE AWS_ENDPOINT_URL NPM_CONFIG_REGISTRY PIP_INDEX_URL "
    "JANEE_API_KEY GH_TOKEN GH_HOST JAVA_TOOL_OPTIONS MAKEFLAGS XDG_CONFIG_HOME "
)
DANGEROUS = DANGEROUS_TEXT.split()


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_dangerous_variable_is_not_on_the_list(name: str) -> None:
    assert name not in FORMS
    with pytest.raises(JaneeError, match="none that is passed on"):
        passed([name], {name: "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANG", "de_DE.UTF-8"),
        ("LANGUAGE", "de:en"),
        ("LC_ALL", "C"),
        ("TZ", "Europe/Berlin"),
        ("TZ", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("TERM", "xterm-256color"),
        ("CI", "true"),
        ("NO_COLOR", ""),
        ("GITHUB_REF_NAME", "feature/größe"),
    ],
)
def test_an_everyday_value_passes(name: str, value: str) -> None:
    assert passed([name], {name: value, "PATH": "/evil"}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANG", "../../tmp/evil"),
        ("LANG", "/tmp/evil"),
        ("LANGUAGE", "x/../../evil"),
        ("TZ", ":/tmp/evil"),
        ("TZ", "/tmp/evil"),
        ("TZ", "Europe/../../../tmp/evil"),
        ("TERM", "../evil"),
        ("TERM", "x/y"),
        ("CI", "a\nb"),
        ("CI", "$(id)"),
        ("GITHUB_REF_NAME", "a\nb"),
        ("GITHUB_REF_NAME", "a\x00b"),
        ("GITHUB_REF_NAME", "a\x1b[2J"),
        ("GITHUB_REF_NAME", "ä" * 513),
        ("LANG", "C\n"),
    ],
)
def test_a_value_of_another_form_is_refused_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(JaneeError) as caught:
        passed([name], {name: value})
    assert caught.value.code == "ENVIRONMENT_REFUSED" and value not in str(caught.value) + caught.value.hint


def test_what_is_not_set_is_left_out() -> None:
    assert passed(["LANG", "TZ"], {"TZ": "UTC"}) == {"TZ": "UTC"}
