"""The families of argument parsers. A profile names one, or a `dataclasses.replace` of one."""

from __future__ import annotations

from typing import Final

from janee.profiles._model import Syntax

GNU: Final = Syntax("GNU getopt_long")  # options anywhere, clusters, -ovalue, --option=value
POSIX: Final = Syntax("POSIX getopt", permute=False)  # the first operand ends the options
GIT: Final = Syntax("git parse-options", inherit=False)
COBRA: Final = Syntax("Go pflag (Cobra)", short_equals=True, flag_values=True)
DOCKER: Final = Syntax("Go pflag (Docker)", short_equals=True, flag_values=True, inherit=False)
GOFLAG: Final = Syntax(  # terraform, older Go tools: -option=value, no clusters
    "Go flag", permute=False, clusters=False, attached=False, short_equals=True, single_dash=True, flag_values=True
)
URFAVE: Final = Syntax("urfave/cli", clusters=False, attached=False, short_equals=True, flag_values=True, inherit=False)
ARGPARSE: Final = Syntax("Python argparse", dash_values=False)
CLICK: Final = Syntax("Python click", inherit=False)
CLAP: Final = Syntax("Rust clap", short_equals=True, dash_values=False)
NOPT: Final = Syntax("npm's nopt", clusters=False, attached=False, flag_values=True, dash_values=False)
NODE: Final = Syntax("Node (commander, yargs, oclif)", short_equals=True, dash_values=False)
CURL: Final = Syntax("curl", equals=False, terminator=False)
