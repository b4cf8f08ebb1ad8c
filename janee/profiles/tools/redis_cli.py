"""redis-cli: commands for the service's Redis.

Denied throughout: passwords on the command line, other hosts and sockets, following a cluster's redirections, copies of the whole data
set, sessions on standard input, scripts, modules, replication, configuration and debugging (ways to files and programs of the server).
A command's name may be in lower or in upper case. Facts: redis-cli --help, 7.0; the commands' reference, 7.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import POSIX
from janee.profiles.types import BUILT_IN, matching, parts, port, without

_OPTIONS: Final = r"""
[] read
-h HOST
-p PORT
-s TEXT ! moves the credential
-a TEXT ! puts a secret on the command line
--pass TEXT ! puts a secret on the command line
--user NAME
--askpass ! waits for a person
-u ADDRESS
-r INT
-i NUMBER
-n INT
-2
-3
-x @write
-X WORD @write
-d TEXT
-D TEXT
-c ! moves the credential (a redirection may lead elsewhere)
-e
-t NUMBER
-4
-6
--tls
--sni HOST
--cacert TEXT ! moves the credential
--cacertdir TEXT ! moves the credential
--insecure ! moves the credential
--cert TEXT ! reads files outside the workspace
--key TEXT ! reads files outside the workspace
--tls-ciphers TEXT ! weakens the encryption
--tls-ciphersuites TEXT ! weakens the encryption
--raw
--no-raw
--quoted-input
--csv
--json
--quoted-json
--show-pushes {yes|no|y|n}
--stat
--latency
--latency-history
--latency-dist
--lru-test TEXT ! is no everyday work
--slave --replica ! copies the whole data set
--rdb TEXT ! copies the whole data set
--functions-rdb TEXT ! writes a file under any name
--pipe ! sends commands that cannot be read here
--pipe-timeout INT
--bigkeys
--memkeys
--memkeys-samples INT
--keystats
--hotkeys
--scan
--pattern TEXT
--count INT
--quoted-pattern TEXT
--cursor INT
--top INT
--intrinsic-latency INT
--eval TEXT ! runs a script on the server
--ldb ! runs a script on the server
--ldb-sync-mode ! runs a script on the server
--cluster TEXT... ! changes the cluster
--verbose
--no-auth-warning
--test_hint TEXT ! is no everyday work
--test_hint_file TEXT ! reads files outside the workspace
--help
-v --version
needs: --scan --bigkeys --memkeys --keystats --hotkeys --stat --latency --latency-history --latency-dist --intrinsic-latency --help -v --version
"""

# What only looks.
_READ: Final = (
    "get mget strlen exists ttl pttl expiretime pexpiretime type keys scan randomkey dump touch hget hgetall hmget hkeys hvals hlen "
    "hexists hscan hstrlen hrandfield llen lindex lrange lpos smembers sismember smismember scard sscan srandmember sinter sunion "
    "sdiff sintercard zrange zrevrange zrangebyscore zrevrangebyscore zrangebylex zrevrangebylex zscore zmscore zcard zcount "
    "zlexcount zrank zrevrank zscan zrandmember zinter zunion zdiff zintercard xrange xrevrange xlen xread xpending ping echo dbsize "
    "info time role lastsave getrange substr bitcount getbit bitpos bitfield_ro sort_ro pfcount geopos geodist geohash geosearch "
    "georadius_ro georadiusbymember_ro lcs lolwut select wait ft.search ft.info ft.aggregate ft._list ft.explain ft.tagvals "
    "json.get json.mget json.type json.strlen json.arrlen json.arrindex json.objkeys json.objlen json.resp ts.get ts.range ts.mrange "
    "ts.info ts.queryindex bf.exists bf.mexists bf.info cf.exists cf.info cms.query cms.info topk.list topk.query topk.info "
    "readonly readwrite"
)
# What changes some keys.
_WRITE: Final = (
    "set setex psetex setnx mset msetnx append incr incrby incrbyfloat decr decrby getset getdel getex setrange hset hmset hsetnx "
    "hdel hincrby hincrbyfloat hexpire hpersist httl lpush rpush lpushx rpushx lpop rpop lmpop lrem ltrim lset linsert lmove "
    "rpoplpush sadd srem spop smove sinterstore sunionstore sdiffstore zadd zrem zincrby zpopmin zpopmax zmpop zremrangebyscore "
    "zremrangebyrank zremrangebylex zunionstore zinterstore zdiffstore zrangestore xadd xdel xtrim xack xclaim xautoclaim "
    "xreadgroup del unlink expire pexpire expireat pexpireat persist rename renamenx copy publish spublish setbit bitop bitfield "
    "pfadd pfmerge geoadd geosearchstore georadius sort json.set json.mset json.del json.merge json.arrappend json.arrpop "
    "json.numincrby json.strappend json.toggle json.clear ts.add ts.madd ts.create ts.incrby bf.add bf.madd bf.reserve cf.add "
    "cms.incrby cms.initbydim topk.add topk.reserve ft.create ft.sugadd"
)
_ADMIN: Final = "flushdb flushall swapdb bgsave save bgrewriteaof ft.dropindex move restore failover"
_DENIED: Final = (
    ("runs a script on the server", "eval evalsha eval_ro evalsha_ro script fcall fcall_ro function"),
    ("reconfigures the server, or loads code into it", "module debug slaveof replicaof psync sync replconf shutdown"),
    ("moves data to another server", "migrate"),
    ("puts a secret on the command line", "auth hello"),
    ("shows what others send", "monitor"),
    ("waits without end", "subscribe psubscribe ssubscribe blpop brpop blmove brpoplpush bzpopmin bzpopmax blmpop bzmpop"),
    ("is no everyday work", "multi exec discard watch unwatch reset quit pfdebug pfselftest asking restore-asking"),
)
# Container commands: name, and of each subcommand the preset it needs. What is not here is denied.
_GROUPS: Final = (
    ("object", "encoding idletime freq refcount help", "", ""),
    ("memory", "usage stats doctor help", "", "purge"),
    ("xinfo", "stream groups consumers help", "", ""),
    ("xgroup", "", "create createconsumer delconsumer", "destroy setid"),
    ("command", "count docs info list getkeys help", "", ""),
    ("client", "id getname info list no-evict", "setname", "kill pause unpause"),
    ("slowlog", "get len help", "", "reset"),
    ("latency", "latest history doctor graph histogram help", "", "reset"),
    ("cluster", "info nodes slots shards myid keyslot countkeysinslot getkeysinslot links", "", ""),
    ("pubsub", "channels numsub numpat shardchannels shardnumsub", "", ""),
    ("acl", "whoami cat help", "", ""),
    ("module", "list", "", ""),
)


def _both(name: str) -> str:
    return f"{name}|{name.upper()}"


def _grammar() -> str:
    lines = [_OPTIONS]
    for preset, names in (("read", _READ), ("write", _WRITE), ("admin", _ADMIN)):
        lines.extend(f"[{_both(name)}] {preset}\nargs: [WORDS...]" for name in names.split())
    for reason, names in _DENIED:
        lines.extend(f"[{_both(name)}] ! {reason}" for name in names.split() if name != "module")
    for group, *presets in _GROUPS:
        for preset, names in zip(("read", "write", "admin"), presets, strict=True):
            lines.extend(f"[{_both(group)} {_both(name)}] {preset}\nargs: [WORDS...]" for name in names.split())
    lines.append(f"[{_both('config')} {_both('get')}] read\nargs: SETTING...")
    return "\n".join(lines)


GRAMMAR: Final = _grammar()

PROFILE: Final = Profile(
    tool="redis-cli",
    about="commands for Redis",
    # The first word that is no option begins the command; from there on all is the command's.
    syntax=replace(POSIX, clusters=False, attached=False, equals=False, terminator=False, inherit=False),
    grammar=GRAMMAR,
    types={
        # To redis-cli these are the command's; to a reader of the line, and to a later version, they are options.
        "WORDS": without(
            BUILT_IN["TEXT"],
            (r"^(?!-inf\Z)--?[a-z]", "it looks like an option; those stand before the command"),
        ),
        "PORT": port(6379),
        "ADDRESS": without(
            parts(
                r"(?:redis|rediss)://(?:[\w.-]+@)?([A-Za-z0-9.-]+)(?::(\d{1,5}))?(?:/\d{0,4})?",
                "redis://HOST",
                BUILT_IN["HOST"],
                port(6379),
            ),
            (r"://[^/@]*:[^/@]*@", "it puts a secret on the command line"),
        ),
        # requirepass, masterauth, tls-key-file-pass and every pattern that finds them stay out.
        "SETTING": without(
            matching(r"[a-z][a-z0-9*-]{2,60}", "a setting's name"),
            (r"pass|auth|user|^[a-z]{0,2}\*|^req|^mast|^tls|\*.*\*", "it could show a password"),
        ),
    },
    harden=Hardening(
        env={"REDISCLI_HISTFILE": "/dev/null", "REDISCLI_RCFILE": "/dev/null"},
    ),
    delivery="env",
    credentials=("REDISCLI_AUTH",),
    source="redis-cli --help, 7.0; commands' reference, 7.4",
)
