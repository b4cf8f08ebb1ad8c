"""ATTACKS A1 to A4 by real tools in a real `janee_exec`: each command gets the credential in its environment and writes it
down in another way. What the tool writes without Janee is the measure: of that, next to nothing may be left.

`gzip` and what else no form is known of is expected to pass (SECURITY.md says so); one test holds that to be true.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess

import pytest

from tests.runner.rig import SECRET, McpClient

TOOLS = (
    "base64",
    "base32",
    "basenc",
    "xxd",
    "od",
    "hexdump",
    "rev",
    "jq",
    "openssl",
    "perl",
    "awk",
    "iconv",
    "fold",
    "nl",
    "dd",
)
P = 'printf %s "$RIG_TOKEN"'
IMPORTS = "import base64, binascii, json, os, quopri, struct"
PYTHON = f"python3 -c '{IMPORTS}; s = os.environ[\"RIG_TOKEN\"]; b = s.encode(); {{}}'"

ENCODINGS = (
    *(
        f"{P} | base64",
        f"{P} | base64 -w20",
        'printf "user:%s" "$RIG_TOKEN" | base64',
        'printf "ab%s" "$RIG_TOKEN" | base64 -w0',
    ),
    *(
        f"{P} | base64 -w0 | base64 -w0",
        f"{P} | base32",
        f"{P} | base32 -w10",
        f"{P} | basenc --base64url",
        f"{P} | basenc --base32hex",
    ),
    *(f"{P} | head -c 32 | basenc --z85", f"{P} | basenc --base16", f"{P} | basenc --base2msbf", f"{P} | basenc --base2lsbf"),
    *(f"{P} | base64 -w13 | sed 's/^/# /'", f"{P} | base64 -w7 | sed 's/^/    | /'"),
    *(f"{P} | xxd", f"{P} | xxd -p", f"{P} | xxd -i", f"{P} | xxd -b", f"{P} | xxd -e", f"{P} | xxd -c5", f"{P} | xxd -p -c1"),
    *(
        f"{P} | od {flags}"
        for flags in ("", "-b", "-c", "-a", "-i", "-l", "-x", "-d", "-t d1", "-t x8", "-t u4", "-t d4", "-t o8")
    ),
    *(
        f"{P} | od {flags}"
        for flags in ("-t f4", "-t f8", "-A x -t x1z", "-An -tx1", "-An -tu1", "--endian=big -t x4", "-w7 -t o1")
    ),
    *(f"{P} | hexdump {flags}" for flags in ("", "-C", "-b", "-c", "-d", "-o", "-x", """-v -e '/1 "%02x~"'""")),
    *(f"{P} | rev", f"{P} | rev | base64", f"{P} | base64 -w0 | rev", f"{P} | rev | xxd -p", f"{P} | base64 | xxd -p"),
    *(f"{P} | xxd -p | base64", f"{P} | xxd -p | rev"),
    *(
        f"{P} | jq -sRr {code}"
        for code in ("@base64", "@uri", "'@base64|@uri'", "@html", "@sh", "@json", "'[.]|@csv'", "tojson")
    ),
    *(
        f"{P} | jq -sR {code}"
        for code in ("explode", "'explode|map(-.)'", "'split(\"\")'", "'explode|reverse|implode'", "ascii_upcase")
    ),
    *(f"{P} | openssl base64", f"{P} | openssl enc -base64 -A"),
    *(f"{P} | iconv -t {code}" for code in ("UTF-16LE", "UTF-16", "UTF-32BE", "UTF-32")),
    f"{P} | dd conv=ebcdic status=none",
    *(
        f"{P} | sed 's/./& /g'",
        f"{P} | sed 's/./&~@~/g'",
        f"{P} | fold -w1",
        f"{P} | fold -w7 | sed 's/^/> /'",
        f"{P} | sed -n 'l 20'",
    ),
    *(f"{P} | tr A-Za-z N-ZA-Mn-za-m", f"{P} | tr '!-~' 'P-~!-O'", f"{P} | tr a-z A-Z", f"{P} | cat -A"),
    *("""awk 'BEGIN { s = ENVIRON["RIG_TOKEN"]; n = split(s, a, ""); for (i = 1; i <= n; i++) printf "%s;", a[i] }'""",),
    *(
        """awk 'BEGIN { print toupper(ENVIRON["RIG_TOKEN"]) }'""",
        """awk 'BEGIN { print substr(ENVIRON["RIG_TOKEN"], 1, 20) }'""",
    ),
    *(
        f"perl -e '{code}'"
        for code in (
            'print unpack("H*", $ENV{RIG_TOKEN})',
            'print unpack("h*", $ENV{RIG_TOKEN})',
            'print unpack("B*", $ENV{RIG_TOKEN})',
            'print pack("u", $ENV{RIG_TOKEN})',
            'printf "%vd", $ENV{RIG_TOKEN}',
            "print quotemeta $ENV{RIG_TOKEN}",
            "print scalar reverse $ENV{RIG_TOKEN}",
            'print map { sprintf "=%02X", ord } split //, $ENV{RIG_TOKEN}',
            'print map { sprintf "%%25%02x", ord } split //, $ENV{RIG_TOKEN}',
            'print map { sprintf "\\\\x{%x} ", ord } split //, $ENV{RIG_TOKEN}',
            "print ucfirst lc $ENV{RIG_TOKEN}",
        )
    ),
    *(
        PYTHON.format(code)
        for code in (
            "print(list(b))",
            'print(*map(ord, s), sep="\\n")',
            'print(*map(hex, b), sep=" : ")',
            "print(*map(bin, b), *map(oct, b))",
            'print(int.from_bytes(b, "big"))',
            'print("".join("&#%d;" % c for c in b))',
            'print("".join("\\\\u{%x}" % c for c in b))',
            'print("".join("\\\\U%08x" % c for c in b))',
            'print("".join("%%%02X" % c for c in b))',
            "print(base64.a85encode(b), base64.b85encode(b))",
            "print(base64.b64encode(s.encode('utf-16-le')).decode())".replace("'", '"'),
            "print(binascii.b2a_uu(b))",
            'print(quopri.encodestring(b"=" + b).decode())',
            "print(json.dumps(json.dumps([s, {s: s}])))",
            'print(s[::2] + "|" + s[1::2]) if 0 else print("\\u200b".join(s), "\\ufeff" + s)',
            'print(struct.unpack(">%dH" % (len(b) // 2), b[: len(b) // 2 * 2]))',
        )
    ),
)

SPLITS = (
    f"{P} | cut -c1-20; echo; {P} | cut -c8-",
    'printf %s "${RIG_TOKEN%????????????????}"; printf %s "${RIG_TOKEN#??????????????????}" >&2',
    'a=${RIG_TOKEN%????????????????}; printf %s "$a"; sleep 0.4; printf %s "${RIG_TOKEN#"$a"}"',
    'printf %s "${RIG_TOKEN%????}"; kill -9 $$',
    f"{P} | sed 's/./&\\x1b[0m/g'",
    f"{P} | sed 's/./X\\x08&/g'",
    f"{P} | dd bs=1 status=none",
)

OVERLAPS = (
    'printf "%s%s%s" "$RIG_TOKEN" "$RIG_TOKEN" "$RIG_TOKEN"',
    'printf "%s%s" "${RIG_TOKEN%??????????}" "$RIG_TOKEN"',
    'printf "$%s&\\\\1$0" "$RIG_TOKEN"',
)

OTHER_EXITS = (
    '"/nonexistent/$RIG_TOKEN"',
    'cat "/tmp/$RIG_TOKEN"',
    'cd /tmp && touch "$RIG_TOKEN.txt" && ls -l',
    'cd /tmp && mkdir -p "$RIG_TOKEN/x" && find . -path "*/x"',
    "python3 -c 'import os; raise SystemExit(os.environ[\"RIG_TOKEN\"])'",
    "python3 -c 'import os; {}[os.environ[\"RIG_TOKEN\"]]'",
    'set -x; : "$RIG_TOKEN"',
    "env",
    "cat /proc/self/environ",
    "export -p",
)


def left(text: str) -> int:
    """Letters and digits that a reader gets, markers not counted."""
    return len(re.sub(r"[^A-Za-z0-9]", "", text.replace("[REDACTED]", "")))


def needs(command: str) -> None:
    missing = [tool for tool in TOOLS if re.search(rf"(?<![\w@])({tool})(?= |$)", command) and shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def without_janee(command: str) -> str:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "RIG_TOKEN": SECRET}
    done = subprocess.run(
        ["sh", "-c", command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=30,
    )
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize("command", ENCODINGS)
def test_no_tool_writes_the_credential_in_another_way(client: McpClient, command: str) -> None:
    needs(command)
    result = client.exec("sh", "-c", command)
    assert result["scrubHits"] >= 1, result
    out = result["stdout"] + result["stderr"]
    assert SECRET not in out
    assert left(out) <= max(12, 0.3 * left(without_janee(command))), out


@pytest.mark.parametrize("command", SPLITS + OVERLAPS)
def test_neither_splits_nor_overlaps_let_it_out(client: McpClient, command: str) -> None:
    result = client.exec("sh", "-c", command)
    assert result["scrubHits"] >= 1, result
    assert left(result["stdout"] + result["stderr"]) <= 6, result


def test_halves_in_two_executions_are_masked(client: McpClient) -> None:
    first = client.exec("sh", "-c", 'printf %s "$RIG_TOKEN" | cut -c1-17')
    second = client.exec("sh", "-c", 'printf %s "$RIG_TOKEN" | cut -c18-')
    assert left(first["stdout"] + second["stdout"]) == 0, (first, second)


@pytest.mark.parametrize("command", OTHER_EXITS)
def test_errors_and_names_of_files_do_not_carry_it(client: McpClient, command: str) -> None:
    result = client.exec("sh", "-c", command)
    assert "[REDACTED]" in result["stdout"] + result["stderr"], result
    text = str(result)
    assert not any(SECRET[at : at + 16] in text for at in range(len(SECRET) - 15))


def test_progress_and_other_notifications_do_not_carry_it(client: McpClient) -> None:
    client.call(
        "janee_exec",
        {"capability": "run", "command": ["sh", "-c", 'for i in 1 2 3; do echo "$RIG_TOKEN" >&2; sleep 0.1; done']},
    )
    text = str(client.notifications) + str(client.strays)
    assert not any(SECRET[at : at + 8] in text for at in range(len(SECRET) - 7))


def test_compressed_output_passes_as_documented(client: McpClient) -> None:
    result = client.exec("sh", "-c", 'printf %s "$RIG_TOKEN" | gzip -n | od -An -v -tx1')
    assert gzip.decompress(bytes.fromhex(result["stdout"])) == SECRET.encode()
