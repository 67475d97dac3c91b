"""`python -m perfectcv_traffic` and the console script."""

import os
import sys

_SERVING = "demo"
"""The command that serves an application, perhaps somebody's: it finds Python as it is."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    if sys.argv[1:2] != [_SERVING]:
        _set_up()
    from perfectcv_traffic.cli import ahead
    from perfectcv_traffic.garbage import collect_no_more

    with ahead.begun(sys.argv[1:]):
        from perfectcv_traffic.cli.app import main as run

        code = run()
    collect_no_more()
    sys.exit(code)


def _set_up() -> None:
    """Everything that holds for a whole process, before what it is about is loaded."""
    from perfectcv_traffic.garbage import collect_seldom

    collect_seldom()
    # No linear algebra here; and only a process of one thread can be forked to read logs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from perfectcv_traffic.store import library

    library.set_up_sqlite()
    library.keep_memory()


if __name__ == "__main__":
    main()
