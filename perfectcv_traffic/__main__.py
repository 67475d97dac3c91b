"""`python -m perfectcv_traffic` and the console script."""

import os
import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from perfectcv_traffic.garbage import collect_no_more, collect_seldom

    collect_seldom()  # before anything is loaded
    # No linear algebra here; and only a process of one thread can be forked to read logs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from perfectcv_traffic.cli import ahead
    from perfectcv_traffic.store import library

    library.set_up_sqlite()  # before it is used for the first time
    library.keep_memory()
    if sys.argv[1:2] == ["ingest"]:
        from perfectcv_traffic.store import helper

        helper.start_early(sys.argv[2:])  # it starts while the command line is loaded
    with ahead.begun(sys.argv[1:]):
        from perfectcv_traffic.cli.app import main as run

        code = run()
    collect_no_more()
    sys.exit(code)


if __name__ == "__main__":
    main()
