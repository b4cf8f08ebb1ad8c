"""http (HTTPie): requests to the service's hosts.

Denied throughout: other hosts, `http://` where the service has https, sessions and credentials on the command line, proxies, following
redirects, client keys, unverified servers, and printing the request (it shows the credential). A name without a scheme would be
http, so it is denied for `http`. Facts: http(1), 3.2.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import ARGPARSE
from janee.profiles.types import BUILT_IN, either, matching, ordinary, parts, without

GRAMMAR: Final = r"""
%all
-j --json
-f --form
--multipart
--boundary NAME
--raw TEXT @write
-x --compress
--pretty {all|colors|format|none}
-s --style NAME
--unsorted
--sorted
--response-charset NAME
--response-mime WORD
--format-options WORD
-p --print SHOWN
-h --headers
-m --meta
-b --body
-v --verbose ! prints the credential
--all ! prints the credential
-P --history-print TEXT ! prints the credential
-S --stream
-o --output PATH
-d --download
-c --continue
-q --quiet
--session TEXT ! keeps credentials in a file
--session-read-only TEXT ! reads credentials that the agent wrote
-a --auth TEXT ! puts a secret on the command line
-A --auth-type TEXT ! runs a program (a plugin)
--ignore-netrc
--offline ! prints the credential
--proxy TEXT ! moves the credential
-F --follow ! moves the credential (a redirect may lead elsewhere)
--max-redirects INT
--max-headers INT
--timeout NUMBER
--check-status
--path-as-is ! is no everyday work
--chunked
--verify {yes|true}
--ssl {tls1.2|tls1.3}
--ciphers TEXT ! weakens the encryption
--cert TEXT ! reads files outside the workspace
--cert-key TEXT ! reads files outside the workspace
--cert-key-pass TEXT ! puts a secret on the command line
-I --ignore-stdin
--help
--manual ! runs a program
--version
--traceback ! prints the credential
--default-scheme {https}
--debug ! prints the credential

[] read
use: all
args: LOOKS TARGET [QUERY...]

[] write
use: all
args: CHANGES TARGET [ITEM...]

[] read
use: all
args: TARGET [QUERY...]

[] write
use: all
args: TARGET [ITEM...]

[] read
use: all
needs: --help --version
"""

_CONTROL_HEADERS: Final = (
    r"^(?:host|proxy-[\w-]*|authorization|cookie2?|x-http-method(?:-override)?|x-method-override|x-forwarded-[\w-]+|forwarded|"
    r"x-original-[\w-]+|x-rewrite-[\w-]+|connection|transfer-encoding|content-length|te|trailer|upgrade|x-amz-security-token)\s*[:;]"
)
_KEY: Final = r"[A-Za-z0-9_.\[\]-]{1,200}"
_REST: Final = r"[^\x00-\x1f\x7f]{0,3500}"
_FILE: Final = ordinary(BUILT_IN["PATH"])
# The first separator behind the name decides what an item is (http(1), REQUEST_ITEM); no name here holds a backslash.
_HEADER: Final = without(
    matching(rf"[A-Za-z][A-Za-z0-9-]{{0,100}}(?::(?![=@]){_REST}|;)", "a header Name:value"),
    (_CONTROL_HEADERS, "this header moves, replaces or frames the request"),
)
_QUERY: Final = either(matching(rf"{_KEY}==(?!@){_REST}", "a parameter name==value"), _HEADER)
_ITEM: Final = either(
    matching(rf"{_KEY}=(?![=@]){_REST}", "a field name=value"),
    matching(rf"{_KEY}:=(?!@){_REST}", "a field name:=json"),
    parts(rf"{_KEY}(?:==?|:=)?@([^;]{{1,400}})(?:;type=[\w.+-]+/[\w.+-]+)?", "a file name@path", _FILE),
    _QUERY,
)

PROFILE: Final = Profile(
    tool="http",
    about="HTTP requests to the service's hosts (HTTPie)",
    syntax=ARGPARSE,
    grammar=GRAMMAR,
    types={
        "TARGET": BUILT_IN["URL"],
        "LOOKS": matching("(?i)get|head|options", "a method that looks"),
        "CHANGES": matching("(?i)post|put|patch|delete", "a method that changes"),
        "QUERY": _QUERY,
        "ITEM": _ITEM,
        # H is the request's headers, the credential among them
        "SHOWN": matching("[hbm]{1,3}", "parts of the answer (h, b, m)"),
    },
    harden=Hardening(
        env=MappingProxyType({"HTTPIE_CONFIG_DIR": "/nonexistent"}),
        insert=("--ignore-netrc",),
    ),
    companions={"api.github.com": ("github.com",)},
    delivery="secretless",
    source="http(1), HTTPie 3.2",
)
