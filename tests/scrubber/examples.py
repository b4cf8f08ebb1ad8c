"""One command for each row of the scrubber's tables: it writes the secret in that form. Run by bash; $SECRET is the secret."""

import os
import subprocess
from typing import Final, NamedTuple

TOKEN: Final = "ghp_9fK2xQ7LmZ3vT8bN1cR6wY4sD5hJ0aUeGiPo"
ODD: Final = "p4s/W+rd 'é\"<&$1=\\9"
KEY: Final = (
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
    "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu\n"
    "-----END PRIVATE KEY-----\n"
)
DATABASE: Final = "postgres://app:Tr0ub4dor-3x@db.internal:5432/main"


class Example(NamedTuple):
    """leak: what must not be left in the output; by default nothing of the secret may be in it but the marker."""

    command: str
    secret: str = TOKEN


EXAMPLES: Final[dict[str, Example]] = {
    "raw": Example('printf "token=%s\\n" "$SECRET"'),
    "base64": Example('printf "user:%s" "$SECRET" | base64 -w0'),
    "base64-twice": Example('printf "user:%s" "$SECRET" | base64 -w0 | base64 -w0'),
    "base64-utf16": Example('printf %s "$SECRET" | iconv -t UTF-16LE | base64 -w0'),
    "base32": Example('printf "id=%s;" "$SECRET" | base32 -w0'),
    "hex": Example('printf %s "$SECRET" | xxd -p -c0'),
    "twice": Example('printf "%s\\n" "$SECRET" | rev | base64 -w0'),
    "ebcdic": Example('printf "%s\\n" "$SECRET" | dd conv=ebcdic status=none'),
    "base85": Example("python3 -c 'import os, base64; print(base64.b85encode(os.environb[b\"SECRET\"]).decode())'"),
    "charsets": Example('printf "%s\\n" "$SECRET" | iconv -t ISO-8859-1', "zw\u00f6lf-K\u00f6nige-und-S\u00f6hne"),
    "words": Example('printf %s "$SECRET" | od -An -x -w80'),
    "numbers": Example('printf %s "$SECRET" | od -An -tu1 -w80 | sed "s/  */, /g"'),
    "percent": Example('printf %s "$SECRET" | jq -sRr @uri', ODD),
    "json": Example("jq -nc '{k: $ENV.SECRET} | tojson'", ODD),
    "quoted": Example("python3 -c 'import os; print([os.environ[\"SECRET\"]])'", ODD),
    "markup": Example('printf %s "$SECRET" | jq -sRr @html', ODD),
    "shell": Example('printf "%q\\n" "$SECRET"', "p4s/W+rd 'x\"<&$1=\\9"),
    "utf-16": Example('printf %s "$SECRET" | iconv -t UTF-16LE'),
    "reversed": Example('printf "%s\\n" "$SECRET" | rev'),
    "rot13": Example('printf "%s\\n" "$SECRET" | tr A-Za-z N-ZA-Mn-za-m'),
    "other-case": Example('printf "%s\\n" "${SECRET^^}"'),
    "numbered": Example('printf %s "$SECRET" | fold -w9 | cat -n'),
    "line-ends": Example("printf %s \"$SECRET\" | tr '\\n' ' '", KEY),
    "trimmed": Example('printf "[%s]\\n" "$(printf %s "$SECRET")"', TOKEN + "\n"),
    "parts": Example("printf '%s\\n' \"$SECRET\" | sed 's,.*:\\(.*\\)@.*,\\1,'", DATABASE),
    "lines": Example('printf %s "$SECRET" | sed -n 2p', KEY),
    "fragments": Example('printf "%s\\n" "$SECRET" | cut -c9-30'),
    "terminal": Example('printf "%s\\n" "$SECRET" | GREP_COLORS= grep --color=always -E "Q7L|wY4"'),
    "columns": Example('printf "key: %s" "$SECRET" | xxd'),
    "squeezed": Example('printf "user:%s" "$SECRET" | base64 -w20'),
}


def run(example: Example) -> bytes:
    """What the command writes."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "SECRET": example.secret}
    done = subprocess.run(
        ["bash", "-c", example.command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=20,
        check=True,
    )
    return done.stdout
