"""`python -m perfectcv_traffic` and the console script."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from perfectcv_traffic.cli import standard_streams
    from perfectcv_traffic.garbage import collect_no_more

    standard_streams.open_missing()
    try:
        code = _run()
    except KeyboardInterrupt:  # before there was a command to end
        from perfectcv_traffic.errors import ExitCode

        sys.stderr.write("perfectcv-traffic: interrupted\n")
        code = ExitCode.INTERRUPTED
    except Exception as error:
        from perfectcv_traffic.cli import defect

        code = defect.tell(error)
    standard_streams.let_go_of_unwritable()
    collect_no_more()
    sys.exit(code)


def _run() -> int:
    from perfectcv_traffic.cli import ahead

    ahead.set_up(sys.argv[1:])
    with ahead.begun(sys.argv[1:]):
        from perfectcv_traffic.cli.app import main as run

        return run()


if __name__ == "__main__":
    main()
