"""`python bench/sandbox.py`: see sandbox_bench, which has a name of its own so that a zygote can import it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve()
    sys.path[0] = str(here.parents[1])  # not bench/: it would hide the package `sandbox` behind this file
    sys.path.append(str(here.parent))
    from sandbox_bench import main

    main()
