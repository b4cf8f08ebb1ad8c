"""One run of the demo from beginning to end.

Guarantees: what is returned was seen in this run; if the stage cannot be set, an error says so and no report pretends.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

from janee.demo.jobs import do_jobs
from janee.demo.looks import leaking_files, look_everywhere
from janee.demo.processes import DemoError
from janee.demo.report import Report
from janee.demo.thefts import try_thefts
from janee.demo.world import World, make_world


def run_demo(progress: Callable[[str], None], *, keep: bool = False) -> Report:
    """Run it all; about half a minute. progress: is told what happens. keep: leave the temporary directory.

    Raises DemoError if it cannot be carried out (something is missing, or does not start).
    """
    started = time.monotonic()
    progress("starting a git server, an API, an Authority and a Runner")
    try:
        with make_world(keep=keep) as world:
            progress(f"all runs under {world.root}; the agent does its work")
            jobs = do_jobs(world)
            progress("searching every process for the credential while a command has it")
            sightings = look_everywhere(world)
            progress("the agent turns thief")
            thefts = tuple(try_thefts(world))
            progress("reading the audit log")
            audit, is_intact = _audit(world)
            return Report(jobs, thefts, sightings, leaking_files(world), audit, is_intact, time.monotonic() - started)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"`{error.cmd[0]}` did not end within {error.timeout:.0f} s") from None


def _audit(world: World) -> tuple[tuple[dict[str, object], ...], bool]:
    lines = world.janee("audit", "tail", "-n", "1000", "--json").splitlines()
    try:
        world.janee("audit", "verify")
    except DemoError:
        return tuple(map(json.loads, lines)), False
    return tuple(map(json.loads, lines)), True
