"""`python -m perfectcv_traffic` and the console script."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from perfectcv_traffic.store import library

    library.set_up_sqlite()  # before it is used for the first time
    library.keep_memory()
    if sys.argv[1:2] == ["ingest"]:
        from perfectcv_traffic.store import helper

        helper.start_early(sys.argv[2:])  # it starts while the command line is loaded
    from perfectcv_traffic.cli.app import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
