"""`python -m perfectcv_traffic` and the console script."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from perfectcv_traffic.cli import ahead
    from perfectcv_traffic.garbage import collect_no_more

    ahead.set_up(sys.argv[1:])
    with ahead.begun(sys.argv[1:]):
        from perfectcv_traffic.cli.app import main as run

        code = run()
    collect_no_more()
    sys.exit(code)


if __name__ == "__main__":
    main()
