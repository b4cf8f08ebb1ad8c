"""The AWS command line with keys that are worth nothing: each request is signed anew, and the service checks the signature."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.authority.echo import Seen
from tests.authority.egress.test_aws import is_signed
from tests.e2e.secretless import CONFIG, CREDENTIAL, Handler, Place, place

ACCESS = "AKIAIOSFODNN7EXAMPLE"
AWS_CONFIG = CONFIG.replace("{{type: bearer}}", "{{type: aws-sigv4}}").replace(
    'env: {{TOKEN: "{{{{credential}}}}", BASIC: "{{{{basic:x-access-token}}}}"}}',
    'env: {{AWS_ACCESS_KEY_ID: "{{{{field:accessKeyId}}}}", AWS_SECRET_ACCESS_KEY: "{{{{field:secretAccessKey}}}}"}}',
)
PARTS = ("awscli", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "colorama", "docutils", "yaml", "_yaml",
         "six.py", "rsa", "pyasn1")  # fmt: skip


def unwrapped(body: bytes) -> bytes:
    """The contents of a body in aws-chunked coding."""
    contents = b""
    while True:
        line, _, body = body.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if not size:
            return contents
        contents, body = contents + body[:size], body[size + 2 :]


class Store(Handler):
    """As much of S3 as `aws s3 cp` and `ls` ask for."""

    objects: dict[str, bytes]

    def answer(self) -> None:
        body = self.body()
        seen = Seen(self.command, self.path, list(self.headers.items()), body)
        if ACCESS not in (seen.header("authorization") or "") or not is_signed(seen, CREDENTIAL):
            self.reply(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            return
        self.place.look()
        path = unquote(urlsplit(self.path).path)
        if self.command == "PUT":
            self.objects[path] = unwrapped(body) if self.headers.get("content-encoding") == "aws-chunked" else body
            self.reply(200)
        elif "list-type" in self.path:
            names = "".join(
                f"<Contents><Key>{name.split('/', 2)[2]}</Key><Size>{len(content)}</Size>"
                "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
                for name, content in self.objects.items()
            )
            self.reply(200, f"<ListBucketResult><Name>b</Name>{names}</ListBucketResult>".encode())
        elif path in self.objects:
            self.reply(200, self.objects[path], ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"), ("etag", '"x"'))
        else:
            self.reply(404, b"<Error><Code>NoSuchKey</Code></Error>")

    do_GET = do_PUT = do_HEAD = answer  # noqa: N815 - the library's names


def copy_of_aws(workspace: Path) -> None:
    """The AWS CLI that is installed here lies in somebody's home, which no sandbox shows: a copy of what is needed of it."""
    found = shutil.which("aws")
    shims = [Path(found).resolve()] if found else []
    roots = [path for shim in shims for path in shim.parent.parent.glob("versions/3.11*/lib/python3.11/site-packages")]
    roots += [path for shim in shims for path in shim.parent.parent.glob("lib/python3.11/site-packages")]
    root = next((root for root in roots if (root / "awscli").is_dir()), None)
    if root is None:
        pytest.skip("no AWS CLI for Python 3.11 is installed")
    for name in PARTS:
        source, target = root / name, workspace / "site" / name
        if source.is_file():
            target.write_bytes(source.read_bytes())
        elif source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("examples", "__pycache__", "endpoint-rule-set-1*"))
    rules = "botocore/data/s3/2006-03-01/endpoint-rule-set-1.json.gz"
    (workspace / "site" / rules).write_bytes((root / rules).read_bytes())


@pytest.fixture(scope="module")
def store(strict_sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    Store.objects = {}
    with place(tmp_path_factory.mktemp("aws"), Store, config=AWS_CONFIG, secrets=f"{ACCESS}\n{CREDENTIAL}\n") as opened:
        yield opened


def test_aws_s3(store: Place) -> None:
    copy_of_aws(store.workspace)
    aws = f"/usr/bin/python3 -m awscli --region eu-west-1 --endpoint-url {store.url} s3"
    done = store.sh(
        "export PYTHONPATH=$PWD/site AWS_CONFIG_FILE=$HOME/config AWS_EC2_METADATA_DISABLED=true\n"
        "printf '[default]\\ns3 =\\n  addressing_style = path\\n' > $AWS_CONFIG_FILE\n"
        "head -c 3000000 /dev/urandom > file\n"
        f"{aws} cp file s3://b/key 2>&1 && {aws} ls s3://b/ 2>&1 && {aws} cp s3://b/key back 2>&1 && cmp file back && echo same"
    )
    assert done["exitCode"] == 0 and done["stdout"].rstrip().endswith("same"), done
    assert store.authorized >= 3 and "3000000 key" in done["stdout"]


def test_curl_signs_too(store: Place) -> None:
    Store.objects["/b/k"] = b"contents"
    sign = '--aws-sigv4 aws:amz:eu-west-1:s3 -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"'
    done = store.sh(f"curl -sS {sign} {store.url}/b/k; curl -sS {sign.replace('ACCESS_KEY:', 'x')} {store.url}/b/k")
    if "--aws-sigv4" in done["stderr"]:
        pytest.skip("this curl does not know --aws-sigv4")
    assert done["stdout"].startswith("contents"), done
