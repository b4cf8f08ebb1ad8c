"""curl: requests to the service's hosts.

Denied throughout: configuration files, proxies and every other way to another place, following redirects with credentials to
elsewhere, client keys, variables (they read the environment), traces (they show the credential), files outside the workspace, and
every scheme but the service's. curl takes no `=` in long options, and a short option's value may be attached. Facts: curl(1), 8.14.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import CURL
from janee.profiles.types import BUILT_IN, matching, without

GRAMMAR: Final = r"""
[] read
-V --version
-h --help
-M --manual
-q --disable
-# --progress-bar
-0 --http1.0
--http1.1
--http2
--http2-prior-knowledge
--http3
--http3-only
--http0.9 ! is no everyday work
-1 --tlsv1
--tlsv1.0
--tlsv1.1
--tlsv1.2
--tlsv1.3
--tls-max {1.2|1.3|default}
-2 --sslv2 ! weakens the encryption
-3 --sslv3 ! weakens the encryption
-4 --ipv4
-6 --ipv6
-a --append ! is no everyday work
-A --user-agent WORD
--alpn
--no-alpn
--anyauth
--basic
--digest
--ntlm ! moves the credential
--negotiate ! moves the credential
--ntlm-wb ! runs a program
-b --cookie COOKIE
-c --cookie-jar PATH
-B --use-ascii
--compressed
--no-compressed
--compressed-ssh
-C --continue-at WORD
--connect-timeout NUMBER
-m --max-time NUMBER
--connect-to TEXT ! moves the credential
--resolve TEXT ! moves the credential
--haproxy-protocol ! is no everyday work
--haproxy-clientip TEXT ! is no everyday work
-x --proxy TEXT ! moves the credential
--proxy1.0 TEXT ! moves the credential
--preproxy TEXT ! moves the credential
--socks4 TEXT ! moves the credential
--socks4a TEXT ! moves the credential
--socks5 TEXT ! moves the credential
--socks5-hostname TEXT ! moves the credential
--socks5-basic ! moves the credential
--socks5-gssapi ! moves the credential
--socks5-gssapi-service TEXT ! moves the credential
--socks5-gssapi-nec ! moves the credential
-p --proxytunnel ! moves the credential
-U --proxy-user TEXT ! moves the credential
--proxy-header TEXT ! moves the credential
--proxy-anyauth ! moves the credential
--proxy-basic ! moves the credential
--proxy-digest ! moves the credential
--proxy-insecure ! moves the credential
--proxy-ntlm ! moves the credential
--proxy-negotiate ! moves the credential
--noproxy TEXT ! moves the credential
--unix-socket TEXT ! moves the credential
--abstract-unix-socket TEXT ! moves the credential
--interface TEXT ! moves the credential
--local-port TEXT ! is no everyday work
--dns-servers TEXT ! moves the credential
--dns-interface TEXT ! moves the credential
--dns-ipv4-addr TEXT ! moves the credential
--dns-ipv6-addr TEXT ! moves the credential
--doh-url TEXT ! moves the credential
--doh-insecure ! moves the credential
--doh-cert-status ! is no everyday work
--ipfs-gateway TEXT ! moves the credential
--alt-svc TEXT ! moves the credential
--hsts TEXT ! is no everyday work
--ech TEXT ! moves the credential
--proto-redir WORD ! moves the credential
-L --location ! moves the credential (a redirect may lead elsewhere)
--no-location
--location-trusted ! moves the credential
--follow ! moves the credential (a redirect may lead elsewhere)
--max-redirs INT
--post301 @write
--post302 @write
--post303 @write
-k --insecure ! moves the credential
--cacert TEXT ! moves the credential
--capath TEXT ! moves the credential
--ca-native
--crlfile TEXT ! is no everyday work
--pinnedpubkey TEXT ! is no everyday work
--cert-status
-E --cert TEXT ! reads files outside the workspace
--cert-type TEXT ! is no everyday work
--key TEXT ! reads files outside the workspace
--key-type TEXT ! is no everyday work
--pass TEXT ! puts a secret on the command line
--engine TEXT ! runs a program
--ciphers TEXT ! weakens the encryption
--tls13-ciphers TEXT ! weakens the encryption
--curves TEXT ! weakens the encryption
--sigalgs TEXT ! weakens the encryption
--ssl ! weakens the encryption
--ssl-reqd
--ssl-allow-beast ! weakens the encryption
--ssl-no-revoke ! weakens the encryption
--ssl-revoke-best-effort ! weakens the encryption
--no-sessionid
--tls-earlydata ! is no everyday work
--false-start
-K --config TEXT ! reads configuration, which names other hosts and files
--variable TEXT ! reads the environment or files
--expand-url TEXT ! moves the credential
--expand-data TEXT ! moves the credential
--expand-data-raw TEXT ! moves the credential
--expand-header TEXT ! moves the credential
--expand-output TEXT ! moves the credential
--expand-user TEXT ! moves the credential
-d --data DATA @write
--data-ascii DATA @write
--data-binary DATA @write
--data-raw TEXT @write
--data-urlencode URLENCODE @write
--json DATA @write
--url-query URLENCODE
-F --form FORM @write
--form-string TEXT @write
--form-escape
-G --get
-I --head
-X --request {GET|HEAD|OPTIONS|POST@write|PUT@write|PATCH@write|DELETE@write}
--request-target TEXT ! moves the credential
-T --upload-file UPLOAD @write
--upload-flags WORD ! is no everyday work
-H --header HEADER
-e --referer WORD
--url URL
--oauth2-bearer TEXT ! puts a secret on the command line
-u --user TEXT ! puts a secret on the command line
--aws-sigv4 TEXT ! is no everyday work
--delegation TEXT ! moves the credential
--login-options TEXT ! is no everyday work
--sasl-authzid TEXT ! is no everyday work
--sasl-ir ! is no everyday work
--service-name TEXT ! is no everyday work
-n --netrc ! reads credentials that the agent wrote
--netrc-file TEXT ! reads credentials that the agent wrote
--netrc-optional ! reads credentials that the agent wrote
--tlsuser TEXT ! is no everyday work
--tlspassword TEXT ! puts a secret on the command line
--tlsauthtype TEXT ! is no everyday work
--proto PROTO
--proto-default {https}
-f --fail
--fail-early
--fail-with-body
-g --globoff
-i --include
--show-headers
-D --dump-header PATH
-j --junk-session-cookies
-J --remote-header-name ! writes a file under any name
--keepalive-time NUMBER
--keepalive-cnt INT
--no-keepalive
--limit-rate WORD
--rate WORD
--max-filesize WORD
-N --no-buffer
-o --output OUTFILE
-O --remote-name
--remote-name-all
--output-dir PATH
--create-dirs
--create-file-mode INT
--no-clobber
--skip-existing
--remove-on-error
-R --remote-time
--xattr
-z --time-cond WORD
--etag-compare PATH
--etag-save PATH
--path-as-is
-r --range WORD
--raw
--retry INT
--retry-all-errors
--retry-connrefused
--retry-delay NUMBER
--retry-max-time NUMBER
-s --silent
--no-silent
-S --show-error
-v --verbose ! prints the credential
--trace TEXT ! prints the credential
--trace-ascii TEXT ! prints the credential
--trace-config TEXT ! prints the credential
--trace-ids ! prints the credential
--trace-time ! prints the credential
--stderr PATH
--styled-output
--no-styled-output
--no-progress-meter
-w --write-out WRITEOUT
-Y --speed-limit INT
-y --speed-time INT
-Z --parallel
--parallel-immediate
--parallel-max INT
--parallel-max-host INT
-: --next
--tcp-fastopen
--tcp-nodelay
--tr-encoding
--expect100-timeout NUMBER
--happy-eyeballs-timeout-ms INT
--ignore-content-length
--suppress-connect-headers
--disallow-username-in-url
--libcurl TEXT ! prints the credential
--egd-file TEXT ! is no everyday work
--random-file TEXT ! is no everyday work
-P --ftp-port TEXT ! listens for connections
-Q --quote TEXT ! runs commands on the server
-t --telnet-option TEXT ! is no everyday work
-l --list-only ! is no everyday work
--mail-from TEXT ! moves data to another place
--mail-rcpt TEXT ! moves data to another place
--mail-auth TEXT ! moves data to another place
--hostpubmd5 TEXT ! is no everyday work
--hostpubsha256 TEXT ! is no everyday work
--pubkey TEXT ! reads files outside the workspace
--krb TEXT ! is no everyday work
--ip-tos TEXT ! is no everyday work
--vlan-priority TEXT ! is no everyday work
--metalink ! moves the credential
--sslv1 ! weakens the encryption
args: [URL...]
"""

_CONTROL_HEADERS: Final = (
    r"^\s*(?:host|proxy-[\w-]*|authorization|cookie2?|x-http-method(?:-override)?|x-method-override|x-forwarded-[\w-]+|forwarded|"
    r"x-original-[\w-]+|x-rewrite-[\w-]+|connection|transfer-encoding|content-length|te|trailer|upgrade|x-amz-security-token)\s*[:;]"
)

PROFILE: Final = Profile(
    tool="curl",
    about="HTTP requests to the service's hosts",
    syntax=CURL,
    grammar=GRAMMAR,
    types={
        # One line `Name: value`; `@file` reads a file, a line break smuggles a second header.
        "HEADER": without(
            matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}(?::[^\x00-\x1f\x7f]{0,3000}|;)", "a header `Name: value`"),
            (_CONTROL_HEADERS, "this header moves, replaces or frames the request"),
        ),
        "COOKIE": matching(r"[A-Za-z0-9_.-]{1,100}=[^\x00-\x1f\x7f@]{0,3000}", "a cookie NAME=VALUE (files are not read)"),
        # curl(1), --data-urlencode: content, =content, name=content, @file, name@file
        "URLENCODE": without(BUILT_IN["TEXT"], (r"^[^=]*@", "it reads a file")),
        # curl(1), --form: name=content, name=@file, name=<file; `;headers=@…`, more files after commas
        "FORM": matching(
            r"[A-Za-z0-9_.\[\]-]{1,100}=(?:[^@<(;\x00-\x1f\x7f][^;\x00-\x1f\x7f]{0,3000}|@[\w][\w.-]{0,100}(?:/[\w][\w.-]{0,100}){0,8}"
            r"(?:;(?:type=[\w.+-]+/[\w.+-]+|filename=[\w.-]+)){0,2}|)",
            "NAME=VALUE or NAME=@PATH in the workspace",
        ),
        "WRITEOUT": without(BUILT_IN["TEXT"], (r"^@|%output\{", "it reads or writes a file")),
        "UPLOAD": without(BUILT_IN["PATH"], (r"[{}\[\]]", "a pattern names several files")),
        # `#1` stands for what a pattern in the URL matched, `../` included
        "OUTFILE": without(BUILT_IN["PATH"], (r"#", "its name would depend on the URL")),
        "PROTO": matching(r"=?https?(?:,https?)?", "https"),
    },
    harden=Hardening(
        env={"CURL_HOME": "/nonexistent"},
        insert=("-q", "--proto", "=https,http", "--proto-redir", "=https"),
        programs=(),
    ),
    companions={"api.github.com": ("github.com",)},
    delivery="secretless",
    source="curl(1), 8.14",
)
