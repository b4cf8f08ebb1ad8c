"""wget: downloads from the service's hosts.

Denied throughout: `--execute` (a line of configuration), configuration files, programs that are asked for passwords, proxies, other
hosts, lists of URLs from files, client keys, unverified servers, debugging output (it shows the credential), and names chosen by the
server. Redirects are followed only as far as the sandbox's network goes. Facts: wget(1), 1.21.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GNU
from janee.profiles.types import BUILT_IN, listed, matching, ordinary, without

# What is named `-nv` is two letters behind one dash; a cluster of `-n` and a letter is the same.
GRAMMAR: Final = r"""
[] read
-V --version
-h --help
-b --background ! outlives the command
-e --execute TEXT ! reads configuration, which runs programs
-o --output-file PATH
-a --append-output PATH
-d --debug ! prints the credential
-q --quiet
-v --verbose
-nv --no-verbose
-nc --no-clobber
-nd --no-directories
-nH --no-host-directories
-np --no-parent
--clobber
--directories
--report-speed[={bits}]
-i --input-file TEXT ! names other hosts in a file
--input-metalink TEXT ! names other hosts in a file
--metalink-over-http ! moves the credential
--metalink-index TEXT ! is no everyday work
--preferred-location TEXT ! is no everyday work
-F --force-html
-B --base URL
--config TEXT ! reads configuration, which runs programs
--no-config
--rejected-log PATH
-t --tries INT
--retry-connrefused
--retry-on-host-error
--retry-on-http-error CODES
-O --output-document PATH
--no-netrc
--netrc ! reads credentials that the agent wrote
-c --continue
--start-pos INT
--progress WORD
--show-progress
--no-show-progress
-N --timestamping
--no-timestamping
--no-if-modified-since
--no-use-server-timestamps
-S --server-response
--spider
-T --timeout NUMBER
--dns-timeout NUMBER
--connect-timeout NUMBER
--read-timeout NUMBER
-w --wait DURATION
--waitretry NUMBER
--random-wait
--no-proxy
--proxy[=TEXT] ! moves the credential
-Y TEXT ! moves the credential
-Q --quota WORD
--bind-address TEXT ! moves the credential
--bind-dns-address TEXT ! moves the credential
--dns-servers TEXT ! moves the credential
--limit-rate WORD
--no-dns-cache
--restrict-file-names[=WORD]
--ignore-case
-4 --inet4-only
-6 --inet6-only
--prefer-family {none|IPv4|IPv6}
--user TEXT ! puts a secret on the command line
--password TEXT ! puts a secret on the command line
--ask-password ! waits for a person
--use-askpass[=TEXT] ! runs a program
--no-iri
--iri
--local-encoding NAME
--remote-encoding NAME
--unlink
--xattr
-x --force-directories
--protocol-directories
-P --directory-prefix PATH
--cut-dirs INT
--http-user TEXT ! puts a secret on the command line
--http-password TEXT ! puts a secret on the command line
--http-passwd TEXT ! puts a secret on the command line
--no-cache
--cache
--default-page NAME
-E --adjust-extension --html-extension
--ignore-length
--header HEADER
--compression {auto|gzip|none}
--max-redirect INT
--proxy-user TEXT ! moves the credential
--proxy-password TEXT ! moves the credential
--referer URL
--save-headers
-U --user-agent WORD
--no-http-keep-alive
--no-cookies
--cookies
--load-cookies TEXT ! reads credentials that the agent wrote
--save-cookies PATH
--keep-session-cookies
--post-data TEXT @write
--post-file POSTFILE @write
--method {GET|HEAD|OPTIONS|POST@write|PUT@write|PATCH@write|DELETE@write}
--body-data TEXT @write
--body-file POSTFILE @write
--content-disposition ! writes a file under any name
--trust-server-names ! writes a file under any name
--content-on-error
--auth-no-challenge
--secure-protocol {auto|TLSv1_2|TLSv1_3|PFS}
--https-only
--no-check-certificate ! moves the credential
--check-certificate[={on|quiet}] ! moves the credential
--certificate TEXT ! reads files outside the workspace
--certificate-type TEXT ! is no everyday work
--private-key TEXT ! reads files outside the workspace
--private-key-type TEXT ! is no everyday work
--ca-certificate TEXT ! moves the credential
--ca-directory TEXT ! moves the credential
--crl-file TEXT ! is no everyday work
--pinnedpubkey TEXT ! is no everyday work
--random-file TEXT ! is no everyday work
--egd-file TEXT ! is no everyday work
--ciphers TEXT ! weakens the encryption
--hsts ! is no everyday work
--no-hsts
--hsts-file TEXT ! writes a file under any name
--ftp-user TEXT ! puts a secret on the command line
--ftp-password TEXT ! puts a secret on the command line
--ftp-stmlf ! is no everyday work
--no-remove-listing ! is no everyday work
--no-glob ! is no everyday work
--no-passive-ftp ! is no everyday work
--preserve-permissions ! is no everyday work
--retr-symlinks ! writes a file under any name
--ftps-implicit ! is no everyday work
--ftps-resume-ssl ! is no everyday work
--ftps-clear-data-connection ! weakens the encryption
--ftps-fallback-to-ftp ! weakens the encryption
--warc-file TEXT ! prints the credential
--warc-header TEXT ! is no everyday work
--warc-max-size TEXT ! is no everyday work
--warc-cdx ! is no everyday work
--warc-dedup TEXT ! is no everyday work
--warc-tempdir TEXT ! is no everyday work
--no-warc-compression
--no-warc-digests
--no-warc-keep-log
-r --recursive
-l --level LEVEL
--delete-after
-k --convert-links
--convert-file-only
--backups[=INT]
-K --backup-converted
-m --mirror
-p --page-requisites
--strict-comments
-A --accept TEXT
-R --reject TEXT
--accept-regex TEXT
--reject-regex TEXT
--regex-type {posix|pcre}
-D --domains HOST+
--exclude-domains TEXT
--follow-ftp ! is no everyday work
--follow-tags WORD
--ignore-tags WORD
-H --span-hosts ! moves the credential (to other hosts)
-L --relative
-I --include-directories TEXT
-X --exclude-directories TEXT
--no-parent
args: [URL...]
"""

_CONTROL_HEADERS: Final = (
    r"^\s*(?:host|proxy-[\w-]*|authorization|cookie2?|x-http-method(?:-override)?|x-method-override|x-forwarded-[\w-]+|forwarded|"
    r"x-original-[\w-]+|x-rewrite-[\w-]+|connection|transfer-encoding|content-length|te|trailer|upgrade|x-amz-security-token)\s*:"
)

PROFILE: Final = Profile(
    tool="wget",
    about="downloads from the service's hosts",
    syntax=GNU,
    grammar=GRAMMAR,
    types={
        "HEADER": without(
            matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}:[^\x00-\x1f\x7f]{0,3000}", "a header `Name: value`"),
            (_CONTROL_HEADERS, "this header moves, replaces or frames the request"),
        ),
        "POSTFILE": ordinary(BUILT_IN["PATH"]),
        "CODES": listed(matching(r"\d{3}", "a status")),
        "LEVEL": matching(r"\d{1,4}|inf", "a depth"),
    },
    harden=Hardening(
        env={"WGETRC": "/dev/null", "SYSTEM_WGETRC": "/dev/null"},
        insert=("--no-config", "--no-hsts", "--no-netrc"),
    ),
    companions={"api.github.com": ("github.com",)},
    delivery="secretless",
    source="wget(1), 1.21",
)
